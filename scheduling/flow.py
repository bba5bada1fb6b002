"""What the screens of the queue read: one station's queue, and where everybody is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core import clock
from patients.models import Patient
from scheduling.models import QueueEvent, QueueStep, Stage, Station, Visit
from scheduling.services import queue
from scheduling.services.queue import Kind, State
from scheduling.services.serving import UNDO_FOR

# From when a wait is called long; rules of this clinic, said in words and colour.
LONG_MINUTES = 30
VERY_LONG_MINUTES = 60
_SHOWN = ("id", "full_name", "birth_date", "birth_accuracy", "sex", "allergy_status")
LAST_DONE = 30  # numbers that the board still lists as gone home
ICONS = {
    Stage.REGISTRATION: "user-check", Stage.NURSE: "pulse", Stage.DOCTOR: "stethoscope", Stage.LABORATORY: "flask",
    Stage.RADIOLOGY: "scan", Stage.PHARMACY: "pill", Stage.CASHIER: "cash",
}  # fmt: skip
# The columns of the board: laboratory and radiology are one place on the path.
COLUMN_OF = {stage: Stage.LABORATORY if stage == Stage.RADIOLOGY else stage for stage in Stage}
EXAMINATIONS_LABEL = _("Laboratory and radiology")
UNDO_WORDS: dict[str, str | Promise] = {
    Kind.CALL: _("call"), Kind.RECALL: _("call again"), Kind.START: _("begin"), Kind.SKIP: _("did not answer"),
    Kind.REQUEUE: _("back in the queue"), Kind.SEND_BACK: _("send back"), Kind.TRANSFER: _("transfer"),
    Kind.FINISH: _("send on"),
}  # fmt: skip


@dataclass(frozen=True)
class Wait:
    """How long somebody waits, with the word that goes with the colour."""

    minutes: int
    is_waiting: bool = True  # inside: no wait, however long it takes

    @property
    def tone(self) -> str:
        if not self.is_waiting:
            return "neutral"
        return "danger" if self.minutes > VERY_LONG_MINUTES else "warning" if self.minutes > LONG_MINUTES else "neutral"

    @property
    def icon(self) -> str:
        return "clock" if self.tone == "neutral" else "hourglass" if self.tone == "warning" else "alert-triangle"

    @property
    def word(self) -> str | Promise:
        return {"danger": _("very long"), "warning": _("long")}.get(self.tone, "")


@dataclass(frozen=True)
class Row:
    """One stay on a screen; `patient` only for who may see it."""

    step: Any
    patient: Patient | None
    wait: Wait
    priority: str = ""
    reason: str = ""


@dataclass
class StationView:
    """The queue of one station as its page shows it."""

    station: Station
    current: list[Row] = field(default_factory=list)
    waiting: list[Row] = field(default_factory=list)
    skipped: list[Row] = field(default_factory=list)
    undo: QueueEvent | None = None
    undo_word: str | Promise = ""


@dataclass(frozen=True)
class Place:
    """One number on the board of where everybody is."""

    number: str
    state: str
    since: datetime
    wait: Wait
    is_waiting: bool
    patient_name: str
    doctor_name: str
    station_name: str
    priority: str
    stage: str


@dataclass
class Column:
    """One stage of the path with the numbers at it."""

    stage: str
    label: str | Promise
    icon: str
    places: list[Place] = field(default_factory=list)


def wait_since(moment: datetime, now: datetime, *, is_waiting: bool = True) -> Wait:
    """Return how long ago that was, in whole minutes, never below 0."""
    return Wait(max(0, int((now - moment).total_seconds() // 60)), is_waiting)


def wait_of(step: QueueStep, now: datetime) -> Wait:
    """Return how long a stay waits, or is inside."""
    if step.state == State.SERVING:
        return wait_since(step.started_at or step.entered_at, now, is_waiting=False)
    return wait_since(step.entered_at, now)


def station_view(user: User, station: Station) -> StationView:
    """Return who is inside, who waits in which order, and who did not answer. Six queries."""
    now = clock.now()
    doctor_id = user.pk if station.stage == Stage.DOCTOR else None
    steps = list(
        QueueStep.objects.at_stations_of(user).filter(queue.of_now(now), stage=station.stage, open=1)
        .select_related("ticket", "station").order_by("called_at", "id")
    )  # fmt: skip
    reasons = _reasons(steps)
    visits = dict(Visit.objects.filter(pk__in=[step.visit_id for step in steps]).values_list("pk", "patient_id"))
    people = _people(user, visits.values())

    def row(step: QueueStep) -> Row:
        patient = people.get(visits.get(step.visit_id)) if step.visit_id else None
        return Row(
            step, patient, wait_since(step.entered_at, now), step.get_priority_display(), reasons.get(step.visit_id, "")
        )

    view = StationView(station)
    view.current = [row(step) for step in steps if step.state in (State.CALLED, State.SERVING)]
    view.current.sort(key=lambda found: found.step.station_id != station.pk)
    in_a_row = queue.priorities_in_a_row(station.stage, doctor_id, now)
    waiting = queue.ordered([step for step in steps if step.state == State.WAITING], in_a_row=in_a_row)
    view.waiting = [row(step) for step in waiting]
    view.skipped = [row(step) for step in steps if step.state == State.SKIPPED]
    view.undo = last_act(user, now)
    view.undo_word = UNDO_WORDS[view.undo.kind] if view.undo else ""
    return view


def last_act(user: User, now: datetime) -> QueueEvent | None:
    """Return somebody's own last act when it can still be taken back. One query."""
    acts = QueueEvent.objects.filter(actor=user, at__gte=now - UNDO_FOR, undone_at=None).select_related("step__ticket")
    event = acts.order_by("-at", "-id").first()
    return event if event is not None and event.before else None


