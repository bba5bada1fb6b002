"""Background work of the signed-in person: the list, one job live, its result."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.guards import SignedInRequest, signed_in
from accounts.step_up import challenge, is_fresh
from core import files
from core.http import domain_errors, own_path
from core.pagination import keyset_page
from jobs import kinds, services
from jobs.models import Job

PAGE_SIZE = 25


@signed_in
@require_GET
def job_list(request: SignedInRequest) -> HttpResponse:
    """Jobs of this person, newest first."""
    return render(request, "jobs/job_list_screen.html", {**_job_page(request), "base": _base(request)})


@signed_in
@require_GET
def job_list_panel(request: SignedInRequest) -> HttpResponse:
    """The list alone, which asks again while a job runs."""
    return render(request, "jobs/_job_list_panel.html", _job_page(request))


@signed_in
@require_GET
def job_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One job: how far it is, and what came of it."""
    job = _job(request, pk)
    return render(request, "jobs/job_detail_screen.html", {"job": job, "base": _base(request)})


@signed_in
@require_GET
def job_progress_panel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """How far one job is, asked again while it runs; at its end with what can be done now, and an event for the page."""
    job = _job(request, pk)
    answer = render(request, "jobs/_progress_answer.html", {"job": job})
    if not job.is_open:
        answer["HX-Trigger"] = "job-ended"
    return answer


@signed_in
@require_POST
def job_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Stop a job that waits or runs."""
    job = _job(request, pk)
    with domain_errors(request):
        services.cancel(job_id=job.pk, actor=request.user)
    return _back(request, job)


@signed_in
@require_POST
def job_resume(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Let a job that failed or was cancelled go on."""
    job = _job(request, pk)
    with domain_errors(request):
        services.resume(job_id=job.pk, actor=request.user)
    return _back(request, job)


@signed_in
@require_GET
def job_result(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The file that a job made."""
    job = _job(request, pk)
    kind = kinds.get(job.kind)
    if kind is not None and kind.guards(job) and not is_fresh(request):
        return challenge(request)
    with domain_errors(request) as outcome:
        stored, name = services.open_result(job_id=job.pk, actor=request.user)
        answer: HttpResponse = files.serve(stored, filename=name)
    return answer if outcome.ok else _back(request, job)


def _job(request: SignedInRequest, pk: UUID) -> Job:
    return get_object_or_404(Job.objects.visible_to(request.user).for_list(), pk=pk)


def _job_page(request: SignedInRequest) -> dict[str, Any]:
    page = keyset_page(request.GET, Job.objects.visible_to(request.user).for_list(), size=PAGE_SIZE)
    return {
        "page": page,
        "has_open": any(job.is_open for job in page),
        "panel_url": f"{reverse('jobs:list-panel')}?{request.GET.urlencode()}",
    }


def _back(request: SignedInRequest, job: Job) -> HttpResponse:
    """Return to the page the button stood on, when it is one of ours."""
    return redirect(own_path(request, request.POST.get("next", "")) or reverse("jobs:detail", args=[job.pk]))


def _base(request: SignedInRequest) -> str:
    return "base_staff.html" if request.user.is_staff_member else "base_portal.html"
