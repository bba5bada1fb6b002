"""The back office."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.contrib.admin import AdminSite
from django.contrib.auth import logout as end_session
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext_lazy as _
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from accounts.access import Capability, has_capability
from accounts.second_factor import is_verified

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class BackOffice(AdminSite):
    """Reference data and read-only views of other rows, behind the second factor.

    The site looks at the factor itself, and at the device behind it, whatever middleware did before.

    Pages of other packages (sign-in attempts, e-mail addresses, schedules, groups) are not taken in: they would be a
    second way to do what has its own screen and rules, and some of them need inline scripts.
    """

    site_header = _("Back office")
    site_title = _("Back office")
    index_title = _("Reference data")
    site_url = "/"
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        from accounts.back_office import Guarded

        if admin_class is not None and issubclass(admin_class, Guarded):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return has_capability(request.user, Capability.USE_BACK_OFFICE)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Refuse like every staff page: strangers to the sign-in, people who are not staff 404, staff without right 403."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_login(request)
            self._refuse(request)
            if not _has_proven_factor(request):
                end_session(request)
                return _to_login(request)
            return inner(request, *args, **kwargs)

        return cast(View, guarded)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send people to the staff sign-in; there is no second password form."""
        if not request.user.is_authenticated:
            return redirect("accounts:login")
        self._refuse(request)
        if not _has_proven_factor(request):
            end_session(request)
            return redirect("accounts:login")
        return redirect("admin:index")

    # The stubs promise a template response of these two; Django's own redirects as well, once the form is right.
    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("accounts:password-change")

    def password_change_done(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("accounts:home")

    def _refuse(self, request: HttpRequest) -> None:
        if not has_capability(request.user, Capability.USE_STAFF_SITE):
            raise Http404
        if not self.has_permission(request):
            raise PermissionDenied


def _has_proven_factor(request: HttpRequest) -> bool:
    """True when this session proved a second factor whose device is still there. One statement."""
    user = cast(Any, request.user)
    if not is_verified(user):
        return False
    device = Device.from_persistent_id(request.session.get(DEVICE_ID_SESSION_KEY, ""))
    return device is not None and device.user_id == user.pk and device.confirmed


def _to_login(request: HttpRequest) -> HttpResponse:
    return redirect_to_login(request.get_full_path(), resolve_url("accounts:login"))
