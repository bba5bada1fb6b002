"""Appointments for staff: list, decide, arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.http import domain_errors
from core.pagination import keyset_page
from patients.access import may_read_record
from patients.models import Patient
from patients.services import record_part_read
from patients.visit_checks import visit_checks
from scheduling import services
from scheduling.forms import AppointmentFilterForm, CodeForm
from scheduling.models import Appointment, Visit
from scheduling.views.common import act, back, chosen_priority, reason_step

Status = Appointment.Status
READERS = (Capability.BOOK_APPOINTMENTS, Capability.APPROVE_APPOINTMENTS, Capability.WRITE_NOTES)


@requires(*READERS)
@require_safe
def appointment_list(request: SignedInRequest) -> HttpResponse:
    """Appointments by status, date and doctor; those waiting for approval stand first."""
    return render(request, "scheduling/appointment_list.html", _list_context(request))


@requires(*READERS)
@require_safe
def appointment_list_panel(request: SignedInRequest) -> HttpResponse:
    """The rows of the list with the same filters, for the live refresh."""
    return render(request, "scheduling/_appointment_list_panel.html", _list_context(request))


@requires(*READERS)
@require_safe
def appointment_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One appointment with complaint, status and what can be done now."""
    appointments = Appointment.objects.visible_to(request.user).for_list()
    appointment = get_object_or_404(appointments.select_related("booked_by", "decided_by", "visit__ticket"), pk=pk)
    patient = Patient.objects.visible_to(request.user).for_header().filter(pk=appointment.patient_id).first()
    visit = getattr(appointment, "visit", None)
    record_part_read(patient_id=appointment.patient_id, actor=request.user, what="appointment", target=appointment)
    day, is_ahead = clock.local(appointment.slot.starts_at).date(), appointment.active == 1 and visit is None
    context = {
        "appointment": appointment,
        "appointment_priorities": Visit.Priority.choices,
        "visit": visit,
        "lines": list(appointment.lines.select_related("service")),
        "moves": list(appointment.moves.select_related("from_slot", "to_slot", "moved_by")),
        "patient": patient,
        "checks": visit_checks(patient, day, user=request.user) if patient is not None and is_ahead else None,
        "may_read_complaint": patient is not None and may_read_record(request.user, patient),
        **_rights(request.user),
        **_clock(),
    }
    return render(request, "scheduling/appointment_detail.html", context)


