"""Start-up sentinel: proof that this process holds the keys the stored data was written with."""

from __future__ import annotations

import hmac
import threading
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from core import keys, keys_index
from core.encryption import DecryptionError
from core.keys import KeysError

DATA = "data"  # data keys and search key
AUDIT = "audit"  # audit seal key
PURPOSES = (DATA, AUDIT)


class KeysMismatch(KeysError):
    """The keys are well formed, but the stored data was written with others."""


class SentinelMissing(KeysError):
    """The database holds no sentinel yet: it was never migrated by this version."""


def verify_sentinel(using: str = DEFAULT_DB_ALIAS) -> None:
    """Return when the stored sentinels open under the keys of this process; else nothing may be served.

    Three statements.

    Raises:
        SentinelMissing: the tables or a row are not there; `migrate` makes them.
        KeysMismatch: the data was written under other keys.
    """
    from core.models import KeySentinel, SearchIndex

    connection = connections[using]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    if KeySentinel._meta.db_table not in tables or SearchIndex._meta.db_table not in tables:
        raise SentinelMissing("The database has no key sentinel. Run: manage.py migrate")
    try:
        rows = {row.purpose: row for row in KeySentinel.objects.using(using).filter(purpose__in=PURPOSES)}
    except DecryptionError as error:
        raise KeysMismatch(
            f"FIELD_ENCRYPTION_KEYS do not open this database ({error}) Restore the keys it was written with; "
            "nothing was changed."
        ) from error
    missing = [purpose for purpose in PURPOSES if purpose not in rows]
    if missing:
        raise SentinelMissing(f"The key sentinel for {', '.join(missing)} is missing. Run: manage.py migrate")
    for purpose in PURPOSES:
        row = rows[purpose]
        if row.sealed != _known_text(purpose) or row.proof not in _proofs(purpose):
            raise KeysMismatch(
                f"{_KEY_NAMES[purpose]} is not the key this database was written with. Restore it; nothing was changed."
            )
    try:
        index = keys_index.writing(using=using)
    except keys_index.IndexNotMade as error:
        raise SentinelMissing(str(error)) from error
    except keys_index.IndexKeyMissing as error:
        raise KeysMismatch(str(error)) from error
    if keys_index.proof_of(index.current.key) != rows[DATA].proof:
        raise KeysMismatch(
            "SEARCH_MASTER_KEY is not the key this database was written with. Restore it; nothing was changed."
        )


_checked: set[str] = set()  # databases whose sentinels opened in this process
_checking = threading.Lock()


def verify_first_connection(*, connection: Any, **kwargs: Any) -> None:
    """Look at the sentinels once per process, before its first statement: receiver of `connection_created`.

    So no entry point can forget it, and a command or shell with wrong keys cannot write a row under them. A database
    that has no sentinel yet is left to `migrate`.

    Raises:
        KeysMismatch: the data was written under other keys.
    """
    if connection.alias != DEFAULT_DB_ALIAS or connection.alias in _checked:
        return
    with _checking:
        if connection.alias in _checked:
            return
        try:
            verify_sentinel(connection.alias)
        except SentinelMissing:
            return
        except BaseException:
            connection.close()
            raise
        _checked.add(connection.alias)


def create_sentinels(*, using: str = DEFAULT_DB_ALIAS, apps: Any = None, **kwargs: Any) -> None:
    """Store what is missing: the sentinels, and which key the search index is under; receiver of `post_migrate`.

    What is stored is never replaced. A search key that is not the sentinel's own gets no row: it would be a guess.
    """
    from core.models import KeySentinel

    if apps is not None:
        try:
            apps.get_model("core", "KeySentinel"), apps.get_model("core", "SearchIndex")
        except LookupError:
            return
    present = dict(KeySentinel.objects.using(using).values_list("purpose", "proof"))
    keys_index.ensure_row(using=using, proof=present.get(DATA))
    KeySentinel.objects.using(using).bulk_create(
        [
            KeySentinel(purpose=purpose, sealed=_known_text(purpose), proof=_proofs(purpose)[0])
            for purpose in PURPOSES
            if purpose not in present
        ],
        ignore_conflicts=True,
    )


_KEY_NAMES = {DATA: keys.SEARCH_KEY.name, AUDIT: keys.AUDIT_KEY.name}


def _known_text(purpose: str) -> str:
    return f"key sentinel for {purpose}, version 1"


def _proofs(purpose: str) -> list[int]:
    """Return what the keys of this process make of the known text, newest first."""
    if purpose == DATA:
        return [keys_index.proof_of(key) for key in settings.KEYS.search_master_keys]
    derived = [keys.derive(key, "audit/sentinel/v1") for key in settings.KEYS.audit_seal_keys]
    return [
        int.from_bytes(hmac.digest(key, _known_text(purpose).encode(), "sha256")[:8], "big") >> 1 for key in derived
    ]
