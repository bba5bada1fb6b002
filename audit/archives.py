"""Old events in files: whole sealed ranges, encrypted, that verify like the table they came from.

An archive holds the events of one run of seals. Its writing and the release of its rows are seals of kind ARCHIVE, so the
chain itself says which events live in a file. Rows leave the table only after two copies were read back and found complete.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection, transaction

from audit import anchors, chain, macs, reading, sealing, triggers
from audit.errors import ArchiveError
from audit.macs import Row
from audit.models import AuditSeal
from core import clock
from core.keys import derive

SUFFIX = ".emra"
MAGIC = b"EMR-AUDIT-ARCHIVE-1\n"
CHUNK = 1024 * 1024  # bytes of compressed text in one encrypted piece
TAG = 16
KEY = "audit/archive/v1"
KEY_ID = "audit/archive/key-id/v1"
COPIES = 2
DELETE_AT_ONCE = 2_000


# --- Files ----------------------------------------------------------------------------------------------------------


class _Sealed(io.RawIOBase):
    """Writes encrypted pieces. Each piece is bound to its place and the last one to being the last, so none can be
    cut off, moved or repeated (the STREAM construction).

    Source: Hoang, Reyhanitabar, Rogaway, Vizár. Online authenticated-encryption and its nonce-reuse misuse-resistance, 2015.
    """

    def __init__(self, file: BinaryIO) -> None:
        key = macs.row_keys()[0]
        self._file, self._cipher, self._buffer, self._number = file, AESGCM(derive(key, KEY)), bytearray(), 0
        self._prefix = secrets.token_bytes(7)
        self._head = MAGIC + derive(key, KEY_ID, 4) + self._prefix
        file.write(self._head)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._buffer += data
        while len(self._buffer) > CHUNK:
            self._piece(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last piece."""
        self._piece(bytes(self._buffer), last=True)

    def _piece(self, text: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last), text, self._head))
        self._number += 1


class _Opened(io.RawIOBase):
    """Reads what `_Sealed` wrote.

    Raises:
        ArchiveError: it is no archive, was made with a key that is not here, or was changed or cut off.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._number, self._rest, self._ended = file, 0, b"", False
        head = file.read(len(MAGIC) + 11)
        if not head.startswith(MAGIC) or len(head) < len(MAGIC) + 11:
            raise ArchiveError("It is not an archive of the audit log.")
        key_id, self._prefix, self._head = head[len(MAGIC) : -7], head[-7:], head
        key = next((key for key in macs.row_keys() if derive(key, KEY_ID, 4) == key_id), None)
        if key is None:
            raise ArchiveError(f"It was made with the audit key {key_id.hex()}, which is not among AUDIT_SEAL_KEY.")
        self._cipher = AESGCM(derive(key, KEY))
        self._next = file.read(CHUNK + TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest and not self._ended:
            self._rest = self._piece()
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _piece(self) -> bytes:
        piece, self._next = self._next, self._file.read(CHUNK + TAG)
        self._ended = not self._next
        try:
            text = self._cipher.decrypt(_nonce(self._prefix, self._number, self._ended), piece, self._head)
        except (InvalidTag, ValueError) as error:
            raise ArchiveError("It was changed or cut off.") from error
        self._number += 1
        return text


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what an archive holds, line by line: its description, seals, events, its end.

    Raises:
        ArchiveError: it cannot be read, was changed, or ends too early.
    """
    ended = False
    try:
        with path.open("rb") as file, gzip.GzipFile(fileobj=io.BufferedReader(_Opened(file))) as lines:
            for line in lines:
                record = json.loads(line)
                ended = "end" in record
                yield record
    except (OSError, EOFError, ValueError) as error:
        raise ArchiveError(f"{path.name} cannot be read: {type(error).__name__}.") from error
    if not ended:
        raise ArchiveError(f"{path.name} ends too early.")


def read_seals(path: Path) -> Iterator[tuple[int, list[Row]]]:
    """Yield (sequence, events) of each seal in an archive, in order.

    Raises:
        ArchiveError: as `read_records`.
    """
    present: tuple[int, list[Row]] | None = None
    for record in read_records(path):
        if "seal" in record:
            if present:
                yield present
            present = (int(record["seal"]["sequence"]), [])
        elif "event" in record and present:
            present[1].append(macs.stored_row(record["event"]))
    if present:
        yield present


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- Writing --------------------------------------------------------------------------------------------------------


