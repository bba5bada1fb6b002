"""Anchors: the chain's hashes, kept outside the database. Without them a cut-off end of the log, seals and all, is not seen.

One line for each seal: `sequence last_id hash time digest`. The file is only ever appended to. Lines that begin with # say
that the log or the file was not what it had been; the check reports them.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from audit import macs
from audit.models import AuditSeal, SealerState
from core.db import locked, retry_transaction

logger = logging.getLogger("audit")
TAIL = 4096  # bytes; a line is about 200


@dataclass(frozen=True)
class Anchor:
    """One line of the file."""

    sequence: int
    last_id: int
    hash: str
    at: str
    mac: str

    @property
    def text(self) -> str:
        return f"{self.sequence} {self.last_id} {self.hash} {self.at}"

    @property
    def is_genuine(self) -> bool:
        return macs.is_signed(macs.ANCHOR, self.text, self.mac)


def line_of(seal: AuditSeal) -> str:
    """Return the anchor of a seal."""
    text = f"{seal.sequence} {seal.last_id} {seal.hash} {macs.instant(seal.at)}"
    return f"{text} {macs.sign(macs.ANCHOR, text)}"


def parse(line: str) -> Anchor | None:
    """Return a line as an anchor, or None when it is none."""
    parts = line.split(" ")
    if len(parts) != 5 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None
    return Anchor(int(parts[0]), int(parts[1]), parts[2], parts[3], parts[4])


def publish() -> int:
    """Append the anchors of the seals that the file does not have yet; return how many. A fault is logged, not raised.

    Sealing must go on when the other volume is gone; the check then names the anchors that are missing.
    """
    path = Path(settings.AUDIT_ANCHOR_FILE)
    try:
        with _exclusive(path) as file:
            lines = _missing_lines(file, path)
            if lines:
                file.write("".join(f"{line}\n" for line in lines).encode())
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        logger.error("Anchors of the audit log cannot be written to %s (%s).", path, error.strerror)
        return 0
    anchored = [line for line in lines if not line.startswith("#")]
    if anchored:
        _remember(path, int(anchored[-1].split(" ")[0]))
        _to_syslog(anchored)
    return len(anchored)


@contextmanager
def _exclusive(path: Path) -> Iterator[BinaryIO]:
    """Open the file for appending, readable by its owner only, one process at a time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b") as file:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _missing_lines(file: BinaryIO, path: Path) -> list[str]:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    tail = file.read()
    lines: list[str] = []
    if tail and not tail.endswith(b"\n"):  # a write that was cut short by a kill
        lines.append("")
    known = [
        anchor for anchor in map(parse, tail.decode(errors="replace").splitlines()) if anchor and anchor.is_genuine
    ]
    last = known[-1] if known else None
    start = last.sequence if last else 0
    remembered = _remembered(path)
    if start < remembered:
        lines.append(f"# anchors up to {remembered} were written to this file before and are gone")
        start = remembered
    elif last is not None:
        stored = AuditSeal.objects.filter(sequence=last.sequence).values_list("hash", flat=True).first()
        if stored != last.hash:
            start = _common(file)
            note = (
                f"# the log does not have seal {last.sequence} as it is anchored above; it goes on after seal {start}"
            )
            if note.encode() not in tail:
                lines.append(note)
    fresh = AuditSeal.objects.filter(sequence__gt=start).order_by("sequence").defer("prints", "missing", "late", "void")
    found = [line_of(seal) for seal in fresh[:100_000]]
    if not found:
        return (
            lines
            if any(line.startswith("#") for line in lines) and not tail.rstrip().endswith(lines[-1].encode())
            else []
        )
    return [*lines, *found]


def _common(file: BinaryIO) -> int:
    """Return the newest sequence whose anchor in the file agrees with the log; 0 when none does."""
    newest: dict[int, str] = {}
    file.seek(0)
    for raw in file:
        anchor = parse(raw.decode(errors="replace").rstrip("\n"))
        if anchor:
            newest[anchor.sequence] = anchor.hash
    stored = dict(AuditSeal.objects.values_list("sequence", "hash"))
    agreeing = [sequence for sequence, digest in newest.items() if stored.get(sequence) == digest]
    return max(agreeing, default=0)


def file_key(path: Path) -> str:
    """Return the name under which the sealer remembers a file: two machines may have files of the same name."""
    return f"{socket.gethostname()}:{path.resolve()}"


def _remembered(path: Path) -> int:
    anchored = SealerState.objects.filter(pk=1).values_list("anchored", flat=True).first() or {}
    newest = AuditSeal.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    return min(int(anchored.get(file_key(path), 0)), newest)


@retry_transaction
def _remember(path: Path, sequence: int) -> None:
    state = locked(SealerState.objects.filter(pk=1)).first()
    if state is not None:
        state.anchored = {**state.anchored, file_key(path): sequence}
        state.save(update_fields=["anchored"])


def _to_syslog(lines: list[str]) -> None:
    """Send lines to the system log when `AUDIT_ANCHOR_SYSLOG` names one: a socket path, or host:port (UDP)."""
    target = settings.AUDIT_ANCHOR_SYSLOG
    if not target:
        return
    host, _colon, port = target.rpartition(":")
    address: str | tuple[str, int] = target if target.startswith("/") else (host or target, int(port or 514))
    try:
        handler = SysLogHandler(address=address, facility=SysLogHandler.LOG_AUTHPRIV)
    except OSError as error:
        logger.error("Anchors of the audit log cannot be sent to syslog (%s).", error.strerror)
        return
    try:
        for line in lines[-1000:]:
            handler.emit(logging.LogRecord("audit", logging.NOTSET, "", 0, f"emr-audit-anchor: {line}", None, None))
    finally:
        handler.close()
