"""What the clinic offers: the list of services, for who keeps it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from scheduling.forms import ServiceForm
from scheduling.models import Service
from scheduling.services import catalogue


@requires(Capability.MANAGE_SCHEDULING)
@require_safe
def service_list(request: SignedInRequest) -> HttpResponse:
    """All services with price, duration and who gives them."""
    return render(request, "scheduling/service_list.html", {"services": catalogue.all_services()})


@requires(Capability.MANAGE_SCHEDULING)
@require_http_methods(["GET", "HEAD", "POST"])
def service_add(request: SignedInRequest) -> HttpResponse:
    """Add a service."""
    return _edit(request, None)


@requires(Capability.MANAGE_SCHEDULING)
@require_http_methods(["GET", "HEAD", "POST"])
def service_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change a service, or close it."""
    found = next((row for row in catalogue.all_services() if row.pk == pk), None)
    if found is None:
        raise Http404
    return _edit(request, found)


def _edit(request: SignedInRequest, found: Service | None) -> HttpResponse:
    form = ServiceForm(request.POST or None, instance=found)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                catalogue.save_service(service_id=found.pk if found else None, actor=request.user, **form.cleaned_data)
            if outcome.ok:
                messages.success(request, _("The service is saved."))
                return redirect("scheduling:service-list")
            status = outcome.status
    return render(request, "scheduling/service_form.html", {"form": form, "found": found}, status=status)
