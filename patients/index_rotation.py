"""Bring the search index under a new key while people search and register: the batches between two phases."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from django.db.models import Q

from core import keys_index
from core.db import retry_transaction
from core.keys_index import RotationRefused
from core.models import SearchIndex
from patients.models import Patient
from patients.search import INDEXED_FIELDS, NIK_COLUMNS, PHONE_COLUMNS, write_tokens_of

BATCH_SIZE = 200
# A search reads the state, then the index. The old tokens stay for this long after the switch, so that a search which
# read the state just before finds them.
GRACE_SECONDS = 10.0

Told = Callable[[SearchIndex], None]


def rotate(*, batch_size: int, rest_seconds: float, grace_seconds: float, told: Told) -> SearchIndex:
    """Take the change of the index key to its end from wherever it stands; `told` hears the state after each step.

    Safe to kill at any moment and to run again, also twice at once.

    Raises:
        RotationRefused: the index is under the newest key already, or rows were written past the services meanwhile.
        IndexKeyMissing: this process lacks a key that is needed.
    """
    state = keys_index.begin(total=Patient.objects.count())
    told(state)
    if state.phase == SearchIndex.Phase.BUILDING:
        _walk(state.phase, batch_size=batch_size, rest_seconds=rest_seconds, told=told)
        _refuse_gaps()
        told(keys_index.switch(total=Patient.objects.count()))
    return clear(batch_size=batch_size, rest_seconds=rest_seconds, grace_seconds=grace_seconds, told=told)


def clear(*, batch_size: int, rest_seconds: float, grace_seconds: float, told: Told) -> SearchIndex:
    """Delete what is left of the key that went, and end the change. Nothing happens in another phase."""
    state = keys_index.state()
    if state.phase != SearchIndex.Phase.CLEARING:
        return state
    if not state.cursor:
        time.sleep(grace_seconds)
    _walk(state.phase, batch_size=batch_size, rest_seconds=rest_seconds, told=told)
    state = keys_index.finish()
    told(state)
    return state


def _walk(phase: str, *, batch_size: int, rest_seconds: float, told: Told) -> None:
    """Write all patients once in this phase, from the noted place on. A patient who comes meanwhile is written as the
    phase wants by whoever registers them."""
    while True:
        state = keys_index.state()
        if state.phase != phase:
            return
        last, count = index_batch(after=UUID(state.cursor) if state.cursor else None, batch_size=batch_size)
        if last is None:
            return
        keys_index.advance(phase=phase, before=state.cursor, cursor=str(last), count=count)
        told(keys_index.state())
        time.sleep(rest_seconds)


@retry_transaction
def index_batch(*, after: UUID | None, batch_size: int) -> tuple[UUID | None, int]:
    """Write the index of one batch of patients with an id above `after` under the keys of the present phase.

    Returns the last id and how many patients there were; None and 0 behind the last one.
    """
    patients = Patient.objects.order_by("pk").select_for_update()
    if after is not None:
        patients = patients.filter(pk__gt=after)
    batch = list(patients.only(*INDEXED_FIELDS)[:batch_size])
    if not batch:
        return None, 0
    write_tokens_of(batch)
    return batch[-1].pk, len(batch)


def _refuse_gaps() -> None:
    """Do not switch while a patient has a number under one key only: somebody wrote rows past the services."""
    gap = Q()
    for columns in (NIK_COLUMNS, PHONE_COLUMNS):
        for has, lacks in (columns, columns[::-1]):
            gap |= Q(**{f"{has}__isnull": False, f"{lacks}__isnull": True})
    gaps = Patient.objects.filter(gap).count()
    if gaps and keys_index.state().phase == SearchIndex.Phase.BUILDING:  # else another process has switched already
        raise RotationRefused(
            f"{gaps} patient(s) were written past the services while the index was built. Run: manage.py "
            "reindex_patients, then this command again. Searches go on under the old key."
        )
