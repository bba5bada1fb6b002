"""Append-only audit: `audit.record(...)` for acts, `audit.record_refusal(...)` for refusals, `audit.job(...)` around jobs."""

from contextlib import _GeneratorContextManager
from typing import Any


def record(*args: Any, **kwargs: Any) -> Any:
    """See `audit.services.record`."""
    from audit.services import record as write

    return write(*args, **kwargs)


def record_many(*args: Any, **kwargs: Any) -> Any:
    """See `audit.services.record_many`."""
    from audit.services import record_many as write

    return write(*args, **kwargs)


def record_refusal(*args: Any, **kwargs: Any) -> Any:
    """See `audit.refusals.record_refusal`."""
    from audit.refusals import record_refusal as write

    return write(*args, **kwargs)


def job(name: str, **kwargs: Any) -> _GeneratorContextManager[None]:
    """See `audit.jobs.job`; also a decorator."""
    from audit.jobs import job as run

    return run(name, **kwargs)
