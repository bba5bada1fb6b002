"""Writing encrypted values again under the newest data key, table by table, while the clinic works."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import ExpressionWrapper, F, Q

from core.db import retry_transaction
from core.encryption import AES, ENVELOPE, FERNET_START, KeyRing, SealedText, StrictEncryption, encrypted_fields


def outdated(model: type[models.Model], ring: KeyRing, cipher: str) -> models.QuerySet[Any]:
    """Return the rows that may need writing, with the stored text of each encrypted column as raw0, raw1 and so on.

    Exact for the AES envelope, which names its key. A Fernet token does not, so there every row is looked at.
    """
    columns = encrypted_fields(model)
    raw = {f"raw{at}": ExpressionWrapper(F(field.name), models.TextField()) for at, field in enumerate(columns)}
    wanted = Q()
    for name in raw:
        stale = Q(**{f"{name}__isnull": False})
        if cipher == AES:
            stale &= ~Q(**{f"{name}__startswith": f"{ENVELOPE}:{ring.newest_id}:"})
        wanted |= stale
    return model._base_manager.annotate(**raw).filter(wanted)


@retry_transaction
def rotate_batch(
    model: type[models.Model], ring: KeyRing, cipher: str, *, after: Any, batch_size: int
) -> tuple[Any, int, int]:
    """Write one batch of rows with a primary key above `after`.

    Returns the last key (None at the end), how many rows were written and how many were looked at.

    The rows are locked before they are read, so a change made meanwhile by somebody else is never overwritten.

    Raises:
        DecryptionError: a value opens under none of the keys; the batch is left as it was.
    """
    columns: list[StrictEncryption] = encrypted_fields(model)
    rows = outdated(model, ring, cipher).order_by("pk").select_for_update()
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows.values_list("pk", *(f"raw{at}" for at in range(len(columns))))[:batch_size])
    changed = 0
    for pk, *stored in found:
        renewed = {
            field.name: SealedText(ring.seal(ring.open(text, field.seal_context), field.seal_context, cipher=cipher))
            for field, text in zip(columns, stored, strict=True)
            if text is not None and not ring.is_current(text, cipher=cipher)
        }
        if renewed:
            model._base_manager.filter(pk=pk).update(**renewed)
            changed += 1
    return (found[-1][0] if len(found) == batch_size else None), changed, len(found)


def rows_by_key(model: type[models.Model], ring: KeyRing) -> dict[str, int]:
    """Return how many rows hold a value under each key: its public id, "fernet" (names no key) or "unknown".

    A row whose columns are under several keys counts once for each.
    """
    columns = encrypted_fields(model)
    raw = {f"raw{at}": ExpressionWrapper(F(field.name), models.TextField()) for at, field in enumerate(columns)}
    starts = {**{name: f"{ENVELOPE}:{name}:" for name in ring.ids}, "fernet": FERNET_START}
    rows = model._base_manager.annotate(**raw)
    found: dict[str, int] = {}
    for name, start in starts.items():
        found[name] = rows.filter(_any(Q(**{f"{column}__startswith": start}) for column in raw)).count()
    known = [
        Q(**{f"{column}__isnull": False}) & ~_any(Q(**{f"{column}__startswith": start}) for start in starts.values())
        for column in raw
    ]
    found["unknown"] = rows.filter(_any(known)).count()
    return {name: count for name, count in found.items() if count}


def _any(conditions: Iterable[Q]) -> Q:
    joined = Q()
    for condition in conditions:
        joined |= condition
    return joined
