"""Find patients whose identity is encrypted, and keep the tokens they are found by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, TextField

from core import indonesia, keys_index
from core.encryption import StrictEncryption
from core.keys_index import IndexKey, IndexKeys
from core.search import blind, ranking
from core.search.blind import Term, blind_index, name_terms, number_term
from core.search.queries import Query, TokenSearch, query_plan
from core.search.ranking import match_cost, rank
from patients.models import Patient, PatientIdentifier, PatientToken
from patients.names import STAND_IN_NAME

CANDIDATE_CAP = 300  # names decrypted for one lookup; more find a little more at several times the cost (ADR 0004)
WALK_CAP = 2500  # newest patients looked through for a common word alone
WALK_CHUNK = 250
TOKEN_BATCH = 1000
# The columns of the two numbers by slot of their key (`core.keys_index`): the other pair is empty but for the time in
# which the key of the index changes.
NIK_COLUMNS = ("nik_bidx", "nik_bidx_b")
PHONE_COLUMNS = ("phone_bidx", "phone_bidx_b")
BLIND_COLUMNS = (*NIK_COLUMNS, *PHONE_COLUMNS)
# What a list of patients shows. Each encrypted column read costs its decryption, so nothing more is loaded.
LIST_FIELDS = (
    "id",
    "record_number",
    "full_name",
    "birth_date",
    "birth_accuracy",
    "sex",
    "nik",
    "phone",
    "status",
    "guarantor",
    "allergy_status",
    "photo_key",
    "merged_into_id",
)
# What the index of a patient is made of, beside the numbers in `PatientIdentifier`; and how it is read.
INDEXED_FIELDS = ("id", "full_name", "birth_date", "nik", "phone", "bpjs_number", "status", *BLIND_COLUMNS)
MOST_MERGES = 2  # a record merged into one that was merged itself


def find_patients(*, user: Any, query: str, limit: int = 20) -> list[Patient]:
    """Return up to `limit` patients `user` may see that answer `query`, best first; columns of `LIST_FIELDS` only.

    `query` is what a person typed: a record number (`123456`, `12-34-56`), another number (NIK, BPJS, passport, paper
    record), a telephone number, a birth date, a name or the beginning of one, or a name with a birth date. Text that
    means nothing finds nobody. Records that were merged are not shown: their numbers find the one that stayed, whose
    `former_number` then says which was typed. Archived ones come last. Two to four statements as a rule, six at the
    most. Callers write no query text to logs or addresses.
    """
    visible = Patient.objects.visible_to(user)
    if visible.query.is_empty() or limit < 1:
        return []
    plan = query_plan(query)
    key = keys_index.reading().current
    found: list[Patient] = []
    if plan.query.has_numbers:
        found = _by_number(visible, plan.query, key)
        if found or not plan.query.words:
            return _archived_last(found)[:limit]

    rows: dict[UUID, _Row] = {}
    answers: list[_Row] = []
    ids = [*_candidates(visible, plan.exact, key), *_candidates(visible, plan.written, key)]
    if ids:
        _load(rows, visible, ids)
        answers = _ranked(plan.query, rows)
    if plan.near is not None and (not answers or (plan.near_completes and len(answers) < limit)):
        _load(rows, visible, _candidates(visible, plan.near, key))
        answers = _ranked(plan.query, rows)
    if plan.walk or (plan.walk_if_empty and not answers):
        _load(rows, visible, _walk(visible, plan.query, limit))
        answers = _ranked(plan.query, rows)
    answers.sort(key=lambda row: row["status"] == Patient.Status.ARCHIVED)
    former = _by_stand_in_name(visible, query, key)
    kept = {row.pk for row in former}
    return [*former, *(_patient(row) for row in answers if row["id"] not in kept)][:limit]


def find_exactly(text: str) -> list[Patient]:
    """Return the patients with exactly this record number or NIK, or whose index answers this name and birth date.

    Asks nobody's rights: for emergency access, which shows next to nothing of them and writes down every look. The
    caller compares the whole name. Telephone numbers and beginnings of names find nobody. Four statements at most, and
    one for each record on the way from a merged one.
    """
    plan = query_plan(text)
    everybody = Patient.objects.all()
    if plan.query.has_numbers:
        rows = list(everybody.filter(record_number__in=plan.query.record_numbers).only(*LIST_FIELDS))
        rows = rows or (list(with_nik(everybody, plan.query.nik).only(*LIST_FIELDS)) if plan.query.nik else [])
        return _survivors(everybody, rows)
    if plan.exact is None or plan.query.birth_date is None:
        return []
    ids = _candidates(everybody, plan.exact, keys_index.reading().current)
    return sorted(_not_merged(everybody).filter(pk__in=ids).only(*LIST_FIELDS), key=_newest_first) if ids else []


def with_nik(patients: QuerySet[Patient], nik: str) -> QuerySet[Patient]:
    """Return the patient of `patients` with this NIK, at most one. Two statements in all."""
    key = keys_index.reading().current
    return patients.filter(**{NIK_COLUMNS[key.slot]: blind_index("nik", nik, key=key.key)})


def with_phone(patients: QuerySet[Patient], phone: str) -> QuerySet[Patient]:
    """Return the patients of `patients` with this telephone number (E.164), which families share. Two statements in all."""
    key = keys_index.reading().current
    return patients.filter(**{PHONE_COLUMNS[key.slot]: blind_index("phone", phone, key=key.key)})


def fill_blind_columns(patient: Patient, *, index: IndexKeys | None = None) -> None:
    """Set the columns of `BLIND_COLUMNS` from the NIK and telephone number; saves nothing. Call before saving them.

    A NIK that stands for "not known" gets no index: it may occur many times. In the transaction that saves, one
    statement; none for callers who fill many rows with what `keys_index.writing()` gave them.
    """
    written = {key.slot: key.key for key in (index or keys_index.writing()).written}
    nik = (patient.nik or "").strip()
    phone = indonesia.phone_or_none(patient.phone or "")
    if nik == indonesia.NIK_PLACEHOLDER:
        nik = ""
    for slot in range(len(NIK_COLUMNS)):
        key = written.get(slot)
        setattr(patient, NIK_COLUMNS[slot], blind_index("nik", nik, key=key) if key and nik else None)
        setattr(patient, PHONE_COLUMNS[slot], blind_index("phone", phone, key=key) if key and phone else None)


def is_nik_known(patient: Patient) -> bool:
    """True when another patient has the NIK of this one, whose blind columns are filled. One statement at most."""
    same = Q()
    for column in NIK_COLUMNS:
        if getattr(patient, column) is not None:
            same |= Q(**{column: getattr(patient, column)})
    return bool(same) and Patient.objects.filter(same).exclude(pk=patient.pk).exists()


def write_tokens(patient: Patient) -> None:
    """Make the search index of one patient agree with the name, birth date and numbers it has now.

    Call it in the transaction that saves them or the patient's `PatientIdentifier` rows, or that merges the record, with
    the patient's row locked or just inserted; safe to repeat.

    Raises:
        IntegrityError: the NIK belongs to another patient (only when the blind columns were not saved before).
    """
    write_tokens_of([patient])


def write_tokens_of(patients: Sequence[Patient]) -> int:
    """Make the search index of several patients right, in one transaction; return how many rows were changed.

    Three statements to read, and further ones only for what differs. Raises as `write_tokens`.
    """
    ids = [patient.pk for patient in patients]
    with transaction.atomic():
        index = keys_index.writing()
        numbers = _numbers_of(patients)
        wanted = {
            (token, patient.pk)
            for patient in patients
            for terms in [index_terms(patient, numbers[patient.pk])]
            for key in index.written
            for token in blind.tokens(terms, key=key.key)
        }
        changed = 0
        for patient in patients:
            before = [getattr(patient, name) for name in BLIND_COLUMNS]
            fill_blind_columns(patient, index=index)
            if before != [getattr(patient, name) for name in BLIND_COLUMNS]:
                patient.save(update_fields=BLIND_COLUMNS)
                changed += 1
        present = set(PatientToken.objects.filter(patient_id__in=ids).values_list("token", "patient_id"))
        stale: dict[UUID, list[int]] = {}
        for token, patient_id in present - wanted:
            stale.setdefault(patient_id, []).append(token)
        for patient_id, tokens in stale.items():
            PatientToken.objects.filter(patient_id=patient_id, token__in=tokens).delete()
        missing = sorted(wanted - present)
        _insert_tokens(missing)
        return changed + len(missing) + len(present - wanted)


def _insert_tokens(rows: Sequence[tuple[int, UUID]]) -> None:
    """Add tokens that are not there. Without model objects: an import writes millions, and they would cost most of it."""
    if not rows:
        return
    column = PatientToken._meta.get_field("patient")
    ids = {patient_id: column.get_db_prep_save(patient_id, connection) for _token, patient_id in rows}
    insert = f"INSERT INTO {PatientToken._meta.db_table} (token, patient_id) VALUES (%s, %s)"  # noqa: S608
    with connection.cursor() as cursor:
        for start in range(0, len(rows), TOKEN_BATCH):
            part = rows[start : start + TOKEN_BATCH]
            cursor.executemany(insert, [(token, ids[patient_id]) for token, patient_id in part])


def index_terms(patient: Patient, numbers: Iterable[str]) -> set[Term]:
    """Return the terms a patient is found by; `numbers` are those beside NIK, telephone and record number."""
    is_merged = patient.status == Patient.Status.MERGED
    return terms_of(
        full_name=patient.full_name, birth_date=patient.birth_date, numbers=numbers, is_merged=is_merged
    )  # fmt: skip


def terms_of(*, full_name: str, birth_date: date | None, numbers: Iterable[str], is_merged: bool = False) -> set[Term]:
    """Return the terms of one record. A merged one is found by its numbers only: nobody looks for it by name."""
    terms = set() if is_merged else name_terms(full_name, birth_date)
    return terms | {term for value in numbers if (term := number_term(value)) is not None}


def _numbers_of(patients: Sequence[Patient]) -> dict[UUID, list[str]]:
    found = {patient.pk: [patient.bpjs_number] if patient.bpjs_number else [] for patient in patients}
    for row in PatientIdentifier.objects.filter(patient_id__in=list(found)).only("patient_id", "value"):
        found[row.patient_id].append(row.value)
    return found


def _by_number(visible: QuerySet[Patient], query: Query, key: IndexKey) -> list[Patient]:
    """Patients with one of the numbers: record number first, then NIK, then the others, newest first."""
    term = number_term(query.number)
    ids = _candidates(visible, TokenSearch(frozenset({term})), key) if term else []
    wanted = Q(pk__in=ids) if ids else Q()
    if query.record_numbers:
        wanted |= Q(record_number__in=query.record_numbers)
    nik_column, phone_column = NIK_COLUMNS[key.slot], PHONE_COLUMNS[key.slot]
    nik = blind_index("nik", query.nik, key=key.key) if query.nik else None
    if nik is not None:
        wanted |= Q(**{nik_column: nik})
    if query.phone:
        wanted |= Q(**{phone_column: blind_index("phone", query.phone, key=key.key)})
    if not wanted:
        return []
    # Ordered here and not in the database, which would be tempted to read the whole table in that order.
    rows = sorted(
        visible.filter(wanted).only(*LIST_FIELDS, nik_column, phone_column)[:CANDIDATE_CAP], key=_newest_first
    )
    rows.sort(
        key=lambda row: (row.record_number not in query.record_numbers, nik is None or getattr(row, nik_column) != nik)
    )
    return _survivors(visible, rows)


def _by_stand_in_name(visible: QuerySet[Patient], text: str, key: IndexKey) -> list[Patient]:
    """Patients who had exactly this name from the clinic ("By. Ny. Rohani") before they got their own.

    No statement for any other text.
    """
    term = number_term(text) if STAND_IN_NAME.match(text.strip().title()) else None
    ids = _candidates(visible, TokenSearch(frozenset({term})), key) if term else []
    return sorted(_not_merged(visible).filter(pk__in=ids).only(*LIST_FIELDS), key=_newest_first) if ids else []


def _survivors(visible: QuerySet[Patient], rows: Sequence[Patient]) -> list[Patient]:
    """Put the record that stayed in the place of each that was merged; one statement for each step of a merge."""
    kept: dict[UUID, Patient] = {}
    former: dict[UUID, str] = {}
    seen = {row.pk for row in rows}
    for _step in range(MOST_MERGES + 1):
        wanted: list[UUID] = []
        for row in rows:
            row.former_number = former.get(row.pk, "")
            if row.status != Patient.Status.MERGED:
                kept.setdefault(row.pk, row)
            elif row.merged_into_id is not None:
                former[row.merged_into_id] = former.get(row.pk) or row.record_number
                if row.merged_into_id in kept:
                    kept[row.merged_into_id].former_number = former[row.merged_into_id]
                elif row.merged_into_id not in seen:
                    wanted.append(row.merged_into_id)
        if not wanted:
            break
        seen.update(wanted)
        rows = sorted(visible.filter(pk__in=wanted).only(*LIST_FIELDS), key=_newest_first)
    return list(kept.values())


def _archived_last(found: Sequence[Patient]) -> list[Patient]:
    return sorted(found, key=lambda patient: patient.status == Patient.Status.ARCHIVED)


def _newest_first(patient: Patient) -> int:
    return -patient.pk.int


def _candidates(visible: QuerySet[Patient], wanted: TokenSearch | None, key: IndexKey) -> list[UUID]:
    """Ids of the newest patients who have a token of every group; none when there is nothing to look for.

    EXISTS for the further groups, not IN with a subquery: the worst case of two short words is far better.
    """
    if wanted is None:
        return []
    rows = _tokens(wanted.driver, key)
    for group in wanted.others:
        rows = rows.filter(Exists(_tokens(group, key).filter(patient_id=OuterRef("patient_id"))))
    if visible.query.has_filters():
        rows = rows.filter(Exists(visible.filter(pk=OuterRef("patient_id"))))
    found = rows.order_by("-patient_id").values_list("patient_id", flat=True)
    if len(wanted.driver) > 1:
        found = found.distinct()
    return list(found[:CANDIDATE_CAP])


def _tokens(group: Iterable[Term], key: IndexKey) -> QuerySet[PatientToken]:
    tokens = sorted(blind.tokens(group, key=key.key))
    return (
        PatientToken.objects.filter(token=tokens[0])
        if len(tokens) == 1
        else PatientToken.objects.filter(token__in=tokens)
    )


def _walk(visible: QuerySet[Patient], query: Query, limit: int) -> list[UUID]:
    """Ids of the newest patients whose name answers the query, out of the newest `WALK_CAP`."""
    found: list[UUID] = []
    names = _not_merged(visible).order_by("-pk").values_list("pk", "full_name")[:WALK_CAP]
    beginnings = ranking.beginnings(query)
    for pk, full_name in names.iterator(chunk_size=WALK_CHUNK):
        if beginnings is not None and not beginnings.search(full_name):
            continue
        if match_cost(query, full_name) is not None:
            found.append(pk)
            if len(found) >= limit:
                break
    return found


def _not_merged(visible: QuerySet[Patient]) -> QuerySet[Patient]:
    return visible.exclude(status=Patient.Status.MERGED)


# Hundreds of names are compared to show twenty people, so of each candidate the name alone is opened at first; the other
# encrypted columns come along as they are stored.
_Row = dict[str, Any]
_FIELDS = {field.attname: field for field in Patient._meta.concrete_fields if field.attname in LIST_FIELDS}
_SEALED = {name: f"sealed_{name}" for name, field in _FIELDS.items() if isinstance(field, StrictEncryption)}
_PLAIN = tuple(name for name in _FIELDS if name not in _SEALED)


def _load(rows: dict[UUID, _Row], visible: QuerySet[Patient], ids: Iterable[UUID]) -> None:
    """Add the patients that are not loaded yet, and were not merged into others."""
    new = [pk for pk in dict.fromkeys(ids) if pk not in rows]
    if new:
        sealed = {alias: ExpressionWrapper(F(name), output_field=TextField()) for name, alias in _SEALED.items()}
        found = _not_merged(visible).filter(pk__in=new).annotate(**sealed).values(*_PLAIN, *sealed)
        rows.update((row["id"], row) for row in found)


def _opened(row: _Row, name: str) -> Any:
    """Return the value of an encrypted column of a row."""
    return _FIELDS[name].from_db_value(row[_SEALED[name]], None, connection)  # type: ignore[attr-defined]


def _ranked(query: Query, rows: dict[UUID, _Row]) -> list[_Row]:
    for row in rows.values():
        if "full_name" not in row:
            row["full_name"] = _opened(row, "full_name")
        if query.birth_date is not None and "birth_date" not in row:
            row["birth_date"] = _opened(row, "birth_date")
    newest = sorted(rows.values(), key=lambda row: -row["id"].int)
    return rank(query, ((row, row["full_name"], row.get("birth_date")) for row in newest))


def _patient(row: _Row) -> Patient:
    """Return the patient of a row, as if loaded with `only(*LIST_FIELDS)`."""
    values = [row[name] if name in row else _opened(row, name) for name in _FIELDS]
    return Patient.from_db(connection.alias, list(_FIELDS), values)
