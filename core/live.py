"""Live pages: tell open screens that something changed. Messages carry a topic, never names or numbers of patients."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

QUEUE = "queue"
APPOINTMENTS = "appointments"
PHARMACY = "pharmacy"
BILLING = "billing"
ACCOUNTS = "accounts"
NOTICES = "notices"
TOPICS = (QUEUE, APPOINTMENTS, PHARMACY, BILLING, ACCOUNTS, NOTICES)

_server_loop: asyncio.AbstractEventLoop | None = None


def remember_server_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Keep the web server's event loop: the in-memory layer works on that loop only, also for worker threads."""
    global _server_loop
    _server_loop = loop


def group_of_topic(topic: str) -> str:
    return f"topic.{topic}"


def group_of_user(user_id: UUID) -> str:
    return f"user.{user_id.hex}"


def changed(topic: str, *, user_ids: tuple[UUID, ...] = ()) -> None:
    """After this transaction commits, tell screens of staff who watch `topic`, and screens of these users."""
    if topic not in TOPICS:
        raise ValueError(topic)
    transaction.on_commit(lambda: _send(topic, user_ids), robust=True)


def _send(topic: str, user_ids: tuple[UUID, ...]) -> None:
    layer = get_channel_layer()
    message = {"type": "changed", "topic": topic}
    groups = [group_of_topic(topic), *(group_of_user(user_id) for user_id in user_ids)]

    async def send() -> None:
        for group in groups:
            await layer.group_send(group, message)

    try:
        if _server_loop is not None and _server_loop.is_running():
            asyncio.run_coroutine_threadsafe(send(), _server_loop)
        else:
            async_to_sync(send)()
    except Exception:
        # The change is committed and pages poll as a fallback: a lost tick must not fail the request.
        logger.exception("live tick was not sent")
