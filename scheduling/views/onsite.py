"""The patient's phone in the clinic: scanning the kiosk's code, saying "I am here", the place in the queue."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import PortalRequest, patient_portal, public
from accounts.limits import is_too_often
from core import clock
from core.errors import TooManyRequests
from core.http import domain_errors
from scheduling import onsite as place
from scheduling.errors import NotOnSite
from scheduling.models import Appointment, Visit
from scheduling.services import arrivals, queue
from scheduling.services.estimates import estimate_for
from scheduling.services.visits import CLOSED_STATUSES
from scheduling.views.screens import WRONG_SECONDS, sealed, too_often

Status = Appointment.Status
WRONG_SCANS = 60  # from one address, often that of the clinic's own network, within `WRONG_SECONDS`


@public
@never_cache
@require_safe
def onsite_scan(request: HttpRequest, proof: str) -> HttpResponse:
    """Take what the kiosk's code carries, keep in the session that it was scanned now, and lead on to the own page.

    So the code may be short-lived although signing in takes its time.
    """
    if not place.let_in(request.session, proof):
        if is_too_often(request, "onsite-scan", limit=WRONG_SCANS, seconds=WRONG_SECONDS):
            raise TooManyRequests(too_often(), retry_after_seconds=WRONG_SECONDS)
        return sealed(render(request, "scheduling/onsite_expired.html", status=410))
    if not request.user.is_authenticated:
        request.session.cycle_key()  # nobody who planted this session may go on with the scan
    return sealed(redirect("scheduling:onsite"))


@patient_portal(is_account_page=True)
@require_safe
def onsite(request: PortalRequest) -> HttpResponse:
    """Today's appointments of the account's people, with "I am here" for who scanned the code, and their numbers."""
    return render(request, "scheduling/onsite.html", _context(request))


@patient_portal(is_account_page=True)
@require_safe
def onsite_panel(request: PortalRequest) -> HttpResponse:
    """The list alone, for the live refresh."""
    return render(request, "scheduling/_onsite_panel.html", _context(request))


@patient_portal(is_account_page=True)
@require_POST
def onsite_check_in(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Say that the patient of one appointment is here; only from a phone that scanned the code a moment ago."""
    appointment = get_object_or_404(_today(request.user), pk=pk)
    with domain_errors(request) as outcome:
        if not place.is_here(request.session):
            raise NotOnSite(_("Scan the code on the kiosk in the clinic first; it counts for 15 minutes."))
        visit = arrivals.check_in_on_site(appointment_id=appointment.pk, actor=request.user)
    if outcome.ok:
        text = _("You are checked in. Your number is %(number)s.") % {"number": visit.ticket.label}
        messages.success(request, text)
    return redirect("scheduling:onsite")


def _today(user: Any) -> Any:
    """Return today's appointments of the account's people that are expected or begun."""
    first, last = clock.day_bounds(clock.today())
    return (
        Appointment.objects.visible_to(user)
        .filter(slot__starts_at__gte=first, slot__starts_at__lt=last, status__in=(Status.APPROVED, Status.ARRIVED))
        .for_names()
        .order_by("slot__starts_at")
    )


def _context(request: PortalRequest) -> dict[str, Any]:
    appointments = list(_today(request.user))
    visits = {
        visit.appointment_id: visit
        for visit in Visit.objects.visible_to(request.user)
        .filter(appointment__in=appointments)
        .exclude(status__in=CLOSED_STATUSES)
        .select_related("ticket", "service")
    }
    rows = [{"appointment": row, "visit": visits.get(row.pk)} for row in appointments]
    for row in rows:
        row["standing"] = standing_of(row["visit"]) if row["visit"] else None
    return {
        "rows": rows,
        "is_here": place.is_here(request.session),
        "is_waiting": any(row["visit"] for row in rows),
        "at": clock.now(),
    }


def standing_of(visit: Visit) -> dict[str, Any]:
    """Return the stage a visit is at, and when it will probably be called to the doctor."""
    step = queue.open_step(visit)
    return {"step": step, "estimate": estimate_for(visit)} if step is not None else {}
