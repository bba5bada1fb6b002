"""What somebody does at a station: call the next number, begin, skip, send on, and take the last act back.

Every act locks the visit, or the number while nobody is registered for it, and reads the stay again under that lock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core import clock, live
from core.db import locked, retry_transaction
from patients.services import end_care
from scheduling.access import may_serve, serves
from scheduling.errors import CannotUndo, NobodyWaits, NotYourQueue, StepNotOpen
from scheduling.models import QueueEvent, QueueStep, QueueTicket, Stage, Station, Visit
from scheduling.services import detours, queue, visits
from scheduling.services.queue import Kind, State

UNDO_FOR = timedelta(minutes=2)
MOST_TRIES = 20  # of calling the next: each time somebody else was faster
_TIMES = frozenset({"due_at", "called_at", "started_at", "ended_at", "triaged_at"})


# Apps above say that a consultation has left traces: each is asked with the visit, under its lock.
_traces: list[Callable[[Visit], bool]] = []


def keep_begun_if(has_traces: Callable[[Visit], bool]) -> None:
    """Let an app above refuse to take back the beginning of a consultation; called once, when the app is ready."""
    if has_traces not in _traces:
        _traces.append(has_traces)


class _Lost(Exception):
    """Another station called this number a moment ago."""


def call_next(*, station_id: UUID, actor: User) -> QueueStep:
    """Call the number whose turn it is (`queue.ordered`) to this station. Two stations never get the same one.

    Raises:
        NotYourQueue: the actor does not work at this stage, or the station is closed.
        NobodyWaits: the queue is empty.
    """
    station = Station.objects.filter(pk=station_id, is_active=True).first()
    if station is None or not serves(actor, station.stage):
        raise NotYourQueue(_("Choose the station where you work."))
    for _try in range(MOST_TRIES):
        try:
            return _call_first(station=station, actor=actor)
        except _Lost:
            continue
    raise NobodyWaits(_("The queue moves very fast. Try again."))


@retry_transaction
def _call_first(*, station: Station, actor: User) -> QueueStep:
    doctor_id = actor.pk if station.stage == Stage.DOCTOR else None
    waiting = queue.waiting_in_order(station.stage, doctor_id, clock.now())
    if not waiting:
        raise NobodyWaits(_("Nobody waits here now."))
    step, visit = _lock(waiting[0].pk, actor)
    if step.state != State.WAITING:
        raise _Lost
    _call(step, visit, actor=actor, station_id=station.pk)
    return step


@retry_transaction
def call_step(*, step_id: UUID, actor: User, station_id: UUID | None = None) -> QueueStep:
    """Call one number, whether or not it is its turn, or call it again.

    Raises:
        NotYourQueue: another station or another doctor calls it.
        StepNotOpen: it is not at this stage any more.
    """
    step, visit = _lock(step_id, actor)
    _expect(step, *QueueStep.OPEN_STATES)
    _call(step, visit, actor=actor, station_id=station_id)
    return step


@retry_transaction
def start_step(*, step_id: UUID, actor: User, station_id: UUID | None = None) -> QueueStep:
    """The person is here and inside; the visit follows at the nurse and the doctor. Already inside: no change.

    Raises:
        NotYourQueue, StepNotOpen: as `call_step`.
    """
    step, visit = _lock(step_id, actor)
    if step.state == State.SERVING:
        return step
    _expect(step, State.WAITING, State.CALLED, State.SKIPPED)
    if step.stage == Stage.NURSE and visit is not None:
        visits.start_triage(visit_id=visit.pk, actor=actor, station_id=station_id)
    elif step.stage == Stage.DOCTOR and visit is not None:
        visits.start_consultation(visit_id=visit.pk, actor=actor, station_id=station_id)
    else:
        queue.begin(step, actor=actor, act=queue.Act(Kind.START, station_id, visit_before={}))
        _told(step, visit, Kind.START, actor)
    return _again(step)


@retry_transaction
def skip_step(*, step_id: UUID, actor: User, station_id: UUID | None = None) -> QueueStep:
    """Who was called did not answer: CALLED -> SKIPPED; the number stays and can be called or put back.

    Raises:
        NotYourQueue, StepNotOpen: as `call_step`; also when the person is inside already.
    """
    step, visit = _lock(step_id, actor)
    _expect(step, State.CALLED)
    before = queue.snapshot(step, {})
    step.state, step.skip_count = State.SKIPPED, step.skip_count + 1
    step.save(update_fields=["state", "skip_count"])
    queue.write(step, Kind.SKIP, actor=actor, station_id=station_id or step.station_id, before=before)
    live.changed(live.BOARD)
    _told(step, visit, Kind.SKIP, actor)
    return step


@retry_transaction
def requeue_step(*, step_id: UUID, actor: User, station_id: UUID | None = None) -> QueueStep:
    """Who did not answer is back: SKIPPED -> WAITING, behind the next two of the same kind.

    Raises:
        NotYourQueue, StepNotOpen: as `call_step`.
    """
    step, visit = _lock(step_id, actor)
    _expect(step, State.SKIPPED)
    before, now = queue.snapshot(step, {}), clock.now()
    waiting = list(queue.in_queue(step.stage, step.doctor_id, now).filter(state=State.WAITING))
    step.state, step.due_at = State.WAITING, queue.place_after(waiting, step, now)
    step.save(update_fields=["state", "due_at"])
    queue.write(step, Kind.REQUEUE, actor=actor, station_id=station_id, before=before)
    _told(step, visit, Kind.REQUEUE, actor)
    return step


@retry_transaction
def finish_step(*, step_id: UUID, actor: User, station_id: UUID | None = None) -> QueueStep:
    """The stay is done: the desk has registered the person, the nurse sends to the doctor, an examination back to them.

    Doctor, pharmacy and cashier end their part on their own pages: a signed note, medicines, a payment.

    Raises:
        NotYourQueue, StepNotOpen: as `call_step`; also at a stage that ends elsewhere.
    """
    step, visit = _lock(step_id, actor)
    _expect(step, State.CALLED, State.SERVING)
    if step.stage == Stage.NURSE and visit is not None:
        visits.finish_triage(visit_id=visit.pk, actor=actor, station_id=station_id)
    elif step.stage in queue.EXAMINATIONS and visit is not None:
        _begun(step)
        detours.end_examination(visit_id=visit.pk, actor=actor, station_id=station_id)
    elif visit is None:
        before = queue.snapshot(step, {})
        _begun(step)
        step.state, step.ended_at = State.DONE, clock.now()
        step.save(update_fields=["state", "ended_at"])
        queue.write(step, Kind.FINISH, actor=actor, station_id=station_id, before=before)
        _told(step, None, Kind.FINISH, actor)
    else:
        raise StepNotOpen(_("This ends on its own page: the signed note, the medicines, or the payment."))
    return _again(step)


@retry_transaction
def undo_act(*, event_id: UUID, actor: User) -> QueueStep:
    """Take back one's own last act on a number within two minutes: the stay, the number and the visit are as before it.

    Raises:
        CannotUndo: too late, somebody else's act, or something happened since; also the beginning of a consultation that
            has a note, and a transfer when the doctor before has left or has another open visit of the patient.
    """
    event = QueueEvent.objects.select_related("step").get(pk=event_id)
    step, visit = _lock(event.step_id, None)
    event.refresh_from_db(fields=["undone_at"])
    now = clock.now()
    if event.undone_at is not None or not event.before:
        raise CannotUndo(_("This cannot be taken back."))
    if event.actor_id != actor.pk:
        raise CannotUndo(_("Only the person who did this can take it back."))
    if now - event.at > UNDO_FOR:
        raise CannotUndo(_("This can be taken back only within two minutes."))
    later = Q(at__gt=event.at) | Q(at=event.at, pk__gt=event.pk)
    if QueueEvent.objects.filter(later, step__ticket=step.ticket_id, undone_at=None).exists():
        raise CannotUndo(_("Somebody acted on this number since. Reload the page to see it."))
    _put_back(event, step, visit, now)
    audit.record(
        "scheduling.queue.undone", actor=actor, patient=step.visit.patient_id if step.visit else None, target=step,
        detail={"ticket": step.ticket.label, "kind": event.kind, "stage": step.stage},
    )  # fmt: skip
    live.changed(live.BOARD)
    queue.tick(step.visit)
    return step


def _put_back(event: QueueEvent, step: QueueStep, visit: Visit | None, now: datetime) -> None:
    opened_id = event.before.get("opened")
    gone = CannotUndo(_("Somebody acted on this number since. Reload the page to see it."))
    if opened_id:
        opened = QueueStep.objects.get(pk=opened_id)
        if opened.state != State.WAITING:
            raise gone
        opened.state, opened.ended_at = State.CANCELLED, now
        opened.save(update_fields=["state", "ended_at"])
    elif step.state == State.CANCELLED or (visit is not None and visit.status in visits.CLOSED_STATUSES):
        raise gone
    is_consultation = event.kind == Kind.START and step.stage == Stage.DOCTOR
    if is_consultation and visit is not None and any(has_traces(visit) for has_traces in _traces):
        # The visit could go to another doctor, or end, with the first one's draft on it.
        raise CannotUndo(_("The note of this consultation is begun, so its beginning cannot be taken back."))
    if visit is not None and event.kind == Kind.TRANSFER:
        _require_takes_back(visit, UUID(event.before["visit"]["doctor_id"]))
    _restore(step, event.before["step"])
    _restore(step.ticket, event.before["ticket"])
    if visit is not None and event.before["visit"]:
        former = visit.doctor_id
        _restore(visit, event.before["visit"])
        if visit.doctor_id != former:
            end_care(source="visit", source_id=visit.pk)
            visits._begin_care(visit)
    event.undone_at = now
    event.save(update_fields=["undone_at"])


def _require_takes_back(visit: Visit, doctor_id: UUID) -> None:
    """Refuse to give a visit back to a doctor who has left, or with whom the patient has another one meanwhile."""
    if visit.doctor_id == doctor_id:
        return
    doctor = User.objects.get(pk=doctor_id)
    if not doctor.is_active:
        raise CannotUndo(_("The doctor before no longer works here, so the transfer cannot be taken back."))
    if detours.has_other_visit(visit, doctor_id):
        raise CannotUndo(
            _("The patient has another open visit with %(doctor)s meanwhile, so the transfer cannot be taken back.")
            % {"doctor": doctor.display_name}
        )


def _restore(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, _parsed(name, value))
    row.save(update_fields=[name.removesuffix("_id") for name in values])


def _parsed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _TIMES:
        return datetime.fromisoformat(value)
    return UUID(value) if name.endswith("_id") else value


def _lock(step_id: UUID, actor: Any) -> tuple[QueueStep, Visit | None]:
    """Return a stay and its visit, held until the transaction ends; `actor` None: who may act is asked elsewhere."""
    visit_id, ticket_id = QueueStep.objects.values_list("visit_id", "ticket_id").get(pk=step_id)
    visit = visits.lock_visit(visit_id) if visit_id else None
    if visit is None:
        locked(QueueTicket.objects.all()).get(pk=ticket_id)
    step = QueueStep.objects.select_related("ticket", "visit__patient").get(pk=step_id)
    if actor is not None:
        decision = may_serve(actor, step)
        if not decision:
            raise NotYourQueue(decision.reason)
    return step, visit


def _call(step: QueueStep, visit: Visit | None, *, actor: User, station_id: UUID | None) -> None:
    if visit is not None:
        visits.call_ticket(visit_id=visit.pk, actor=actor, station_id=station_id)
        step.refresh_from_db()
        return
    queue.call(step, actor=actor, station_id=station_id)
    audit.record(
        "scheduling.ticket.called", actor=actor, target=step.ticket,
        detail={"ticket": step.ticket.label, "count": step.ticket.call_count, "stage": step.stage},
    )  # fmt: skip
    queue.tick(None)


def _begun(step: QueueStep) -> None:
    """Who is sent on without having been marked as inside was served since the call."""
    if step.started_at is None:
        step.started_at = step.called_at or clock.now()
        step.save(update_fields=["started_at"])


def _expect(step: QueueStep, *states: str) -> None:
    if step.state not in states:
        raise StepNotOpen(
            _("Number %(number)s is already marked: %(state)s. Reload the page to see it.")
            % {"number": step.ticket.label, "state": step.get_state_display()}
        )


def _told(step: QueueStep, visit: Visit | None, kind: str, actor: User) -> None:
    audit.record(
        "scheduling.queue.changed", actor=actor, patient=visit.patient_id if visit else None, target=step,
        detail={"ticket": step.ticket.label, "kind": str(kind), "stage": step.stage},
    )  # fmt: skip
    queue.tick(visit)


def _again(step: QueueStep) -> QueueStep:
    step.refresh_from_db()
    return step
