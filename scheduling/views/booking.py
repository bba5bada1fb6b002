"""Booking for a patient at the desk, and patients who come without an appointment."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.errors import DomainError
from core.http import domain_errors, status_of
from core.ids import uuid_or_none
from patients.merged import current_patient
from patients.models import Patient
from patients.search import find_patients
from patients.services import record_chart_read, record_search
from patients.visit_checks import visit_checks
from scheduling import querysets, services
from scheduling.forms import BookingForm, DeskBookingForm, FollowUpForm, PatientSearchForm, WalkInForm
from scheduling.models import Appointment, Service, Slot
from scheduling.views.waitlist import wish_step

FOLLOW_UP_DAYS = 30  # how long a doctor's wish stands when nothing else is said


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
    patient = current_patient(request.user, pk)
    if request.method != "POST":
        record_chart_read(patient=patient, actor=request.user, what="booking")
    slot = offered_slot(request)
    form = DeskBookingForm(
        request.POST or None,
        services=further_services(slot),
        initial={"idempotency_key": uuid4(), "source": _source(request)},
    )
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
    context = _booking_context(request, patient, form, slot) | {
        "book_url": reverse("scheduling:patient-book", args=[patient.pk]),
        "no_shows": querysets.no_show_count(patient.pk),
    }
    return render(request, "scheduling/patient_book.html", context, status=status)


@requires(Capability.WRITE_NOTES)
def follow_up(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The doctor books the next visit of an own patient into an own session; it needs nobody's approval."""
    patient = _own_patient(request, pk)
    if request.method != "POST":
        record_chart_read(patient=patient, actor=request.user, what="booking")
    slot = offered_slot(request, of_doctor=request.user.pk)
    form = FollowUpForm(request.POST or None, services=further_services(slot), initial={"idempotency_key": uuid4()})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            with domain_errors(request, form=form) as outcome:
                appointment = services.book_appointment(
                    patient_id=patient.pk, slot_id=data["slot"], complaint=data["complaint"], actor=request.user,
                    source=Appointment.Source.FOLLOW_UP, idempotency_key=data["idempotency_key"],
                    extra_service_ids=data["extra"],
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, _("Booked. The patient gets a mail when there is an address."))
                return redirect("scheduling:appointment-detail", appointment.pk)
            status = outcome.status
    context = _booking_context(request, patient, form, slot) | {
        "book_url": reverse("scheduling:follow-up", args=[patient.pk]), "is_follow_up": True,
    }  # fmt: skip
    context["offers"] = [offer for offer in context["offers"] if offer.doctor.pk == request.user.pk]
    return render(request, "scheduling/patient_book.html", context, status=status)


@requires(Capability.WRITE_NOTES)
@require_http_methods(["GET", "HEAD", "POST"])
def follow_up_ask(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """No own time fits: leave a wish for the desk, which finds one. The patient is told as of any wish."""
    patient = _own_patient(request, pk)
    if request.method != "POST":
        record_chart_read(patient=patient, actor=request.user, what="booking")
    return wish_step(
        request, patient, days=FOLLOW_UP_DAYS, doctor=request.user.pk,
        success=_("The patient is on the waiting list. The desk sees it."), then=("patients:detail", patient.pk),
    )  # fmt: skip


@requires(Capability.CHECK_IN)
def walk_in(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Register a patient who is here without an appointment and give a queue number."""
    patient = current_patient(request.user, pk)
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
                    complaint=form.cleaned_data["complaint"], priority=form.cleaned_data["priority"],
                    extra_service_ids=tuple(form.cleaned_data["extra"]),
                )  # fmt: skip
            if outcome.ok:
                return redirect("scheduling:ticket-slip", visit.pk)
            status = outcome.status
    checks = visit_checks(patient, clock.today(), user=request.user)
    context = {"patient": patient, "form": form, "checks": checks}
    return render(request, "scheduling/walk_in.html", context, status=status)


def _own_patient(request: SignedInRequest, pk: UUID) -> Patient:
    """A patient of the own care team; another role of the same person opens no more here."""
    patient = current_patient(request.user, pk)
    if not Patient.objects.in_care_of(request.user).filter(pk=patient.pk).exists():
        raise Http404
    return patient


def offered_slot(request: SignedInRequest, *, of_doctor: UUID | None = None) -> Slot | None:
    """The slot that the form or the address names, when it belongs to what is offered (by this doctor)."""
    slot_id = uuid_or_none(request.POST.get("slot") or request.GET.get("slot", ""))
    if slot_id is None:
        return None
    slots = Slot.objects.offered().select_related("session__doctor__staff_profile", "session__service")
    if of_doctor is not None:
        slots = slots.filter(session__doctor_id=of_doctor)
    return slots.filter(pk=slot_id).first()


def further_services(slot: Slot | None) -> list[Service]:
    """What the doctor of a slot gives besides the service of the session."""
    if slot is None:
        return []
    return list(services.services_of(slot.session.doctor).exclude(pk=slot.session.service_id))


def _source(request: SignedInRequest) -> str:
    asked = request.GET.get("source", "")
    return asked if asked == Appointment.Source.PHONE else Appointment.Source.RECEPTION


def _book(request: SignedInRequest, patient: Patient, data: dict[str, Any]) -> Appointment:
    return services.book_appointment(
        patient_id=patient.pk,
        slot_id=data["slot"],
        complaint=data["complaint"],
        actor=request.user,
        source=data["source"],
        idempotency_key=data["idempotency_key"],
        extra_service_ids=data["extra"],
    )


def _booking_context(
    request: SignedInRequest, patient: Patient, form: BookingForm, slot: Slot | None
) -> dict[str, Any]:
    now = clock.now()
    day = clock.local(slot.starts_at).date() if slot is not None else clock.today()
    return {
        "patient": patient,
        "checks": visit_checks(patient, day, user=request.user),
        "form": form,
        "slot": slot,
        "times": querysets.times_around(slot, now) if slot is not None else None,
        "offers": querysets.offers(now) if slot is None else [],
    }
