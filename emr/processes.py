"""What lives in one process only, and who may use it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from core.keys_check import verify_sentinel

IN_MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"
SENTENCE = (
    "The broker or the live layer is in memory, which works inside `manage.py serve` (EMBEDDED=1) only. "
    "Set REDIS_URL to run web, worker and beat as processes of their own."
)


CHECK_ID = "emr.E200"


def is_in_memory() -> bool:
    """True when tasks or live ticks would not reach another process."""
    layer = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    return str(settings.CELERY_BROKER_URL).startswith("memory:") or layer == IN_MEMORY_LAYER


def refuse_lonely_process() -> None:
    """Stop a start that would lose tasks and live ticks without a word.

    Raises:
        ImproperlyConfigured: in-memory broker or layer outside the embedded product.
    """
    if is_in_memory() and not settings.EMBEDDED and CHECK_ID not in settings.SILENCED_SYSTEM_CHECKS:
        raise ImproperlyConfigured(SENTENCE)


def refuse_wrong_keys() -> None:
    """Stop a start with keys that do not open the database.

    In a thread of its own: uvicorn imports the application inside its event loop, where the database cannot be asked.

    Raises:
        KeysError: the keys do not fit, or the database was never migrated.
    """
    with ThreadPoolExecutor(max_workers=1) as executor:
        executor.submit(_verify_and_close).result()


def _verify_and_close() -> None:
    try:
        verify_sentinel()
    finally:
        connections.close_all()


@register(Tags.async_support)
def check_shared_services(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse an in-memory broker or live layer outside the embedded product."""
    if settings.EMBEDDED or not is_in_memory():
        return []
    return [Error(SENTENCE, id=CHECK_ID)]
