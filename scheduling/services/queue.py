"""The queue: the stays of a number at the stages, the order in which they are called, and the record of every act.

Whoever changes a stay holds the lock of its visit, or of its number while nobody is registered for it (docs/locking.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Q

from core import clock, live
from patients.guardians import user_ids_of
from scheduling.models import PracticeSession, QueueEvent, QueueStep, QueueTicket, Stage, Station, Visit
from scheduling.models.visits import AFTER_MIDNIGHT

State = QueueStep.State
Kind = QueueEvent.Kind
Status = Visit.Status
S = TypeVar("S")

STAGE_OF = {
    Status.ARRIVED: Stage.NURSE, Status.TRIAGE: Stage.NURSE, Status.WAITING: Stage.DOCTOR,
    Status.IN_CONSULTATION: Stage.DOCTOR, Status.LABORATORY: Stage.LABORATORY, Status.RADIOLOGY: Stage.RADIOLOGY,
    Status.PHARMACY: Stage.PHARMACY, Status.CASHIER: Stage.CASHIER,
}  # fmt: skip
SERVED = (Status.TRIAGE, Status.IN_CONSULTATION)  # the patient is inside, not waiting
EXAMINATIONS = (Stage.LABORATORY, Stage.RADIOLOGY)
MOST_PRIORITIES_IN_A_ROW = 2  # while somebody without a priority waits; a rule of this clinic
PLACES_LOST = 2  # by who did not answer and comes back into the queue; a rule of this clinic
_STEP_FIELDS = ("state", "due_at", "called_at", "call_count", "skip_count", "started_at", "ended_at", "station_id")
_VISIT_FIELDS = ("status", "triaged_at", "started_at", "doctor_id")
_TICKET_FIELDS = ("called_at", "call_count")


@dataclass(frozen=True)
class Act:
    """What somebody did at a station when it moves the visit; without it a move is the end of the stay."""

    kind: str = Kind.FINISH
    station_id: UUID | None = None
    reason: str = ""
    visit_before: dict[str, Any] | None = None  # given: the act can be undone


# --- order ------------------------------------------------------------------------------------------------------


def urgency_of(priority: str) -> int:
    """Return 0 for an emergency, 1 for another priority, 2 for everybody else."""
    return 0 if priority == Visit.Priority.EMERGENCY else 1 if priority else 2


def turn(step: Any) -> tuple[datetime, datetime, UUID]:
    """Return what orders the stays of one kind: when it was due, then when it came, then the number given first."""
    return (step.due_at, step.entered_at, step.ticket_id)


def ordered(steps: Iterable[S], *, in_a_row: int = 0) -> list[S]:
    """Return the stays that wait in the order in which they are called. The one rule of the queue.

    1. Emergencies come first.
    2. Then other priorities (elderly, pregnant, disability, …), but at most `MOST_PRIORITIES_IN_A_ROW` one after the
       other while somebody without a priority waits; then it is that person's turn.
    3. Within a kind `due_at` decides: the time of the appointment for who came before it, else the arrival.

    `in_a_row` is how many priorities were called last without anybody in between; an emergency counts neither way.
    """
    kinds: tuple[list[S], list[S], list[S]] = ([], [], [])
    for step in sorted(steps, key=turn):
        kinds[urgency_of(step.priority)].append(step)  # type: ignore[attr-defined]
    result, preferred, ordinary = kinds[0], kinds[1][::-1], kinds[2][::-1]
    while preferred or ordinary:
        if preferred and (in_a_row < MOST_PRIORITIES_IN_A_ROW or not ordinary):
            result.append(preferred.pop())
            in_a_row += 1
        else:
            result.append(ordinary.pop())
            in_a_row = 0
    return result


def of_now(now: datetime) -> Q:
    """Return the filter of stays that count now: those of today, and of last night while they are young."""
    today = clock.local(now).date()
    return Q(queue_on=today) | Q(queue_on=today - timedelta(days=1), entered_at__gte=now - AFTER_MIDNIGHT)


def in_queue(stage: str, doctor_id: UUID | None, now: datetime) -> Any:
    """Return the open stays of one queue: of a stage, at the doctor's of one doctor."""
    steps = QueueStep.objects.filter(of_now(now), stage=stage, open=1)
    return steps.filter(doctor_id=doctor_id) if stage == Stage.DOCTOR else steps


