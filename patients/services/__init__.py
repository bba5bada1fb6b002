"""Every write about patients: identity, allergies, care team, portal registrations. Import from here."""

from patients.services.allergies import mark_allergy_in_error, record_allergy, record_no_allergies
from patients.services.care import add_to_care_team, end_care, record_chart_read, reveal_nik
from patients.services.duplicates import find_duplicates
from patients.services.guardians import (
    add_link,
    announce_endings,
    end_due_links,
    end_link,
    prove_link,
    reject_link,
    request_link,
)
from patients.services.identity import (
    AllergyAnswer,
    complete_profile,
    register_at_desk,
    register_patient,
    update_patient,
)
from patients.services.mail import mail_patient, notify_patient
from patients.services.reading import (
    is_search_recorded,
    record_part_read,
    record_print,
    record_search,
    record_typed_search,
)
from patients.services.registrations import activate_registration, reject_registration, submit_registration

__all__ = [
    "AllergyAnswer",
    "activate_registration",
    "add_link",
    "add_to_care_team",
    "announce_endings",
    "complete_profile",
    "end_care",
    "end_due_links",
    "end_link",
    "find_duplicates",
    "is_search_recorded",
    "mail_patient",
    "mark_allergy_in_error",
    "notify_patient",
    "prove_link",
    "record_allergy",
    "record_chart_read",
    "record_no_allergies",
    "record_part_read",
    "record_print",
    "record_search",
    "record_typed_search",
    "register_at_desk",
    "register_patient",
    "reject_link",
    "reject_registration",
    "request_link",
    "reveal_nik",
    "submit_registration",
    "update_patient",
]
