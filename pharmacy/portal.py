"""What a patient gets from the pharmacy: their own prescription as PDF."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.guards import SignedInRequest, patient_portal
from pharmacy import pdf
from pharmacy.models import Prescription


@patient_portal
@require_safe
def prescription_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The patient's own prescription on paper."""
    return pdf.response(get_object_or_404(Prescription.objects.visible_to(request.user).for_detail(), pk=pk))
