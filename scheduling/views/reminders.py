"""Reminders that staff send by hand, and how a patient wants to be reminded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.http import domain_errors
from patients.consents import may
from patients.models import ConsentKind, Patient
from patients.services import record_part_read
from scheduling import services
from scheduling.forms.reminders import ReminderPreferenceForm
from scheduling.models import Channel, Reminder
from scheduling.services import reminders
from scheduling.views.common import act

TODAY, TOMORROW = "today", "tomorrow"


@requires(Capability.BOOK_APPOINTMENTS)
@require_safe
def reminder_list(request: SignedInRequest) -> HttpResponse:
    """Whom staff write to for tomorrow, or still for today."""
    return render(request, "scheduling/reminder_list.html", _list_context(request))


@requires(Capability.BOOK_APPOINTMENTS)
@require_safe
def reminder_list_panel(request: SignedInRequest) -> HttpResponse:
    """The rows alone, fetched again when somebody else sent one."""
    return render(request, "scheduling/_reminder_list_panel.html", _list_context(request))


@requires(Capability.BOOK_APPOINTMENTS)
@require_POST
def reminder_send(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark one as sent and lead on to WhatsApp with the text written, or back to the list when there is no number."""
    reminder = _row(request, pk)
    with domain_errors(request) as outcome:
        reminder = services.mark_sent_by_hand(reminder_id=reminder.pk, actor=request.user)
    list_url = _list_url(reminder)
    link = reminders.whatsapp_link(reminder) if outcome.ok else ""
    if not link:
        if outcome.ok:
            messages.success(request, _("Marked as reminded."))
        return redirect(list_url)
    # A page that goes on by itself and no redirect: `form-action 'self'` covers redirects of a form as well.
    return render(request, "scheduling/reminder_go.html", {"link": link, "back_url": list_url})


@requires(Capability.BOOK_APPOINTMENTS)
@require_POST
def reminder_undo(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Put one back among those to write to."""
    reminder = _row(request, pk)
    services.undo_sent_by_hand(reminder_id=reminder.pk, actor=request.user)
    messages.success(request, _("Back on the list."))
    return redirect(_list_url(reminder))


@requires(Capability.BOOK_APPOINTMENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def patient_reminders(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """How one patient is reminded: a panel of their page, and a page of its own without script."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).select_related("user"), pk=pk)
    if request.method == "POST":
        return _set_preference(request, patient)
    return _preference(request, patient, ReminderPreferenceForm(channel=reminders.chosen_channel(patient)))


def _set_preference(request: SignedInRequest, patient: Patient) -> HttpResponse:
    form = ReminderPreferenceForm(request.POST)
    if not form.is_valid():
        return _preference(request, patient, form, status=422)
    channel = form.cleaned_data["channel"]
    if request.htmx:
        with domain_errors(request, form=form) as outcome:
            services.set_reminder_preference(patient_id=patient.pk, channel=channel, actor=request.user)
        return _preference(request, patient, form, status=outcome.status, is_saved=outcome.ok)
    return act(
        request,
        lambda: services.set_reminder_preference(patient_id=patient.pk, channel=channel, actor=request.user),
        _("The way of reminding is saved."),
        "patients:detail",
        patient.pk,
    )


def _preference(
    request: SignedInRequest,
    patient: Patient,
    form: ReminderPreferenceForm,
    *,
    status: int = 200,
    is_saved: bool = False,
) -> HttpResponse:
    channel = reminders.channel_of(patient)
    context = {
        "patient": patient,
        "form": form,
        "is_saved": is_saved,
        "now_by": Channel(channel).label,
        "is_refused": not may(patient.pk, ConsentKind.MESSAGES),
        "must_call": channel == Channel.WHATSAPP and not reminders.whatsapp_number(patient.phone),
    }
    if not request.htmx:
        record_part_read(patient_id=patient.pk, actor=request.user, what="reminders", target=patient)
    name = "scheduling/_reminder_preference_panel.html" if request.htmx else "scheduling/reminder_preference.html"
    return render(request, name, context, status=status)


def _row(request: SignedInRequest, pk: UUID) -> Reminder:
    written = Reminder.objects.visible_to(request.user).filter(channel=Channel.WHATSAPP)
    return get_object_or_404(written, pk=pk)


def _list_url(reminder: Reminder) -> str:
    is_today = clock.local(reminder.starts_at).date() <= clock.today()
    return f"{reverse('scheduling:reminder-list')}?day={TODAY if is_today else TOMORROW}"


def _list_context(request: SignedInRequest) -> dict[str, Any]:
    day_name = TODAY if request.GET.get("day") == TODAY else TOMORROW
    now, today = clock.now(), clock.today()
    day = today if day_name == TODAY else today + timedelta(days=1)
    rows = Reminder.objects.visible_to(request.user)
    lines = reminders.by_hand(rows, day)
    url = reverse("scheduling:reminder-list")
    words = ((TOMORROW, _("Tomorrow"), "calendar"), (TODAY, _("Today"), "clock"))
    tabs = [
        {"label": label, "url": f"{url}?day={name}", "active": name == day_name, "icon": icon, "count": 0}
        for name, label, icon in words
    ]
    return {
        "lines": lines,
        "open_count": sum(line.reminder.done_at is None and line.reminder.starts_at > now for line in lines),
        "is_done": bool(lines) and all(line.reminder.done_at for line in lines),
        "mailed_count": reminders.mailed_count(rows, day),
        "day": day,
        "day_name": day_name,
        "tabs": tabs,
        "now": now,
        "is_early": day_name == TOMORROW and clock.local(now).time() < services.REMIND_FROM,
    }
