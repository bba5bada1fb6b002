"""A doctor's calendar for other programs, and single bookings as calendar files."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Capability
from accounts.guards import SignedInRequest, public, requires, signed_in
from accounts.limits import is_too_often
from core.http import error_response
from patients.services import record_part_read
from scheduling.ics import MEDIA_TYPE, appointment_ics
from scheduling.models import Appointment
from scheduling.services import feeds

READS_PER_PERIOD = 60  # of one address; calendar programs ask a few times a day
PERIOD_SECONDS = 600


@signed_in
@require_safe
def appointment_file(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One booking as a calendar file, for whoever may see the booking: staff, the patient, a guardian."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).select_related("slot"), pk=pk)
    record_part_read(patient_id=appointment.patient_id, actor=request.user, what="appointment", target=appointment)
    response = HttpResponse(appointment_ics(appointment, method="PUBLISH"), content_type=MEDIA_TYPE)
    response["Content-Disposition"] = f'attachment; filename="kunjungan-{appointment.code}.ics"'
    return response


@requires(Capability.PROPOSE_SESSIONS)
@require_safe
def feed_page(request: SignedInRequest) -> HttpResponse:
    """The doctor's own link: whether there is one, when it was last read."""
    return _page(request)


@requires(Capability.PROPOSE_SESSIONS)
@sensitive_variables("token")
@require_POST
def feed_make(request: SignedInRequest) -> HttpResponse:
    """Make a link, which ends the one before, and show it this once."""
    token = feeds.make_feed(doctor=request.user)
    return _page(request, link=settings.SITE_URL + reverse("scheduling:calendar-feed", args=[token]))


@requires(Capability.PROPOSE_SESSIONS)
@require_POST
def feed_revoke(request: SignedInRequest) -> HttpResponse:
    """End the link."""
    feeds.revoke_feeds(doctor=request.user, actor=request.user)
    messages.success(request, _("The link works no more. Remove the calendar from your telephone as well."))
    return redirect("scheduling:feed")


@public
@sensitive_variables("token")
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """A doctor's calendar for a program that knows the secret. Unknown, revoked and too old are one answer."""
    if is_too_often(request, "calendar-feed", limit=READS_PER_PERIOD, seconds=PERIOD_SECONDS):
        refused = error_response(request, 429, _("Too many requests came from here. Wait ten minutes and try again."))
        refused["Retry-After"] = str(PERIOD_SECONDS)
        return _closed(refused)
    feed = feeds.find_feed(token)
    if feed is None:
        raise Http404
    feeds.note_reading(feed)
    read = feeds.read_feed(feed)
    response = HttpResponse(read.content, content_type=MEDIA_TYPE)
    response["Last-Modified"] = http_date(read.changed_at.timestamp())
    response["ETag"] = read.etag
    response["Content-Disposition"] = 'inline; filename="kalender.ics"'
    answer = get_conditional_response(
        request, etag=read.etag, last_modified=int(read.changed_at.timestamp()), response=response
    )
    return _closed(answer or response)


def _closed(response: HttpResponse) -> HttpResponse:
    """Let nobody on the way keep a copy, no search engine list it, and no other site learn the address."""
    response["Cache-Control"] = "private, no-cache"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _page(request: SignedInRequest, link: str = "") -> HttpResponse:
    context = {"feed": feeds.current_feed(request.user), "link": link, "days": feeds.DAYS_AROUND}
    return render(request, "scheduling/feed.html", context)
