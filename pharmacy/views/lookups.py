"""What the doctor's consultation form asks for while a prescription is written."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.money import format_rupiah
from core.numbers import format_quantity
from patients.models import Patient
from pharmacy import querysets
from pharmacy.forms import medicine_lines
from pharmacy.models import Medicine
from pharmacy.services import prescribing
from scheduling.models import Visit

SHORTEST_QUERY = 2


@requires(Capability.WRITE_NOTES)
@require_safe
def medicine_search(request: SignedInRequest) -> JsonResponse:
    """Medicines for the search box: names, stock, price, and what is usually prescribed."""
    text = request.GET.get("q", "").strip()
    found = querysets.suggest_medicines(user=request.user, text=text) if len(text) >= SHORTEST_QUERY else []
    return JsonResponse({"results": [_suggestion(medicine) for medicine in found]})


def _suggestion(medicine: Medicine) -> dict[str, object]:
    free = max(medicine.free, Decimal(0))
    stock = (
        _("stock %(quantity)s %(unit)s") % {"quantity": format_quantity(free), "unit": medicine.unit}
        if free > 0
        else _("out of stock")
    )
    marks = [
        str(mark) for is_on, mark in ((medicine.is_high_alert, _("high alert")), (medicine.is_lasa, "LASA")) if is_on
    ]
    hint = [stock, f"{format_rupiah(medicine.price_idr)}/{medicine.unit}", *marks, medicine.medicine_class]
    return {
        "id": str(medicine.pk),
        "text": medicine.label,
        "hint": " · ".join(part for part in hint if part),
        "unit": medicine.unit,
        "price": medicine.price_idr,
        "available": format_quantity(free),
        "signa": medicine.typical_signa,
        "quantity": format_quantity(medicine.typical_quantity),
    }


@requires(Capability.WRITE_NOTES)
@require_POST
def lines_check(request: SignedInRequest) -> HttpResponse:
    """Allergy stops and duplicates of the lines as they stand; lines that are not complete yet are passed over."""
    visits = Visit.objects.visible_to(request.user)
    try:
        visit = get_object_or_404(visits, pk=UUID(request.POST.get("visit", "")))
    except ValueError:
        raise Http404 from None
    patient = get_object_or_404(Patient.objects.visible_to(request.user).for_header(), pk=visit.patient_id)
    numbered = medicine_lines(request.POST)
    warnings = prescribing.check_lines(patient, [line for _number, line in numbered])
    context = {"warnings": [(numbered[warning.line][0], warning) for warning in warnings]}
    return render(request, "pharmacy/_line_warnings.html", context)
