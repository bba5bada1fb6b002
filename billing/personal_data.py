"""Bills and payments in the copy of a patient's data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from patients.personal_data import Section, Table, register

# Source: UU 28/2007 (KUP) article 28(11): books and the papers they rest on are kept for ten years.
BOOKS = _("Books of the clinic: tax law has them kept for 10 years (UU KUP article 28).")


def register_own() -> None:
    """Make the section of this app known; called once."""
    tables = (
        Table("billing.Invoice"),
        Table("billing.Charge", "invoice__patient", hidden=frozenset({"active", "source_type", "source_id"})),
        Table("billing.Payment", "invoice__patient"),
        Table("billing.Refund", "invoice__patient"),
    )
    register(Section("bills", _("Bills and payments"), BOOKS, tables))
