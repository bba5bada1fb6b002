"""Who may be the same person: while somebody registers, and as a rule when a record is made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core import clock, indonesia, keys_index
from core.keys_index import IndexKey
from core.search.blind import Term, birth_term, blind_index, name_birth_term, number_term, tokens
from core.search.folding import fold_name
from patients.models import Patient, PatientToken
from patients.search import LIST_FIELDS, NIK_COLUMNS, PHONE_COLUMNS
from patients.services import likeness
from patients.services.likeness import BIRTH, NAME, NIK, Facts, is_similar_name

__all__ = ["BIRTH", "NAME", "NIK", "find_duplicates", "is_similar_name", "likely_duplicates"]

SAME_DAY_CAP = 200  # people born on one day whose names are compared
NAMED_CAP = 300  # people with a word of the name and this birth date, or one close to it
SAME_PHONE_CAP = 20
SHOWN = 8
COMPARED_FIELDS = (*LIST_FIELDS, "mother_name", "bpjs_number", "merged_into", "user")


def find_duplicates(
    *,
    user: Any,
    full_name: str = "",
    birth_date: date | None = None,
    nik: str | None = None,
    phone: str | None = None,
    mother_name: str = "",
    bpjs_number: str = "",
    sex: str = "",
) -> list[Patient]:
    """Return patients `user` may see who may be this person, the likeliest first, at most eight.

    Each carries `signs` (codes of `services.likeness`) and `score` (0 to 100). A record that was merged stands for the one
    it went into. Values may be half typed or wrong; such a value finds nobody. Four statements, one more when a merged
    record was found.
    """
    visible = Patient.objects.visible_to(user)
    facts = Facts(
        full_name=full_name, birth_date=birth_date, mother_name=mother_name, nik=nik or "", bpjs_number=bpjs_number,
        phone=(indonesia.phone_or_none(phone) or "") if phone else "", sex=sex,
    )  # fmt: skip
    return _alike(visible, facts)[:SHOWN]


def likely_duplicates(facts: Facts) -> list[Patient]:
    """Return those with so high a score that a reason is needed, whoever asks: for the rule, not for a screen."""
    return [patient for patient in _alike(Patient.objects.all(), facts) if patient.score >= likeness.HIGH]


def _alike(patients: QuerySet[Patient], facts: Facts) -> list[Patient]:
    today = clock.today()
    key = keys_index.reading().current
    wanted = Q()
    ids = _indexed(facts, key, today)
    if ids:
        wanted |= Q(pk__in=ids)
    if len(facts.nik) == indonesia.NIK_LENGTH:
        wanted |= Q(**{NIK_COLUMNS[key.slot]: blind_index("nik", facts.nik, key=key.key)})
    if facts.phone:
        wanted |= Q(**{PHONE_COLUMNS[key.slot]: blind_index("phone", facts.phone, key=key.key)})
    if not wanted:
        return []
    found: dict[UUID, Patient] = {}
    moved: dict[UUID, Patient] = {}
    for patient in patients.filter(wanted).only(*COMPARED_FIELDS)[: len(ids) + SAME_PHONE_CAP + 1]:
        alike = likeness.compare(facts, Facts.of(patient), today=today)
        if not alike.signs:
            continue
        patient.signs, patient.score = list(alike.signs), alike.score
        if patient.status == Patient.Status.MERGED and patient.merged_into_id is not None:
            moved[patient.merged_into_id] = patient
        else:
            found[patient.pk] = patient
    if moved:
        _stand_for(patients, moved, found)
    return sorted(found.values(), key=lambda patient: (-patient.score, -patient.pk.int))


def _stand_for(patients: QuerySet[Patient], moved: dict[UUID, Patient], found: dict[UUID, Patient]) -> None:
    """Put the survivors of merged records in their place, with the stronger of the two likenesses."""
    for survivor in patients.filter(pk__in=list(moved)).only(*COMPARED_FIELDS):
        known, old = found.get(survivor.pk), moved[survivor.pk]
        if known is None or known.score < old.score:
            survivor.signs, survivor.score = old.signs, old.score
            found[survivor.pk] = survivor


def _indexed(facts: Facts, key: IndexKey, today: date) -> set[UUID]:
    """Ids of patients with the card number, with a word of the name and the birth date or one close to it, or born that day."""
    terms: set[Term] = set()
    card = number_term(facts.bpjs_number) if len(facts.bpjs_number) == 13 else None
    if card is not None:
        terms.add(card)
    if facts.birth_date is not None:
        days = [facts.birth_date, *likeness.near_dates(facts.birth_date, today=today)]
        terms |= {name_birth_term(word, day) for word in set(fold_name(facts.full_name)) for day in days}
    ids = set(_with_terms(terms, key, NAMED_CAP))
    if facts.birth_date is not None and (facts.full_name.strip() or facts.mother_name.strip()):
        ids |= set(_with_terms([birth_term(facts.birth_date)], key, SAME_DAY_CAP))
    return ids


def _with_terms(terms: Iterable[Term], key: IndexKey, cap: int) -> list[UUID]:
    numbers = sorted(tokens(terms, key=key.key))
    if not numbers:
        return []
    rows = PatientToken.objects.filter(token__in=numbers).order_by("-patient_id")
    return list(rows.values_list("patient_id", flat=True)[:cap])
