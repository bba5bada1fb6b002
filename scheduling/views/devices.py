"""The admin's page of screens: boards and kiosks with their secret links."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from scheduling.forms.devices import DeviceForm
from scheduling.models import DeviceLink
from scheduling.services import devices

PAGES = {DeviceLink.Kind.BOARD: "scheduling:board", DeviceLink.Kind.KIOSK: "scheduling:kiosk"}
ENDED_SHOWN = 20


@requires(Capability.MANAGE_SCHEDULING)
@require_http_methods(["GET", "POST"])
def device_list(request: SignedInRequest) -> HttpResponse:
    """List the screens and make one. Its link is in this one answer and nowhere else."""
    form = DeviceForm(request.POST if request.method == "POST" else None)
    made, link = None, ""
    if request.method == "POST" and form.is_valid():
        made, token = devices.make_device(
            kind=form.cleaned_data["kind"],
            name=form.cleaned_data["name"],
            station_ids=[station.pk for station in form.cleaned_data["stations"]],
            speaks=form.cleaned_data["speaks"],
            actor=request.user,
        )
        link = settings.SITE_URL + reverse(PAGES[DeviceLink.Kind(made.kind)], args=[token])
        form = DeviceForm()
    rows = DeviceLink.objects.visible_to(request.user).prefetch_related("stations").order_by("-created_at")
    context = {
        "form": form,
        "made": made,
        "link": link,
        "rows": rows.filter(revoked_at=None),
        "ended": rows.exclude(revoked_at=None).select_related("revoked_by").order_by("-revoked_at")[:ENDED_SHOWN],
    }
    return render(request, "scheduling/device_list.html", context, status=422 if form.is_bound else 200)


@requires(Capability.MANAGE_SCHEDULING)
@require_POST
def device_revoke(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End the link of a screen."""
    screen = get_object_or_404(DeviceLink.objects.visible_to(request.user), pk=pk)
    devices.revoke_device(link_id=screen.pk, actor=request.user)
    messages.success(request, _("The link no longer works. The screen shows nothing any more."))
    return redirect("scheduling:device-list")
