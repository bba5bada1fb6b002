"""The doors and how a person likes the pages."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LoginView
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import services
from accounts.access import Capability, has_capability
from accounts.context import THEMES
from accounts.demo import demo_sign_ins
from accounts.forms import PatientSignInForm, StaffSignInForm
from accounts.guards import SignedInRequest, public, requires
from accounts.models import User
from accounts.navigation import url_of
from core.http import own_path
from core.styleguide import context as styleguide_context


class _Door(LoginView):
    """allauth's sign-in behind one of our doors."""

    door = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Past allauth's own context, which names addresses of its that are not mounted.
        context = super(LoginView, self).get_context_data(**kwargs)
        return {**context, "demo_sign_ins": demo_sign_ins(self.door)}

    def get_success_url(self) -> str:
        """The page asked for, when it lies behind this door."""
        wanted = own_path(self.request, str(super().get_success_url() or ""))
        behind_portal = wanted.startswith("/portal/")
        return wanted if wanted and behind_portal == (self.door == "patient") else resolve_url("accounts:home")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The lock-out page comes first: else the limiter would answer "too many attempts" with a form."""
        if not AxesProxyHandler.is_allowed(request):
            return get_lockout_response(request)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class StaffDoor(_Door):
    door = "staff"
    form_class = StaffSignInForm
    template_name = "accounts/login_screen.html"


class PatientDoor(_Door):
    door = "patient"
    form_class = PatientSignInForm
    template_name = "accounts/portal_login_screen.html"


login = public(StaffDoor.as_view())
portal_login = public(PatientDoor.as_view())


@public
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session and go back to the door this person came through."""
    kind = getattr(request.user, "kind", None)
    end_session(request)
    messages.success(request, _("You have logged out."))
    return redirect("accounts:portal-login" if kind == User.Kind.PATIENT else "accounts:login")


@public
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Send everyone to where they work; strangers see both doors."""
    user = request.user
    name = ""
    if has_capability(user, Capability.USE_STAFF_SITE):
        name = "reports:dashboard"
    elif has_capability(user, Capability.USE_PORTAL):
        name = "workspace:portal-home"
    target = url_of(name) if name else ""
    return redirect(target) if target else render(request, "accounts/landing_screen.html")


@public
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep language, theme and shortcut: in cookies, and with the account of a signed-in person."""
    data = request.POST
    language = data.get("language") if data.get("language") in dict(settings.LANGUAGES) else None
    theme = data.get("theme") if data.get("theme") in THEMES else None
    shortcut = {"on": True, "off": False}.get(data.get("uses_ctrl_d", ""))
    if request.user.is_authenticated:
        services.save_preferences(user_id=request.user.pk, language=language, theme=theme, uses_ctrl_d=shortcut)
    response = redirect(own_path(request, data.get("next", "")) or reverse("accounts:home"))
    kept: dict[str, Any] = {
        "max_age": 365 * 86400,
        "samesite": "Lax",
        "secure": settings.SESSION_COOKIE_SECURE,
        "httponly": True,
    }
    if language:
        translation.activate(language)
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, **kept)
    if theme:
        response.set_cookie(settings.THEME_COOKIE_NAME, theme, **kept)
    return response


@requires(Capability.USE_STAFF_SITE)
@require_GET
def styleguide(request: SignedInRequest) -> HttpResponse:
    """Show every component in every state."""
    return render(request, "styleguide.html", styleguide_context())
