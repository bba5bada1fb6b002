"""The state of the keys: where each comes from, what is still under older ones, and what an operator should do.

Public ids only: no value of a key, and nothing from which one could be guessed, is in a report.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from core import clock, keys, keys_index
from core.encryption import cipher_name, encrypted_models, key_ring
from core.keys_check import verify_sentinel
from core.keys_rotation import rows_by_key
from core.models import KeySentinel, SearchIndex

BACKUP_NOTE = "keys_backed_up.json"


def report(*, count_rows: bool, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the health of the keys as plain data.

    `problems` are what must be repaired, `advice` what should be done soon. With `count_rows` every encrypted table is
    read once; without, none is.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Any] = {
        "cipher": cipher_name(), "keys": [_key(secret, environ) for secret in keys.SECRETS],
        "opens_database": False, "tables": {}, "index": {}, "problems": [], "advice": [],
    }  # fmt: skip
    for entry in found["keys"]:
        if entry["problem"]:
            found["problems"].append(entry["problem"])
    try:
        verify_sentinel()
        found["opens_database"] = True
    except keys.KeysError as error:
        found["problems"].append(str(error))
        return found
    first = KeySentinel.objects.order_by("created_at").values_list("created_at", flat=True).first()
    found["first_used_at"] = first.isoformat(timespec="seconds") if first else None
    found["index"] = _index()
    if count_rows:
        for model in encrypted_models():
            try:
                found["tables"][model._meta.label] = rows_by_key(model, key_ring())
            except DatabaseError as error:
                found["problems"].append(f"{model._meta.label} cannot be read ({type(error).__name__}).")
        found["problems"] += [
            f"{label}: {rows['unknown']} row(s) hold a value that no key of FIELD_ENCRYPTION_KEYS opens."
            for label, rows in found["tables"].items()
            if rows.get("unknown")
        ]
    found["advice"] = _advice(found, count_rows=count_rows)
    return found


def note_backup() -> list[str]:
    """Note that the present keys are backed up; return their public ids."""
    present = sorted(_present_ids())
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"at": clock.now().isoformat(timespec="seconds"), "keys": present})
    temporary = settings.VAR_DIR / f".{BACKUP_NOTE}.new"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(settings.VAR_DIR / BACKUP_NOTE)
    return present


def _key(secret: keys.Secret, environ: Mapping[str, str]) -> dict[str, Any]:
    source = keys.source(secret, settings.KEY_DIR, environ)
    entry: dict[str, Any] = {
        "name": secret.name, "ids": _ids_of(secret), "source": source.kind,
        "path": str(source.path) if source.path else None, "mode": None, "changed_at": None, "problem": "",
    }  # fmt: skip
    if source.path is not None:
        try:
            status = source.path.stat()
        except OSError as error:
            entry["problem"] = f"{secret.name}: the file {source.path} cannot be read ({error.strerror})."
            return entry
        entry["mode"] = f"{stat.S_IMODE(status.st_mode):04o}"
        entry["changed_at"] = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds")
        if source.kind == keys.FROM_DIRECTORY:
            entry["problem"] = _open_directory(source.path.parent)
    return entry


def _open_directory(path: Path) -> str:
    """Name a directory in which other accounts could put their own key in place of ours."""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"The directory {path} can be written by other users of this machine. Run: chmod 700 {path}"
    return ""


def _ids_of(secret: keys.Secret) -> list[str]:
    loaded = settings.KEYS
    if secret is keys.FIELD_KEYS:
        return list(key_ring().ids)
    values = {
        keys.SEARCH_KEY.name: loaded.search_master_keys,
        keys.AUDIT_KEY.name: loaded.audit_seal_keys,
        keys.SESSION_KEY.name: (loaded.session_hash_key,),
    }.get(secret.name, ())  # Django's secret may be text that a person chose: no id of it is shown
    return [keys.public_id(secret, value) for value in values]


def _present_ids() -> set[str]:
    """Ids of the keys without which stored data is lost."""
    return {name for secret in keys.LISTS for name in _ids_of(secret)}


def _index() -> dict[str, Any]:
    state = keys_index.state()
    return {
        "phase": state.phase, "key": state.current, "other_key": state.other or None,
        "rows_done": state.done, "rows_total": state.total, "since": state.since.isoformat(timespec="seconds"),
    }  # fmt: skip


def _advice(found: Mapping[str, Any], *, count_rows: bool) -> list[str]:
    advice = []
    older = key_ring().ids[1:]
    needed = {name for rows in found["tables"].values() for name in rows} & {*older, "fernet"}
    if older and not count_rows:
        advice.append(f"There are older data keys ({', '.join(older)}); leave out --quick to see who needs them.")
    elif needed & set(older):
        advice.append("Rows are still under older data keys. Run: manage.py rotate_data_key")
    elif older and not needed:
        advice.append(f"No row needs data key {', '.join(older)}; take it out of FIELD_ENCRYPTION_KEYS.")
    index = found["index"]
    if index["phase"] != SearchIndex.Phase.READY:
        advice.append("The index key is being changed. To go on: manage.py rotate_index_key")
    elif len(keys_index.ring()) > 1 and next(iter(keys_index.ring())) != index["key"]:
        advice.append("A newer index key waits. When every process has it, run: manage.py rotate_index_key")
    elif len(keys_index.ring()) > 1:
        advice.append("The search index needs its newest key only; take the older ones out of SEARCH_MASTER_KEY.")
    missing = sorted(_present_ids() - _backed_up())
    if missing:
        advice.append(
            f"No backup is noted for key {', '.join(missing)}. Back the keys up apart from the database, then run: "
            "manage.py check_keys --backed-up"
        )
    return advice


def _backed_up() -> set[str]:
    try:
        return set(json.loads((settings.VAR_DIR / BACKUP_NOTE).read_text(encoding="utf-8"))["keys"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()
