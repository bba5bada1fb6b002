"""Append-only audit. Call `audit.record(...)`."""

from typing import Any


def record(*args: Any, **kwargs: Any) -> Any:
    """See `audit.services.record`."""
    from audit.services import record as write

    return write(*args, **kwargs)
