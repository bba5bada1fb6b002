"""All consultations, for the admin."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.pagination import keyset_page
from workspace import querysets
from workspace.forms import ConsultationFilterForm as Filters


@requires(Capability.VIEW_ALL_CONSULTATIONS)
@require_GET
def consultation_all(request: SignedInRequest) -> HttpResponse:
    """Bookings or visits of the whole clinic by status, doctor and day, newest first."""
    what = Filters.VISIT if request.GET.get("what") == Filters.VISIT else Filters.BOOKING
    form = Filters({**request.GET.dict(), "what": what}, what=what)
    is_valid = form.is_valid()
    rows = querysets.all_visits if what == Filters.VISIT else querysets.all_bookings
    found = rows(request.user, form.cleaned_data)
    context = {
        "form": form,
        "what": what,
        "page": keyset_page(request.GET, found if is_valid else found.none()),
        "tabs": [
            {"label": _("Bookings"), "url": f"?what={Filters.BOOKING}", "active": what == Filters.BOOKING},
            {"label": _("Visits"), "url": f"?what={Filters.VISIT}", "active": what == Filters.VISIT},
        ],
    }
    return render(request, "workspace/consultation_all_screen.html", context)
