"""Ending sessions. What a session is bound to and the list of one's own sessions live here too."""

from __future__ import annotations

from django.db.models import F

from accounts.models import AccountSession, User
from core import clock, live


def end_all(user: User, *, end: str = AccountSession.End.CHANGED) -> None:
    """End every session of `user` at its next request; call it in the transaction of what changed, with the row locked.

    The caller's own session is kept by `django.contrib.auth.update_session_auth_hash` afterwards.
    """
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    AccountSession.objects.filter(user=user, ended_at__isnull=True).update(ended_at=clock.now(), end=end)
    live.disconnect((user.pk,))
