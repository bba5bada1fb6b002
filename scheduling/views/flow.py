"""Where everybody is now, and how long it took: the board of the path, and the report of waiting times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from accounts.models import User
from core import clock
from scheduling import flow
from scheduling.forms.queue import FlowFilterForm, PeriodForm
from scheduling.models import Stage
from scheduling.services import estimates


@requires(Capability.VIEW_FLOW)
@require_safe
def flow_board(request: SignedInRequest) -> HttpResponse:
    """The path through the clinic, one column a stage."""
    return render(request, "scheduling/flow.html", _flow(request))


@requires(Capability.VIEW_FLOW)
@require_safe
def flow_panel(request: SignedInRequest) -> HttpResponse:
    """The columns alone, for the live refresh."""
    return render(request, "scheduling/_flow_panel.html", _flow(request))


@requires(Capability.VIEW_REPORTS, Capability.MANAGE_SCHEDULING)
@require_safe
def queue_report(request: SignedInRequest) -> HttpResponse:
    """How far estimates were off, and waiting and service times of each stage."""
    form = PeriodForm(request.GET)
    last = clock.today()
    first = last - timedelta(days=(form.value("days") or 7) - 1)
    total, by_doctor, by_day = estimates.errors_between(first, last)
    names = {doctor.pk: doctor.display_name for doctor in User.objects.doctors()}
    context = {
        "form": form, "first": first, "last": last, "total": total,
        "by_day_rows": [(date_format(row.label, "D, j F Y"), row) for row in by_day],
        "by_doctor": sorted(((names.get(row.label, "?"), row) for row in by_doctor), key=lambda pair: pair[0]),
        "times": [(Stage(row.stage).label, row) for row in estimates.times_between(first, last)],
    }  # fmt: skip
    return render(request, "scheduling/flow_report.html", context)


def _flow(request: SignedInRequest) -> dict[str, Any]:
    form = FlowFilterForm(request.GET)
    doctor, stage = form.value("doctor"), flow.COLUMN_OF[Stage(form.value("stage") or Stage.NURSE)]
    columns, done = flow.board(request.user, doctor=doctor)
    base = f"doctor={doctor.pk}&" if doctor else ""
    tabs = [
        {"label": column.label, "url": f"?{base}stage={column.stage}", "active": column.stage == stage,
         "icon": column.icon, "count": len(column.places)}
        for column in columns
    ]  # fmt: skip
    return {
        "form": form, "columns": columns, "done": done, "tabs": tabs, "shown_stage": stage, "at": clock.now(),
        "panel_query": f"{base}stage={stage}",
    }  # fmt: skip
