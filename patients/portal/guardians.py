"""Patient screens: for whom I act, who acts for me, and the switch between persons."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import PortalRequest, patient_portal
from core import clock
from core.http import domain_errors
from core.ids import uuid_or_none
from patients import persons, services
from patients.forms.guardians import AskForm
from patients.guardians import is_minor
from patients.models import GuardianLink

SHOWN_REQUESTS = 10


@patient_portal(is_account_page=True)
@require_safe
def family(request: PortalRequest) -> HttpResponse:
    """People I act for, requests that wait, and people who act for me."""
    return render(request, "patients/guardian_family.html", _family(request))


@patient_portal(is_account_page=True)
@require_http_methods(["GET", "POST"])
def family_ask(request: PortalRequest) -> HttpResponse:
    """Ask to act for somebody; the answer is the same whether that person is known here or not."""
    form, status = AskForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.request_link(guardian=request.user, **form.cleaned_data)
            status = outcome.status
            if outcome.ok:
                messages.success(request, _("Your request is sent. Come to our desk with the documents named below."))
                return redirect("patients:portal-family")
    return render(request, "patients/guardian_ask.html", {"form": form}, status=status)


@patient_portal(is_account_page=True)
@require_POST
def family_end(request: PortalRequest, pk: UUID) -> HttpResponse:
    """End a link: as the guardian, or as the adult it is about."""
    link = get_object_or_404(GuardianLink.objects.visible_to(request.user), pk=pk)
    with domain_errors(request) as outcome:
        services.end_link(link_id=link.pk, reason="", actor=request.user)
    if outcome.ok:
        messages.success(request, _("This has ended. Nothing can be seen through it any more."))
    return redirect("patients:portal-family")


@patient_portal(is_account_page=True)
@require_POST
def person_choose(request: PortalRequest) -> HttpResponse:
    """Choose whose record the next pages are about."""
    person = request.portal.find(uuid_or_none(request.POST.get("person", "")))
    if person is None:
        messages.warning(request, _("You cannot act for this person, or no longer."))
    else:
        persons.choose(request, person)
    return redirect("accounts:home")


def _family(request: PortalRequest) -> dict[str, Any]:
    own, today = request.user.patient, clock.today()
    links = list(GuardianLink.objects.visible_to(request.user).for_list().order_by("-id")[:100])
    mine = [link for link in links if link.guardian_id == request.user.pk]
    return {
        "own": own,
        "acting": [link for link in mine if link.is_in_force(today)],
        "requests": [link for link in mine if link.asked_birth_date and link.proven_at is None][:SHOWN_REQUESTS],
        "about_me": [link for link in links if link.dependant_id == own.pk and link.is_in_force(today)],
        "may_end_about_me": not is_minor(own),
    }
