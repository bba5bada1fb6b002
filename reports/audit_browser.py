"""Reading the audit log: filters that an index answers, and rows with the words a reader needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.access import Role
from audit.models import AuditEvent, AuditSeal
from core import clock
from patients.models import Patient
from reports.audit_words import actions_of, words_of

EXPORT_BATCH = 2_000
# Clocks of several servers differ a little, and a row is committed a little after its time.
SKEW = timedelta(minutes=10)
# An emergency access leaves its id in the detail of every reading under it.
EMERGENCY_KEY = "emergency"


@dataclass(frozen=True)
class Line:
    """One event as a table shows it."""

    event: AuditEvent
    label: Any
    sort: Any
    record_number: str
    facts: str

    @property
    def is_emergency(self) -> bool:
        return EMERGENCY_KEY in self.event.detail

    @property
    def who(self) -> str:
        return self.event.actor_name

    @property
    def roles(self) -> str:
        return role_labels(self.event)

    @property
    def place(self) -> str:
        """The end of the address digest: enough to see that two events came from one place."""
        return self.event.address_hash[-4:].replace(":", "")


def role_labels(event: AuditEvent) -> str:
    """Return the roles that the person had then, in words; "" for jobs and for nobody."""
    names = event.actor_roles.split(",")
    return ", ".join(str(Role(name).label) for name in names if name in Role.values)


def filtered(
    events: QuerySet[AuditEvent],
    *,
    since: date | None = None,
    until: date | None = None,
    actor_id: UUID | None = None,
    patient_id: UUID | None = None,
    sort: str = "",
    result: str = "",
) -> QuerySet[AuditEvent]:
    """Return the events of the clinic's days `since` to `until` (both included) that answer all filters.

    The times of the seals lead to the ids of a day, so that a day of years ago is found without reading the years
    between. One or two small statements here, for the ends of the range.
    """
    if actor_id is not None:
        events = events.filter(actor_id=actor_id)
    if patient_id is not None:
        events = events.filter(patient_id=patient_id)
    if sort:
        events = events.filter(action__in=actions_of(sort))
    if result in AuditEvent.Result.values:
        events = events.filter(result=result)
    if since is not None:
        events = _from(events, clock.day_bounds(since)[0])
    if until is not None:
        events = _before(events, clock.day_bounds(until)[1])
    return events


def patient_with_number(record_number: str) -> UUID | None:
    """Return the id of the patient with a record number as people write it (123456, 12-34-56); nothing else is read."""
    number = "".join(sign for sign in record_number if sign.isalnum())
    return Patient.objects.filter(record_number=number).values_list("pk", flat=True).first()


def lines(events: Iterable[AuditEvent]) -> list[Line]:
    """Return the events with words and record numbers; one further statement for all of them."""
    rows = list(events)
    numbers = dict(
        Patient.objects.filter(pk__in={row.patient_id for row in rows if row.patient_id}).values_list(
            "pk", "record_number"
        )
    )
    return [
        Line(
            row,
            words_of(row.action).label,
            words_of(row.action).sort,
            numbers.get(row.patient_id, "") if row.patient_id else "",
            _facts(row),
        )
        for row in rows
    ]


def all_lines(events: QuerySet[AuditEvent], limit: int) -> Iterator[Line]:
    """Yield up to `limit` lines, newest first, in batches: the memory stays flat."""
    before: int | None = None
    left = limit
    while left > 0:
        part = events.order_by("-id") if before is None else events.filter(id__lt=before).order_by("-id")
        batch = lines(part[: min(EXPORT_BATCH, left)])
        yield from batch
        if len(batch) < EXPORT_BATCH:
            return
        left -= len(batch)
        before = batch[-1].event.pk


def _facts(event: AuditEvent) -> str:
    """Return the details as text: codes, states, amounts and ids; the log holds nothing else."""
    return ", ".join(f"{key}: {_short(value)}" for key, value in sorted(event.detail.items()))[:300]


def _short(value: Any) -> str:
    return " ".join(str(entry) for entry in value) if isinstance(value, list) else str(value)


def _from(events: QuerySet[AuditEvent], start: datetime) -> QuerySet[AuditEvent]:
    sealed = AuditSeal.objects.filter(kind=AuditSeal.Kind.EVENTS, at__lt=start - SKEW).order_by("-sequence")
    last_before = sealed.values_list("last_id", flat=True).first()
    return events.filter(at__gte=start, **({"id__gt": last_before} if last_before is not None else {}))


def _before(events: QuerySet[AuditEvent], end: datetime) -> QuerySet[AuditEvent]:
    sealed = AuditSeal.objects.filter(kind=AuditSeal.Kind.EVENTS, at__gt=end + SKEW).order_by("sequence")
    first_after = sealed.values_list("last_id", flat=True).first()
    return events.filter(at__lt=end, **({"id__lte": first_after} if first_after is not None else {}))
