"""What the nightly check of all records found, and a check now."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from patients import integrity
from patients.models import IntegrityFinding, IntegrityRun, Patient
from patients.services import integrity as service

SHOWN = 20  # of one check
READ = 2000


def _groups(request: SignedInRequest, last: IntegrityRun | None) -> list[dict[str, Any]]:
    """Open findings by check, serious ones first; three statements at most."""
    mine = IntegrityFinding.objects.visible_to(request.user).filter(gone_at__isnull=True)
    found = list(mine.order_by("check_name", "found_at", "pk")[:READ])
    counts = Counter(row.check_name for row in found)
    shown: dict[str, list[IntegrityFinding]] = {}
    for row in found:
        if len(shown.setdefault(row.check_name, [])) < SHOWN:
            shown[row.check_name].append(row)
    ids = {row.patient_id for rows in shown.values() for row in rows if row.patient_id}
    patients = Patient.objects.visible_to(request.user).filter(pk__in=ids).only("id", "record_number")
    numbers = dict(patients.values_list("pk", "record_number")) if ids else {}
    groups = []
    for check in integrity.checks():
        result = last.results.get(check.name, {}) if last else {}
        rows = [
            {"finding": row, "number": numbers.get(row.patient_id, "") if row.patient_id else ""}
            for row in shown.get(check.name, [])
        ]
        groups.append(
            {
                "check": check,
                "is_serious": check.severity == integrity.Severity.SERIOUS,
                "rows": rows,
                "count": counts[check.name],
                "more": counts[check.name] - len(rows),
                "looked_at": result.get("looked_at"),
                "failed": bool(result.get("failed")),
                "url": reverse(check.url_name) if check.url_name else "",
            }
        )
    return sorted(groups, key=lambda group: (not group["failed"], not group["count"], not group["is_serious"]))


def _context(request: SignedInRequest) -> dict[str, Any]:
    runs = IntegrityRun.objects.visible_to(request.user).order_by("-pk")
    last = runs.filter(finished_at__isnull=False).first()
    running = runs.filter(finished_at__isnull=True).first()
    groups = _groups(request, last)
    return {
        "last": last,
        "took_seconds": round((last.finished_at - last.started_at).total_seconds()) if last else 0,
        "running": running,
        "running_done": len(running.results) if running else 0,
        "check_count": len(groups),
        "faulty": [group for group in groups if group["count"] or group["failed"]],
        "clean": [group for group in groups if not group["count"] and not group["failed"]],
    }


@requires(Capability.CHECK_INTEGRITY)
@require_GET
def integrity_page(request: SignedInRequest) -> HttpResponse:
    """Findings by check, the last run, and a button to check now."""
    return render(request, "patients/integrity_screen.html", _context(request))


@requires(Capability.CHECK_INTEGRITY)
@require_GET
def integrity_panel(request: SignedInRequest) -> HttpResponse:
    """The same as a fragment, asked again while a check runs."""
    return render(request, "patients/_integrity_panel.html", _context(request))


@requires(Capability.CHECK_INTEGRITY)
@require_POST
def integrity_run(request: SignedInRequest) -> HttpResponse:
    """Check all records now, in the background."""
    with domain_errors(request) as outcome:
        service.request_run(actor=request.user)
    if outcome.ok:
        messages.success(request, _("The check has begun. You can leave this page."))
    return redirect("patients:integrity")