@requires(Capability.APPROVE_APPOINTMENTS)
@require_POST
def appointment_approve(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Accept a booking."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
    return act(
        request,
        lambda: services.approve_appointment(appointment_id=appointment.pk, actor=request.user),
        _("Booking approved. The patient gets a mail."),
        "scheduling:appointment-list",
    )


@requires(Capability.APPROVE_APPOINTMENTS)
def appointment_reject(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Refuse a booking with a reason."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).for_names(), pk=pk)
    return reason_step(
        request,
        call=lambda reason: services.reject_appointment(
            appointment_id=appointment.pk, actor=request.user, reason=reason
        ),
        words=_words(appointment, _("Reject this booking?"), _("Reject the booking")),
        success=_("Booking rejected. The patient gets a mail with the reason."),
        default="scheduling:appointment-list",
    )


@requires(Capability.BOOK_APPOINTMENTS, Capability.APPROVE_APPOINTMENTS)
def appointment_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Cancel a booking with a reason; the time is free again."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).for_names(), pk=pk)
    return reason_step(
        request,
        call=lambda reason: services.cancel_appointment(
            appointment_id=appointment.pk, actor=request.user, reason=reason
        ),
        words=_words(appointment, _("Cancel this appointment?"), _("Yes, cancel the appointment")),
        success=_("Appointment cancelled. The patient gets a mail."),
        default="scheduling:appointment-list",
    )


@requires(Capability.CHECK_IN)
@require_POST
def appointment_check_in(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The patient is here: give a queue number and show the slip."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
    with domain_errors(request) as outcome:
        visit = services.check_in(
            appointment_id=appointment.pk, actor=request.user, priority=chosen_priority(request.POST.get("priority"))
        )
    return redirect("scheduling:ticket-slip", visit.pk) if outcome.ok else back(request, "scheduling:appointment-list")


@requires(Capability.BOOK_APPOINTMENTS)
@require_POST
def appointment_find(request: SignedInRequest) -> HttpResponse:
    """Open the appointment of a booking code; sent by POST, so that codes stay out of addresses."""
    form = CodeForm(request.POST)
    found = None
    if form.is_valid():
        appointments = Appointment.objects.visible_to(request.user).only("id")
        found = appointments.filter(code=form.cleaned_data["code"]).first()
    if found is None:
        messages.error(request, _("There is no booking with this code. Check it, or search by the patient's name."))
        return redirect("scheduling:appointment-list")
    return redirect("scheduling:appointment-detail", found.pk)


@requires(Capability.CHECK_IN)
@require_POST
def appointment_no_show_undo(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The patient did come: take the mark back on the same day."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
    return act(
        request,
        lambda: services.undo_no_show(appointment_id=appointment.pk, actor=request.user),
        _("The mark is taken back. The patient can be checked in."),
        "scheduling:appointment-list",
    )


@requires(Capability.CHECK_IN)
@require_POST
def appointment_no_show(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Note that the patient did not come."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user), pk=pk)
    return act(
        request,
        lambda: services.mark_no_show(appointment_id=appointment.pk, actor=request.user),
        _("Marked as not come."),
        "scheduling:appointment-list",
    )


@requires(Capability.BOOK_APPOINTMENTS, Capability.CHECK_IN, Capability.VIEW_CHART)
@require_safe
def patient_appointments_panel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The latest appointments of one patient, for other screens about this patient."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).only("id"), pk=pk)
    appointments = Appointment.objects.visible_to(request.user).filter(patient=patient).for_names()
    may_follow_up = has_capability(request.user, Capability.WRITE_NOTES)
    context = {
        "patient_id": patient.pk,
        "may_follow_up": may_follow_up,
        "appointments": list(appointments.order_by("-slot__starts_at")[:8]),
    }
    return render(
        request, "scheduling/_patient_appointments_panel.html", {**context, **_rights(request.user), **_clock()}
    )


def _list_context(request: SignedInRequest) -> dict[str, Any]:
    form = AppointmentFilterForm(request.GET)
    view = request.GET.get("view", "")
    view = view if view in ("today", "past") else "ahead"
    appointments = _filtered(Appointment.objects.visible_to(request.user), form, view)
    order = ("rank", "-slot__starts_at" if view == "past" else "slot__starts_at", "id")
    return {
        "form": form,
        "code_form": CodeForm(),
        "page": keyset_page(request.GET, appointments.for_names(), order=order),
        "tabs": _tabs(view),
        "view": view,
        "panel_query": request.GET.urlencode(),
        **_rights(request.user),
        **_clock(),
    }


def _filtered(appointments: Any, form: AppointmentFilterForm, view: str) -> Any:
    day, status, doctor = form.value("day"), form.value("status"), form.value("doctor")
    start, end = clock.day_bounds(day or clock.today())
    if day or view == "today":
        appointments = appointments.filter(slot__starts_at__gte=start, slot__starts_at__lt=end)
    elif view == "past":
        appointments = appointments.filter(slot__starts_at__lt=start)
    else:
        appointments = appointments.filter(slot__starts_at__gte=start)
    if status:
        appointments = appointments.filter(status=status)
    if doctor:
        appointments = appointments.filter(doctor=doctor)
    if service := form.value("service"):
        appointments = appointments.filter(lines__service=service)  # one row for each service at most: UNIQUE
    if room := form.value("room"):
        appointments = appointments.filter(slot__session__station=room)
    return appointments.annotate(rank=Case(When(status=Status.PENDING, then=Value(0)), default=Value(1)))


def _tabs(view: str) -> list[dict[str, Any]]:
    url = reverse("scheduling:appointment-list")
    labels = (("ahead", _("Ahead"), "calendar"), ("today", _("Today"), "clock"), ("past", _("Past"), "history"))
    return [
        {"label": label, "url": f"{url}?view={name}", "active": name == view, "icon": icon, "count": 0}
        for name, label, icon in labels
    ]


def _rights(user: Any) -> dict[str, bool]:
    may_decide = has_capability(user, Capability.APPROVE_APPOINTMENTS)
    may_book = has_capability(user, Capability.BOOK_APPOINTMENTS)
    return {
        "may_decide": may_decide,
        "may_book": may_book,
        "may_cancel": may_decide or may_book,
        "may_check_in": has_capability(user, Capability.CHECK_IN),
    }


def _clock() -> dict[str, Any]:
    today = clock.today()
    start, end = clock.day_bounds(today)
    return {"now": clock.now(), "today": today, "today_start": start, "today_end": end - timedelta(microseconds=1)}


def _words(appointment: Appointment, title: str, verb: str) -> dict[str, Any]:
    return {
        "title": title,
        "appointment": appointment,
        "verb": verb,
        "help": _("The patient reads this in the mail and in the portal."),
        "back_url": reverse("scheduling:appointment-detail", args=[appointment.pk]),
    }
