"""How states of the clinic's day look: one tone and icon per state, always with its word."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from core.templatetags.ui import badge
from scheduling.models import Appointment, PracticeSession, Visit

register = template.Library()

SESSION_LOOKS = {
    PracticeSession.Status.PENDING: ("accent", "hourglass"),
    PracticeSession.Status.APPROVED: ("success", "check-circle"),
    PracticeSession.Status.REJECTED: ("danger", "x-circle"),
    PracticeSession.Status.COMPLETION_REQUESTED: ("accent", "hourglass"),
    PracticeSession.Status.COMPLETED: ("neutral", "check"),
}
APPOINTMENT_LOOKS = {
    Appointment.Status.PENDING: ("accent", "hourglass"),
    Appointment.Status.APPROVED: ("primary", "calendar-check"),
    Appointment.Status.REJECTED: ("danger", "x-circle"),
    Appointment.Status.CANCELLED: ("neutral", "ban"),
    Appointment.Status.ARRIVED: ("info", "user-check"),
    Appointment.Status.FINISHED: ("success", "check-circle"),
    Appointment.Status.NO_SHOW: ("warning", "user"),
}
VISIT_LOOKS = {
    Visit.Status.ARRIVED: ("info", "user-check"),
    Visit.Status.TRIAGE: ("info", "pulse"),
    Visit.Status.WAITING: ("accent", "hourglass"),
    Visit.Status.IN_CONSULTATION: ("primary", "stethoscope"),
    Visit.Status.PHARMACY: ("primary", "pill"),
    Visit.Status.CASHIER: ("primary", "cash"),
    Visit.Status.FINISHED: ("success", "check-circle"),
    Visit.Status.CANCELLED: ("neutral", "ban"),
}


@register.simple_tag
def session_badge(session: PracticeSession) -> SafeString:
    """Draw the state of a practice session."""
    return badge(session.get_status_display(), *SESSION_LOOKS[PracticeSession.Status(session.status)])


@register.simple_tag
def appointment_badge(appointment: Appointment) -> SafeString:
    """Draw the state of an appointment."""
    return badge(appointment.get_status_display(), *APPOINTMENT_LOOKS[Appointment.Status(appointment.status)])


@register.simple_tag
def visit_badge(visit: Visit) -> SafeString:
    """Draw the state of a visit."""
    return badge(visit.get_status_display(), *VISIT_LOOKS[Visit.Status(visit.status)])


@register.simple_tag
def cell_of(row: Any, column: Any) -> Any:
    """Return what begins in this row of a calendar for this column, or None when a cell above still covers it."""
    return next((cell for owner, cell in row.cells if owner is column), None)
