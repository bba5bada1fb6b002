"""The sections of the copy that belong to this app, and their resources after HL7 FHIR R4."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.ids import uuid_or_none
from core.models import StoredFile
from patients.models import (
    Allergy,
    CareTeamMember,
    Consent,
    HistoryEntry,
    Patient,
    PatientDocument,
    PatientImage,
    PolicyCoverage,
)
from patients.personal_data import Resource, Section, Table, register

NIK_SYSTEM = "https://fhir.kemkes.go.id/id/nik"
CLINICAL = _("Medical record: the law has it kept for 25 years after the last visit (PMK 24/2022 article 39).")
CONTRACT = _("Needed for your care and its administration; kept as long as the medical record.")
GENDERS = {"male": "male", "female": "female", "other": "other", "unknown": "unknown"}


def reference(patient_id: UUID) -> dict[str, str]:
    """Return how a resource names the patient."""
    return {"reference": f"Patient/{patient_id}"}


def known_birth_date(patient: Patient) -> str:
    """Return the birth date as far as it is known, as FHIR writes it: 1990-05-17, 1990-05 or 1990.

    Of an estimated age the year alone, as every screen shows it. Source: FHIR R4, data type date.
    """
    accuracy = Patient.BirthAccuracy(patient.birth_accuracy)
    if accuracy == Patient.BirthAccuracy.EXACT:
        return patient.birth_date.isoformat()
    return f"{patient.birth_date:%Y-%m}" if accuracy == Patient.BirthAccuracy.MONTH else f"{patient.birth_date:%Y}"


def patient_resource(patient: Patient) -> Iterator[Resource]:
    """Give the person (FHIR Patient)."""
    numbers = [{"system": "urn:record-number", "value": patient.record_number}]
    if patient.nik:
        numbers.append({"system": NIK_SYSTEM, "value": patient.nik})
    telecom = [{"system": "phone", "value": patient.phone}] if patient.phone else []
    telecom += [{"system": "email", "value": patient.email}] if patient.email else []
    resource: Resource = {
        "resourceType": "Patient", "id": str(patient.pk), "active": patient.status == Patient.Status.ACTIVE,
        "identifier": numbers, "name": [{"text": patient.display_name}], "gender": GENDERS[patient.sex],
        "birthDate": known_birth_date(patient), "telecom": telecom,
    }  # fmt: skip
    if patient.address:
        resource["address"] = [{"text": patient.address}]
    if patient.deceased_on:
        resource["deceasedDateTime"] = patient.deceased_on.isoformat()
    yield resource


def allergy_resource(row: Allergy) -> Iterator[Resource]:
    """Give one allergy (FHIR AllergyIntolerance)."""
    code: dict[str, Any] = {"text": row.substance}
    if row.code:
        code["coding"] = [{"system": row.code_system, "code": row.code, "display": row.substance}]
    wrong = row.status == Allergy.Status.ENTERED_IN_ERROR
    resource: Resource = {
        "resourceType": "AllergyIntolerance", "id": str(row.pk), "patient": reference(row.patient_id), "code": code,
        "category": [row.category], "recordedDate": row.recorded_at.isoformat(),
        "verificationStatus": {"text": "entered-in-error" if wrong else "confirmed" if row.is_confirmed else "unconfirmed"},
    }  # fmt: skip
    if row.reaction:
        resource["reaction"] = [
            {"manifestation": [{"text": row.reaction}], **({"severity": row.severity} if row.severity else {})}
        ]
    yield resource


def history_resource(row: HistoryEntry) -> Iterator[Resource]:
    """Give chronic and past conditions (FHIR Condition); other parts of the history are in the table."""
    if row.section in ("chronic", "past"):
        code: dict[str, Any] = {"text": row.what}
        if row.code:
            code["coding"] = [{"system": row.code_system, "code": row.code, "display": row.what}]
        yield {
            "resourceType": "Condition", "id": str(row.pk), "subject": reference(row.patient_id), "code": code,
            "category": [{"text": "problem-list-item"}], "recordedDate": row.recorded_at.isoformat(),
            "verificationStatus": {"text": "entered-in-error" if row.status == "entered_in_error" else "confirmed"},
        }  # fmt: skip


def coverage_resource(row: PolicyCoverage) -> Iterator[Resource]:
    """Give one policy (FHIR Coverage)."""
    status = {"active": "active", "ended": "cancelled"}.get(row.status, "entered-in-error")
    period = {"start": row.valid_from, "end": row.valid_until}
    yield {
        "resourceType": "Coverage", "id": str(row.pk), "status": status, "beneficiary": reference(row.patient_id),
        "subscriberId": row.number, "payor": [{"display": row.insurer.name}],
        "period": {name: day.isoformat() for name, day in period.items() if day},
    }  # fmt: skip


def consent_resource(row: Consent) -> Iterator[Resource]:
    """Give one answer (FHIR Consent)."""
    yield {
        "resourceType": "Consent", "id": str(row.pk), "patient": reference(row.patient_id),
        "status": "active" if row.decision == Consent.Decision.PERMIT else "rejected",
        "scope": {"text": str(row.get_kind_display())}, "category": [{"text": row.kind}],
        "dateTime": row.given_at.isoformat(), "provision": {"type": "permit" if row.decision == "permit" else "deny"},
    }  # fmt: skip


def document_resource(row: PatientDocument) -> Iterator[Resource]:
    """Give one paper (FHIR DocumentReference); its content is in the folder `files`."""
    yield {
        "resourceType": "DocumentReference", "id": str(row.pk), "subject": reference(row.patient_id),
        "status": "current" if row.is_current else "entered-in-error", "type": {"text": str(row.get_category_display())},
        "date": row.uploaded_at.isoformat(), "description": row.shown_title,
        "content": [{"attachment": {"contentType": row.file.content_type, "title": row.file_name}}],
    }  # fmt: skip


def _document_file(row: PatientDocument) -> Iterator[tuple[str, StoredFile]]:
    yield f"{row.documented_on.isoformat()}-{row.category}", row.file


def _image_file(row: PatientImage) -> Iterator[tuple[str, StoredFile]]:
    yield row.kind, row.file


def _shared(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(is_internal=False)


def _member_name(row: CareTeamMember) -> dict[str, str]:
    """Who it is, by name or role."""
    kind, _colon, name = row.member.partition(":")
    person = User.objects.filter(pk=uuid_or_none(name)).first() if uuid_or_none(name) else None
    return {"member": person.full_name if person is not None else name or kind}


def own_sections() -> list[Section]:
    """Return the sections of this app."""
    identity = Section(
        "identity", _("Who you are"), CONTRACT,
        (
            Table("patients.Patient", "pk", hidden=frozenset({"duplicate_reason", "user", "mother", "merged_into"}),
                  resources=patient_resource),
            Table("patients.PatientDemographics"),
            Table("patients.PatientAddress"),
            Table("patients.PatientIdentifier"),
            Table("patients.PatientContact"),
            Table("patients.PatientImage", files=_image_file),
            Table("patients.PortalRegistration"),
        ),
    )  # fmt: skip
    account = Section(
        "account", _("Your portal account, mails and notices"),
        _("Your own wish; the account is closed when you ask for it."),
        (
            Table("accounts.User", "patient",
                  hidden=frozenset({"password", "is_superuser", "is_staff", "session_epoch", "must_change_password"})),
            Table("notifications.Notice", "recipient__patient"),
            Table("notifications.Email", "patient_id", hidden=frozenset({
                "body_html", "attachment", "last_error", "attempts", "max_attempts", "next_attempt_at", "claimed_until"})),
        ),
    )  # fmt: skip
    basics = Section(
        "basics", _("Allergies, history and other basic health data"), CLINICAL,
        (
            Table("patients.Allergy", resources=allergy_resource),
            Table("patients.HistoryEntry", resources=history_resource),
            Table("patients.HistorySection"),
            Table("patients.PregnancyStatus"),
            Table("patients.BloodTyping"),
        ),
    )  # fmt: skip
    documents = Section(
        "documents", _("Documents"), CLINICAL,
        (Table("patients.PatientDocument", only=_shared, resources=document_resource, files=_document_file),),
    )  # fmt: skip
    coverage = Section(
        "coverage", _("Insurance"), CONTRACT, (Table("patients.PolicyCoverage", resources=coverage_resource),)
    )
    consents = Section(
        "consents", _("What you agreed to or refused"), _("Proof of your decisions; kept as long as the medical record."),
        (Table("patients.Consent", resources=consent_resource),),
    )  # fmt: skip
    people = Section(
        "people", _("Who may see the record"), _("Proof of who was allowed to see it; kept as long as the medical record."),
        (
            Table("patients.CareTeamMember", hidden=frozenset({"source_id"}), adds=_member_name),
            Table("patients.GuardianLink", "dependant"),
            Table("patients.EmergencyAccess"),
        ),
    )  # fmt: skip
    rights = Section(
        "rights", _("Your requests about personal data"), _("Proof that your rights were kept (UU 27/2022)."),
        (
            Table("patients.DataRequest", hidden=frozenset({"copy", "warned_at"})),
            Table("patients.ProcessingLimit"),
            Table("patients.Erasure"),
            Table("patients.AffectedPatient"),
            Table("patients.RetentionProposal"),
        ),
    )  # fmt: skip
    return [identity, account, basics, documents, coverage, consents, people, rights]


def register_own() -> None:
    """Make the sections of this app known; called once."""
    for section in own_sections():
        register(section)
