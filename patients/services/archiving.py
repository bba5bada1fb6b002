"""Archiving patients, bringing them back, and deleting the ones that were registered by mistake.

A patient with clinical or financial rows is never deleted here: the record is kept for 25 years after the last visit
(PMK 24/2022, article 39) and archived meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import audit
import jobs.services
from core import clock, files
from core.db import retry_transaction
from core.models import StoredFile
from notifications import erasing as outbox
from patients.errors import CannotArchive, CannotDelete, InvalidPatientData, NotArchived
from patients.merge_rules import links, rule_of
from patients.models import Consent, Patient, PatientDocument, PatientImage
from patients.services.identity import require_reason
from patients.services.locks import lock_patient

# Rows that go with a patient registered by mistake. Every other row that points to a patient stands in the way.
GOES_WITH = frozenset(
    {
        "patients.Allergy.patient",
        "patients.BloodTyping.patient",
        "patients.CareTeamMember.patient",
        "patients.Consent.patient",
        "patients.DuplicatePair.first",
        "patients.DuplicatePair.second",
        "patients.HistorySection.patient",
        "patients.IntegrityFinding.patient",
        "patients.PatientAddress.patient",
        "patients.PatientContact.patient",
        "patients.PatientDemographics.patient",
        "patients.PatientDocument.patient",
        "patients.PatientIdentifier.patient",
        "patients.PatientImage.patient",
        "patients.PatientImportRow.patient",
        "patients.PatientToken.patient",
        "patients.PolicyCoverage.patient",
        "patients.RetentionProposal.patient",
    }
)
LAST = frozenset({"patients.PatientDocument.patient"})  # other rows point to it
UNLINKED = frozenset({"patients.IntegrityFinding.patient", "patients.PatientImportRow.patient"})  # the row stays


# Apps above say in words what stands in the way of archiving ("1 visit under way"): each is called with the patient's id,
# under the lock of the row.
Check = Callable[[UUID], list[str]]
_checks: list[Check] = []


def check_before_archive(check: Check) -> None:
    """Let an app above refuse archiving; called once, when the app is ready."""
    if check not in _checks:
        _checks.append(check)


def obstacles_to_archive(patient_id: UUID) -> list[str]:
    """Return what must be ended before the patient can be archived: visits under way, bookings to come."""
    return [words for check in _checks for words in check(patient_id)]


def obstacles_to_delete(patient: Patient) -> list[str]:
    """Return what shows that the patient is no mistake: every row that the law or the clinic's books keep."""
    found = [_("portal account")] if patient.user_id else []
    if patient.legal_hold:
        found.append(_("legal hold"))
    for name, model, field in links():
        if name in GOES_WITH:
            continue
        count = model._base_manager.filter(**{field.attname: patient.pk}).count()
        if count:
            words = rule_of(name).words
            found.append(str(words % {"count": count}) if words else f"{model._meta.verbose_name} ({count})")
    clinical = PatientDocument.objects.filter(patient=patient).exclude(category__in=PatientDocument.ADMINISTRATIVE)
    if count := clinical.count():
        words = ngettext("%(count)d medical document", "%(count)d medical documents", count)
        found.append(words % {"count": count})
    return found


@retry_transaction
def archive_patient(*, patient_id: UUID, actor: Any, reason: str, deceased_on: date | None = None) -> Patient:
    """Take a patient out of lists and bookings: ACTIVE -> ARCHIVED. The record stays readable and is found by search.

    With `deceased_on` the patient has died; that is reason enough.

    Raises:
        ReasonMissing: no reason was given.
        InvalidPatientData: a day of death in the future or before birth.
        CannotArchive: archived already, or something is under way.
    """
    patient = lock_patient(patient_id)
    why = require_reason(reason or (_("The patient has died.") if deceased_on else ""), _("Write why it is archived."))
    if patient.status != Patient.Status.ACTIVE:
        raise CannotArchive(_("This record is archived already."))
    if deceased_on is not None and not patient.birth_date <= deceased_on <= clock.today():
        raise InvalidPatientData(_("The day of death is before birth or in the future."), "deceased_on")
    if obstacles := obstacles_to_archive(patient.pk):
        raise CannotArchive(_("End or cancel these first: %(list)s.") % {"list": ", ".join(obstacles)})
    patient.status, patient.archive_reason = Patient.Status.ARCHIVED, why
    patient.archived_at, patient.archived_by = clock.now(), actor
    patient.deceased_on = deceased_on
    patient.version += 1
    patient.save(update_fields=["status", "archive_reason", "archived_at", "archived_by", "deceased_on", "version"])
    audit.record(
        "patients.patient.archived", actor=actor, patient=patient.pk, target=patient,
        detail={"deceased": deceased_on is not None},
    )  # fmt: skip
    return patient


