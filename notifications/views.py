"""Notices of the signed-in person, and the board of mails for admins."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires, signed_in
from core.http import domain_errors
from core.pagination import keyset_page
from notifications import kinds, services
from notifications.models import Email, Notice

PAGE_SIZE = 30


@signed_in
@require_GET
def notice_list(request: SignedInRequest) -> HttpResponse:
    """All notices of this person, newest first."""
    return render(request, "notifications/notice_list.html", {**_notice_page(request), "base": _base(request)})


@signed_in
@require_GET
def notice_list_panel(request: SignedInRequest) -> HttpResponse:
    """The list alone, fetched again when a notice arrives."""
    return render(request, "notifications/_notice_list_panel.html", _notice_page(request))


@signed_in
@require_GET
def notice_bell(request: SignedInRequest) -> HttpResponse:
    """The bell with the number of unread notices."""
    context = {"notice_count": services.unread_count(request.user)}
    return render(request, "components/notice_bell.html", context)


@signed_in
@require_POST
def notice_open(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark one notice as read and go to the page it is about."""
    notice = get_object_or_404(Notice.objects.visible_to(request.user), pk=pk)
    services.mark_read(user=request.user, notice_id=notice.pk)
    if notice.path and url_has_allowed_host_and_scheme(notice.path, allowed_hosts=None):
        return redirect(notice.path)
    return redirect("notifications:notice-list")


@signed_in
@require_POST
def notice_read(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark one notice as read."""
    notice = get_object_or_404(Notice.objects.visible_to(request.user), pk=pk)
    services.mark_read(user=request.user, notice_id=notice.pk)
    return _after_reading(request)


@signed_in
@require_POST
def notice_read_all(request: SignedInRequest) -> HttpResponse:
    """Mark all notices of this person as read."""
    services.mark_read(user=request.user)
    return _after_reading(request)


@requires(Capability.MANAGE_USERS)
@require_GET
def email_list(request: SignedInRequest) -> HttpResponse:
    """What became of the clinic's mails; addresses are never shown in full."""
    emails = Email.objects.visible_to(request.user).for_board()
    status = request.GET.get("status", "")
    if status in Email.Status.values:
        emails = emails.filter(status=status)
    page = keyset_page(request.GET, emails, size=PAGE_SIZE)
    context = {"page": page, "statuses": Email.Status.choices, "status": status}
    return render(request, "notifications/email_list.html", context)


@requires(Capability.MANAGE_USERS)
@require_POST
def email_resend(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Order one more try of a mail that failed or whose fate is unknown."""
    email = get_object_or_404(Email.objects.visible_to(request.user).for_board(), pk=pk)
    with domain_errors(request) as outcome:
        services.resend_email(email_id=email.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("The mail is tried once more. Its state changes here within a minute."))
    return redirect("notifications:email-list")


def _notice_page(request: SignedInRequest) -> dict[str, Any]:
    page = keyset_page(request.GET, Notice.objects.visible_to(request.user), size=PAGE_SIZE)
    notices = [
        {"row": row, "kind": kinds.KINDS[row.kind], "text": kinds.text_of(row.kind, row.params)}
        for row in page
        if row.kind in kinds.KINDS
    ]
    return {
        "notices": notices,
        "notice_count": services.unread_count(request.user),
        "page": page,
        "panel_url": f"{reverse('notifications:notice-list-panel')}?{request.GET.urlencode()}",
    }


def _after_reading(request: SignedInRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        return render(request, "notifications/_notice_list_panel.html", _notice_page(request))
    return redirect("notifications:notice-list")


def _base(request: SignedInRequest) -> str:
    is_staff_member = getattr(request.user, "is_staff_member", False)
    return "base_staff.html" if is_staff_member else "base_portal.html"
