"""Another time for an own appointment: the same days and times as for a booking, with the old and the new one side by side."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.guards import PortalRequest, patient_portal
from core import clock
from core.errors import DomainError
from core.http import status_of
from core.ids import uuid_or_none
from scheduling import querysets, services
from scheduling.errors import SlotTaken
from scheduling.models import Appointment, Slot
from scheduling.portal import choices
from scheduling.portal.appointments import changes_of, own_appointment
from scheduling.portal.steps import is_free


@patient_portal
@require_safe
def move(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The free times that this appointment could have instead."""
    appointment = own_appointment(request, pk)
    if not changes_of(appointment).may_move:
        return redirect(services.portal_path(appointment))
    return _times_page(request, appointment, _wanted(request, appointment) or appointment.slot)


@patient_portal
@require_http_methods(["GET", "HEAD", "POST"])
def move_to(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Old and new time once more; then the move. A time that was lost meanwhile leads back to the others."""
    appointment = own_appointment(request, pk)
    slot = _wanted(request, appointment)
    if slot is None or slot.pk == appointment.slot_id:
        return redirect("scheduling:portal-appointment-move", pk=pk)
    if request.method != "POST":
        if not is_free(slot):
            return _lost(request, appointment, slot)
        return render(request, "scheduling/portal_move_check.html", _check(appointment, slot))
    try:
        services.reschedule_appointment(
            appointment_id=appointment.pk, slot_id=slot.pk, actor=request.user,
            expected_slot_id=uuid_or_none(request.POST.get("expected", "")),
        )  # fmt: skip
    except SlotTaken:
        return _lost(request, appointment, slot)
    except DomainError as error:
        messages.error(request, str(error))
        return render(request, "scheduling/portal_move_check.html", _check(appointment, slot), status=status_of(error))
    messages.success(request, _("Your appointment has its new time."))
    return redirect(services.portal_path(appointment))


def _check(appointment: Appointment, slot: Slot) -> dict[str, object]:
    asks_again = appointment.status == Appointment.Status.APPROVED and not choices.Choice(slot).is_instant
    return {"appointment": appointment, "slot": slot, "asks_again": asks_again}


def _minutes_of(appointment: Appointment) -> int:
    """Return how long another time must be: 0 for one service, which fits by itself."""
    lengths = list(appointment.lines.values_list("duration_minutes", flat=True))
    return sum(lengths) if len(lengths) > 1 else 0


def _wanted(request: PortalRequest, appointment: Appointment) -> Slot | None:
    choice = choices.choice_of(request)
    if choice is None or choice.slot.session.service_id != appointment.service_id:
        return None
    return choice.slot


def _lost(request: PortalRequest, appointment: Appointment, slot: Slot) -> HttpResponse:
    messages.error(request, _("This time has just been taken. Please choose another time."))
    return _times_page(request, appointment, slot, status=409)


def _times_page(request: PortalRequest, appointment: Appointment, slot: Slot, status: int = 200) -> HttpResponse:
    now, minutes = clock.now(), _minutes_of(appointment)
    times = querysets.times_around(slot, now, minutes=minutes)
    if not times.parts and times.days and slot.pk == appointment.slot_id:
        first = Slot.objects.offered().select_related("session").get(pk=times.days[0].slot_id)
        times = querysets.times_around(first, now, minutes=minutes)
    context = {"appointment": appointment, "slot": slot, "times": times}
    return render(request, "scheduling/portal_move.html", context, status=status)
