"""A doctor's own calendar behind a secret link: made, read, revoked. Only a digest of the secret is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Event

import audit
from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock
from core.db import locked, retry_transaction
from core.digests import keyed_digest
from scheduling import ics
from scheduling.models import Appointment, CalendarFeed, PracticeSession, TimeOff

TOKEN_BYTES = 32
LONGEST_TOKEN = 64
DAYS_AROUND = 90
READ_EVERY = timedelta(minutes=10)  # how exactly "last read" is known
KEPT_SECONDS = 7 * 86_400  # how long it is remembered since when the content is what it is

HELD = (PracticeSession.Status.APPROVED, PracticeSession.Status.COMPLETION_REQUESTED, PracticeSession.Status.COMPLETED)


@dataclass(frozen=True)
class Feed:
    """What a calendar program gets: the file, what identifies this content, and since when it is so."""

    content: bytes
    etag: str
    changed_at: datetime


@retry_transaction
def make_feed(*, doctor: User) -> str:
    """Make a new link to the doctor's calendar and end the one before; return its secret, which is shown once. Audited.

    Locks the doctor's account, so that of two at once one link is left.
    """
    locked(User.objects.filter(pk=doctor.pk)).only("pk").get()
    now = clock.now()
    CalendarFeed.objects.filter(doctor=doctor, revoked_at__isnull=True).update(revoked_at=now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    feed = CalendarFeed.objects.create(doctor=doctor, token_digest=digest_of(token), created_at=now)
    audit.record("scheduling.calendar_feed.made", actor=doctor, target=feed)
    return token


@retry_transaction
def revoke_feeds(*, doctor: User, actor: User) -> int:
    """End the links to a doctor's calendar; how many there were. Audited when there was one. Locks the doctor's account."""
    locked(User.objects.filter(pk=doctor.pk)).only("pk").get()
    open_ones = list(CalendarFeed.objects.filter(doctor=doctor, revoked_at__isnull=True))
    CalendarFeed.objects.filter(pk__in=[feed.pk for feed in open_ones]).update(revoked_at=clock.now())
    for feed in open_ones:
        audit.record("scheduling.calendar_feed.revoked", actor=actor, target=feed)
    return len(open_ones)


def current_feed(doctor: User) -> CalendarFeed | None:
    """Return the doctor's link that works now. One statement."""
    return CalendarFeed.objects.filter(doctor=doctor, revoked_at__isnull=True).order_by("-id").first()


def find_feed(token: str) -> CalendarFeed | None:
    """Return the feed of a secret, with its doctor; None when it is unknown or revoked, or the doctor works here no more.

    The secret is never compared itself: its keyed digest is looked up. Three statements at most.
    """
    if not 0 < len(token) <= LONGEST_TOKEN:
        return None
    feeds = CalendarFeed.objects.filter(revoked_at__isnull=True, doctor__is_active=True)
    feed = feeds.select_related("doctor__staff_profile").filter(token_digest=digest_of(token)).first()
    if feed is None or not has_capability(feed.doctor, Capability.PROPOSE_SESSIONS):
        return None
    return feed


def note_reading(feed: CalendarFeed) -> None:
    """Keep when the link was last used, to about ten minutes. No lock: one conditional UPDATE."""
    now = clock.now()
    stale = Q(last_read_at__isnull=True) | Q(last_read_at__lt=now - READ_EVERY)
    CalendarFeed.objects.filter(stale, pk=feed.pk).update(last_read_at=now)


def read_feed(feed: CalendarFeed) -> Feed:
    """Return the doctor's sessions, bookings and time off of 90 days back and ahead, without names. Three statements.

    The same content is the same bytes, so a calendar program that has it already needs nothing new.
    """
    with translation.override(feed.doctor.language):
        name = _("%(clinic)s: %(doctor)s") % {"clinic": settings.CLINIC_NAME, "doctor": feed.doctor.display_name}
        content = ics.feed_ics(_entries(feed.doctor, clock.today()), name=name)
    etag = hashlib.sha256(content).hexdigest()[:32]
    key = f"scheduling:calendar-feed:{feed.pk}"
    known = cache.get(key)
    if known is None or known[0] != etag:
        known = (etag, clock.now().replace(microsecond=0))
        cache.set(key, known, KEPT_SECONDS)
    return Feed(content, f'"{etag}"', known[1])


def digest_of(token: str) -> str:
    """Return what is kept of a link's secret."""
    return keyed_digest(settings.KEYS.session_hash_key, "scheduling/calendar-feed/v1", token)


def _entries(doctor: User, today: date) -> list[Event]:
    first = clock.day_bounds(today - timedelta(days=DAYS_AROUND))[0]
    last = clock.day_bounds(today + timedelta(days=DAYS_AROUND))[1]
    bookings = list(
        Appointment.objects.filter(
            doctor=doctor,
            status__in=Appointment.CARE_STATUSES,
            slot__starts_at__lt=last,
            slot__ends_at__gt=first,
        )
        .select_related("slot")
        .only("status", "sequence", "booked_at", "decided_at", "slot__starts_at", "slot__ends_at", "slot__session_id")
        .order_by("slot__starts_at", "pk")
    )
    booked = Counter(row.slot.session_id for row in bookings)
    sessions = PracticeSession.objects.filter(
        doctor=doctor, status__in=HELD, starts_at__lt=last, ends_at__gt=first
    ).select_related("service", "station")
    times_off = TimeOff.objects.filter(doctor=doctor, cancelled_at__isnull=True, starts_at__lt=last, ends_at__gt=first)
    return [
        *(_session_entry(row, booked[row.pk]) for row in sessions.order_by("starts_at", "pk")),
        *(_booking_entry(row) for row in bookings),
        *(_time_off_entry(row) for row in times_off.order_by("starts_at", "pk")),
    ]


def _session_entry(session: PracticeSession, booked: int) -> Event:
    values = {"service": session.service.name, "booked": booked, "total": session.slot_count}
    place = f"{settings.CLINIC_NAME}, {settings.CLINIC_ADDRESS}"
    return ics.feed_entry(
        kind="session", pk=session.pk, starts_at=session.starts_at, ends_at=session.ends_at,
        stamp=session.decided_at or session.proposed_at,
        summary=_("Practice: %(service)s (%(booked)d of %(total)d booked)") % values,
        location=f"{session.station.name}, {place}" if session.station is not None else place,
        url=_link("scheduling:session-detail", session.pk), transp="TRANSPARENT", sequence=session.version,
    )  # fmt: skip


def _booking_entry(appointment: Appointment) -> Event:
    return ics.feed_entry(
        kind="booking", pk=appointment.pk, starts_at=appointment.slot.starts_at, ends_at=appointment.slot.ends_at,
        stamp=appointment.decided_at or appointment.booked_at, summary=_("Booked patient"),
        url=_link("scheduling:appointment-detail", appointment.pk), sequence=appointment.sequence,
        **{"class": "PRIVATE"},
    )  # fmt: skip


def _time_off_entry(row: TimeOff) -> Event:
    return ics.feed_entry(
        kind="time-off", pk=row.pk, starts_at=row.starts_at, ends_at=row.ends_at, stamp=row.created_at,
        summary=row.get_kind_display(), **{"class": "PRIVATE"},
    )  # fmt: skip


def _link(name: str, pk: UUID) -> str:
    return settings.SITE_URL + reverse(name, args=[pk])
