"""Audit of what Django itself raises: sign-in, sign-out, refused sign-in."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from axes.models import AccessAttempt
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

import audit
from accounts.lockout import client_ip


@receiver(user_logged_in)
def record_sign_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    with transaction.atomic():
        audit.record("accounts.session.started", actor=user, target=user)
    # axes forgets the failures of the user name by itself; those under the e-mail address, and the limiter's, go here.
    AccessAttempt.objects.filter(username=user.email, ip_address=client_ip(request)).delete()
    get_adapter().forget_failures(request, user)


@receiver(user_logged_out)
def record_sign_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is not None:
        with transaction.atomic():
            audit.record("accounts.session.ended", actor=user, target=user)
