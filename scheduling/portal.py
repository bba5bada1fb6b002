"""Booking by the patient: doctor, time, complaint, check, done. Works without script; addresses carry slot ids only."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import PortalRequest, patient_portal
from core import clock
from core.errors import DomainError
from core.http import status_of
from core.ids import uuid_or_none
from core.pagination import keyset_page
from patients.persons import own_or_404
from patients.services import record_part_read
from scheduling import querysets, services
from scheduling.errors import SlotTaken
from scheduling.forms import BookingForm, ComplaintForm
from scheduling.models import Appointment, Slot
from scheduling.views.common import reason_step

Status = Appointment.Status
OPEN = (Status.PENDING, Status.APPROVED)


@patient_portal
@require_safe
def book(request: PortalRequest) -> HttpResponse:
    """Step 1: doctors and services with their next free day."""
    now = clock.now()
    context = {
        "offers": querysets.offers(now),
        "open_count": _future(request, now).count(),
        "most": services.MAX_FUTURE_APPOINTMENTS,
        "today": clock.today(),
    }
    return render(request, "scheduling/portal_book.html", {**context, **_steps(1)})


@patient_portal
@require_safe
def book_times(request: PortalRequest) -> HttpResponse:
    """Step 2: the free times of the doctor and service that `?slot=` stands for."""
    slot = _slot(request)
    if slot is None:
        return _start_again(request)
    times = querysets.times_around(slot, clock.now())
    return render(request, "scheduling/portal_times.html", {"slot": slot, "times": times, **_steps(2)})


@patient_portal
def book_complaint(request: PortalRequest) -> HttpResponse:
    """Step 3: what the visit is about. A POST comes back from the check page with the text."""
    slot = _slot(request)
    if slot is None:
        return _start_again(request)
    if not Slot.objects.bookable(clock.now()).filter(pk=slot.pk).exists():
        return _lost(request, slot, request.POST.get("complaint", ""))
    form = ComplaintForm(initial={"complaint": request.POST.get("complaint", "")})
    return render(request, "scheduling/portal_complaint.html", {"slot": slot, "form": form, **_steps(3)})


@patient_portal
def book_check(request: PortalRequest) -> HttpResponse:
    """Step 4: everything once more before it is sent. Opened by address, it asks for the complaint first."""
    slot = _slot(request)
    if slot is None:
        return _start_again(request)
    if request.method != "POST":
        return redirect(f"{reverse('scheduling:portal-book-complaint')}?slot={slot.pk}")
    form = ComplaintForm(request.POST)
    if not form.is_valid():
        context = {"slot": slot, "form": form, **_steps(3)}
        return render(request, "scheduling/portal_complaint.html", context, status=422)
    if not Slot.objects.bookable(clock.now()).filter(pk=slot.pk).exists():
        return _lost(request, slot, form.cleaned_data["complaint"])
    return _check_page(request, slot, form.cleaned_data["complaint"], uuid4())


@patient_portal
@require_POST
def book_confirm(request: PortalRequest) -> HttpResponse:
    """Send the booking. The key of the form makes a double click one booking; a lost time offers others."""
    form = BookingForm(request.POST)
    slot = _slot(request)
    if slot is None or not form.is_valid():
        return _start_again(request)
    data = form.cleaned_data
    try:
        appointment = services.book_appointment(
            patient_id=request.patient.pk, slot_id=slot.pk, complaint=data["complaint"], actor=request.user,
            source=Appointment.Source.PORTAL, idempotency_key=data["idempotency_key"],
        )  # fmt: skip
    except SlotTaken:
        return _lost(request, slot, data["complaint"])
    except DomainError as error:
        messages.error(request, str(error))
        return _check_page(request, slot, data["complaint"], uuid4(), status=status_of(error))
    return redirect(f"{services.portal_path(appointment)}?booked=1")


@patient_portal
@require_safe
def appointment_list(request: PortalRequest) -> HttpResponse:
    """The patient's own appointments: those ahead first, then the history."""
    now = clock.now()
    mine = Appointment.objects.visible_to(request.user).filter(patient=request.patient).for_names()
    ahead = [row for row in mine.filter(slot__ends_at__gt=now).order_by("slot__starts_at") if row.active]
    past = keyset_page(
        request.GET, mine.exclude(pk__in=[row.pk for row in ahead]), order=("-slot__starts_at", "-id"), size=20
    )
    return render(request, "scheduling/portal_appointment_list.html", {"ahead": ahead, "past": past, "now": now})


