"""Live pages: tell open screens that something changed. Messages carry a topic, the kind and id of a row, nothing else.

A message may get lost: the layer drops them when a socket is slow or Redis restarts. So each group has a counter of what
was told to it, in the cache; a socket compares it now and then with what it heard, and tells its page to look anew.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.core.cache import cache
from django.db import transaction

logger = logging.getLogger(__name__)

QUEUE = "queue"
APPOINTMENTS = "appointments"
PHARMACY = "pharmacy"
BILLING = "billing"
ACCOUNTS = "accounts"
NOTICES = "notices"
FLOW = "flow"
BOARD = "board"
TOPICS = (QUEUE, APPOINTMENTS, PHARMACY, BILLING, ACCOUNTS, NOTICES, FLOW, BOARD)
# Notices belong to one person: nobody watches the topic as a whole.
SHARED_TOPICS = tuple(topic for topic in TOPICS if topic != NOTICES)
FLUSH_SECONDS = 2
COUNTED_SECONDS = 24 * 3600  # a counter that ran out begins anew; sockets take that for a gap and look once too often
MISSED = "missed"  # told to a page by its own socket: something was lost, look at everything again

_server_loop: asyncio.AbstractEventLoop | None = None


def remember_server_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Keep the web server's event loop: the in-memory layer works on that loop only, also for worker threads."""
    global _server_loop
    _server_loop = loop


def group_of_topic(topic: str) -> str:
    return f"topic.{topic}"


def group_of_user(user_id: UUID) -> str:
    return f"user.{user_id.hex}"


def changed(topic: str, *, user_ids: tuple[UUID | None, ...] = (), kind: str = "", row_id: UUID | None = None) -> None:
    """After this transaction commits, tell screens of staff who watch `topic`, and screens of these users.

    `kind` and `row_id` say which row it was, for pages that show one row only; give them for rows that everybody who
    watches the topic may know. None in `user_ids` stands for a patient without a portal account and is passed over.
    """
    if topic not in TOPICS:
        raise ValueError(topic)
    groups = [group_of_user(user_id) for user_id in user_ids if user_id is not None]
    if topic in SHARED_TOPICS:
        groups.insert(0, group_of_topic(topic))
    message = {"type": "changed", "topic": topic}
    if kind:
        message["kind"] = kind
    if row_id is not None:
        message["id"] = str(row_id)
    transaction.on_commit(lambda: _send(groups, message), robust=True)


def disconnect(user_ids: tuple[UUID, ...]) -> None:
    """After this transaction commits, close the live connections of these people (signed out, deactivated, new roles).

    A page that may still watch connects again by itself, and is then checked anew.
    """
    groups = [group_of_user(user_id) for user_id in user_ids]
    transaction.on_commit(lambda: _send(groups, {"type": "live.close"}), robust=True)


def close_group(group: str) -> None:
    """After this transaction commits, close the live connections of a group, as `disconnect` does for people."""
    transaction.on_commit(lambda: _send([group], {"type": "live.close"}), robust=True)


async def versions(groups: frozenset[str]) -> dict[str, int]:
    """Return how often each group was told something; groups without a counter are left out."""
    names = {f"live:{group}": group for group in groups}
    return {names[name]: version for name, version in (await cache.aget_many(list(names))).items()}


def _count(group: str) -> int:
    """Count one message to a group; 0 when the cache cannot be asked, which a socket takes for a gap."""
    name = f"live:{group}"
    try:
        cache.add(name, 0, COUNTED_SECONDS)
        return cache.incr(name)
    except Exception:
        logger.exception("live tick was not counted")
        return 0


def _send(groups: list[str], message: dict[str, str]) -> None:
    layer = get_channel_layer()
    counted = message["type"] == "changed"
    messages = [
        (group, {**message, "group": group, "version": _count(group)} if counted else message) for group in groups
    ]

    async def send() -> None:
        for group, content in messages:
            await layer.group_send(group, content)

    try:
        if not isinstance(layer, InMemoryChannelLayer):
            _publisher.submit(send())
        elif _server_loop is not None and _server_loop.is_running():
            asyncio.run_coroutine_threadsafe(send(), _server_loop)
        else:
            async_to_sync(send)()
    except Exception:
        # The change is committed and pages poll as a fallback: a lost tick must not fail the request.
        logger.exception("live tick was not sent")


class _Publisher:
    """One event loop of this process in a thread of its own.

    The Redis layer keeps one connection per event loop. A loop per message, as `async_to_sync` makes under WSGI, would
    be a connection per message; and nobody has to wait for Redis here.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: set[Future[None]] = set()

    def submit(self, coroutine: Coroutine[Any, Any, None]) -> None:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())
        self._pending.add(future)
        future.add_done_callback(self._done)

    def flush(self) -> None:
        """Wait a moment for what is on its way; a management command may end right after its commit."""
        wait(list(self._pending), timeout=FLUSH_SECONDS)

    def forget(self) -> None:
        """A forked child has no copy of the thread."""
        self.__init__()  # type: ignore[misc]

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="live-publisher", daemon=True).start()
            return self._loop

    def _done(self, future: Future[None]) -> None:
        self._pending.discard(future)
        if not future.cancelled() and future.exception() is not None:
            logger.error("live tick was not sent", exc_info=future.exception())


_publisher = _Publisher()
atexit.register(_publisher.flush)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_publisher.forget)
