"""Unusual access: looked for in the audit log every ten minutes, told to owner and admins, reviewed by a person.

The numbers are where a busy but honest day ends; they are settings of a clinic's size, not proof of anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability
from accounts.models import User
from audit.models import AuditEvent
from core import clock
from core.db import locked, retry_transaction
from core.search.folding import COMMON_WORDS, fold_name
from core.text import clean_text
from notifications.services import notify, queue_email
from patients.models import Patient
from reports.audit_words import Sort, actions_of
from reports.errors import AlertReviewed, NoteMissing
from reports.models import AccessAlert, AlertState

READS = ("patients.chart.read",)
OVERLAP = timedelta(minutes=15)  # looked at again, for rows committed late; one alert all the same
FIRST_LOOK = timedelta(hours=2)
LONGEST_LOOK = timedelta(days=3)  # after a long stop of the scheduler
NOTE_LENGTH = 5

Kind = AccessAlert.Kind


def look(now: datetime | None = None) -> int:
    """Look through what was logged since the last time; return how many alerts were raised. Safe to repeat."""
    until = now or clock.now()
    state = AlertState.objects.filter(pk=1).first()
    since = state.looked_until - OVERLAP if state else until - FIRST_LOOK
    since = max(since, until - LONGEST_LOOK)
    raised = sum(_raise(**found) for found in _findings(since, until))
    _looked(until)
    return raised


@retry_transaction
def _looked(until: datetime) -> None:
    if not AlertState.objects.filter(pk=1).update(looked_until=until):
        AlertState.objects.bulk_create([AlertState(pk=1, looked_until=until)], ignore_conflicts=True)


@retry_transaction
def review_alert(*, alert_id: UUID, actor: User, outcome: str, note: str) -> AccessAlert:
    """Say what became of an alert, once.

    Raises:
        AlertReviewed: somebody was first.
        NoteMissing: without outcome, or with less than a few letters of reason.
    """
    text = clean_text(note)
    if outcome not in (AccessAlert.Outcome.EXPLAINED, AccessAlert.Outcome.MISUSE) or len(text) < NOTE_LENGTH:
        raise NoteMissing(_("Choose what it was, and write in a few words how you know."))
    alert = locked(AccessAlert.objects.visible_to(actor).filter(pk=alert_id)).get()
    if alert.outcome:
        raise AlertReviewed(_("This was reviewed meanwhile. Reload the page to read the answer."))
    alert.outcome, alert.note, alert.reviewed_at, alert.reviewed_by = outcome, text[:1000], clock.now(), actor
    alert.save(update_fields=["outcome", "note", "reviewed_at", "reviewed_by"])
    audit.record("reports.alert.reviewed", actor=actor, target=alert, detail={"kind": alert.kind, "outcome": outcome})
    return alert


# --- what is looked for ---------------------------------------------------------------------------------------------


def _findings(since: datetime, until: datetime) -> Iterable[dict[str, Any]]:
    """Yield what is unusual among the events between two instants; staff only."""
    rows = AuditEvent.objects.filter(at__gte=since, at__lt=until, actor_id__isnull=False)
    seen = set(rows.filter(action__in=READS).values_list("actor_id", "patient_id"))
    refused = set(rows.filter(result=AuditEvent.Result.REFUSED).values_list("actor_id", flat=True))
    exported = set(rows.filter(action__in=actions_of(Sort.EXPORT)).values_list("actor_id", flat=True))
    ids = {actor for actor, _patient in seen} | refused | exported
    people = {
        user.pk: user for user in User.objects.filter(pk__in=ids, kind=User.Kind.STAFF).select_related("staff_profile")
    }
    hours = _hours(since, until)
    charts: dict[UUID, set[UUID]] = defaultdict(set)
    for actor, patient in seen:
        if actor in people and patient is not None:
            charts[actor].add(patient)
    for actor, patients in charts.items():
        yield from _many_charts(people[actor], hours)
        yield from _off_hours(people[actor], since, until)
        yield from _close_people(people[actor], patients, until)
    for actor in exported & people.keys():
        yield from _exports(people[actor], until)
    for actor in refused & people.keys():
        yield from _refusals(people[actor], hours)


def _many_charts(user: User, hours: list[datetime]) -> Iterable[dict[str, Any]]:
    for hour in hours:
        end = hour + timedelta(hours=1)
        count = _charts(user, hour, end)
        if count >= settings.ALERT_CHARTS_PER_HOUR:
            yield _found(Kind.MANY_CHARTS, user, hour.isoformat(), hour, end, count)


def _off_hours(user: User, since: datetime, until: datetime) -> Iterable[dict[str, Any]]:
    """Nights are counted as a whole, from closing to opening of the next day."""
    opens, closes = settings.CLINIC_OPENS_HOUR, settings.CLINIC_CLOSES_HOUR
    day = clock.local(since).date() - timedelta(days=1)
    while (start := clock.at(day, time(closes))) < until:
        end = clock.at(day + timedelta(days=1), time(opens))
        if end > since:
            count = _charts(user, start, min(end, until))
            if count >= settings.ALERT_CHARTS_OFF_HOURS:
                yield _found(Kind.OFF_HOURS, user, day.isoformat(), start, end, count)
        day += timedelta(days=1)


def _close_people(user: User, patient_ids: set[UUID], until: datetime) -> Iterable[dict[str, Any]]:
    """The person's own record, and records of people with the same family name (the last word of a name).

    A last word that half the country has says nothing; the common words of `core.search.folding` are such words.
    """
    family = (fold_name(user.full_name) or [""])[-1]
    nik = getattr(getattr(user, "staff_profile", None), "nik", "")
    day = clock.local(until).date().isoformat()
    rows = Patient.objects.filter(pk__in=patient_ids).only("id", "full_name", "nik", "user_id")
    for patient in rows:
        if patient.user_id == user.pk or (nik and patient.nik == nik):
            kind = Kind.OWN_RECORD
        elif family and family not in COMMON_WORDS and (fold_name(patient.full_name) or [""])[-1] == family:
            kind = Kind.FAMILY_NAME
        else:
            continue
        yield _found(kind, user, f"{patient.pk.hex}:{day}", until - OVERLAP, until, 1, patient.pk)


def _exports(user: User, until: datetime) -> Iterable[dict[str, Any]]:
    day = clock.local(until).date()
    start, end = clock.day_bounds(day)
    rows = AuditEvent.objects.filter(
        actor_id=user.pk, action__in=actions_of(Sort.EXPORT), at__gte=start, at__lt=end, result=AuditEvent.Result.OK
    )
    details = list(rows.values_list("detail", flat=True)[:1000])
    most = max((size for detail in details if isinstance(size := detail.get("rows"), int)), default=0)
    if most >= settings.ALERT_EXPORT_ROWS or len(details) >= settings.ALERT_EXPORTS_PER_DAY:
        yield _found(Kind.BULK_EXPORT, user, day.isoformat(), start, end, max(most, len(details)))


def _refusals(user: User, hours: list[datetime]) -> Iterable[dict[str, Any]]:
    for hour in hours:
        end = hour + timedelta(hours=1)
        rows = AuditEvent.objects.filter(actor_id=user.pk, at__gte=hour, at__lt=end, result=AuditEvent.Result.REFUSED)
        count = sum(1 + _more(detail) for detail in rows.values_list("detail", flat=True)[:5000])
        if count >= settings.ALERT_REFUSALS_PER_HOUR:
            yield _found(Kind.REFUSALS, user, hour.isoformat(), hour, end, count)


def _more(detail: dict[str, Any]) -> int:
    """What one counted event stands for beside itself; see `audit.refusals`."""
    more = detail.get("more")
    return more - 1 if isinstance(more, int) and more > 0 else 0


def _charts(user: User, start: datetime, end: datetime) -> int:
    rows = AuditEvent.objects.filter(actor_id=user.pk, action__in=READS, at__gte=start, at__lt=end)
    return rows.values("patient_id").distinct().count()


def _hours(since: datetime, until: datetime) -> list[datetime]:
    hour = since.replace(minute=0, second=0, microsecond=0)
    found = []
    while hour < until:
        found.append(hour)
        hour += timedelta(hours=1)
    return found


def _found(
    kind: Kind, user: User, window: str, since: datetime, until: datetime, count: int, patient_id: UUID | None = None
) -> dict[str, Any]:
    return {
        "kind": kind, "user": user, "window": window, "since": since, "until": until, "count": count,
        "patient_id": patient_id,
    }  # fmt: skip


# --- telling --------------------------------------------------------------------------------------------------------


@retry_transaction
def _raise(
    *, kind: Kind, user: User, window: str, since: datetime, until: datetime, count: int, patient_id: UUID | None
) -> bool:
    """Keep an alert and tell owner and admins, or bring the number of a known one up to date; True for a new one."""
    known = locked(AccessAlert.objects.filter(kind=kind, actor=user, window=window)).first()
    if known is not None:
        if count > known.count and not known.outcome:
            known.count = count
            known.save(update_fields=["count"])
        return False
    alert = AccessAlert(
        kind=kind, actor=user, window=window, since=since, until=until, count=count, patient_id=patient_id
    )
    AccessAlert.objects.bulk_create([alert], ignore_conflicts=True)
    if not AccessAlert.objects.filter(pk=alert.pk).exists():
        return False
    audit.record(
        "reports.alert.raised", actor=None, patient=patient_id, target=alert, detail={"kind": kind, "count": count}
    )
    readers = [reader for reader in _readers() if reader.pk != user.pk]
    path = reverse("reports:alert-detail", args=[alert.pk])
    notify(recipients=readers, kind="unusual_access", path=path)
    for reader in readers:
        queue_email(
            template="unusual_access",
            to=reader.email,
            language=reader.language,
            context={"name": reader.full_name, "path": path},
            dedupe_key=f"unusual-access:{alert.pk}:{reader.pk}",
            recipient_user=reader,
        )
    return True


def _readers() -> list[User]:
    return list(User.objects.holding(Capability.VIEW_AUDIT).filter(must_change_password=False))
