"""Lifting the lock of an account after too many wrong tries."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

import audit
from accounts import lockout
from accounts.errors import NotLocked, OwnAccount
from accounts.models import User
from core.db import retry_transaction


@retry_transaction
def lift_lock(*, user_id: UUID, actor: User) -> int:
    """Let a locked-out person try again at once, everywhere; return from how many places the account was locked.

    Raises:
        OwnAccount: nobody lifts their own lock; whoever guessed on would do the same.
        NotLocked: there is no lock, or its 15 minutes are over.
    """
    if user_id == actor.pk:
        raise OwnAccount(_("Nobody can lift their own lock. Ask another admin."))
    user = User.objects.select_for_update().get(pk=user_id)
    if not lockout.locked_places(user):
        raise NotLocked(_("This account is not locked now."))
    places = lockout.lift_locks(user)
    audit.record("accounts.lock.lifted", actor=actor, target=user, detail={"places": places})
    return places
