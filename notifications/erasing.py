"""Removing what was written to a person whose data are erased, or who was no patient."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from notifications.models import Email, Notice

# What may still be sent: waiting, taken by a worker who has not spoken to the server, or for an admin to order again.
UNSENT = (Email.Status.QUEUED, Email.Status.CLAIMED, Email.Status.FAILED, Email.Status.UNCERTAIN)
# A mail that a worker is busy with is left alone: it is seconds from being sent, and its row is written at the end.
BUSY = (Email.Status.CLAIMED, Email.Status.SENDING)


def mails_of(*, patient_ids: Iterable[UUID], user_ids: Iterable[UUID], before: datetime) -> QuerySet[Email]:
    """Return the mails about these patients ordered before an instant, and all mails to these accounts."""
    about = Q(patient_id__in=list(patient_ids), created_at__lt=before)
    return Email.objects.filter(about | Q(recipient_user__in=list(user_ids))).exclude(status__in=BUSY)


def notices_of(user_ids: Iterable[UUID]) -> QuerySet[Notice]:
    """Return the notices of these accounts."""
    return Notice.objects.filter(recipient__in=list(user_ids))


def forget(*, patient_ids: Iterable[UUID], user_ids: Iterable[UUID], before: datetime) -> int:
    """Delete those mails and notices in the caller's transaction; how many. Mails that wait are not sent any more."""
    users = list(user_ids)
    mails, _rows = mails_of(patient_ids=patient_ids, user_ids=users, before=before).delete()
    notices, _rows = notices_of(users).delete()
    return mails + notices


def withdraw(*, patient_id: UUID) -> int:
    """Delete the mails about a patient that may still be sent, to whomever, in the caller's transaction; how many.

    A worker who took one finds it gone before it speaks to the server. What went out, or is going out, stays in the list.
    """
    mails, _rows = Email.objects.filter(patient_id=patient_id, status__in=UNSENT).delete()
    return mails
