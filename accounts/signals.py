"""Audit of what Django itself raises: sign-in, sign-out, refused sign-in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

import audit
from accounts.lockout import forget_failures


@receiver(user_logged_in)
def record_sign_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    with transaction.atomic():
        audit.record("accounts.session.started", actor=user, target=user)
    forget_failures(request, user)
    request.remember_browser = True  # type: ignore[attr-defined]


@receiver(user_logged_out)
def record_sign_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is not None:
        with transaction.atomic():
            audit.record("accounts.session.ended", actor=user, target=user)
