"""The part of the audit log that a patient has a right to read: who saw or changed the record, when, in which role.

Source: UU 27/2022 (Perlindungan Data Pribadi), pasal 5 and 7: the person's right to know who used the data, and to access.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from audit.models import AuditEvent
from patients.models import Patient
from reports.audit_browser import EMERGENCY_KEY, role_labels
from reports.audit_words import ACTIONS, Sort, words_of

SHOWN = (Sort.READ, Sort.CREATE, Sort.CHANGE, Sort.REMOVE, Sort.PRINT, Sort.EXPORT, Sort.EMERGENCY)
PARTS: dict[str, str | Promise] = {
    "chart": _("the whole record"),
    "identity": _("your identity"),
    "identity-edit": _("your identity"),
    "history": _("the history"),
    "vitals": _("your vital signs"),
    "comparison": _("your identity, compared with a record that looks alike"),
    "consultation": _("the consultation"),
    "visit": _("one visit"),
    "allergies": _("your allergies"),
    "basics": _("your basic health data"),
    "appointment": _("an appointment"),
    "reminders": _("the way of reminding"),
    "bill": _("a bill"),
    "booking": _("your identity"),
    "data-request-letter": _("the answer to your request about personal data"),
    "data-rights": _("your requests about personal data"),
    "document": _("what is written about a document"),
    "documents": _("the list of your documents"),
    "erasure-certificate": _("the certificate of an erasure"),
    "guardians": _("who may act for you"),
    "images": _("your photo"),
    "labels": _("labels of medicines"),
    "prescription": _("a prescription"),
    "receipt": _("a receipt"),
    "ticket": _("the queue number"),
}


@dataclass(frozen=True)
class Entry:
    """One line: who, in which roles, did what, when."""

    at: Any
    who: str
    roles: str
    what: Any
    part: Any
    is_emergency: bool
    is_portal: bool


def events_about(patient: Patient, *, viewer: User) -> QuerySet[AuditEvent]:
    """Return the events that the patient's page shows to `viewer`, whose own reading is left out.

    Events of records that were merged into this one belong to the same person. Refusals and jobs are the clinic's
    business. One statement more, for the merged records.
    """
    merged = list(patient.aliases.values_list("pk", flat=True))
    actions = [action for action, words in ACTIONS.items() if words.sort in SHOWN]
    reads = [action for action in actions if words_of(action).sort == Sort.READ]
    rows = AuditEvent.objects.filter(
        patient_id__in=[patient.pk, *merged], action__in=actions, result=AuditEvent.Result.OK, actor_id__isnull=False
    )
    return rows.exclude(actor_id=viewer.pk, action__in=reads)


def entries(events: Iterable[AuditEvent], *, viewer: User) -> list[Entry]:
    """Return the lines for the person who reads them."""
    return [
        Entry(
            at=event.at,
            who=event.actor_name or _by_portal(event, viewer),
            roles=role_labels(event),
            what=words_of(event.action).label,
            part=PARTS.get(str(event.detail.get("what", "")), ""),
            is_emergency=EMERGENCY_KEY in event.detail or words_of(event.action).sort == Sort.EMERGENCY,
            is_portal=not event.actor_name,
        )
        for event in events
    ]


def _by_portal(event: AuditEvent, viewer: User) -> str:
    return str(_("You") if event.actor_id == viewer.pk else _("Another person of this record, by portal"))
