"""The patient's own address for mails about care."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.guards import PortalRequest, patient_portal
from core.http import domain_errors
from patients.services.contact import adopt_account_email


@patient_portal(is_account_page=True)
@require_POST
def email_adopt(request: PortalRequest) -> HttpResponse:
    """Use the sign-in address for mails about the own care too, whoever is chosen."""
    with domain_errors(request) as outcome:
        adopt_account_email(patient_id=request.user.patient.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("Mails about your care go to your sign-in address from now on."))
    return redirect("patients:portal-profile")
