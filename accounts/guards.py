"""The marker each view carries. A view without one is refused by `ClosedByDefaultMiddleware`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.cache import add_never_cache_headers

from accounts.access import Capability, has_capability

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from accounts.models import User


class SignedInRequest(HttpRequest):
    """A request behind a guard that sends anonymous people away, so `user` is an account. For annotations."""

    user: User
    htmx: HtmxDetails


class PortalRequest(SignedInRequest):
    """A request behind `patient_portal`. For annotations: `patient` is a `patients.models.Patient`."""

    patient: Any
    portal: Any


def requires(*capabilities: Capability) -> Callable[..., Any]:
    """Mark a staff view: any one of these capabilities opens it.

    Anonymous people go to the staff sign-in; people who are not staff get 404 (the page does not exist for them);
    staff without the right get 403. Answers are never stored by browsers or proxies.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user = request.user
            if not user.is_authenticated:
                return _to_login(request, "accounts:login")
            if not has_capability(user, Capability.USE_STAFF_SITE):
                raise Http404
            if not any(has_capability(user, capability) for capability in capabilities):
                raise PermissionDenied
            return _private(view(request, *args, **kwargs))

        guarded.access = ("staff", capabilities)  # type: ignore[attr-defined]
        return guarded

    return decorate


def patient_portal(view: Callable[..., HttpResponse] | None = None, *, is_account_page: bool = False) -> Any:
    """Mark a portal view: for a signed-in patient with an activated account.

    `request.patient` is the record it is about: the own one, or that of a person the account may act for and has chosen.
    A form names the record it was made for; sent after another one was chosen it is refused. `is_account_page` is for
    pages about the account itself, whoever is chosen: their forms are taken as they are.
    """
    if view is None:
        return functools.partial(patient_portal, is_account_page=is_account_page)
    page = view

    @functools.wraps(page)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_login(request, "accounts:portal-login")
        if not has_capability(request.user, Capability.USE_PORTAL):
            raise Http404
        if getattr(request.user, "patient", None) is None:
            raise Http404
        refusal = _person_chooser(request, is_account_page)
        return _private(page(request, *args, **kwargs) if refusal is None else refusal)

    guarded.access = ("patient", ())  # type: ignore[attr-defined]
    guarded.is_account_page = is_account_page  # type: ignore[attr-defined]
    return guarded


PersonChooser = Callable[[Any, bool], HttpResponse | None]


def _own_record(request: HttpRequest, is_account_page: bool) -> HttpResponse | None:
    request.patient = request.user.patient  # type: ignore[attr-defined, union-attr]
    return None


_person_chooser: PersonChooser = _own_record


def choose_person_by(chooser: PersonChooser) -> None:
    """Say how `request.patient` is found; an answer instead of None is given in place of the view. Called at start."""
    global _person_chooser
    _person_chooser = chooser


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view for every signed-in person about their own account (password, preferences, notices)."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_login(request, "accounts:login")
        return _private(view(request, *args, **kwargs))

    guarded.access = ("signed_in", ())  # type: ignore[attr-defined]
    return guarded


def public(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view that anyone may open."""

    @functools.wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    opened.access = ("public", ())  # type: ignore[attr-defined]
    return opened


def _private(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    response["Cache-Control"] = "no-store, private"
    return response


def _to_login(request: HttpRequest, name: str) -> HttpResponse:
    target = request.get_full_path() if request.method == "GET" else resolve_url("accounts:home")
    if getattr(request, "htmx", False):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = resolve_url(name)
        return response
    return redirect_to_login(target, resolve_url(name))
