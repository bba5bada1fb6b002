"""Records whose legal time is over: proposed to people, never removed by themselves.

Source: PMK 24/2022, article 39: a medical record is kept for at least 25 years after the last visit. For who was a child
then, the clinic counts from the eighteenth birthday when that is later, as courts count limitation.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from accounts.access import Capability
from core import clock
from core.db import retry_transaction
from core.text import clean_line
from notifications.services import notify_capability
from patients.errors import InvalidPatientData, RetentionDecided
from patients.models import Patient, RetentionProposal
from patients.services.identity import require_reason

KEPT_YEARS = 25
ADULT_YEARS = 18
BATCH = 500
State = RetentionProposal.State

# Apps above say when a patient was last here: ids -> the last day of each who was.
LastUse = Callable[[list[UUID]], dict[UUID, date]]
_last_uses: list[LastUse] = []


def count_use_by(last_use: LastUse) -> None:
    """Let an app above say when patients were last here; called once, when the app is ready."""
    if last_use not in _last_uses:
        _last_uses.append(last_use)


def due_on(patient: Patient, last_used_on: date) -> date:
    """Return the first day on which the record need not be kept any longer."""
    grown_up = _years_after(patient.birth_date, ADULT_YEARS)
    return _years_after(max(last_used_on, grown_up), KEPT_YEARS)


def last_used_on(patient: Patient) -> date:
    """Return the last day on which the record was used: a visit, a bill, or its registration."""
    days = [clock.local(patient.created_at).date()]
    days += [day for last_use in _last_uses for day in last_use([patient.pk]).values()]
    return max(days)


def _years_after(day: date, years: int) -> date:
    """The same day so many years later; 29 February becomes 1 March, so that nothing is kept too short."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def propose_due() -> int:
    """Propose every record whose time is over and that was not decided on; the number of new proposals.

    Nothing is removed. Held and merged records are passed by. Reads in batches of 500, oldest records first, and only
    those registered long enough ago.
    """
    today = clock.today()
    before, _end = clock.day_bounds(_years_after(today, -KEPT_YEARS))
    old = Patient.objects.filter(created_at__lt=before, legal_hold=False).exclude(status=Patient.Status.MERGED)
    open_ones = old.filter(retention_proposal__isnull=True) | old.filter(
        retention_proposal__state=State.KEPT, retention_proposal__keep_until__lte=today
    )
    count, after = 0, None
    while True:
        rows = open_ones.order_by("pk") if after is None else open_ones.filter(pk__gt=after).order_by("pk")
        batch = list(rows.only("id", "birth_date", "created_at")[:BATCH])
        if not batch:
            break
        after = batch[-1].pk
        count += _propose(batch, today)
    if count:
        notify_capability(Capability.HANDLE_DATA_REQUESTS, kind="retention_due", params={"count": count})
    return count


@retry_transaction
def _propose(batch: list[Patient], today: date) -> int:
    ids = [patient.pk for patient in batch]
    used = {patient.pk: clock.local(patient.created_at).date() for patient in batch}
    for last_use in _last_uses:
        for pk, day in last_use(ids).items():
            used[pk] = max(used[pk], day)
    due = [(patient, due_on(patient, used[patient.pk])) for patient in batch]
    known = {row.patient_id: row for row in RetentionProposal.objects.filter(patient__in=ids)}
    count = 0
    for patient, day in due:
        if day > today:
            continue
        values = {"last_used_on": used[patient.pk], "due_on": day, "state": State.PROPOSED, "proposed_at": clock.now(),
                  "decided_at": None, "decided_by": None, "keep_until": None, "reason": ""}  # fmt: skip
        if (row := known.get(patient.pk)) is None:
            RetentionProposal.objects.create(patient=patient, **values)
        else:
            for name, value in values.items():
                setattr(row, name, value)
            row.save(update_fields=list(values))
        count += 1
    if count:
        audit.record("patients.retention.proposed", actor=None, detail={"count": count})
    return count


@retry_transaction
def keep_longer(*, proposal_id: UUID, actor: Any, reason: str, keep_until: date) -> RetentionProposal:
    """Keep a record beyond its time: PROPOSED -> KEPT. It is proposed again on `keep_until`.

    Raises:
        RetentionDecided: it was decided on before.
        ReasonMissing: no reason was given.
        InvalidPatientData: a day that is not in the future.
    """
    row = _lock(proposal_id)
    why = require_reason(reason, _("Write why it is kept longer."))
    if keep_until <= clock.today():
        raise InvalidPatientData(_("Choose a day in the future."), "keep_until")
    return _decide(row, State.KEPT, actor, reason=why, keep_until=keep_until)


@retry_transaction
def approve(*, proposal_id: UUID, actor: Any, reason: str) -> RetentionProposal:
    """Agree that a record may be destroyed: PROPOSED -> APPROVED. The clinic's committee destroys by its own minutes.

    The reason names the minutes ("berita acara") under which it is done.

    Raises:
        RetentionDecided: it was decided on before.
        ReasonMissing: no minutes were named.
        InvalidPatientData: the record was used since, or is held.
    """
    row = _lock(proposal_id)
    why = require_reason(reason, _("Name the minutes (berita acara) of the committee."))
    patient = Patient.objects.select_for_update().get(pk=row.patient_id)
    used = max((day for last_use in _last_uses for day in last_use([patient.pk]).values()), default=row.last_used_on)
    if patient.legal_hold or due_on(patient, max(used, row.last_used_on)) > clock.today():
        raise InvalidPatientData(_("This record is held, or was used since. It cannot be destroyed."))
    return _decide(row, State.APPROVED, actor, reason=why)


def _lock(proposal_id: UUID) -> RetentionProposal:
    row = RetentionProposal.objects.select_for_update().get(pk=proposal_id)
    if row.state != State.PROPOSED:
        raise RetentionDecided(_("This was decided before. Reload the list."))
    return row


def _decide(
    row: RetentionProposal, state: str, actor: Any, *, reason: str, keep_until: date | None = None
) -> RetentionProposal:
    row.state, row.reason, row.keep_until = state, clean_line(reason), keep_until
    row.decided_at, row.decided_by = clock.now(), actor
    row.save(update_fields=["state", "reason", "keep_until", "decided_at", "decided_by"])
    audit.record("patients.retention.decided", actor=actor, patient=row.patient_id, target=row, detail={"state": state})
    return row
