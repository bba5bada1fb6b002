"""The master key of the search index in use, and its change while people search and register.

`SEARCH_MASTER_KEY` is a list, newest first. Which of its keys the index is under stands in the one `SearchIndex` row:

| phase | readers use | writers write | batches |
|---|---|---|---|
| ready | current | current | |
| building | current | current and the key to come | write what is missing under the key to come |
| clearing | the new current | the new current | delete what is left of the old one |

The step from building to clearing is one UPDATE, so every search is answered by one complete index. Numbers under
different keys are unrelated, so both sets of tokens live in one table; the two unique numbers of a patient have a
second column each, and `slot` says which one belongs to the current key.

A writer holds a shared lock on the row until its transaction ends. A phase can therefore not begin while somebody who
saw the phase before is still writing, and no row is ever without the tokens its phase promises.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from core import clock, keys
from core.db import locked, retry_transaction
from core.errors import DomainError
from core.keys import KeysError
from core.models import SearchIndex
from core.search import blind

NAME = "patients"
SENTINEL = "sentinel"  # purpose of the number that proves a key
SHARED = "SELECT * FROM core_searchindex WHERE name = %s LOCK IN SHARE MODE"


class IndexKeyMissing(KeysError):
    """The index is under a key, or on its way to one, that this process does not have."""


class IndexNotMade(KeysError):
    """The database does not say yet which key its index is under."""


class RotationRefused(DomainError):
    """The change of the index key cannot take this step now."""

    code = "core.rotation_refused"


@dataclass(frozen=True, repr=False)
class IndexKey:
    """One master key in use, and which column of a number it fills. Its repr does not show it."""

    id: str
    key: bytes
    slot: int

    def __repr__(self) -> str:
        return f"<IndexKey {self.id}, slot {self.slot}>"


@dataclass(frozen=True)
class IndexKeys:
    """The keys a reader and a writer of the index use at this moment."""

    phase: str
    current: IndexKey
    coming: IndexKey | None = None

    @property
    def written(self) -> tuple[IndexKey, ...]:
        """The keys every row is written under."""
        return (self.current,) if self.coming is None else (self.current, self.coming)


def ring() -> dict[str, bytes]:
    """Return the master keys of this process by their public id, newest first."""
    return {keys.public_id(keys.SEARCH_KEY, key): key for key in settings.KEYS.search_master_keys}


def reading() -> IndexKeys:
    """Return the keys to search with. One statement.

    Raises:
        IndexKeyMissing: this process lacks the current key.
        IndexNotMade: the database was not migrated by this version.
    """
    return _keys_of(_row(_rows()), for_writing=False)


def writing(*, using: str = DEFAULT_DB_ALIAS) -> IndexKeys:
    """Return the keys to write with; inside a transaction they stay the ones to write with until its end. One statement.

    Raises:
        IndexKeyMissing: this process lacks the current key or the one that is being built.
        IndexNotMade: the database was not migrated by this version.
    """
    if connections[using].vendor == "mysql":
        return _keys_of(_row(SearchIndex.objects.using(using).raw(SHARED, [NAME])), for_writing=True)
    return _keys_of(_row(_rows(using)), for_writing=True)


def state() -> SearchIndex:
    """Return the row itself, for those who show or change it.

    Raises:
        IndexNotMade: there is none.
    """
    return _row(_rows())


def ensure_row(*, using: str, proof: int | None) -> None:
    """Note the key of an index that has no row yet: the one that made the stored `proof`, the newest for a new database."""
    if SearchIndex.objects.using(using).filter(name=NAME).exists():
        return
    known = [name for name, key in ring().items() if proof is None or proof_of(key) == proof]
    if known:
        row = SearchIndex(name=NAME, current=known[0], folding=blind.FOLDING_VERSION)
        SearchIndex.objects.using(using).bulk_create([row], ignore_conflicts=True)


def is_folded_anew(*, using: str = DEFAULT_DB_ALIAS) -> bool:
    """True when the whole index is written by this version's folding of names; also before there is an index."""
    return not SearchIndex.objects.using(using).filter(name=NAME).exclude(folding=blind.FOLDING_VERSION).exists()


def note_folding() -> None:
    """Note that every patient's terms were just written by this version."""
    SearchIndex.objects.filter(name=NAME).update(folding=blind.FOLDING_VERSION)


