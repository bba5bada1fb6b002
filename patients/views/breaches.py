"""The register of failures to protect data: entries, who is affected, who was told."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

import jobs.services
from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.http import domain_errors
from core.pagination import keyset_page
from core.sheets import escape_formula
from patients import breach_papers
from patients.forms.breaches import BreachForm, CloseForm, NoticeForm, NumbersForm, OpenedByForm, ToldForm
from patients.models import AffectedPatient, Breach, Patient
from patients.screens import posted_version
from patients.services import breaches
from patients.services.breaches import DataKind, ToldHow

PAGE = 50
MANAGE = Capability.MANAGE_BREACHES


@requires(MANAGE)
@require_GET
def breach_list(request: SignedInRequest) -> HttpResponse:
    """Open entries first, newest first."""
    rows = Breach.objects.visible_to(request.user)
    page = keyset_page(request.GET, rows, order=("-pk",), size=25)
    return render(request, "patients/breach_list.html", {"page": page, "breaches": page.rows, "now": clock.now()})


@requires(MANAGE)
@require_http_methods(["GET", "POST"])
def breach_add(request: SignedInRequest) -> HttpResponse:
    """Enter a failure."""
    form = BreachForm(request.POST if request.method == "POST" else None, initial={"discovered_at": clock.now()})
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            breach = breaches.record_breach(actor=request.user, **form.cleaned_data)
        if outcome.ok:
            return redirect("patients:breach", breach.pk)
        return render(request, "patients/breach_form.html", {"form": form}, status=outcome.status)
    return render(request, "patients/breach_form.html", {"form": form}, status=422 if form.is_bound else 200)


@requires(MANAGE)
@require_http_methods(["GET", "POST"])
def breach_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change what is known about a failure."""
    breach = _breach(request, pk)
    known = {name: getattr(breach, name) for name in BreachForm.base_fields}
    form = BreachForm(request.POST if request.method == "POST" else None, initial=known)
    status, version = (422, posted_version(request)) if form.is_bound else (200, breach.version)
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            breaches.update_breach(breach_id=pk, actor=request.user, version=version, **form.cleaned_data)
        if outcome.ok:
            return redirect("patients:breach", pk)
        status = outcome.status
    context = {"form": form, "breach": breach, "version": version}
    return render(request, "patients/breach_form.html", context, status=status)


@requires(MANAGE)
@require_GET
def breach_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One entry: clock, facts, affected people, notices."""
    breach = _breach(request, pk)
    answer = _page(request, breach)
    breaches.record_read(breach=breach, actor=request.user, shown=breach.affected.count())
    return answer


def _breach(request: SignedInRequest, pk: UUID) -> Breach:
    return get_object_or_404(Breach.objects.visible_to(request.user), pk=pk)


def _page(request: SignedInRequest, breach: Breach, status: int = 200, **forms: Any) -> HttpResponse:
    affected = AffectedPatient.objects.visible_to(request.user).filter(breach=breach)
    page = keyset_page(request.GET, affected.select_related("patient"), order=("pk",), size=PAGE)
    shown = [row.patient_id for row in page.rows]
    named = set(Patient.objects.visible_to(request.user).filter(pk__in=shown).values_list("pk", flat=True))
    context = {
        "breach": breach,
        "is_open": breach.status == Breach.Status.OPEN,
        "hours_left": round((breach.due_at - clock.now()).total_seconds() / 3600),
        "kinds": [DataKind(kind).label for kind in breach.data_kinds],
        "rows": [
            {
                "row": row,
                "is_named": row.patient_id in named,
                "how": ToldHow(row.told_how).label if row.told_how else "",
            }
            for row in page.rows
        ],
        "page": page,
        "count": affected.count(),
        "untold": affected.filter(told_at__isnull=True).count(),
        "missing": breaches.missing_to_close(breach),
        "numbers_form": NumbersForm(),
        "opened_form": OpenedByForm(),
        "told_form": ToldForm(),
        "notice_form": NoticeForm(),
        "close_form": CloseForm(),
        **forms,
    }
    return render(request, "patients/breach_detail.html", context, status=status)


@requires(MANAGE)
@require_POST
def breach_numbers(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Put people on the list by their record numbers."""
    breach = _breach(request, pk)
    form = NumbersForm(request.POST)
    if not form.is_valid():
        return _page(request, breach, 422, numbers_form=form)
    found, unknown = breaches.patients_of_numbers(form.cleaned_data["numbers"])
    with domain_errors(request, form=form) as outcome:
        count = breaches.add_affected(breach_id=pk, actor=request.user, patient_ids=found, source="numbers")
        messages.success(request, _("%(count)d people were put on the list.") % {"count": count})
    if not outcome.ok:
        return _page(request, breach, outcome.status, numbers_form=form)
    if unknown:
        messages.warning(request, _("Nobody has these numbers: %(list)s.") % {"list": ", ".join(unknown[:20])})
    return redirect("patients:breach", pk)


