"""How states of the clinic's day look: one tone and icon per state, always with its word."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.safestring import SafeString

from core.templatetags.ui import badge
from scheduling.models import Appointment, PracticeSession, SessionSeries, Slot, Visit

register = template.Library()

SESSION_LOOKS = {
    PracticeSession.Status.PENDING: ("accent", "hourglass"),
    PracticeSession.Status.APPROVED: ("success", "check-circle"),
    PracticeSession.Status.REJECTED: ("danger", "x-circle"),
    PracticeSession.Status.COMPLETION_REQUESTED: ("accent", "hourglass"),
    PracticeSession.Status.COMPLETED: ("neutral", "check"),
    PracticeSession.Status.CANCELLED: ("neutral", "ban"),
}
SERIES_LOOKS = {
    SessionSeries.Status.PENDING: ("accent", "hourglass"),
    SessionSeries.Status.APPROVED: ("success", "check-circle"),
    SessionSeries.Status.REJECTED: ("danger", "x-circle"),
    SessionSeries.Status.ENDED: ("neutral", "ban"),
}
APPOINTMENT_LOOKS = {
    Appointment.Status.PENDING: ("accent", "hourglass"),
    Appointment.Status.APPROVED: ("primary", "calendar-check"),
    Appointment.Status.REJECTED: ("danger", "x-circle"),
    Appointment.Status.CANCELLED: ("neutral", "ban"),
    Appointment.Status.ARRIVED: ("info", "user-check"),
    Appointment.Status.FINISHED: ("success", "check-circle"),
    Appointment.Status.NO_SHOW: ("warning", "user"),
    Appointment.Status.OFFERED: ("accent", "bell"),
    Appointment.Status.EXPIRED: ("neutral", "clock"),
}
VISIT_LOOKS = {
    Visit.Status.ARRIVED: ("info", "user-check"),
    Visit.Status.TRIAGE: ("info", "pulse"),
    Visit.Status.WAITING: ("accent", "hourglass"),
    Visit.Status.IN_CONSULTATION: ("primary", "stethoscope"),
    Visit.Status.LABORATORY: ("primary", "flask"),
    Visit.Status.RADIOLOGY: ("primary", "scan"),
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
def series_badge(series: SessionSeries) -> SafeString:
    """Draw the state of weekly sessions."""
    return badge(series.get_status_display(), *SERIES_LOOKS[SessionSeries.Status(series.status)])


@register.filter
def weekday_names(numbers: Iterable[int]) -> str:
    """Return ISO numbers of days as short names, in their order."""
    return ", ".join(str(WEEKDAYS_ABBR[number - 1]) for number in numbers)


@register.filter
def start_value(start: datetime) -> str:
    """Return how a form names a slot that a change will make."""
    return f"start:{start.timestamp():.0f}"


@register.filter
def slot_value(slot: Slot) -> str:
    """Return how a form names a slot to move to."""
    return f"slot:{slot.pk}"
