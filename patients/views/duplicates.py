"""Staff screens: records that look alike, merging them, and taking them apart again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from accounts.step_up import fresh_factor
from core.http import domain_errors
from core.pagination import keyset_page
from core.search.queries import parse_query
from patients import merge_screens, services
from patients.duplicate_screens import sign_words, strength
from patients.forms.duplicates import DistinctForm, MergeForm, PairForm, UndoForm
from patients.models import DuplicatePair, Patient, PatientMerge
from patients.screens import visible_patient
from patients.search import find_patients
from patients.services import merging, pairs

PAGE = 25
OPEN, DISTINCT, MERGED = "open", "distinct", "merged"
PEOPLE = tuple(
    f"{side}__{name}"
    for side in ("first", "second")
    for name in (
        "record_number",
        "full_name",
        "birth_date",
        "birth_accuracy",
        "sex",
        "mother_name",
        "status",
        "duplicate_reason",
    )
)


def _tabs(active: str) -> list[dict[str, Any]]:
    own = reverse("patients:duplicate-list")
    tabs = (
        (OPEN, _("To decide"), own, "users"),
        (DISTINCT, _("Two persons"), f"{own}?show={DISTINCT}", "check"),
        (MERGED, _("Merged"), reverse("patients:merge-list"), "link"),
    )
    return [
        {"label": label, "url": url, "active": name == active, "icon": icon, "count": None}
        for name, label, url, icon in tabs
    ]


@requires(Capability.MERGE_PATIENTS)
@require_GET
def duplicate_list(request: SignedInRequest) -> HttpResponse:
    """Pairs that wait for a decision, the likeliest first; or those that were found to be two persons."""
    show = DISTINCT if request.GET.get("show") == DISTINCT else OPEN
    order = ("-score", "-pk") if show == OPEN else ("-pk",)
    page = keyset_page(request.GET, _listed(request, show), order=order, size=PAGE)
    for pair in page.rows:
        pair.sign_words, pair.strength = sign_words(pair.signs), strength(pair.score)  # type: ignore[attr-defined]
    pairs.record_list_read(actor=request.user, shown=len(page.rows))
    context = {"page": page, "show": show, "tabs": _tabs(show), "is_open": show == OPEN}
    return render(request, "patients/duplicate_list.html", context)


def _listed(request: SignedInRequest, show: str) -> QuerySet[DuplicatePair]:
    rows = DuplicatePair.objects.visible_to(request.user).filter(state=show)
    if show == OPEN:
        rows = rows.filter(first__status=Patient.Status.ACTIVE, second__status=Patient.Status.ACTIVE)
    found: QuerySet[DuplicatePair] = rows.select_related("first", "second", "decided_by").only(
        "signs", "score", "state", "found_at", "decided_at", "reason", "decided_by__full_name", "decided_by__kind",
        "first_id", "second_id", *PEOPLE,
    )  # fmt: skip
    return found


def _pair(request: SignedInRequest, pk: UUID) -> DuplicatePair:
    rows = DuplicatePair.objects.visible_to(request.user).select_related("first", "second", "decided_by")
    found: DuplicatePair = get_object_or_404(rows, pk=pk)
    return found


@requires(Capability.MERGE_PATIENTS)
@require_GET
def duplicate_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Two records side by side: what is equal, what differs, how much hangs on each."""
    pair = _pair(request, pk)
    for patient in (pair.first, pair.second):
        services.record_chart_read(patient=patient, actor=request.user, what="comparison")
    return _detail_page(request, pair, DistinctForm())


def _detail_page(request: SignedInRequest, pair: DuplicatePair, form: DistinctForm, status: int = 200) -> HttpResponse:
    numbers = merge_screens.counts([pair.first_id, pair.second_id])
    context = {
        "pair": pair,
        "sides": [
            {"patient": patient, "words": merge_screens.count_words(numbers[patient.pk])}
            for patient in (pair.first, pair.second)
        ],
        "signs": sign_words(pair.signs),
        "strength": strength(pair.score),
        "lines": merge_screens.fact_lines(pair.first, pair.second),
        "warnings": merge_screens.warnings(pair.first, pair.second),
        "keep": _suggested(pair, numbers),
        "is_open": pair.state == OPEN and MERGED not in (pair.first.status, pair.second.status),
        "form": form,
    }
    return render(request, "patients/duplicate_detail.html", context, status=status)


