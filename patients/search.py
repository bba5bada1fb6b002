"""Find patients whose identity is encrypted, and keep the tokens they are found by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from core import indonesia
from core.search import Query, TokenSearch, blind_index, match_cost, name_tokens, query_plan, rank
from patients.models import Patient, PatientToken

CANDIDATE_CAP = 300  # names decrypted for one lookup; more find a little more at several times the cost (ADR 0004)
WALK_CAP = 2500  # newest patients looked through for a common word alone
WALK_CHUNK = 250
TOKEN_BATCH = 1000
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
    name or the beginning of one, or a name with a birth date. Text that means nothing finds nobody. One to three
    statements as a rule, five at the most. Callers write no query text to logs or addresses.
    """
    visible = Patient.objects.visible_to(user)
    if visible.query.is_empty() or limit < 1:
        return []
    plan = query_plan(query)
    if plan.query.has_numbers:
        return _by_number(visible, plan.query)[:limit]

    rows: dict[UUID, Patient] = {}
    found: list[Patient] = []
    if plan.exact is not None:
        _load(rows, visible, _candidates(visible, plan.exact))
        found = _ranked(plan.query, rows)
    if plan.near is not None and (not found or (plan.near_completes and len(found) < limit)):
        _load(rows, visible, _candidates(visible, plan.near))
        found = _ranked(plan.query, rows)
    if plan.walk or (plan.walk_if_empty and not found):
        _load(rows, visible, _walk(visible, plan.query, limit))
        found = _ranked(plan.query, rows)
    return found[:limit]


def fill_blind_columns(patient: Patient) -> None:
    """Set `nik_bidx` and `phone_bidx` from the NIK and telephone number; saves nothing. Call before saving them.

    A NIK that stands for "not known" gets no index: it may occur many times.
    """
    nik = (patient.nik or "").strip()
    phone = indonesia.phone_or_none(patient.phone or "")
    patient.nik_bidx = blind_index("nik", nik) if nik and nik != indonesia.NIK_PLACEHOLDER else None
    patient.phone_bidx = blind_index("phone", phone) if phone else None


def write_tokens(patient: Patient) -> None:
    """Make the search index of one patient agree with the name, birth date, NIK and phone it has now.

    Call it in the transaction that saves them, with the patient's row locked or just inserted; safe to repeat.

    Raises:
        IntegrityError: the NIK belongs to another patient (only when the blind columns were not saved before).
    """
    write_tokens_of([patient])


def write_tokens_of(patients: Sequence[Patient]) -> int:
    """Make the search index of several patients right, in one transaction; return how many rows were changed.

    One statement to read, and further ones only for what differs. Raises as `write_tokens`.
    """
    wanted = {
        (token, patient.pk) for patient in patients for token in name_tokens(patient.full_name, patient.birth_date)
    }
    ids = [patient.pk for patient in patients]
    with transaction.atomic():
        changed = 0
        for patient in patients:
            before = (patient.nik_bidx, patient.phone_bidx)
            fill_blind_columns(patient)
            if before != (patient.nik_bidx, patient.phone_bidx):
                patient.save(update_fields=["nik_bidx", "phone_bidx"])
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
    nik = blind_index("nik", query.nik) if query.nik else None
    phone = blind_index("phone", query.phone) if query.phone else None
    wanted = Q()
    if query.record_numbers:
        wanted |= Q(record_number__in=query.record_numbers)
    if nik is not None:
        wanted |= Q(nik_bidx=nik)
    if phone is not None:
        wanted |= Q(phone_bidx=phone)
    # Ordered here and not in the database, which would be tempted to read the whole table in that order.
    rows = sorted(
        visible.filter(wanted).only(*LIST_FIELDS, "nik_bidx", "phone_bidx")[:CANDIDATE_CAP], key=_newest_first
    )
    return sorted(
        rows, key=lambda row: (row.record_number not in query.record_numbers, nik is None or row.nik_bidx != nik)
    )


def _newest_first(patient: Patient) -> int:
    return -patient.pk.int


def _candidates(visible: QuerySet[Patient], search: TokenSearch) -> list[UUID]:
    """Ids of the newest patients who have a token of every group.

    EXISTS for the further groups, not IN with a subquery: the worst case of two short words is far better.
    """
    rows = _tokens(search.driver)
    for group in search.others:
        rows = rows.filter(Exists(_tokens(group).filter(patient_id=OuterRef("patient_id"))))
    if visible.query.has_filters():
        rows = rows.filter(Exists(visible.filter(pk=OuterRef("patient_id"))))
    found = rows.order_by("-patient_id").values_list("patient_id", flat=True)
    if len(search.driver) > 1:
        found = found.distinct()
    return list(found[:CANDIDATE_CAP])


def _tokens(group: Iterable[int]) -> QuerySet[PatientToken]:
    tokens = sorted(group)
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