@patient_portal
@require_safe
def appointment_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One own appointment with its status; after booking, the confirmation."""
    appointment = _own(request, pk)
    record_part_read(patient_id=appointment.patient_id, actor=request.user, what="appointment", target=appointment)
    may_cancel = appointment.status in OPEN and appointment.slot.starts_at > clock.now()
    context = {
        "appointment": appointment,
        "may_cancel": may_cancel,
        "is_new": "booked" in request.GET and appointment.status in OPEN,
        "visit": getattr(appointment, "visit", None),
    }
    return render(request, "scheduling/portal_appointment_detail.html", context)


@patient_portal
def appointment_cancel(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Cancel an own appointment that is still ahead."""
    appointment = _own(request, pk)
    return reason_step(
        request,
        call=lambda reason: services.cancel_appointment(
            appointment_id=appointment.pk, actor=request.user, reason=reason
        ),
        words={
            "title": _("Cancel this appointment?"),
            "appointment": appointment,
            "verb": _("Yes, cancel the appointment"),
            "help": _("You may leave this empty."),
            "back_url": services.portal_path(appointment),
        },
        success=_("Your appointment is cancelled."),
        default="scheduling:portal-appointment-list",
        is_optional=True,
        template="scheduling/portal_reason.html",
    )


def _own(request: PortalRequest, pk: UUID) -> Appointment:
    mine = Appointment.objects.visible_to(request.user).for_list().select_related("visit__ticket")
    return own_or_404(request, mine, pk=pk)


def _slot(request: PortalRequest) -> Slot | None:
    """The slot that the form or the address names, when it belongs to what the clinic offers."""
    slot_id = uuid_or_none(request.POST.get("slot") or request.GET.get("slot", ""))
    if slot_id is None:
        return None
    slots = Slot.objects.offered().select_related("session__doctor__staff_profile", "session__service")
    return slots.filter(pk=slot_id).first()


def _future(request: PortalRequest, now: Any) -> Any:
    mine = Appointment.objects.visible_to(request.user).filter(patient=request.patient)
    return mine.filter(status__in=OPEN, slot__ends_at__gt=now)


def _check_page(request: PortalRequest, slot: Slot, complaint: str, key: UUID, status: int = 200) -> HttpResponse:
    form = BookingForm(initial={"slot": slot.pk, "complaint": complaint, "idempotency_key": key})
    context = {"slot": slot, "complaint": complaint, "form": form, **_steps(4)}
    return render(request, "scheduling/portal_check.html", context, status=status)


def _lost(request: PortalRequest, slot: Slot, complaint: str) -> HttpResponse:
    """Say that the time is gone, keep the complaint, and offer other times of the same doctor."""
    times = querysets.times_around(slot, clock.now())
    if not times.parts and times.days:
        first = Slot.objects.offered().select_related("session").get(pk=times.days[0].slot_id)
        times = querysets.times_around(first, clock.now())
    context = {"slot": slot, "times": times, "complaint": complaint, **_steps(2)}
    return render(request, "scheduling/portal_lost.html", context, status=409)


def _start_again(request: PortalRequest) -> HttpResponse:
    messages.warning(request, _("Please choose a doctor and a time again."))
    return redirect("scheduling:portal-book")


def _steps(current: int) -> dict[str, Any]:
    return {"steps": [_("Doctor"), _("Time"), _("Complaint"), _("Check")], "current": current}
