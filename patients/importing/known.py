"""Who of many people is registered already: the questions of `services.duplicates`, for a whole batch in few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from core import clock, keys_index
from core.search.blind import Term, blind_index, name_birth_term, number_key, number_term, tokens
from core.search.folding import fold_name
from patients.importing.rows import Row
from patients.models import Patient, PatientImportRow, PatientToken
from patients.search import NIK_COLUMNS
from patients.services import likeness
from patients.services.duplicates import COMPARED_FIELDS
from patients.services.likeness import Facts

Problem = PatientImportRow.Problem
IN_FEW = 800  # values of one IN


@dataclass(frozen=True)
class Match:
    """Whom a row looks like, and by what: a patient, or an earlier row of the same file."""

    problem: str
    patient_id: UUID | None = None
    record_number: str = ""
    row: int = 0


class SeenRows:
    """The rows of a file met so far. Numbers are kept as digests of this process; of people what is compared."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        self._people: dict[int, tuple[int, Facts]] = {}

    def match(self, row: Row) -> Match | None:
        """Return the earlier row that is the same person, and remember this one.

        By a number, else by name and birth date as a registration compares them: another NIK or mother speaks against it.
        """
        found = None
        facts = facts_of(row)
        for problem, key in _numbers(row, facts):
            first = self._first.setdefault(hash((problem, key)), row.number)
            if first != row.number and found is None:
                found = Match(problem, row=first)
        name = hash((tuple(sorted(fold_name(facts.full_name))), facts.birth_date))
        number, other = self._people.setdefault(name, (row.number, facts))
        if found is None and number != row.number and likeness.compare(facts, other, today=clock.today()).is_high:
            found = Match(Problem.PERSON, row=number)
        return found


def facts_of(row: Row) -> Facts:
    """Return what is compared of a row that can be registered."""
    assert row.person is not None
    fields = row.person.fields
    return Facts(
        full_name=fields["full_name"], birth_date=fields["birth_date"], mother_name=fields["mother_name"],
        nik=fields["nik"] or "", bpjs_number=fields["bpjs_number"], phone=fields["phone"] or "", sex=fields["sex"],
    )  # fmt: skip


def find_known(rows: Sequence[Row]) -> dict[int, Match]:
    """Return, by row number, the registered patient that a row is or may be; the surest sign decides.

    NIK, BPJS number, old record number; else a likeness so high that the desk would need a reason, among people with the
    same birth date and a word of the name. Merged records stand for the one they went into. Rows must be registrable.
    Five statements or so, and one more for every 800 people.
    """
    key = keys_index.reading().current
    by_token: dict[int, list[Row]] = defaultdict(list)
    by_nik: dict[int, Row] = {}
    for row in rows:
        facts = facts_of(row)
        for token in tokens(_terms(row, facts), key=key.key):
            by_token[token].append(row)
        if facts.nik:
            by_nik[blind_index("nik", facts.nik, key=key.key)] = row
    candidates: dict[UUID, set[int]] = defaultdict(set)
    for some in _parts(sorted(by_token)):
        pairs = PatientToken.objects.filter(token__in=some).values_list("token", "patient_id")
        for token, patient_id in pairs:
            candidates[patient_id].update(row.number for row in by_token[token])
    column = NIK_COLUMNS[key.slot]
    for some in _parts(sorted(by_nik)):
        for patient_id, digest in Patient.objects.filter(**{f"{column}__in": some}).values_list("pk", column):
            candidates[patient_id].add(by_nik[digest].number)
    if not candidates:
        return {}
    return _compared({row.number: row for row in rows}, candidates)


def _compared(rows: dict[int, Row], candidates: dict[UUID, set[int]]) -> dict[int, Match]:
    today, best = clock.today(), {}
    order = [Problem.NIK, Problem.BPJS, Problem.OLD_NUMBER, Problem.PERSON]
    facts = {number: facts_of(row) for number, row in rows.items()}
    for patient in _patients(candidates):
        theirs = Facts.of(patient)
        old_numbers = {number_key(one.value) for one in patient.identifiers.all() if one.kind == "old_record"}
        for number in candidates[patient.pk]:
            problem = _problem(rows[number], facts[number], theirs, old_numbers, today)
            if problem is None:
                continue
            rank = order.index(problem)
            if number not in best or rank < best[number][0]:
                best[number] = (rank, problem, patient)
    survivors = _survivors([patient for _rank, _problem, patient in best.values()])
    return {
        number: Match(problem, survivors[patient.pk].pk, survivors[patient.pk].record_number)
        for number, (_rank, problem, patient) in best.items()
    }


def _problem(row: Row, mine: Facts, theirs: Facts, old_numbers: set[str], today: Any) -> Any:
    alike = likeness.compare(mine, theirs, today=today)
    if likeness.NIK in alike.signs:
        return Problem.NIK
    if likeness.BPJS in alike.signs:
        return Problem.BPJS
    if row.old_number and number_key(row.old_number) in old_numbers:
        return Problem.OLD_NUMBER
    return Problem.PERSON if alike.is_high else None


def _patients(ids: Iterable[UUID]) -> Iterable[Patient]:
    for some in _parts(sorted(ids)):
        rows = Patient.objects.filter(pk__in=some).only(*COMPARED_FIELDS, "record_number")
        yield from rows.prefetch_related("identifiers")


def _survivors(patients: Sequence[Patient]) -> dict[UUID, Patient]:
    found = {patient.pk: patient for patient in patients}
    moved = {patient.pk: patient.merged_into_id for patient in patients if patient.merged_into_id}
    if moved:
        kept = {
            row.pk: row for row in Patient.objects.filter(Q(pk__in=set(moved.values()))).only("pk", "record_number")
        }
        found |= {pk: kept[into] for pk, into in moved.items() if into in kept}
    return found


def _terms(row: Row, facts: Facts) -> set[Term]:
    terms = {number_term(value) for value in (facts.bpjs_number, row.old_number) if value}
    terms |= {name_birth_term(word, facts.birth_date) for word in fold_name(facts.full_name) if facts.birth_date}
    return {term for term in terms if term is not None}


def _numbers(row: Row, facts: Facts) -> Iterable[tuple[str, str]]:
    if facts.nik:
        yield Problem.NIK, facts.nik
    if facts.bpjs_number:
        yield Problem.BPJS, facts.bpjs_number
    if row.old_number and number_key(row.old_number):
        yield Problem.OLD_NUMBER, number_key(row.old_number)


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(values), IN_FEW):
        yield values[start : start + IN_FEW]
