"""Deciding about two records that may be of one person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import retry_transaction
from patients.errors import CannotMerge, PairDecided, PatientNotFound
from patients.models import DuplicatePair, Patient
from patients.services import likeness
from patients.services.identity import require_reason
from patients.services.likeness import Facts

State = DuplicatePair.State


@retry_transaction
def decide_distinct(*, pair_id: UUID, reason: str, actor: Any) -> DuplicatePair:
    """Say that two records are of two persons: they are not listed again.

    Raises:
        ReasonMissing: no reason was given.
        PairDecided: somebody decided before.
    """
    why = require_reason(reason, _("Write how you know that these are two persons."))
    pair = _lock(pair_id, State.OPEN)
    pair.state, pair.reason, pair.decided_at, pair.decided_by = State.DISTINCT, why, clock.now(), actor
    pair.save(update_fields=["state", "reason", "decided_at", "decided_by"])
    _record("patients.duplicate.found_distinct", pair, actor)
    return pair


@retry_transaction
def reopen_pair(*, pair_id: UUID, actor: Any) -> DuplicatePair:
    """Take back that two records are of two persons; they are on the list again.

    Raises:
        PairDecided: they are not decided, or merged.
    """
    pair = _lock(pair_id, State.DISTINCT)
    pair.state, pair.reason, pair.decided_at, pair.decided_by = State.OPEN, "", None, None
    pair.save(update_fields=["state", "reason", "decided_at", "decided_by"])
    _record("patients.duplicate.reopened", pair, actor)
    return pair


@retry_transaction
def pair_by_hand(*, one_id: UUID, other_id: UUID, actor: Any) -> DuplicatePair:
    """Put two records beside each other that somebody knows to be of one person; a pair that is known is returned.

    A pair that was decided to be two persons is opened again. UNIQUE (first, second) decides between two at once.

    Raises:
        CannotMerge: it is one record, or one of them was merged.
        PatientNotFound: one of them is not there.
    """
    if one_id == other_id:
        raise CannotMerge(_("This is one and the same record. Choose two records."))
    first_id, second_id = sorted((one_id, other_id))
    people = Patient.objects.in_bulk([first_id, second_id])
    if len(people) < 2:
        raise PatientNotFound(_("There is no such patient."))
    for patient in people.values():
        if patient.status == Patient.Status.MERGED:
            raise CannotMerge(
                _("Record %(number)s was merged into another one already.") % {"number": patient.record_number}
            )
    alike = likeness.compare(Facts.of(people[first_id]), Facts.of(people[second_id]), today=clock.today())
    with transaction.atomic():
        pair, made = DuplicatePair.objects.get_or_create(
            first_id=first_id, second_id=second_id,
            defaults={"signs": list(alike.signs), "score": alike.score, "found_at": clock.now()},
        )  # fmt: skip
    if made:
        _record("patients.duplicate.paired", pair, actor)
    elif pair.state == State.DISTINCT:
        return reopen_pair(pair_id=pair.pk, actor=actor)
    elif pair.state == State.MERGED:  # merged once, and taken apart in another way than by undoing
        pair.state = State.OPEN
        pair.save(update_fields=["state"])
    return pair


@retry_transaction
def record_list_read(*, actor: Any, shown: int) -> None:
    """Write that the list of records that look alike was opened, and how many pairs it showed."""
    audit.record("patients.duplicates.viewed", actor=actor, detail={"shown": shown})


def _lock(pair_id: UUID, expected: str) -> DuplicatePair:
    pair = DuplicatePair.objects.select_for_update().get(pk=pair_id)
    if pair.state != expected:
        raise PairDecided(
            _("This pair is already marked: %(state)s. Reload the page to see it.")
            % {"state": pair.get_state_display()}
        )
    return pair


def _record(action: str, pair: DuplicatePair, actor: Any) -> None:
    for patient_id in (pair.first_id, pair.second_id):
        audit.record(action, actor=actor, patient=patient_id, target=pair)