def proof_of(key: bytes) -> int:
    """Return the number by which a stored sentinel knows a master key."""
    return blind.blind_index(SENTINEL, "key sentinel for data, version 1", key=key)


# --- The change of the key ------------------------------------------------------------------------------------------


@retry_transaction
def begin(*, total: int) -> SearchIndex:
    """Start building under the newest key of this process; a change that is under way is returned as it is.

    Waits for the transactions that write patients at this moment.

    Raises:
        RotationRefused: the index is under the newest key already.
        IndexKeyMissing: this process lacks a key that is needed.
    """
    row = _locked_row()
    if row.phase != SearchIndex.Phase.READY:
        _keys_of(row, for_writing=True)
        return row
    newest = next(iter(ring()))
    if newest == row.current:
        raise RotationRefused("The index is under the newest key of SEARCH_MASTER_KEY already; there is nothing to do.")
    row.other = newest
    return _enter(row, SearchIndex.Phase.BUILDING, total)


@retry_transaction
def advance(*, phase: str, before: str, cursor: str, count: int) -> bool:
    """Note one finished batch; False when another process was faster, whose place is then the right one."""
    from django.db.models import F

    return bool(
        SearchIndex.objects.filter(name=NAME, phase=phase, cursor=before).update(cursor=cursor, done=F("done") + count)
    )


@retry_transaction
def switch(*, total: int) -> SearchIndex:
    """Read by the key that was built from now on; what is left of the old one is cleared next. Again: no effect.

    The caller has made sure that no row is missing under it. The sentinel moves with it.
    """
    from core.models import KeySentinel

    row = _locked_row()
    if row.phase != SearchIndex.Phase.BUILDING:
        return row
    coming = _keys_of(row, for_writing=True).coming
    assert coming is not None
    KeySentinel.objects.filter(purpose="data").update(proof=proof_of(coming.key))
    row.current, row.other, row.slot = row.other, row.current, coming.slot
    return _enter(row, SearchIndex.Phase.CLEARING, total)


@retry_transaction
def cancel(*, total: int) -> SearchIndex:
    """Give up building: readers never left the old key, what was built is cleared next.

    Raises:
        RotationRefused: nothing is being built; after the switch there is no way back but a new rotation.
    """
    row = _locked_row()
    if row.phase != SearchIndex.Phase.BUILDING:
        raise RotationRefused("No index is being built, so there is nothing to cancel.")
    return _enter(row, SearchIndex.Phase.CLEARING, total)


@retry_transaction
def finish() -> SearchIndex:
    """End the change: nothing is left under the other key. Again: no effect."""
    row = _locked_row()
    if row.phase != SearchIndex.Phase.CLEARING:
        return row
    row.other = ""
    return _enter(row, SearchIndex.Phase.READY, 0)


def _enter(row: SearchIndex, phase: str, total: int) -> SearchIndex:
    row.phase, row.cursor, row.done, row.total, row.since = phase, "", 0, total, clock.now()
    row.save()
    return row


def _locked_row() -> SearchIndex:
    return _row(locked(_rows()))


def _rows(using: str = DEFAULT_DB_ALIAS) -> QuerySet[SearchIndex]:
    # Without the column that an older database lacks: its keys are looked at before `migrate` can add it.
    return SearchIndex.objects.using(using).filter(name=NAME).defer("folding")


def _row(rows: object) -> SearchIndex:
    for row in rows:  # type: ignore[attr-defined]
        return row
    raise IndexNotMade("The database does not say which key its search index is under. Run: manage.py migrate")


def _keys_of(row: SearchIndex, *, for_writing: bool) -> IndexKeys:
    known = ring()
    is_building = row.phase == SearchIndex.Phase.BUILDING
    needed = [row.current, row.other] if is_building and for_writing else [row.current]
    for name in needed:
        if name not in known:
            raise IndexKeyMissing(
                f"The search index needs key {name}, which is not in SEARCH_MASTER_KEY of this process. Restore the key "
                "and restart; nothing was changed."
            )
    current = IndexKey(row.current, known[row.current], row.slot)
    if len(needed) == 1:
        return IndexKeys(row.phase, current)
    return IndexKeys(row.phase, current, IndexKey(row.other, known[row.other], 1 - row.slot))
