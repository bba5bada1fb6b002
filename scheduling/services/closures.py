"""Time off, holidays and hours of the clinic: entering and taking back, with a decision for every booking they hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock, live
from core.db import locked, next_numbers, retry_transaction
from core.errors import InvalidInput
from notifications.services import notify, notify_capability
from scheduling.errors import NotOwnTimeOff, SessionChanged, TimeOffNotOpen
from scheduling.models import Appointment, ClinicHours, Holiday, Slot, TimeOff
from scheduling.services import decisions as deciding
from scheduling.services.absences import LIVING, closed_slots, refresh_closed
from scheduling.services.decisions import Decisions
from scheduling.services.sessions import MAX_DAYS_AHEAD, lock_doctor

MAX_DAYS_OFF = 366


@dataclass(frozen=True)
class Absence:
    """A time off as it is entered."""

    doctor_id: UUID
    kind: str
    starts_at: datetime
    ends_at: datetime
    note: str = ""

    @property
    def may_keep(self) -> bool:
        """In blocked hours a doctor may still see who is booked; on leave nobody is there."""
        return self.kind == TimeOff.Kind.BLOCKED


@dataclass(frozen=True)
class Feast:
    """A holiday as it is entered."""

    date: date
    name: str
    kind: str
    closes_clinic: bool = True


# --- Time off -------------------------------------------------------------------------------------------------------
def slots_during(absence: Absence) -> Any:
    """Return the slots ahead of the doctor that touch the time off."""
    return Slot.objects.filter(
        session__doctor_id=absence.doctor_id,
        session__status__in=LIVING,
        starts_at__lt=absence.ends_at,
        ends_at__gt=max(absence.starts_at, clock.now()),
    )


@retry_transaction
def add_time_off(*, absence: Absence, actor: User, reason: str = "", decisions: Decisions | None = None) -> TimeOff:
    """Enter leave or blocked hours: the slots close, each booking is moved, cancelled or (blocked hours only) kept.

    A doctor enters it for oneself, whoever approves sessions for every doctor. Sent again, it gives the one that is there.

    Locks patients by id, slots by id, then the doctor's account.

    Raises:
        NotOwnTimeOff: a doctor enters it for another one.
        InvalidInput: no doctor, times in the wrong order, over, too long or more than a year ahead.
        UndecidedBookings: a booking has no decision, or was made or moved after the page was opened.
        SessionChanged: sessions of the doctor changed at the same moment.
        ReasonMissing: bookings are moved or cancelled without a reason.
    """
    chosen = decisions or {}
    _check_absence(absence, actor)
    slot_ids = set(slots_during(absence).values_list("pk", flat=True))
    bookings = deciding.lock_bookings(slot_ids, chosen)
    doctor = lock_doctor(absence.doctor_id)
    if set(slots_during(absence).values_list("pk", flat=True)) - slot_ids:
        raise SessionChanged(_("Sessions of this doctor changed meanwhile. Send the time off again."))
    same = TimeOff.objects.filter(
        doctor=doctor, kind=absence.kind, starts_at=absence.starts_at, ends_at=absence.ends_at, cancelled_at=None
    ).first()
    if same is not None:
        return same
    deciding.check_decided(bookings, chosen, may_keep=absence.may_keep)
    row = TimeOff.objects.create(
        doctor=doctor, kind=absence.kind, starts_at=absence.starts_at, ends_at=absence.ends_at,
        note=absence.note.strip()[:200], created_at=clock.now(), created_by=actor,
    )  # fmt: skip
    closed = _refresh(row)
    counts = deciding.apply(bookings, chosen, actor=actor, reason=reason, made={})
    audit.record(
        "scheduling.time_off.added", actor=actor, target=row,
        detail={
            "doctor": str(doctor.pk), "kind": row.kind, "from": row.starts_at.isoformat(), "to": row.ends_at.isoformat(),
            "slots": closed, **counts,
        },
    )  # fmt: skip
    _tell_of_time_off(row, actor)
    return row


@retry_transaction
def cancel_time_off(*, time_off_id: UUID, actor: User) -> TimeOff:
    """Take a time off back before it is over: its slots open again, unless something else closes them.

    Locks the doctor's account, then the row.

    Raises:
        NotOwnTimeOff: another doctor's.
        TimeOffNotOpen: it is over or was taken back already.
    """
    doctor_id = TimeOff.objects.values_list("doctor_id", flat=True).get(pk=time_off_id)
    lock_doctor(doctor_id)
    row = locked(TimeOff.objects.all()).get(pk=time_off_id)
    _check_own(row.doctor_id, actor)
    if row.cancelled_at is not None or row.ends_at <= clock.now():
        raise TimeOffNotOpen(_("This time off is over or was taken back already."))
    row.cancelled_at, row.cancelled_by = clock.now(), actor
    row.save(update_fields=["cancelled_at", "cancelled_by"])
    opened = _refresh(row)
    audit.record("scheduling.time_off.cancelled", actor=actor, target=row, detail={"slots": opened})
    live.changed(live.APPOINTMENTS)
    return row


# --- Holidays -------------------------------------------------------------------------------------------------------
def slots_on(day: date) -> Any:
    """Return the slots ahead on one clinic day, of every doctor."""
    return Slot.objects.filter(session__practice_on=day, session__status__in=LIVING, starts_at__gt=clock.now())


@retry_transaction
def save_holiday(
    *,
    feast: Feast,
    actor: User,
    holiday_id: UUID | None = None,
    reason: str = "",
    decisions: Decisions | None = None,
) -> Holiday:
    """Enter or change a holiday. One that closes the clinic closes the slots of its day; each booking is moved or
    cancelled. Bookings stay as they are on a holiday on which the clinic is open.

    Locks patients by id, slots by id, then the holiday.

    Raises:
        InvalidInput: another holiday has the date, or the name is missing.
        UndecidedBookings, ReasonMissing: see `add_time_off`.
    """
    chosen = decisions or {}
    if not feast.name.strip():
        raise InvalidInput(_("Enter the name of the holiday."))
    bookings: Sequence[Appointment] = []
    if feast.closes_clinic:
        bookings = deciding.lock_bookings(slots_on(feast.date).values_list("pk", flat=True), chosen)
        deciding.check_decided(bookings, chosen)
    row = locked(Holiday.objects.all()).get(pk=holiday_id) if holiday_id is not None else Holiday()
    days = {feast.date} | ({row.date} if holiday_id is not None else set())
    before = _feast(row) if holiday_id is not None else None
    row.date, row.name, row.kind, row.closes_clinic = feast.date, feast.name.strip(), feast.kind, feast.closes_clinic
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise InvalidInput(_("There is already a holiday on this date. Change that one.")) from error
    slots = sum(refresh_closed(doctor_id=None, first=day, last=day) for day in sorted(days))
    counts = deciding.apply(bookings, chosen, actor=actor, reason=reason, made={})
    action = "scheduling.holiday.added" if before is None else "scheduling.holiday.changed"
    audit.record(
        action, actor=actor, target=row,
        detail={"after": _feast(row), "slots": slots, **counts} | ({"before": before} if before else {}),
    )  # fmt: skip
    live.changed(live.APPOINTMENTS)
    return row


def refresh_year_ahead() -> int:
    """Close and open every slot ahead as time off and holidays say; how many changed. After an import, and to heal."""
    today = clock.today()
    return refresh_closed(doctor_id=None, first=today, last=today + timedelta(days=MAX_DAYS_AHEAD))


@retry_transaction
def delete_holiday(*, holiday_id: UUID, actor: User) -> None:
    """Remove a holiday; the slots of its day open again, unless their doctor is off. Removed again, nothing changes."""
    row = locked(Holiday.objects.filter(pk=holiday_id)).first()
    if row is None:
        return
    audit.record("scheduling.holiday.deleted", actor=actor, target=row, detail={"before": _feast(row)})
    row.delete()
    refresh_closed(doctor_id=None, first=row.date, last=row.date)
    live.changed(live.APPOINTMENTS)


# --- Hours ----------------------------------------------------------------------------------------------------------
@retry_transaction
def save_hours(*, hours: ClinicHours, actor: User) -> ClinicHours:
    """Enter or change a variant of the clinic's hours. It counts for sessions proposed from now on; those that exist keep
    their slots. A new one that is there already, with all its values, is given back.

    Locks the counter of variants, so that of two clicks one enters it.

    Raises:
        InvalidInput: the values do not fit each other.
    """
    try:
        hours.full_clean()
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages)) from error
    if hours._state.adding:
        next_numbers("scheduling.hours", 0)
        for row in ClinicHours.objects.filter(name=hours.name):
            if _hours(row) == _hours(hours):
                return row
    stored = locked(ClinicHours.objects.all()).filter(pk=hours.pk).first()
    before = _hours(stored) if stored is not None else None
    hours.save()
    action = "scheduling.hours.added" if before is None else "scheduling.hours.changed"
    audit.record(
        action, actor=actor, target=hours, detail={"after": _hours(hours)} | ({"before": before} if before else {})
    )
    return hours


# --- Bookings that still stand in closed times ----------------------------------------------------------------------
@retry_transaction
def decide_closed(*, actor: User, reason: str, decisions: Decisions) -> dict[str, int]:
    """Move and cancel bookings that stand in closed times, as after an import of holidays; how many of each.

    What has no decision stays for another time.

    Raises:
        UndecidedBookings: a decision is about a booking that moved meanwhile, or wants to keep it.
        ReasonMissing, SlotTaken: see `decisions.apply`.
    """
    found = deciding.bookings_of(closed_slots()).filter(pk__in=list(decisions)).values_list("slot_id", flat=True)
    bookings = [row for row in deciding.lock_bookings(list(found), decisions) if row.pk in decisions]
    deciding.check_decided(bookings, decisions)
    return deciding.apply(bookings, decisions, actor=actor, reason=reason, made={})


def _check_absence(absence: Absence, actor: User) -> None:
    _check_own(absence.doctor_id, actor)
    if not User.objects.doctors().filter(pk=absence.doctor_id).exists():
        raise InvalidInput(_("Choose a doctor of the clinic."))
    if absence.kind not in TimeOff.Kind.values:
        raise InvalidInput(_("Choose leave or blocked hours."))
    if absence.ends_at <= absence.starts_at:
        raise InvalidInput(_("The time off must end after it starts."))
    if absence.ends_at <= clock.now():
        raise InvalidInput(_("This time off would be over already. Choose later days."))
    if absence.starts_at > clock.now() + timedelta(days=MAX_DAYS_AHEAD):
        raise InvalidInput(_("Choose a date within the next 12 months."))
    if absence.ends_at - absence.starts_at > timedelta(days=MAX_DAYS_OFF):
        raise InvalidInput(_("Enter at most %(days)d days at once.") % {"days": MAX_DAYS_OFF})


def _check_own(doctor_id: UUID, actor: User) -> None:
    if doctor_id != actor.pk and not has_capability(actor, Capability.APPROVE_SESSIONS):
        raise NotOwnTimeOff(_("Doctors enter their own time off. Ask the admin about that of others."))


def _refresh(row: TimeOff) -> int:
    return refresh_closed(doctor_id=row.doctor_id, first=row.first_on, last=row.last_on)


def _tell_of_time_off(row: TimeOff, actor: User) -> None:
    params = {"first_on": row.first_on, "last_on": row.last_on}
    if row.doctor_id == actor.pk:
        doctor = {"doctor": row.doctor.display_name}
        notify_capability(Capability.APPROVE_SESSIONS, kind="time_off_taken", params=doctor | params)
    else:
        notify(recipients=[row.doctor], kind="time_off_entered", params=params)
    live.changed(live.APPOINTMENTS)


def _feast(row: Holiday) -> dict[str, Any]:
    return {"date": row.date.isoformat(), "name": row.name, "kind": row.kind, "closes_clinic": row.closes_clinic}


def _hours(row: ClinicHours) -> dict[str, Any]:
    names = ("first_on", "last_on", "opens_at", "closes_at", "break_starts_at", "break_ends_at")
    values = {name: getattr(row, name) for name in names}
    texts = {name: value.isoformat() if value is not None else "" for name, value in values.items()}
    return {"name": row.name, "weekdays": row.weekdays, "is_active": row.is_active, **texts}
