"""What the screens of one patient share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest
from patients.forms import AllergyForm
from patients.models import Allergy, Patient

SEARCHERS = (Capability.SEARCH_PATIENTS, Capability.SEARCH_OWN_PATIENTS)


def header(patient: Patient) -> dict[str, Any]:
    """Return what the patient header needs."""
    return {
        "patient": patient,
        "allergies": patient.allergies,
        "allergy_status": patient.allergy_status,
        "allergy_asked_on": patient.allergy_asked_at,
    }


def visible_patient(request: SignedInRequest, pk: UUID) -> Patient:
    """Return a patient this person may see, ready for the header, or 404."""
    return get_object_or_404(Patient.objects.visible_to(request.user).for_header(), pk=pk)


def allergies_context(request: SignedInRequest, patient: Patient) -> dict[str, Any]:
    """Return what the panel of allergies needs beside the header."""
    rows = Allergy.objects.visible_to(request.user).filter(patient=patient, status=Allergy.Status.ENTERED_IN_ERROR)
    return {
        "may_record_allergies": has_capability(request.user, Capability.RECORD_ALLERGIES),
        "form": AllergyForm(),
        "form_open": False,
        "wrong": None,
        "wrong_form": None,
        "history": rows.select_related("marked_by").order_by("-marked_at"),
        "is_fragment": bool(request.htmx),
    }


def posted_version(request: SignedInRequest) -> int:
    """Return the version the form was opened with; 0, which no row has, when it was tampered with."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def registration_tabs(active: str) -> list[dict[str, Any]]:
    """Return the tabs over portal sign-ups; `active` is "waiting", "decided" or "missing"."""
    own, missing = reverse("patients:registration-list"), reverse("patients:missing-record-list")
    tabs = (
        ("waiting", _("Waiting"), own, "hourglass"),
        ("decided", _("Decided"), f"{own}?show=decided", "check"),
        ("missing", _("Without a record"), missing, "alert-triangle"),
    )
    return [
        {"label": label, "url": url, "active": name == active, "icon": icon, "count": None}
        for name, label, url, icon in tabs
    ]


def comparison(registration: Any, patient: Patient) -> list[dict[str, Any]]:
    """Return one line per fact: what was written, what is recorded, and whether they agree (None: one is missing)."""

    def line(label: str, written: Any, recorded: Any, same: bool | None = None) -> dict[str, Any]:
        known = bool(written) and bool(recorded)
        return {
            "label": label,
            "written": written,
            "recorded": recorded,
            "same": (same if same is not None else written == recorded) if known else None,
        }

    return [
        line(
            _("Full name"),
            registration.full_name,
            patient.full_name,
            registration.full_name.casefold() == patient.full_name.casefold(),
        ),
        line(_("Date of birth"), registration.birth_date, patient.birth_date),
        line(_("Sex"), registration.sex_label, patient.sex_label),
        line(_("NIK"), registration.masked_nik, patient.masked_nik, registration.nik == patient.nik),
        line(_("Phone"), registration.phone_label, patient.phone_label),
    ]
