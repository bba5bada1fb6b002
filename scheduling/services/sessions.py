"""Practice sessions: proposing, deciding, completing, running late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.formats import time_format
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock, live
from core.db import retry_transaction
from notifications.services import notify, notify_capability
from scheduling.errors import (
    InvalidPlan,
    NotOwnSession,
    PlanChanged,
    ReasonMissing,
    RoomTaken,
    SessionNotOpen,
    SessionOverlap,
)
from scheduling.models import PracticeSession, Slot, Stage, Station
from scheduling.services.absences import refresh_closed, rules_for
from scheduling.services.catalogue import offered_service
from scheduling.services.planning import Break, DayRules, Plan, plan_slots

MAX_DAYS_AHEAD = 365
MAX_DELAY_MINUTES = 240

# These hold the doctor's time: approved now, or approved once.
HOLDING = (
    PracticeSession.Status.APPROVED,
    PracticeSession.Status.COMPLETION_REQUESTED,
    PracticeSession.Status.COMPLETED,
)
# These stand in the way of a new proposal of the same doctor.
CLAIMING = (PracticeSession.Status.PENDING, *HOLDING)


def plan_session(
    *,
    doctor: User,
    practice_on: date,
    start_time: time,
    slot_minutes: int,
    gap_minutes: int,
    slot_count: int,
    breaks: Iterable[Break] = (),
    station: Station | None = None,
    changing: PracticeSession | None = None,
) -> Plan:
    """Return the plan of one doctor's session with every warning: past, closed, midnight, other sessions, room in use.

    `changing` is the session whose new times are planned: it is no obstacle to itself. At most five queries, no write.

    Raises:
        InvalidPlan: see `plan_slots`.
    """
    rules = rules_for(doctor_id=doctor.pk, days=[practice_on])[practice_on]
    starts_at = clock.at(practice_on, start_time)
    plan = plan_slots(
        starts_at=starts_at, slot_minutes=slot_minutes, gap_minutes=gap_minutes, slot_count=slot_count, breaks=breaks,
        rules=rules,
    )  # fmt: skip
    plan.warnings[:0] = _day_warnings(practice_on, starts_at <= clock.now() and changing is None, rules)
    if plan.slots:
        plan.warnings.extend(_overlap_warnings(doctor.pk, plan, changing))
        plan.warnings.extend(_room_warnings(station, plan, changing))
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
    station: Station | None = None,
    shown: str = "",
) -> PracticeSession:
    """Propose one's own practice session: PENDING, with its slots; nobody can book them before it is approved.

    `actor` is the doctor. Slots that do not fit before midnight or closing are not created, as the preview says; `shown`
    is the fingerprint of that preview. Locks the doctor's account, so two proposals of one doctor cannot overlap.

    Raises:
        InvalidPlan: values outside the rules, in the past, more than a year ahead, a holiday, or no slot fits.
        ServiceNotOffered: the service is closed or belongs to another specialty, or the doctor is not verified.
        PlanChanged: hours, holidays or time off changed since the preview.
        SessionOverlap: the doctor has a session at this time, waiting or approved.
    """
    service = offered_service(service_id=service_id, doctor_id=actor.pk)
    lock_doctor(actor.pk)
    plan = plan_session(
        doctor=actor, practice_on=practice_on, start_time=start_time, slot_minutes=slot_minutes,
        gap_minutes=gap_minutes, slot_count=slot_count, breaks=breaks, station=station,
    )  # fmt: skip
    check_day(practice_on, clock.at(practice_on, start_time), doctor_id=actor.pk)
    check_plan(plan, shown)
    refuse_overlap(actor.pk, plan.slots[0][0], plan.slots[-1][1], statuses=CLAIMING)
    now = clock.now()
    session = PracticeSession.objects.create(
        doctor=actor, service=service, practice_on=practice_on, starts_at=plan.slots[0][0], ends_at=plan.slots[-1][1],
        slot_minutes=slot_minutes, gap_minutes=gap_minutes, slot_count=len(plan.slots), proposed_at=now,
        breaks=stored_breaks(breaks), station=station,
    )  # fmt: skip
    Slot.objects.bulk_create(slots_of(session, plan))
    audit.record(
        "scheduling.session.proposed",
        actor=actor,
        target=session,
        detail={"date": practice_on.isoformat(), "slots": len(plan.slots)},
    )
    notify_capability(
        Capability.APPROVE_SESSIONS,
        kind="session_proposed",
        params=day_params(session, with_doctor=True),
        path=session_path(session),
    )
    live.changed(live.APPOINTMENTS)
    return session


@retry_transaction
def approve_session(*, session_id: UUID, actor: User) -> PracticeSession:
    """Open a proposed session for booking: PENDING -> APPROVED.

    Locks the doctor's user row and the room, so two sessions of one doctor or in one room cannot be approved side by side.
    Slots in a time off or on a holiday that came after the proposal are closed.

    Raises:
        SessionNotOpen: it is not waiting for approval, already over, or none of its slots could be booked.
        SessionOverlap: the doctor has an approved session at this time.
        RoomTaken: another approved session has the room at this time.
    """
    session = lock_with_doctor(session_id)
    expect(session, PracticeSession.Status.PENDING)
    check_approvable(session)
    session = _decide(session, PracticeSession.Status.APPROVED, actor=actor, kind="session_approved")
    refresh_closed(doctor_id=session.doctor_id, first=session.practice_on, last=session.practice_on)
    if not session.slots.filter(is_closed=False).exists():
        raise SessionNotOpen(_("The doctor is off or the clinic is closed at this time. Reject the session."))
    return session


@retry_transaction
def reject_session(*, session_id: UUID, actor: User, reason: str) -> PracticeSession:
    """Refuse a proposed session with a reason the doctor reads: PENDING -> REJECTED.

    Raises:
        ReasonMissing: no reason was given.
        SessionNotOpen: it is not waiting for approval.
    """
    reason = needed_reason(reason, limit=300)
    session = lock_with_doctor(session_id)
    expect(session, PracticeSession.Status.PENDING)
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
    expect(session, PracticeSession.Status.APPROVED)
    if session.ends_at > clock.now():
        raise SessionNotOpen(_("This session is not over yet. Ask for completion after it ends."))
    session.status = PracticeSession.Status.COMPLETION_REQUESTED
    session.save(update_fields=["status"])
    audit.record("scheduling.session.completion_requested", actor=actor, target=session)
    notify_capability(
        Capability.APPROVE_SESSIONS,
        kind="session_completion_requested",
        params=day_params(session, with_doctor=True),
        path=session_path(session),
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
    expect(session, PracticeSession.Status.COMPLETION_REQUESTED)
    session.status, session.completed_at = PracticeSession.Status.COMPLETED, clock.now()
    session.save(update_fields=["status", "completed_at"])
    audit.record("scheduling.session.completed", actor=actor, target=session)
    notify(
        recipients=[session.doctor], kind="session_completed", params=day_params(session), path=session_path(session)
    )
    live.changed(live.APPOINTMENTS)
    return session


@retry_transaction
def set_delay(*, session_id: UUID, actor: User, minutes: int) -> PracticeSession:
    """Say how many minutes late the doctor is in today's session; 0 takes it back. Boards and the portal show it.

    The doctor says it of the own session, the desk and the admin of any.

    Raises:
        NotOwnSession: another doctor's session.
        InvalidPlan: less than 0 or more than `MAX_DELAY_MINUTES` minutes.
        SessionNotOpen: it is not approved, not of today, or over.
    """
    session = PracticeSession.objects.select_for_update().get(pk=session_id)
    helps = has_capability(actor, Capability.CHECK_IN) or has_capability(actor, Capability.APPROVE_SESSIONS)
    if session.doctor_id != actor.pk and not helps:
        raise NotOwnSession(_("Only the doctor of this session, the desk or the admin can say that it runs late."))
    if not 0 <= minutes <= MAX_DELAY_MINUTES:
        raise InvalidPlan(_("Enter a delay between 0 and %(most)d minutes.") % {"most": MAX_DELAY_MINUTES})
    expect(session, PracticeSession.Status.APPROVED)
    if session.practice_on != clock.today() or session.ends_at <= clock.now():
        raise SessionNotOpen(_("A delay can be set only on the day of the session, before it ends."))
    was, session.delay_minutes = session.delay_minutes, minutes
    session.save(update_fields=["delay_minutes"])
    audit.record("scheduling.session.delayed", actor=actor, target=session, detail={"minutes": minutes, "was": was})
    live.changed(live.APPOINTMENTS)
    live.changed(live.QUEUE)
    live.changed(live.BOARD)
    return session


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


def lock_doctor(doctor_id: UUID) -> User:
    """Lock a doctor's account: it orders every decision about that doctor's time."""
    return User.objects.select_for_update().get(pk=doctor_id)


def check_day(practice_on: date, starts_at: Any, *, doctor_id: UUID) -> None:
    """Refuse a session in the past, more than a year ahead or on a day the clinic is closed.

    Raises:
        InvalidPlan: it is one of these.
    """
    if starts_at <= clock.now():
        raise InvalidPlan(_("This start is in the past. Choose a later date or time."))
    if practice_on > clock.today() + timedelta(days=MAX_DAYS_AHEAD):
        raise InvalidPlan(_("Choose a date within the next 12 months."))
    rules = rules_for(doctor_id=doctor_id, days=[practice_on])[practice_on]
    if rules.closed_by:
        raise InvalidPlan(_closed_sentence(rules))


def check_plan(plan: Plan, shown: str) -> None:
    """Refuse a plan without slots, and one that differs from the preview somebody agreed to.

    Raises:
        PlanChanged: `shown` is the fingerprint of other slots.
        InvalidPlan: no slot fits.
    """
    if shown and shown != plan.fingerprint:
        raise PlanChanged(
            _("The clinic's hours or your time off changed meanwhile. Look at the new preview and send it again.")
        )
    if not plan.slots:
        raise InvalidPlan(_("No slot fits on this day. Choose an earlier start or another day."))


def check_approvable(session: PracticeSession) -> None:
    """Refuse to approve what is over or stands in the way of an approved session. The caller holds the doctor's account.

    Raises:
        SessionNotOpen, SessionOverlap, RoomTaken: as `approve_session`.
    """
    if session.ends_at <= clock.now():
        raise SessionNotOpen(_("This session is already over. Reject it, so that the doctor can propose a new one."))
    refuse_overlap(session.doctor_id, session.starts_at, session.ends_at, statuses=HOLDING, but=session)
    refuse_room(session.station_id, session.starts_at, session.ends_at, but=session)


def refuse_overlap(
    doctor_id: UUID, starts_at: Any, ends_at: Any, *, statuses: Sequence[str], but: PracticeSession | None = None
) -> None:
    """Refuse a time at which the doctor has another session in one of `statuses`.

    Raises:
        SessionOverlap: there is one.
    """
    others = _overlapping(starts_at, ends_at, but).filter(doctor_id=doctor_id, status__in=statuses)
    other = others.order_by("starts_at").first()
    if other is None:
        return
    if other.status == PracticeSession.Status.PENDING:
        raise SessionOverlap(
            _("A session from %(start)s to %(end)s already waits for approval. Withdraw it, or choose another time.")
            % _times(other)
        )
    raise SessionOverlap(
        _("The doctor already has an approved session from %(start)s to %(end)s. Choose another time.") % _times(other)
    )


def refuse_room(station_id: UUID | None, starts_at: Any, ends_at: Any, *, but: PracticeSession | None = None) -> None:
    """Lock the room and refuse a time at which an approved session has it. Without a room nothing is checked.

    Raises:
        RoomTaken: it is in use.
    """
    if station_id is None:
        return
    station = Station.objects.select_for_update().get(pk=station_id)
    other = _in_room(station, starts_at, ends_at, but).filter(status__in=HOLDING).first()
    if other is not None:
        raise RoomTaken(
            _("%(room)s is taken from %(start)s to %(end)s by %(doctor)s. Choose another room or time.")
            % {**_times(other), "room": station.name, "doctor": other.doctor.display_name}
        )


def rooms() -> Any:
    """Return the rooms in which doctors practise."""
    return Station.objects.filter(stage=Stage.DOCTOR, is_active=True)


def slots_of(session: PracticeSession, plan: Plan) -> list[Slot]:
    """Return the unsaved slots of a new session, numbered from 1."""
    return [
        Slot(session=session, number=number, starts_at=start, ends_at=end)
        for number, (start, end) in enumerate(plan.slots, start=1)
    ]


def stored_breaks(breaks: Iterable[Break]) -> list[list[str]]:
    """Return breaks as a session keeps them: pairs of HH:MM, in order."""
    return [[start.strftime("%H:%M"), end.strftime("%H:%M")] for start, end in sorted(breaks)]


def read_breaks(stored: Iterable[Sequence[str]]) -> list[Break]:
    """Return the breaks of a session as times; the reverse of `stored_breaks`."""
    return [(time.fromisoformat(start), time.fromisoformat(end)) for start, end in stored]


def lock_with_doctor(session_id: UUID) -> PracticeSession:
    """Lock the doctor's account, then the session, and return the session."""
    doctor_id = PracticeSession.objects.values_list("doctor_id", flat=True).get(pk=session_id)
    lock_doctor(doctor_id)
    return PracticeSession.objects.select_for_update().get(pk=session_id)


