"""allauth with the clinic's rules: no open sign-up, one way to see the client's address, own redirects."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext_lazy as _

from accounts.lockout import client_ip, name_digest, place_of, raw_client_ip, username


class AccountAdapter(DefaultAccountAdapter):
    """What allauth asks the product."""

    # One sentence for every refusal: it must not tell a wrong password from an unknown name, another door or a limit.
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        **dict.fromkeys(
            ("username_password_mismatch", "email_password_mismatch", "too_many_login_attempts", "invalid_login"),
            _("Cannot sign in. Check the user name and the password, or try again in 15 minutes."),
        ),
    }

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing about signing in and out: the page that follows shows it."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Patients register on the portal's own page and wait for the clinic; staff accounts are made by an admin."""
        return False

    def get_login_stages(self) -> list[str]:
        return [*super().get_login_stages(), "accounts.second_factor.SecondFactorStage"]

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address; for the limit per address of sign-ins, a browser known to the account counts by itself."""
        place = client_ip(request) if request.method == "POST" else ""
        return place if place.startswith("fe") else raw_client_ip(request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("accounts:home")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("accounts:home")

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Answer a right password of an account that is not open (yet)."""
        return render(request, "accounts/not_active.html", {"is_patient": not user.is_staff_member}, status=403)

    def forget_failures(self, request: HttpRequest, user: Any) -> None:
        """Forget the limiter's count of this person at this place; the count per address stays."""
        self.clear_limit(user, place_of(request, user))

    def clear_limit(self, user: Any, place: str) -> None:
        """Empty the limiter for an account at one place, as axes' rows name it."""
        rates = settings.ACCOUNT_RATE_LIMITS["login_failed"].split(",")
        own = {"login_failed": ",".join(rate for rate in rates if rate.endswith("/key"))}
        key = f"{name_digest(user)}:{place}"
        # A rate per key asks nothing of the request.
        ratelimit.clear(HttpRequest(), app="allauth.account", action="login_failed", config=own, key=key)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failures per account *and* place: else anyone could lock anybody out from anywhere.

        allauth's own limiter takes a cache lock, so of parallel tries exactly five are checked; axes alone counts too late.
        """
        return f"{username(request, credentials)}:{client_ip(request)}"
