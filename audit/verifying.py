"""The check of the log: every row's digest, the chain of seals, the anchors. It names the first bad event.

One pass in id order with flat memory. Nothing the database says is believed but what our keys confirm: the sealer's own
notes are not read.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from audit import anchors, archives, chain, macs, reading
from audit.anchors import Anchor
from audit.macs import Row
from audit.models import AuditEvent, AuditSeal
from audit.sealing import GRACE
from core import clock

MOST_FINDINGS = 200
REMEMBERED = 50_000  # newest digests, to find copies of genuine rows
COPIES_SOUGHT = 200  # searches for the original of a row that is out of time
OUT_OF_TIME = timedelta(minutes=10)
SEAL_BATCH = 500
UNSEALED_FOR = timedelta(hours=1)


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, at an event."""

    event_id: int
    kind: str
    text: str
    seal: int | None = field(default=None, compare=False)


@dataclass
class Report:
    """What a check found."""

    events: int = 0
    seals: int = 0
    archived: int = 0
    unsealed: int = 0
    anchors: int = 0
    seconds: float = 0.0
    head: str = ""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.findings

    @property
    def first(self) -> Finding | None:
        """The finding with the smallest event id."""
        return min(self.findings, default=None)

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds if self.seconds else 0.0


class Check:
    """One run over the log."""

    def __init__(
        self,
        *,
        anchor_files: Iterable[Path] = (),
        archive_dirs: Iterable[Path] = (),
        start: int = 1,
        progress: Callable[[Report], None] | None = None,
    ) -> None:
        self.report = Report()
        self._anchors = _Anchors(anchor_files, start, self._add)
        self._archives = archives.Shelf(archive_dirs)
        self._start = start
        self._progress = progress
        self._told = time.monotonic()
        self._pending: dict[int, tuple[Row, AuditSeal]] = {}  # rows at ids that a seal calls missing
        self._recent: dict[str, int] = {}
        self._order: deque[str] = deque()
        self._newest_at = ""
        self._sought = 0

    def run(self) -> Report:
        """Check everything and return the report."""
        began = time.monotonic()
        previous = AuditSeal.objects.filter(sequence=self._start - 1).first() if self._start > 1 else None
        if self._start > 1 and previous is None:
            self._add(0, "seal missing", f"Seal {self._start - 1}, where the check should begin, does not exist.")
        stream = reading.Stream(previous.last_id if previous else reading.BEFORE_ALL)
        self._foreign(stream.up_to(0) if previous is None else [], "its number is below the first one")
        for seal in _seals(self._start):
            self._check_link(seal, previous)
            self._check_events(seal, stream)
            self._anchors.compare(seal)
            self.report.seals += 1
            previous = seal
            self._tell()
        self._check_tail(stream, previous)
        self._check_pending(previous)
        self._anchors.finish(previous)
        self.report.anchors = self._anchors.seen
        self.report.notes += self._archives.notes
        self.report.head = previous.hash if previous else ""
        self.report.seconds = time.monotonic() - began
        return self.report

    # --- seals ------------------------------------------------------------------------------------------------------

    def _check_link(self, seal: AuditSeal, previous: AuditSeal | None) -> None:
        expected = previous.sequence + 1 if previous else self._start
        after = previous.last_id if previous else 0
        if seal.sequence != expected:
            gone = f"Seal {expected}" if seal.sequence == expected + 1 else f"Seals {expected} to {seal.sequence - 1}"
            self._add(after + 1, "seal missing", f"{gone} is gone from the chain.", seal)
        elif seal.previous_hash != (previous.hash if previous else chain.START):
            self._add(seal.first_id, "seal changed", f"Seal {seal.sequence} does not continue the one before it.", seal)
        elif seal.first_id != after + 1:
            self._add(after + 1, "seal changed", f"Seal {seal.sequence} begins at the wrong event.", seal)
        if seal.detail.get("alert"):
            text = (
                f"The sealer found another chain than it had left: it had written seal {seal.detail.get('expected')} and "
                f"found {seal.detail.get('found')}."
            )
            self._add(seal.first_id, "chain cut", text, seal)

    def _check_events(self, seal: AuditSeal, stream: reading.Stream) -> None:
        rows = stream.up_to(seal.last_id)
        if not chain.is_genuine(seal):
            self._add(
                seal.first_id, "seal changed", f"Seal {seal.sequence} was changed or not made by the product.", seal
            )
            self._count(rows)
            return
        filed = self._archives.rows(seal, rows)
        if filed is not None:
            self._count(rows)
            self._check_against_file(seal, rows, filed)
            self.report.archived += len(filed)
            self.report.events += max(0, len(filed) - len(rows))
            for pk in seal.late:
                self._pending.pop(pk, None)
            return
        if not rows and seal.count > len(seal.late) and self._archives.says_released(seal):
            self._add(seal.first_id, "archive missing", self._archives.why_missing(seal), seal)
            return
        self._count(rows)
        self._compare(seal, rows)

    def _compare(self, seal: AuditSeal, rows: list[Row]) -> None:
        """Compare the rows of a seal's range, and those sealed late, one by one and then as a whole."""
        by_id = {row.id: row for row in rows}
        sealed: list[Row] = []
        clean = True
        for place, pk in enumerate(self._sealed_ids(seal)):
            row = by_id.pop(pk, None) or self._late(pk, seal)
            if row is None:
                self._add(pk, "deleted", f"Event {pk} was sealed and is gone.", seal)
                clean = False
                continue
            sealed.append(row)
            clean &= self._is_as_sealed(row, seal, place)
        for row in by_id.values():
            if macs.is_genuine(row):
                self._pending[row.id] = (row, seal)  # may have been committed late: a later seal says so
            else:
                self._add(
                    row.id, "inserted", f"Event {row.id} was put into a gap and not written by the product.", seal
                )
        for pk in [pk for pk in self._pending if chain.holds(seal.void, pk)]:
            del self._pending[pk]
            self._add(pk, "inserted", f"Event {pk} stands where the log says that nothing was written.", seal)
        if clean and chain.hash_of(seal, sealed) != seal.hash:
            self._add(
                seal.first_id, "reordered", f"The events of seal {seal.sequence} are not in the sealed order.", seal
            )

    def _sealed_ids(self, seal: AuditSeal) -> Iterator[int]:
        for first, last in chain.sealed_ranges(seal):
            yield from range(first, last + 1)

    def _late(self, pk: int, seal: AuditSeal) -> Row | None:
        if pk in self._pending:
            return self._pending.pop(pk)[0]
        if pk >= seal.first_id:
            return None
        found = reading.rows_in([(pk, pk)])  # from before the place where the check began
        return found[0] if found else None

    def _is_as_sealed(self, row: Row, seal: AuditSeal, place: int) -> bool:
        if not macs.is_genuine(row):
            self._add(row.id, "changed", f"Event {row.id} was changed after it was written.", seal)
            return False
        width = chain.PRINT
        if chain.print_of(row) == seal.prints[place * width : (place + 1) * width]:
            return True
        self._add(row.id, "reordered", f"Event {row.id} is not the one that was sealed under this number.", seal)
        return False

    def _check_against_file(self, seal: AuditSeal, rows: list[Row], filed: list[Row]) -> None:
        """Check archived events, and rows of them that are still in the table."""
        width = chain.PRINT
        clean = len(filed) == seal.count
        for place, row in enumerate(filed):
            if not macs.is_genuine(row) or chain.print_of(row) != seal.prints[place * width : (place + 1) * width]:
                self._add(row.id, "changed", f"Event {row.id} is not in the archive as it was sealed.", seal)
                clean = False
        if clean and chain.hash_of(seal, filed) != seal.hash:
            self._add(seal.first_id, "archive changed", f"The archive of seal {seal.sequence} does not match it.", seal)
        known = {row.id: row for row in filed}
        for row in rows:
            if chain.holds(seal.missing, row.id):
                self._pending[row.id] = (row, seal)
            elif known.get(row.id) != row:
                self._add(row.id, "changed", f"Event {row.id} differs from its archive.", seal)

    # --- rows -------------------------------------------------------------------------------------------------------

    def _count(self, rows: list[Row]) -> None:
        self.report.events += len(rows)
        for row in rows:
            self._seek_copy(row)
        self._tell()

    def _seek_copy(self, row: Row) -> None:
        """A genuine row written a second time verifies by itself; it has the digest of another one, or the wrong time."""
        original = self._recent.setdefault(row.mac, row.id)
        if original != row.id:
            self._add(row.id, "inserted", f"Event {row.id} is a copy of event {original}.")
            return
        self._order.append(row.mac)
        if len(self._order) > REMEMBERED:
            self._recent.pop(self._order.popleft(), None)
        if row.at >= self._newest_at:
            self._newest_at = row.at
            return
        if _seconds_between(row.at, self._newest_at) < OUT_OF_TIME.total_seconds() or self._sought >= COPIES_SOUGHT:
            return
        self._sought += 1
        same = AuditEvent.objects.filter(mac=row.mac, at=datetime.fromisoformat(row.at), id__lt=row.id)
        twin = same.values_list("id", flat=True).first()
        if twin is not None:
            self._add(row.id, "inserted", f"Event {row.id} is a copy of event {twin}.")

    def _foreign(self, rows: list[Row], why: str) -> None:
        for row in rows:
            self._add(row.id, "inserted", f"Event {row.id} was not written by the product: {why}.")

    def _check_tail(self, stream: reading.Stream, newest: AuditSeal | None) -> None:
        oldest = ""
        while stream.head is not None:
            row = stream.pop()
            if row is None:
                break
            oldest = oldest or row.at
            self.report.unsealed += 1
            self._count([row])
            if not macs.is_genuine(row):
                text = f"Event {row.id} is not sealed yet, and was changed or not written by the product."
                self._add(row.id, "changed", text)
        if oldest and clock.now() - datetime.fromisoformat(oldest) > UNSEALED_FOR:
            after = newest.last_id if newest else 0
            text = f"Events after {after} wait to be sealed since {oldest}: the sealer does not run, or seals were removed."
            self._add(after + 1, "not sealed", text)

    def _check_pending(self, newest: AuditSeal | None) -> None:
        for pk, (row, seal) in sorted(self._pending.items()):
            if newest is not None and newest.at - seal.at > GRACE + OUT_OF_TIME:
                self._add(row.id, "inserted", f"Event {pk} stands in a gap that no seal explains.", seal)
            else:
                self.report.unsealed += 1

    # --- findings ---------------------------------------------------------------------------------------------------

    def _add(self, event_id: int, kind: str, text: str, seal: AuditSeal | None = None) -> None:
        if len(self.report.findings) < MOST_FINDINGS:
            self.report.findings.append(Finding(event_id, kind, text, seal.sequence if seal else None))

    def _tell(self) -> None:
        if self._progress and time.monotonic() - self._told > 1:
            self._told = time.monotonic()
            self._progress(self.report)


