"""A database without the append-only triggers is reported by `manage.py check --database default`."""

from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connections

from audit import triggers
from core.checks import is_migrating


@register(Tags.database)
def audit_triggers_exist(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[Error]:
    errors: list[Error] = []
    if is_migrating():
        return errors
    for alias in databases or []:
        connection = connections[alias]
        if triggers.SEALS not in connection.introspection.table_names():
            continue
        missing = set(triggers.wanted(connection.vendor)) - triggers.present(alias)
        if missing:
            errors.append(
                Error(
                    f"The audit log can be changed: triggers are missing or changed ({', '.join(sorted(missing))}).",
                    hint="Run manage.py migrate, which installs them.",
                    id="audit.E001",
                )
            )
    return errors
