"""Staff side: the own messages, and the inbox for those who answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from core.pagination import keyset_page
from support import services
from support.forms import AnswerForm, MessageForm
from support.models import SupportMessage


def own_messages(request: SignedInRequest, *, layout: str, list_name: str, detail_name: str) -> HttpResponse:
    """The form for a new message and the person's own messages; shared by both sides."""
    form = MessageForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.send_message(actor=request.user, **form.cleaned_data)
            if outcome.ok:
                messages.success(request, _("Your message is sent. You find the answer here."))
                return redirect(list_name)
            status = outcome.status
    own = SupportMessage.objects.visible_to(request.user).sent_by(request.user)
    context = {"base": layout, "form": form, "page": keyset_page(request.GET, own), "detail_name": detail_name}
    return render(request, "support/messages_screen.html", context, status=status)


def own_message(request: SignedInRequest, pk: UUID, *, layout: str, list_name: str) -> HttpResponse:
    """One of the person's own messages with its answer; shared by both sides."""
    own = SupportMessage.objects.visible_to(request.user).sent_by(request.user)
    message = get_object_or_404(own, pk=pk)
    return render(request, "support/message_screen.html", {"base": layout, "message": message, "list_name": list_name})


@requires(Capability.USE_STAFF_SITE)
@require_http_methods(["GET", "POST"])
def message_list(request: SignedInRequest) -> HttpResponse:
    return own_messages(
        request, layout="base_staff.html", list_name="support:message-list", detail_name="support:message-detail"
    )


@requires(Capability.USE_STAFF_SITE)
@require_GET
def message_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    return own_message(request, pk, layout="base_staff.html", list_name="support:message-list")


@requires(Capability.READ_SUPPORT)
@require_GET
def inbox(request: SignedInRequest) -> HttpResponse:
    """All messages by status, the newest first."""
    return render(request, "support/inbox_screen.html", _inbox_context(request))


@requires(Capability.READ_SUPPORT)
@require_GET
def inbox_panel(request: SignedInRequest) -> HttpResponse:
    """The list alone, fetched again when a message arrives."""
    return render(request, "support/_inbox_panel.html", _inbox_context(request))


@requires(Capability.READ_SUPPORT)
@require_GET
def inbox_message(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One message with the form for its answer."""
    return _inbox_page(request, _message(request, pk), AnswerForm())


@requires(Capability.READ_SUPPORT)
@require_POST
def message_read(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark a message as read."""
    message = _message(request, pk)
    with domain_errors(request):
        services.mark_read(message_id=message.pk, actor=request.user)
    return redirect("support:inbox-message", message.pk)


@requires(Capability.READ_SUPPORT)
@require_POST
def message_answer(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Answer a message."""
    message = _message(request, pk)
    form = AnswerForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.answer_message(message_id=message.pk, actor=request.user, answer=form.cleaned_data["answer"])
        if outcome.ok:
            messages.success(request, _("The answer is sent."))
            return redirect("support:inbox")
        status = outcome.status
    return _inbox_page(request, _message(request, pk), form, status=status)


def _message(request: SignedInRequest, pk: UUID) -> SupportMessage:
    return get_object_or_404(SupportMessage.objects.visible_to(request.user).with_people(), pk=pk)


def _inbox_page(request: SignedInRequest, message: SupportMessage, form: AnswerForm, status: int = 200) -> HttpResponse:
    return render(request, "support/inbox_message_screen.html", {"message": message, "form": form}, status=status)


def _inbox_context(request: SignedInRequest) -> dict[str, Any]:
    status = request.GET.get("status", SupportMessage.Status.NEW)
    rows = SupportMessage.objects.visible_to(request.user).with_people()
    if status in SupportMessage.Status.values:
        rows = rows.in_status(status)
    tabs = [
        *({"label": s.label, "url": f"?status={s.value}", "active": s.value == status} for s in SupportMessage.Status),
        {"label": _("All"), "url": "?status=all", "active": status not in SupportMessage.Status.values},
    ]
    return {"page": keyset_page(request.GET, rows), "tabs": tabs, "query": request.GET.urlencode(), "status": status}
