"""Who may act for whom in the portal: questions only. The acts are in `patients.services.guardians`."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock
from core.text import clean_line
from patients.models import GuardianLink, Patient, portal_patient_ids

ADULT_YEARS = 18
RECORD_NUMBER_DIGITS = 6


def adult_on(birth_date: date) -> date:
    """Return the first day on which a person born on `birth_date` is an adult; 1 March for those born on 29 February.

    Source: UU 35/2014, article 1 point 1 (a child is a person who is not 18 yet), kept by UU 17/2016. A year is complete
    on the day after 28 February, as in `clock.age_parts`.
    """
    year = birth_date.year + ADULT_YEARS
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def is_minor(patient: Patient) -> bool:
    """True until the clinic's date reaches the 18th birthday."""
    return clock.today() < adult_on(patient.birth_date)


def may_act_for(user: Any, patient_id: UUID) -> bool:
    """True when a portal account may act for this record at this moment: its own, or one of a link in force.

    Asks the database anew, so a service that holds a lock gets the present answer. Two queries at most.
    """
    if not has_capability(user, Capability.USE_PORTAL):
        return False
    if Patient.objects.filter(pk=patient_id, user_id=user.pk).exists():
        return True
    links = GuardianLink.objects.active().filter(guardian_id=user.pk, dependant_id=patient_id)
    today = clock.today()
    return any(link.is_in_force(today) for link in links.only("id", "status", "ends_on"))


def links_in_force(patient_id: UUID) -> list[GuardianLink]:
    """Return the links through which somebody acts for this record today, with the account. One query."""
    today = clock.today()
    links = GuardianLink.objects.active().filter(dependant_id=patient_id, guardian__is_active=True)
    return [link for link in links.select_related("guardian").order_by("id") if link.is_in_force(today)]


def guardians_of(patient_id: UUID) -> list[User]:
    """Return the accounts that act for this record today. One query."""
    return [link.guardian for link in links_in_force(patient_id)]


def user_ids_of(patient: Patient) -> tuple[UUID, ...]:
    """Return whose open pages show this record: the patient's own account and the guardians'. One query."""
    own = (patient.user_id,) if patient.user_id is not None else ()
    return (*own, *(user.pk for user in guardians_of(patient.pk)))


def family_of(*, user: Any, patient: Patient) -> list[Patient]:
    """Return who belongs to a patient, by name: who acts for them, for whom these and they act, mother and newborns.

    Active records that `user` may see; links count for who may read them. Five statements at most.
    """
    accounts = {row.guardian_id for row in _links_of(user, dependant_id=patient.pk)} | {patient.user_id} - {None}
    found = {row.dependant_id for row in _links_of(user, guardian_id__in=accounts)} if accounts else set()
    known = Patient.objects.filter(status=Patient.Status.ACTIVE)
    found |= set(known.filter(user_id__in=accounts).values_list("pk", flat=True)) if accounts else set()
    mothers = {patient.pk, patient.mother_id} - {None}
    found |= mothers | set(known.filter(mother_id__in=mothers).values_list("pk", flat=True))
    rows = Patient.objects.visible_to(user).filter(status=Patient.Status.ACTIVE, pk__in=found - {patient.pk})
    return sorted(rows, key=lambda row: row.full_name.casefold())


def _links_of(user: Any, **which: Any) -> list[GuardianLink]:
    """Return the links in force that `user` may read. One query."""
    today = clock.today()
    links = GuardianLink.objects.visible_to(user).active().filter(dependant__isnull=False, **which)
    wanted = links.only("id", "status", "ends_on", "guardian_id", "dependant_id")
    return [link for link in wanted if link.is_in_force(today)]


def find_record(*, user: Any, text: str) -> Patient | None:
    """Return the patient `user` may see whose record number, or whose account's e-mail, was typed; None when there is none.

    The number of a record that was merged finds the one it went into.
    """
    typed = clean_line(text).casefold()
    rows = Patient.objects.visible_to(user).select_related("user")
    if "@" in typed:
        return rows.filter(user__email=typed).first()
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 20):
        return None
    numbers = {typed, typed.zfill(RECORD_NUMBER_DIGITS)}
    found = rows.filter(record_number__in=numbers).first()
    if found is not None and found.status == Patient.Status.MERGED:
        return rows.filter(pk=found.merged_into_id).first()
    return found


__all__ = [
    "adult_on",
    "family_of",
    "find_record",
    "guardians_of",
    "is_minor",
    "links_in_force",
    "may_act_for",
    "portal_patient_ids",
    "user_ids_of",
]
