"""What the product does by itself: every event inside a job names it, and the job's end is an event."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from audit import context
from audit.models import AuditEvent
from audit.services import record
from core.db import retry_transaction


@contextmanager
def job(
    name: str, *, quiet: bool = False, actor: Any = None, expected: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Run the enclosed code as the job `name`: its events carry the name as `origin` and share one `request_id`.

    Writes `audit.job.started`, and `audit.job.finished` or `audit.job.failed` with the number of events in between. With
    `quiet` only what is worth a row: the end of a run that recorded something, and every failure; for schedules that ask
    every minute and mostly find nothing. Exceptions of the kinds in `expected` are no failure. Inside another job it adds
    nothing. Each of these events has a transaction of its own: a failed job's is not rolled back with its work.

    Raises:
        AuditUnavailable: the start could not be written; the work did not begin. Or the end could not be.
    """
    if context.current.get().origin:
        yield
        return
    info = context.RequestInfo(request_id=secrets.token_hex(8), origin=name[:80])
    token = context.current.set(info)
    started = time.monotonic()
    try:
        if not quiet:
            _write("audit.job.started", actor, {})
        before = info.trace.events
        try:
            yield
        except expected:
            raise
        except Exception as error:
            _write("audit.job.failed", actor, {"error": type(error).__name__}, AuditEvent.Result.FAILED)
            raise
        written = info.trace.events - before
        if written or not quiet:
            seconds = round(time.monotonic() - started, 1)
            _write("audit.job.finished", actor, {"events": written, "seconds": seconds})
    finally:
        context.current.reset(token)


@retry_transaction
def _write(action: str, actor: Any, detail: dict[str, Any], result: str = AuditEvent.Result.OK) -> None:
    record(action, actor=actor, detail=detail, result=result)
