"""Messages to the clinic in the copy of a patient's data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from patients.personal_data import Section, Table, register


def register_own() -> None:
    """Make the section of this app known; called once."""
    ground = _("Needed to answer you.")
    register(
        Section("messages", _("Messages to the clinic"), ground, (Table("support.SupportMessage", "sender__patient"),))
    )
