"""When a patient will probably be called to the doctor, and how far off that was.

An estimate is a help for waiting people, never a promise: every screen says "perkiraan".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median, quantiles
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import Q

from core import clock
from scheduling.models import Appointment, PracticeSession, QueueStep, Service, Stage, Visit
from scheduling.services import queue
from scheduling.services.queue import State

FEWEST_OF_TODAY = 3  # consultations before today's own pace counts
PACE_DAYS = 30
PACE_ROWS = 400
PACE_SECONDS = 20  # how long a doctor's pace is kept
SHOWN_IN = timedelta(minutes=5)  # what people see is rounded up to this
NEAR = timedelta(minutes=15)  # an estimate this close was good
_LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Estimate:
    """What a waiting patient is told. `call_at` is exact; show `shown_at`."""

    call_at: datetime
    ahead: int  # numbers that are called before this one
    is_called: bool  # by the doctor, or by the nurse before the doctor
    delay_minutes: int  # how late the doctor said to be; 0 when nothing was said or the doctor has begun
    pace_minutes: int
    source: str  # of the pace: "today", "month" or "service"
    place: str = ""  # where to go, once called

    @property
    def is_late(self) -> bool:
        return self.delay_minutes > 0

    @property
    def shown_at(self) -> datetime:
        """The time to show, rounded up to five minutes."""
        seconds = SHOWN_IN.total_seconds()
        over = self.call_at.timestamp() % seconds
        return self.call_at.replace(microsecond=0) + timedelta(seconds=(seconds - over) if over else 0)


@dataclass(frozen=True)
class _New:
    """Somebody who is about to join the queue."""

    priority: str
    due_at: datetime
    entered_at: datetime
    ticket_id: UUID = _LAST


@dataclass
class _Room:
    """A doctor's queue at this moment, people at the nurse's included."""

    doctor_id: UUID
    now: datetime
    steps: list[QueueStep] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows = QueueStep.objects.filter(
            queue.of_now(self.now), open=1, stage__in=(Stage.NURSE, Stage.DOCTOR), visit__doctor_id=self.doctor_id
        ).exclude(state=State.SKIPPED)
        self.steps = list(rows.select_related("station"))
        at_doctor = [step for step in self.steps if step.stage == Stage.DOCTOR]
        self.inside = [step for step in at_doctor if step.state == State.SERVING]
        self.called = [step for step in at_doctor if step.state == State.CALLED]
        self.waiting = [step for step in self.steps if step not in self.inside and step not in self.called]
        self.in_a_row = queue.priorities_in_a_row(Stage.DOCTOR, self.doctor_id, self.now)

    def opens(self) -> tuple[datetime, int]:
        """Return when the doctor's running or next session of today begins, and the delay that still counts."""
        session = (
            PracticeSession.objects.filter(
                doctor_id=self.doctor_id, practice_on=clock.local(self.now).date(), ends_at__gt=self.now,
                status=PracticeSession.Status.APPROVED,
            ).order_by("starts_at").values_list("starts_at", "delay_minutes").first()
        )  # fmt: skip
        if session is None or self.inside:
            return self.now, 0
        begins = session[0] + timedelta(minutes=session[1])
        return max(self.now, begins), (session[1] if begins > self.now else 0)


def estimate_for(visit: Visit) -> Estimate | None:
    """Return when a visit that waits for its doctor will probably be called; None at any other place. Five queries, or
    seven when the doctor's pace is not known since `PACE_SECONDS`."""
    if visit.status not in (Visit.Status.ARRIVED, Visit.Status.TRIAGE, Visit.Status.WAITING):
        return None
    room = _Room(visit.doctor_id, clock.now())
    own = next((step for step in room.steps if step.visit_id == visit.pk), None)
    if own is None:
        return None
    return _estimate(room, own, visit.service)


def estimate_on_arrival(
    *, doctor_id: UUID, service: Service, priority: str, due_at: datetime
) -> Estimate:  # fmt: skip
    """Return the estimate for somebody who arrives now and has no number yet."""
    room = _Room(doctor_id, clock.now())
    new = _New(priority, due_at, room.now)
    room.waiting.append(new)  # type: ignore[arg-type]
    return _estimate(room, new, service)


def pace_of(doctor_id: UUID, service: Service) -> tuple[float, str]:
    """Return the minutes one consultation of this doctor takes, and where that comes from.

    The median of today's when there are three, else of the last 30 days, else what the service says.
    """
    key = f"queue-pace:{doctor_id.hex}"
    known = cache.get(key)
    if known is None:
        today = clock.today()
        of_today = _lengths(doctor_id, today, today)
        if len(of_today) >= FEWEST_OF_TODAY:
            known = (median(of_today), "today")
        else:
            of_month = _lengths(doctor_id, today - timedelta(days=PACE_DAYS), today)
            known = (median(of_month), "month") if len(of_month) >= FEWEST_OF_TODAY else (0, "service")
        cache.set(key, known, PACE_SECONDS)
    return known if known[1] != "service" else (float(service.duration_minutes), "service")


