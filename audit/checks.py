"""A database without the append-only triggers is reported by `manage.py check --database default`."""

import sys
from typing import Any

from django.core.checks import Error, Tags, register
from django.db import connections

from audit import triggers


@register(Tags.database)
def audit_triggers_exist(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[Error]:
    errors: list[Error] = []
    if "migrate" in sys.argv[1:2]:
        return errors  # migrate is what puts missing triggers back, and database checks run before it
    for alias in databases or []:
        connection = connections[alias]
        if triggers.TABLE not in connection.introspection.table_names():
            continue
        missing = set(triggers.wanted(connection.vendor)) - triggers.present(alias)
        if missing:
            errors.append(
                Error(
                    f"The audit log can be changed: triggers are missing ({', '.join(sorted(missing))}).",
                    hint="Run manage.py migrate, which installs them.",
                    id="audit.E001",
                )
            )
    return errors
