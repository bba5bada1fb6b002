"""Practice sessions: laying out slots, proposing, deciding, completing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import audit
from accounts.access import Capability
from accounts.models import User
from core import clock, live
from core.db import retry_transaction
from notifications.services import notify, notify_capability
from scheduling.errors import (
    InvalidPlan,
    NotOwnSession,
    ReasonMissing,
    ServiceNotOffered,
    SessionNotOpen,
    SessionOverlap,
)
from scheduling.models import PracticeSession, Service, Slot

SLOT_LENGTHS = (30, 60, 90, 120)
GAP_CHOICES = (0, 15, 30, 60, 120, 180)
MAX_GAP_MINUTES = 240
MAX_BREAKS = 3
MAX_SLOTS = 20
MAX_DAYS_AHEAD = 365

Break = tuple[time, time]
Span = tuple[datetime, datetime]

# These hold the doctor's time: approved now, or approved once.
HOLDING = (
    PracticeSession.Status.APPROVED,
    PracticeSession.Status.COMPLETION_REQUESTED,
    PracticeSession.Status.COMPLETED,
)


@dataclass(frozen=True)
class Moved:
    """One slot that would have touched a break and starts at its end instead."""

    number: int
    planned_start: datetime
    starts_at: datetime


@dataclass(frozen=True)
class Plan:
    """What a practice session will consist of. `skipped` names the slots that a break moved."""

    slots: list[Span]
    skipped: list[Moved] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    breaks: list[Span] = field(default_factory=list)

    @property
    def ends_at(self) -> datetime | None:
        return self.slots[-1][1] if self.slots else None


def plan_slots(
    *, starts_at: datetime, slot_minutes: int, gap_minutes: int, slot_count: int, breaks: Iterable[Break] = ()
) -> Plan:
    """Lay out up to `slot_count` slots from `starts_at`; pure, so that the preview is what gets created.

    A slot is never cut: one that would touch a break starts at the break's end. The gap stands between the end of one
    slot and the start of the next. What would end after midnight of the clinic's day is left out, with a warning.

    Raises:
        InvalidPlan: a length, gap, count or break outside the allowed values.
    """
    start = clock.local(starts_at)
    spans = _checked_breaks(start.date(), slot_minutes, gap_minutes, slot_count, breaks)
    midnight = clock.day_bounds(start.date())[1]
    slots: list[Span] = []
    moved: list[Moved] = []
    candidate = start
    while len(slots) < slot_count:
        begin = _after_breaks(candidate, timedelta(minutes=slot_minutes), spans)
        end = begin + timedelta(minutes=slot_minutes)
        if end > midnight:
            break
        if begin != candidate:
            moved.append(Moved(number=len(slots) + 1, planned_start=candidate, starts_at=begin))
        slots.append((begin, end))
        candidate = end + timedelta(minutes=gap_minutes)
    return Plan(slots=slots, skipped=moved, warnings=_midnight_warning(len(slots), slot_count), breaks=spans)


def plan_session(
    *,
    doctor: User,
    practice_on: date,
    start_time: time,
    slot_minutes: int,
    gap_minutes: int,
    slot_count: int,
    breaks: Iterable[Break] = (),
) -> Plan:
    """Return the plan of one doctor's session with every warning: past, midnight, other sessions of that doctor.

    Reads the doctor's sessions of the day (one query), writes nothing.

    Raises:
        InvalidPlan: see `plan_slots`.
    """
    starts_at = clock.at(practice_on, start_time)
    plan = plan_slots(
        starts_at=starts_at, slot_minutes=slot_minutes, gap_minutes=gap_minutes, slot_count=slot_count, breaks=breaks
    )
    if starts_at <= clock.now():
        plan.warnings.insert(0, _("This start is in the past. Choose a later date or time."))
    if practice_on > clock.today() + timedelta(days=MAX_DAYS_AHEAD):
        plan.warnings.insert(0, _("Choose a date within the next 12 months."))
    if plan.slots:
        plan.warnings.extend(_overlap_warnings(doctor, starts_at, plan.slots[-1][1]))
    return plan


@retry_transaction
def propose_session(
    *,
    actor: User,
    service_id: UUID,
    practice_on: date,
    start_time: time,
    slot_minutes: int,
    gap_minutes: int,
    slot_count: int,
    breaks: Sequence[Break] = (),
) -> PracticeSession:
    """Propose one's own practice session: PENDING, with its slots; nobody can book them before it is approved.

    `actor` is the doctor. Slots that do not fit before midnight are not created, as the preview says.

    Raises:
        InvalidPlan: values outside the rules, in the past, more than a year ahead, or no slot fits.
        ServiceNotOffered: the service is closed or belongs to another specialty, or the doctor is not verified.
    """
    service = offered_service(service_id=service_id, doctor_id=actor.pk)
    plan = plan_session(
        doctor=actor, practice_on=practice_on, start_time=start_time, slot_minutes=slot_minutes,
        gap_minutes=gap_minutes, slot_count=slot_count, breaks=breaks,
    )  # fmt: skip
    now = clock.now()
    starts_at = clock.at(practice_on, start_time)
    if starts_at <= now:
        raise InvalidPlan(_("This start is in the past. Choose a later date or time."))
    if practice_on > clock.today() + timedelta(days=MAX_DAYS_AHEAD):
        raise InvalidPlan(_("Choose a date within the next 12 months."))
    if not plan.slots:
        raise InvalidPlan(_("No slot fits before midnight. Choose an earlier start."))
    session = PracticeSession.objects.create(
        doctor=actor, service=service, practice_on=practice_on, starts_at=plan.slots[0][0], ends_at=plan.slots[-1][1],
        slot_minutes=slot_minutes, gap_minutes=gap_minutes, slot_count=len(plan.slots), proposed_at=now,
        breaks=[[start.strftime("%H:%M"), end.strftime("%H:%M")] for start, end in sorted(breaks)],
    )  # fmt: skip
    Slot.objects.bulk_create(
        Slot(session=session, number=number, starts_at=start, ends_at=end)
        for number, (start, end) in enumerate(plan.slots, start=1)
    )
    audit.record(
        "scheduling.session.proposed",
        actor=actor,
        target=session,
        detail={"date": practice_on.isoformat(), "slots": len(plan.slots)},
    )
    notify_capability(
        Capability.APPROVE_SESSIONS,
        kind="session_proposed",
        params=_day(session, with_doctor=True),
        path=_path(session),
    )
    live.changed(live.APPOINTMENTS)
    return session


@retry_transaction
def approve_session(*, session_id: UUID, actor: User) -> PracticeSession:
    """Open a proposed session for booking: PENDING -> APPROVED.

    Locks the doctor's user row, so two sessions of one doctor cannot be approved side by side.

    Raises:
        SessionNotOpen: it is not waiting for approval, or already over.
        SessionOverlap: the doctor has an approved session at this time.
    """
    session = _lock_with_doctor(session_id)
    _expect(session, PracticeSession.Status.PENDING)
    if session.ends_at <= clock.now():
        raise SessionNotOpen(_("This session is already over. Reject it, so that the doctor can propose a new one."))
    if _overlapping(session.doctor_id, session.starts_at, session.ends_at).filter(status__in=HOLDING).exists():
        raise SessionOverlap(_("The doctor already has an approved session at this time. Reject one of the two."))
    return _decide(session, PracticeSession.Status.APPROVED, actor=actor, kind="session_approved")


@retry_transaction
def reject_session(*, session_id: UUID, actor: User, reason: str) -> PracticeSession:
    """Refuse a proposed session with a reason the doctor reads: PENDING -> REJECTED.

    Raises:
        ReasonMissing: no reason was given.
        SessionNotOpen: it is not waiting for approval.
    """
    reason = needed_reason(reason, limit=300)
    session = _lock_with_doctor(session_id)
    _expect(session, PracticeSession.Status.PENDING)
    return _decide(session, PracticeSession.Status.REJECTED, actor=actor, kind="session_rejected", reason=reason)


@retry_transaction
def request_completion(*, session_id: UUID, actor: User) -> PracticeSession:
    """The doctor says a past session is done: APPROVED -> COMPLETION_REQUESTED.

    Raises:
        NotOwnSession: it is another doctor's session.
        SessionNotOpen: it is not approved, or not over yet.
    """
    session = PracticeSession.objects.select_for_update().get(pk=session_id)
    if session.doctor_id != actor.pk:
        raise NotOwnSession(_("Only the doctor of this session can ask for its completion."))
    _expect(session, PracticeSession.Status.APPROVED)
    if session.ends_at > clock.now():
        raise SessionNotOpen(_("This session is not over yet. Ask for completion after it ends."))
    session.status = PracticeSession.Status.COMPLETION_REQUESTED
    session.save(update_fields=["status"])
    audit.record("scheduling.session.completion_requested", actor=actor, target=session)
    notify_capability(
        Capability.APPROVE_SESSIONS,
        kind="session_completion_requested",
        params=_day(session, with_doctor=True),
        path=_path(session),
    )
    live.changed(live.APPOINTMENTS)
    return session


@retry_transaction
def confirm_completion(*, session_id: UUID, actor: User) -> PracticeSession:
    """Close a session the doctor reported as done: COMPLETION_REQUESTED -> COMPLETED.

    Raises:
        SessionNotOpen: no completion was asked for.
    """
    session = PracticeSession.objects.select_for_update().get(pk=session_id)
    _expect(session, PracticeSession.Status.COMPLETION_REQUESTED)
    session.status, session.completed_at = PracticeSession.Status.COMPLETED, clock.now()
    session.save(update_fields=["status", "completed_at"])
    audit.record("scheduling.session.completed", actor=actor, target=session)
    notify(recipients=[session.doctor], kind="session_completed", params=_day(session), path=_path(session))
    live.changed(live.APPOINTMENTS)
    return session


def offered_service(*, service_id: UUID, doctor_id: UUID) -> Service:
    """Return an active service of the doctor's own specialty.

    Raises:
        ServiceNotOffered: the service is closed, belongs to another specialty, or the doctor is not active and verified.
    """
    service = Service.objects.filter(pk=service_id, is_active=True).first()
    doctor = User.objects.doctors().filter(pk=doctor_id).first()
    if service is None or doctor is None or doctor.staff_profile.specialty != service.specialty:
        raise ServiceNotOffered(_("This doctor does not offer that service. Choose a service from the list."))
    return service


def needed_reason(reason: str, *, limit: int) -> str:
    """Return a reason without surrounding space.

    Raises:
        ReasonMissing: it is empty or longer than `limit` characters.
    """
    text = (reason or "").strip()
    if not text:
        raise ReasonMissing(_("Write the reason, so that the other person understands it."))
    if len(text) > limit:
        raise ReasonMissing(_("Shorten the reason to %(limit)d characters.") % {"limit": limit})
    return text


def _checked_breaks(
    day: date, slot_minutes: int, gap_minutes: int, slot_count: int, breaks: Iterable[Break]
) -> list[Span]:
    breaks = list(breaks)
    if slot_minutes not in SLOT_LENGTHS:
        raise InvalidPlan(_("Choose a slot length of 30, 60, 90 or 120 minutes."))
    if not 0 <= gap_minutes <= MAX_GAP_MINUTES:
        raise InvalidPlan(_("Enter a gap between 0 and %(most)d minutes.") % {"most": MAX_GAP_MINUTES})
    if not 1 <= slot_count <= MAX_SLOTS:
        raise InvalidPlan(_("Enter between 1 and %(most)d slots.") % {"most": MAX_SLOTS})
    if len(breaks) > MAX_BREAKS:
        raise InvalidPlan(_("Enter at most %(most)d breaks.") % {"most": MAX_BREAKS})
    if any(start >= end for start, end in breaks):
        raise InvalidPlan(_("A break must end after it starts."))
    return sorted((clock.at(day, start), clock.at(day, end)) for start, end in breaks)


def _after_breaks(start: datetime, length: timedelta, breaks: list[Span]) -> datetime:
    # In order of start: a break that ends inside the next one, or right at it, carries the slot on.
    for break_start, break_end in breaks:
        if start < break_end and start + length > break_start:
            start = break_end
    return start


def _midnight_warning(fitting: int, wanted: int) -> list[str]:
    if fitting == wanted:
        return []
    sentence = ngettext(
        "Only %(fitting)d of %(wanted)d slot fits before midnight.",
        "Only %(fitting)d of %(wanted)d slots fit before midnight.",
        wanted,
    )
    return [sentence % {"fitting": fitting, "wanted": wanted}]


def _overlapping(doctor_id: UUID, starts_at: datetime, ends_at: datetime):
    return PracticeSession.objects.filter(doctor_id=doctor_id, starts_at__lt=ends_at, ends_at__gt=starts_at)


def _overlap_warnings(doctor: User, starts_at: datetime, ends_at: datetime) -> list[str]:
    others = _overlapping(doctor.pk, starts_at, ends_at).exclude(status=PracticeSession.Status.REJECTED)
    return [
        _("This overlaps your session from %(start)s to %(end)s (%(status)s).")
        % {
            "start": time_format(clock.local(other.starts_at), "TIME_FORMAT"),
            "end": time_format(clock.local(other.ends_at), "TIME_FORMAT"),
            "status": other.get_status_display(),
        }
        for other in others.order_by("starts_at")
    ]


def _lock_with_doctor(session_id: UUID) -> PracticeSession:
    doctor_id = PracticeSession.objects.values_list("doctor_id", flat=True).get(pk=session_id)
    User.objects.select_for_update().get(pk=doctor_id)
    return PracticeSession.objects.select_for_update().get(pk=session_id)


def _expect(session: PracticeSession, status: str) -> None:
    if session.status != status:
        raise SessionNotOpen(
            _("This session is already marked: %(status)s. Reload the page to see it.")
            % {"status": session.get_status_display()}
        )


def _decide(session: PracticeSession, status: str, *, actor: User, kind: str, reason: str = "") -> PracticeSession:
    session.status, session.reason, session.decided_at, session.decided_by = status, reason, clock.now(), actor
    session.save(update_fields=["status", "reason", "decided_at", "decided_by"])
    audit.record(f"scheduling.session.{status}", actor=actor, target=session)
    params = _day(session) | ({"reason": reason} if reason else {})
    notify(recipients=[session.doctor], kind=kind, params=params, path=_path(session))
    live.changed(live.APPOINTMENTS)
    return session


def _day(session: PracticeSession, *, with_doctor: bool = False) -> dict[str, Any]:
    params: dict[str, Any] = {"practice_on": session.practice_on}
    return params | {"doctor": session.doctor.display_name} if with_doctor else params


def _path(session: PracticeSession) -> str:
    return reverse("scheduling:session-detail", args=[session.pk])