def _overlapping(starts_at: Any, ends_at: Any, but: PracticeSession | None) -> Any:
    found = PracticeSession.objects.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)
    return found.exclude(pk=but.pk) if but is not None else found


def _in_room(station: Station, starts_at: Any, ends_at: Any, but: PracticeSession | None) -> Any:
    found = _overlapping(starts_at, ends_at, but).filter(station=station)
    return found.select_related("doctor__staff_profile").order_by("starts_at")


def _times(session: PracticeSession) -> dict[str, str]:
    return {
        "start": time_format(clock.local(session.starts_at), "TIME_FORMAT"),
        "end": time_format(clock.local(session.ends_at), "TIME_FORMAT"),
    }


def _closed_sentence(rules: DayRules) -> str:
    return _("The clinic is closed on this day: %(holiday)s. Choose another day.") % {"holiday": rules.closed_by}


def _day_warnings(practice_on: date, is_past: bool, rules: DayRules) -> list[str]:
    warnings = []
    if practice_on > clock.today() + timedelta(days=MAX_DAYS_AHEAD):
        warnings.append(_("Choose a date within the next 12 months."))
    if is_past:
        warnings.append(_("This start is in the past. Choose a later date or time."))
    if rules.closed_by:
        warnings.append(_closed_sentence(rules))
    return warnings


