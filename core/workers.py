"""Telling the workers that something waits in a table."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction

logger = logging.getLogger(__name__)


def nudge(task: str, *args: str, about: str) -> None:
    """Send a task once the transaction is committed; `about` names in the log what waits.

    A lost nudge costs minutes and nothing else: the state is in a table, where a sweep of the schedule finds it.
    """
    transaction.on_commit(lambda: _publish(task, args, about), robust=True)


def _publish(task: str, args: tuple[str, ...], about: str) -> None:
    try:
        current_app.send_task(task, args=list(args), retry=False)
    except Exception:
        logger.exception("the worker was not told about %s; the sweep will find it", about)
