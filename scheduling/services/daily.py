"""What happens every day by itself: reminders for tomorrow, and appointments nobody came to."""

from __future__ import annotations

from datetime import date

import audit
from core import clock
from core.db import retry_transaction
from notifications.models import Email
from scheduling.errors import AppointmentNotOpen
from scheduling.models import Appointment
from scheduling.services.appointments import mail, mark_no_show, tell_patient


def remind_for_day(day: date) -> int:
    """Queue one reminder mail for each approved appointment of a clinic day; return how many were new.

    Safe to run again and again: the dedupe key names appointment and date, so nobody is reminded twice, and an
    appointment that was approved since the last run is reminded by the next one.
    """
    start, end = clock.day_bounds(day)
    appointments = (
        Appointment.objects.filter(
            status=Appointment.Status.APPROVED,
            slot__starts_at__gte=start,
            slot__starts_at__lt=end,
            slot__starts_at__gt=clock.now(),
        )
        .select_related("patient__user", "doctor__staff_profile", "service", "slot")
        .order_by("slot__starts_at")
    )
    keys = {appointment: f"appointment_reminder:{appointment.pk}:{day.isoformat()}" for appointment in appointments}
    done = set(Email.objects.filter(dedupe_key__in=keys.values()).values_list("dedupe_key", flat=True))
    due = [(appointment, key) for appointment, key in keys.items() if key not in done]
    return sum(_remind(appointment, key) for appointment, key in due)


@retry_transaction
def _remind(appointment: Appointment, key: str) -> bool:
    still = Appointment.objects.select_for_update().filter(pk=appointment.pk, status=Appointment.Status.APPROVED)
    if not still.exists():
        return False
    if mail(appointment, template="appointment_reminder", dedupe_key=key) is None:
        return False
    tell_patient(appointment, kind="appointment_reminder")
    audit.record("scheduling.appointment.reminded", actor=None, patient=appointment.patient_id, target=appointment)
    return True


def mark_no_shows_before(day: date) -> int:
    """Mark approved appointments before a clinic day as not come; return how many. A row that moved meanwhile is left."""
    start, _end = clock.day_bounds(day)
    overdue = Appointment.objects.filter(status=Appointment.Status.APPROVED, slot__starts_at__lt=start)
    count = 0
    for appointment_id in list(overdue.order_by("id").values_list("pk", flat=True)):
        try:
            mark_no_show(appointment_id=appointment_id, actor=None)
        except AppointmentNotOpen:
            continue
        count += 1
    return count
