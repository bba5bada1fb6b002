"""Writes docs/access.md from the table of roles, so that the document cannot drift from the code."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from accounts.access import ROLE_CAPABILITIES, Capability, Role

INTRO = """# Access

Written by `manage.py write_access_docs` from `accounts/access.py`; a test fails when the two differ.

- A person holds the capabilities of all their roles together. Being a Django superuser gives nothing.
- An account that is not active, or that still has a one-time password, holds no capability.
- A capability opens a screen; which rows are on it is decided by `visible_to` of each model. Doctors and pharmacists see
  the patients of whose care team they are; the desk, nurses, cashiers and admins see all patients' identity.
- Staff pages answer 404 to people who are not staff, and 403 to staff without the capability.
"""


def access_document() -> str:
    """Return the text of docs/access.md."""
    with translation.override("en"):
        head = "| Capability | " + " | ".join(str(role.label) for role in Role) + " |"
        line = "| --- |" + " :-: |" * len(Role)
        rows = [
            f"| {capability.label} (`{capability.value}`) |"
            + "".join(" x |" if capability in ROLE_CAPABILITIES[role] else "  |" for role in Role)
            for capability in Capability
        ]
        return "\n".join([INTRO, head, line, *rows, ""])


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # reads the code only
    help = "Write docs/access.md from the table of roles and capabilities."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Fail when the file is not current; write nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "access.md"
        text = access_document()
        if options["check"]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                raise CommandError("docs/access.md is not current. Run: manage.py write_access_docs")
            return
        path.write_text(text, encoding="utf-8")
        self.stdout.write(f"{path.relative_to(settings.BASE_DIR)} written")
