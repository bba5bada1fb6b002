"""The photo of a patient and the picture of the identity card: one of each, and the old one really goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import audit
from core import clock, files, uploads
from core.db import retry_transaction
from core.models import StoredFile
from patients.models import PatientImage
from patients.services.locks import lock_patient, require_right

PHOTO_SIDE = 512  # pixels
SMALL_SIDE = 96
CARD_SIDE = 1600

Kind = PatientImage.Kind


@dataclass(frozen=True)
class ReadyImage:
    """A picture that was cut and scaled and lies sealed in the storage; its rows are saved by `set_image`."""

    kind: str
    stored: StoredFile
    thumbnail: StoredFile | None = None


def ready_image(*, kind: str, upload: uploads.Upload) -> ReadyImage:
    """Cut a photo to a square of 512 pixels with a small one of 96, or scale a card to 1600, into the storage.

    Call it before the transaction: it opens the picture in another process. The middle is cut out; people who choose a
    part do so in the browser.

    Raises:
        UploadRefused, DecoderBusy: as `core.uploads`.
        StorageDown: the storage does not take it.
    """
    if kind == Kind.KTP:
        data = uploads.thumbnail(upload.data, content_type=upload.content_type, side=CARD_SIDE)
        return ReadyImage(kind, files.put(data, content_type="image/jpeg"))
    photo = uploads.crop_square(upload.data, size=PHOTO_SIDE)
    small = uploads.thumbnail(photo, content_type="image/jpeg", side=SMALL_SIDE)
    return ReadyImage(kind, files.put(photo, content_type="image/jpeg"), files.put(small, content_type="image/jpeg"))


@retry_transaction
def set_image(*, patient_id: UUID, ready: ReadyImage, actor: Any) -> PatientImage:
    """Make a picture the photo or the card of a patient; the one before is deleted, and its content after the commit.

    The new row has an id of its own, so an address of the old photo shows nothing.

    Raises:
        PatientNotFound: there is no such patient.
        PatientMerged: the record went into another one.
        NotPermitted: a portal account that may not act for this patient any more.
    """
    patient = lock_patient(patient_id)
    require_right(patient, actor)
    had = _take_away(patient.pk, ready.kind)
    image = PatientImage.objects.create(
        patient=patient, kind=ready.kind, file=files.keep(ready.stored),
        thumbnail=files.keep(ready.thumbnail) if ready.thumbnail else None, uploaded_at=clock.now(), uploaded_by=actor,
    )  # fmt: skip
    if ready.kind == Kind.PHOTO:
        patient.photo_key = image.pk
        patient.save(update_fields=["photo_key"])
    action = "patients.image.replaced" if had else "patients.image.added"
    audit.record(action, actor=actor, patient=patient.pk, target=image, detail={"kind": ready.kind})
    return image


@retry_transaction
def remove_image(*, patient_id: UUID, kind: str, actor: Any) -> bool:
    """Delete the photo or the card of a patient, and its content after the commit; False when there was none.

    Raises: as `set_image`.
    """
    patient = lock_patient(patient_id)
    require_right(patient, actor)
    if not _take_away(patient.pk, kind):
        return False
    if kind == Kind.PHOTO:
        patient.photo_key = None
        patient.save(update_fields=["photo_key"])
    audit.record("patients.image.removed", actor=actor, patient=patient.pk, target=patient, detail={"kind": kind})
    return True


@retry_transaction
def record_card_seen(*, image: PatientImage, actor: Any) -> None:
    """Write that `actor` was shown the picture of an identity card."""
    audit.record(
        "patients.image.viewed", actor=actor, patient=image.patient_id, target=image, detail={"kind": image.kind}
    )


def _take_away(patient_id: UUID, kind: str) -> bool:
    """Delete the row of a locked patient and its files; False when there is none."""
    image = PatientImage.objects.select_related("file", "thumbnail").filter(patient_id=patient_id, kind=kind).first()
    if image is None:
        return False
    stored = [image.file, *([image.thumbnail] if image.thumbnail else [])]
    image.delete()  # first: its keys protect the files
    for one in stored:
        files.remove(one)
    return True
