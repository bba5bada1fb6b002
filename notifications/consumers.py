"""Live connections. A socket tells a page which kind of thing changed; the page fetches its own fragment, with its rights."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Awaitable, Callable
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

logger = logging.getLogger(__name__)

RECHECK_SECONDS = 180
HEAL_SECONDS = 30
NOT_ALLOWED = 4401  # private range: the page may try again after signing in or unlocking
LOOK_FAILED = 1011  # the server met something it did not expect (RFC 6455); the page connects again

TOPIC_CAPABILITIES: dict[str, tuple[Capability, ...]] = {
    live.QUEUE: (Capability.VIEW_QUEUE, Capability.CHECK_IN),
    live.PHARMACY: (Capability.VIEW_PRESCRIPTIONS,),
    live.BILLING: (Capability.VIEW_BILLS,),
    live.APPOINTMENTS: (Capability.BOOK_APPOINTMENTS, Capability.APPROVE_APPOINTMENTS, Capability.VIEW_SCHEDULES),
    live.FLOW: (Capability.VIEW_FLOW,),
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


class GroupListener(AsyncWebsocketConsumer):
    """A page that hears what groups are told. Subclasses say which groups it may listen to."""

    subprotocol: str | None = None
    joined: frozenset[str] = frozenset()
    watch: tuple[asyncio.Task[None], ...] = ()
    is_closing = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heard: dict[str, int] = {}  # group -> number of the last message of it that came here

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the page until it goes, however it goes: a page lost in the middle of a message says no goodbye."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            for task in self.watch:
                task.cancel()
            await asyncio.gather(*self.watch, return_exceptions=True)
            await self._join(frozenset())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer a ping; everything else a page says is ignored."""
        if text_data == "ping":
            await self.send(text_data="pong")

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: bool = False) -> None:
        """Send, unless the connection is being closed from here: what was still on its way is told to nobody."""
        if not self.is_closing:
            await super().send(text_data, bytes_data, close)

    async def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        """Close once."""
        if not self.is_closing:
            self.is_closing = True
            await super().close(code, reason)

    async def changed(self, event: dict[str, Any]) -> None:
        """Pass on which kind of thing changed, and which row."""
        if "group" in event:
            self.heard[event["group"]] = event["version"]
        await self._tell({name: event[name] for name in ("topic", "kind", "id") if name in event})

    async def live_close(self, event: dict[str, Any]) -> None:
        """Whoever is at this page may no longer listen."""
        await self.close(code=NOT_ALLOWED)

    async def allowed_groups(self) -> frozenset[str]:
        """Return the groups this page may listen to now; none closes it."""
        raise NotImplementedError

    def may_still_listen(self) -> bool:
        """True while what was found at the last look surely holds."""
        return True

    async def _start(self) -> None:
        """Accept, and from now on look again at the rights and for messages that were lost."""
        await self.accept(self.subprotocol)
        self.watch = tuple(
            asyncio.create_task(self._or_close(look)) for look in (self._recheck_for_ever, self._heal_for_ever)
        )

    async def _or_close(self, look: Callable[[], Awaitable[None]]) -> None:
        """Look on; when that fails, close: a page that is no longer watched over must come anew."""
        try:
            await look()
        except Exception as error:
            if not isinstance(error, OSError):  # what servers raise when the page is gone already (ASGI specification)
                logger.exception("a live connection could not be looked at again")
            with contextlib.suppress(OSError):
                await self.close(code=LOOK_FAILED)

    async def _tell(self, message: dict[str, str]) -> None:
        if not self.may_still_listen() and not await self.allowed_groups():
            await self.close(code=NOT_ALLOWED)
            return
        await self.send(text_data=json.dumps(message))

    async def _recheck_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_SECONDS * random.uniform(0.7, 1))  # noqa: S311 - spreads load, no secret
            allowed = await self.allowed_groups()
            if not allowed:
                await self.close(code=NOT_ALLOWED)
                return
            await self._join(allowed)

    async def _heal_for_ever(self) -> None:
        """Compare what was told with what was heard; the random part keeps a thousand sockets from asking at once."""
        while True:
            await asyncio.sleep(HEAL_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, no secret
            told = await self._versions(self.joined)
            if any(told[group] != self.heard.get(group, 0) for group in told):
                self.heard.update(told)
                await self._tell({"topic": live.MISSED})

    async def _join(self, groups: frozenset[str]) -> None:
        new, gone = groups - self.joined, self.joined - groups
        for group in new:
            await self.channel_layer.group_add(group, self.channel_name)
        for group in gone:
            await self.channel_layer.group_discard(group, self.channel_name)
            self.heard.pop(group, None)
        self.joined = groups
        if new:  # after joining: what is told in between is heard, or counted, or both
            self.heard = {**(await self._versions(new)), **self.heard}

    async def _versions(self, groups: frozenset[str]) -> dict[str, int]:
        try:
            return await live.versions(groups)
        except Exception:
            logger.exception("live counters could not be read")  # the page still hears, and polls when it does not
            return {}


class LiveConsumer(GroupListener):
    """One page of one signed-in person."""

    open_until = 0.0  # seconds since 1970; until then the session cannot have locked by itself

    async def connect(self) -> None:
        self.session_key = getattr(self.scope.get("session"), "session_key", None)
        self.user_id: UUID | None = getattr(self.scope.get("user"), "pk", None)
        if self.user_id is None:
            await self.close(code=NOT_ALLOWED)
            return
        # Listen before looking: a sign-out between the two still reaches this socket.
        await self._join(frozenset({live.group_of_user(self.user_id)}))
        allowed = await self.allowed_groups()
        await self._join(allowed)
        if not allowed:
            await self.close(code=NOT_ALLOWED)
            return
        await self._start()

    def may_still_listen(self) -> bool:
        """False when the session was left alone for so long that it may be locked."""
        return clock.now().timestamp() < self.open_until

    async def allowed_groups(self) -> frozenset[str]:
        """Read session and person anew: the session must be this browser's, theirs and not locked, and they active."""
        return await database_sync_to_async(self._read_groups)()

    def _read_groups(self) -> frozenset[str]:
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
