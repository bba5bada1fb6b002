"""The audit log for admin and owner, and the alerts of unusual access."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

import audit
from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from audit.models import AuditEvent
from core import clock
from core.http import domain_errors
from core.pagination import keyset_page, sequence_or_none
from core.sheets import escape_formula
from reports import alerts
from reports.audit_browser import Line, all_lines, filtered, lines, patient_with_number
from reports.forms import AlertReviewForm, AuditFilterForm
from reports.models import AccessAlert

MOST_EXPORTED = 100_000
OF_ONE_PATIENT = 200


@requires(Capability.VIEW_AUDIT)
@require_http_methods(["GET", "POST"])
def audit_browser(request: SignedInRequest) -> HttpResponse:
    """Show the log, newest first. A record number is posted: what was done with one patient's record."""
    form = AuditFilterForm(request.GET or None)
    events = AuditEvent.objects.visible_to(request.user)
    number = request.POST.get("record_number", "").strip()[:20] if request.method == "POST" else ""
    context: dict[str, Any] = {"form": form, "record_number": number, "waiting": _waiting(request)}
    if number:
        patient_id = patient_with_number(number)
        rows = filtered(events, patient_id=patient_id).order_by("-id")[:OF_ONE_PATIENT] if patient_id else []
        context["lines"] = lines(rows)
        context["is_cut"] = len(context["lines"]) == OF_ONE_PATIENT
    else:
        page = keyset_page(
            request.GET, filtered(events, **form.filters()), order=("-id",), size=50, parse=sequence_or_none
        )
        context |= {"lines": lines(page.rows), "previous_url": page.previous_url, "next_url": page.next_url}
    _note_reading(request, number, form)
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "reports/audit_browser_screen.html", context, status=status)


@requires(Capability.VIEW_AUDIT)
@require_POST
def audit_export(request: SignedInRequest) -> HttpResponse | StreamingHttpResponse:
    """Give the filtered events as a CSV file that a spreadsheet opens without running anything."""
    form = AuditFilterForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose days and filters again; the file was not made."))
        return redirect("reports:audit-browser")
    events = filtered(AuditEvent.objects.visible_to(request.user), **form.filters())
    with transaction.atomic():
        rows = events[: MOST_EXPORTED + 1].count()
        if rows > MOST_EXPORTED:
            messages.error(request, _("That is too much for one file. Choose fewer days."))
            return redirect("reports:audit-browser")
        audit.record("reports.audit.exported", actor=request.user, detail={"rows": rows, "filters": _named(form)})
    response = StreamingHttpResponse(_csv(events, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{clock.today().isoformat()}.csv"'
    return response


@requires(Capability.VIEW_AUDIT)
@require_GET
def alert_list(request: SignedInRequest) -> HttpResponse:
    """List unusual access: what waits first in line, then what was reviewed."""
    rows = AccessAlert.objects.visible_to(request.user).for_list()
    is_open = request.GET.get("status") != "reviewed"
    shown = rows.waiting() if is_open else rows.exclude(outcome="")
    page = keyset_page(request.GET, shown, order=("-pk",))
    context = {"page": page, "alerts": page.rows, "is_open": is_open, "waiting": _waiting(request)}
    return render(request, "reports/alert_list_screen.html", context)


@requires(Capability.VIEW_AUDIT)
@require_http_methods(["GET", "POST"])
def alert_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show one alert with the events behind it; say what it was, once."""
    alert = get_object_or_404(AccessAlert.objects.visible_to(request.user).for_list(), pk=pk)
    form = AlertReviewForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            alerts.review_alert(alert_id=alert.pk, actor=request.user, **form.cleaned_data)
        if outcome.ok:
            messages.success(request, _("The review is kept."))
            return redirect("reports:alert-list")
        status = outcome.status
    rows = AuditEvent.objects.visible_to(request.user).filter(
        actor_id=alert.actor_id, at__gte=alert.since, at__lt=alert.until
    )
    if alert.patient_id:
        rows = rows.filter(patient_id=alert.patient_id)
    context = {"alert": alert, "form": form, "lines": lines(rows.order_by("-id")[:OF_ONE_PATIENT])}
    return render(request, "reports/alert_detail_screen.html", context, status=status)


def _waiting(request: SignedInRequest) -> int:
    return AccessAlert.objects.visible_to(request.user).waiting().count()


def _named(form: AuditFilterForm) -> list[str]:
    """The names of the filters that were used; whose they were stays out of the log."""
    return sorted(name for name, value in form.filters().items() if value)


@transaction.atomic
def _note_reading(request: SignedInRequest, number: str, form: AuditFilterForm) -> None:
    """Reading the log is an act too, once per search; leafing on is not."""
    if request.GET.get("after") or request.GET.get("before"):
        return
    filters = ["record_number"] if number else _named(form)
    audit.record("reports.audit.viewed", actor=request.user, detail={"filters": filters} if filters else None)


class _Echo:
    """What `csv` writes to; the text comes back as the value of the call."""

    def write(self, text: str) -> str:
        return text


def _csv(events: Any, rows: int) -> Iterator[str]:
    writer = csv.writer(_Echo())
    heads = (
        _("Number"), _("Time"), _("Person"), _("Roles"), _("Act"), _("Action"), _("Result"), _("Record number"), _("Details"),
        _("Browser"), _("Place"),
    )  # fmt: skip
    yield "\ufeff"  # so that spreadsheets read it as UTF-8
    yield writer.writerow(heads)
    for line in all_lines(events, rows):
        yield writer.writerow([escape_formula(cell) for cell in _cells(line)])


def _cells(line: Line) -> list[str]:
    event = line.event
    return [
        str(event.pk), clock.local(event.at).isoformat(timespec="seconds"), line.who, event.actor_roles, str(line.label),
        event.action, event.get_result_display(), line.record_number, line.facts, event.browser, line.place,
    ]  # fmt: skip
