"""System checks of the foundation: encrypted columns are strict, and the keys fit the database."""

from __future__ import annotations

import stat
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Critical, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from encrypted_model_fields.fields import EncryptedMixin

from core import keys_index
from core.encryption import StrictEncryption
from core.keys_check import KeysMismatch, SentinelMissing, verify_sentinel


def is_migrating() -> bool:
    """True inside `manage.py migrate`: database checks run before it, and it makes what some of them look for."""
    return "migrate" in sys.argv[1:2]


@register(Tags.models)
def check_encrypted_columns(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a column of django-encrypted-model-fields without the strict layer: it can lose data without a word."""
    return [
        Error(
            f"{model._meta.label}.{field.name} uses django-encrypted-model-fields directly.",
            hint="Use the field of the same name from core.encryption.",
            obj=field,
            id="core.E100",
        )
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_fields
        if isinstance(field, EncryptedMixin) and not isinstance(field, StrictEncryption)
    ]


@register(Tags.database)
def check_sentinel(app_configs: Any, databases: Sequence[str] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse keys that do not open the database. Runs before `migrate` and with `check --database default`."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        verify_sentinel()
    except KeysMismatch as error:
        return [Critical(str(error), id="core.C110")]
    except SentinelMissing as error:
        return [] if is_migrating() else [Warning(str(error), id="core.W111")]
    return []


@register(Tags.database)
def check_search_folding(app_configs: Any, databases: Sequence[str] | None, **kwargs: Any) -> list[CheckMessage]:
    """Say that patients are indexed by an older spelling: some are not found by every way to write their name."""
    if DEFAULT_DB_ALIAS not in (databases or ()) or is_migrating():
        return []
    try:
        if keys_index.is_folded_anew():
            return []
    except DatabaseError:  # not migrated yet: `check_sentinel` says so
        return []
    return [
        Warning(
            "The search index of patients was written by an older version and lacks spellings and numbers.",
            hint="Run: manage.py reindex_patients (safe while the clinic works, to stop and to repeat)",
            id="core.W112",
        )
    ]


@register(Tags.files)
def check_file_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a storage of files that cannot work, or a directory that the web server hands out."""
    if settings.FILE_STORAGE == "s3":
        missing = [name for name in ("storages", "boto3") if find_spec(name) is None]
        if not missing:
            return []
        return [
            Critical(
                "FILE_STORAGE is s3, but the packages for it are not installed.",
                hint="Run: pip install --require-hashes -r requirements-s3.lock",
                id="core.C120",
            )
        ]
    folder = Path(settings.FILES_DIR).resolve()
    served = [Path(settings.STATIC_ROOT), *(Path(entry) for entry in settings.STATICFILES_DIRS)]
    if any(folder.is_relative_to(public.resolve()) for public in served):
        return [Critical("FILES_DIR lies inside the static files, which everybody may fetch.", id="core.C121")]
    return []


@register(Tags.files, deploy=True)
def check_files_dir(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn about a directory of files that other accounts of the machine may look into."""
    folder = Path(settings.FILES_DIR)
    if settings.FILE_STORAGE != "local" or not folder.is_dir():
        return []
    if folder.stat().st_mode & (stat.S_IRWXO | stat.S_IRWXG):
        return [Warning(f"FILES_DIR is open to other users of this machine. Run: chmod 700 {folder}", id="core.W122")]
    return []
