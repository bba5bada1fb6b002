"""Find a patient: the page, its list while somebody types, and the box on top of every staff page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

import audit
from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from accounts.limits import is_too_often
from core.errors import TooManyRequests
from core.search.queries import parse_query
from patients import services
from patients.forms.patients import SearchForm
from patients.models import Patient
from patients.recent import recent_patients
from patients.screens import SEARCHERS
from patients.search import find_patients

SHORTEST_QUERY = 2
SHOWN = 20
SHOWN_IN_BOX = 8
BOX = "search-panel"  # id of the box's list, which htmx names as its target
MINUTE, HOUR = 60, 3600


@requires(*SEARCHERS)
@require_http_methods(["GET", "POST"])
def search(request: SignedInRequest) -> HttpResponse:
    """One box for everything; the words travel by POST, so that no name stands in an address or a log."""
    form = SearchForm(request.POST or None)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    asked = len(query) >= SHORTEST_QUERY
    if "settled" in request.POST:
        return _settled(request, query if asked else "")
    in_box = request.htmx.target == BOX
    limit = SHOWN_IN_BOX if in_box else SHOWN
    found = _found(request, query, limit) if asked else recent_patients(request.user)
    by_number = asked and parse_query(query).has_numbers
    if by_number and len(found) == 1 and not request.htmx:  # a scanner types the number and Enter
        return redirect("patients:detail", found[0].pk)
    context = {
        "query": query,
        "asked": asked,
        "patients": found[:limit],
        "more": len(found) > limit,
        "by_number": by_number,
        "may_register": has_capability(request.user, Capability.REGISTER_PATIENTS),
        "may_use_emergency": has_capability(request.user, Capability.USE_EMERGENCY_ACCESS),
    }
    if request.htmx:
        return render(request, "patients/_search_box.html" if in_box else "patients/_search_results.html", context)
    # The page has its own box; two of them on one screen would be one too many.
    return render(request, "patients/patient_search.html", {**context, "nav_search_url": ""})


def _found(request: SignedInRequest, query: str, limit: int) -> list[Patient]:
    """Search, within the limits of this person, and write it down."""
    _refuse_floods(request)
    found = find_patients(user=request.user, query=query, limit=limit + 1)
    record: Any = services.record_typed_search if request.htmx else services.record_search
    record(actor=request.user, query=query, hits=len(found))
    return found


def _settled(request: SignedInRequest, query: str) -> HttpResponse:
    """Somebody stopped typing and looks at the list: the words as they stand now are written, if they are not yet."""
    if query and not services.is_search_recorded(actor=request.user, query=query):
        _refuse_floods(request)
        found = find_patients(user=request.user, query=query, limit=SHOWN + 1)
        services.record_search(actor=request.user, query=query, hits=len(found))
    return HttpResponse(status=204)


def _refuse_floods(request: SignedInRequest) -> None:
    """Raise `TooManyRequests` for somebody who searches faster or longer than people do, and write that."""
    who = str(request.user.pk)
    limits = ((MINUTE, settings.SEARCHES_PER_MINUTE), (HOUR, settings.SEARCHES_PER_HOUR))
    over = [
        seconds
        for seconds, limit in limits
        if is_too_often(request, f"search-{seconds}", limit=limit, seconds=seconds, by=who)
    ]
    if over:
        audit.record_refusal("patients.search.refused", actor=request.user, detail={"seconds": max(over)})
        sentence = _("You searched too often. Wait a moment, then search again.")
        raise TooManyRequests(sentence, retry_after_seconds=max(over))
