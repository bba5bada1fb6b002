"""How an appointment stands in the calendar: a word, an icon and a tone, so that no colour speaks alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from scheduling.models import Appointment, Visit

Status = Appointment.Status


@dataclass(frozen=True)
class Look:
    """One state: `key` names it in classes of the page."""

    key: str
    word: str | Promise
    tone: str
    icon: str


LOOKS = {
    look.key: look
    for look in (
        Look("pending", pgettext_lazy("calendar", "Waiting"), "accent", "hourglass"),
        Look("offered", pgettext_lazy("calendar", "Offered"), "accent", "send"),
        Look("approved", pgettext_lazy("calendar", "Registered"), "primary", "calendar-check"),
        Look("arrived", pgettext_lazy("calendar", "Here"), "info", "user-check"),
        Look("called", pgettext_lazy("calendar", "Called"), "accent", "megaphone"),
        Look("inside", pgettext_lazy("calendar", "With the doctor"), "info", "stethoscope"),
        Look("finished", pgettext_lazy("calendar", "Finished"), "success", "check-circle"),
        Look("cancelled", pgettext_lazy("calendar", "Cancelled"), "neutral", "ban"),
        Look("no_show", pgettext_lazy("calendar", "Did not come"), "warning", "user"),
        Look("rejected", pgettext_lazy("calendar", "Rejected"), "danger", "x-circle"),
        Look("expired", pgettext_lazy("calendar", "Expired"), "neutral", "clock"),
    )
}
SHOWN = ("pending", "offered", "approved", "arrived", "called", "inside", "finished", "cancelled", "no_show")  # the key


def look_of(status: str, visit_status: str | None = None, *, is_called: bool = False) -> Look:
    """Return how an appointment looks. Once the patient is here, the visit says more than the appointment."""
    if status == Status.ARRIVED:
        if visit_status in (Visit.Status.PHARMACY, Visit.Status.CASHIER, Visit.Status.FINISHED):
            return LOOKS["finished"]  # for the doctor's calendar; the queue knows the rest of the way
        if visit_status == Visit.Status.IN_CONSULTATION:
            return LOOKS["inside"]
        if is_called:
            return LOOKS["called"]
    return LOOKS[status]
