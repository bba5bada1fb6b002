"""How the chosen person wants to be reminded."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.guards import PortalRequest, patient_portal
from core.http import domain_errors
from scheduling import services
from scheduling.forms.portal import ReminderForm
from scheduling.services.reminders import chosen_channel


@patient_portal
@require_http_methods(["GET", "HEAD", "POST"])
def reminders(request: PortalRequest) -> HttpResponse:
    """Choose the way of reminders."""
    if request.method != "POST":
        form = ReminderForm(initial={"channel": chosen_channel(request.patient) or ReminderForm.FITTING})
        return render(request, "scheduling/portal_reminders.html", {"form": form})
    form, status = ReminderForm(request.POST), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.set_reminder_preference(
                patient_id=request.patient.pk, channel=form.cleaned_data["channel"], actor=request.user
            )
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("We remind you in this way from now on."))
            return redirect("scheduling:portal-reminders")
    return render(request, "scheduling/portal_reminders.html", {"form": form}, status=status)
