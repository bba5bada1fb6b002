"""The sentence for somebody whose emergency access ended while a page was open."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from patients.emergency import ended_lately


class EmergencyEndedMiddleware:
    """Answer "not found" with the reason when it may be that an emergency access is over: for an hour, on pages of one row."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        match = request.resolver_match
        if not isinstance(exception, Http404) or match is None or "pk" not in match.kwargs:
            return None
        user = getattr(request, "user", None)
        access = ended_lately(user) if user is not None and user.is_authenticated else None
        if access is None:
            return None
        response = render(request, "patients/emergency_over.html", {"access": access}, status=404)
        response["Cache-Control"] = "no-store, private"
        return response
