"""Booking for a patient at the desk, and patients who come without an appointment."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.errors import DomainError
from core.http import domain_errors, status_of
from core.ids import uuid_or_none
from patients.models import Patient
from patients.search import find_patients
from patients.services import record_chart_read, record_search
from scheduling import querysets, services
from scheduling.forms import BookingForm, PatientSearchForm, WalkInForm
from scheduling.models import Appointment, Slot


@requires(Capability.BOOK_APPOINTMENTS)
def appointment_book(request: SignedInRequest) -> HttpResponse:
    """Find the patient to book for. A time chosen in the calendar stays chosen."""
    form = PatientSearchForm(request.POST or None)
    found, status = None, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            status = 200
            found = find_patients(user=request.user, query=form.cleaned_data["q"], limit=20)
            record_search(actor=request.user, query=form.cleaned_data["q"], hits=len(found))
    slot_id = uuid_or_none(request.GET.get("slot", ""))
    context = {"form": form, "found": found, "slot_id": slot_id}
    return render(request, "scheduling/appointment_book.html", context, status=status)


@requires(Capability.BOOK_APPOINTMENTS)
def patient_book(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Book for one patient: doctor, day, time, complaint on one page."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).for_header(), pk=pk)
    if request.method != "POST":
        record_chart_read(patient=patient, actor=request.user, what="booking")
    form = BookingForm(request.POST or None, initial={"idempotency_key": uuid4()})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                appointment = _book(request, patient, form.cleaned_data)
            except DomainError as error:
                form.add_error(None, str(error))
                status = status_of(error)
            else:
                messages.success(request, _("Booked. The patient gets a mail when there is an address."))
                return redirect("scheduling:appointment-detail", appointment.pk)
    slot_id = uuid_or_none(request.POST.get("slot") or request.GET.get("slot", ""))
    return render(request, "scheduling/patient_book.html", _booking_context(patient, form, slot_id), status=status)


@requires(Capability.CHECK_IN)
def walk_in(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Register a patient who is here without an appointment and give a queue number."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).for_header(), pk=pk)
    if request.method != "POST":
        record_chart_read(patient=patient, actor=request.user, what="booking")
    form = WalkInForm(
        request.POST or None,
        pairs=querysets.doctor_services(),
        waiting=querysets.waiting_counts(clock.today()),
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            doctor_id, service_id = form.ids()
            with domain_errors(request, form=form) as outcome:
                visit = services.register_walk_in(
                    patient_id=patient.pk, service_id=service_id, doctor_id=doctor_id, actor=request.user,
                    complaint=form.cleaned_data["complaint"], is_priority=form.cleaned_data["is_priority"],
                )  # fmt: skip
            if outcome.ok:
                return redirect("scheduling:ticket-slip", visit.pk)
            status = outcome.status
    return render(request, "scheduling/walk_in.html", {"patient": patient, "form": form}, status=status)


def _book(request: SignedInRequest, patient: Patient, data: dict[str, Any]) -> Appointment:
    return services.book_appointment(
        patient_id=patient.pk,
        slot_id=data["slot"],
        complaint=data["complaint"],
        actor=request.user,
        source=Appointment.Source.RECEPTION,
        idempotency_key=data["idempotency_key"],
    )


def _booking_context(patient: Patient, form: BookingForm, slot_id: UUID | None) -> dict[str, Any]:
    now = clock.now()
    slot = None
    if slot_id is not None:
        slots = Slot.objects.offered().select_related("session__doctor__staff_profile", "session__service")
        slot = slots.filter(pk=slot_id).first()
    return {
        "patient": patient,
        "form": form,
        "slot": slot,
        "times": querysets.times_around(slot, now) if slot is not None else None,
        "offers": querysets.offers(now) if slot is None else [],
    }
