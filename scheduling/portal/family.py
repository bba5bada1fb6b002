"""Several people in one go: who, times one after another, what each is about, all of them or none.

People travel in forms only, never in addresses; the steps after the first are answers to a form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.guards import PortalRequest, patient_portal
from core.errors import DomainError
from core.http import status_of
from core.ids import uuid_or_none
from patients.persons import Person
from scheduling import querysets, services
from scheduling.errors import SlotTaken
from scheduling.forms import ComplaintForm
from scheduling.models import Appointment, Slot
from scheduling.portal import choices
from scheduling.runs import days_with_runs
from scheduling.services.families import MOST_PEOPLE, FamilyItem


@dataclass
class Seat:
    """One person of the family with a time and what it is about."""

    person: Person
    form: ComplaintForm
    slot: Slot | None = None

    @property
    def complaint(self) -> str:
        return self.form[COMPLAINT].value() or ""


COMPLAINT = "complaint"


@patient_portal(is_account_page=True)
@require_safe
def people(request: PortalRequest) -> HttpResponse:
    """Step 1: who is to be seen by the doctor that `?slot=` stands for."""
    choice = choices.choice_of(request)
    if choice is None or not request.portal.has_choice:
        return redirect("scheduling:portal-book")
    return _people_page(request, choice.slot)


@patient_portal(is_account_page=True)
def times(request: PortalRequest) -> HttpResponse:
    """Step 2: free times one after another, enough for everybody."""
    choice = choices.choice_of(request)
    if request.method != "POST" or choice is None:
        return _start_again(request)
    seats = _seats(request)
    if not 2 <= len(seats) <= MOST_PEOPLE:
        messages.error(request, _("Choose between 2 and %(most)d people.") % {"most": MOST_PEOPLE})
        return _people_page(request, choice.slot, seats, status=422)
    return _times_page(request, choice.slot, seats)


@patient_portal(is_account_page=True)
def check(request: PortalRequest) -> HttpResponse:
    """Step 3: each person with a time, and what it is about."""
    choice = choices.choice_of(request)
    seats = _seats(request)
    if request.method != "POST" or choice is None or len(seats) < 2:
        return _start_again(request)
    row = querysets.row_of_times(choice.slot, len(seats))
    if len(row) < len(seats):
        return _lost(request, choice.slot, seats)
    for seat, slot in zip(seats, row, strict=True):
        seat.slot = slot
    return _check_page(request, seats, uuid4())


@patient_portal(is_account_page=True)
def confirm(request: PortalRequest) -> HttpResponse:
    """Book for all of them at once. The key of the form makes a double click one act."""
    seats = _seats(request, must_have_text=True)
    key = uuid_or_none(request.POST.get("idempotency_key", ""))
    slots = _posted_slots(request)
    if request.method != "POST" or key is None or len(seats) < 2 or len(slots) != len(seats):
        return _start_again(request)
    for seat, slot in zip(seats, slots, strict=True):
        seat.slot = slot
    if not all(seat.form.is_valid() for seat in seats):
        return _check_page(request, seats, key, status=422)
    items = [
        FamilyItem(seat.person.patient.pk, slot.pk, seat.form.cleaned_data[COMPLAINT])
        for seat, slot in zip(seats, slots, strict=True)
    ]
    try:
        services.book_family(items=items, actor=request.user, source=Appointment.Source.PORTAL, idempotency_key=key)
    except SlotTaken:
        return _lost(request, slots[0], seats)
    except DomainError as error:
        messages.error(request, str(error))
        return _check_page(request, seats, uuid4(), status=status_of(error))
    messages.success(request, _("All bookings are sent."))
    return redirect("scheduling:portal-family-list")


def _seats(request: PortalRequest, *, must_have_text: bool = False) -> list[Seat]:
    """Return the chosen people in the order of the page, with what was typed for each; strangers are left out."""
    wanted = {uuid_or_none(text) for text in request.POST.getlist("people")}
    chosen = [person for person in request.portal.persons if person.patient.pk in wanted]
    return [Seat(person, _complaint_form(request, person.patient.pk, must_have_text)) for person in chosen]


def _complaint_form(request: PortalRequest, patient_id: UUID, must_have_text: bool) -> ComplaintForm:
    prefix = f"p{patient_id.hex}"
    has_text = f"{prefix}-{COMPLAINT}" in request.POST
    return ComplaintForm(request.POST if has_text or must_have_text else None, prefix=prefix)


def _posted_slots(request: PortalRequest) -> list[Slot]:
    ids = [uuid_or_none(text) for text in request.POST.getlist("slots")[:MOST_PEOPLE]]
    found = Slot.objects.offered().filter(pk__in=[one for one in ids if one is not None])
    rows = {slot.pk: slot for slot in found.select_related("session__doctor__staff_profile", "session__service")}
    return [rows[one] for one in ids if one in rows]


def _people_page(request: PortalRequest, slot: Slot, seats: Sequence[Seat] = (), status: int = 200) -> HttpResponse:
    chosen = {seat.person.patient.pk for seat in seats} or {person.patient.pk for person in request.portal.persons}
    context = {"slot": slot, "chosen": chosen, "most": MOST_PEOPLE}
    return render(request, "scheduling/portal_family.html", {**context, **_steps(1)}, status=status)


def _times_page(request: PortalRequest, slot: Slot, seats: Sequence[Seat], status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"slot": slot, "seats": seats, "days": days_with_runs(slot, len(seats))}
    return render(request, "scheduling/portal_family_times.html", {**context, **_steps(2)}, status=status)


def _check_page(request: PortalRequest, seats: Sequence[Seat], key: UUID, status: int = 200) -> HttpResponse:
    slots = [seat.slot for seat in seats if seat.slot is not None]
    price = sum(slot.session.service.price_idr for slot in slots)
    context: dict[str, Any] = {"seats": seats, "slot": slots[0], "price_idr": price, "key": key}
    return render(request, "scheduling/portal_family_check.html", {**context, **_steps(3)}, status=status)


def _lost(request: PortalRequest, slot: Slot, seats: Sequence[Seat]) -> HttpResponse:
    """Say that the times are gone and offer others; people and complaints are kept."""
    messages.error(request, _("One of these times has just been taken, so nothing was booked. Please choose others."))
    return _times_page(request, slot, seats, status=409)


def _start_again(request: PortalRequest) -> HttpResponse:
    choice = choices.choice_of(request)
    if choice is None:
        messages.warning(request, _("Please choose a doctor and a time again."))
        return redirect("scheduling:portal-book")
    return redirect(f"{reverse('scheduling:portal-family-book')}?slot={choice.slot.pk}")


def _steps(current: int) -> dict[str, Any]:
    return {"steps": [_("People"), _("Times"), _("Complaint")], "current": current}
