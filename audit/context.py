"""What an audit row belongs to, without passing it through every service: the request, or the job."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID


@dataclass
class Trace:
    """What became of one request or job so far, for whoever ends it."""

    events: int = 0
    refusal_noted: bool = False


@dataclass(frozen=True)
class RequestInfo:
    """Where acts come from. `origin` names a job; `user_agent` is kept only until its family is looked up."""

    request_id: str = ""
    address_hash: str = ""
    user_agent: str = ""
    origin: str = ""
    trace: Trace = field(default_factory=Trace, compare=False)
    acting_for: tuple[UUID, UUID] | None = None  # the patient, and the guardian link through which the person acts


current: ContextVar[RequestInfo] = ContextVar("audit_request", default=RequestInfo())  # noqa: B039 - frozen
