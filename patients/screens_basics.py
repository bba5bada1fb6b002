"""What the screens of the clinical basics share: panels with their forms, for the page and for its fragments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404

from accounts.access import Capability
from accounts.guards import SignedInRequest
from patients.access import may_read_record
from patients.basics import Basics, SectionView, read_basics
from patients.forms.clinical import BloodTypeForm, EndForm, PregnancyForm, section_form
from patients.forms.patients import ReasonForm
from patients.merged import current_patient
from patients.models import Patient
from patients.screens import allergies_context, header, patient_page


@dataclass
class Trouble:
    """A form that was refused: drawn again in its panel, open, with what was typed.

    `panel` is a section, "pregnancy" or "blood"; `act` is "add", "end" or "wrong"; `row` the entry it is about.
    """

    panel: str
    act: str
    form: forms.Form
    row: UUID | None = None


@dataclass
class Panel:
    """One section with its forms."""

    section: SectionView
    form: forms.Form
    is_open: bool
    trouble: Trouble | None


def record_patient(request: SignedInRequest, pk: UUID) -> Patient:
    """Return a patient whose record this person may read, ready for the header, or 404; a merged one leads on."""
    patient = current_patient(request.user, pk)
    if not may_read_record(request.user, patient):
        raise Http404
    return patient


def basics_context(request: SignedInRequest, patient: Patient, trouble: Trouble | None = None) -> dict[str, Any]:
    """Return what the page of the clinical basics and each of its panels show."""
    basics = read_basics(request.user, patient)
    return {
        **(header(patient) if request.htmx else patient_page(request, patient, "basics")),
        **allergies_context(request, patient),
        "basics": basics,
        "panels": _panels(basics, trouble),
        "trouble": trouble,
        "may_record": Capability.RECORD_HISTORY in request.user.capabilities,
        "pregnancy_form": _own(trouble, "pregnancy") or PregnancyForm(auto_id="pregnancy-%s"),
        "blood_form": _own(trouble, "blood") or BloodTypeForm(auto_id="blood-%s"),
        "end_form": EndForm(auto_id="end-%s"),
        "reason_form": ReasonForm(auto_id="reason-%s"),
    }


def _panels(basics: Basics, trouble: Trouble | None) -> list[Panel]:
    found = []
    for section in basics.sections:
        mine = trouble if trouble is not None and trouble.panel == section.key else None
        typed = mine.form if mine is not None and mine.act == "add" else None
        found.append(Panel(section, typed or section_form(section.key), typed is not None, mine))
    return found


def _own(trouble: Trouble | None, panel: str) -> forms.Form | None:
    return trouble.form if trouble is not None and trouble.panel == panel and trouble.act == "add" else None
