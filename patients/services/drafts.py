"""Half-filled registrations: kept while somebody types, so that a lost connection or a crash costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import clock
from core.db import retry_transaction
from core.text import clean_text
from patients.errors import PatientNotFound
from patients.models import RegistrationDraft

KEPT = timedelta(hours=24)
MOST_DRAFTS = 10  # of one person; the oldest goes when there are more
MOST_FIELDS = 120
MOST_LETTERS = 600  # of one field
NOT_KEPT = frozenset({"csrfmiddlewaretoken", "registration_key", "version"})  # of the page and not of the patient


@retry_transaction
def save_draft(*, user: Any, draft_id: UUID, fields: Mapping[str, str]) -> RegistrationDraft:
    """Keep what is typed so far under the key of its form; the newest words win. Not audited, like drafts of notes.

    Raises:
        PatientNotFound: the key is of somebody else's draft.
    """
    kept = {name: clean_text(value)[:MOST_LETTERS] for name, value in fields.items() if name not in NOT_KEPT and value}
    kept = dict(list(kept.items())[:MOST_FIELDS])
    draft = RegistrationDraft.objects.select_for_update().filter(pk=draft_id).first()
    if draft is not None and draft.user_id != user.pk:
        raise PatientNotFound(_("There is no such draft."))
    if draft is None:
        return _new_draft(user, draft_id, kept)
    draft.fields, draft.updated_at = kept, clock.now()
    draft.save(update_fields=["fields", "updated_at"])
    return draft


def open_drafts(user: Any) -> list[RegistrationDraft]:
    """Return the drafts of a person that are not too old, the newest first. One statement."""
    rows = RegistrationDraft.objects.visible_to(user).filter(updated_at__gt=clock.now() - KEPT)
    return list(rows.order_by("-updated_at"))


def discard_draft(*, user: Any, draft_id: UUID | None) -> None:
    """Remove a person's own draft; nothing happens when there is none."""
    RegistrationDraft.objects.filter(user=user, pk=draft_id).delete()


def remove_old_drafts() -> int:
    """Remove drafts nobody typed in for a day; return how many. Safe to repeat."""
    removed, _rows = RegistrationDraft.objects.filter(updated_at__lte=clock.now() - KEPT).delete()
    return removed


def _new_draft(user: Any, draft_id: UUID, fields: dict[str, str]) -> RegistrationDraft:
    draft = RegistrationDraft(pk=draft_id, user=user, fields=fields, updated_at=clock.now())
    try:
        with transaction.atomic():
            draft.save(force_insert=True)
    except IntegrityError:  # the same form, saved from two requests at once
        draft = RegistrationDraft.objects.get(pk=draft_id, user=user)
    surplus = RegistrationDraft.objects.filter(user=user).order_by("-updated_at").values_list("pk", flat=True)
    RegistrationDraft.objects.filter(pk__in=list(surplus[MOST_DRAFTS : MOST_DRAFTS * 2])).delete()
    return draft
