"""Audit of what Django itself raises: sign-in, sign-out, refused sign-in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

import audit
from accounts import binding, sessions
from accounts.lockout import address_hash, forget_failures
from accounts.models import AccountSession
from accounts.names import account_of_request
from audit import browsers, context


@receiver(user_logged_in)
def record_sign_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    user_agent = request.META.get("HTTP_USER_AGENT", "")
    if request.session.session_key is None:
        request.session.save()
    method = sessions.method_of(request, user)
    with transaction.atomic():
        audit.record("accounts.session.started", actor=user, target=user, detail={"method": str(method)})
        row = sessions.begin(
            user=user,
            session_key=str(request.session.session_key),
            browser=browsers.family(user_agent),
            address_hash=address_hash(request),
            method=method,
        )
    request.binding_token = binding.bind(request.session, row_id=row.pk, user_agent=user_agent)  # type: ignore[attr-defined]
    forget_failures(request, user)
    request.remember_browser = True  # type: ignore[attr-defined]


@receiver(user_login_failed)
def record_refused_secret(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Write down a wrong password, at a door or of somebody signed in. Whose it was, never what was typed.

    Codes and passkeys are checked by services that say more about a refusal; theirs stands already.
    """
    trace = context.current.get().trace
    if request is None or trace.refusal_noted:
        return
    match = request.resolver_match
    audit.record_refusal(
        "accounts.sign_in.refused",
        actor=getattr(request, "user", None) or AnonymousUser(),
        target=account_of_request(request, str(credentials.get("username") or "")),
        detail={"page": match.view_name[:100]} if match is not None else None,
    )
    trace.refusal_noted = False  # a lock-out that follows from it is an event of its own


@receiver(user_logged_out)
def record_sign_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is not None:
        guard = binding.guard_of(request.session)
        with transaction.atomic():
            if guard is not None:
                sessions.close(guard.row_id, AccountSession.End.SIGNED_OUT)
            audit.record("accounts.session.ended", actor=user, target=user)
