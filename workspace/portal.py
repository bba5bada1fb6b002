"""The patient's own pages: home, visits, one visit with what it found, what to do and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.guards import PortalRequest, patient_portal
from billing.models import Invoice
from core import clock
from core.http import domain_errors
from core.money import format_rupiah
from core.pagination import keyset_page
from patients.persons import own_or_404
from patients.services import record_chart_read
from pharmacy.models import Prescription
from scheduling.models import Appointment
from scheduling.portal import choices
from scheduling.services.estimates import estimate_for
from workspace import querysets, services
from workspace.querysets import Bill

if TYPE_CHECKING:
    from workspace.querysets import ClinicalVisit

WAITING = {Prescription.Status.NEW, Prescription.Status.PRICED}


@patient_portal
@require_GET
def home(request: PortalRequest) -> HttpResponse:
    """What is next and what waits for the patient."""
    return render(request, "workspace/portal_home_screen.html", _home(request))


@patient_portal
@require_GET
def home_panel(request: PortalRequest) -> HttpResponse:
    """The same as a fragment; fetched again when something changes."""
    return render(request, "workspace/_portal_home_panel.html", _home(request))


@patient_portal
@require_GET
def visits(request: PortalRequest) -> HttpResponse:
    """The patient's visits, newest first."""
    page = keyset_page(request.GET, querysets.own_visits(request.user).filter(patient=request.patient), size=15)
    record_chart_read(patient=request.patient, actor=request.user, what="history")
    entries = [querysets.entry_of(visit, None) for visit in page.rows]
    return render(request, "workspace/portal_visits_screen.html", {"page": page, "entries": entries})


@patient_portal
@require_GET
def visit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One visit: doctor, diagnosis, advice, vital signs, prescription and bill."""
    shown = _own_visit(request, pk)
    record_chart_read(patient=request.patient, actor=request.user, what="visit")
    return render(request, "workspace/portal_visit_screen.html", _visit(request, shown))


@patient_portal
@require_GET
def visit_panel(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Status, medicines and bill of a visit; fetched again when something changes."""
    return render(request, "workspace/_portal_visit_panel.html", _visit(request, _own_visit(request, pk)))


@patient_portal
@require_POST
def visit_confirm(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The patient confirms that everything was received."""
    shown = _own_visit(request, pk)
    with domain_errors(request) as outcome:
        services.confirm_finished(visit_id=shown.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("Thank you. Your visit is complete."))
    return redirect("workspace:portal-visit", pk=shown.pk)


@patient_portal
@require_POST
def visit_without_medicine(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The patient goes without the medicines; their cost comes off the bill."""
    shown = _own_visit(request, pk)
    with domain_errors(request) as outcome:
        services.finish_without_medicine(visit_id=shown.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("Your medicines are cancelled and taken off the bill."))
    return redirect("workspace:portal-visit", pk=shown.pk)


def _own_visit(request: PortalRequest, pk: UUID) -> ClinicalVisit:
    return own_or_404(request, querysets.own_visits(request.user), pk=pk)


def _home(request: PortalRequest) -> dict[str, Any]:
    user, patient = request.user, request.patient
    appointments = querysets.next_appointments(user, patient)
    today = clock.today()
    return {
        "patient": patient,
        "appointments": appointments,
        "may_arrive": any(
            row.status == Appointment.Status.APPROVED and clock.local(row.slot.starts_at).date() == today
            for row in appointments
        ),
        "open_visits": [(visit, estimate_for(visit)) for visit in querysets.open_visits(user, patient)],
        "kept": choices.kept(request),
        "bills": querysets.own_unpaid_bills(user, patient),
        "prescriptions": querysets.own_waiting_prescriptions(user, patient),
        "is_profile_complete": patient.profile_completed_at is not None,
    }


def _visit(request: PortalRequest, shown: ClinicalVisit) -> dict[str, Any]:
    entry = querysets.entry_of(shown, request.patient.birth_date)
    bill = querysets.bill_of(request.user, shown)
    waits_for_medicine = entry.prescription is not None and entry.prescription.status in WAITING
    is_settled = bill is not None and bill.invoice.status == Invoice.Status.PAID
    return {
        "visit": shown,
        "entry": entry,
        "bill": bill,
        "is_settled": is_settled,
        "can_skip_medicine": waits_for_medicine,
        "can_confirm": (
            shown.consulted_at is not None
            and shown.patient_confirmed_at is None
            and is_settled
            and not waits_for_medicine
        ),
        "skip_words": _skip_words(bill) if waits_for_medicine else "",
    }


def _skip_words(bill: Bill | None) -> str:
    """Return what "finish without medicine" does and what it costs, in one or two sentences."""
    gone = _("Your medicines are cancelled; you will not get them at our pharmacy.")
    if bill is None or not bill.medicine_idr:
        return _("%(gone)s You do not pay for them.") % {"gone": gone}
    rest = bill.without_medicine_idr
    if rest < 0:
        money = _("%(medicine)s comes off your bill and %(back)s is paid back at the cashier.")
    elif rest == 0:
        money = _("%(medicine)s comes off your bill. Nothing is left to pay.")
    else:
        money = _("%(medicine)s comes off your bill. You then still pay %(rest)s.")
    values = {"medicine": format_rupiah(bill.medicine_idr), "back": format_rupiah(-rest), "rest": format_rupiah(rest)}
    return f"{gone} {money % values}"
