"""Who is meant by what a person typed at a door: a user name, an e-mail address, or what other apps know people by."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q
from django.http import HttpRequest

from accounts.models import User

NAME_LENGTH = 254  # of the longest e-mail address
Resolver = Callable[[str], "User | None"]

_resolvers: list[Resolver] = []


def register(resolver: Resolver) -> None:
    """Add a way to find an account, such as a patient's telephone number; called once when the apps are loaded."""
    _resolvers.append(resolver)


def account_named(text: str) -> User | None:
    """Return the account that `text` names, active or not; None for nobody and for names that fit several people."""
    name = text.strip().lower()[:NAME_LENGTH]
    if not name or "\0" in name:
        return None
    user = User.objects.filter(Q(username=name) | Q(email=name)).first()
    if user is not None:
        return user
    return next((found for resolver in _resolvers if (found := resolver(name)) is not None), None)


def account_of_request(request: HttpRequest, text: str) -> User | None:
    """As `account_named`, asked once per request and text: a sign-in needs the answer several times."""
    known = request.__dict__.setdefault("_accounts_named", {})
    if text not in known:
        known[text] = account_named(text)
    return known[text]
