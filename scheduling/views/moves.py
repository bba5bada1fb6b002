"""Giving an appointment another time: the form, and the question after a drag in the calendar."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from accounts.models import User
from core import clock
from core.errors import DomainError
from core.http import own_path, status_of
from core.ids import uuid_or_none
from scheduling import querysets, services
from scheduling.forms.calendar import MoveFilterForm, MoveForm
from scheduling.models import Appointment, Slot

MOST = 200  # free times on one page


@requires(Capability.BOOK_APPOINTMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def appointment_move(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Choose a free time, confirm old and new, move. With htmx the question comes as a dialog over the calendar."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).for_names(), pk=pk)
    if request.method == "POST":
        return _move(request, appointment)
    slot = _chosen(request.GET.get("slot", ""))
    back = own_path(request, request.GET.get("next", ""))
    if slot is None or slot.pk == appointment.slot_id:
        return render(request, "scheduling/calendar_move.html", _choice(request, appointment, back))
    form = MoveForm(initial={"slot": slot.pk, "was": uuid_or_none(request.GET.get("was", "")) or appointment.slot_id})
    return _question(request, appointment, slot, form, back)


def _move(request: SignedInRequest, appointment: Appointment) -> HttpResponse:
    form = MoveForm(request.POST)
    back = own_path(request, request.POST.get("next", ""))
    slot = _chosen(request.POST.get("slot", ""))
    if not form.is_valid():
        if slot is None:
            return render(request, "scheduling/calendar_move.html", _choice(request, appointment, back), status=422)
        return _question(request, appointment, slot, form, back, status=422)
    try:
        services.reschedule_appointment(
            appointment_id=appointment.pk, slot_id=form.cleaned_data["slot"], actor=request.user,
            reason=form.cleaned_data["reason"], expected_slot_id=form.cleaned_data["was"],
        )  # fmt: skip
    except DomainError as error:
        return _refused(request, appointment, slot, str(error), back, status_of(error))
    messages.success(request, _("Moved. The patient gets a mail when there is an address."))
    target = back or reverse("scheduling:appointment-detail", args=[appointment.pk])
    if getattr(request, "htmx", False):
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = target
        return answer
    return redirect(target)


def _refused(
    request: SignedInRequest, appointment: Appointment, slot: Slot | None, sentence: str, back: str, status: int
) -> HttpResponse:
    """Say why, with the booking as it stands now and free times near it; the calendar behind fetches itself anew."""
    appointment = Appointment.objects.visible_to(request.user).for_names().get(pk=appointment.pk)
    context = {
        "appointment": appointment,
        "slot": slot,
        "refusal": sentence,
        "suggestions": querysets.alternatives(slot or appointment),
        "next": back,
        "title": _("Not moved"),
    }
    is_fragment = getattr(request, "htmx", False)
    answer = render(
        request, f"scheduling/{'_calendar_move_refused' if is_fragment else 'calendar_move'}.html",
        context if is_fragment else {**_choice(request, appointment, back), **context}, status=status,
    )  # fmt: skip
    if is_fragment:
        answer["HX-Trigger"] = "calendar:stale"
    return answer


def _question(
    request: SignedInRequest, appointment: Appointment, slot: Slot, form: MoveForm, back: str, *, status: int = 200
) -> HttpResponse:
    context = {
        "appointment": appointment,
        "slot": slot,
        "form": form,
        "next": back,
        "title": _("Move this appointment?"),
        "action": request.path,
        "is_other_doctor": slot.session.doctor_id != appointment.doctor_id,
    }
    is_fragment = getattr(request, "htmx", False)
    template = "_calendar_move_dialog" if is_fragment else "calendar_move_check"
    return render(request, f"scheduling/{template}.html", context, status=status)


def _choice(request: SignedInRequest, appointment: Appointment, back: str) -> dict[str, Any]:
    """Return the page on which a time is chosen: near ones first, then a day with every doctor who has the service."""
    now = clock.now()
    doctors = User.objects.doctors().filter(
        pk__in=Slot.objects.offered()
        .filter(session__service=appointment.service_id, starts_at__gt=now)
        .values("session__doctor")
    )
    form = MoveFilterForm(request.GET, doctors=doctors)
    day = form.value("day") or max(clock.local(appointment.slot.starts_at).date(), clock.today())
    doctor = form.value("doctor")
    return {
        "appointment": appointment,
        "form": MoveFilterForm(initial={"day": day, "doctor": doctor}, doctors=doctors),
        "suggestions": querysets.alternatives(appointment),
        "day": day,
        "groups": _free_times(appointment, day, doctor),
        "next": back,
        "title": _("Move the appointment"),
        "is_open": appointment.status in (Appointment.Status.PENDING, Appointment.Status.APPROVED),
    }


def _free_times(appointment: Appointment, day: date, doctor: User | None) -> list[tuple[User, list[Slot]]]:
    start, end = clock.day_bounds(day)
    lengths = list(appointment.lines.values_list("duration_minutes", flat=True))
    slots = Slot.objects.bookable(clock.now()).filter(
        starts_at__gte=start, starts_at__lt=end, session__service=appointment.service_id,
        session__slot_minutes__gte=sum(lengths) if len(lengths) > 1 else 0,
    )  # fmt: skip
    if doctor is not None:
        slots = slots.filter(session__doctor=doctor)
    rows = slots.select_related("session__doctor__staff_profile", "session__station")
    ordered = sorted(rows.order_by("starts_at")[:MOST], key=lambda slot: (slot.session.doctor.username, slot.starts_at))
    return [(next(iter(group)).session.doctor, group) for group in _grouped(ordered)]


def _grouped(slots: list[Slot]) -> list[list[Slot]]:
    return [list(group) for _pk, group in groupby(slots, key=lambda slot: slot.session.doctor_id)]


def _chosen(text: str) -> Slot | None:
    """Return an offered slot by the id in an address; None for anything else. Whether it is free the service decides."""
    slot_id = uuid_or_none(text)
    slots = Slot.objects.offered().select_related(
        "session__doctor__staff_profile", "session__service", "session__station"
    )
    return slots.filter(pk=slot_id).first() if slot_id is not None else None
