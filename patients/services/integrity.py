"""Running the checks of all records and keeping what they found."""

from __future__ import annotations

import logging
import traceback
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.urls import reverse

import audit
from accounts.access import Capability
from core import clock, workers
from core.db import retry_transaction
from notifications.services import notify_capability
from patients import integrity
from patients.integrity import Check, Looked
from patients.models import IntegrityFinding, IntegrityRun, Patient

RUN_TASK = "patients.tasks.go_on_with_integrity_runs"
LEASE = timedelta(minutes=15)  # longer than the hard time limit of a task
KEEP_RUNS = timedelta(days=90)
KEEP_GONE = timedelta(days=30)

logger = logging.getLogger(__name__)


@retry_transaction
def request_run(*, actor: Any) -> IntegrityRun:
    """Begin a run of all checks in the background; the one that is under way is returned, not doubled. Audited."""
    running = IntegrityRun.objects.filter(finished_at__isnull=True).order_by("-pk").first()
    if running is not None:
        return running
    run = IntegrityRun.objects.create(started_at=clock.now(), requested_by=actor)
    audit.record("patients.integrity.requested", actor=actor, target=run)
    workers.nudge(RUN_TASK, about="a check of the records")
    return run


def begin_nightly(night: date) -> IntegrityRun:
    """Return the run of this clinic day, begun once."""
    try:
        with transaction.atomic():
            return IntegrityRun.objects.create(night_on=night, started_at=clock.now())
    except IntegrityError:
        return IntegrityRun.objects.get(night_on=night)


def go_on() -> int:
    """Work on every run that is not finished and that nobody works on; the number of checks done here.

    Each check is committed by itself, so a killed worker costs one check. Safe to call twice at once.
    """
    done = 0
    for pk in list(IntegrityRun.objects.filter(finished_at__isnull=True).order_by("pk").values_list("pk", flat=True)):
        while (name := _claim(pk)) is not None:
            _check(pk, name)
            done += 1
    return done


def tidy() -> None:
    """Remove old runs and findings that are gone for a month."""
    now = clock.now()
    newest = IntegrityRun.objects.order_by("-pk").values_list("pk", flat=True)[:1]
    old = IntegrityRun.objects.filter(finished_at__lt=now - KEEP_RUNS).exclude(pk__in=list(newest))
    old.delete()
    IntegrityFinding.objects.filter(gone_at__lt=now - KEEP_GONE).delete()


def _claim(run_id: UUID) -> str | None:
    """Take the next check of a run under a lease; None when none is left or another worker is at it."""
    now = clock.now()
    free = IntegrityRun.objects.filter(pk=run_id, finished_at__isnull=True)
    is_mine = free.filter(lease_until__isnull=True).update(lease_until=now + LEASE) or free.filter(
        lease_until__lte=now
    ).update(lease_until=now + LEASE)
    if not is_mine:
        return None
    results = IntegrityRun.objects.values_list("results", flat=True).get(pk=run_id)
    left = [check.name for check in integrity.checks() if check.name not in results]
    if left:
        return left[0]
    _finish(run_id)
    return None


def _check(run_id: UUID, name: str) -> None:
    check = integrity.get(name)
    assert check is not None  # `_claim` chose it from the registry
    opened = list(
        IntegrityFinding.objects.filter(check_name=name, gone_at__isnull=True).values_list("subject", flat=True)
    )
    try:
        looked = check.find(_cursor(name), opened)
    except Exception as error:  # its text may hold what stands in a record
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        logger.error("the check %s of the records failed: %s at %s", name, type(error).__name__, place)
        _note(run_id, name, {"failed": True, "cursor": _cursor(name)})
        return
    _keep(run_id, check, looked)


def _cursor(name: str) -> str:
    """Where the check's last run stopped."""
    for results in IntegrityRun.objects.order_by("-pk").values_list("results", flat=True)[:10]:
        if name in results:
            return str(results[name].get("cursor", ""))
    return ""


@retry_transaction
def _keep(run_id: UUID, check: Check, looked: Looked) -> None:
    now = clock.now()
    subjects = [fault.subject for fault in looked.faults]
    known = {row.subject: row for row in IntegrityFinding.objects.filter(check_name=check.name, subject__in=subjects)}
    alive = set(
        Patient.objects.filter(pk__in=[f.patient_id for f in looked.faults if f.patient_id]).values_list(
            "pk", flat=True
        )
    )
    new = 0
    for fault in looked.faults:
        row = known.get(fault.subject)
        patient_id = fault.patient_id if fault.patient_id in alive else None
        if row is None:
            IntegrityFinding.objects.create(
                check_name=check.name, subject=fault.subject, patient_id=patient_id, detail=fault.detail, found_at=now,
                seen_at=now,
            )  # fmt: skip
            new += 1
        else:
            new += row.gone_at is not None
            row.found_at = now if row.gone_at is not None else row.found_at
            row.seen_at, row.gone_at, row.detail = now, None, fault.detail
            row.save(update_fields=["found_at", "seen_at", "gone_at", "detail"])
    gone = IntegrityFinding.objects.filter(check_name=check.name, gone_at__isnull=True).exclude(subject__in=subjects)
    gone.update(gone_at=now)
    _note(
        run_id, check.name, {"looked_at": looked.looked_at, "found": len(subjects), "new": new, "cursor": looked.cursor}
    )


@retry_transaction
def _note(run_id: UUID, name: str, result: dict[str, Any]) -> None:
    run = IntegrityRun.objects.select_for_update().get(pk=run_id)
    run.results = {**run.results, name: result}
    run.lease_until = None
    run.save(update_fields=["results", "lease_until"])


@retry_transaction
def _finish(run_id: UUID) -> None:
    run = IntegrityRun.objects.select_for_update().get(pk=run_id)
    if run.finished_at is not None:
        return
    run.finished_at, run.lease_until = clock.now(), None
    run.save(update_fields=["finished_at", "lease_until"])
    failed = sum(bool(result.get("failed")) for result in run.results.values())
    counted = {"found": sum(result.get("found", 0) for result in run.results.values()), "failed": failed}
    audit.record("patients.integrity.finished", actor=None, target=run, detail=counted)
    serious = [check.name for check in integrity.checks() if check.severity == integrity.Severity.SERIOUS]
    new = sum(run.results.get(name, {}).get("new", 0) for name in serious)
    if new or failed:
        notify_capability(
            Capability.CHECK_INTEGRITY,
            kind="integrity_findings",
            path=reverse("patients:integrity"),
            unless_unread=True,
        )
