"""Booking by the patient: doctor, time, complaint, check, done. Works without script; addresses carry slots and services only."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import PortalRequest, patient_portal
from accounts.models import Specialty
from core import clock
from core.errors import DomainError
from core.http import status_of
from core.ids import uuid_or_none
from patients import persons
from scheduling import querysets, services
from scheduling.errors import SlotTaken
from scheduling.forms import BookingForm, ComplaintForm
from scheduling.models import Appointment, Slot
from scheduling.portal import choices
from scheduling.portal.choices import Choice
from scheduling.portal.steps import future_of, is_free, start_again, steps


@patient_portal
@require_safe
def book(request: PortalRequest) -> HttpResponse:
    """Step 1: doctors and services with their next free day."""
    found = querysets.offers(clock.now())
    names = sorted({one.doctor.staff_profile.specialty for one in found})
    wanted = request.GET.get("specialty", "")
    wanted = wanted if wanted in names else ""
    kept = choices.kept(request)
    context = {
        "offers": [one for one in found if wanted in ("", one.doctor.staff_profile.specialty)],
        "specialties": [(name, Specialty(name).label) for name in names],
        "wanted": wanted,
        "kept": kept,
        "kept_url": choices.goes_on_at(kept) if kept is not None else "",
        "open_count": future_of(request).count(),
        "most": services.MAX_FUTURE_APPOINTMENTS,
    }
    return render(request, "scheduling/portal_book.html", {**context, **steps(1)})


@patient_portal(is_account_page=True)
@require_POST
def book_for(request: PortalRequest) -> HttpResponse:
    """Choose whom the booking is for, and go on with what is chosen already."""
    person = request.portal.find(uuid_or_none(request.POST.get("person", "")))
    if person is not None:
        persons.choose(request, person)
    choice = choices.choice_of(request)
    return redirect(choices.goes_on_at(choice)) if choice is not None else redirect("scheduling:portal-book")


@patient_portal
@require_safe
def book_times(request: PortalRequest) -> HttpResponse:
    """Step 2: the free times of the doctor and service that `?slot=` stands for, long enough for all services."""
    choice = choices.choice_of(request)
    if choice is None:
        return start_again(request)
    context = {
        "choice": choice,
        "slot": choice.slot,
        "times": querysets.times_around(choice.slot, clock.now(), minutes=choice.minutes),
        "more_services": choices.extras_of(choice.slot),
    }
    return render(request, "scheduling/portal_times.html", {**context, **steps(2)})


@patient_portal
def book_complaint(request: PortalRequest) -> HttpResponse:
    """Step 3: what the visit is about. A POST comes back from the check page with the text."""
    choice = choices.choice_of(request)
    if choice is None:
        return start_again(request)
    if not is_free(choice.slot):
        return _lost(request, choice, request.POST.get("complaint", ""))
    form = ComplaintForm(initial={"complaint": request.POST.get("complaint", "")})
    return _complaint_page(request, choice, form)


@patient_portal
def book_check(request: PortalRequest) -> HttpResponse:
    """Step 4: everything once more before it is sent. Opened by address, it asks for the complaint first."""
    choice = choices.choice_of(request)
    if choice is None:
        return start_again(request)
    if request.method != "POST":
        return redirect(choices.goes_on_at(choice))
    form = ComplaintForm(request.POST)
    if not form.is_valid():
        return _complaint_page(request, choice, form, status=422)
    if not is_free(choice.slot):
        return _lost(request, choice, form.cleaned_data["complaint"])
    return _check_page(request, choice, form.cleaned_data["complaint"], uuid4())


@patient_portal
@require_POST
def book_confirm(request: PortalRequest) -> HttpResponse:
    """Send the booking. The key of the form makes a double click one booking; a lost time offers others."""
    form = BookingForm(request.POST)
    choice = choices.choice_of(request)
    if choice is None or not form.is_valid():
        return start_again(request)
    data = form.cleaned_data
    try:
        appointment = services.book_appointment(
            patient_id=request.patient.pk, slot_id=choice.slot.pk, complaint=data["complaint"], actor=request.user,
            source=Appointment.Source.PORTAL, idempotency_key=data["idempotency_key"],
            extra_service_ids=choice.extra_ids,
        )  # fmt: skip
    except SlotTaken:
        return _lost(request, choice, data["complaint"])
    except DomainError as error:
        messages.error(request, str(error))
        return _check_page(request, choice, data["complaint"], uuid4(), status=status_of(error))
    answer = redirect(f"{services.portal_path(appointment)}?booked=1")
    choices.forget(answer)
    return answer


def _complaint_page(request: PortalRequest, choice: Choice, form: ComplaintForm, status: int = 200) -> HttpResponse:
    context = {"choice": choice, "slot": choice.slot, "form": form, **steps(3)}
    return render(request, "scheduling/portal_complaint.html", context, status=status)


def _check_page(request: PortalRequest, choice: Choice, complaint: str, key: UUID, status: int = 200) -> HttpResponse:
    form = BookingForm(initial={"slot": choice.slot.pk, "complaint": complaint, "idempotency_key": key})
    context = {"choice": choice, "slot": choice.slot, "complaint": complaint, "form": form, **steps(4)}
    return render(request, "scheduling/portal_check.html", context, status=status)


def _lost(request: PortalRequest, choice: Choice, complaint: str) -> HttpResponse:
    """Say that the time is gone, keep services and complaint, and offer the nearest times, then all of this doctor."""
    slot, now = choice.slot, clock.now()
    times = querysets.times_around(slot, now, minutes=choice.minutes)
    if not times.parts and times.days:
        first = Slot.objects.offered().select_related("session").get(pk=times.days[0].slot_id)
        times = querysets.times_around(first, now, minutes=choice.minutes)
    nearest = [] if choice.extras else querysets.alternatives(slot)  # those know the length of the own service only
    context = {
        "choice": choice, "slot": slot, "times": times, "nearest": nearest, "complaint": complaint, **steps(2)
    }  # fmt: skip
    return render(request, "scheduling/portal_lost.html", context, status=409)
