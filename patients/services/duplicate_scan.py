"""Looks through all records for pairs that may be of one person, by night and in parts.

Not every pair is compared, which at a million patients would be half a billion: only records that share a keyed token of
the search index (a word of the name together with the birth date, or with day and month swapped; a card number; for
babies the day itself), or a telephone number. What is found is scored by `services.likeness`.

A part is a fixed number of records in the order of their ids, so a kill or a restart loses one part at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from core import clock, keys_index
from core.db import retry_transaction
from core.keys_index import IndexKey
from core.search.blind import Term, birth_term, blind_index, name_birth_term, number_term
from core.search.folding import fold_name
from notifications.daily import run_once
from patients.models import DuplicatePair, Patient, PatientToken
from patients.search import PHONE_COLUMNS
from patients.services import likeness
from patients.services.likeness import Facts, Likeness

PART = 10_000  # records of one daily duty: ten seconds of work, and far below the limit of a task on a slow disk
BATCH = 1_000
TOKENS = 1_000  # of one lookup
BLOCK_CAP = 100  # records that share one token; more say little about each other
PHONE_CAP = 10  # records with one telephone number: a family, not a person
RECENT = 10_000  # newest records that are also compared with dates one digit off, which costs forty times as much
FACTS = ("full_name", "birth_date", "mother_name", "nik", "bpjs_number", "phone", "sex")

Pair = tuple[UUID, UUID]  # the lower id first


def run_due(day: date, *, seconds: float) -> int:
    """Run the parts of `day` that are not done yet, as many as begin within `seconds`; return how many ran here.

    Safe to repeat and to run beside another worker (`notifications.daily.run_once`).
    """
    until = time.monotonic() + seconds
    duties: list[tuple[str, Callable[[], object]]] = [
        (f"patients.duplicates.{number}", partial(scan_part, number)) for number in range(part_count())
    ]
    duties.append(("patients.duplicates.tidy", tidy))
    ran = 0
    for name, function in duties:
        if time.monotonic() > until:
            break
        ran += run_once(name, day, function)
    return ran


def part_count() -> int:
    """Return in how many parts all records are looked through."""
    return -(-Patient.objects.count() // PART)


def scan_all(*, say: Callable[[str], None] = lambda _text: None) -> int:
    """Look through everything at once, for a first run after an import; return how many pairs are on the list then."""
    for number in range(part_count()):
        found = scan_part(number)
        say(f"{min((number + 1) * PART, Patient.objects.count())} records, {found} pairs in this part")
    tidy()
    return DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN).count()


def scan_part(number: int) -> int:
    """Compare the records of one part with all others; return how many pairs look alike enough to be listed."""
    ids = Patient.objects.order_by("pk").values_list("pk", flat=True)
    start = ids[number * PART : number * PART + 1].first()
    if start is None:
        return 0
    after = ids[(number + 1) * PART : (number + 1) * PART + 1].first()
    newest = list(Patient.objects.order_by("-pk").values_list("pk", flat=True)[RECENT - 1 : RECENT])
    recent_from = newest[0] if newest else UUID(int=0)
    today, found = clock.today(), 0
    for rows in _batches(start, after):
        found += _store(_scored(_candidates(rows, recent_from, today), today))
    return found


def tidy() -> int:
    """Take pairs off the list that no longer look alike, or of which a record is no longer in use; return how many."""
    gone, after, today = 0, UUID(int=0), clock.today()
    while True:
        pairs = DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN, pk__gt=after).order_by("pk")
        rows = list(pairs.values_list("pk", "first_id", "second_id")[:BATCH])
        if not rows:
            return gone
        after = rows[-1][0]
        alike = _scored({(first, second) for _pk, first, second in rows}, today)
        over = [pk for pk, first, second in rows if (first, second) not in alike]
        gone += DuplicatePair.objects.filter(pk__in=over, state=DuplicatePair.State.OPEN).delete()[0]


def _batches(start: UUID, end: UUID | None) -> Iterator[list[dict[str, Any]]]:
    columns = ("pk", "full_name", "birth_date", "bpjs_number", *PHONE_COLUMNS)
    rows = Patient.objects.active().order_by("pk")
    if end is not None:
        rows = rows.filter(pk__lt=end)
    page = list(rows.filter(pk__gte=start).values(*columns)[:BATCH])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1]["pk"]).values(*columns)[:BATCH])


def _candidates(rows: list[dict[str, Any]], recent_from: UUID, today: date) -> set[Pair]:
    """Return the pairs of these records with any other that share a token or a telephone number."""
    key = keys_index.reading().current
    blocks: dict[int, list[UUID]] = {}
    for row in rows:
        for term in _terms(row, recent_from, today):
            blocks.setdefault(blind_index(term.purpose, term.text, key=key.key), []).append(row["pk"])
    seen: dict[int, int] = {}
    pairs: set[Pair] = set()
    for token, other in _holders(sorted(blocks)):
        seen[token] = seen.get(token, 0) + 1
        if seen[token] <= BLOCK_CAP:
            pairs.update(_pair(mine, other) for mine in blocks[token] if mine != other)
    return pairs | _phone_pairs(rows, key)


def _terms(row: dict[str, Any], recent_from: UUID, today: date) -> Iterator[Term]:
    born = row["birth_date"]
    swapped = likeness.swapped_date(born)
    days = [born, *([swapped] if swapped is not None and swapped <= today else [])]
    if row["pk"] >= recent_from:
        days = [born, *likeness.near_dates(born, today=today)]
    for word in set(fold_name(row["full_name"])):
        yield from (name_birth_term(word, day) for day in days)
    if likeness.is_baby(born, today):
        yield birth_term(born)
    card = number_term(row["bpjs_number"]) if row["bpjs_number"] else None
    if card is not None:
        yield card


def _holders(tokens: list[int]) -> Iterator[tuple[int, UUID]]:
    for at in range(0, len(tokens), TOKENS):
        yield from PatientToken.objects.filter(token__in=tokens[at : at + TOKENS]).values_list("token", "patient_id")


def _phone_pairs(rows: list[dict[str, Any]], key: IndexKey) -> set[Pair]:
    column = PHONE_COLUMNS[key.slot]
    mine: dict[int, list[UUID]] = {}
    for row in rows:
        if row[column] is not None:
            mine.setdefault(row[column], []).append(row["pk"])
    holders: dict[int, list[UUID]] = {}
    people = Patient.objects.active().filter(**{f"{column}__in": list(mine)}).order_by()
    for pk, number in people.values_list("pk", column):
        holders.setdefault(number, []).append(pk)
    return {
        _pair(one, other)
        for number, ones in mine.items()
        if len(holders.get(number, ())) <= PHONE_CAP
        for one in ones
        for other in holders.get(number, ())
        if one != other
    }


def _pair(one: UUID, other: UUID) -> Pair:
    return (one, other) if one < other else (other, one)


def _scored(pairs: Iterable[Pair], today: date) -> dict[Pair, Likeness]:
    """Return those pairs of records in use that look alike enough to be listed."""
    wanted = sorted(pairs)
    found: dict[Pair, Likeness] = {}
    for at in range(0, len(wanted), BATCH):
        part = wanted[at : at + BATCH]
        ids = {pk for pair in part for pk in pair}
        rows = Patient.objects.active().filter(pk__in=ids).values("pk", *FACTS)
        facts = {row.pop("pk"): _facts(row) for row in rows}
        for first, second in part:
            if first in facts and second in facts:
                alike = likeness.compare(facts[first], facts[second], today=today)
                if alike.score >= likeness.LISTED:
                    found[first, second] = alike
    return found


def _facts(row: dict[str, Any]) -> Facts:
    return Facts(
        **{name: value or "" for name, value in row.items() if name != "birth_date"}, birth_date=row["birth_date"]
    )


@retry_transaction
def _store(alike: dict[Pair, Likeness]) -> int:
    """Write the pairs; decided ones stay as they were decided."""
    seconds = {second for _first, second in alike}
    known = {
        (row.first_id, row.second_id): row
        for row in DuplicatePair.objects.filter(second_id__in=seconds).defer("reason")
    }
    now, new = clock.now(), []
    for (first, second), likeness_ in alike.items():
        row = known.get((first, second))
        if row is None:
            new.append(
                DuplicatePair(
                    first_id=first, second_id=second, signs=list(likeness_.signs), score=likeness_.score, found_at=now
                )
            )
        elif row.state == DuplicatePair.State.OPEN and (row.score, row.signs) != (
            likeness_.score,
            list(likeness_.signs),
        ):
            row.signs, row.score = list(likeness_.signs), likeness_.score
            row.save(update_fields=["signs", "score"])
    DuplicatePair.objects.bulk_create(new, ignore_conflicts=True, batch_size=BATCH)
    return len(alike)
