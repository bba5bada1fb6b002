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
- A capability opens a screen; which rows are on it is decided by `visible_to` of each model, as in the second table.
- Roles add up for screens and for identity, not for care: who works at the desk *and* as a nurse finds every patient, and
  reads the records of the own care team only. Why: [ADR 9](adr/0009-care-team.md).
- Staff pages answer 404 to people who are not staff, and 403 to staff without the capability.
"""

ROWS_INTRO = """
## Whose rows

*Identity* is who the patient is (`Patient.objects.visible_to`), with the allergies that every screen must warn of. *Record*
is the clinical part: notes, vital signs, diagnoses, prescriptions (`Patient.objects.readable_by`); it also needs the
capability of the screen. `tests/patients/test_scope.py`, `tests/scheduling/test_care.py` and `tests/test_access_rules.py`
hold these rules.
"""
LIMITS = """
## Emergency access

Doctors and nurses may open the record of a patient outside their care team for 60 minutes, with a reason and a fresh second
factor ([ADR 14](adr/0014-emergency-access.md)). Owner and admins are told at once and review each use; nobody reviews
their own.

| Limit | Value | Then |
| --- | --- | --- |
| length of one access | 60 minutes | it ends by itself; the next request answers 404 with a sentence |
| reason in words | 10 letters or more | the form is refused |
| looking for a patient outside the own care team | 10 times an hour for each person | 429 until the hour is over |
| what was found may be opened within | 15 minutes | look for the patient again |
| accesses of one person on one clinic day | 3 | each further one also alerts owner and admins; it is never blocked |
| review | 24 hours, then 72 hours | amber, then red and a daily notice to owner and admins |
"""
ROW_RULES: dict[Role, tuple[str, str, str, str]] = {
    Role.ADMIN: ("everybody", "everybody; notes unless `ADMIN_READS_NOTES` is off", "all", "all"),
    Role.DOCTOR: (
        "care team: approved booking, visit, emergency access",
        "the same",
        "own approved bookings; own visits and all visits of patients of the care team",
        "none",
    ),
    Role.NURSE: (
        "care team: from arrival until 7 days after the visit, emergency access",
        "the same, with the earlier history",
        "visits of the last 7 days, and all visits of patients of the care team",
        "none",
    ),
    Role.RECEPTIONIST: ("everybody", "none; no complaint either", "all", "none"),
    Role.CASHIER: (
        "everybody",
        "none",
        "none",
        "all: services and medicines with their prices, no directions, no diagnosis",
    ),
    Role.PHARMACIST: ("care team: a prescription", "prescriptions only", "visits of these patients", "none"),
    Role.LAB_OFFICER: ("care team: an order", "none", "none", "none"),
    Role.RADIOGRAPHER: ("care team: an order", "none", "none", "none"),
    Role.OWNER: ("nobody", "nobody", "none; practice sessions without names", "none; sums only"),
    Role.PATIENT: (
        "themselves, and those whose proven guardian they are",
        "the same: signed notes, prescriptions",
        "the same",
        "the same",
    ),
}


def row_rules() -> list[str]:
    """Return the table of what each role finds on its screens."""
    lines = [
        "| Role | Identity of patients | Clinical record | Bookings and visits | Bills |",
        "| --- | --- | --- | --- | --- |",
    ]
    return lines + [f"| {role.label} | " + " | ".join(ROW_RULES[role]) + " |" for role in Role]


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
        return "\n".join([INTRO, head, line, *rows, ROWS_INTRO, *row_rules(), LIMITS])


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