def earliest_allowed() -> datetime:
    """Return the instant before which events may leave the table."""
    return clock.now() - timedelta(days=settings.AUDIT_ONLINE_DAYS)


def plan(before: datetime) -> list[list[int]]:
    """Return [first seal, last seal] of the archives that can be made: whole months that ended before `before`.

    Raises:
        ArchiveError: `before` is younger than the age set.
    """
    if before > earliest_allowed():
        raise ArchiveError(
            f"Events stay in the database for {settings.AUDIT_ONLINE_DAYS} days (AUDIT_ONLINE_DAYS); the latest possible "
            f"date is {clock.local(earliest_allowed()).date()}."
        )
    first_of_month = clock.local(before).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    done = max((seal.detail["last_seal"] for seal in written()), default=0)
    months: list[list[int]] = []
    present = None
    seals = AuditSeal.objects.filter(sequence__gt=done).order_by("sequence").values_list("sequence", "at")
    for sequence, at in seals.iterator(chunk_size=5_000):
        if at >= first_of_month:
            break
        month = clock.local(at).strftime("%Y-%m")
        if month != present:
            months.append([sequence, sequence])
            present = month
        months[-1][1] = sequence
    return months


def written() -> list[AuditSeal]:
    """Return the seals that record an archive, oldest first."""
    return [seal for seal in _genuine() if seal.detail.get("file")]


def released() -> set[str]:
    """Return the names of the archives whose rows left the table."""
    return {seal.detail["released"] for seal in _genuine() if seal.detail.get("released")}


def _genuine() -> list[AuditSeal]:
    """Return the seals about archives that the product made: a forged one must not explain missing rows."""
    return [
        seal
        for seal in AuditSeal.objects.filter(kind=AuditSeal.Kind.ARCHIVE).order_by("sequence")
        if chain.is_genuine(seal)
    ]


def write(first: int, last: int, directory: Path) -> Path:
    """Write the events of the seals `first` to `last` into a file, read it back, and record it in the chain.

    Nothing is recorded unless every event and seal verifies, in the table and again in the file. Flat memory.

    Raises:
        ArchiveError: something does not verify, or the file cannot be written.
    """
    seals = AuditSeal.objects.filter(sequence__range=(first, last)).order_by("sequence")
    month = clock.local(seals[0].at).strftime("%Y-%m")
    path = directory / f"audit-{month}-{first}-{last}{SUFFIX}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = directory / f".{path.name}.{secrets.token_hex(4)}"
    try:
        events = _write_file(temporary, seals)
        os.replace(temporary, path)
        _sync(directory)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written ({error.strerror}).") from error
    finally:
        temporary.unlink(missing_ok=True)
    check_file(path, first, last)
    detail = {
        "file": path.name, "sha256": file_digest(path), "bytes": path.stat().st_size, "first_seal": first, "last_seal": last,
        "events": events, "first_id": seals[0].first_id, "last_id": AuditSeal.objects.get(sequence=last).last_id,
    }  # fmt: skip
    _note(detail)
    return path


def _write_file(path: Path, seals: Any) -> int:
    events = 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        sealed = _Sealed(file)
        with gzip.GzipFile(fileobj=cast(Any, sealed), mode="wb", compresslevel=6, mtime=0) as text:
            _line(text, {"archive": 1, "clinic": settings.CLINIC_NAME, "made_at": macs.instant(clock.now())})
            for seal in seals.iterator(chunk_size=200):
                _line(text, {"seal": seal_values(seal)})
                rows: list[Row] = []
                for record in reading.records_in(chain.sealed_ranges(seal)):
                    rows.append(macs.stored_row(record))
                    _line(text, {"event": record})
                problem = _problem(seal, rows)
                if problem:
                    raise ArchiveError(f"Seal {seal.sequence} does not verify ({problem}); run verify_audit.")
                events += len(rows)
            _line(text, {"end": {"events": events}})
        sealed.finish()
        file.flush()
        os.fsync(file.fileno())
    return events


