"""What happens every day by itself to appointments nobody came to. Reminders: `services.reminders`."""

from __future__ import annotations

from datetime import date

from core import clock
from scheduling.errors import AppointmentNotOpen
from scheduling.models import Appointment
from scheduling.services.appointments import mark_no_show


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
