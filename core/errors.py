"""Broken rules. Each carries a stable code and a sentence for the person; HTTP status is given once, in `core.http`."""

from __future__ import annotations

from typing import ClassVar

from django.utils.functional import Promise


class DomainError(Exception):
    """A rule of the domain refused the change; nothing was written."""

    code: ClassVar[str] = "core.refused"

    def __init__(self, message: str | Promise) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class InvalidInput(DomainError):
    """A value is outside what the rule allows (answered with 422)."""

    code = "core.invalid_input"


class Conflict(DomainError):
    """The row changed meanwhile, or another person was first (answered with 409)."""

    code = "core.conflict"


class TooManyRequests(DomainError):
    """The same was asked too often (answered with 429); it may be asked again after `retry_after_seconds`."""

    code = "core.too_many_requests"

    def __init__(self, message: str | Promise, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotPermitted(DomainError):
    """The actor may not do this (answered with 403)."""

    code = "core.not_permitted"
