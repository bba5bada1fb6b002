"""What a waiting-room board shows: called numbers and their rooms, who is next, which doctor is late. No persons."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core import clock
from scheduling.models import DeviceLink, PracticeSession, QueueEvent, Stage, Station
from scheduling.services import queue
from scheduling.speech import PLACE_OF_STAGE, call_clips

LAST_CALLS = 4  # below the current one
EVENTS_READ = 40  # the last acts looked at: a number called ten times in a row leaves room for the others
MOST_ROOMS = 4  # a board of more rooms shows no next numbers: they would be too small to read
NEXT_NUMBERS = 3
Kind = QueueEvent.Kind


@dataclass(frozen=True)
class Call:
    """One called number. `pk` tells a page whether it said this call already."""

    pk: UUID
    label: str
    place: str
    at: datetime
    clips: tuple[str, ...]
    age_seconds: int


@dataclass(frozen=True)
class Room:
    """The numbers that are called next to one room."""

    name: str
    labels: list[str]


@dataclass(frozen=True)
class Delay:
    """A practice session that runs late."""

    place: str
    minutes: int


@dataclass(frozen=True)
class Panel:
    """Everything on the screen at one instant."""

    now: datetime
    current: Call | None
    last: list[Call]
    rooms: list[Room] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)

    @property
    def epoch_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    @property
    def zone_minutes(self) -> int:
        """How far the clinic's clock is ahead of UTC now."""
        offset = clock.local(self.now).utcoffset()
        return int(offset.total_seconds() // 60) if offset else 0


def panel_for(link: DeviceLink) -> Panel:
    """Return what a board shows now: of its stations, or of all.

    Calls are those of the clinic's day, so those of yesterday are gone at midnight. Three queries, and two for each room
    of a board that has up to `MOST_ROOMS`.
    """
    now = clock.now()
    stations = list(link.stations.all())
    calls = _calls(now, stations)
    return Panel(
        now=now,
        current=calls[0] if calls else None,
        last=calls[1 : 1 + LAST_CALLS],
        rooms=_rooms(now, stations) if 0 < len(stations) <= MOST_ROOMS else [],
        delays=_delays(now, stations),
    )


def _calls(now: datetime, stations: list[Station]) -> list[Call]:
    """Return the last called numbers, newest first, each once."""
    first, last = clock.day_bounds(clock.local(now).date())
    events = QueueEvent.objects.filter(kind__in=(Kind.CALL, Kind.RECALL), undone_at=None, at__gte=first, at__lt=last)
    if stations:
        events = events.filter(station__in=stations)
    found: dict[UUID, Call] = {}
    newest = events.order_by("-at", "-id").select_related("step__ticket", "station")
    for event in newest[:EVENTS_READ]:
        if event.step.ticket_id not in found:
            found[event.step.ticket_id] = _call(event, now)
    return list(found.values())


def _call(event: QueueEvent, now: datetime) -> Call:
    station, stage = event.station, Stage(event.step.stage)
    label = event.step.ticket.label
    spoken = station.spoken if station else PLACE_OF_STAGE[stage]
    return Call(
        pk=event.pk,
        label=label,
        place=station.name if station else str(stage.label),
        at=event.at,
        clips=tuple(call_clips(label, place=spoken, place_number=station.spoken_number if station else None)),
        age_seconds=max(0, int((now - event.at).total_seconds())),
    )


def _rooms(now: datetime, stations: list[Station]) -> list[Room]:
    """Return who is called next to each room, by the rule of the queue; a doctor's room follows the session in it."""
    today = clock.local(now).date()
    sessions = PracticeSession.objects.filter(
        practice_on=today, station__in=stations, status=PracticeSession.Status.APPROVED
    )
    doctors = {
        session.station_id: session.doctor_id for session in sessions.order_by("-starts_at") if session.ends_at > now
    }
    rooms = []
    for station in stations:
        if station.stage == Stage.DOCTOR and station.pk not in doctors:
            continue
        steps = queue.waiting_in_order(station.stage, doctors.get(station.pk), now)
        rooms.append(Room(station.name, [step.ticket.label for step in steps[:NEXT_NUMBERS]]))
    return rooms


def _delays(now: datetime, stations: list[Station]) -> list[Delay]:
    """Return the sessions of today that somebody said to be late and that are not over."""
    sessions = PracticeSession.objects.filter(
        practice_on=clock.local(now).date(),
        status=PracticeSession.Status.APPROVED,
        delay_minutes__gt=0,
        ends_at__gt=now,
    )
    if stations:
        sessions = sessions.filter(station__in=stations)
    return [
        Delay(session.station.name if session.station else session.service.name, session.delay_minutes)
        for session in sessions.select_related("station", "service").order_by("starts_at")
    ]
