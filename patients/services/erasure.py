"""Erasing what no law demands to be kept of a person: all of it in one transaction, with a certificate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import audit
from accounts.models import User
from core import clock
from core.db import next_number, retry_transaction
from jobs.models import Job
from patients import erasing
from patients.erasing import Subject
from patients.errors import CannotErase, NothingToErase, PatientMerged, PatientNotFound
from patients.models import DataRequest, Erasure, GuardianLink, Patient
from patients.search import write_tokens_of
from patients.services.archiving import obstacles_to_archive
from patients.services.identity import require_reason

MOST_MERGES = 10  # how deep records may have been merged into each other

# Apps above say in words what must be ended before data are erased ("1 bill to settle"), by the ids of the records.
Check = Callable[[list[UUID]], list[str]]
_checks: list[Check] = []


def check_before_erasing(check: Check) -> None:
    """Let an app above stop an erasure; called once, when the app is ready."""
    if check not in _checks:
        _checks.append(check)


def subject_of(patient: Patient) -> Subject:
    """Return the person with all records and accounts, for a preview: without locks."""
    ids = _family(patient.pk)
    found = Patient.objects.in_bulk(ids)
    users = User.objects.filter(patient__in=ids, kind=User.Kind.PATIENT).order_by("pk")
    return Subject(found[patient.pk], [found[pk] for pk in ids if pk != patient.pk], list(users))


def obstacles(subject: Subject) -> list[str]:
    """Return sentences about what stands in the way; each says what to do."""
    found = []
    if any(patient.legal_hold for patient in subject.patients):
        found.append(_("The record is on legal hold: nothing may be erased until the hold is lifted."))
    under_way = [words for pk in subject.ids for words in obstacles_to_archive(pk)]
    under_way += [words for check in _checks for words in check(subject.ids)]
    if under_way:
        found.append(_("End, settle or cancel these first: %(list)s.") % {"list": ", ".join(under_way)})
    others = DataRequest.objects.filter(patient__in=subject.ids, status__in=DataRequest.OPEN)
    if count := others.exclude(kind=DataRequest.Kind.ERASURE).count():
        words = ngettext(
            "%(count)d other request about these data waits. Answer it first, since its data would be gone.",
            "%(count)d other requests about these data wait. Answer them first, since their data would be gone.",
            count,
        )
        found.append(words % {"count": count})
    if Job.objects.filter(patient_id__in=subject.ids, state__in=Job.OPEN).exists():
        found.append(_("A file about this patient is being made. Wait until it is done, then try again."))
    return found


@retry_transaction
def erase_patient(
    *, patient_id: UUID, actor: Any, record_number: str, reason: str = "", request_id: UUID | None = None
) -> Erasure:
    """Remove everything of a person that no law keeps, archive the record, and write the certificate; once.

    Files lose their keys with the commit and their content after it. `record_number` is typed by the person who erases.
    With `request_id` it fulfils that request, which stays open for its answer; without, a reason is needed. What stays and
    why is in `patients.erasing`. Locks: portal accounts, then patients (the person's and the dependants'), by id.

    Raises:
        PatientNotFound, PatientMerged: there is no such record, or it went into another one.
        ReasonMissing: neither reason nor request.
        CannotErase: another number was typed, the request is closed or about something else, or something is in the way.
        NothingToErase: everything that may go is gone.
    """
    subject = _locked(patient_id)
    patient = subject.patient
    if record_number.strip() != patient.record_number:
        raise CannotErase(_("The record number you typed is not this patient's. Nothing was erased."))
    request = _request(subject, request_id)
    why = reason if request is not None else require_reason(reason, _("Write why the data are erased."))
    if found := obstacles(subject):
        raise CannotErase(" ".join(found))
    kept = erasing.to_keep(subject)
    removed = _remove(subject, actor)
    if not removed:
        raise NothingToErase(_("Everything that may be erased is gone already."))
    write_tokens_of(subject.patients)
    year = clock.local(clock.now()).year
    erasure = Erasure(
        number=f"HPS-{year}-{next_number(f'patients.erasure.{year}'):04d}",
        patient=patient, record_number=patient.record_number, request=request, removed=removed,
        kept=[
            {"code": line.code, "count": line.count, "ground": line.ground,
             "until": line.until.isoformat() if line.until else ""}
            for line in kept
        ],
        erased_at=clock.now(), erased_by=actor,
    )  # fmt: skip
    erasure.save(force_insert=True)
    _archive(patient, erasure, why, actor)
    audit.record(
        "patients.patient.erased", actor=actor, patient=patient.pk, target=patient,
        detail={"number": erasure.number, "removed": {row["code"]: row["count"] for row in removed}},
    )  # fmt: skip
    return erasure


# --- parts


def _family(patient_id: UUID) -> list[UUID]:
    """Return the record and all records merged into it, step by step."""
    ids, step = [patient_id], [patient_id]
    for _depth in range(MOST_MERGES):
        merged = Patient.objects.filter(merged_into__in=step).exclude(pk__in=ids).order_by("pk")
        step = list(merged.values_list("pk", flat=True))
        if not step:
            break
        ids += step
    return ids


def _locked(patient_id: UUID) -> Subject:
    """Return the person under the locks of accounts and records.

    Raises:
        PatientNotFound, PatientMerged: see `erase_patient`.
        CannotErase: the record got another account, or another record, while this waited.
    """
    ids = _family(patient_id)
    accounts = User.objects.filter(patient__in=ids, kind=User.Kind.PATIENT).order_by("pk")
    user_ids = list(accounts.values_list("pk", flat=True))
    users = list(User.objects.select_for_update().filter(pk__in=user_ids).order_by("pk"))
    about = GuardianLink.objects.filter(Q(guardian__in=user_ids), dependant__isnull=False)
    dependants = set(about.values_list("dependant", flat=True))
    wanted = {*ids, *dependants}
    rows = {row.pk: row for row in Patient.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    if patient_id not in rows:
        raise PatientNotFound(_("There is no such patient."))
    if rows[patient_id].status == Patient.Status.MERGED:
        raise PatientMerged(_("This record was merged into another one meanwhile. Open the patient again."))
    if _family(patient_id) != ids or list(accounts.all().values_list("pk", flat=True)) != user_ids:
        raise CannotErase(
            _("The record was changed at this moment. Open the page again and look at what would be erased.")
        )
    return Subject(rows[patient_id], [rows[pk] for pk in ids if pk != patient_id], users)


def _request(subject: Subject, request_id: UUID | None) -> DataRequest | None:
    if request_id is None:
        return None
    request = DataRequest.objects.filter(pk=request_id, patient__in=subject.ids, kind=DataRequest.Kind.ERASURE).first()
    if request is None or request.status not in DataRequest.OPEN:
        raise CannotErase(_("This request was answered or withdrawn before. Nothing was erased."))
    if done := Erasure.objects.filter(request=request).first():
        raise NothingToErase(_("This was carried out already: see certificate %(number)s.") % {"number": done.number})
    return request


def _remove(subject: Subject, actor: Any) -> list[dict[str, Any]]:
    """Remove every part; codes and counts of what went."""
    removed = []
    counts = {line.code: line.count for line in erasing.to_remove(subject)}
    for part in erasing.parts():
        if part.code in counts:
            part.remove(subject, actor)
            removed.append({"code": part.code, "count": counts[part.code]})
    return removed


def _archive(patient: Patient, erasure: Erasure, why: str, actor: Any) -> None:
    """Take the record out of lists and say there what was done; a reason that stands there stays."""
    words = f"{erasure.number} {why}".strip()
    if patient.status == Patient.Status.ACTIVE:
        patient.status, patient.archived_at, patient.archived_by = Patient.Status.ARCHIVED, clock.now(), actor
    patient.archive_reason = " · ".join(filter(None, [patient.archive_reason, words]))[:300]
    patient.version += 1
    patient.save(update_fields=["status", "archived_at", "archived_by", "archive_reason", "version"])
