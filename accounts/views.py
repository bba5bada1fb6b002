"""The doors, the own account, and the administration of users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from allauth.account.views import LoginView
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout as end_session
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.access import Capability, has_capability
from accounts.context import THEME_COOKIE, THEMES
from accounts.demo import demo_sign_ins
from accounts.errors import WeakPassword
from accounts.forms import (
    NewStaffForm,
    PasswordChangeForm,
    PatientSignInForm,
    RolesForm,
    StaffForm,
    StaffSignInForm,
    UserFilterForm,
)
from accounts.guards import SignedInRequest, public, requires, signed_in
from accounts.models import User
from accounts.navigation import url_of
from core.http import domain_errors
from core.pagination import keyset_page
from core.styleguide import context as styleguide_context

SEARCH_LIMIT = 50


class _Door(LoginView):
    """allauth's sign-in behind one of our doors."""

    door = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Past allauth's own context, which names addresses of its that are not mounted.
        context = super(LoginView, self).get_context_data(**kwargs)
        return {**context, "demo_sign_ins": demo_sign_ins(self.door)}

    def get_success_url(self) -> str:
        """The page asked for, when it lies behind this door."""
        wanted = super().get_success_url()
        behind_portal = str(wanted or "").startswith("/portal/")
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


@sensitive_post_parameters()
@signed_in
@require_http_methods(["GET", "POST"])
def password_change(request: SignedInRequest) -> HttpResponse:
    """Change the own password; the only page for someone who still has a one-time password."""
    user = request.user
    form = PasswordChangeForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.change_own_password(user_id=user.pk, new_password=form.cleaned_data["new_password"])
        except WeakPassword as error:
            form.add_error("new_password", error.messages)
        else:
            update_session_auth_hash(request, changed)
            messages.success(request, _("Your password is changed. Other devices have been signed out."))
            return redirect("accounts:home")
    status = 422 if form.is_bound else 200
    return render(
        request, "accounts/password_screen.html", {"form": form, "forced": user.must_change_password}, status=status
    )


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
    target = data.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = reverse("accounts:home")
    response = redirect(target)
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
        response.set_cookie(THEME_COOKIE, theme, **kept)
    return response


@requires(Capability.USE_STAFF_SITE)
@require_GET
def styleguide(request: SignedInRequest) -> HttpResponse:
    """Show every component in every state."""
    return render(request, "styleguide.html", styleguide_context())


# --- Users ----------------------------------------------------------------------------------------------------------


@requires(Capability.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def user_list(request: SignedInRequest) -> HttpResponse:
    """List accounts. A search is posted, so that names of people stay out of addresses and logs."""
    users = User.objects.visible_to(request.user).for_list()
    text = request.POST.get("q", "").strip()[:100] if request.method == "POST" else ""
    form = UserFilterForm(request.GET or None)
    context: dict[str, Any] = {"form": form, "q": text, "previous_url": "", "next_url": ""}
    if text:
        context["users"] = list(users.matching(text).order_by("username")[:SEARCH_LIMIT])
        context["is_cut"] = len(context["users"]) == SEARCH_LIMIT
    else:
        chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
        page = keyset_page(
            request.GET,
            users.filtered(
                kind=chosen.get("kind") or "staff", role=chosen.get("role", ""), status=chosen.get("status", "")
            ),
            order=("username",),
        )
        context |= {"users": page.rows, "previous_url": page.previous_url, "next_url": page.next_url}
    return render(request, "accounts/user_list_screen.html", context)


@requires(Capability.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def user_create(request: SignedInRequest) -> HttpResponse:
    """Create a member of staff and show the one-time password, once."""
    form = NewStaffForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            user, password = services.create_staff_user(
                actor=request.user,
                username=form.cleaned_data["username"],
                roles=form.cleaned_data["roles"],
                **form.facts(),
            )
        if outcome.ok:
            return render(request, "accounts/one_time_password_screen.html", {"person": user, "password": password})
    return render(request, "accounts/user_create_screen.html", {"form": form}, status=422 if form.is_bound else 200)


@requires(Capability.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def user_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show one account; change the facts of a member of staff."""
    person = _person(request, pk)
    form = StaffForm(request.POST if request.method == "POST" else None, initial=_facts_of(person))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.update_staff_user(user_id=person.pk, actor=request.user, **form.facts())
            if outcome.ok:
                messages.success(request, _("Saved."))
                return redirect("accounts:user-edit", person.pk)
            status = outcome.status
    roles_form = RolesForm(initial={"roles": [row.role for row in person.roles.all()]})
    context = {"person": person, "form": form, "roles_form": roles_form, "is_self": person.pk == request.user.pk}
    return render(request, "accounts/user_edit_screen.html", context, status=status)


@requires(Capability.MANAGE_USERS)
@require_POST
def user_roles(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Give exactly these roles."""
    person = _person(request, pk)
    form = RolesForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose at least one role of the clinic's staff."))
        return redirect("accounts:user-edit", person.pk)
    return _act(request, person, services.set_roles, _("The roles are saved."), roles=form.cleaned_data["roles"])


@requires(Capability.MANAGE_USERS)
@require_POST
def user_deactivate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Close an account."""
    success = _("The account is closed. Its sessions have ended.")
    return _act(request, _person(request, pk), services.deactivate_user, success)


@requires(Capability.MANAGE_USERS)
@require_POST
def user_reactivate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Open a closed account."""
    return _act(request, _person(request, pk), services.reactivate_user, _("The account is open again."))


@requires(Capability.MANAGE_USERS)
@require_POST
def user_verify(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record that the licences were checked."""
    return _act(request, _person(request, pk), services.verify_staff, _("The licences are recorded as checked."))


@requires(Capability.MANAGE_USERS)
@require_POST
def user_reset_password(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Replace a password by a one-time password and show it, once."""
    person = _person(request, pk)
    with domain_errors(request) as outcome:
        person, password = services.reset_password_to_one_time(user_id=person.pk, actor=request.user)
    if not outcome.ok:
        return redirect("accounts:user-edit", person.pk)
    return render(request, "accounts/one_time_password_screen.html", {"person": person, "password": password})


def _person(request: SignedInRequest, pk: UUID) -> User:
    return get_object_or_404(User.objects.visible_to(request.user).for_list(), pk=pk)


def _facts_of(person: User) -> dict[str, str]:
    profile = getattr(person, "staff_profile", None)
    facts = {name: getattr(profile, name, "") for name in services.PROFILE_FIELDS}
    return {"full_name": person.full_name, "email": person.email, **facts}


def _act(
    request: SignedInRequest, person: User, service: Callable[..., Any], success: str, **values: Any
) -> HttpResponse:
    """Run one service call about an account, say what became of it, and go back to the account."""
    with domain_errors(request) as outcome:
        service(user_id=person.pk, actor=request.user, **values)
    if outcome.ok:
        messages.success(request, success)
    return redirect("accounts:user-edit", person.pk)
