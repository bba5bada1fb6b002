"""The request an audit row belongs to, without passing it through every service."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestInfo:
    request_id: str = ""
    address_hash: str = ""


current: ContextVar[RequestInfo] = ContextVar("audit_request", default=RequestInfo())  # noqa: B039 - frozen
