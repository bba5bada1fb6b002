"""Screens of the clinic: their secret links, and what proves that somebody stands in front of one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db.models import Q

import audit
from accounts.models import User
from core import clock, live
from core.db import locked, retry_transaction
from core.digests import keyed_digest
from core.ids import uuid_or_none
from scheduling.models import DeviceLink, QueueStep, Station
from scheduling.services import queue

TOKEN_BYTES = 32
LONGEST_TOKEN = 64
SEEN_EVERY = timedelta(minutes=1)
SAME_FORM = timedelta(minutes=1)  # within which a link of the same kind and name is the second click on one form
PROOF_SECONDS = 90  # how long the code on a kiosk opens the door; it is drawn anew well before
PROOF_SALT = "scheduling.onsite"


def digest_of(token: str) -> str:
    """Return what is stored of a link's secret."""
    return keyed_digest(settings.KEYS.session_hash_key, "scheduling/device/v1", token)


def group_of(link_id: UUID) -> str:
    """Return the live group of one screen: closing it closes the screen's connections."""
    return f"device.{link_id.hex}"


@retry_transaction
def make_device(
    *, kind: str, name: str, actor: User, station_ids: Iterable[UUID] = (), speaks: bool = True
) -> tuple[DeviceLink, str]:
    """Make the link of a board or kiosk; return it with its secret, which is stored nowhere.

    A second click shows the second secret only, so the link of the first, which nobody has seen or used, ends.

    Locks the actor's account.
    """
    locked(User.objects.filter(pk=actor.pk)).only("pk").get()
    for unused in DeviceLink.objects.filter(
        kind=kind,
        name=name,
        created_by=actor,
        created_at__gt=clock.now() - SAME_FORM,
        last_seen_at=None,
        revoked_at=None,
    ):
        revoke_device(link_id=unused.pk, actor=actor)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = DeviceLink.objects.create(
        kind=kind,
        name=name,
        token_digest=digest_of(token),
        speaks=speaks,
        created_at=clock.now(),
        created_by=actor,
    )
    link.stations.set(Station.objects.filter(pk__in=list(station_ids)))
    audit.record("scheduling.device.made", actor=actor, target=link, detail={"kind": kind})
    return link, token


@retry_transaction
def revoke_device(*, link_id: UUID, actor: User) -> DeviceLink:
    """End a link for ever; a screen that shows it goes dark at once. Ending it twice changes nothing."""
    link = locked(DeviceLink.objects.filter(pk=link_id)).get()
    if link.revoked_at is None:
        link.revoked_at, link.revoked_by = clock.now(), actor
        link.save(update_fields=["revoked_at", "revoked_by"])
        audit.record("scheduling.device.revoked", actor=actor, target=link, detail={"kind": link.kind})
        live.close_group(group_of(link.pk))
    return link


def find_device(token: str, kind: str) -> DeviceLink | None:
    """Return the screen of a secret, or None: never made, revoked, or a screen of another kind."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    return DeviceLink.objects.filter(token_digest=digest_of(token), kind=kind, revoked_at=None).first()


def open_device(link_id: UUID | None) -> DeviceLink | None:
    """Return a screen while its link is open."""
    return DeviceLink.objects.filter(pk=link_id, revoked_at=None).first() if link_id is not None else None


def mark_seen(link: DeviceLink) -> None:
    """Note that the screen asked for something; written once a minute at most, without a lock."""
    now = clock.now()
    if link.last_seen_at is None or link.last_seen_at <= now - SEEN_EVERY:
        stale = Q(last_seen_at=None) | Q(last_seen_at__lte=now - SEEN_EVERY)
        DeviceLink.objects.filter(stale, pk=link.pk).update(last_seen_at=now)


def shown_number(ticket_id: UUID) -> QueueStep | None:
    """Return the open stay of a number that counts now, for the screen that gave it; its address is behind the screen's
    secret."""
    steps = QueueStep.objects.filter(queue.of_now(clock.now()), ticket_id=ticket_id, open=1)
    return steps.select_related("ticket__visit__service").first()


def place_of(step: QueueStep) -> str:
    """Return where a number will be called to: the room when it is known, else the stage."""
    station = Station.objects.filter(pk=step.station_id or queue.usual_station(step)).first()
    return station.name if station else step.get_stage_display()


def on_site_proof(link: DeviceLink) -> str:
    """Return what the code on a kiosk carries: which kiosk, and when, signed."""
    return signing.dumps(link.pk.hex, salt=PROOF_SALT)


def device_of_proof(proof: str) -> DeviceLink | None:
    """Return the open kiosk whose code was scanned within `PROOF_SECONDS`, or None. For how many phones: `onsite.let_in`."""
    try:
        value: Any = signing.loads(proof, salt=PROOF_SALT, max_age=PROOF_SECONDS)
    except signing.BadSignature:
        return None
    link = open_device(uuid_or_none(value if isinstance(value, str) else None))
    return link if link is not None and link.kind == DeviceLink.Kind.KIOSK else None
