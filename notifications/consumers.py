"""Live connections. A socket tells a page which kind of thing changed; the page fetches its own fragment, with its rights."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.utils.module_loading import import_string

from accounts import binding, idle
from accounts.access import Capability, has_capability
from core import clock, live

RECHECK_SECONDS = 180
NOT_ALLOWED = 4401  # private range: the page may try again after signing in or unlocking

TOPIC_CAPABILITIES: dict[str, tuple[Capability, ...]] = {
    live.QUEUE: (Capability.VIEW_QUEUE, Capability.CHECK_IN),
    live.PHARMACY: (Capability.VIEW_PRESCRIPTIONS,),
    live.BILLING: (Capability.VIEW_BILLS,),
    live.APPOINTMENTS: (Capability.BOOK_APPOINTMENTS, Capability.APPROVE_APPOINTMENTS, Capability.VIEW_SCHEDULES),
    live.ACCOUNTS: (Capability.ACTIVATE_PATIENTS, Capability.MANAGE_USERS),
}


def groups_for(user: Any) -> frozenset[str]:
    """Return the groups a person's screens may listen to; none for people who may use neither site.

    Staff listen to the topics their capabilities cover and to their own group; patients to their own group only.
    """
    if has_capability(user, Capability.USE_STAFF_SITE):
        topics = {
            live.group_of_topic(topic)
            for topic, capabilities in TOPIC_CAPABILITIES.items()
            if any(has_capability(user, capability) for capability in capabilities)
        }
        return frozenset({live.group_of_user(user.pk), *topics})
    if has_capability(user, Capability.USE_PORTAL):
        return frozenset({live.group_of_user(user.pk)})
    return frozenset()


class LiveConsumer(AsyncWebsocketConsumer):
    """One page of one signed-in person."""

    joined: frozenset[str] = frozenset()
    recheck: asyncio.Task[None] | None = None
    open_until = 0.0  # seconds since 1970; until then the session cannot have locked by itself

    async def connect(self) -> None:
        self.session_key = getattr(self.scope.get("session"), "session_key", None)
        self.user_id: UUID | None = getattr(self.scope.get("user"), "pk", None)
        if self.user_id is None:
            await self.close(code=NOT_ALLOWED)
            return
        # Listen before looking: a sign-out between the two still reaches this socket.
        await self._join(frozenset({live.group_of_user(self.user_id)}))
        allowed = await self._allowed_groups()
        await self._join(allowed)
        if not allowed:
            await self.close(code=NOT_ALLOWED)
            return
        await self.accept()
        self.recheck = asyncio.create_task(self._recheck_for_ever())

    async def disconnect(self, code: int) -> None:
        if self.recheck is not None:
            self.recheck.cancel()
        await self._join(frozenset())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer a ping; everything else a page says is ignored."""
        if text_data == "ping":
            await self.send(text_data="pong")

    async def changed(self, event: dict[str, Any]) -> None:
        """Pass a topic on, unless the session was left alone for so long that it is locked."""
        if clock.now().timestamp() >= self.open_until and not await self._allowed_groups():
            await self.close(code=NOT_ALLOWED)
            return
        await self.send(text_data=json.dumps({"topic": event["topic"]}))

    async def live_close(self, event: dict[str, Any]) -> None:
        """The person signed out, was deactivated, has other roles now, or locked the page."""
        await self.close(code=NOT_ALLOWED)

    async def _recheck_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            allowed = await self._allowed_groups()
            if not allowed:
                await self.close(code=NOT_ALLOWED)
                return
            await self._join(allowed)

    async def _join(self, groups: frozenset[str]) -> None:
        for group in groups - self.joined:
            await self.channel_layer.group_add(group, self.channel_name)
        for group in self.joined - groups:
            await self.channel_layer.group_discard(group, self.channel_name)
        self.joined = groups

    @database_sync_to_async
    def _allowed_groups(self) -> frozenset[str]:
        """Read session and person anew: the session must be this browser's, theirs and not locked, and they active."""
        if self.session_key is None or self.user_id is None:
            return frozenset()
        session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")(self.session_key)
        guard = binding.guard_of(session)
        if guard is None or not binding.fits_request(guard, self.scope["cookies"], self._user_agent()):
            return frozenset()
        standing = idle.standing(guard.row_id)
        if not standing.is_open:
            return frozenset()
        left = standing.seconds_left
        self.open_until = clock.now().timestamp() + (RECHECK_SECONDS if left is None else left)
        user = get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]
        return groups_for(user) if user.is_authenticated and user.pk == self.user_id else frozenset()

    def _user_agent(self) -> str:
        return next((value.decode("latin-1") for name, value in self.scope["headers"] if name == b"user-agent"), "")
