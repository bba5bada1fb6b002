"""Several people in one go at the desk: who and what for, times side by side, what each is about, all of them or none.

People travel in forms only, never in addresses; the steps after the first are answers to a form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.http import domain_errors
from core.ids import uuid_or_none
from patients.guardians import family_of
from patients.merged import current_patient
from patients.models import Patient
from patients.search import find_patients
from patients.services import record_chart_read, record_search
from patients.visit_checks import VisitChecks, visit_checks
from scheduling import querysets, services
from scheduling.forms import FamilyForm, FamilySeatForm, FamilyServicesForm, PatientSearchForm
from scheduling.models import Service, Slot
from scheduling.runs import days_with_runs
from scheduling.services.families import MOST_PEOPLE, FamilyItem
from scheduling.services.lines import minutes_of
from scheduling.views.booking import further_services, offered_slot


@dataclass
class Seat:
    """One person of the family: what for, and on the last page when and about what."""

    person: Patient
    slot: Slot
    more: list[Service]
    form: FamilySeatForm | None = None
    checks: VisitChecks | None = None
    no_shows: int = 0

    @property
    def prefix(self) -> str:
        return prefix_of(self.person)

    @property
    def services(self) -> list[Service]:
        return [self.slot.session.service, *self.more]

    @property
    def minutes(self) -> int:
        return minutes_of(self.services)

    @property
    def price_idr(self) -> int:
        return sum(service.price_idr for service in self.services)


def prefix_of(person: Patient) -> str:
    """Return what the fields of one person begin with."""
    return f"p{person.pk.hex}"


@requires(Capability.BOOK_APPOINTMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def patient_family(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Step 1: the doctor that `?slot=` stands for, who is to be seen, and what for. A POST finds and adds somebody."""
    patient = current_patient(request.user, pk)
    if request.method != "POST":
        record_chart_read(patient=patient, actor=request.user, what="booking")
    slot = offered_slot(request)
    if slot is None:
        context = {
            "patient": patient, "offers": querysets.offers(clock.now()),
            "book_url": reverse("scheduling:patient-family", args=[patient.pk]),
        }  # fmt: skip
        return render(request, "scheduling/patient_family_doctor.html", context)
    if request.method != "POST" or "add" in request.POST:
        return _people_page(request, patient, slot)
    form = PatientSearchForm(request.POST)
    if not form.is_valid():
        return _people_page(request, patient, slot, search=form, status=422)
    found = find_patients(user=request.user, query=form.cleaned_data["q"], limit=10)
    record_search(actor=request.user, query=form.cleaned_data["q"], hits=len(found))
    return _people_page(request, patient, slot, search=form, found=found)


