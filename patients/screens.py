"""What the screens of one patient share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest
from accounts.models import User
from patients.access import may_read_record
from patients.forms.clinical import AllergyForm
from patients.merged import current_patient
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


def patient_page(request: SignedInRequest, patient: Patient, active: str) -> dict[str, Any]:
    """Return what a page about one patient needs: the header, and the tabs over the parts this person may open.

    `active` is the key of the page's own tab, "" for a page below none. At most one statement (see `may_read_record`).
    """
    held, reads = request.user.capabilities, may_read_record(request.user, patient)
    tabs = (
        ("identity", _("Identity"), "patients:detail", "card", True),
        ("chart", _("Chart"), "workspace:patient-chart", "clipboard", reads),
        ("basics", _("Clinical basics"), "patients:basics", "pulse", reads),
        ("documents", _("Documents"), "patients:documents", "folder", True),
        ("coverage", _("Guarantor"), "patients:coverages", "wallet", Capability.REGISTER_PATIENTS in held),
        ("consents", _("Consents"), "patients:consents", "signature", Capability.RECORD_CONSENTS in held),
        ("rights", _("Data rights"), "patients:data-rights", "shield", Capability.HANDLE_DATA_REQUESTS in held),
    )
    may_add = Capability.UPLOAD_DOCUMENTS in held
    return {
        **header(patient),
        "photo_edit_url": reverse("patients:image-edit", args=[patient.pk, "photo"]) if may_add else "",
        "patient_tabs": [
            {
                "label": label,
                "url": reverse(route, args=[patient.pk]),
                "active": key == active,
                "icon": icon,
                "count": None,
            }
            for key, label, route, icon, allowed in tabs
            if allowed
        ],
        "may_export": reads and Capability.EXPORT_RECORDS in held,
        "may_archive": Capability.ARCHIVE_PATIENTS in held,
    }


def visible_patient(request: SignedInRequest, pk: UUID) -> Patient:
    """Return a patient this person may see, ready for the header, or 404; a merged record leads to the one that stayed."""
    return current_patient(request.user, pk)


def allergies_context(request: SignedInRequest, patient: Patient) -> dict[str, Any]:
    """Return what the panel of allergies needs beside the header."""
    rows = Allergy.objects.visible_to(request.user).filter(patient=patient, status=Allergy.Status.ENTERED_IN_ERROR)
    may_confirm = has_capability(request.user, Capability.WRITE_NOTES)
    _load_people(patient)
    return {
        "may_record_allergies": has_capability(request.user, Capability.RECORD_ALLERGIES),
        "may_confirm_allergies": may_confirm,
        "form": AllergyForm(may_confirm=may_confirm),
        "form_open": False,
        "wrong": None,
        "wrong_form": None,
        "history": rows.select_related("marked_by").order_by("-marked_at"),
        "is_fragment": bool(request.htmx),
    }


def _load_people(patient: Patient) -> None:
    """Load who recorded the allergies and who asked last. One query."""
    asked_by = {patient.allergy_asked_by_id} if patient.allergy_asked_by_id is not None else set()
    people = User.objects.in_bulk({row.recorded_by_id for row in patient.allergies} | asked_by)
    for row in patient.allergies:
        row.recorded_by = people[row.recorded_by_id]
    if patient.allergy_asked_by_id is not None:
        patient.allergy_asked_by = people[patient.allergy_asked_by_id]


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
