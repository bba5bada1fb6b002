"""The Celery application: `celery -A emr worker`, `celery -A emr beat`, or both inside `manage.py serve`."""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emr.settings.production")  # manage.py sets development first

app = Celery("emr", task_cls="emr.jobs:RecordedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
def refuse_worker_without_broker(**kwargs: Any) -> None:
    """A worker process of its own can never see an in-memory queue: say so instead of waiting for ever."""
    _refuse_in_memory_broker()


@beat_init.connect
def refuse_beat_without_broker(sender: Any = None, **kwargs: Any) -> None:
    """The same for a scheduler of its own; the one inside `manage.py serve` marks itself."""
    if not getattr(sender, "is_embedded", False):
        _refuse_in_memory_broker()


@worker_init.connect
def refuse_wrong_keys(**kwargs: Any) -> None:
    """A worker that cannot open the stored data must not touch it."""
    from core.keys import KeysError
    from core.keys_check import verify_sentinel

    try:
        verify_sentinel()
    except KeysError as error:
        sys.exit(str(error))


def _refuse_in_memory_broker() -> None:
    from emr.processes import SENTENCE

    if str(app.conf.broker_url).startswith("memory:"):
        sys.exit(SENTENCE)