@requires(Capability.BOOK_APPOINTMENTS)
def patient_family_times(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Step 2: free times side by side, long enough for everybody's services."""
    patient, slot = current_patient(request.user, pk), offered_slot(request)
    if request.method != "POST" or slot is None:
        return _start_again(request, patient)
    seats = _seats(request, slot)
    return _times_page(request, patient, slot, seats) if seats else _people_again(request, patient, slot)


@requires(Capability.BOOK_APPOINTMENTS)
def patient_family_check(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Step 3: each person with a time, and what it is about."""
    patient, slot = current_patient(request.user, pk), offered_slot(request)
    if request.method != "POST" or slot is None:
        return _start_again(request, patient)
    seats = _seats(request, slot)
    if not seats:
        return _people_again(request, patient, slot)
    ids = [uuid_or_none(text) for text in request.POST.get("times", "").split(",")]
    slot = _named_slot(slot, ids)
    free = _free_that_day(slot, seats)
    if len(ids) != len(seats) or not set(ids) <= {time.pk for time in free}:
        messages.error(
            request, _("One of these times has just been taken, so nothing was booked. Please choose others.")
        )
        return _times_page(request, patient, slot, seats, status=409)
    for seat, time_id in zip(seats, ids, strict=True):
        typed = {"slot": time_id, "complaint": request.POST.get(f"{seat.prefix}-complaint", "")}
        seat.form = FamilySeatForm(prefix=seat.prefix, times=free, initial=typed)
        if seat.person.pk != patient.pk:
            record_chart_read(patient=seat.person, actor=request.user, what="booking")
    form = FamilyForm(initial={"idempotency_key": uuid4()})
    return _check_page(request, patient, slot, seats, form)


@requires(Capability.BOOK_APPOINTMENTS)
def patient_family_confirm(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Book for all of them at once. The key of the form makes a double click one act."""
    patient, slot = current_patient(request.user, pk), offered_slot(request)
    if request.method != "POST" or slot is None:
        return _start_again(request, patient)
    seats = _seats(request, slot)
    if not seats:
        return _people_again(request, patient, slot)
    slot = _named_slot(slot, [uuid_or_none(request.POST.get(f"{seat.prefix}-slot", "")) for seat in seats])
    free = _free_that_day(slot, seats)
    form = FamilyForm(request.POST)
    typed = [FamilySeatForm(request.POST, prefix=seat.prefix, times=free) for seat in seats]
    for seat, one in zip(seats, typed, strict=True):
        seat.form = one
    if not all([form.is_valid(), *(one.is_valid() for one in typed)]):
        return _check_page(request, patient, slot, seats, form, status=422)
    items = [
        FamilyItem(
            seat.person.pk, one.cleaned_data["slot"], one.cleaned_data["complaint"],
            tuple(service.pk for service in seat.more),
        )
        for seat, one in zip(seats, typed, strict=True)
    ]  # fmt: skip
    with domain_errors(request, form=form) as outcome:
        booked = services.book_family(
            items=items, actor=request.user, source=form.cleaned_data["source"],
            idempotency_key=form.cleaned_data["idempotency_key"],
        )  # fmt: skip
    if not outcome.ok:
        form.add_error(None, _("So nothing was booked for anybody. Change it and send it again."))
        return _check_page(request, patient, slot, seats, form, status=outcome.status)
    messages.success(
        request, _("Booked for %(count)d people. Those with an address get a mail.") % {"count": len(booked)}
    )
    return redirect(_list_of_day(slot))


def _seats(request: SignedInRequest, slot: Slot) -> list[Seat]:
    """Return who is chosen with their further services, in the order of the page; empty unless all are there to book for."""
    ids = _posted_people(request)
    if not 2 <= len(ids) <= MOST_PEOPLE:
        return []
    people = _people(request, ids)
    if len(people) != len(ids):
        return []
    further = further_services(slot)
    return [Seat(people[pk], slot, _more(request, people[pk], further)) for pk in ids]


def _posted_people(request: SignedInRequest) -> list[UUID]:
    """Return the ids of who is ticked and who was just added, each once."""
    texts = [*request.POST.getlist("people")[: MOST_PEOPLE + 1], request.POST.get("add", "")]
    return list(dict.fromkeys(pk for pk in map(uuid_or_none, texts) if pk is not None))


def _people(request: SignedInRequest, ids: Iterable[UUID]) -> dict[UUID, Patient]:
    rows = Patient.objects.visible_to(request.user).exclude(status=Patient.Status.MERGED)
    return rows.in_bulk(list(ids))


def _more(request: SignedInRequest, person: Patient, further: Sequence[Service]) -> list[Service]:
    wanted = set(request.POST.getlist(f"{prefix_of(person)}-extra"))
    return [service for service in further if str(service.pk) in wanted]


def _named_slot(slot: Slot, ids: Iterable[UUID | None]) -> Slot:
    """Return the first of the named times, when it is of the same doctor and service; else `slot`."""
    same = {"session__doctor_id": slot.session.doctor_id, "session__service_id": slot.session.service_id}
    named = Slot.objects.offered().filter(pk__in=[pk for pk in ids if pk is not None], **same)
    return named.select_related("session__doctor__staff_profile", "session__service").first() or slot


def _free_that_day(slot: Slot, seats: Sequence[Seat]) -> list[Slot]:
    """Return the doctor's free times on the day of `slot` that are long enough for everybody."""
    times = querysets.times_around(slot, clock.now(), minutes=max(seat.minutes for seat in seats))
    return [time for part in times.parts for time in part.slots]


def _list_of_day(slot: Slot) -> str:
    day = clock.local(slot.starts_at).date()
    return f"{reverse('scheduling:appointment-list')}?day={day.isoformat()}&doctor={slot.session.doctor_id}"


def _start_again(request: SignedInRequest, patient: Patient) -> HttpResponse:
    if request.method == "POST":
        messages.warning(request, _("Please choose a doctor and a time again."))
    return redirect("scheduling:patient-family", patient.pk)


def _people_page(
    request: SignedInRequest, patient: Patient, slot: Slot, *, search: PatientSearchForm | None = None,
    found: Sequence[Patient] | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    family = [patient, *family_of(user=request.user, patient=patient)]
    known = {person.pk for person in family}
    if request.method == "POST":
        chosen = set(_posted_people(request))
        family += _people(request, chosen - known).values()
    else:
        chosen = known if len(known) <= MOST_PEOPLE else {patient.pk}
    further = further_services(slot)
    rows = [
        {
            "person": person,
            "is_chosen": person.pk in chosen,
            "form": FamilyServicesForm(
                prefix=prefix_of(person), services=further,
                initial={"extra": [service.pk for service in _more(request, person, further)]},
            ),
        }
        for person in family
    ]  # fmt: skip
    listed = {person.pk for person in family}
    context = {
        "rows": rows, "has_more": bool(further), "most": MOST_PEOPLE, "search": search or PatientSearchForm(),
        "found": None if found is None else [person for person in found if person.pk not in listed],
        "complaints": _complaints(request),
    }  # fmt: skip
    return _page(request, "patient_family.html", 1, patient, slot, context, status)


def _people_again(request: SignedInRequest, patient: Patient, slot: Slot) -> HttpResponse:
    ids = _posted_people(request)
    if 2 <= len(ids) <= MOST_PEOPLE:
        messages.error(request, _("Somebody of the list can no longer be booked for. Please choose again."))
    else:
        messages.error(request, _("Choose between 2 and %(most)d people.") % {"most": MOST_PEOPLE})
    return _people_page(request, patient, slot, status=422)


def _times_page(
    request: SignedInRequest, patient: Patient, slot: Slot, seats: Sequence[Seat], status: int = 200
) -> HttpResponse:
    minutes = max(seat.minutes for seat in seats)
    context = {
        "seats": seats, "minutes": minutes, "complaints": _complaints(request),
        "days": days_with_runs(slot, len(seats), minutes=minutes, or_near=True),
    }  # fmt: skip
    return _page(request, "patient_family_times.html", 2, patient, slot, context, status)


def _check_page(
    request: SignedInRequest, patient: Patient, slot: Slot, seats: Sequence[Seat], form: FamilyForm, status: int = 200
) -> HttpResponse:
    day = clock.local(slot.starts_at).date()
    for seat in seats:
        seat.checks = visit_checks(seat.person, day, user=request.user)
        seat.no_shows = querysets.no_show_count(seat.person.pk)
    context = {
        "seats": seats,
        "form": form,
        "price_idr": sum(seat.price_idr for seat in seats),
        "day": day,
        "has_errors": status != 200,
    }
    return _page(request, "patient_family_check.html", 3, patient, slot, context, status)


def _complaints(request: SignedInRequest) -> list[tuple[str, str]]:
    """Return what was typed on the last page before somebody went back from it."""
    names = (f"p{pk.hex}-complaint" for pk in _posted_people(request))
    return [(name, request.POST[name]) for name in names if request.POST.get(name)]


def _page(
    request: SignedInRequest,
    template: str,
    step: int,
    patient: Patient,
    slot: Slot,
    context: dict[str, Any],
    status: int,
) -> HttpResponse:
    known = {
        "patient": patient, "slot": slot, "steps": [_("People"), _("Times"), _("Complaint")], "current": step,
        "family_url": reverse("scheduling:patient-family", args=[patient.pk]), "seats": [], "complaints": [],
    }  # fmt: skip
    return render(request, f"scheduling/{template}", known | context, status=status)
