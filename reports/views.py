"""The overview: what waits for me now, and for admin and owner how the clinic is doing."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock
from reports import figures


@requires(Capability.USE_STAFF_SITE)
@require_GET
def dashboard(request: SignedInRequest) -> HttpResponse:
    """Everybody's first page."""
    context = {**_waiting(request), "clinic_figures": figures.clinic_figures(request.user)}
    return render(request, "reports/dashboard_screen.html", context)


@requires(Capability.USE_STAFF_SITE)
@require_GET
def dashboard_panel(request: SignedInRequest) -> HttpResponse:
    """The counts alone, fetched again when something changes."""
    return render(request, "reports/_dashboard_panel.html", _waiting(request))


def _waiting(request: SignedInRequest) -> dict[str, Any]:
    return {"sections": figures.sections(request.user), "taken": figures.taken_today(request.user), "at": clock.now()}
