"""Calls and screens for the tests of boards and kiosks."""

from __future__ import annotations

from django.urls import reverse

from core import clock
from scheduling.models import DeviceLink, QueueEvent, QueueStep, QueueTicket, Stage, Station
from scheduling.services import devices
from tests.factories.accounts import UserFactory


def screen(kind=DeviceLink.Kind.BOARD, *, stations=(), speaks=True, name="Ruang tunggu"):
    """A screen and its secret."""
    return devices.make_device(
        kind=kind, name=name, actor=UserFactory(), station_ids=[station.pk for station in stations], speaks=speaks
    )


def address(page, token, *args):
    return reverse(f"scheduling:{page}", args=[token, *args])


def station(name="Ruang 1", *, stage=Stage.DOCTOR, spoken=Station.Spoken.ROOM, number=None):
    return Station.objects.create(name=name, stage=stage, spoken=spoken, spoken_number=number)


def waiting(prefix, number, *, stage=Stage.NURSE, doctor=None, at=None):
    """A number that waits at a stage, without a visit."""
    at = at or clock.now()
    day = clock.local(at).date()
    ticket, _made = QueueTicket.objects.get_or_create(issued_on=day, prefix=prefix, number=number)
    return QueueStep.objects.create(ticket=ticket, queue_on=day, stage=stage, doctor=doctor, due_at=at, entered_at=at)


def called(
    prefix, number, *, at=None, station=None, stage=Stage.NURSE, kind=QueueEvent.Kind.CALL, undone_at=None, step=None
):
    """One call of a number."""
    at = at or clock.now()
    step = step or waiting(prefix, number, stage=stage, at=at)
    return QueueEvent.objects.create(step=step, kind=kind, station=station, at=at, undone_at=undone_at)
