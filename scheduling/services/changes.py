"""Changing and cancelling sessions that patients may have booked: every booking is decided in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock, live
from core.db import retry_transaction
from notifications.services import notify
from scheduling.errors import InvalidPlan, NotOwnSession, SessionChanged, SessionNotOpen
from scheduling.models import Appointment, AppointmentMove, PracticeSession, Slot, Station
from scheduling.services import decisions as deciding
from scheduling.services.absences import refresh_closed
from scheduling.services.decisions import Decisions
from scheduling.services.planning import Break, Plan
from scheduling.services.sessions import (
    CLAIMING,
    check_day,
    check_plan,
    day_params,
    expect,
    lock_with_doctor,
    needed_reason,
    plan_session,
    refuse_overlap,
    refuse_room,
    session_path,
    stored_breaks,
)

Status = PracticeSession.Status
CAME = (Appointment.Status.ARRIVED, Appointment.Status.FINISHED)
OUT_OF_THE_WAY = 1000  # added to the numbers of slots while they get new ones


@dataclass(frozen=True)
class NewTimes:
    """What a session is changed to; the fields of a proposal."""

    practice_on: date
    start_time: time
    slot_minutes: int
    gap_minutes: int
    slot_count: int
    breaks: Sequence[Break] = ()
    station: Station | None = None


@dataclass(frozen=True)
class Fate:
    """What a plan does to the slots of a session: those that stay, those that go, and the starts of new ones."""

    kept: list[Slot]
    lost: list[Slot]
    made: list[datetime]


def plan_change(session: PracticeSession, new: NewTimes) -> Plan:
    """Return the plan of a session with new times; it is no obstacle to itself.

    Raises:
        InvalidPlan: see `plan_slots`.
    """
    return plan_session(
        doctor=session.doctor, practice_on=new.practice_on, start_time=new.start_time, slot_minutes=new.slot_minutes,
        gap_minutes=new.gap_minutes, slot_count=new.slot_count, breaks=new.breaks, station=new.station,
        changing=session,
    )  # fmt: skip


def fate_of(slots: Sequence[Slot], plan: Plan) -> Fate:
    """Return which slots stay under a plan: those whose start and end are in it."""
    wanted = set(plan.slots)
    kept = [slot for slot in slots if (slot.starts_at.astimezone(UTC), slot.ends_at.astimezone(UTC)) in wanted]
    there = {slot.starts_at.astimezone(UTC) for slot in kept}
    return Fate(
        kept=kept,
        lost=[slot for slot in slots if slot not in kept],
        made=[start for start, _end in plan.slots if start not in there],
    )


@retry_transaction
def cancel_session(
    *, session_id: UUID, actor: User, reason: str, decisions: Decisions | None = None, version: int | None = None
) -> PracticeSession:
    """End a session before it is over: PENDING or APPROVED -> CANCELLED. Each booking is moved or cancelled as decided.

    The doctor may withdraw an own session that still waits; an approved one is the admin's to cancel.

    Locks patients by id, slots by id, the doctor's account, the session, then the appointments. The doctor comes after
    the slots, because a booking holds its slot when it needs the doctor's row.

    Raises:
        ReasonMissing: no reason.
        NotOwnSession: a doctor and another's session, or an approved one.
        SessionNotOpen: it is neither waiting nor approved, or patients have come already.
        SessionChanged: its times are not those of `version`.
        UndecidedBookings: a booking has no decision, or was made or moved after the page was opened.
    """
    reason = needed_reason(reason, limit=300)
    chosen = decisions or {}
    slots, bookings = _lock_bookings(session_id, chosen)
    session = _lock_session(session_id, slots)
    _check_actor(session, actor)
    _check_version(session, version)
    if session.status not in (Status.PENDING, Status.APPROVED):
        expect(session, Status.APPROVED)
    if Appointment.objects.filter(slot__in=slots, status__in=CAME).exists():
        raise SessionNotOpen(
            _("Patients of this session have come already. Change its times instead, so that it ends earlier.")
        )
    deciding.check_decided(bookings, chosen)
    now = clock.now()
    session.status, session.reason, session.decided_at, session.decided_by = Status.CANCELLED, reason, now, actor
    session.version += 1
    session.save(update_fields=["status", "reason", "decided_at", "decided_by", "version"])
    counts = deciding.apply(bookings, chosen, actor=actor, reason=reason, made={})
    audit.record("scheduling.session.cancelled", actor=actor, target=session, detail={**counts, "reason": reason})
    _tell_doctor(session, actor, "session_cancelled", reason=reason)
    return session


@retry_transaction
def change_session(
    *,
    session_id: UUID,
    actor: User,
    version: int,
    new: NewTimes,
    reason: str = "",
    decisions: Decisions | None = None,
    shown: str = "",
) -> PracticeSession:
    """Give an approved session other times, breaks or another room. A booking whose time stays is kept without asking;
    each other one is kept in a new slot, moved or cancelled as decided.

    Slots that stay keep their rows. Slots that go are deleted; those that bookings ever named stay with a copy of the
    session that says CANCELLED, so that the history of these bookings is still true.

    Locks as `cancel_session`, and the room after the session.

    Raises:
        SessionNotOpen: it is not approved, over, or a time at which a patient came would go.
        SessionChanged: somebody changed it after `version`.
        InvalidPlan, PlanChanged, SessionOverlap, RoomTaken: see `propose_session` and `approve_session`.
        UndecidedBookings: a booking loses its time and has no decision.
        ReasonMissing: bookings are moved or cancelled without a reason.
    """
    chosen = decisions or {}
    slots, bookings = _lock_bookings(session_id, chosen)
    session = _lock_session(session_id, slots)
    expect(session, Status.APPROVED)
    _check_version(session, version)
    if session.ends_at <= clock.now():
        raise SessionNotOpen(_("This session is already over."))
    plan = plan_change(session, new)
    check_plan(plan, shown)
    starts_at = clock.at(new.practice_on, new.start_time)
    if starts_at != session.starts_at:
        check_day(new.practice_on, starts_at, doctor_id=session.doctor_id)
    if plan.slots[-1][1] <= clock.now():
        raise InvalidPlan(_("This session would be over already. Choose a later time."))
    refuse_overlap(session.doctor_id, plan.slots[0][0], plan.slots[-1][1], statuses=CLAIMING, but=session)
    refuse_room(new.station.pk if new.station else None, plan.slots[0][0], plan.slots[-1][1], but=session)
    fate = fate_of(slots, plan)
    if Appointment.objects.filter(slot__in=fate.lost, status__in=CAME).exists():
        raise SessionNotOpen(_("A patient came at a time that would go. Keep the times that are used already."))
    deciding.check_decided(bookings, chosen, kept=[slot.pk for slot in fate.kept])
    before = _facts(session)
    _store_times(session, plan, new)
    made = _store_slots(session, plan, fate)
    refresh_closed(doctor_id=session.doctor_id, first=session.practice_on, last=session.practice_on)
    counts = deciding.apply(bookings, chosen, actor=actor, reason=reason, made=made)
    _drop(session, before, fate.lost, actor)
    audit.record(
        "scheduling.session.changed", actor=actor, target=session,
        detail={"before": before, "after": _facts(session), **counts},
    )  # fmt: skip
    _tell_doctor(session, actor, "session_changed")
    return session


def _lock_bookings(session_id: UUID, decisions: Decisions) -> tuple[list[Slot], list[Appointment]]:
    slots = list(Slot.objects.filter(session_id=session_id))
    return slots, deciding.lock_bookings([slot.pk for slot in slots], decisions)


def _lock_session(session_id: UUID, slots: Sequence[Slot]) -> PracticeSession:
    """Lock the session, and refuse when its slots are not those that were locked before it."""
    session = lock_with_doctor(session_id)
    if set(session.slots.values_list("pk", flat=True)) != {slot.pk for slot in slots}:
        raise SessionChanged(_changed())
    return session


def _changed() -> str:
    return _("Somebody changed this session meanwhile. Look at it again before you change it.")


def _check_actor(session: PracticeSession, actor: User) -> None:
    if has_capability(actor, Capability.APPROVE_SESSIONS):
        return
    if session.doctor_id != actor.pk or session.status != Status.PENDING:
        raise NotOwnSession(
            _("You can withdraw an own session while it waits. Ask the admin to cancel an approved one.")
        )


def _check_version(session: PracticeSession, version: int | None) -> None:
    if version is not None and version != session.version:
        raise SessionChanged(_changed())


def _facts(session: PracticeSession) -> dict[str, Any]:
    names = ("slot_minutes", "gap_minutes", "slot_count", "breaks")
    facts: dict[str, Any] = {name: getattr(session, name) for name in names}
    times = {name: getattr(session, name).isoformat() for name in ("practice_on", "starts_at", "ends_at")}
    return {**facts, **times, "station": str(session.station_id or "")}


def _store_times(session: PracticeSession, plan: Plan, new: NewTimes) -> None:
    session.practice_on, session.starts_at, session.ends_at = new.practice_on, plan.slots[0][0], plan.slots[-1][1]
    session.slot_minutes, session.gap_minutes, session.slot_count = new.slot_minutes, new.gap_minutes, len(plan.slots)
    session.breaks, session.station = stored_breaks(new.breaks), new.station
    session.version += 1
    session.save(
        update_fields=[
            "practice_on", "starts_at", "ends_at", "slot_minutes", "gap_minutes", "slot_count", "breaks", "station",
            "version",
        ]
    )  # fmt: skip


def _store_slots(session: PracticeSession, plan: Plan, fate: Fate) -> dict[datetime, UUID]:
    """Number the slots anew in the order of their times and add the new ones; start -> id of these."""
    session.slots.update(number=F("number") + OUT_OF_THE_WAY)
    there = {slot.starts_at.astimezone(UTC): slot for slot in fate.kept}
    made: list[Slot] = []
    for number, (start, end) in enumerate(plan.slots, start=1):
        if start in there:
            Slot.objects.filter(pk=there[start].pk).update(number=number)
        else:
            made.append(Slot(session=session, number=number, starts_at=start, ends_at=end))
    Slot.objects.bulk_create(made)
    return {slot.starts_at: slot.pk for slot in made}


def _drop(session: PracticeSession, before: dict[str, Any], lost: list[Slot], actor: User) -> None:
    """Delete slots that went; those that bookings name go to a cancelled copy of the session as it was."""
    ids = [slot.pk for slot in lost]
    named = set(Appointment.objects.filter(slot__in=ids).values_list("slot_id", flat=True))
    named |= set(AppointmentMove.objects.filter(from_slot__in=ids).values_list("from_slot_id", flat=True))
    named |= set(AppointmentMove.objects.filter(to_slot__in=ids).values_list("to_slot_id", flat=True))
    Slot.objects.filter(pk__in=[pk for pk in ids if pk not in named]).delete()
    if not named:
        return
    now = clock.now()
    copy = PracticeSession.objects.create(
        doctor=session.doctor, service=session.service, series=session.series, status=Status.CANCELLED,
        practice_on=date.fromisoformat(before["practice_on"]), starts_at=datetime.fromisoformat(before["starts_at"]),
        ends_at=datetime.fromisoformat(before["ends_at"]), slot_minutes=before["slot_minutes"],
        gap_minutes=before["gap_minutes"], slot_count=before["slot_count"], breaks=before["breaks"],
        station_id=before["station"] or None, reason=_("Replaced: the times were changed."),
        proposed_at=session.proposed_at, decided_at=now, decided_by=actor,
    )  # fmt: skip
    Slot.objects.filter(pk__in=named).update(session=copy, number=F("number") - OUT_OF_THE_WAY)


def _tell_doctor(session: PracticeSession, actor: User, kind: str, **params: Any) -> None:
    if session.doctor_id != actor.pk:
        notify(recipients=[session.doctor], kind=kind, params=day_params(session) | params, path=session_path(session))
    live.changed(live.APPOINTMENTS)
    live.changed(live.BOARD)
