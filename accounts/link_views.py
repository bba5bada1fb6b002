"""The own password and address, and what opens behind mailed links.

A link is used by its form only: opening it shows the form, so programs that look into mails use nothing up. Its secret is
in the address of one answer, which leads on at once; the session keeps which link was opened, not the secret.
"""

from __future__ import annotations

import time

from django.contrib import messages
from django.contrib.auth import logout as end_session
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services, step_up
from accounts.errors import WeakPassword
from accounts.guards import SignedInRequest, public, signed_in
from accounts.limits import even_out, is_too_often
from accounts.models import AccountLink, User
from accounts.navigation import url_of
from accounts.password_forms import (
    EmailChangeForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordProofForm,
    PasswordResetForm,
)
from accounts.second_factor import has_factor, must_have_factor
from core.http import domain_errors, error_response
from core.ids import uuid_or_none

LINK = "account_link"  # session: id of the mailed link that was opened
RESETS_PER_HOUR = 10  # from one address; a waiting room shares one
HOUR = 3600
DOORS = {"staff": "accounts:login", "patient": "accounts:portal-login"}


@sensitive_post_parameters()
@signed_in
@require_http_methods(["GET", "POST"])
def password_change(request: SignedInRequest) -> HttpResponse:
    """Change the own password; the only page for someone who still has a one-time password."""
    user = request.user
    data = request.POST if request.method == "POST" else None
    form = PasswordChangeForm(data, request=request, account=user)
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.change_own_password(user_id=user.pk, new_password=form.cleaned_data["new_password"])
        except WeakPassword as error:
            form.add_error("new_password", error.messages)
        else:
            update_session_auth_hash(request, changed)
            messages.success(request, _("Your password is changed. Other devices have been signed out."))
            return redirect("accounts:home")
    context = {"form": form, "forced": user.must_change_password}
    return render(request, "accounts/password_screen.html", context, status=422 if form.is_bound else 200)


@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def email_change(request: SignedInRequest) -> HttpResponse:
    """Ask for a new address of the own account: with the password, and the second factor of those who have one."""
    user = request.user
    if (must_have_factor(user) or has_factor(user)) and not step_up.is_fresh(request):
        return step_up.challenge(request, back_to=request.path)
    form = EmailChangeForm(request.POST if request.method == "POST" else None, request=request, account=user)
    status = 422 if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.request_email_change(user_id=user.pk, new_email=form.cleaned_data["new_email"])
        if outcome.ok:
            text = _(
                "A link was sent to the new address. Open it within 30 minutes to confirm; until then nothing changes."
            )
            messages.success(request, text)
            return redirect("accounts:email-change")
        status = outcome.status
    return render(request, "accounts/link_email_change_screen.html", {"form": form}, status=status)


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password_reset(request: HttpRequest, door: str) -> HttpResponse:
    """Ask for a link by mail. The answer and the time it takes are the same for every name."""
    began = time.monotonic()
    form = PasswordResetForm(request.POST if request.method == "POST" else None, door=door)
    context = {"form": form, "is_staff_door": door == User.Kind.STAFF, "door_url": url_of(DOORS[door])}
    if request.method == "GET" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "accounts/password_reset_screen.html", context, status=status)
    if is_too_often(request, "password-reset", limit=RESETS_PER_HOUR, seconds=HOUR):
        text = _("Too many requests came from here. Wait an hour and try again, or call the clinic.")
        response = error_response(request, 429, text)
        response["Retry-After"] = str(HOUR)
        return response
    services.request_password_link(door=door, name=form.cleaned_data["login"])
    even_out(began)
    return redirect(
        "accounts:password-reset-sent" if door == User.Kind.STAFF else "accounts:portal-password-reset-sent"
    )


@public
@require_safe
def password_reset_sent(request: HttpRequest, door: str) -> HttpResponse:
    """What happens next, whether there is such an account or not."""
    context = {"is_staff_door": door == User.Kind.STAFF, "door_url": url_of(DOORS[door])}
    return render(request, "accounts/password_reset_sent_screen.html", context)


@public
@never_cache
@sensitive_variables("token")
@require_safe
def link_open(request: HttpRequest, token: str) -> HttpResponse:
    """Take the secret out of the address: note in the session which link it opens, and lead on."""
    request.session.pop(LINK, None)
    link = services.find_link(token)
    if link is not None:
        if not request.user.is_authenticated:
            request.session.cycle_key()  # nobody who planted this session may go on with the link
        request.session[LINK] = str(link.pk)
    response = redirect("accounts:link-use")
    response["Referrer-Policy"] = "no-referrer"
    return response


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def link_use(request: HttpRequest) -> HttpResponse:
    """Show what the opened link is for; its form does it."""
    link = services.open_link(uuid_or_none(request.session.get(LINK)))
    if link is None:
        request.session.pop(LINK, None)
        return render(request, "accounts/link_ended_screen.html", status=410)
    return _confirm_email(request, link) if link.kind == AccountLink.Kind.EMAIL else _new_password(request, link)


def _new_password(request: HttpRequest, link: AccountLink) -> HttpResponse:
    """Choose the password of an invited account, or a new one."""
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            user = services.set_password_by_link(link_id=link.pk, new_password=form.cleaned_data["new_password"])
        if outcome.ok:
            end_session(request)  # a new password signs nobody in: the second factor is still asked
            messages.success(request, _("Your password is set. Sign in with it now."))
            return redirect(DOORS[user.kind])
        status = outcome.status
    context = {"form": form, "link": link, "is_invitation": link.kind == AccountLink.Kind.INVITATION}
    return render(request, "accounts/link_password_screen.html", context, status=status)


def _confirm_email(request: HttpRequest, link: AccountLink) -> HttpResponse:
    """Confirm a new address: signed in as its account, or with the password.

    The mailbox alone does not do: a mistyped address would hand the account to whoever reads there. What an admin asked
    for always needs the password.
    """
    form, is_own = None, request.user.is_authenticated and request.user.pk == link.user_id
    if services.needs_password(link) or not is_own:
        data = request.POST if request.method == "POST" else None
        form = PasswordProofForm(data, request=request, account=link.user)
    status = 200
    if request.method == "POST":
        status = 422
        if form is None or form.is_valid():
            with domain_errors(request, form=form) as outcome:
                user = services.confirm_email(link_id=link.pk, password_was_right=form is not None)
            if outcome.ok:
                return _email_confirmed(request, user)
            status = outcome.status
    context = {"link": link, "form": form, "is_own": is_own, "by_admin": services.needs_password(link)}
    return render(request, "accounts/link_email_screen.html", context, status=status)


def _email_confirmed(request: HttpRequest, user: User) -> HttpResponse:
    """Go on where the person is signed in as the same account, else at their door."""
    request.session.pop(LINK, None)
    messages.success(request, _("The new address is confirmed. Sign in with it from now on."))
    if not (request.user.is_authenticated and request.user.pk == user.pk):
        return redirect(DOORS[user.kind])
    update_session_auth_hash(request, user)
    return redirect(url_of("patients:portal-profile") if user.kind == User.Kind.PATIENT else "accounts:email-change")
