"""What the staff screens share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.guards import SignedInRequest
from core.http import domain_errors, own_path
from scheduling.forms import ReasonForm
from scheduling.models import Visit


def back(request: SignedInRequest, default: str, *args: Any) -> HttpResponse:
    """Return to the page the form came from (`next`, own addresses only), else to the named one."""
    target = own_path(request, request.POST.get("next", ""))
    return redirect(target) if target else redirect(default, *args)


def act(request: SignedInRequest, call: Callable[[], Any], success: str, default: str, *args: Any) -> HttpResponse:
    """Run one service call, say what became of it, and go back."""
    with domain_errors(request) as outcome:
        call()
    if outcome.ok:
        messages.success(request, success)
    return back(request, default, *args)


def chosen_priority(value: str | None) -> str:
    """Return a kind of priority from a form; what is none of them counts as no priority."""
    return value if value in Visit.Priority.values else ""


def reason_step(
    request: SignedInRequest,
    *,
    call: Callable[[str], Any],
    words: dict[str, Any],
    success: str,
    default: str,
    is_optional: bool = False,
    template: str = "scheduling/reason.html",
) -> HttpResponse:
    """Ask for a reason, in a dialog with htmx and on a page without, then run the service call.

    `words`: title, text, verb (button), help; `back_url` when there is no way back in the form.
    """
    form = ReasonForm(request.POST or None, is_optional=is_optional, help_text=words.get("help", ""))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                call(form.cleaned_data["reason"])
            if outcome.ok:
                messages.success(request, success)
                return back(request, default)
            status = outcome.status
    context = {"form": form, "next": _next(request), "action": request.path, **words}
    is_dialog = getattr(request, "htmx", False) and request.method == "GET"
    return render(request, "scheduling/_reason_dialog.html" if is_dialog else template, context, status=status)


def _next(request: SignedInRequest) -> str:
    if request.method == "POST":
        return request.POST.get("next", "")
    return own_path(request, request.headers.get("HX-Current-URL", "")) if getattr(request, "htmx", False) else ""
