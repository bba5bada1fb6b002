"""What the steps of a booking share."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.guards import PortalRequest
from core import clock
from scheduling.models import Appointment, Slot

Status = Appointment.Status
OPEN = (Status.PENDING, Status.APPROVED)


def steps(current: int) -> dict[str, Any]:
    """Return what the progress line shows for the step with this number."""
    return {"steps": [_("Doctor"), _("Time"), _("Complaint"), _("Check")], "current": current}


def start_again(request: PortalRequest) -> HttpResponse:
    """Go back to the doctors: what was sent names no time that can be chosen."""
    messages.warning(request, _("Please choose a doctor and a time again."))
    return redirect("scheduling:portal-book")


def is_free(slot: Slot) -> bool:
    """True when this time can be booked at this moment."""
    return Slot.objects.bookable(clock.now()).filter(pk=slot.pk).exists()


def future_of(request: PortalRequest) -> Any:
    """Return the open appointments ahead of the chosen person."""
    mine = Appointment.objects.visible_to(request.user).filter(patient=request.patient)
    return mine.filter(status__in=OPEN, slot__ends_at__gt=clock.now())
