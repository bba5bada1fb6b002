"""Stations: rooms and counters that numbers are called to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core import clock, live
from core.db import retry_transaction
from core.errors import InvalidInput
from scheduling.errors import StationInUse
from scheduling.models import PracticeSession, QueueStep, Station, stages_of
from scheduling.services import queue


@retry_transaction
def save_station(*, station_id: UUID | None, actor: User, **values: Any) -> Station:
    """Add a station, or change one: name, stage, spoken, spoken_number, order, is_active.

    Raises:
        StationInUse: it is closed, or gets another stage, while people are called to it or sessions are planned in it.
        Station.DoesNotExist: there is no such station.
        InvalidInput: another one has the name.
    """
    station = Station.objects.select_for_update().get(pk=station_id) if station_id else Station()
    closes = station_id is not None and station.is_active and not values.get("is_active", True)
    changes_stage = station_id is not None and values.get("stage", station.stage) != station.stage
    if closes or changes_stage:
        _refuse_while_used(station)
    for name, value in values.items():
        setattr(station, name, value)
    try:
        with transaction.atomic():
            station.save()
    except IntegrityError as error:
        raise InvalidInput(_("There is already a station with this name.")) from error
    audit.record(
        "scheduling.station.saved", actor=actor, target=station,
        detail={"name": station.name, "stage": station.stage, "active": station.is_active},
    )  # fmt: skip
    live.changed(live.BOARD)
    return station


def all_stations() -> list[Station]:
    """Return every station, closed ones too, in the order of the screens. One query."""
    return list(Station.objects.all())


def stations_for(user: User) -> list[Station]:
    """Return the open stations of the stages at which somebody works. One query."""
    return list(Station.objects.filter(is_active=True, stage__in=stages_of(user)))


def chosen_station(user: User, value: Any) -> Station | None:
    """Return the station somebody chose, while it is open and they work at its stage."""
    try:
        wanted = UUID(str(value))
    except ValueError:
        return None
    return next((station for station in stations_for(user) if station.pk == wanted), None)


def _refuse_while_used(station: Station) -> None:
    now = clock.now()
    inside = QueueStep.objects.filter(queue.of_now(now), station=station, open=1)
    if inside.filter(state__in=(QueueStep.State.CALLED, QueueStep.State.SERVING)).exists():
        raise StationInUse(_("Somebody is called to this station or is inside. Change it when they have left."))
    planned = PracticeSession.objects.filter(station=station, ends_at__gt=now)
    planned = planned.filter(status__in=(PracticeSession.Status.PENDING, PracticeSession.Status.APPROVED))
    if planned.exists():
        raise StationInUse(_("Practice sessions are planned in this room. Give them another room first."))
