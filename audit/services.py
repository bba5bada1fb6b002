"""Writing audit events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import DatabaseError, OperationalError, connection, models

from audit import context
from audit.browsers import family
from audit.errors import AuditUnavailable
from audit.macs import FORMAT, compute_mac
from audit.models import AuditEvent
from core import clock
from core.db import is_transient

__all__ = ["compute_mac", "record", "record_many"]

MANY = 500  # events of one statement


def record(
    action: str,
    *,
    actor: Any,
    patient: UUID | None = None,
    target: models.Model | None = None,
    detail: dict[str, Any] | None = None,
    result: str = AuditEvent.Result.OK,
) -> AuditEvent:
    """Add one event in the caller's transaction, so an act and its trace stand or fall together.

    `action` is `app.noun.verb_in_past`. `actor` is the user, or None for the system. `patient` is the patient's id.
    `detail` holds codes, states, amounts and ids: no names, no clinical text. `result` "refused" and "failed" are written
    by `record_refusal` and `job`; a transaction that is rolled back takes its events with it.

    Raises:
        RuntimeError: there is no transaction to belong to.
        AuditUnavailable: the database did not take the row; the act must not happen. A deadlock passes as it is, since
            the whole transaction may then be run again.
    """
    event = _event(action, actor, patient, target, detail, result)
    try:
        event.save(force_insert=True)
    except DatabaseError as error:
        if _passes(error):
            raise
        raise AuditUnavailable("the audit log took no row") from error
    context.current.get().trace.events += 1
    return event


def record_many(
    action: str, *, actor: Any, acts: Iterable[tuple[UUID | None, models.Model | None, dict[str, Any]]]
) -> int:
    """Add one event for each of `acts` (patient, target, detail) as `record` does, in few statements; how many.

    For acts on many patients in one transaction, each of whom must find it in the log of the own record.

    Raises: as `record`.
    """
    events = [_event(action, actor, patient, target, detail, AuditEvent.Result.OK) for patient, target, detail in acts]
    try:
        AuditEvent.objects.bulk_create(events, batch_size=MANY)
    except DatabaseError as error:
        if _passes(error):
            raise
        raise AuditUnavailable("the audit log took no row") from error
    context.current.get().trace.events += len(events)
    return len(events)


def _event(
    action: str,
    actor: Any,
    patient: UUID | None,
    target: models.Model | None,
    detail: dict[str, Any] | None,
    result: str,
) -> AuditEvent:
    if not connection.in_atomic_block:
        raise RuntimeError("audit.record needs the transaction of the act it records")
    request = context.current.get()
    # A patient's name is identity data and stays encrypted in the patient row: the log carries the role and the id.
    is_staff_member = actor is not None and getattr(actor, "is_staff_member", False)
    event = AuditEvent(
        at=clock.now(),
        action=action,
        actor_id=getattr(actor, "pk", None),
        actor_name=actor.full_name[:200] if is_staff_member else "",
        actor_roles=_roles(actor),
        patient_id=patient,
        target_type=target._meta.label_lower if target is not None else "",
        target_id=str(target.pk)[:64] if target is not None else "",
        detail=_with_link(detail or {}, patient, request),
        request_id=request.request_id,
        address_hash=request.address_hash,
        result=result,
        browser=family(request.user_agent),
        origin=request.origin[:80],
        format=FORMAT,
    )
    event.mac = compute_mac(event)
    return event


def _passes(error: DatabaseError) -> bool:
    """True for a deadlock: the whole transaction may be run again, so it is raised as it is."""
    return isinstance(error, OperationalError) and is_transient(error)


def _roles(actor: Any) -> str:
    if actor is None:
        return "system"
    if not getattr(actor, "is_authenticated", False):
        return "anonymous"
    return ",".join(sorted(actor.role_names))[:200]


def _with_link(detail: dict[str, Any], patient: UUID | None, request: context.RequestInfo) -> dict[str, Any]:
    """Name the guardian link through which the actor reached this patient."""
    if request.acting_for is None or request.acting_for[0] != patient:
        return detail
    return {**detail, "guardian_link": str(request.acting_for[1])}
