"""Refusals are events too, but nobody may fill the log with them: what comes too often is counted and written as a number."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F

from audit import context
from audit.models import AuditEvent, RefusalCount
from audit.services import record
from core import clock
from core.db import locked, retry_transaction

EACH_MINUTE = 10  # events one by one, per person (or address) and action
STRANGERS_EACH_MINUTE = 120  # events one by one of everybody who is not signed in, together
STRANGERS = "strangers"


def record_refusal(
    action: str,
    *,
    actor: Any,
    patient: UUID | None = None,
    target: models.Model | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEvent | None:
    """Write that somebody was refused, in a transaction of its own; None when it was only counted.

    Call it outside the transaction that is rolled back. Per person, or per address when nobody is signed in, and action,
    the first ten of a minute are events; the rest becomes one event with a number when the minute is over
    (`flush_refusals`). Of strangers together no more than 120 a minute are events, so that changing addresses does not
    help. A refusal of a signed-in person is never lost behind those of strangers.

    Raises:
        AuditUnavailable: the database did not take the row.
    """
    context.current.get().trace.refusal_noted = True
    return _record(action, actor, patient, target, detail)


@retry_transaction
def _record(action: str, actor: Any, patient: Any, target: Any, detail: dict[str, Any] | None) -> AuditEvent | None:
    minute = clock.now().replace(second=0, microsecond=0)
    known = actor is not None and getattr(actor, "is_authenticated", False)
    address = context.current.get().address_hash
    counters = [] if known else [_bump(STRANGERS, action, minute, None, "")]
    if counters and counters[0].count > STRANGERS_EACH_MINUTE:
        return None
    who = f"person:{actor.pk}" if known else f"address:{address}"
    counters.append(_bump(who, action, minute, actor.pk if known else None, address))
    if counters[-1].count > EACH_MINUTE:
        return None
    for counter in counters:
        RefusalCount.objects.filter(pk=counter.pk).update(written=F("written") + 1)
    return record(action, actor=actor, patient=patient, target=target, detail=detail, result=AuditEvent.Result.REFUSED)


def _bump(who: str, action: str, minute: datetime, actor_id: UUID | None, address: str) -> RefusalCount:
    """Add one to a counter and return it; its row stays locked until the transaction ends."""
    key = hashlib.sha256(f"{who}|{action if who != STRANGERS else ''}|{minute.isoformat()}".encode()).hexdigest()
    mine = RefusalCount.objects.filter(pk=key)
    if not mine.update(count=F("count") + 1):
        fresh = RefusalCount(
            key=key,
            minute=minute,
            action=action if who != STRANGERS else STRANGERS,
            actor_id=actor_id,
            address_hash=address,
        )
        RefusalCount.objects.bulk_create([fresh], ignore_conflicts=True)
        mine.update(count=F("count") + 1)
    return mine.get()


def flush_refusals(now: datetime | None = None) -> int:
    """Turn the counts of minutes that are over into events, each once; return how many events were written."""
    over = (now or clock.now()) - timedelta(minutes=1)
    written = 0
    for key in RefusalCount.objects.filter(minute__lte=over).order_by("key").values_list("key", flat=True)[:5000]:
        written += _flush(key)
    return written


@retry_transaction
def _flush(key: str) -> int:
    counter = locked(RefusalCount.objects.filter(pk=key)).first()
    if counter is None:
        return 0
    more = counter.count - counter.written
    # Those of one address that were counted there are part of the strangers' number as well: said once.
    if more > 0 and counter.action == STRANGERS:
        more = max(0, counter.count - STRANGERS_EACH_MINUTE)
    if more > 0:
        people = get_user_model()._default_manager
        actor = people.filter(pk=counter.actor_id).first() if counter.actor_id else AnonymousUser()
        action = "audit.refusals.counted" if counter.action == STRANGERS else counter.action
        detail: dict[str, Any] = {"more": more, "minute": counter.minute.isoformat()}
        if counter.action == STRANGERS:
            detail["of"] = STRANGERS
        _record_counted(action, actor, detail, counter.address_hash)
    counter.delete()
    return int(more > 0)


def _record_counted(action: str, actor: Any, detail: dict[str, Any], address: str) -> None:
    here = context.current.get()
    token = context.current.set(
        context.RequestInfo(request_id=here.request_id, address_hash=address, origin=here.origin, trace=here.trace)
    )
    try:
        record(action, actor=actor, detail=detail, result=AuditEvent.Result.REFUSED)
    finally:
        context.current.reset(token)
