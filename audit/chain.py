"""What a seal says and how its hash is made: one definition for the sealer, the check and the archives."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from audit import macs
from audit.macs import Row
from audit.models import AuditSeal

VERSION = 1
START = "0" * 64  # the hash before the first seal
PRINT = 4  # characters an event has in `prints`

Ranges = list[list[int]]


def header(seal: AuditSeal) -> str:
    """Return everything a seal says beside its events."""
    return macs.encode(
        [
            VERSION, seal.sequence, str(seal.kind), seal.first_id, seal.last_id, seal.count, seal.missing, seal.late, seal.void,
            seal.detail, macs.instant(seal.at), seal.previous_hash,
        ]
    )  # fmt: skip


def link(row: Row) -> bytes:
    """Return what one event adds to the hash."""
    return b"%d\x1f%s\x1f%s\n" % (row.id, row.mac.encode(), row.content)


def print_of(row: Row) -> str:
    """Return the four characters that tell which event stood at a place; one chance in 16 million to be wrong."""
    return base64.b64encode(hashlib.sha256(link(row)).digest()[:3]).decode()


def hash_of(seal: AuditSeal, rows: Iterable[Row]) -> str:
    """Return the hash of a seal over its events, in the order they were sealed."""
    digest = hashlib.sha256(header(seal).encode() + b"\n")
    for row in rows:
        digest.update(link(row))
    return digest.hexdigest()


def close(seal: AuditSeal, rows: list[Row]) -> None:
    """Set prints, hash and mac of a new seal."""
    seal.prints = "".join(print_of(row) for row in rows)
    seal.hash = hash_of(seal, rows)
    seal.mac = macs.sign(macs.SEAL, _signed_text(seal))


def is_genuine(seal: AuditSeal) -> bool:
    """True when the seal's own digest was made with one of our keys over all of it."""
    return macs.is_signed(macs.SEAL, _signed_text(seal), seal.mac)


def _signed_text(seal: AuditSeal) -> str:
    return f"{header(seal)}|{seal.hash}|{seal.prints}"


def gaps_between(first: int, last: int, ids: Iterable[int]) -> Ranges:
    """Return the ranges of numbers from `first` to `last` that are not among the ascending `ids`."""
    gaps: Ranges = []
    expected = first
    for number in ids:
        if number > expected:
            gaps.append([expected, number - 1])
        expected = number + 1
    if expected <= last:
        gaps.append([expected, last])
    return gaps


def sealed_ranges(seal: AuditSeal) -> Iterator[tuple[int, int]]:
    """Yield the ids a seal covers, in the order they were sealed, as ranges with both ends included."""
    start = seal.first_id
    for first, last in seal.missing:
        if first > start:
            yield start, first - 1
        start = last + 1
    if start <= seal.last_id:
        yield start, seal.last_id
    for pk in seal.late:
        yield pk, pk


def holds(ranges: Iterable[Any], number: int) -> bool:
    """True when a number lies in one of the ranges."""
    return any(first <= number <= last for first, last, *_rest in ranges)


def without(ranges: Iterable[Any], taken: Iterable[int]) -> list[list[Any]]:
    """Return the ranges without some numbers; what follows the two ends of a range stays with its parts."""
    numbers = sorted(taken)
    left: list[list[Any]] = []
    for first, last, *rest in ranges:
        inside = [number for number in numbers if first <= number <= last]
        left += [[start, end, *rest] for start, end in gaps_between(first, last, inside)]
    return left