class _Anchors:
    """The anchor files, read in step with the chain."""

    def __init__(self, files: Iterable[Path], start: int, add: Callable[..., None]) -> None:
        self._add = add
        self._start = start
        self._files = [_AnchorFile(path, add) for path in files]
        self.seen = 0

    def compare(self, seal: AuditSeal) -> None:
        if not self._files:
            return
        found = False
        for file in self._files:
            for anchor in file.up_to(seal.sequence):
                if anchor.sequence != seal.sequence:
                    continue
                found = True
                self.seen += 1
                if (anchor.hash, anchor.last_id) != (seal.hash, seal.last_id):
                    text = f"Seal {seal.sequence} is not the one that was anchored on {anchor.at}."
                    self._add(seal.first_id, "seal changed", text, seal)
        # The newest seals may wait for their line; the file is written right after the seal.
        if not found and clock.now() - seal.at > OUT_OF_TIME:
            self._add(seal.first_id, "anchor missing", f"No anchor of seal {seal.sequence} is in the files.", seal)

    def finish(self, newest: AuditSeal | None) -> None:
        sequence, last_id = (newest.sequence, newest.last_id) if newest else (0, 0)
        beyond: Anchor | None = None
        for file in self._files:
            for anchor in file.up_to(None):
                if anchor.sequence > sequence and (beyond is None or anchor.sequence > beyond.sequence):
                    beyond = anchor
        if beyond is not None:
            text = (
                f"The log was cut off after event {last_id}: the anchors know {beyond.sequence - sequence} more seals, up to "
                f"event {beyond.last_id} on {beyond.at}."
            )
            self._add(last_id + 1, "cut off", text)


