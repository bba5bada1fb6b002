"""The waiting list at the desk: who waits for what, and answers given by telephone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.http import domain_errors
from core.pagination import keyset_page
from patients.merged import current_patient
from patients.models import Patient
from patients.services import record_chart_read
from scheduling import services
from scheduling.forms import ComplaintForm, WaitlistFilterForm
from scheduling.forms.portal import WishForm
from scheduling.models import Appointment, WaitlistEntry
from scheduling.models.appointments import UNLISTED
from scheduling.views.common import act

USUAL_DAYS = 14
Status = WaitlistEntry.Status


@requires(Capability.BOOK_APPOINTMENTS)
@require_safe
def waitlist(request: SignedInRequest) -> HttpResponse:
    """Who waits, oldest wish first; those with an offer stand first of all."""
    return render(request, "scheduling/waitlist.html", _list_context(request))


@requires(Capability.BOOK_APPOINTMENTS)
@require_safe
def waitlist_panel(request: SignedInRequest) -> HttpResponse:
    """The rows of the list with the same filters, for the live refresh."""
    return render(request, "scheduling/_waitlist_panel.html", _list_context(request))


@requires(Capability.BOOK_APPOINTMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def patient_wish(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Put a patient on the waiting list."""
    patient = current_patient(request.user, pk)
    if request.method != "POST":
        record_chart_read(patient=patient, actor=request.user, what="booking")
    return wish_step(
        request,
        patient,
        days=USUAL_DAYS,
        success=_("The patient is on the waiting list."),
        then=("scheduling:waitlist",),
    )


def wish_step(
    request: SignedInRequest, patient: Patient, *, days: int, success: str, then: tuple[Any, ...], **known: Any
) -> HttpResponse:
    """Ask for a wish from today on for so many days, put it on the waiting list, and go to `then` (a route and its ids).

    `known` are first values beside the usual ones; with a doctor it is a follow-up.
    """
    today = clock.today()
    usual = {"first_on": today, "last_on": today + timedelta(days=days), "part": WaitlistEntry.Part.ANY}
    form, status = WishForm(request.POST or None, initial=usual | known), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            with domain_errors(request, form=form) as outcome:
                services.join_waitlist(
                    patient_id=patient.pk, service_id=data["service"].pk, actor=request.user,
                    first_on=data["first_on"], last_on=data["last_on"], part=data["part"],
                    doctor_id=data["doctor"].pk if data["doctor"] else None,
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, success)
                return redirect(*then)
            status = outcome.status
    context = {"patient": patient, "form": form, "is_follow_up": "doctor" in known}
    return render(request, "scheduling/waitlist_join.html", context, status=status)


@requires(Capability.BOOK_APPOINTMENTS)
@require_POST
def wish_withdraw(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a wish off the list."""
    entry = get_object_or_404(WaitlistEntry.objects.visible_to(request.user).only("id"), pk=pk)
    return act(
        request,
        lambda: services.withdraw_wish(entry_id=entry.pk, actor=request.user),
        _("The wish is taken off the list."),
        "scheduling:waitlist",
    )


@requires(Capability.BOOK_APPOINTMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def offer_accept(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The patient takes the offered time, by telephone: ask what the visit is about, then book."""
    appointments = Appointment.objects.visible_to(request.user).for_names()
    appointment = get_object_or_404(appointments, pk=pk)
    form, status = ComplaintForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.accept_offer(
                    appointment_id=appointment.pk, actor=request.user, complaint=form.cleaned_data["complaint"]
                )
            if outcome.ok:
                messages.success(request, _("Booked. The patient gets a mail when there is an address."))
                return redirect("scheduling:appointment-detail", appointment.pk)
            status = outcome.status
    return render(request, "scheduling/waitlist_accept.html", {"appointment": appointment, "form": form}, status=status)


@requires(Capability.BOOK_APPOINTMENTS)
@require_POST
def offer_decline(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The patient does not want the offered time: it goes to the next one."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).only("id"), pk=pk)
    return act(
        request,
        lambda: services.decline_offer(appointment_id=appointment.pk, actor=request.user),
        _("The time goes to somebody else. The patient stays on the waiting list."),
        "scheduling:waitlist",
    )


def _list_context(request: SignedInRequest) -> dict[str, Any]:
    form = WaitlistFilterForm(request.GET)
    entries = WaitlistEntry.objects.visible_to(request.user)
    status, service, doctor = form.value("status"), form.value("service"), form.value("doctor")
    entries = entries.filter(status__in=[status] if status else [Status.WAITING, Status.OFFERED])
    if service:
        entries = entries.filter(service=service)
    if doctor:
        entries = entries.filter(doctor=doctor)
    rows = entries.select_related(
        "patient", "service", "doctor__staff_profile", "offer__slot", "offer__doctor__staff_profile"
    )
    page = keyset_page(request.GET, rows.defer("offer__complaint", "offer__reason", *UNLISTED), order=("status", "id"))
    return {"form": form, "page": page, "panel_query": request.GET.urlencode()}
