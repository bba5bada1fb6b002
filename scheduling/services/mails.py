"""Mails about appointments and the waiting list: what each of them says, and the calendar file that goes with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse

from notifications.models import Email
from patients.services import mail_patient
from scheduling.ics import attachment_for
from scheduling.models import Appointment, Slot, WaitlistEntry

REASONED = frozenset({"appointment_rejected", "appointment_cancelled", "appointment_moved"})
CODED = frozenset({"appointment_approved", "appointment_moved", "appointment_reminder"})
HELD = frozenset({"appointment_requested", "waitlist_offered"})


def mail_appointment(
    appointment: Appointment,
    *,
    template: str,
    dedupe_key: str,
    alternatives: Iterable[Slot] = (),
    moved_from: datetime | None = None,
) -> Email | None:
    """Order one mail about an appointment to its patient and their guardians, each in their language.

    What is confirmed or moved comes with its calendar file, what is called off takes the entry out again. `alternatives`
    are free slots offered instead (rejected, cancelled, expired); `moved_from` is the time before (moved). Returns the
    first mail that was ordered, None without an address or when it was ordered before.

    Raises:
        ValueError: the template is none of `notifications.emails`, or lacks what it needs (see there).
    """
    context: dict[str, Any] = {
        "doctor": appointment.doctor.display_name,
        "starts_at": appointment.slot.starts_at,
        "path": reverse("scheduling:portal-appointment-detail", args=[appointment.pk]),
    }
    if appointment.reason and template in REASONED:
        context["reason"] = appointment.reason
    if template in CODED:
        context["code"] = appointment.code
    if appointment.held_until is not None and template in HELD:
        context["held_until"] = appointment.held_until
    if template == "appointment_moved":
        context["old_starts_at"] = moved_from
        context["is_confirmed"] = appointment.status == Appointment.Status.APPROVED
    times = [{"starts_at": slot.starts_at, "path": booking_path(slot)} for slot in alternatives]
    if times:
        context["alternatives"] = times
    return mail_patient(
        patient=appointment.patient,
        template=template,
        context=context,
        dedupe_key=dedupe_key,
        attach=attachment_for(appointment, template),
    )


def mail_waitlist_ended(entry: WaitlistEntry, *, dedupe_key: str) -> Email | None:
    """Tell a patient that no time became free before the last day they named."""
    context = {"path": reverse("scheduling:portal-book")}
    return mail_patient(patient=entry.patient, template="waitlist_ended", context=context, dedupe_key=dedupe_key)


def booking_path(slot: Slot) -> str:
    """Return the portal's address where this time, if it is still free, is chosen with one more press."""
    return f"{reverse('scheduling:portal-book-times')}?slot={slot.pk}"
