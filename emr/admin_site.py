"""The back office."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability


class BackOffice(AdminSite):
    """Reference data and read-only views of clinical rows."""

    site_header = _("Back office")
    site_title = _("Back office")
    index_title = _("Reference data and configuration")
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        return has_capability(request.user, Capability.USE_BACK_OFFICE)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send people to the staff sign-in; there is no second password form."""
        if request.user.is_authenticated:
            raise Http404
        return redirect("accounts:login")
