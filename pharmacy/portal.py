"""What a patient gets from the pharmacy: their own prescription as PDF."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.guards import PortalRequest, patient_portal
from patients.persons import own_or_404
from patients.services import record_print
from pharmacy import pdf
from pharmacy.models import Prescription


@patient_portal
@require_safe
def prescription_pdf(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The patient's own prescription on paper."""
    mine = Prescription.objects.visible_to(request.user).for_detail()
    prescription = own_or_404(request, mine, pk=pk, follows=False)
    record_print(patient_id=prescription.patient_id, actor=request.user, what="prescription", target=prescription)
    return pdf.response(prescription)
