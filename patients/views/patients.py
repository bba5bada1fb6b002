"""Staff screens: read one patient."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from patients import services
from patients.access import may_read_record
from patients.details import SocialData
from patients.erasing import last_erasure
from patients.models import Patient, PatientDemographics, Sex
from patients.records import details_of, fact_groups, is_possible_mother, missing_for_law
from patients.screens import SEARCHERS, allergies_context, header, patient_page, visible_patient

# --- One patient ----------------------------------------------------------------------------------------------------


@requires(*SEARCHERS)
@require_GET
def detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Identity and allergies of one patient; panels of other domains load themselves."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="identity")
    held = request.user.capabilities
    details = details_of(patient)
    social = details.social or SocialData()
    near = Patient.objects.visible_to(request.user)
    context = {
        **patient_page(request, patient, "identity"),
        "fact_groups": fact_groups(patient, details),
        "erased_at": last_erasure(patient),
        "missing": missing_for_law(patient, social),
        "nik_missing": PatientDemographics.NikMissing(social.nik_missing).label if social.nik_missing else "",
        "mother": near.filter(pk=patient.mother_id).first() if patient.mother_id else None,
        "newborns": list(near.filter(mother=patient).order_by("pk")) if patient.sex != Sex.MALE else [],
        "may_register_newborn": Capability.REGISTER_PATIENTS in held and is_possible_mother(patient),
        **allergies_context(request, patient),
        "may_edit": Capability.REGISTER_PATIENTS in held,
        "may_merge": Capability.MERGE_PATIENTS in held,
        "may_book": Capability.BOOK_APPOINTMENTS in held and patient.status == Patient.Status.ACTIVE,
        "may_check_in": Capability.CHECK_IN in held and patient.status == Patient.Status.ACTIVE,
        "may_read_history": may_read_record(request.user, patient),
        "may_see_appointments": bool(held & {Capability.BOOK_APPOINTMENTS, Capability.APPROVE_APPOINTMENTS}),
    }
    return render(request, "patients/patient_detail.html", context)


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def nik_reveal(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The whole NIK, once, with a trace of who asked."""
    patient = visible_patient(request, pk)
    nik = services.reveal_nik(patient=patient, actor=request.user)
    if request.htmx:
        return render(request, "patients/_nik.html", {"patient": patient, "nik": nik, "may_edit": False})
    return render(request, "patients/patient_nik.html", {**header(patient), "nik": nik})
