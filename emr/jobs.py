"""The base of all background tasks: what a task does is in the audit log under the task's name."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Ignore, Reject, Retry

import audit


class RecordedTask(Task):
    """A task whose events name it, and whose failures are events; one that found nothing to do leaves no row."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with audit.job(self.name, quiet=True, expected=(Ignore, Reject, Retry)):
            return super().__call__(*args, **kwargs)
