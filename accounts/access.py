"""Who may do what: capabilities and the one table of roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from core.rights import holds


class Role(TextChoices):
    ADMIN = "admin", _("Admin")
    DOCTOR = "doctor", _("Doctor")
    NURSE = "nurse", _("Nurse")
    RECEPTIONIST = "receptionist", _("Receptionist")
    CASHIER = "cashier", _("Cashier")
    PHARMACIST = "pharmacist", _("Pharmacist")
    LAB_OFFICER = "lab_officer", _("Lab officer")
    RADIOGRAPHER = "radiographer", _("Radiographer")
    OWNER = "owner", _("Owner")
    PATIENT = "patient", _("Patient")


class Capability(TextChoices):
    """One right. The label says what its holder can do."""

    USE_STAFF_SITE = "use_staff_site", _("Open the staff pages")
    USE_PORTAL = "use_portal", _("Open the patient portal")
    MANAGE_USERS = "manage_users", _("Create and change user accounts")
    DECIDE_FACTOR_RESETS = "decide_factor_resets", _("Decide as second person about resets of the second step")
    ACTIVATE_PATIENTS = "activate_patients", _("Activate portal registrations")
    SEARCH_PATIENTS = "search_patients", _("Search all patients and read their identity")
    SEARCH_OWN_PATIENTS = "search_own_patients", _("Search patients of the own care team and read their identity")
    REGISTER_PATIENTS = "register_patients", _("Register patients and change their identity")
    VIEW_CHART = "view_chart", _("Read the clinical record")
    VIEW_ALL_CHARTS = "view_all_charts", _("Read the clinical record of patients outside the own care team")
    USE_EMERGENCY_ACCESS = "use_emergency_access", _("Open the record of a patient in an emergency, for an hour")
    REVIEW_EMERGENCY_ACCESS = "review_emergency_access", _("Review emergency accesses")
    RECORD_ALLERGIES = "record_allergies", _("Record allergies")
    RECORD_HISTORY = "record_history", _("Record history, chronic conditions, pregnancy and medicines at home")
    UPLOAD_DOCUMENTS = "upload_documents", _("Add photos and documents to records")
    RECORD_CONSENTS = "record_consents", _("Record consents and their withdrawal")
    PUBLISH_CONSENT_TEXTS = "publish_consent_texts", _("Publish consent texts")
    EXPORT_RECORDS = "export_records", _("Make a patient's record as PDF")
    MERGE_PATIENTS = "merge_patients", _("Merge records of one person, and undo it")
    ARCHIVE_PATIENTS = "archive_patients", _("Archive patients, and delete those registered by mistake")
    IMPORT_PATIENTS = "import_patients", _("Import and export lists of patients")
    HANDLE_DATA_REQUESTS = (
        "handle_data_requests",
        _("Answer requests about personal data; erase and decide on retention"),
    )
    MANAGE_BREACHES = "manage_breaches", _("Keep the register of failures to protect personal data")
    CHECK_INTEGRITY = "check_integrity", _("See what the nightly check of records found")
    VIEW_SCHEDULES = "view_schedules", _("See practice sessions")
    PROPOSE_SESSIONS = "propose_sessions", _("Propose own practice sessions")
    APPROVE_SESSIONS = "approve_sessions", _("Approve or reject practice sessions")
    BOOK_APPOINTMENTS = "book_appointments", _("Book for patients")
    APPROVE_APPOINTMENTS = "approve_appointments", _("Approve or reject bookings")
    CHECK_IN = "check_in", _("Check patients in and give queue numbers")
    VIEW_QUEUE = "view_queue", _("See today's queue")
    VIEW_FLOW = "view_flow", _("See where today's patients are")
    SERVE_LABORATORY = "serve_laboratory", _("Call patients to the laboratory and send them on")
    SERVE_RADIOLOGY = "serve_radiology", _("Call patients to radiology and send them on")
    MANAGE_SCHEDULING = "manage_scheduling", _("Keep services, stations, holidays, hours and screens")
    RECORD_VITALS = "record_vitals", _("Record vital signs")
    WRITE_NOTES = "write_notes", _("Write and sign consultation notes")
    VIEW_NOTES = "view_notes", _("Read consultation notes")
    VIEW_PRESCRIPTIONS = "view_prescriptions", _("Read prescriptions")
    PRICE_PRESCRIPTIONS = "price_prescriptions", _("Confirm medicine prices")
    DISPENSE = "dispense", _("Hand over medicines")
    MANAGE_STOCK = "manage_stock", _("Receive and correct stock")
    VIEW_BILLS = "view_bills", _("Read bills")
    TAKE_PAYMENTS = "take_payments", _("Take payments")
    REFUND_PAYMENTS = "refund_payments", _("Pay back refunds that are due")
    VIEW_ALL_CONSULTATIONS = "view_all_consultations", _("See all consultations by status")
    VIEW_REPORTS = "view_reports", _("See clinic figures")
    READ_SUPPORT = "read_support", _("Read and answer support messages")
    VIEW_AUDIT = "view_audit", _("Read the audit log")
    USE_BACK_OFFICE = "use_back_office", _("Change reference data in the back office")


C = Capability

ROLE_CAPABILITIES: dict[Role, frozenset[Capability]] = {
    Role.ADMIN: frozenset(
        {
            C.USE_STAFF_SITE, C.MANAGE_USERS, C.DECIDE_FACTOR_RESETS, C.ACTIVATE_PATIENTS, C.SEARCH_PATIENTS,
            C.REGISTER_PATIENTS, C.VIEW_CHART, C.VIEW_ALL_CHARTS, C.REVIEW_EMERGENCY_ACCESS, C.UPLOAD_DOCUMENTS,
            C.RECORD_CONSENTS, C.PUBLISH_CONSENT_TEXTS, C.EXPORT_RECORDS, C.MERGE_PATIENTS, C.ARCHIVE_PATIENTS,
            C.IMPORT_PATIENTS, C.HANDLE_DATA_REQUESTS, C.MANAGE_BREACHES, C.CHECK_INTEGRITY,
            C.VIEW_SCHEDULES, C.APPROVE_SESSIONS, C.BOOK_APPOINTMENTS, C.APPROVE_APPOINTMENTS, C.CHECK_IN, C.VIEW_QUEUE,
            C.VIEW_FLOW, C.MANAGE_SCHEDULING, C.VIEW_NOTES, C.VIEW_PRESCRIPTIONS, C.VIEW_BILLS, C.TAKE_PAYMENTS, C.REFUND_PAYMENTS,
            C.VIEW_ALL_CONSULTATIONS,
            C.VIEW_REPORTS, C.READ_SUPPORT, C.VIEW_AUDIT, C.USE_BACK_OFFICE,
        }
    ),
    Role.DOCTOR: frozenset(
        {
            C.USE_STAFF_SITE, C.SEARCH_OWN_PATIENTS, C.VIEW_CHART, C.RECORD_ALLERGIES, C.VIEW_SCHEDULES, C.PROPOSE_SESSIONS,
            C.VIEW_QUEUE, C.RECORD_VITALS, C.WRITE_NOTES, C.VIEW_NOTES, C.VIEW_PRESCRIPTIONS, C.USE_EMERGENCY_ACCESS,
            C.RECORD_HISTORY, C.UPLOAD_DOCUMENTS, C.RECORD_CONSENTS, C.EXPORT_RECORDS, C.VIEW_FLOW,
        }
    ),
    Role.NURSE: frozenset(
        {
            C.USE_STAFF_SITE, C.SEARCH_OWN_PATIENTS, C.VIEW_CHART, C.RECORD_ALLERGIES, C.VIEW_SCHEDULES, C.VIEW_QUEUE,
            C.RECORD_VITALS, C.VIEW_NOTES, C.VIEW_PRESCRIPTIONS, C.USE_EMERGENCY_ACCESS, C.RECORD_HISTORY,
            C.UPLOAD_DOCUMENTS, C.RECORD_CONSENTS, C.VIEW_FLOW,
        }
    ),
    Role.RECEPTIONIST: frozenset(
        {
            C.USE_STAFF_SITE, C.SEARCH_PATIENTS, C.REGISTER_PATIENTS, C.RECORD_ALLERGIES, C.VIEW_SCHEDULES,
            C.BOOK_APPOINTMENTS, C.CHECK_IN, C.VIEW_QUEUE, C.UPLOAD_DOCUMENTS, C.RECORD_CONSENTS, C.VIEW_FLOW,
        }
    ),
    Role.CASHIER: frozenset({C.USE_STAFF_SITE, C.SEARCH_PATIENTS, C.VIEW_BILLS, C.TAKE_PAYMENTS, C.REFUND_PAYMENTS, C.VIEW_FLOW}),
    Role.PHARMACIST: frozenset(
        {
            C.USE_STAFF_SITE, C.SEARCH_OWN_PATIENTS, C.VIEW_PRESCRIPTIONS, C.PRICE_PRESCRIPTIONS, C.DISPENSE, C.MANAGE_STOCK,
            C.UPLOAD_DOCUMENTS, C.VIEW_FLOW,
        }
    ),
    Role.LAB_OFFICER: frozenset(
        {C.USE_STAFF_SITE, C.SEARCH_OWN_PATIENTS, C.UPLOAD_DOCUMENTS, C.VIEW_FLOW, C.SERVE_LABORATORY}
    ),
    Role.RADIOGRAPHER: frozenset(
        {C.USE_STAFF_SITE, C.SEARCH_OWN_PATIENTS, C.UPLOAD_DOCUMENTS, C.VIEW_FLOW, C.SERVE_RADIOLOGY}
    ),
    Role.OWNER: frozenset(
        {
            C.USE_STAFF_SITE, C.DECIDE_FACTOR_RESETS, C.VIEW_SCHEDULES, C.VIEW_REPORTS, C.VIEW_AUDIT,
            C.REVIEW_EMERGENCY_ACCESS, C.MANAGE_BREACHES, C.VIEW_FLOW,
        }
    ),
    Role.PATIENT: frozenset({C.USE_PORTAL}),
}  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """An answer with its reason; false answers say why in one sentence."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def has_capability(user: Any, capability: Capability) -> bool:
    """True when the user is signed in, active, free to work (own password set), and one of their roles has it.

    Being a superuser gives nothing here.
    """
    return holds(user, capability)
