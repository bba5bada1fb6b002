"""Removing all second factors of an account whose owner cannot use them: one person asks, another one decides.

Lock order: the account, then the request, then the devices. Why it takes two: docs/adr/0016.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django_otp_webauthn.models import WebAuthnCredential

import audit
from accounts import sessions
from accounts.access import Capability
from accounts.errors import NoFactor, OwnAccount, ResetDecided, ResetWaiting, SecondPersonNeeded
from accounts.models import BackupCodeDevice, FactorResetRequest, TotpDevice, User
from accounts.second_factor import has_factor
from audit.models import AuditEvent
from core import clock, outbound
from core.db import retry_transaction
from core.errors import InvalidInput
from core.ids import uuid7
from core.text import clean_text

OPEN_FOR = timedelta(hours=24)
REASON_LENGTHS = (10, 500)
Status = FactorResetRequest.Status


@retry_transaction
def request_reset(*, user_id: UUID, actor: User, reason: str) -> FactorResetRequest:
    """Ask that all second factors of an account are removed. Its owner and everybody who may decide are told.

    Raises:
        OwnAccount: it is the actor's own.
        InvalidInput: the reason is shorter than 10 or longer than 500 letters.
        NoFactor: there is nothing to remove.
        ResetWaiting: the same was asked and waits.
    """
    if user_id == actor.pk:
        raise OwnAccount(_("Replace your own devices on the page “My devices”, or ask another admin."))
    text = clean_text(reason)
    if not REASON_LENGTHS[0] <= len(text) <= REASON_LENGTHS[1]:
        raise InvalidInput(_("Give the reason in 10 to 500 letters."))
    user = User.objects.select_for_update().get(pk=user_id)
    if not has_factor(user):
        raise NoFactor(_("This account has no second step. Staff set one up at the next sign-in."))
    now = clock.now()
    asked = FactorResetRequest.objects.filter(user=user, status=Status.WAITING)
    asked.filter(expires_at__lte=now).update(status=Status.EXPIRED)
    if asked.exists():
        raise ResetWaiting(_("This was asked already and waits for a second person."))
    request = FactorResetRequest.objects.create(
        user=user, reason=text, requested_by=actor, requested_at=now, expires_at=now + OPEN_FOR
    )
    audit.record("accounts.factor_reset.requested", actor=actor, target=user, detail={"request": str(request.pk)})
    outbound.mail(
        template="factor_reset_requested",
        to=user.email,
        language=user.language,
        context={"name": user.full_name, "expires_at": request.expires_at, "path": reverse("accounts:device-list")},
        dedupe_key=f"factor_reset_requested:{request.pk}",
        recipient_user=user,
    )
    outbound.notify(recipients=[user], kind="factor_reset_asked", path=reverse("accounts:device-list"))
    outbound.notify_capability(
        Capability.DECIDE_FACTOR_RESETS,
        kind="factor_reset_waiting",
        path=reverse("accounts:factor-reset-detail", args=[request.pk]),
    )
    return request


@retry_transaction
def approve_reset(*, request_id: UUID, actor: User) -> FactorResetRequest:
    """Remove all second factors as the second person. Sessions end, the owner is told, the next sign-in sets up anew.

    Raises:
        SecondPersonNeeded: the actor asked for it, was made an account after it was asked, or got other roles.
        OwnAccount: it is about the actor's own account.
        ResetDecided: it was decided meanwhile, or is older than a day.
    """
    request = _open_request(request_id)
    if request.requested_by_id == actor.pk or not _could_decide(actor, request.requested_at):
        raise SecondPersonNeeded(_("A second person must decide. Whoever asked cannot decide as well."))
    if request.user_id == actor.pk:
        raise OwnAccount(_("Somebody else must decide about your own account."))
    _decide(request, Status.APPROVED, actor)
    remove_all(request.user, actor=actor, request_id=request.pk)
    return request


@retry_transaction
def reject_reset(*, request_id: UUID, actor: User) -> FactorResetRequest:
    """Refuse a reset; whoever asked withdraws it so, and the account's owner objects. Nothing else changes.

    Raises:
        ResetDecided: it was decided meanwhile, or is older than a day.
    """
    request = _open_request(request_id)
    _decide(request, Status.REJECTED, actor)
    user = request.user
    is_owner = user.pk == actor.pk
    audit.record(
        "accounts.factor_reset.objected" if is_owner else "accounts.factor_reset.rejected",
        actor=actor,
        target=user,
        detail={"request": str(request.pk)},
    )
    if is_owner:
        outbound.notify_capability(
            Capability.DECIDE_FACTOR_RESETS,
            kind="factor_reset_objected",
            path=reverse("accounts:factor-reset-detail", args=[request.pk]),
        )
        return request
    outbound.mail(
        template="factor_reset_rejected",
        to=user.email,
        language=user.language,
        context={"name": user.full_name, "path": reverse("accounts:device-list")},
        dedupe_key=f"factor_reset_rejected:{request.pk}",
        recipient_user=user,
    )
    outbound.notify(recipients=[user], kind="factor_reset_rejected", path=reverse("accounts:device-list"))
    return request


@retry_transaction
def reset_by_operator(*, user_id: UUID) -> User:
    """Remove all second factors from the command line: the only admin has lost the telephone. The owner is told.

    Raises:
        NoFactor: there is nothing to remove.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if not has_factor(user):
        raise NoFactor(_("This account has no second step. Staff set one up at the next sign-in."))
    FactorResetRequest.objects.filter(user=user, status=Status.WAITING).update(status=Status.EXPIRED)
    remove_all(user, actor=None)
    return user


