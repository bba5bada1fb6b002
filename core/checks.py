"""System checks of the foundation: encrypted columns are strict, and the keys fit the database."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Critical, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS
from encrypted_model_fields.fields import EncryptedMixin

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
