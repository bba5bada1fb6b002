"""Who may be the same person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core import indonesia, keys_index
from core.keys_index import IndexKey
from core.search import birth_term, blind_index, match_cost, parse_query, tokens
from patients.models import Patient, PatientToken
from patients.search import LIST_FIELDS, NIK_COLUMNS, PHONE_COLUMNS

SAME_DAY_CAP = 200  # people born on one day whose names are compared
SAME_PHONE_CAP = 20
SHOWN = 8
NIK, NAME, PHONE = "nik", "name", "phone"
_STRENGTH = (NIK, NAME, PHONE)


def find_duplicates(
    *, user: Any, full_name: str = "", birth_date: date | None = None, nik: str | None = None, phone: str | None = None
) -> list[Patient]:
    """Return patients `user` may see who may be this person, strongest sign first, at most eight.

    Each carries `signs`: "nik" (same NIK), "name" (similar name and same birth date), "phone" (same number, which
    families share). Values may be half typed or wrong; such a value finds nobody. Three statements.
    """
    visible = Patient.objects.visible_to(user)
    found = _signed(visible, full_name=full_name, birth_date=birth_date, nik=nik, phone=phone)
    found.sort(key=lambda patient: min(_STRENGTH.index(sign) for sign in patient.signs))
    return found[:SHOWN]


def same_name_and_birth(full_name: str, birth_date: date) -> list[Patient]:
    """Return patients with a similar name and this birth date, whoever asks: for the rule, not for a screen."""
    return _signed(Patient.objects.all(), full_name=full_name, birth_date=birth_date, nik=None, phone=None)


def _signed(
    patients: QuerySet[Patient], *, full_name: str, birth_date: date | None, nik: str | None, phone: str | None
) -> list[Patient]:
    wanted = Q()
    key = keys_index.reading().current
    nik_column, phone_column = NIK_COLUMNS[key.slot], PHONE_COLUMNS[key.slot]
    nik_bidx = blind_index("nik", nik, key=key.key) if nik and len(nik) == indonesia.NIK_LENGTH else None
    number = indonesia.phone_or_none(phone) if phone else None
    phone_bidx = blind_index("phone", number, key=key.key) if number else None
    born_ids = _born_on(birth_date, key) if birth_date and full_name.strip() else []
    if nik_bidx is not None:
        wanted |= Q(**{nik_column: nik_bidx})
    if born_ids:
        wanted |= Q(pk__in=born_ids)
    if phone_bidx is not None:
        wanted |= Q(**{phone_column: phone_bidx})
    if not wanted:
        return []
    found = []
    for patient in patients.filter(wanted).only(*LIST_FIELDS, nik_column, phone_column, "user")[
        : SAME_DAY_CAP + SAME_PHONE_CAP
    ]:
        patient.signs = [
            sign
            for sign, holds in (
                (NIK, nik_bidx is not None and getattr(patient, nik_column) == nik_bidx),
                (NAME, patient.birth_date == birth_date and is_similar_name(patient.full_name, full_name)),
                (PHONE, phone_bidx is not None and getattr(patient, phone_column) == phone_bidx),
            )
            if holds
        ]
        if patient.signs:
            found.append(patient)
    return found


def is_similar_name(first: str, second: str) -> bool:
    """True when each word of the shorter name is a word of the other: same sound, beginning, or one slip apart."""
    return any(_covers(one, other) for one, other in ((first, second), (second, first)))


def _covers(words: str, name: str) -> bool:
    query = parse_query(words)
    return bool(query.words) and match_cost(query, name) is not None


def _born_on(day: date, key: IndexKey) -> Iterable[UUID]:
    rows = PatientToken.objects.filter(token__in=tokens([birth_term(day)], key=key.key)).order_by("-patient_id")
    return list(rows.values_list("patient_id", flat=True)[:SAME_DAY_CAP])
