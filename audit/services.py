"""Writing audit events."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, models

from audit import context
from audit.models import AuditEvent
from core import clock


def record(
    action: str,
    *,
    actor: Any,
    patient: UUID | None = None,
    target: models.Model | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEvent:
    """Add one event in the caller's transaction, so an act and its trace stand or fall together.

    `action` is `app.noun.verb_in_past`. `actor` is the user, or None for the system. `patient` is the patient's id.
    `detail` holds codes, states, amounts and ids: no names, no clinical text.

    Raises:
        RuntimeError: there is no transaction to belong to.
    """
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
        actor_roles=",".join(sorted(actor.role_names))[:200] if actor is not None else "system",
        patient_id=patient,
        target_type=target._meta.label_lower if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        detail=detail or {},
        request_id=request.request_id,
        address_hash=request.address_hash,
    )
    event.mac = compute_mac(event)
    event.save(force_insert=True)
    return event


def compute_mac(event: AuditEvent) -> str:
    """Return the keyed digest over a row's content; a later edit that does not know the key cannot match it."""
    content = json.dumps(
        [
            event.at.isoformat(timespec="microseconds"),
            event.action,
            str(event.actor_id or ""),
            event.actor_name,
            event.actor_roles,
            str(event.patient_id or ""),
            event.target_type,
            event.target_id,
            event.detail,
            event.request_id,
            event.address_hash,
        ],
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hmac.new(settings.KEYS.audit_seal_key, content.encode(), hashlib.sha256).hexdigest()
