"""Patient side: ask the clinic, and read the answers."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.guards import SignedInRequest, patient_portal
from support.views import own_message, own_messages


@patient_portal(is_account_page=True)
@require_http_methods(["GET", "POST"])
def message_list(request: SignedInRequest) -> HttpResponse:
    return own_messages(
        request,
        layout="base_portal.html",
        list_name="support:portal-message-list",
        detail_name="support:portal-message-detail",
    )


@patient_portal(is_account_page=True)
@require_GET
def message_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    return own_message(request, pk, layout="base_portal.html", list_name="support:portal-message-list")