def _estimate(room: _Room, own: Any, service: Service) -> Estimate:
    pace, source = pace_of(room.doctor_id, service)
    step = timedelta(minutes=pace)
    if own in room.inside or (isinstance(own, QueueStep) and own.state == State.CALLED):
        place = own.station.name if own.station else ""
        return Estimate(own.called_at or room.now, 0, True, 0, round(pace), source, place)
    ahead = len(room.called) + queue.ordered(room.waiting, in_a_row=room.in_a_row).index(own)
    free_at, delay = room.opens()
    if room.inside:
        free_at = max(free_at, *((inside.started_at or room.now) + step for inside in room.inside))
    call_at = free_at + ahead * step
    call_at += step * _still_to_come(room, min(own.due_at, call_at))
    return Estimate(call_at, ahead, False, delay, round(pace), source)


def _still_to_come(room: _Room, before: datetime) -> int:
    """Return how many booked patients are expected between now and then, and will be called first."""
    booked = Appointment.objects.filter(
        doctor_id=room.doctor_id, status=Appointment.Status.APPROVED, slot__starts_at__gte=room.now,
        slot__starts_at__lt=before,
    )  # fmt: skip
    return booked.count()


def _lengths(doctor_id: UUID, first: date, last: date) -> list[float]:
    rows = QueueStep.objects.filter(
        doctor_id=doctor_id, queue_on__range=(first, last), stage=Stage.DOCTOR, state=State.DONE,
        started_at__isnull=False, ended_at__isnull=False,
    )  # fmt: skip
    times = rows.order_by("-queue_on", "-id").values_list("started_at", "ended_at")[:PACE_ROWS]
    return [_minutes(started, ended) for started, ended in times if started and ended]


# --- what came of it --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Error:
    """How far estimates were off, for one doctor, one day or all."""

    label: Any
    count: int
    median_minutes: float  # absolute
    near_share: float  # within 15 minutes, 0 to 1
    median_signed: float  # above 0: people waited longer than they were told

    @property
    def near_percent(self) -> int:
        """The share within 15 minutes in whole percent."""
        return round(self.near_share * 100)


@dataclass(frozen=True)
class StageTimes:
    """How long people waited and were served at one stage, in minutes; None where nothing was measured."""

    stage: str
    count: int
    wait_median: float | None
    wait_p90: float | None
    service_median: float | None
    stay_median: float | None


def errors_between(first: date, last: date) -> tuple[Error | None, list[Error], list[Error]]:
    """Return the error of all first estimates, by doctor id, and by day. One query."""
    rows = QueueStep.objects.filter(
        Q(called_at__isnull=False) | Q(started_at__isnull=False), queue_on__range=(first, last), stage=Stage.DOCTOR,
        estimated_at__isnull=False,
    )  # fmt: skip
    by_doctor: dict[Any, list[float]] = defaultdict(list)
    by_day: dict[Any, list[float]] = defaultdict(list)
    for doctor_id, day, estimated, called, started in rows.values_list(
        "doctor_id", "queue_on", "estimated_at", "called_at", "started_at"
    ):
        seen = called or started
        if seen is None or estimated is None:
            continue
        minutes = _minutes(estimated, seen)
        by_doctor[doctor_id].append(minutes)
        by_day[day].append(minutes)
    everything = [minutes for row in by_day.values() for minutes in row]
    return (
        _error(None, everything) if everything else None,
        [_error(doctor_id, row) for doctor_id, row in by_doctor.items()],
        [_error(day, by_day[day]) for day in sorted(by_day, reverse=True)],
    )


def times_between(first: date, last: date) -> list[StageTimes]:
    """Return waiting and service times of every stage that anybody was at. One query."""
    rows = QueueStep.objects.filter(queue_on__range=(first, last), state=State.DONE, ended_at__isnull=False)
    waits: dict[str, list[float]] = defaultdict(list)
    served: dict[str, list[float]] = defaultdict(list)
    stays: dict[str, list[float]] = defaultdict(list)
    for stage, entered, called, started, ended in rows.values_list(
        "stage", "entered_at", "called_at", "started_at", "ended_at"
    ):
        if ended is None:
            continue
        stays[stage].append(_minutes(entered, ended))
        if begun := called or started:
            waits[stage].append(_minutes(entered, begun))
        if started:
            served[stage].append(_minutes(started, ended))
    return [
        StageTimes(
            stage, len(stays[stage]), _middle(waits[stage]), _p90(waits[stage]), _middle(served[stage]),
            _middle(stays[stage]),
        )
        for stage in Stage.values
        if stage in stays
    ]  # fmt: skip


def _error(label: Any, minutes: list[float]) -> Error:
    absolute = [abs(value) for value in minutes]
    near = sum(value <= NEAR.total_seconds() / 60 for value in absolute)
    return Error(label, len(minutes), median(absolute), near / len(minutes), median(minutes))


def _minutes(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 60


def _middle(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None


def _p90(values: list[float]) -> float | None:
    return quantiles(values, n=10, method="inclusive")[8] if len(values) > 1 else (values[0] if values else None)