@requires(MANAGE)
@require_POST
def breach_opened(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Put everybody on the list about whom an account saw something in a period."""
    breach = _breach(request, pk)
    form = OpenedByForm(request.POST)
    if not form.is_valid():
        return _page(request, breach, 422, opened_form=form)
    wanted = form.cleaned_data
    found = breaches.patients_opened_by(actor_id=wanted["person"].pk, since=wanted["since"], until=wanted["until"])
    with domain_errors(request, form=form) as outcome:
        count = breaches.add_affected(breach_id=pk, actor=request.user, patient_ids=found, source="audit")
        messages.success(request, _("%(count)d people were put on the list.") % {"count": count})
    return redirect("patients:breach", pk) if outcome.ok else _page(request, breach, outcome.status, opened_form=form)


@requires(MANAGE)
@require_POST
def breach_affected_remove(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take somebody off the list who is not affected."""
    row = get_object_or_404(AffectedPatient.objects.visible_to(request.user), pk=pk)
    with domain_errors(request):
        breaches.remove_affected(affected_id=row.pk, actor=request.user)
    return redirect("patients:breach", row.breach_id)


@requires(MANAGE)
@require_POST
def breach_mails(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Write to everybody on the list who has an address, in the background."""
    breach = _breach(request, pk)
    if not (breach.course and breach.measures and breach.data_kinds):
        messages.error(request, _("Write first what happened, which data and what is done: the mail says it."))
        return redirect("patients:breach-edit", pk)
    with domain_errors(request) as outcome:
        job = jobs.services.request(
            kind=breaches.MAIL_KIND, actor=request.user, parameters={"breach": str(pk), "version": breach.version}
        )
    return redirect("jobs:detail", job.pk) if outcome.ok else redirect("patients:breach", pk)


@requires(MANAGE)
@require_POST
def breach_told(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Write down that everybody who was not told yet has been."""
    breach = _breach(request, pk)
    form = ToldForm(request.POST)
    if not form.is_valid():
        return _page(request, breach, 422, told_form=form)
    chosen = AffectedPatient.objects.visible_to(request.user).filter(breach=breach, told_at__isnull=True)
    with domain_errors(request, form=form) as outcome:
        ids = list(chosen.values_list("pk", flat=True))
        breaches.mark_told(breach_id=pk, actor=request.user, affected_ids=ids, how=form.cleaned_data["how"])
    return redirect("patients:breach", pk) if outcome.ok else _page(request, breach, outcome.status, told_form=form)


@requires(MANAGE)
@require_POST
def breach_notice(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Write down when the agency or the public was told."""
    breach = _breach(request, pk)
    form = NoticeForm(request.POST)
    if not form.is_valid():
        return _page(request, breach, 422, notice_form=form)
    with domain_errors(request, form=form) as outcome:
        breaches.note_notice(breach_id=pk, actor=request.user, **form.cleaned_data)
    return redirect("patients:breach", pk) if outcome.ok else _page(request, breach, outcome.status, notice_form=form)


@requires(MANAGE)
@require_POST
def breach_close(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Close an entry."""
    breach = _breach(request, pk)
    form = CloseForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            breaches.close_breach(breach_id=pk, actor=request.user, reason=form.cleaned_data["reason"])
        if outcome.ok:
            return redirect("patients:breach", pk)
        status = outcome.status
    return _page(request, breach, status, close_form=form)


@requires(MANAGE)
@require_POST
def breach_export(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The list of affected people as a CSV that a spreadsheet opens without running anything."""
    breach = _breach(request, pk)
    breaches.record_export(breach=breach, actor=request.user)
    rows = AffectedPatient.objects.visible_to(request.user).filter(breach=breach).select_related("patient__user")
    may_name = Capability.SEARCH_PATIENTS in request.user.capabilities
    answer = HttpResponse(_csv(rows, may_name), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="affected.csv"'
    return answer


def _csv(rows: Any, may_name: bool) -> str:
    text = io.StringIO()
    text.write("\ufeff")  # so that spreadsheets read it as UTF-8
    writer = csv.writer(text)
    heads = [
        _("Record number"),
        *([_("Name"), _("Phone"), _("Address")] if may_name else []),
        _("Told at"),
        _("Told by"),
    ]
    writer.writerow(heads)
    for row in rows.order_by("pk").iterator(chunk_size=500):
        person = row.patient
        named = [person.display_name, person.phone_label, person.address.replace("\n", ", ")] if may_name else []
        when = clock.local(row.told_at).strftime("%d/%m/%Y %H:%M") if row.told_at else ""
        how = str(ToldHow(row.told_how).label) if row.told_how else ""
        writer.writerow([escape_formula(cell) for cell in [person.record_number, *named, when, how]])
    return text.getvalue()


@requires(MANAGE)
@require_POST
def breach_paper(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The notice as PDF: for the agency, or as a letter to be printed for people without an e-mail address."""
    breach = _breach(request, pk)
    content = breach_papers.notice_pdf(breach, affected=breach.affected.count())
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = 'inline; filename="notice.pdf"'
    return answer