@retry_transaction
def unarchive_patient(*, patient_id: UUID, actor: Any, reason: str) -> Patient:
    """Bring an archived patient back: ARCHIVED -> ACTIVE. A recorded death is taken back with it.

    Raises:
        ReasonMissing: no reason was given.
        NotArchived: the record is not archived.
    """
    patient = lock_patient(patient_id)
    require_reason(reason, _("Write why it comes back."))
    if patient.status != Patient.Status.ARCHIVED:
        raise NotArchived(_("This record is not archived."))
    was_deceased = patient.deceased_on is not None
    patient.status, patient.archive_reason = Patient.Status.ACTIVE, ""
    patient.archived_at, patient.archived_by, patient.deceased_on = None, None, None
    patient.version += 1
    patient.save(update_fields=["status", "archive_reason", "archived_at", "archived_by", "deceased_on", "version"])
    audit.record(
        "patients.patient.unarchived", actor=actor, patient=patient.pk, target=patient,
        detail={"deceased": was_deceased},
    )  # fmt: skip
    return patient


@retry_transaction
def delete_mistaken(*, patient_id: UUID, actor: Any, reason: str, record_number: str) -> str:
    """Delete a patient registered by mistake, with everything that hangs on the row; return the record number.

    Mails about the patient that wait are not sent any more.
    `record_number` is typed by the person who deletes. The number is never given again; the log keeps that it was.

    Raises:
        ReasonMissing: no reason was given.
        CannotDelete: the number typed is another, or something shows that this is no mistake.
    """
    patient = lock_patient(patient_id)
    require_reason(reason, _("Write why the registration was a mistake."))
    if record_number.strip() != patient.record_number:
        raise CannotDelete(_("The record number you typed is not this patient's. Nothing was deleted."))
    if obstacles := obstacles_to_delete(patient):
        sentence = _("This record is kept by law or by the books: %(list)s. Archive it instead.")
        raise CannotDelete(sentence % {"list": ", ".join(obstacles)})
    number = patient.record_number
    audit.record(
        "patients.patient.deleted", actor=actor, patient=patient.pk, target=patient,
        detail={"record_number": number, "mails_withdrawn": outbox.withdraw(patient_id=patient.pk)},
    )  # fmt: skip
    kept = _files_of(patient)
    for consent in Consent.objects.filter(patient=patient).order_by("-pk"):  # a withdrawal before what it withdraws
        consent.delete()
    for name, model, field in links():
        mine = model._base_manager.filter(**{field.attname: patient.pk})
        if name in UNLINKED:
            mine.update(**{field.attname: None})
        elif name in GOES_WITH and name not in LAST:
            mine.delete()
    PatientDocument.objects.filter(patient=patient).delete()
    patient.delete()
    for stored in kept:
        files.remove(stored)
    jobs.services.remove_results_of(patient_id)
    return number


def _files_of(patient: Patient) -> list[StoredFile]:
    """Return the files of the patient's pictures and papers."""
    ids: set[UUID] = set()
    for model in (PatientImage, PatientDocument):
        for row in model.objects.filter(Q(patient=patient)).values_list("file_id", "thumbnail_id"):
            ids.update(pk for pk in row if pk)
    return list(StoredFile.objects.filter(pk__in=ids))
