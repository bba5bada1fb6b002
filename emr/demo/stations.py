"""Rooms and counters, the stays of the past weeks, and today's queue with its waiting times."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from core import clock
from emr.demo.history import Team
from scheduling.models import PracticeSession, QueueEvent, QueueStep, QueueTicket, Stage, Station, Visit
from scheduling.services import arrivals, detours, serving
from scheduling.services.queue import in_queue

Spoken, State = Station.Spoken, QueueStep.State
HISTORY_DAYS = 60
COUNTERS = (
    ("Loket 1", Stage.REGISTRATION, Spoken.COUNTER, 1),
    ("Loket 2", Stage.REGISTRATION, Spoken.COUNTER, 2),
    ("Ruang Tanda Vital", Stage.NURSE, Spoken.NURSE, None),
    ("Laboratorium", Stage.LABORATORY, Spoken.LABORATORY, None),
    ("Radiologi", Stage.RADIOLOGY, Spoken.RADIOLOGY, None),
    ("Farmasi", Stage.PHARMACY, Spoken.PHARMACY, None),
    ("Kasir", Stage.CASHIER, Spoken.CASHIER, None),
)
CLINICS = {
    "umum": Spoken.GENERAL, "tht": Spoken.ENT, "gigi": Spoken.DENTAL, "anak": Spoken.PAEDIATRICS,
    "kandungan": Spoken.OBGYN, "penyakit_dalam": Spoken.INTERNAL,
}  # fmt: skip


class Stations:
    """Makes the stations first, and the stays when the visits are there."""

    def __init__(self, random: Random, team: Team) -> None:
        self.random = random
        self.team = team
        self.today = clock.today()
        self.rooms: dict[Any, Station] = {}

    def build(self) -> None:
        """Every room and counter of the clinic, and the stays of the past weeks."""
        rows = [
            Station(name=name, stage=stage, spoken=spoken, spoken_number=number, order=order)
            for order, (name, stage, spoken, number) in enumerate(COUNTERS, start=1)
        ]
        for order, (specialty, doctor) in enumerate(self.team.doctors.items(), start=len(rows) + 1):
            room = Station(
                name=doctor.staff_profile.room,
                stage=Stage.DOCTOR,
                spoken=CLINICS.get(specialty, Spoken.ROOM),
                order=order,
            )
            self.rooms[doctor.pk] = room
            rows.append(room)
        Station.objects.bulk_create(rows)
        self._history()

    def fill(self) -> None:
        """Rooms for the sessions, people at every stage, and stays as long as today's visits already last."""
        for doctor_id, room in self.rooms.items():
            PracticeSession.objects.filter(doctor_id=doctor_id, practice_on__gte=self.today).update(station=room)
        self._spread()
        self._examinations()
        self._desk()
        self._calls()

    # --- the past ---------------------------------------------------------------------------------------------------

    def _history(self) -> None:
        """Done stays of each visit, close to the times the visit itself kept; the first estimate is off by some minutes."""
        steps: list[QueueStep] = []
        first = self.today - timedelta(days=HISTORY_DAYS)
        tickets = QueueTicket.objects.filter(visit__visit_on__gte=first, visit__visit_on__lt=self.today)
        for ticket in tickets.select_related("visit").order_by("issued_on", "id"):
            visit = ticket.visit
            assert visit is not None
            if visit.triaged_at is None or visit.started_at is None or visit.consulted_at is None:
                continue
            begun = visit.arrived_at + timedelta(minutes=self.random.randint(1, 5))
            called = max(visit.triaged_at, visit.started_at - timedelta(minutes=self.random.randint(1, 2)))
            told = called - timedelta(minutes=round(self.random.gauss(2, 9)))
            steps.append(self._done(ticket, Stage.NURSE, visit.arrived_at, begun, begun, visit.triaged_at))
            steps.append(
                self._done(ticket, Stage.DOCTOR, visit.triaged_at, called, visit.started_at, visit.consulted_at, told)
            )
            if visit.finished_at is not None:
                steps.append(self._done(ticket, Stage.CASHIER, visit.consulted_at, None, None, visit.finished_at))
        QueueStep.objects.bulk_create(steps, batch_size=400)

    def _done(
        self, ticket: QueueTicket, stage: str, entered: datetime, called: datetime | None, started: datetime | None,
        ended: datetime, told: datetime | None = None,
    ) -> QueueStep:  # fmt: skip
        visit = ticket.visit
        assert visit is not None
        is_doctor = stage == Stage.DOCTOR
        return QueueStep(
            ticket=ticket, visit=visit, queue_on=visit.visit_on, stage=stage, state=State.DONE, priority=visit.priority,
            doctor_id=visit.doctor_id if is_doctor else None, station=self.rooms.get(visit.doctor_id) if is_doctor else None,
            due_at=entered, entered_at=entered, called_at=called, call_count=1 if called else 0, started_at=started,
            ended_at=ended, estimated_at=told,
        )  # fmt: skip

    # --- today ------------------------------------------------------------------------------------------------------

    def _spread(self) -> None:
        """The loader brings people through the house within seconds: let their stays fill the time since they came."""
        now = clock.now()
        steps, events = [], []
        for visit in Visit.objects.filter(visit_on=self.today).prefetch_related("steps__events"):
            stays = sorted(visit.steps.all(), key=lambda step: step.pk)
            part = (now - visit.arrived_at) / max(1, len(stays))
            for position, step in enumerate(stays):
                entered = visit.arrived_at + part * position
                step.entered_at, step.due_at = entered, entered if step.doctor_id is None else visit.arrived_at
                step.called_at = entered + part * 0.4 if step.called_at else None
                step.started_at = entered + part * 0.5 if step.started_at else None
                step.ended_at = entered + part if step.ended_at else None
                if step.stage == Stage.DOCTOR:
                    step.estimated_at = entered + part * 0.4 + timedelta(minutes=self.random.randint(-6, 8))
                steps.append(step)
                for event in step.events.all():
                    event.at = (
                        {"call": step.called_at, "start": step.started_at}.get(event.kind) or step.ended_at or entered
                    )
                    events.append(event)
        fields = ["entered_at", "due_at", "called_at", "started_at", "ended_at", "estimated_at"]
        QueueStep.objects.bulk_update(steps, fields, batch_size=200)
        QueueEvent.objects.bulk_update(events, ["at"], batch_size=200)

    def _examinations(self) -> None:
        """One of those who are with a doctor is sent to the laboratory, another to radiology."""
        inside = Visit.objects.filter(visit_on=self.today, status=Visit.Status.IN_CONSULTATION).order_by("pk")
        for visit, stage in zip(list(inside)[1:], (Stage.LABORATORY, Stage.RADIOLOGY), strict=False):
            detours.send_to_examination(visit_id=visit.pk, stage=stage, actor=visit.doctor)

    def _desk(self) -> None:
        """Numbers from the kiosk that wait for the registration desk."""
        for priority in ("", "elderly", "", "pregnant"):
            arrivals.take_number(priority=priority)

    def _calls(self) -> None:
        """The desk and the nurse have just called somebody, and somebody else did not answer."""
        desk = Station.objects.get(name="Loket 1")
        serving.call_next(station_id=desk.pk, actor=self.team.receptionist)
        nurse = Station.objects.get(stage=Stage.NURSE)
        waiting = in_queue(Stage.NURSE, None, clock.now()).filter(state=State.WAITING).count()
        if waiting > 2:
            missed = serving.call_next(station_id=nurse.pk, actor=self.team.nurse)
            serving.skip_step(step_id=missed.pk, actor=self.team.nurse, station_id=nurse.pk)
            serving.call_next(station_id=nurse.pk, actor=self.team.nurse)
