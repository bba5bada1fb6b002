"""Weekly series: one pattern, proposed and decided as a whole; its sessions are rows of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock, live
from core.db import locked, retry_transaction
from core.errors import DomainError
from notifications.services import notify, notify_capability
from scheduling.errors import InvalidPlan, NotOwnSession, PlanChanged, SeriesNotOpen
from scheduling.models import Appointment, PracticeSession, SessionSeries, Slot, Station
from scheduling.services.absences import refresh_closed, rules_for
from scheduling.services.catalogue import offered_service
from scheduling.services.planning import Break, Plan, plan_slots
from scheduling.services.sessions import (
    CLAIMING,
    MAX_DAYS_AHEAD,
    check_approvable,
    lock_doctor,
    needed_reason,
    slots_of,
    stored_breaks,
)

MAX_EVERY_WEEKS = 12
WEEK = timedelta(days=7)

Status = SessionSeries.Status
Session = PracticeSession.Status


@dataclass(frozen=True)
class Pattern:
    """A weekly pattern as it is proposed; `weekdays` are ISO numbers, Monday 1 to Sunday 7."""

    weekdays: Sequence[int]
    every_weeks: int
    first_on: date
    until: date
    start_time: time
    slot_minutes: int
    gap_minutes: int
    slot_count: int
    breaks: Sequence[Break] = ()
    except_on: Sequence[date] = ()
    station: Station | None = None

    def days(self) -> Iterator[date]:
        """Yield the dates of the pattern, exceptions included. Weeks begin on Monday and count from that of `first_on`."""
        monday = self.first_on - timedelta(days=self.first_on.isoweekday() - 1)
        while monday <= self.until:
            for weekday in sorted(set(self.weekdays)):
                day = monday + timedelta(days=weekday - 1)
                if self.first_on <= day <= self.until:
                    yield day
            monday += self.every_weeks * WEEK


@dataclass(frozen=True)
class PlannedDate:
    """One date of a series: its slots, or why it is left out."""

    day: date
    plan: Plan
    left_out: str = ""


@dataclass(frozen=True)
class SeriesPlan:
    """What a series will consist of."""

    dates: list[PlannedDate]

    @property
    def kept(self) -> list[PlannedDate]:
        return [row for row in self.dates if not row.left_out]

    @property
    def left_out(self) -> list[PlannedDate]:
        return [row for row in self.dates if row.left_out]

    @property
    def slot_count(self) -> int:
        return sum(len(row.plan.slots) for row in self.kept)

    @property
    def fingerprint(self) -> str:
        """The same text for the same dates and slots, as that of a plan."""
        return hashlib.sha256("|".join(row.plan.fingerprint for row in self.kept).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Outcome:
    """What a decision about a series did: how many sessions, and those it could not be carried out for."""

    series: SessionSeries
    done: int
    left: list[PracticeSession]


def plan_series(*, doctor: User, pattern: Pattern) -> SeriesPlan:
    """Return every date of the pattern with its slots; left out are exceptions, holidays, days off and own sessions.

    Five queries, whatever the dates. Rooms in use are warned of, and refused at approval.

    Raises:
        InvalidPlan: no day of the week, a wrong span of dates, or see `plan_slots`.
    """
    _check_pattern(pattern)
    days = list(pattern.days())
    if not days:
        raise InvalidPlan(_("No date fits this pattern. Choose other days or a longer time."))
    rules = rules_for(doctor_id=doctor.pk, days=days)
    first, end = clock.day_bounds(days[0])[0], clock.day_bounds(days[-1])[1]
    near = PracticeSession.objects.filter(status__in=CLAIMING, starts_at__lt=end, ends_at__gt=first)
    own = list(near.filter(doctor=doctor).values_list("starts_at", "ends_at"))
    room = []
    if pattern.station is not None:
        room = list(near.filter(station=pattern.station).exclude(doctor=doctor).values_list("starts_at", "ends_at"))
    dates = []
    for day in days:
        starts_at = clock.at(day, pattern.start_time)
        plan = plan_slots(
            starts_at=starts_at, slot_minutes=pattern.slot_minutes, gap_minutes=pattern.gap_minutes,
            slot_count=pattern.slot_count, breaks=pattern.breaks, rules=rules[day],
        )  # fmt: skip
        left_out = ""
        if day in pattern.except_on:
            left_out = _("Exception")
        elif rules[day].closed_by:
            left_out = rules[day].closed_by
        elif starts_at <= clock.now():
            left_out = _("In the past")
        elif not plan.slots:
            left_out = _("Time off, or no slot fits")
        elif _touches(plan, own):
            left_out = _("You have another session at this time")
        if not left_out and pattern.station is not None and _touches(plan, room):
            plan.warnings.append(_("%(room)s is used by somebody else at this time.") % {"room": pattern.station.name})
        dates.append(PlannedDate(day, plan, left_out))
    return SeriesPlan(dates)


@retry_transaction
def propose_series(*, actor: User, service_id: UUID, pattern: Pattern, shown: str = "") -> SessionSeries:
    """Propose own weekly sessions: a PENDING series with its PENDING sessions and slots, as the preview shows them.

    Locks the doctor's account.

    Raises:
        InvalidPlan: see `plan_series`; or every date is left out.
        PlanChanged: the dates are no longer those of the preview with the fingerprint `shown`.
        ServiceNotOffered: see `propose_session`.
    """
    service = offered_service(service_id=service_id, doctor_id=actor.pk)
    lock_doctor(actor.pk)
    plan = plan_series(doctor=actor, pattern=pattern)
    if shown and shown != plan.fingerprint:
        raise PlanChanged(
            _("The clinic's hours or your time off changed meanwhile. Look at the new preview and send it again.")
        )
    if not plan.kept:
        raise InvalidPlan(_("Every date of this pattern is left out. Choose other days or times."))
    now, breaks = clock.now(), stored_breaks(pattern.breaks)
    common = {
        "doctor": actor, "service": service, "station": pattern.station, "slot_minutes": pattern.slot_minutes,
        "gap_minutes": pattern.gap_minutes, "breaks": breaks, "proposed_at": now,
    }  # fmt: skip
    series = SessionSeries.objects.create(
        weekdays=sorted(set(pattern.weekdays)), every_weeks=pattern.every_weeks, first_on=pattern.first_on,
        until=pattern.until, except_on=sorted(day.isoformat() for day in set(pattern.except_on)),
        start_time=pattern.start_time, slot_count=pattern.slot_count, **common,
    )  # fmt: skip
    sessions = {
        row.day: PracticeSession(
            series=series, practice_on=row.day, starts_at=row.plan.slots[0][0], ends_at=row.plan.slots[-1][1],
            slot_count=len(row.plan.slots), **common,
        )
        for row in plan.kept
    }  # fmt: skip
    PracticeSession.objects.bulk_create(sessions.values(), batch_size=200)
    Slot.objects.bulk_create(
        (slot for row in plan.kept for slot in slots_of(sessions[row.day], row.plan)), batch_size=500
    )
    audit.record(
        "scheduling.series.proposed", actor=actor, target=series,
        detail={"sessions": len(sessions), "slots": plan.slot_count, "left_out": len(plan.left_out)},
    )  # fmt: skip
    notify_capability(
        Capability.APPROVE_SESSIONS, kind="series_proposed",
        params={"doctor": actor.display_name, "first_on": series.first_on}, path=series_path(series),
    )  # fmt: skip
    live.changed(live.APPOINTMENTS)
    return series


@retry_transaction
def approve_series(*, series_id: UUID, actor: User) -> Outcome:
    """Approve a series: every session that can be approved is; the others are named, wait on and are decided one by one.

    Left are sessions that are over, overlap an approved one of the doctor or in the room, or have no slot that is open.

    Locks the doctor's account, the series, its sessions by id, and their room.

    Raises:
        SeriesNotOpen: it does not wait for approval, or not one session can be approved.
    """
    series = _lock_series(series_id, Status.PENDING)
    sessions = _sessions(series, Session.PENDING)
    refresh_closed(doctor_id=series.doctor_id, first=series.first_on, last=series.until)
    open_ids = set(Slot.objects.filter(session__in=sessions, is_closed=False).values_list("session_id", flat=True))
    now, done, left = clock.now(), 0, []
    for session in sessions:
        try:
            check_approvable(session)
        except DomainError:
            left.append(session)
            continue
        if session.pk not in open_ids:
            left.append(session)
            continue
        session.status, session.decided_at, session.decided_by = Session.APPROVED, now, actor
        session.save(update_fields=["status", "decided_at", "decided_by"])
        done += 1
    if not done:
        raise SeriesNotOpen(_("None of these sessions can be approved: they are over or overlap others. Reject them."))
    _decide(series, Status.APPROVED, actor)
    audit.record(
        "scheduling.series.approved", actor=actor, target=series,
        detail={"approved": done, "left": [row.practice_on.isoformat() for row in left]},
    )  # fmt: skip
    params = {"first_on": series.first_on, "approved": done, "total": len(sessions)}
    notify(recipients=[series.doctor], kind="series_approved", params=params, path=series_path(series))
    return Outcome(series, done, left)


@retry_transaction
def reject_series(*, series_id: UUID, actor: User, reason: str) -> Outcome:
    """Refuse a series with all sessions of it that wait, for a reason the doctor reads.

    Raises:
        ReasonMissing: no reason.
        SeriesNotOpen: it does not wait for approval.
    """
    reason = needed_reason(reason, limit=300)
    series = _lock_series(series_id, Status.PENDING)
    sessions = _sessions(series, Session.PENDING)
    _set(sessions, Session.REJECTED, actor, reason)
    _decide(series, Status.REJECTED, actor, reason)
    audit.record("scheduling.series.rejected", actor=actor, target=series, detail={"sessions": len(sessions)})
    params = {"first_on": series.first_on, "reason": reason}
    notify(recipients=[series.doctor], kind="series_rejected", params=params, path=series_path(series))
    return Outcome(series, len(sessions), [])


@retry_transaction
def end_series(*, series_id: UUID, actor: User, last_on: date, reason: str) -> Outcome:
    """End a series after `last_on`: sessions after it without bookings are cancelled; those with bookings are left, to be
    cancelled one by one with a decision for each booking.

    The doctor may end an own series; nobody's booking is touched by it.

    Locks the slots by id, the doctor's account, the series, its sessions by id.

    Raises:
        ReasonMissing: no reason.
        NotOwnSession: another doctor's series.
        SeriesNotOpen: it was rejected.
        InvalidPlan: the day is in the past.
    """
    reason = needed_reason(reason, limit=300)
    if last_on < clock.today() - timedelta(days=1):
        raise InvalidPlan(_("Choose today or a later day as the last one."))
    after = {"session__series_id": series_id, "session__practice_on__gt": last_on}
    list(locked(Slot.objects.filter(**after)).order_by("pk").values_list("pk", flat=True))
    series = _lock_series(series_id, Status.PENDING, Status.APPROVED, Status.ENDED)
    if series.doctor_id != actor.pk and not has_capability(actor, Capability.APPROVE_SESSIONS):
        raise NotOwnSession(_("Only the doctor of these sessions or the admin can end them."))
    sessions = [
        row for row in _sessions(series, Session.PENDING, Session.APPROVED)
        if row.practice_on > last_on and row.starts_at > clock.now()
    ]  # fmt: skip
    booked = set(
        Appointment.objects.filter(slot__session__in=sessions, active=1).values_list("slot__session_id", flat=True)
    )
    free = [row for row in sessions if row.pk not in booked]
    _set(free, Session.CANCELLED, actor, reason)
    series.until = min(series.until, max(last_on, series.first_on))
    series.save(update_fields=["until"])
    _decide(series, Status.ENDED, actor, reason)
    left = [row for row in sessions if row.pk in booked]
    audit.record(
        "scheduling.series.ended", actor=actor, target=series,
        detail={"last_on": last_on.isoformat(), "cancelled": len(free), "left": len(left)},
    )  # fmt: skip
    if series.doctor_id != actor.pk:
        params = {"first_on": series.first_on, "last_on": last_on}
        notify(recipients=[series.doctor], kind="series_ended", params=params, path=series_path(series))
    return Outcome(series, len(free), left)


def series_path(series: SessionSeries) -> str:
    """Return the address of a series."""
    return reverse("scheduling:series-detail", args=[series.pk])


def _check_pattern(pattern: Pattern) -> None:
    if not pattern.weekdays or any(not 1 <= day <= 7 for day in pattern.weekdays):
        raise InvalidPlan(_("Choose at least one day of the week."))
    if not 1 <= pattern.every_weeks <= MAX_EVERY_WEEKS:
        raise InvalidPlan(_("Enter between 1 and %(most)d weeks.") % {"most": MAX_EVERY_WEEKS})
    if pattern.first_on < clock.today():
        raise InvalidPlan(_("Choose today or a later day as the first one."))
    if pattern.until < pattern.first_on:
        raise InvalidPlan(_("The last day must not be before the first."))
    if pattern.until > clock.today() + timedelta(days=MAX_DAYS_AHEAD):
        raise InvalidPlan(_("Choose a date within the next 12 months."))


def _touches(plan: Plan, spans: Sequence[tuple]) -> bool:
    return any(start < plan.slots[-1][1] and end > plan.slots[0][0] for start, end in spans)


def _lock_series(series_id: UUID, *statuses: str) -> SessionSeries:
    doctor_id = SessionSeries.objects.values_list("doctor_id", flat=True).get(pk=series_id)
    lock_doctor(doctor_id)
    series = locked(SessionSeries.objects.all()).get(pk=series_id)
    if series.status not in statuses:
        raise SeriesNotOpen(
            _("These weekly sessions are already marked: %(status)s. Reload the page to see it.")
            % {"status": series.get_status_display()}
        )
    return series


def _sessions(series: SessionSeries, *statuses: str) -> list[PracticeSession]:
    rows = locked(PracticeSession.objects.filter(series=series, status__in=statuses)).order_by("pk")
    return sorted(rows, key=lambda row: row.starts_at)


def _set(sessions: Sequence[PracticeSession], status: str, actor: User, reason: str) -> None:
    PracticeSession.objects.filter(pk__in=[row.pk for row in sessions]).update(
        status=status, reason=reason, decided_at=clock.now(), decided_by=actor
    )


def _decide(series: SessionSeries, status: str, actor: User, reason: str = "") -> None:
    series.status, series.reason, series.decided_at, series.decided_by = status, reason, clock.now(), actor
    series.save(update_fields=["status", "reason", "decided_at", "decided_by"])
    live.changed(live.APPOINTMENTS)