class _AnchorFile:
    """One file of anchors, line by line; lines are in the order of their seals, but for those the file explains."""

    def __init__(self, path: Path, add: Callable[..., None]) -> None:
        self._path, self._add = path, add
        self._lines = self._read()
        self._next = next(self._lines, None)

    def up_to(self, sequence: int | None) -> Iterator[Anchor]:
        while self._next is not None and (sequence is None or self._next.sequence <= sequence):
            anchor, self._next = self._next, next(self._lines, None)
            yield anchor

    def _read(self) -> Iterator[Anchor]:
        try:
            file = self._path.open(encoding="ascii", errors="replace")
        except OSError as error:
            self._add(1, "anchor missing", f"The anchor file {self._path} cannot be read ({error.strerror}).")
            return
        after = 0
        torn: tuple[int, str] | None = None
        with file:
            for number, line in enumerate(file, start=1):
                text = line.rstrip("\n")
                if text.startswith("#"):
                    self._add(after + 1, "anchor missing", f"Line {number} of {self._path.name} says: {text[2:]}.")
                    continue
                anchor = anchors.parse(text)
                if anchor is not None and anchor.is_genuine:
                    # A kill in the middle of a write leaves the beginning of a line; the whole line follows it.
                    if torn and not text.startswith(torn[1]):
                        self._changed(after, torn[0])
                    torn, after = None, anchor.last_id
                    yield anchor
                elif text:
                    if torn:
                        self._changed(after, torn[0])
                    torn = (number, text)
            if torn and line.endswith("\n"):
                self._changed(after, torn[0])

    def _changed(self, after: int, number: int) -> None:
        self._add(after + 1, "anchor changed", f"Line {number} of {self._path.name} was not written by the product.")


def _seals(start: int) -> Iterator[AuditSeal]:
    after = start - 1
    while True:
        batch = list(AuditSeal.objects.filter(sequence__gt=after).order_by("sequence")[:SEAL_BATCH])
        yield from batch
        if len(batch) < SEAL_BATCH:
            return
        after = batch[-1].sequence


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
