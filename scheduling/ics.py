"""Bookings and a doctor's sessions as calendar files (RFC 5545). They leave the clinic: no patient, no complaint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event, vCalAddress, vUri

from core import clock
from notifications.attachments import Attachment
from scheduling.models import Appointment

PRODUCT = "-//EMR Batam Sehat//Appointments//ID"
# Part of every entry's identity for ever, so it does not follow the address of the site; nobody owns it (RFC 6761).
UID_DOMAIN = "appointments.emr.invalid"
ALARM_BEFORE = timedelta(hours=2)
METHODS = ("REQUEST", "CANCEL", "PUBLISH")
MEDIA_TYPE = "text/calendar; charset=utf-8"

STATUSES = {
    Appointment.Status.PENDING: "TENTATIVE",
    Appointment.Status.OFFERED: "TENTATIVE",
    Appointment.Status.APPROVED: "CONFIRMED",
    Appointment.Status.ARRIVED: "CONFIRMED",
    Appointment.Status.FINISHED: "CONFIRMED",
}  # every other one: CANCELLED

ENTERED_BY = frozenset({"appointment_approved", "appointment_moved"})  # mails that put a booking into the calendar
ENDED_BY = frozenset({"appointment_cancelled", "appointment_rejected", "appointment_expired"})


def appointment_ics(
    appointment: Appointment, *, method: str = "REQUEST", attendee: str = "", language: str | None = None
) -> bytes:
    """Return one booking as a calendar file: UTF-8, lines of at most 75 octets that end in CRLF.

    The entry keeps its UID through every move, and `Appointment.sequence` says which version is the newest. REQUEST goes
    by mail and names the address it was sent to (`attendee`), of whom no answer is asked; PUBLISH is for a download;
    CANCEL takes the entry out of the calendar. `appointment` comes with its slot. No statement.

    Raises:
        ValueError: the method is none of the three.
    """
    if method not in METHODS:
        raise ValueError(f"no method of a calendar file: {method}")
    with translation.override(language or translation.get_language()):
        calendar = _calendar(method)
        calendar.add_component(_entry_of(appointment, method, attendee))
        return bytes(calendar.to_ical())


def attachment_for(appointment: Appointment, template: str) -> Callable[[str, str], Attachment] | None:
    """Return what makes the calendar file of a mail for an address and a language; None for mails that carry none.

    A request that was never confirmed is in nobody's calendar, so its end takes nothing out, unless it was moved: then an
    entry was sent before, and `sequence` is above 0.
    """
    if template in ENTERED_BY:
        method, kind = "REQUEST", "calendar_request"
    elif template == "appointment_cancelled" or (template in ENDED_BY and appointment.sequence):
        method, kind = "CANCEL", "calendar_cancel"
    else:
        return None

    def make(address: str, language: str) -> Attachment:
        content = appointment_ics(appointment, method=method, attendee=address, language=language)
        return Attachment(kind, content.decode())

    return make


def feed_ics(entries: Iterable[Event], *, name: str) -> bytes:
    """Return a doctor's entries as one calendar that programs fetch again and again."""
    calendar = _calendar("PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("name", name)
    calendar.add("x-wr-timezone", settings.TIME_ZONE)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(entry)
    return bytes(calendar.to_ical())


def feed_entry(
    *, kind: str, pk: UUID, starts_at: datetime, ends_at: datetime, stamp: datetime, summary: str, **extra: Any
) -> Event:
    """Return one entry of a feed. `stamp` is when it last changed, so that an unchanged feed is the same bytes."""
    entry = Event()
    entry.add("uid", f"{kind}-{pk}@{UID_DOMAIN}")
    entry.add("dtstamp", _utc(stamp))
    entry.add("dtstart", _utc(starts_at))
    entry.add("dtend", _utc(ends_at))
    entry.add("summary", summary)
    for key, value in extra.items():
        entry.add(key, value)
    return entry


def uid_of(appointment: Appointment) -> str:
    """Return the identity of a booking in every calendar."""
    return f"appointment-{appointment.pk}@{UID_DOMAIN}"


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    return calendar


def _entry_of(appointment: Appointment, method: str, attendee: str) -> Event:
    link = settings.SITE_URL + reverse("scheduling:portal-appointment-detail", args=[appointment.pk])
    is_over = method == "CANCEL"
    entry = Event()
    entry.add("uid", uid_of(appointment))
    entry.add("sequence", appointment.sequence)
    entry.add("dtstamp", _utc(clock.now()))
    entry.add("dtstart", _utc(appointment.slot.starts_at))
    entry.add("dtend", _utc(appointment.slot.ends_at))
    entry.add("summary", _("Visit to %(clinic)s") % {"clinic": settings.CLINIC_NAME})
    entry.add("location", f"{settings.CLINIC_NAME}, {settings.CLINIC_ADDRESS}")
    entry.add("description", _description(appointment, link, is_over=is_over))
    entry.add("url", vUri(link))
    entry.add("class", "PRIVATE")
    entry.add("status", "CANCELLED" if is_over else STATUSES.get(Appointment.Status(appointment.status), "CANCELLED"))
    organizer = vCalAddress(f"mailto:{settings.CLINIC_EMAIL}")
    organizer.params["cn"] = settings.CLINIC_NAME
    entry.add("organizer", organizer)
    if attendee:
        guest = vCalAddress(f"mailto:{attendee}")
        guest.params["partstat"] = "ACCEPTED"  # they booked it themselves; nobody waits for an answer by mail
        guest.params["rsvp"] = "FALSE"
        entry.add("attendee", guest)
    if not is_over:
        entry.add_component(_alarm(str(entry["summary"])))
    return entry


def _description(appointment: Appointment, link: str, *, is_over: bool) -> str:
    if is_over:
        return _("This visit does not take place. %(link)s") % {"link": link}
    return "\n".join(
        (
            _("Booking code: %(code)s") % {"code": appointment.code},
            _("Please come 15 minutes early and bring your identity card."),
            _("See, move or cancel it: %(link)s") % {"link": link},
            _("Telephone: %(phone)s") % {"phone": settings.CLINIC_PHONE},
        )
    )


def _alarm(text: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -ALARM_BEFORE)
    alarm.add("description", text)
    return alarm


def _utc(moment: datetime) -> datetime:
    """Return the instant in UTC without fractions: the form every calendar program understands, in any zone."""
    return moment.astimezone(UTC).replace(microsecond=0)