def priorities_in_a_row(stage: str, doctor_id: UUID | None, now: datetime) -> int:
    """Return how many priorities this queue called last, one after the other. One query."""
    calls = QueueEvent.objects.filter(
        step__queue_on__gte=clock.local(now).date() - timedelta(days=1), step__stage=stage, undone_at=None,
        kind__in=(Kind.CALL, Kind.START), at__gte=now - timedelta(hours=12),
    ).exclude(step__priority=Visit.Priority.EMERGENCY)  # fmt: skip
    if stage == Stage.DOCTOR:
        calls = calls.filter(step__doctor_id=doctor_id)
    row: list[UUID] = []
    seen = calls.order_by("-at", "-id").values_list("kind", "step_id", "step__priority", "step__called_at")
    for kind, step_id, priority, called_at in seen[: 4 * MOST_PRIORITIES_IN_A_ROW]:
        if kind == Kind.START and called_at is not None:
            continue  # the turn was given by the call
        if not priority:
            break
        if step_id not in row:
            row.append(step_id)
    return len(row)


def waiting_in_order(stage: str, doctor_id: UUID | None, now: datetime) -> list[QueueStep]:
    """Return who waits in one queue, next first. Two queries."""
    steps = in_queue(stage, doctor_id, now).filter(state=State.WAITING).select_related("ticket")
    return ordered(steps, in_a_row=priorities_in_a_row(stage, doctor_id, now))


# --- stays ------------------------------------------------------------------------------------------------------


def open_first(visit: Visit, *, due_at: datetime, estimated_at: datetime | None = None) -> QueueStep:
    """Open the first stay of a visit that was just made, with the turn it keeps until the doctor."""
    return _open(visit, Stage.NURSE, due_at=due_at, estimated_at=estimated_at)


def follow(visit: Visit, *, actor: Any, act: Act | None = None) -> QueueStep | None:
    """Bring the stays into step with the visit's state: end the one it left, open or begin the one it is at.

    The caller has saved the visit and holds its lock. Writes the queue event of the change, except for a cancelled visit.
    """
    act = act or Act()
    stage = STAGE_OF.get(Status(visit.status))
    step = open_step(visit)
    if step is not None and step.stage == stage and (stage != Stage.DOCTOR or step.doctor_id == visit.doctor_id):
        if visit.status in SERVED and step.state != State.SERVING:
            begin(step, actor=actor, act=act)
        return step
    before = snapshot(step, act.visit_before) if step is not None else {}
    if step is not None:
        _end(step, visit, act)
    opened = _open_next(visit, stage, step) if stage else None
    if step is not None and visit.status != Status.CANCELLED:
        if before and opened is not None:
            before["opened"] = str(opened.pk)
        write(step, act.kind, actor=actor, station_id=act.station_id, before=before, reason=act.reason)
    if opened is not None and visit.status in SERVED:
        begin(opened, actor=actor, act=Act(Kind.START, act.station_id))
    return opened


def open_step(visit: Visit) -> QueueStep | None:
    """Return the stay a visit is at, or None."""
    return QueueStep.objects.filter(visit=visit, open=1).select_related("ticket").first()


def begin(step: QueueStep, *, actor: Any, act: Act) -> None:
    """The person is inside: SERVING."""
    before = snapshot(step, act.visit_before)
    step.state, step.started_at = State.SERVING, clock.now()
    step.station_id = act.station_id or step.station_id
    step.save(update_fields=["state", "started_at", "station"])
    write(step, Kind.START, actor=actor, station_id=step.station_id, before=before)


def call(step: QueueStep, *, actor: Any, station_id: UUID | None) -> QueueEvent:
    """Call the number of a stay, or call it again; the first call keeps its time.

    Who is inside already is only called again: nothing about the stay changes.
    """
    is_again = step.state in (State.CALLED, State.SERVING)
    before = snapshot(step, {})
    now = clock.now()
    step.station_id = station_id or step.station_id or usual_station(step)
    step.called_at = step.called_at or now
    step.call_count += 1
    if not is_again:
        step.state = State.CALLED
    step.save(update_fields=["state", "station", "called_at", "call_count"])
    step.ticket.called_at = now
    step.ticket.call_count += 1
    step.ticket.save(update_fields=list(_TICKET_FIELDS))
    live.changed(live.BOARD)
    return write(step, Kind.RECALL if is_again else Kind.CALL, actor=actor, station_id=step.station_id, before=before)


def write(
    step: QueueStep, kind: str, *, actor: Any, station_id: UUID | None = None,
    before: dict[str, Any] | None = None, reason: str = "",
) -> QueueEvent:  # fmt: skip
    """Add one act to the record of the queue; `before` is what undoing puts back, empty: it cannot be undone."""
    return QueueEvent.objects.create(
        step=step, kind=kind, station_id=station_id, at=clock.now(), actor=actor, before=before or {}, reason=reason
    )


def snapshot(step: QueueStep, visit_before: dict[str, Any] | None) -> dict[str, Any]:
    """Return what undoing an act on this stay puts back; nothing when the act cannot be undone (`visit_before` None)."""
    if visit_before is None:
        return {}
    return {
        "step": _values(step, _STEP_FIELDS), "ticket": _values(step.ticket, _TICKET_FIELDS), "visit": visit_before,
    }  # fmt: skip


