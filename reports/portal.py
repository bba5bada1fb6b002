"""Who saw my record: what the audit log says about one patient, in the patient's own words."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

import audit
from accounts.guards import PortalRequest, patient_portal
from core.pagination import keyset_page, sequence_or_none
from reports import access_log


@patient_portal
@require_GET
def record_access(request: PortalRequest) -> HttpResponse:
    """List who opened, searched, changed, printed or sent on this record; one's own visits to the portal are left out."""
    events = access_log.events_about(request.patient, viewer=request.user)
    page = keyset_page(request.GET, events, order=("-id",), size=30, parse=sequence_or_none)
    if not page.previous_url:
        with transaction.atomic():
            audit.record("reports.access_log.viewed", actor=request.user, patient=request.patient.pk)
    context = {"entries": access_log.entries(page.rows, viewer=request.user), "page": page}
    return render(request, "reports/portal_record_access_screen.html", context)