def _sync(directory: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def seal_values(seal: AuditSeal) -> dict[str, Any]:
    """Return a seal as it stands in an archive."""
    names = ("sequence", "kind", "first_id", "last_id", "count", "missing", "late", "void", "detail", "prints")
    values = {name: getattr(seal, name) for name in (*names, "previous_hash", "hash", "mac")}
    return {**values, "kind": str(seal.kind), "at": macs.instant(seal.at)}


def _line(text: Any, value: dict[str, Any]) -> None:
    text.write(macs.encode(value).encode() + b"\n")


def _problem(seal: AuditSeal, rows: list[Row]) -> str:
    """Return what is wrong with a seal and its events, or ''."""
    if not chain.is_genuine(seal):
        return "the seal was changed"
    if len(rows) != seal.count:
        return f"{seal.count - len(rows)} events are gone"
    changed = next((row.id for row in rows if not macs.is_genuine(row)), None)
    if changed is not None:
        return f"event {changed} was changed"
    return "" if chain.hash_of(seal, rows) == seal.hash else "the events are not in the sealed order"


def check_file(path: Path, first: int, last: int) -> int:
    """Read a whole archive and compare it with the chain in the database; return the number of its events.

    Raises:
        ArchiveError: it is not complete and unchanged.
    """
    seals = AuditSeal.objects.filter(sequence__range=(first, last)).order_by("sequence").iterator(chunk_size=200)
    events = 0
    for sequence, rows in read_seals(path):
        seal = next(seals, None)
        if seal is None or seal.sequence != sequence:
            raise ArchiveError(f"{path.name} holds other seals than {first} to {last}.")
        problem = _problem(seal, rows)
        if problem:
            raise ArchiveError(f"{path.name} does not match seal {sequence}: {problem}.")
        events += len(rows)
    if next(seals, None) is not None:
        raise ArchiveError(f"{path.name} does not hold all seals up to {last}.")
    return events


def _note(detail: dict[str, Any]) -> AuditSeal:
    """Add a seal without events that says something about archives; waits for its turn at the chain."""
    with transaction.atomic():
        state = sealing.SealerState.objects.select_for_update().get(pk=1)
        newest = sealing.head()
        if newest is None:
            raise ArchiveError("Nothing is sealed yet.")
        seal = AuditSeal(
            sequence=newest.sequence + 1, kind=AuditSeal.Kind.ARCHIVE, first_id=newest.last_id + 1, last_id=newest.last_id,
            count=0, detail=detail, at=clock.now(), previous_hash=newest.hash,
        )  # fmt: skip
        chain.close(seal, [])
        seal.save(force_insert=True)
        sealing.remember(state, seal, gaps=state.gaps)
    anchors.publish()
    return seal


# --- Releasing ------------------------------------------------------------------------------------------------------


def rows_left(archive: AuditSeal) -> bool:
    """True when events of an archive are still in the table."""
    first, last = archive.detail["first_seal"], archive.detail["last_seal"]
    seals = AuditSeal.objects.filter(sequence__range=(first, last)).order_by("-sequence").defer("prints")
    return any(
        True for seal in seals.iterator(chunk_size=200) for _record in reading.records_in(chain.sealed_ranges(seal))
    )


def release(archive: AuditSeal, directories: list[Path]) -> int:
    """Remove the rows of one archive from the table; return how many were removed. Safe to repeat after a kill.

    First every copy is read back whole. The chain says that the rows are released before the first one goes. The delete
    trigger is opened for exactly these ids and this connection, and closed again; the account needs the right to change
    triggers, which the web account has not.

    Raises:
        ArchiveError: fewer than two good copies in different directories.
    """
    name = archive.detail["file"]
    first, last = archive.detail["first_seal"], archive.detail["last_seal"]
    copies = {(directory / name).resolve() for directory in directories}
    copies = {path for path in copies if path.is_file()}
    inodes = {(path.stat().st_dev, path.stat().st_ino) for path in copies}
    if len(inodes) < COPIES:
        raise ArchiveError(f"{name}: {COPIES} copies in different directories are needed before rows may go.")
    for path in sorted(copies):
        if file_digest(path) != archive.detail["sha256"]:
            raise ArchiveError(f"{path} is not the file that was recorded.")
        check_file(path, first, last)
    if name not in released():
        _note({"released": name, "first_seal": first, "last_seal": last, "copies": len(inodes)})
    removed = 0
    seals = AuditSeal.objects.filter(sequence__range=(first, last), kind=AuditSeal.Kind.EVENTS).order_by("sequence")
    with _delete_allowed(archive.detail["first_id"], archive.detail["last_id"]) as cursor:
        for seal in seals.defer("prints").iterator(chunk_size=200):
            for low, high in chain.sealed_ranges(seal):
                for start in range(low, high + 1, DELETE_AT_ONCE):
                    end = min(high, start + DELETE_AT_ONCE - 1)
                    cursor.execute(f"DELETE FROM {triggers.TABLE} WHERE id BETWEEN %s AND %s", [start, end])  # noqa: S608
                    removed += cursor.rowcount
    return removed


@contextmanager
def _delete_allowed(first: int, last: int) -> Iterator[Any]:
    """Open the delete trigger for ids `first` to `last` on this connection only, and put the usual one back."""
    if connection.vendor == "sqlite":  # triggers change with the transaction: nobody ever sees the table without one
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS audit_no_delete")
            yield cursor
            triggers.install()
        return
    token = secrets.token_hex(16)
    refuse = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{triggers.MESSAGE}'"
    opened = (
        f"TRIGGER audit_no_delete BEFORE DELETE ON {triggers.TABLE} FOR EACH ROW "
        f"IF NOT (OLD.id BETWEEN {int(first)} AND {int(last)} AND COALESCE(@emr_audit_release, '') = '{token}') "
        f"THEN {refuse}; END IF"
    )
    replaces = getattr(connection, "mysql_is_mariadb", False)
    with connection.cursor() as cursor:
        try:
            if not replaces:
                cursor.execute("DROP TRIGGER IF EXISTS audit_no_delete")
            cursor.execute(f"CREATE {'OR REPLACE ' if replaces else ''}{opened}")
            cursor.execute("SET @emr_audit_release = %s", [token])
            yield cursor
        finally:
            cursor.execute("SET @emr_audit_release = NULL")
            triggers.install()


# --- Finding, for the check -----------------------------------------------------------------------------------------


class Shelf:
    """The archives the chain knows, read in step with it."""

    def __init__(self, directories: Iterable[Path]) -> None:
        self._directories = list(directories)
        self._known = [(seal.detail["first_seal"], seal.detail["last_seal"], seal.detail) for seal in written()]
        self._released = released() if self._known else set()
        self._readers: dict[str, Iterator[tuple[int, list[Row]]] | None] = {}
        self._why: dict[str, str] = {}
        self.notes: list[str] = []

    def rows(self, seal: AuditSeal, in_table: list[Row]) -> list[Row] | None:
        """Return the archived events of a seal, or None: it is in no archive, or the file is not here.

        An archive whose rows are still in the table is read too when it is here, so that both are checked.
        """
        detail = self._archive_of(seal)
        if detail is None:
            return None
        reader = self._reader(detail)
        if reader is None:
            return None
        try:
            for sequence, rows in reader:
                if sequence == seal.sequence:
                    return rows
                if sequence > seal.sequence:
                    break
        except ArchiveError as error:
            self._why[detail["file"]] = str(error)
        self._readers[detail["file"]] = None
        return None

    def says_released(self, seal: AuditSeal) -> bool:
        """True when the chain says that the rows of this seal left the table."""
        detail = self._archive_of(seal)
        return detail is not None and detail["file"] in self._released

    def why_missing(self, seal: AuditSeal) -> str:
        """Return the sentence that names the archive a seal needs."""
        name = (self._archive_of(seal) or {}).get("file", "?")
        return f"The events of seal {seal.sequence} are in {name}: {self._why.get(name, 'it is not in the directories given')}."

    def _archive_of(self, seal: AuditSeal) -> dict[str, Any] | None:
        return next((detail for first, last, detail in self._known if first <= seal.sequence <= last), None)

    def _reader(self, detail: dict[str, Any]) -> Iterator[tuple[int, list[Row]]] | None:
        name = detail["file"]
        if name not in self._readers:
            self._readers[name] = None
            path = next((found for found in (each / name for each in self._directories) if found.is_file()), None)
            if path is None:
                self._why[name] = "it is not in the directories given"
            elif file_digest(path) != detail["sha256"]:
                self._why[name] = "the file was changed"
            else:
                self._readers[name] = read_seals(path)
            if self._readers[name] is None and name not in self._released:
                self.notes.append(f"{name} was not checked: {self._why[name]}. Its rows are in the table.")
        return self._readers[name]