def of_visit(visit: Visit) -> dict[str, Any]:
    """Return what undoing a move of the visit puts back."""
    return _values(visit, _VISIT_FIELDS)


def usual_station(step: QueueStep) -> UUID | None:
    """Return where a stay is called to when nobody says: the room of the doctor's session, or the only station.

    Of several sessions on one day it is the one that began last, since a session may run late; before the first, the first.
    """
    if step.stage == Stage.DOCTOR:
        rooms = PracticeSession.objects.filter(
            doctor_id=step.doctor_id, practice_on=step.queue_on, status=PracticeSession.Status.APPROVED,
            station__is_active=True,
        ).values_list("station_id", flat=True)  # fmt: skip
        begun = rooms.filter(starts_at__lte=clock.now()).order_by("-starts_at").first()
        return begun or rooms.order_by("starts_at").first()
    stations = list(Station.objects.filter(stage=step.stage, is_active=True).values_list("pk", flat=True)[:2])
    return stations[0] if len(stations) == 1 else None


def place_after(waiting: list[QueueStep], step: QueueStep, now: datetime) -> datetime:
    """Return the `due_at` of a stay that comes back into the queue: behind the next `PLACES_LOST` of its kind."""
    same = [other for other in waiting if urgency_of(other.priority) == urgency_of(step.priority)]
    if not same:
        return step.due_at
    last = sorted(same, key=turn)[:PLACES_LOST][-1]
    return max(last.due_at, step.due_at) + timedelta(microseconds=1)


def tick(visit: Visit | None) -> None:
    """Tell the screens that show the queue, and the patient's."""
    live.changed(live.QUEUE, user_ids=user_ids_of(visit.patient) if visit is not None else ())
    live.changed(live.FLOW)


def due_of(visit: Visit) -> datetime:
    """Return the turn of an arrival: the time of the appointment for who came before it, else the arrival."""
    if visit.appointment is None:
        return visit.arrived_at
    return max(visit.arrived_at, visit.appointment.slot.starts_at)


def _open_next(visit: Visit, stage: str, left: QueueStep | None) -> QueueStep:
    now = clock.now()
    if stage == Stage.DOCTOR and left is not None and left.stage in EXAMINATIONS:
        return _open(visit, stage, due_at=_first_in_line(visit, now))
    if stage in (Stage.NURSE, Stage.DOCTOR):
        if left is None:
            return _open(visit, stage, due_at=due_of(visit))
        return _open(visit, stage, due_at=left.due_at, estimated_at=left.estimated_at)
    return _open(visit, stage, due_at=now)


def _first_in_line(visit: Visit, now: datetime) -> datetime:
    """Return a turn before everybody who was not with the doctor yet; those who come back keep their old order."""
    own = QueueStep.objects.filter(visit=visit, stage=Stage.DOCTOR).order_by("due_at").values_list("due_at", flat=True)
    new = in_queue(Stage.DOCTOR, visit.doctor_id, now).filter(state__in=(State.WAITING, State.SKIPPED))
    new = new.exclude(visit__started_at__isnull=False).order_by("due_at").values_list("due_at", flat=True)
    first = new.first()
    turn_before = own.first() or visit.arrived_at
    return min(turn_before, first - timedelta(microseconds=1)) if first else turn_before


def _open(
    visit: Visit, stage: str, *, due_at: datetime, estimated_at: datetime | None = None
) -> QueueStep:  # fmt: skip
    return QueueStep.objects.create(
        ticket=QueueTicket.objects.get(visit=visit), visit=visit, queue_on=visit.visit_on, stage=stage,
        doctor_id=visit.doctor_id if stage == Stage.DOCTOR else None, priority=visit.priority, due_at=due_at,
        entered_at=clock.now(), estimated_at=estimated_at,
    )  # fmt: skip


def _end(step: QueueStep, visit: Visit, act: Act) -> None:
    """End a stay: DONE when it did what it is for, CANCELLED when the patient never had it."""
    passed_by = (
        visit.status == Status.CANCELLED
        or (step.stage == Stage.NURSE and visit.triaged_at is None)
        or (step.stage in EXAMINATIONS and step.started_at is None)
        or (act.kind in (Kind.SEND_BACK, Kind.TRANSFER) and step.started_at is None)
    )
    step.state, step.ended_at = (State.CANCELLED if passed_by else State.DONE), clock.now()
    step.save(update_fields=["state", "ended_at"])


def _values(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        return str(value) if isinstance(value, UUID) else value

    return {name: plain(getattr(row, name)) for name in names}
