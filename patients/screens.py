"""What the screens of one patient share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404

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
