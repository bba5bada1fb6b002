"""Mails the clinic sends: what each template needs, and how it is rendered.

No patient data stands in a subject and no medical detail in a body: a mail says that something happened and where to
read it. Files: `templates/email/<template>.subject.txt`, `.txt` and `.html`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from core import clock

_VISIT = frozenset({"name", "doctor", "starts_at"})


@dataclass(frozen=True)
class Template:
    """Keys that a mail's context must have and may have, and the page its button opens unless `path` is given."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    url_name: str = "accounts:portal-login"


# `name` is the person addressed; `…_at` aware instants, `…_on` dates, `…_idr` whole rupiah; every mail may have `path`
# (the page its button opens, for instance reverse("billing:portal-bill", …)) and `is_about_dependant` (the reader is
# the guardian of the patient it is about, whom it does not name).
TEMPLATES: dict[str, Template] = {
    "registration_received": Template(frozenset({"name"})),
    "registration_rejected": Template(frozenset({"name", "reason"})),
    "account_activated": Template(frozenset({"name", "record_number"})),
    "guardian_active": Template(frozenset({"name"}), frozenset({"is_for_patient"})),
    "guardian_rejected": Template(frozenset({"name", "reason"})),
    "guardian_ending": Template(frozenset({"name", "ends_on"}), frozenset({"is_for_patient"})),
    "guardian_ended": Template(frozenset({"name"}), frozenset({"is_for_patient"})),
    "data_request_received": Template(frozenset({"name", "number", "due_at"})),
    "data_request_answered": Template(frozenset({"name", "number"})),
    "passkey_copied": Template(frozenset({"name", "device", "refused_at"}), url_name="accounts:device-list"),
    "staff_invitation": Template(frozenset({"name", "username", "ends_at"}), url_name="accounts:login"),
    "invitation_ended": Template(frozenset({"name"}), url_name="accounts:login"),
    "password_link": Template(frozenset({"name", "ends_at"})),
    "password_changed": Template(frozenset({"name", "changed_at"})),
    "email_confirm": Template(frozenset({"name", "ends_at"})),
    "email_change_requested": Template(frozenset({"name", "asked_at"})),
    "email_changed": Template(frozenset({"name", "changed_at"})),
    "account_changed": Template(frozenset({"name", "username", "changed_at"})),
    "account_closed": Template(frozenset({"name"})),
    "account_reopened": Template(frozenset({"name"})),
    # `change`: app_added, app_removed, passkey_added, passkey_removed or codes_made
    "factor_changed": Template(frozenset({"name", "change", "changed_at"}), url_name="accounts:device-list"),
    "backup_code_used": Template(frozenset({"name", "used_at", "left"}), url_name="accounts:device-list"),
    "factor_reset_requested": Template(frozenset({"name", "expires_at"}), url_name="accounts:device-list"),
    "factor_reset_done": Template(frozenset({"name", "changed_at"}), url_name="accounts:home"),
    "factor_reset_rejected": Template(frozenset({"name"}), url_name="accounts:device-list"),
    "audit_head": Template(
        frozenset({"name", "sequence", "last_id", "sealed_at", "line"}), url_name="reports:audit-browser"
    ),
    # `data_kinds` are words, `course` and `measures` the clinic's own sentences: the law wants them in writing
    "data_breach": Template(frozenset({"name", "data_kinds", "course", "measures", "discovered_at"})),
    "unusual_access": Template(frozenset({"name"}), url_name="accounts:login"),
    "emergency_started": Template(frozenset({"name", "person", "started_at"}), url_name="patients:emergency-list"),
    "emergency_often": Template(frozenset({"name", "person", "count"}), url_name="patients:emergency-list"),
    # `code` is the booking code; `alternatives` are free times: dicts of `starts_at` and `path`, see `_linked`
    "appointment_requested": Template(_VISIT, frozenset({"held_until"})),
    "appointment_approved": Template(_VISIT, frozenset({"code"})),
    "appointment_rejected": Template(_VISIT | {"reason"}, frozenset({"alternatives"})),
    "appointment_moved": Template(_VISIT | {"old_starts_at"}, frozenset({"code", "reason", "is_confirmed"})),
    "appointment_cancelled": Template(_VISIT, frozenset({"reason", "alternatives"})),
    "appointment_expired": Template(_VISIT, frozenset({"alternatives"})),
    "appointment_reminder": Template(_VISIT, frozenset({"code"})),
    "waitlist_offered": Template(_VISIT | {"held_until"}),
    "waitlist_ended": Template(frozenset({"name"})),
    "prescription_ready": Template(frozenset({"name", "amount_idr"}), frozenset({"invoice_number"})),
    "payment_reminder": Template(frozenset({"name", "invoice_number", "amount_idr"}), frozenset({"issued_on"})),
    "payment_receipt": Template(
        frozenset({"name", "invoice_number", "amount_idr", "paid_at"}), frozenset({"receipt_number", "method"})
    ),
}


@dataclass(frozen=True)
class Rendered:
    """A mail's three parts in one language."""

    subject: str
    text: str
    html: str


def render(template: str, language: str, context: Mapping[str, Any]) -> Rendered:
    """Return the mail in `language`.

    Raises:
        ValueError: the template is unknown, or its context has other keys than the template declares.
    """
    if template not in TEMPLATES:
        raise ValueError(f"unknown mail template: {template}")
    declared = TEMPLATES[template]
    given = set(context) - {"path", "is_about_dependant"}
    if not declared.required <= given or given - declared.required - declared.optional:
        raise ValueError(
            f"mail {template} needs {sorted(declared.required)}, may have {sorted(declared.optional)}, got {sorted(given)}"
        )
    with translation.override(language):
        values = {
            "is_about_dependant": False,
            **dict.fromkeys(declared.optional),
            **context,
            **_linked(context),
            "link": settings.SITE_URL + (context.get("path") or reverse(declared.url_name)),
            "site_url": settings.SITE_URL,
            "language": language,
            "zone": clock.zone_label(),
            "clinic": {
                "name": settings.CLINIC_NAME,
                "address": settings.CLINIC_ADDRESS,
                "phone": settings.CLINIC_PHONE,
                "email": settings.CLINIC_EMAIL,
            },
        }
        subject = render_to_string(f"email/{template}.subject.txt", values)
        text = render_to_string(f"email/{template}.txt", values)
        html = render_to_string(f"email/{template}.html", {**values, "subject": " ".join(subject.split())})
    return Rendered(" ".join(subject.split())[:200], text.strip() + "\n", html)


def _linked(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the other times that a mail offers with their whole addresses; nothing when it offers none."""
    times = context.get("alternatives") or ()
    return {"alternatives": [{**time, "link": settings.SITE_URL + time["path"]} for time in times]} if times else {}
