"""What becomes of bookings whose time goes away: each is kept, moved or cancelled, in the transaction that takes the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from core import clock
from core.db import locked
from patients.models import Patient
from scheduling import querysets
from scheduling.errors import SlotTaken, UndecidedBookings
from scheduling.models import Appointment, Slot
from scheduling.services.appointments import cancel_appointment
from scheduling.services.moves import reschedule_appointment
from scheduling.services.sessions import needed_reason
from scheduling.services.waitlist import decline_offer

Status = Appointment.Status
OPEN = (Status.PENDING, Status.APPROVED, Status.OFFERED)  # nobody came yet
MOST_TIMES = 80  # free times that a choice lists


class Choice(StrEnum):
    """What the person at the page may choose for one booking."""

    KEEP = "keep"
    MOVE = "move"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Decision:
    """What was chosen for one booking, and the slot it had when it was chosen: a booking moved meanwhile is undecided.

    `slot_id` is where it moves; `start` instead when that slot is being made by the same change.
    """

    choice: Choice
    shown_slot_id: UUID
    slot_id: UUID | None = None
    start: datetime | None = None


Decisions = Mapping[UUID, Decision]


@dataclass(frozen=True)
class Affected:
    """A booking to decide on, as the page shows it: `may_keep` while its time stays, and where it could go."""

    appointment: Appointment
    is_named: bool
    may_keep: bool
    suggested: list[Slot] = field(default_factory=list)
    chosen: Decision | None = None


def bookings_of(slots: Any) -> Any:
    """Return the bookings on these slots of patients who did not come yet, in order of time."""
    return Appointment.objects.filter(slot__in=slots, active=1, status__in=OPEN).order_by("slot__starts_at", "id")


def affected(
    slots: Any, *, user: User, may_keep: bool = False, kept: Iterable[UUID] = (), decisions: Decisions | None = None
) -> list[Affected]:
    """Return the bookings on `slots` for the page that decides. Names only of those that `user` may read.

    `kept` are the slots whose time stays. Suggestions are times near the old one that are not among `slots`: some
    queries for each booking, of which a day has few.
    """
    slot_ids = set(Slot.objects.filter(pk__in=slots).values_list("pk", flat=True))
    rows = list(bookings_of(slot_ids).select_related("slot__session__service", "doctor__staff_profile", "patient"))
    named = set(
        Appointment.objects.visible_to(user).filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True)
    )
    stays = set(kept)
    found = []
    for row in rows:
        near = [] if row.status == Status.OFFERED else querysets.alternatives(row, most=6)
        decision = (decisions or {}).get(row.pk)
        found.append(
            Affected(
                appointment=row,
                is_named=row.pk in named,
                may_keep=may_keep or row.slot_id in stays,
                suggested=[slot for slot in near if slot.pk not in slot_ids][:3],
                chosen=decision if decision is not None and decision.shown_slot_id == row.slot_id else None,
            )
        )
    return found


def free_times(rows: Sequence[Affected], *, but: Iterable[UUID] = ()) -> dict[UUID, list[Slot]]:
    """Return service id -> free future times of that service, the soonest, none of them in `but`. A query per service."""
    now, taken = clock.now(), set(but)
    found: dict[UUID, list[Slot]] = {}
    for service_id in {row.appointment.service_id for row in rows}:
        slots = Slot.objects.bookable(now).filter(session__service_id=service_id).exclude(pk__in=taken)
        slots = slots.select_related("session__doctor__staff_profile").order_by("starts_at")
        found[service_id] = list(slots[:MOST_TIMES])
    return found


def lock_bookings(slot_ids: Iterable[UUID], decisions: Decisions) -> list[Appointment]:
    """Lock patients, then slots (of the bookings and of their new times), and return the open bookings read after it.

    A booking made meanwhile is among them, although its patient is not locked: nobody decided on it, so nothing is done.
    """
    ids = set(slot_ids)
    patient_ids = bookings_of(ids).order_by().values_list("patient_id", flat=True)
    list(locked(Patient.objects.only("id")).filter(pk__in=set(patient_ids)).order_by("pk"))
    ids |= {decision.slot_id for decision in decisions.values() if decision.slot_id is not None}
    list(locked(Slot.objects.all()).filter(pk__in=ids).order_by("pk"))
    return list(bookings_of(slot_ids))


def check_decided(
    bookings: Sequence[Appointment], decisions: Decisions, *, may_keep: bool = False, kept: Iterable[UUID] = ()
) -> None:
    """Refuse while one of these bookings has no decision that fits it.

    Raises:
        UndecidedBookings: how many there are. The page shows them again.
        SlotTaken: two bookings were sent to one time.
    """
    stays = set(kept)
    missing = 0
    for booking in bookings:
        decision = decisions.get(booking.pk)
        is_kept = booking.slot_id in stays and decision is None
        allowed = decision is not None and decision.shown_slot_id == booking.slot_id and (
            decision.choice != Choice.KEEP or may_keep or booking.slot_id in stays
        )  # fmt: skip
        missing += not (is_kept or allowed)
    if missing:
        raise UndecidedBookings(
            ngettext(
                "%(count)d booking loses its time. Decide on it below: move or cancel it.",
                "%(count)d bookings lose their time. Decide on each of them below: move or cancel it.",
                missing,
            )
            % {"count": missing}
        )
    targets = [(row.slot_id, row.start) for row in decisions.values() if row.choice == Choice.MOVE]
    if len(targets) != len(set(targets)):
        raise SlotTaken(_("Two bookings have the same new time. Choose another time for one of them."))


def apply(
    bookings: Sequence[Appointment], decisions: Decisions, *, actor: User, reason: str, made: Mapping[datetime, UUID]
) -> dict[str, int]:
    """Move and cancel as decided; the patients are told by the booking services. Returns how many of each.

    `made` are the slots that this change created, by their start. Called under the locks of `lock_bookings`.

    Raises:
        ReasonMissing: something is moved or cancelled without a reason.
        SlotTaken and others: see `reschedule_appointment`; nothing at all is changed then.
    """
    counts = dict.fromkeys((str(choice) for choice in Choice), 0)
    for booking in bookings:
        decision = decisions.get(booking.pk)
        choice = decision.choice if decision is not None else Choice.KEEP
        counts[choice] += 1
        if decision is None or choice == Choice.KEEP:
            continue
        text = needed_reason(reason, limit=300)
        if booking.status == Status.OFFERED:
            decline_offer(appointment_id=booking.pk, actor=actor)
        elif choice == Choice.CANCEL:
            cancel_appointment(appointment_id=booking.pk, actor=actor, reason=text)
        else:
            reschedule_appointment(
                appointment_id=booking.pk, slot_id=_target(decision, made), actor=actor, reason=text,
                expected_slot_id=decision.shown_slot_id,
            )  # fmt: skip
    return counts


def _target(decision: Decision, made: Mapping[datetime, UUID]) -> UUID:
    target = decision.slot_id or (made.get(decision.start) if decision.start is not None else None)
    if target is None:
        raise SlotTaken(_("This time does not exist any more. Choose another time."))
    return target
