"""Next visits of several people in one act: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.db import retry_transaction
from core.errors import DomainError, InvalidInput
from patients.services.locks import lock_patient
from scheduling.models import Appointment
from scheduling.services import claims
from scheduling.services.appointments import claim

MOST_PEOPLE = 6


@dataclass(frozen=True)
class FamilyItem:
    """Who is to be seen, when, and what for."""

    patient_id: UUID
    slot_id: UUID
    complaint: str
    extra_service_ids: tuple[UUID, ...] = ()


@retry_transaction
def book_family(*, items: Sequence[FamilyItem], actor: User, source: str, idempotency_key: UUID) -> list[Appointment]:
    """Book for several people in one transaction, in the order of `items`; each by the rules of `book_appointment`.

    One key for all: the same one with the same times gives the same appointments again. Locks the patients by id, then the
    slots by id.

    Raises:
        InvalidInput: nobody, too many people, one time or person named twice, or a key that was used for other times.
        DomainError: what `book_appointment` raises; the sentence begins with the person's name. Nothing is booked then.
    """
    if not 1 <= len(items) <= MOST_PEOPLE:
        raise InvalidInput(_("Choose between 1 and %(most)d people.") % {"most": MOST_PEOPLE})
    if len({item.slot_id for item in items}) < len(items):
        raise InvalidInput(_("Choose a time of its own for each person."))
    if len({item.patient_id for item in items}) < len(items):
        raise InvalidInput(_("One person is named twice. Book a second time for the same person separately."))
    for item in items:
        claims.checked_complaint(item.complaint)
    patients = {patient_id: lock_patient(patient_id) for patient_id in sorted(item.patient_id for item in items)}
    claims.lock_slots([item.slot_id for item in items])
    booked = []
    with transaction.atomic():  # a savepoint of its own, so that a caller who goes on keeps none of them
        for item in items:
            patient = patients[item.patient_id]
            try:
                booked.append(
                    claim(
                        patient=patient, slot_id=item.slot_id, complaint=claims.checked_complaint(item.complaint),
                        actor=actor, source=source, key=uuid5(idempotency_key, item.patient_id.hex),
                        extra_service_ids=item.extra_service_ids,
                    )
                )  # fmt: skip
            except DomainError as error:
                error.message = f"{patient.full_name}: {error.message}"
                raise
    return booked
