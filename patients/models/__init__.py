"""The tables of patients, one module an aggregate."""

from patients.models.care import NO_SOURCE, CareTeamMember
from patients.models.consents import Consent, ConsentKind, ConsentText
from patients.models.coverage import Insurer, PolicyCoverage
from patients.models.demographics import (
    PatientAddress,
    PatientContact,
    PatientDemographics,
    PatientIdentifier,
    Region,
    RegistrationDraft,
)
from patients.models.documents import PatientDocument, PatientImage
from patients.models.emergency import EmergencyAccess
from patients.models.guardians import GuardianLink, portal_patient_ids
from patients.models.history import BloodTyping, HistoryEntry, HistorySection, PregnancyStatus, Section
from patients.models.imports import IntegrityFinding, IntegrityRun, PatientImport, PatientImportRow
from patients.models.merging import DuplicatePair, PatientMerge
from patients.models.patient import Allergy, Patient, PatientToken, Sex, mask_nik
from patients.models.registrations import PortalRegistration
from patients.models.rights import (
    AffectedPatient,
    Breach,
    DataRequest,
    Erasure,
    ProcessingLimit,
    RetentionProposal,
)

__all__ = [
    "NO_SOURCE", "AffectedPatient", "Allergy", "BloodTyping", "Breach", "CareTeamMember", "Consent", "ConsentKind",
    "ConsentText", "DataRequest", "DuplicatePair", "EmergencyAccess", "Erasure", "GuardianLink", "HistoryEntry",
    "HistorySection", "Insurer", "IntegrityFinding", "IntegrityRun", "Patient", "PatientAddress", "PatientContact",
    "PatientDemographics", "PatientDocument", "PatientIdentifier", "PatientImage", "PatientImport",
    "PatientImportRow", "PatientMerge", "PatientToken", "PolicyCoverage", "PortalRegistration", "PregnancyStatus",
    "ProcessingLimit", "Region", "RegistrationDraft", "RetentionProposal", "Section", "Sex", "mask_nik",
    "portal_patient_ids",
]  # fmt: skip
