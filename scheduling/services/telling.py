"""Who hears of a change to an appointment: the patient and guardians, the doctor, the desk, and open screens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.access import Capability
from accounts.models import User
from core import live
from notifications.models import Email
from notifications.services import notify, notify_capability
from patients.guardians import user_ids_of
from patients.models import Patient
from patients.services import notify_patient
from scheduling.models import Appointment
from scheduling.querysets import alternatives
from scheduling.services.mails import mail_appointment

OTHER_TIMES = frozenset({"appointment_rejected", "appointment_cancelled", "appointment_expired"})


def mail(
    appointment: Appointment,
    *,
    template: str,
    dedupe_key: str,
    old_starts_at: datetime | None = None,
    with_other_times: bool = True,
) -> Email | None:
    """Queue one mail about an appointment to its patient, in the patient's language; None without an address.

    One that says "not this time" names free times near it, unless the patient did it and `with_other_times` is off.
    """
    return mail_appointment(
        appointment,
        template=template,
        dedupe_key=dedupe_key,
        alternatives=alternatives(appointment) if template in OTHER_TIMES and with_other_times else (),
        moved_from=old_starts_at,
    )


def tell_patient(appointment: Appointment, *, kind: str, but: User | None = None, **params: Any) -> None:
    """Put a notice about an appointment into the lists of its patient and guardians, except of the account that did it."""
    params |= {"doctor": appointment.doctor.display_name, "starts_at": appointment.slot.starts_at}
    notify_patient(patient=appointment.patient, kind=kind, params=params, path=portal_path(appointment), but=but)


def tell_doctor(appointment: Appointment, kind: str) -> None:
    """Tell the doctor of an appointment; of one that was withdrawn, without a way to what is no longer theirs to read."""
    params: dict[str, Any] = {"starts_at": appointment.slot.starts_at}
    path = staff_path(appointment)
    if kind == "appointment_withdrawn":
        params["doctor"] = appointment.doctor.display_name
        path = reverse("scheduling:calendar")
    notify(recipients=[appointment.doctor], kind=kind, params=params, path=path)


def tell_booked(appointment: Appointment) -> None:
    """Tell everybody of a new booking. The mail says what is true now: an instant one needs no "waiting" mail first."""
    approved = appointment.status == Appointment.Status.APPROVED
    kind = "appointment_approved" if approved else "appointment_requested"
    mail(appointment, template=kind, dedupe_key=f"{kind}:{appointment.pk}")
    tell_patient(appointment, kind="appointment_approved" if approved else "appointment_received")
    if approved:
        tell_doctor(appointment, "appointment_booked")
    else:
        ask_for_approval(appointment)
    tick(appointment.patient)


def ask_for_approval(appointment: Appointment) -> None:
    """Tell those who decide that a booking waits for them."""
    notify_capability(
        Capability.APPROVE_APPOINTMENTS,
        kind="appointment_requested",
        params={"doctor": appointment.doctor.display_name, "starts_at": appointment.slot.starts_at},
        path=staff_path(appointment),
    )


def portal_path(appointment: Appointment) -> str:
    """Return the address of an appointment in the patient portal."""
    return reverse("scheduling:portal-appointment-detail", args=[appointment.pk])


def staff_path(appointment: Appointment) -> str:
    """Return the address of an appointment on the staff side."""
    return reverse("scheduling:appointment-detail", args=[appointment.pk])


def tick(patient: Patient) -> None:
    """Tell open screens that appointments changed: staff, the patient it is about, and their guardians."""
    live.changed(live.APPOINTMENTS, user_ids=user_ids_of(patient))
