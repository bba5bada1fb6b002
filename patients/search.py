"""Find patients whose identity is encrypted, and keep the tokens they are found by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from core import indonesia, keys_index, search
from core.keys_index import IndexKey, IndexKeys
from core.search import Query, Term, TokenSearch, blind_index, match_cost, name_terms, query_plan, rank
from patients.models import Patient, PatientToken

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
    "sex",
    "nik",
    "phone",
    "status",
    "guarantor",
    "allergy_status",
)


def find_patients(*, user: Any, query: str, limit: int = 20) -> list[Patient]:
    """Return up to `limit` patients `user` may see that answer `query`, best first; columns of `LIST_FIELDS` only.

    `query` is what a person typed: a record number (`123456`, `12-34-56`), a NIK, a telephone number, a birth date, a
    name or the beginning of one, or a name with a birth date. Text that means nothing finds nobody. Two to four
    statements as a rule, six at the most. Callers write no query text to logs or addresses.
    """
    visible = Patient.objects.visible_to(user)
    if visible.query.is_empty() or limit < 1:
        return []
    plan = query_plan(query)
    if plan.query.has_numbers:
        return _by_number(visible, plan.query)[:limit]
    key = keys_index.reading().current

    rows: dict[UUID, Patient] = {}
    found: list[Patient] = []
    if plan.exact is not None:
        _load(rows, visible, _candidates(visible, plan.exact, key))
        found = _ranked(plan.query, rows)
    if plan.near is not None and (not found or (plan.near_completes and len(found) < limit)):
        _load(rows, visible, _candidates(visible, plan.near, key))
        found = _ranked(plan.query, rows)
    if plan.walk or (plan.walk_if_empty and not found):
        _load(rows, visible, _walk(visible, plan.query, limit))
        found = _ranked(plan.query, rows)
    return found[:limit]


def find_exactly(text: str) -> list[Patient]:
    """Return the patients with exactly this record number or NIK, or whose index answers this name and birth date.

    Asks nobody's rights: for emergency access, which shows next to nothing of them and writes down every look. The
    caller compares the whole name. Telephone numbers and beginnings of names find nobody. Four statements at most.
    """
    plan = query_plan(text)
    everybody = Patient.objects.all()
    if plan.query.has_numbers:
        rows = list(everybody.filter(record_number__in=plan.query.record_numbers).only(*LIST_FIELDS))
        return rows or (list(with_nik(everybody, plan.query.nik).only(*LIST_FIELDS)) if plan.query.nik else [])
    if plan.exact is None or plan.query.birth_date is None:
        return []
    found: dict[UUID, Patient] = {}
    _load(found, everybody, _candidates(everybody, plan.exact, keys_index.reading().current))
    return sorted(found.values(), key=_newest_first)


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
    """Make the search index of one patient agree with the name, birth date, NIK and phone it has now.

    Call it in the transaction that saves them, with the patient's row locked or just inserted; safe to repeat.

    Raises:
        IntegrityError: the NIK belongs to another patient (only when the blind columns were not saved before).
    """
    write_tokens_of([patient])


def write_tokens_of(patients: Sequence[Patient]) -> int:
    """Make the search index of several patients right, in one transaction; return how many rows were changed.

    Two statements to read, and further ones only for what differs. Raises as `write_tokens`.
    """
    ids = [patient.pk for patient in patients]
    with transaction.atomic():
        index = keys_index.writing()
        wanted = {
            (token, patient.pk)
            for patient in patients
            for terms in [name_terms(patient.full_name, patient.birth_date)]
            for key in index.written
            for token in search.tokens(terms, key=key.key)
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
        PatientToken.objects.bulk_create(
            [PatientToken(token=token, patient_id=patient_id) for token, patient_id in missing], batch_size=TOKEN_BATCH
        )
        return changed + len(missing) + len(present - wanted)


def _by_number(visible: QuerySet[Patient], query: Query) -> list[Patient]:
    """Patients with one of the numbers: record number first, then NIK, then telephone, newest first."""
    wanted = Q()
    if query.record_numbers:
        wanted |= Q(record_number__in=query.record_numbers)
    columns: tuple[str, ...] = ()
    nik_column, nik = "", None
    if query.nik or query.phone:
        key = keys_index.reading().current
        columns = nik_column, phone_column = NIK_COLUMNS[key.slot], PHONE_COLUMNS[key.slot]
        if query.nik:
            nik = blind_index("nik", query.nik, key=key.key)
            wanted |= Q(**{nik_column: nik})
        if query.phone:
            wanted |= Q(**{phone_column: blind_index("phone", query.phone, key=key.key)})
    # Ordered here and not in the database, which would be tempted to read the whole table in that order.
    rows = sorted(visible.filter(wanted).only(*LIST_FIELDS, *columns)[:CANDIDATE_CAP], key=_newest_first)
    return sorted(
        rows,
        key=lambda row: (row.record_number not in query.record_numbers, nik is None or getattr(row, nik_column) != nik),
    )


def _newest_first(patient: Patient) -> int:
    return -patient.pk.int


def _candidates(visible: QuerySet[Patient], wanted: TokenSearch, key: IndexKey) -> list[UUID]:
    """Ids of the newest patients who have a token of every group.

    EXISTS for the further groups, not IN with a subquery: the worst case of two short words is far better.
    """
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
    tokens = sorted(search.tokens(group, key=key.key))
    return (
        PatientToken.objects.filter(token=tokens[0])
        if len(tokens) == 1
        else PatientToken.objects.filter(token__in=tokens)
    )


def _walk(visible: QuerySet[Patient], query: Query, limit: int) -> list[UUID]:
    """Ids of the newest patients whose name answers the query, out of the newest `WALK_CAP`."""
    found: list[UUID] = []
    names = visible.order_by("-pk").values_list("pk", "full_name")[:WALK_CAP]
    for pk, full_name in names.iterator(chunk_size=WALK_CHUNK):
        if match_cost(query, full_name) is not None:
            found.append(pk)
            if len(found) >= limit:
                break
    return found


def _load(rows: dict[UUID, Patient], visible: QuerySet[Patient], ids: Iterable[UUID]) -> None:
    """Add the patients that are not loaded yet."""
    new = [pk for pk in ids if pk not in rows]
    if new:
        rows.update((row.pk, row) for row in visible.filter(pk__in=new).only(*LIST_FIELDS))


def _ranked(query: Query, rows: dict[UUID, Patient]) -> list[Patient]:
    newest = sorted(rows.values(), key=_newest_first)
    return rank(query, ((row, row.full_name, row.birth_date) for row in newest))
