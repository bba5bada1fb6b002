"""Times that were kept for somebody who got no decision, or gave no answer, in time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q

import audit
from core.db import retry_transaction
from scheduling.models import Appointment
from scheduling.services import claims
from scheduling.services.telling import mail, tell_patient, tick
from scheduling.services.waitlist import let_offer_lapse

Status = Appointment.Status
AT_ONCE = 500  # of one sweep; the next one, a minute later, goes on


def expire_holds(now: datetime) -> int:
    """Give back the slots of requests that nobody decided and offers that nobody answered: -> EXPIRED; return how many.

    Each in its own transaction; safe to run at once and again. The patient is told, with free times near it.
    """
    over = Q(held_until__lte=now) | Q(held_until=None, slot__starts_at__lte=now)
    due = Appointment.objects.filter(over, status__in=(Status.PENDING, Status.OFFERED))
    return sum(_expire(pk, now) for pk in list(due.order_by("id").values_list("pk", flat=True)[:AT_ONCE]))


@retry_transaction
def _expire(appointment_id: UUID, now: datetime) -> bool:
    appointment = claims.lock_appointment(appointment_id)
    ends = appointment.held_until or appointment.slot.starts_at
    if appointment.status not in (Status.PENDING, Status.OFFERED) or ends > now:
        return False
    was_offer = appointment.status == Status.OFFERED
    appointment.status, appointment.decided_at = Status.EXPIRED, now
    if appointment.sequence:
        appointment.sequence += 1  # it was moved, so a calendar entry was sent, and has to go
    appointment.save(update_fields=["status", "decided_at", "sequence"])
    audit.record("scheduling.appointment.expired", actor=None, patient=appointment.patient_id, target=appointment)
    if was_offer:
        let_offer_lapse(appointment)
    else:
        mail(appointment, template="appointment_expired", dedupe_key=f"appointment_expired:{appointment.pk}")
        tell_patient(appointment, kind="appointment_expired")
    claims.free_slot(appointment.slot_id)
    tick(appointment.patient)
    return True
