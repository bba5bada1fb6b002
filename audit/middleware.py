"""Refusals by their answer, wherever in the product they were decided; and the page when the log takes no row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

import audit
from audit import context
from audit.errors import AuditUnavailable
from core.http import error_response

GetResponse = Callable[[HttpRequest], HttpResponse]


class RefusalMiddleware:
    """Writes an event for answers that refuse, unless the code that refused wrote a better one itself.

    403: a right is missing, or the form came from elsewhere. 404 to a signed-in person at an address that exists: a page or
    a row that is not theirs (or a made-up id; telling the two apart would need the row). 429: tried too often.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in (403, 404, 429) and not context.current.get().trace.refusal_noted:
            try:
                self._note(request, response.status_code)
            except AuditUnavailable:
                return unavailable(request)
        return response

    @staticmethod
    def _note(request: HttpRequest, status: int) -> None:
        user = getattr(request, "user", None)
        match = request.resolver_match
        detail: dict[str, Any] = {"method": (request.method or "")[:8]}
        if match is not None:
            detail["page"] = match.view_name[:100]
        if status == 404:
            if match is None or user is None or not user.is_authenticated or match.url_name is None:
                return
            action = "accounts.page.not_found"
            detail |= {
                name: str(value)[:64] for name, value in match.kwargs.items() if name in ("pk", "id", "object_id")
            }
        elif status == 429:
            action = "accounts.try.locked_out"
        elif getattr(request, "refusal", "") == "csrf":
            action = "accounts.form.refused"
        else:
            action = "accounts.page.refused"
            access = getattr(getattr(match, "func", None), "access", None)
            if access:
                detail["needs"] = sorted(str(capability) for capability in access[1])
        audit.record_refusal(action, actor=user, detail=detail)


class AuditUnavailableMiddleware:
    """Answers with a page of its own when an act did not happen because its trace could not be written."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        except AuditUnavailable:
            return unavailable(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return unavailable(request) if isinstance(exception, AuditUnavailable) else None


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return the page that says nothing was done or shown; the fault is logged without details of the request."""
    import logging

    logging.getLogger("audit").error("The audit log takes no rows: acts and readings are refused.")
    message = _(
        "The audit log cannot be written at the moment, so nothing was shown or changed. Try again in a minute; if it "
        "stays like this, call the clinic at %(phone)s."
    ) % {"phone": settings.CLINIC_PHONE}
    response = error_response(request, 503, message)
    response["Cache-Control"] = "no-store, private"
    response["Retry-After"] = "60"
    return response
