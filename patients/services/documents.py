"""Papers of a record as files: kept once, never changed. What is written about them may be corrected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

import audit
from core import clock, files, uploads, workers
from core.db import retry_transaction
from core.errors import DomainError
from core.filenames import clean_filename
from core.models import StoredFile
from core.text import clean_line
from patients.errors import (
    DocumentChanged,
    DocumentClosed,
    DocumentIsProof,
    DocumentKnown,
    InvalidPatientData,
    TooManyDocuments,
)
from patients.models import Consent, DataRequest, PatientDocument
from patients.services.identity import require_reason
from patients.services.locks import lock_patient, require_right

MAX_TITLE = 120
MAX_NOTE = 500
MAX_FROM_PORTAL = 20  # documents of one patient in 24 hours
PREVIEW_SIDE = 320  # pixels
PREVIEW_TASK = "patients.tasks.make_preview"
SWEEP_AFTER = timedelta(minutes=1)
GIVE_UP_AFTER = timedelta(days=1)
SWEEP_LIMIT = 50

Thumbnail = PatientDocument.Thumbnail


@dataclass(frozen=True)
class ReadyFile:
    """A file that was checked and lies sealed in the storage; its row is saved by `add_document`."""

    stored: StoredFile
    name: str
    pages: int | None = None


def ready_file(uploaded: UploadedFile) -> ReadyFile:
    """Check a file of a form and put it into the storage. Call it before the transaction: it may take a while.

    Raises:
        UploadRefused: empty, too big, or not a picture or PDF that can be kept.
        DecoderBusy: try again.
        StorageDown: the storage does not take it.
    """
    return ready_upload(uploads.check_document(uploads.bytes_of(uploaded), name=uploaded.name or ""))


def ready_upload(found: uploads.Upload) -> ReadyFile:
    """Put a checked file into the storage. Call it before the transaction.

    Raises:
        StorageDown: the storage does not take it.
    """
    return ReadyFile(files.put(found.data, content_type=found.content_type), found.name, found.pages)


@dataclass(frozen=True)
class Added:
    """What became of one file of several; `error` is the sentence when it was not added."""

    name: str
    document: PatientDocument | None = None
    error: str = ""


def add_files(*, patient_id: UUID, sent: Iterable[UploadedFile], actor: Any, source: str, **about: Any) -> list[Added]:
    """Add several files with the same words, each in a transaction of its own: a bad one does not lose the others.

    `about` as `add_document`. Files that are in the record already are refused, so a form may be sent again.
    """
    results = []
    for uploaded in sent:
        name = clean_filename(uploaded.name)
        try:
            document = add_document(
                patient_id=patient_id,
                ready=ready_file(uploaded),
                actor=actor,
                source=source,
                refuse_known=True,
                **about,
            )
        except DomainError as error:
            results.append(Added(name, error=str(error)))
        else:
            results.append(Added(name, document))
    return results


@retry_transaction
def add_document(
    *,
    patient_id: UUID,
    ready: ReadyFile,
    category: str,
    actor: Any,
    documented_on: date | None = None,
    title: str = "",
    note: str = "",
    is_internal: bool = False,
    source: str = PatientDocument.Source.STAFF,
    refuse_known: bool = False,
) -> PatientDocument:
    """Add one paper to a record; the worker makes its preview on commit. `documented_on` None is today.

    `refuse_known` refuses a file whose bytes are in the record already, so that a form sent twice adds it once. From the
    portal at most `MAX_FROM_PORTAL` a day, counted under the lock of the patient.

    Raises:
        PatientNotFound: there is no such patient.
        PatientMerged: the record went into another one.
        NotPermitted: a portal account that may not act for this patient any more.
        InvalidPatientData: the date is in the future, or there is no such kind.
        DocumentKnown: this file is in the record.
        TooManyDocuments: enough came from the portal today.
    """
    patient = lock_patient(patient_id)
    require_right(patient, actor)
    day = _day(documented_on or clock.today())
    if refuse_known:
        _refuse_known(patient.pk, ready.stored.digest)
    if source == PatientDocument.Source.PORTAL:
        _refuse_too_many(patient.pk)
    document = PatientDocument.objects.create(
        patient=patient, category=_category(category), title=clean_line(title)[:MAX_TITLE], note=clean_line(note)[:MAX_NOTE],
        file_name=ready.name, documented_on=day, file=files.keep(ready.stored), page_count=ready.pages, source=source,
        is_internal=is_internal, uploaded_at=clock.now(), uploaded_by=actor,
    )  # fmt: skip
    audit.record(
        "patients.document.added", actor=actor, patient=patient.pk, target=document,
        detail={"category": category, "type": ready.stored.content_type, "bytes": ready.stored.size, "source": source},
    )  # fmt: skip
    _nudge(document.pk)
    return document


@retry_transaction
def correct_document(
    *,
    document_id: UUID,
    version: int,
    actor: Any,
    category: str,
    documented_on: date,
    title: str = "",
    note: str = "",
    is_internal: bool = False,
) -> PatientDocument:
    """Correct what is written about a paper; the file stays. Nothing changed means nothing written. Audited by field.

    `version` is that of the opened form. A form sent twice is no conflict: the second one changes nothing.

    Raises:
        DocumentChanged: somebody else corrected it after the form was opened.
        DocumentClosed: it was marked as wrong.
        DocumentIsProof: the kind of a paper that proves a consent or an answer.
        InvalidPatientData: the date is in the future, or there is no such kind.
    """
    document = _lock(document_id)
    wanted: dict[str, Any] = {
        "category": _category(category), "documented_on": _day(documented_on), "is_internal": is_internal,
        "title": clean_line(title)[:MAX_TITLE], "note": clean_line(note)[:MAX_NOTE],
    }  # fmt: skip
    changed = sorted(name for name, value in wanted.items() if getattr(document, name) != value)
    if not changed:
        return document
    if document.version != version:
        raise DocumentChanged(_("Somebody else changed this document meanwhile. Nothing was saved; open it again."))
    detail: dict[str, Any] = {"fields": changed}
    if "category" in changed:
        _refuse_proof(document)
        detail |= {"category_before": document.category, "category": category}
    for name in changed:
        setattr(document, name, wanted[name])
    document.version += 1
    document.save(update_fields=[*changed, "version"])
    audit.record(
        "patients.document.corrected", actor=actor, patient=document.patient_id, target=document, detail=detail
    )
    return document


@retry_transaction
def mark_document_in_error(*, document_id: UUID, actor: Any, reason: str) -> PatientDocument:
    """Mark a paper that is wrong or somebody else's. Row and file stay: it may have been read and acted upon.

    Raises:
        ReasonMissing: no reason was given.
        DocumentClosed: it was marked before.
        DocumentIsProof: it proves a consent or an answer to a request.
    """
    why = require_reason(reason, _("Write why this document is wrong."))
    document = _lock(document_id)
    _refuse_proof(document)
    document.status = PatientDocument.Status.ENTERED_IN_ERROR
    document.error_reason, document.marked_at, document.marked_by = why, clock.now(), actor
    document.save(update_fields=["status", "error_reason", "marked_at", "marked_by"])
    audit.record("patients.document.marked_in_error", actor=actor, patient=document.patient_id, target=document)
    return document


@retry_transaction
def record_opened(*, document: PatientDocument, actor: Any, is_download: bool) -> None:
    """Write that `actor` was given the content of a paper."""
    audit.record(
        "patients.document.opened", actor=actor, patient=document.patient_id, target=document,
        detail={"category": document.category, "how": "download" if is_download else "view"},
    )  # fmt: skip


# --- previews, by the worker


def make_preview(*, document_id: UUID) -> bool:
    """Make the small picture of a paper that waits for one; True when it is there now. Safe to run twice.

    Reads and scales outside a transaction; of two workers the second one finds the state changed and keeps nothing (its
    blob is swept). What cannot be drawn has no preview. A busy decoder or storage leaves it waiting for the sweep.
    """
    waiting = PatientDocument.objects.filter(pk=document_id, thumbnail_state=Thumbnail.WAITING)
    document = waiting.select_related("file").first()
    if document is None:
        return False
    try:
        data = uploads.thumbnail(files.read(document.file), content_type=document.file.content_type, side=PREVIEW_SIDE)
        stored = files.put(data, content_type="image/jpeg")
    except (uploads.DecoderBusy, files.StorageDown):
        _give_up_old(document)
        return False
    except (uploads.UploadRefused, files.FileUnreadable):
        waiting.update(thumbnail_state=Thumbnail.NONE)
        return False
    return _keep_preview(document_id, stored)


@retry_transaction
def _keep_preview(document_id: UUID, stored: StoredFile) -> bool:
    document = PatientDocument.objects.select_for_update().filter(pk=document_id).first()
    if document is None or document.thumbnail_state != Thumbnail.WAITING:
        return False
    document.thumbnail, document.thumbnail_state = files.keep(stored), Thumbnail.READY
    document.save(update_fields=["thumbnail", "thumbnail_state"])
    return True


def previews_due() -> list[UUID]:
    """Return ids of papers that wait for a preview for a minute or longer: lost nudges, dead workers, busy storage."""
    before = clock.now() - SWEEP_AFTER
    waiting = PatientDocument.objects.filter(thumbnail_state=Thumbnail.WAITING, uploaded_at__lt=before)
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:SWEEP_LIMIT])


def _give_up_old(document: PatientDocument) -> None:
    if document.uploaded_at < clock.now() - GIVE_UP_AFTER:
        PatientDocument.objects.filter(pk=document.pk, thumbnail_state=Thumbnail.WAITING).update(
            thumbnail_state=Thumbnail.NONE
        )


def _nudge(document_id: UUID) -> None:
    """Tell the worker on commit. A lost nudge costs a minute: the sweep finds the row."""
    workers.nudge(PREVIEW_TASK, str(document_id), about="a preview")


# --- parts


def _lock(document_id: UUID) -> PatientDocument:
    """Return a current document under the lock of its patient.

    Raises:
        DocumentClosed: it was marked as wrong.
    """
    lock_patient(PatientDocument.objects.values_list("patient_id", flat=True).get(pk=document_id))
    document = PatientDocument.objects.get(pk=document_id)
    if not document.is_current:
        raise DocumentClosed(_("This document was marked as wrong before."))
    return document


def _refuse_proof(document: PatientDocument) -> None:
    """Refuse to take away what a signed consent or an answered request rests on."""
    if Consent.objects.filter(scan=document).exists() or DataRequest.objects.filter(evidence=document).exists():
        raise DocumentIsProof(_("This paper proves a consent or an answer to a request, so it stays as it is."))


def _day(day: date) -> date:
    if day > clock.today():
        raise InvalidPatientData(_("The date of the document is in the future. Correct it."), "documented_on")
    return day


def _category(category: str) -> str:
    if category not in PatientDocument.Category.values:
        raise InvalidPatientData(_("Choose what kind of document this is."), "category")
    return category


def _refuse_known(patient_id: UUID, digest: str) -> None:
    if PatientDocument.objects.current().filter(patient_id=patient_id, file__digest=digest).exists():
        raise DocumentKnown(_("This file is in the record already."))


def _refuse_too_many(patient_id: UUID) -> None:
    today = PatientDocument.objects.filter(
        patient_id=patient_id, source=PatientDocument.Source.PORTAL, uploaded_at__gt=clock.now() - timedelta(hours=24)
    ).count()
    if today >= MAX_FROM_PORTAL:
        raise TooManyDocuments(
            _("%(count)d documents were sent today; more can be sent tomorrow. Or bring them to the front desk.")
            % {"count": today}
        )