def board(user: User, *, doctor: User | None = None) -> tuple[list[Column], list[Place]]:
    """Return the stages with the numbers at each, and the numbers that are done. Five queries, however many there are."""
    now = clock.now()
    steps = QueueStep.objects.whereabouts(user).filter(queue.of_now(now), open=1)
    done = QueueStep.objects.whereabouts(user).filter(
        queue_on=clock.local(now).date(), visit__status=Visit.Status.FINISHED, state=State.DONE
    )
    if doctor is not None:
        steps, done = steps.filter(visit__doctor=doctor), done.filter(visit__doctor=doctor)
    fields = (
        "stage", "state", "priority", "entered_at", "called_at", "started_at", "ended_at", "ticket__prefix",
        "ticket__number", "station__name", "visit__doctor_id", "visit__patient_id", "visit_id",
    )  # fmt: skip
    rows = list(steps.order_by("due_at", "id").values(*fields))
    gone: dict[Any, dict[str, Any]] = {}
    for row in done.order_by("-ended_at").values(*fields)[: 4 * LAST_DONE]:
        gone.setdefault(row["visit_id"], row)
    finished = list(gone.values())[:LAST_DONE]
    people = _people(user, {row["visit__patient_id"] for row in [*rows, *finished]})
    doctors = {one.pk: one.display_name for one in User.objects.doctors()}
    columns = {stage: Column(stage, stage.label, ICONS[stage]) for stage in COLUMN_OF.values()}
    columns[Stage.LABORATORY].label = EXAMINATIONS_LABEL
    for row in rows:
        columns[COLUMN_OF[Stage(row["stage"])]].places.append(_place(row, people, doctors, now))
    return list(columns.values()), [_place(row, people, doctors, now, is_done=True) for row in finished]


def _place(
    row: dict[str, Any], people: dict[Any, Patient], doctors: dict[Any, str], now: datetime, *, is_done: bool = False
) -> Place:
    waits = row["state"] in (State.WAITING, State.SKIPPED)
    since = row["ended_at"] if is_done else row["entered_at"] if waits else row["started_at"] or row["called_at"]
    patient = people.get(row["visit__patient_id"])
    return Place(
        number=f"{row['ticket__prefix']}-{row['ticket__number']:03d}", state=row["state"], since=since,
        wait=wait_since(since, now), is_waiting=waits and not is_done,
        patient_name=patient.full_name if patient else "", doctor_name=doctors.get(row["visit__doctor_id"], ""),
        station_name=row["station__name"] or "", priority=str(Visit.Priority(row["priority"]).label) if row["priority"] else "",
        stage=str(Stage(row["stage"]).label) if row["stage"] in queue.EXAMINATIONS else "",
    )  # fmt: skip


def _people(user: User, patient_ids: Iterable[UUID | None]) -> dict[Any, Patient]:
    """Return those of the patients whose identity somebody may read, with name, age and sex only."""
    wanted = [pk for pk in patient_ids if pk is not None]
    found = Patient.objects.visible_to(user).filter(pk__in=wanted)
    return {patient.pk: patient for patient in found.only(*_SHOWN)}


def _reasons(steps: list[QueueStep]) -> dict[Any, str]:
    """Return why visits came here, when somebody sent them back or transferred them today."""
    ids = [step.visit_id for step in steps if step.visit_id]
    acts = QueueEvent.objects.filter(
        step__visit__in=ids, kind__in=(Kind.SEND_BACK, Kind.TRANSFER), undone_at=None,
        at__gte=clock.now() - timedelta(hours=24),
    ).order_by("at", "id")  # fmt: skip
    return dict(acts.values_list("step__visit_id", "reason"))