def waiting_for(user: User) -> FactorResetRequest | None:
    """Return the request about the own account of `user` that waits for a decision."""
    return FactorResetRequest.objects.filter(user=user).waiting().first()


def remove_all(user: User, *, actor: User | None, request_id: UUID | None = None) -> None:
    """Delete every factor and backup code of a locked account, end its sessions and tell its owner."""
    removed = {
        "apps": TotpDevice.objects.filter(user=user, confirmed=True).count(),
        "passkeys": WebAuthnCredential.objects.filter(user=user).count(),
    }
    for model in (TotpDevice, WebAuthnCredential, BackupCodeDevice):
        model._default_manager.filter(user=user).delete()
    sessions.end_all(user)
    detail = {**removed, **({"request": str(request_id)} if request_id else {})}
    audit.record("accounts.factor_reset.done", actor=actor, target=user, detail=detail)
    outbound.mail(
        template="factor_reset_done",
        to=user.email,
        language=user.language,
        context={"name": user.full_name, "changed_at": clock.now()},
        dedupe_key=f"factor_reset_done:{uuid7()}",
        recipient_user=user,
    )
    outbound.notify(recipients=[user], kind="factor_reset_done", path=reverse("accounts:device-list"))


def _open_request(request_id: UUID) -> FactorResetRequest:
    """Lock the account of a request, then the request itself, and return it with its account."""
    user_id = FactorResetRequest.objects.values_list("user_id", flat=True).get(pk=request_id)
    user = User.objects.select_for_update().get(pk=user_id)
    request = FactorResetRequest.objects.select_for_update().get(pk=request_id)
    if not request.is_open:
        raise ResetDecided(_("This request was decided meanwhile, or is older than a day."))
    request.user = user
    return request


def _could_decide(actor: User, at: datetime) -> bool:
    """True when `actor` could decide before `at` too: whoever asks must not make themselves a second person."""
    changes = AuditEvent.objects.filter(action="accounts.user.roles_changed", target_id=str(actor.pk), at__gte=at)
    return actor.created_at < at and not changes.exists()


def _decide(request: FactorResetRequest, status: str, actor: User) -> None:
    request.status, request.decided_by, request.decided_at = status, actor, clock.now()
    request.save(update_fields=["status", "decided_by", "decided_at"])
