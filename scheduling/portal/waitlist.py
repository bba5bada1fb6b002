"""The waiting list as the patient sees it: wishes, and answers to a time that is offered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import PortalRequest, patient_portal
from core import clock
from core.errors import DomainError
from core.http import domain_errors, status_of
from patients.persons import own_or_404
from scheduling import services
from scheduling.forms import ComplaintForm
from scheduling.forms.portal import WishForm
from scheduling.models import Appointment, WaitlistEntry
from scheduling.portal import choices
from scheduling.portal.appointments import detail_page, own_appointment

USUAL_DAYS = 14  # how long a wish stands when nothing else is said
SHOWN = 20
Status = WaitlistEntry.Status


@patient_portal
@require_safe
def wishes(request: PortalRequest) -> HttpResponse:
    """What the chosen person waits for, and what became of earlier wishes."""
    mine = WaitlistEntry.objects.visible_to(request.user).filter(patient=request.patient)
    rows = list(mine.select_related("service", "doctor__staff_profile", "offer__slot").order_by("-id")[:SHOWN])
    is_open = (Status.WAITING, Status.OFFERED)
    context = {
        "waiting": sorted((row for row in rows if row.status in is_open), key=lambda row: row.status != Status.OFFERED),
        "over": [row for row in rows if row.status not in is_open],
    }
    return render(request, "scheduling/portal_waitlist.html", context)


@patient_portal
@require_http_methods(["GET", "HEAD", "POST"])
def wish_join(request: PortalRequest) -> HttpResponse:
    """Say what to wait for; a slot in the address fills in its service and doctor."""
    if request.method != "POST":
        return render(request, "scheduling/portal_waitlist_join.html", {"form": WishForm(initial=_initial(request))})
    form, status = WishForm(request.POST), 422
    if form.is_valid():
        data = form.cleaned_data
        with domain_errors(request, form=form) as outcome:
            services.join_waitlist(
                patient_id=request.patient.pk, service_id=data["service"].pk, actor=request.user,
                first_on=data["first_on"], last_on=data["last_on"], part=data["part"],
                doctor_id=data["doctor"].pk if data["doctor"] else None,
            )  # fmt: skip
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("You are on the waiting list. We write to you when a time becomes free."))
            return redirect("scheduling:portal-waitlist")
    return render(request, "scheduling/portal_waitlist_join.html", {"form": form}, status=status)


@patient_portal
@require_POST
def wish_withdraw(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Take a wish off the list."""
    entry = own_or_404(request, WaitlistEntry.objects.visible_to(request.user), pk=pk)
    with domain_errors(request) as outcome:
        services.withdraw_wish(entry_id=entry.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("You are no longer waiting for this time."))
    return redirect("scheduling:portal-waitlist")


@patient_portal
@require_POST
def offer_accept(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Take the time that was offered, with what the visit is about."""
    appointment = own_appointment(request, pk)
    form = ComplaintForm(request.POST)
    if not form.is_valid():
        return detail_page(request, appointment, form=form, status=422)
    try:
        services.accept_offer(
            appointment_id=appointment.pk, actor=request.user, complaint=form.cleaned_data["complaint"]
        )
    except DomainError as error:
        messages.error(request, str(error))
        return detail_page(request, own_appointment(request, pk), form=form, status=status_of(error))
    return redirect(f"{services.portal_path(appointment)}?booked=1")


@patient_portal
@require_POST
def offer_decline(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Leave the time that was offered to somebody else."""
    appointment: Appointment = own_appointment(request, pk)
    with domain_errors(request) as outcome:
        services.decline_offer(appointment_id=appointment.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("The time goes to somebody else. You stay on the waiting list."))
    return redirect("scheduling:portal-waitlist")


def _initial(request: PortalRequest) -> dict[str, Any]:
    today = clock.today()
    known: dict[str, Any] = {
        "first_on": today, "last_on": today + timedelta(days=USUAL_DAYS), "part": WaitlistEntry.Part.ANY
    }  # fmt: skip
    choice = choices.choice_of(request)
    if choice is not None:
        known |= {"service": choice.slot.session.service_id, "doctor": choice.slot.session.doctor_id}
    return known