def _overlap_warnings(doctor_id: UUID, plan: Plan, changing: PracticeSession | None) -> list[str]:
    others = _overlapping(plan.slots[0][0], plan.slots[-1][1], changing).filter(
        doctor_id=doctor_id, status__in=CLAIMING
    )
    return [
        _("This overlaps your session from %(start)s to %(end)s (%(status)s).")
        % {**_times(other), "status": other.get_status_display()}
        for other in others.order_by("starts_at")
    ]


def _room_warnings(station: Station | None, plan: Plan, changing: PracticeSession | None) -> list[str]:
    if station is None:
        return []
    others = _in_room(station, plan.slots[0][0], plan.slots[-1][1], changing).filter(status__in=CLAIMING)
    return [
        _("%(room)s is used from %(start)s to %(end)s by %(doctor)s (%(status)s).")
        % {
            **_times(other),
            "room": station.name,
            "doctor": other.doctor.display_name,
            "status": other.get_status_display(),
        }
        for other in others
    ]


def expect(session: PracticeSession, status: str) -> None:
    """Refuse a step on a session in another state. Raises: SessionNotOpen."""
    if session.status != status:
        raise SessionNotOpen(
            _("This session is already marked: %(status)s. Reload the page to see it.")
            % {"status": session.get_status_display()}
        )


def _decide(session: PracticeSession, status: str, *, actor: User, kind: str, reason: str = "") -> PracticeSession:
    session.status, session.reason, session.decided_at, session.decided_by = status, reason, clock.now(), actor
    session.save(update_fields=["status", "reason", "decided_at", "decided_by"])
    audit.record(f"scheduling.session.{status}", actor=actor, target=session)
    params = day_params(session) | ({"reason": reason} if reason else {})
    notify(recipients=[session.doctor], kind=kind, params=params, path=session_path(session))
    live.changed(live.APPOINTMENTS)
    return session


def day_params(session: PracticeSession, *, with_doctor: bool = False) -> dict[str, Any]:
    """Return what the notices about a session name."""
    params: dict[str, Any] = {"practice_on": session.practice_on}
    return params | {"doctor": session.doctor.display_name} if with_doctor else params


def session_path(session: PracticeSession) -> str:
    """Return the address of a session."""
    return reverse("scheduling:session-detail", args=[session.pk])
