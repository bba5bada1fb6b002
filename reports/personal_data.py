"""Who had access, in the copy of a patient's data: the same lines as the portal shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models import Patient
from patients.personal_data import Section, register
from reports.access_log import entries, events_about


def _accesses(patient: Patient) -> Iterator[dict[str, Any]]:
    viewer = patient.user if patient.user is not None else User()
    for event in entries(events_about(patient, viewer=viewer).order_by("id").iterator(chunk_size=500), viewer=viewer):
        yield {
            "at": event.at, "who": event.who, "roles": event.roles, "what": event.what, "part": event.part,
            "is_emergency": event.is_emergency,
        }  # fmt: skip


def register_own() -> None:
    """Make the section of this app known; called once."""
    ground = _("Proof of who used the data; kept as long as the medical record.")
    listed = {"access": _accesses}
    register(Section("access", _("Who had access"), ground, listed=listed, covers=frozenset({"audit.AuditEvent"})))
