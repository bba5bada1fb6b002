"""The sealer: folds the rows of the log into a chain of seals, outside of every request.

Rows are taken in id order, but ids are given out before commit, so a smaller id may appear after a larger one. A seal
therefore writes down which ids were missing; a later one seals those that came after all, and after `GRACE` writes the rest
down as void. A row that turns up in a void place was not written by the product.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction

from audit import anchors, chain, reading
from audit.models import AuditSeal, SealerState
from core import clock
from core.db import is_transient

BATCH = 5_000  # events of one seal at most: bounds the transaction, and the column `prints`
GRACE = timedelta(hours=1)  # longer than any transaction lives: tasks are killed after five minutes


def seal_all(*, seconds: float = 45, batch: int = BATCH) -> int:
    """Seal what waits, for about `seconds`, and publish the anchors; return the number of new seals.

    Of two sealers at once one works and the other leaves. Killed at any point, the next run goes on: a seal is one
    transaction, and anchors that were not written are written then.
    """
    until = time.monotonic() + seconds
    made = 0
    while True:
        seal = seal_once(batch=batch)
        made += seal is not None
        if seal is None or seal.count < batch or time.monotonic() > until:
            break
    anchors.publish()
    return made


def seal_once(*, batch: int = BATCH) -> AuditSeal | None:
    """Add one seal; None when nothing waits, another sealer is at work, or the database is too busy just now."""
    if not SealerState.objects.filter(pk=1).exists():  # asked first: an insert would wait for whoever holds the row
        SealerState.objects.bulk_create([SealerState()], ignore_conflicts=True)
    try:
        with transaction.atomic():
            return _seal(batch)
    except OperationalError as error:
        if not is_transient(error):
            raise
        return None


def lock_state() -> SealerState:
    """Return the sealer's row under a lock, or raise a transient OperationalError when somebody holds it."""
    return SealerState.objects.select_for_update(nowait=connection.features.has_select_for_update_nowait).get(pk=1)


def head() -> AuditSeal | None:
    """Return the newest seal."""
    return AuditSeal.objects.order_by("-sequence").first()


def _seal(batch: int) -> AuditSeal | None:
    state = lock_state()
    newest = head()
    after = newest.last_id if newest else 0
    now = clock.now()
    rows = reading.rows_after(after, batch)
    late = reading.rows_in((first, last) for first, last, _seen in state.gaps)
    open_gaps = chain.without(state.gaps, [row.id for row in late])
    over = [gap for gap in open_gaps if datetime.fromisoformat(gap[2]) + GRACE <= now]
    if not (rows or late or over):
        return None
    last_id = rows[-1].id if rows else after
    missing = chain.gaps_between(after + 1, last_id, [row.id for row in rows])
    seal = AuditSeal(
        sequence=(newest.sequence if newest else 0) + 1,
        first_id=after + 1,
        last_id=last_id,
        count=len(rows) + len(late),
        missing=missing,
        late=[row.id for row in late],
        void=[[first, last] for first, last, _seen in over],
        detail=_alert(state, newest),
        at=now,
        previous_hash=newest.hash if newest else chain.START,
    )
    chain.close(seal, [*rows, *late])
    seal.save(force_insert=True)
    waiting = [gap for gap in open_gaps if gap not in over]
    remember(state, seal, gaps=[*waiting, *([first, last, now.isoformat()] for first, last in missing)])
    return seal


def remember(state: SealerState, seal: AuditSeal, *, gaps: list[list[object]]) -> None:
    """Note the newest seal beside the chain, so that a chain that went back is noticed at once."""
    state.sequence, state.hash, state.gaps = seal.sequence, seal.hash, gaps
    state.save(update_fields=["sequence", "hash", "gaps"])


def _alert(state: SealerState, newest: AuditSeal | None) -> dict[str, object]:
    """Return what the new seal must say when the chain does not end where the last sealer left it."""
    found = (newest.sequence, newest.hash) if newest else (0, "")
    if (state.sequence, state.hash) == found:
        return {}
    return {"alert": "chain was changed", "expected": state.sequence, "found": found[0]}
