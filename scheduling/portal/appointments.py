"""The patient's own appointments: list, card, cancelling."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.guards import PortalRequest, patient_portal
from accounts.qr import qr_svg
from core import clock
from core.errors import DomainError
from core.pagination import keyset_page
from patients.persons import own_or_404
from patients.services import record_part_read
from scheduling import services
from scheduling.forms import ComplaintForm
from scheduling.models import Appointment, WaitlistEntry
from scheduling.portal.steps import OPEN
from scheduling.services.appointments import require_in_time
from scheduling.services.estimates import estimate_for
from scheduling.views.common import reason_step

Status = Appointment.Status
FAMILY_SHOWN = 60
OVER = (Status.REJECTED, Status.CANCELLED, Status.NO_SHOW, Status.EXPIRED)


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
    wishes = WaitlistEntry.objects.visible_to(request.user).filter(patient=request.patient)
    open_wishes = wishes.filter(status__in=(WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED)).count()
    context = {"ahead": ahead, "past": past, "open_wishes": open_wishes}
    return render(request, "scheduling/portal_appointment_list.html", context)


@patient_portal(is_account_page=True)
@require_safe
def family_list(request: PortalRequest) -> HttpResponse:
    """Appointments ahead of everybody the account may act for, by time."""
    ids = [person.patient.pk for person in request.portal.persons]
    mine = Appointment.objects.visible_to(request.user).filter(patient_id__in=ids, slot__ends_at__gt=clock.now())
    rows = [row for row in mine.for_names().order_by("slot__starts_at", "id")[:FAMILY_SHOWN] if row.active]
    return render(request, "scheduling/portal_family_list.html", {"rows": rows})


@patient_portal
@require_safe
def appointment_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One own appointment with its status and code; after booking, the confirmation."""
    appointment = own_appointment(request, pk)
    record_part_read(patient_id=appointment.patient_id, actor=request.user, what="appointment", target=appointment)
    return detail_page(request, appointment)


@patient_portal
def appointment_cancel(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Cancel an own appointment that is still ahead."""
    appointment = own_appointment(request, pk)
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


@dataclass(frozen=True)
class Changes:
    """What the patient may change about an appointment by themselves; `refusal` says why nothing of it is open."""

    may_cancel: bool
    may_move: bool
    refusal: str = ""


def changes_of(appointment: Appointment) -> Changes:
    """Return what is open to the patient now; the services ask again. One query while it is ahead."""
    now = clock.now()
    if appointment.status not in OPEN or appointment.slot.starts_at <= now:
        return Changes(False, False)
    try:
        require_in_time(appointment)
    except DomainError as error:
        return Changes(False, False, str(error))
    moves = appointment.moves.select_related("moved_by")
    own = sum(move.moved_by is not None and not move.moved_by.is_staff_member for move in moves)
    return Changes(True, own < settings.BOOKING_MOVES)


def detail_page(
    request: PortalRequest, appointment: Appointment, *, form: ComplaintForm | None = None, status: int = 200
) -> HttpResponse:
    """Return the page of an appointment; `form` is the answer to an offer that was not accepted as it was sent."""
    now = clock.now()
    is_offered = appointment.status == Status.OFFERED
    visit = getattr(appointment, "visit", None)
    context = {
        "appointment": appointment,
        "lines": list(appointment.lines.select_related("service")),
        "changes": changes_of(appointment),
        "may_book_again": appointment.status in OVER,
        "shows_code": appointment.status in OPEN and appointment.slot.ends_at > now,
        "code_image": qr_svg(appointment.code, label=_("QR code with the booking code")),
        "is_new": "booked" in request.GET and appointment.status in OPEN,
        "visit": visit,
        "estimate": estimate_for(visit) if visit is not None else None,
        "offer_is_open": is_offered and appointment.held_until is not None and appointment.held_until > now,
        "form": form or ComplaintForm(),
    }
    return render(request, "scheduling/portal_appointment_detail.html", context, status=status)


def own_appointment(request: PortalRequest, pk: UUID) -> Appointment:
    """Return an appointment of the chosen person; a page that is opened by its address chooses its person."""
    mine = Appointment.objects.visible_to(request.user).for_list()
    return own_or_404(request, mine.select_related("visit__ticket", "visit__service", "slot__session__station"), pk=pk)
