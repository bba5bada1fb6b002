"""Signing in through the pages, with the second step."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.internal.stagekit import LOGIN_SESSION_KEY
from allauth.account.utils import url_str_to_user_pk
from django.test import Client
from django.urls import reverse

from accounts.models import TotpDevice, User

PASSWORD = "rahasia-klinik-2026"
VERIFY = reverse("accounts:factor-verify")
ENROL = reverse("accounts:factor-enrol")


def waiting_user(client: Client) -> User:
    """Return the person whose sign-in waits for its second step."""
    return User.objects.get(pk=url_str_to_user_pk(client.session[LOGIN_SESSION_KEY]["user_pk"]))


def unused_code(user: User) -> str:
    """Return a code that is good now, also for the second sign-in within half a minute; makes an app when there is none."""
    device = TotpDevice.objects.filter(user=user, confirmed=True).first() or TotpDevice.objects.create(
        user=user, name="Telepon"
    )
    TotpDevice.objects.filter(pk=device.pk).update(last_t=-1)
    return device.code_at(time.time())


def sign_in(client: Client, url: str, login: str, password: str = PASSWORD, **extra: Any):
    """Send password and, when it was right and a second step follows, its code; return the last answer."""
    answer = client.post(url, {"login": login, "password": password}, **extra)
    return second_step(client, answer, **extra)


def second_step(client: Client, answer: Any, **extra: Any):
    """Answer the question for a code, when `answer` leads to it."""
    if answer.status_code == 302 and answer["Location"] in (VERIFY, ENROL):
        return client.post(VERIFY, {"code": unused_code(waiting_user(client))}, **extra)
    return answer
