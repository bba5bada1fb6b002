"""Broken rules of support."""

from __future__ import annotations

from core.errors import Conflict, InvalidInput


class EmptyMessage(InvalidInput):
    code = "support.empty"


class TooManyMessages(Conflict):
    code = "support.too_many"


class AlreadyAnswered(Conflict):
    code = "support.already_answered"