def _suggested(pair: DuplicatePair, numbers: dict[UUID, dict[str, int]]) -> str:
    """Return which record is offered to stay: the one in use, else the one on which more hangs, else the older one."""
    is_archived = [patient.status == Patient.Status.ARCHIVED for patient in (pair.first, pair.second)]
    if is_archived[0] != is_archived[1]:
        return "second" if is_archived[0] else "first"
    first, second = (sum(numbers[pk].values()) for pk in (pair.first_id, pair.second_id))
    return "second" if second > first else "first"


@requires(Capability.MERGE_PATIENTS)
@require_POST
def duplicate_distinct(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Two persons, with the reason."""
    pair = _pair(request, pk)
    form, status = DistinctForm(request.POST), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            pairs.decide_distinct(pair_id=pair.pk, reason=form.cleaned_data["reason"], actor=request.user)
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("Noted: these are two persons. They are not listed again."))
            return redirect("patients:duplicate-list")
    return _detail_page(request, _pair(request, pk), form, status)


@requires(Capability.MERGE_PATIENTS)
@require_POST
def duplicate_reopen(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Back to the list: the decision was a mistake."""
    pair = _pair(request, pk)
    with domain_errors(request):
        pairs.reopen_pair(pair_id=pair.pk, actor=request.user)
    return redirect("patients:duplicate-detail", pair.pk)


@requires(Capability.MERGE_PATIENTS)
@require_http_methods(["GET", "POST"])
def duplicate_add(request: SignedInRequest) -> HttpResponse:
    """Put two records beside each other by their numbers."""
    form, status = PairForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        found = [_found(request, form, name) for name in ("first_number", "second_number")] if form.is_valid() else []
        if found and not form.errors:
            with domain_errors(request, form=form) as outcome:
                pair = pairs.pair_by_hand(one_id=found[0].pk, other_id=found[1].pk, actor=request.user)  # type: ignore[union-attr]
            status = outcome.status
            if outcome.ok:
                return redirect("patients:duplicate-detail", pair.pk)
    return render(request, "patients/duplicate_add.html", {"form": form}, status=status)


def _found(request: SignedInRequest, form: PairForm, name: str) -> Patient | None:
    text = form.cleaned_data[name]
    found = find_patients(user=request.user, query=text, limit=2) if parse_query(text).has_numbers else []
    services.record_search(actor=request.user, query=text, hits=len(found))
    if len(found) == 1:
        return found[0]
    form.add_error(name, _("Not one record has this number. Enter the record number or the whole NIK."))
    return None


# --- Merging ---------------------------------------------------------------------------------------------------------


@requires(Capability.MERGE_PATIENTS)
@fresh_factor
@require_http_methods(["GET", "POST"])
def merge(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Choose which record and which values stay, see what moves, and merge."""
    pair = _pair(request, pk)
    keep = "second" if request.GET.get("keep") == "second" else "first"
    survivor, merged = (pair.second, pair.first) if keep == "second" else (pair.first, pair.second)
    facts = merge_screens.choosable(survivor, merged)
    if request.method == "GET":
        for patient in (survivor, merged):
            services.record_chart_read(patient=patient, actor=request.user, what="comparison")
        form = MergeForm(facts=facts, initial={"survivor_version": survivor.version, "merged_version": merged.version})
        return _merge_page(request, pair, keep, form)
    form, status = MergeForm(request.POST, facts=facts), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            done = merging.merge_patients(
                survivor_id=survivor.pk, merged_id=merged.pk, values=form.values(), actor=request.user,
                reason=form.cleaned_data["reason"], versions=_versions(form, survivor, merged),
            )  # fmt: skip
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The records are one now. The old number still finds the patient."))
            return redirect("patients:merge-detail", done.pk)
    return _merge_page(request, _pair(request, pk), keep, form, status)


def _versions(form: MergeForm, survivor: Patient, merged: Patient) -> dict[UUID, int]:
    seen = form.cleaned_data
    return {survivor.pk: seen.get("survivor_version") or 0, merged.pk: seen.get("merged_version") or 0}


def _merge_page(
    request: SignedInRequest, pair: DuplicatePair, keep: str, form: MergeForm, status: int = 200
) -> HttpResponse:
    survivor, merged = (pair.second, pair.first) if keep == "second" else (pair.first, pair.second)
    numbers = merge_screens.counts([merged.pk])
    context = {
        "pair": pair,
        "keep": keep,
        "survivor": survivor,
        "merged": merged,
        "form": form,
        "filled": merge_screens.filled(survivor, merged),
        "moves": merge_screens.count_words(numbers[merged.pk]),
        "staying": merge_screens.staying(survivor, merged),
        "warnings": merge_screens.warnings(survivor, merged),
        "problem": merge_screens.problem(survivor, merged),
    }
    return render(request, "patients/merge_confirm.html", context, status=status)


@requires(Capability.MERGE_PATIENTS)
@require_GET
def merge_list(request: SignedInRequest) -> HttpResponse:
    """Merges that were made, the latest first."""
    rows = PatientMerge.objects.visible_to(request.user).select_related("survivor", "merged", "merged_by")
    page = keyset_page(request.GET, rows.defer("journal"), size=PAGE)
    pairs.record_list_read(actor=request.user, shown=len(page.rows))
    return render(request, "patients/merge_list.html", {"page": page, "tabs": _tabs(MERGED)})


def _merge(request: SignedInRequest, pk: UUID) -> PatientMerge:
    rows = PatientMerge.objects.visible_to(request.user)
    found: PatientMerge = get_object_or_404(rows.select_related("survivor", "merged", "merged_by", "undone_by"), pk=pk)
    return found


@requires(Capability.MERGE_PATIENTS)
@require_GET
def merge_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What one merge did, and whether it was undone."""
    done = _merge(request, pk)
    services.record_chart_read(patient=done.survivor, actor=request.user, what="comparison")
    context = {"merge": done, "moved": merge_screens.moved_words(done), "may_undo": merge_screens.may_be_undone(done)}
    return render(request, "patients/merge_detail.html", context)


@requires(Capability.MERGE_PATIENTS)
@fresh_factor
@require_http_methods(["GET", "POST"])
def merge_undo(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Say what goes back and what stays, and take the two records apart again."""
    done = _merge(request, pk)
    form, status = UndoForm(request.POST or None), 200
    if request.method == "GET":
        services.record_chart_read(patient=done.survivor, actor=request.user, what="comparison")
    else:
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                undone = merging.undo_merge(merge_id=done.pk, reason=form.cleaned_data["reason"], actor=request.user)
            status = outcome.status
            if outcome.ok:
                _say_undone(request, undone)
                return redirect("patients:merge-detail", done.pk)
        done = _merge(request, pk)
    preview = merge_screens.undo_preview(done) if merge_screens.may_be_undone(done) else {}
    return render(request, "patients/merge_undo.html", {"merge": done, "form": form, "preview": preview}, status=status)


def _say_undone(request: SignedInRequest, undone: merging.Undone) -> None:
    messages.success(request, _("The records are apart again; both are found by the search."))
    left = merge_screens.changed_words(undone.left)
    if left:
        messages.warning(
            request, _("Changed since the merge and left as it is: %(facts)s.") % {"facts": ", ".join(left)}
        )


@requires(Capability.MERGE_PATIENTS)
@require_GET
def merges_panel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Numbers that were merged into one record, for its page."""
    patient = visible_patient(request, pk)
    if not request.htmx:  # beside the patient's page, that one is on record already
        services.record_chart_read(patient=patient, actor=request.user, what="identity")
    rows = PatientMerge.objects.visible_to(request.user).filter(survivor=patient).select_related("merged")
    context = {"patient": patient, "merges": rows.defer("journal").order_by("-pk")[:PAGE]}
    name = "patients/_merges_panel.html" if request.htmx else "patients/merge_numbers.html"
    return render(request, name, context)
