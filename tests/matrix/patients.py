"""Who may open the patient pages."""

from datetime import date

from patients.emergency import ticket_for
from patients.services import emergency
from tests.factories.accounts import PatientUserFactory
from tests.factories.patients import (
    AllergyFactory,
    GuardianLinkFactory,
    GuardianRequestFactory,
    PatientFactory,
    RegistrationFactory,
)
from tests.matrix import Row


def patient(cast):
    made = cast.made.get("patient") or PatientFactory(care_team=[cast.doctor, "nurse"], nik="2171015705900001")
    cast.made["patient"] = made
    return {"pk": made.pk}


def allergy(cast):
    made = AllergyFactory(patient=PatientFactory(care_team=[cast.doctor]), recorded_by=cast.nurse)
    return {"pk": made.pk}


def emergency_ticket(cast):
    return {"ticket": ticket_for(cast.doctor, PatientFactory())}


def running_emergency(cast):
    access = emergency.start_emergency_access(
        patient_id=PatientFactory().pk, actor=cast.doctor, reason_code="unconscious", reason_text="Pasien tidak sadar"
    )
    return {"pk": access.pk}


def finished_emergency(cast):
    made = running_emergency(cast)
    emergency.end_emergency_access(access_id=made["pk"], actor=cast.doctor)
    return made


def registration(cast):
    return {"pk": RegistrationFactory().pk}


def account_without_record(cast):
    made = cast.made.get("account") or PatientUserFactory(username="tanpa.rekam")
    cast.made["account"] = made
    return {"pk": made.pk}


def new_patient(cast):
    return {
        "full_name": "Budi Santoso",
        "birth_date": "1988-02-03",
        "sex": "male",
        "nik_missing": "not_shown",
        "guarantor": "self",
        "language": "id",
    }


def edited_patient(cast):
    return {
        "full_name": "Siti Rahma",
        "birth_date": "1990-05-17",
        "sex": "female",
        "guarantor": "self",
        "language": "id",
        "version": "1",
    }


def sign_up(cast):
    return {
        "full_name": "Rudi Hartono", "birth_date": "1991-01-02", "sex": "male", "phone": "081298765432",
        "email": "rudi@surat.example", "password": "Kalimat-panjang-2026", "consent": "on",
    }  # fmt: skip


def own_profile(cast):
    return {
        "version": "1",
        "phone": "081234567890",
        "address_line": "Jl. Merdeka 1",
        "guarantor": "self",
        "birth_date": "1990-05-17",
    }


def child(cast):
    made = cast.made.get("child") or PatientFactory(birth_date=date(2018, 6, 2), care_team=[cast.doctor])
    cast.made["child"] = made
    return {"pk": made.pk}


def guardian(cast):
    record = cast.patient_user.patient
    return {"guardian": str(record.pk), "relationship": "PRN", "proof": "family_card"}


def guardian_request(cast):
    return {"pk": GuardianRequestFactory(guardian=cast.patient_user).pk}


def proof(cast):
    return {"dependant": str(child(cast)["pk"]), "relationship": "PRN", "proof": "family_card"}


def guardian_link(cast):
    assert cast.patient_user.patient.pk
    return {"pk": GuardianLinkFactory(guardian=cast.patient_user).pk}


ROWS = [
    Row("patients:search", holder="doctor", colleague="owner"),
    Row("patients:search", method="POST", holder="cashier", colleague="owner", data=lambda cast: {"q": "siti"}),
    Row("patients:register", holder="receptionist", colleague="doctor"),
    Row("patients:register", method="POST", holder="receptionist", colleague="nurse", data=new_patient),
    Row("patients:register-start", method="POST", holder="receptionist", colleague="nurse", data=lambda cast: {"q": "budi"}),
    Row("patients:duplicates-panel", method="POST", holder="receptionist", colleague="nurse", data=new_patient),
    Row("patients:detail", build=patient, holder="doctor", colleague="owner"),
    Row("patients:detail", build=patient, holder="nurse", outsider="other_doctor"),
    Row("patients:registered", build=patient, holder="receptionist", colleague="doctor"),
    Row("patients:nik-reveal", method="POST", build=patient, holder="admin", colleague="doctor"),
    Row("patients:edit", build=patient, holder="receptionist", colleague="cashier"),
    Row("patients:edit", method="POST", build=patient, holder="admin", colleague="doctor", data=edited_patient),
    Row("patients:allergies", build=patient, holder="doctor", colleague="owner", outsider="other_doctor"),
    Row(
        "patients:allergy-add", method="POST", build=patient, holder="doctor", colleague="cashier", outsider="other_doctor",
        data=lambda cast: {"substance": "Kacang", "category": "food"},
    ),
    Row(
        "patients:allergies-deny", method="POST", build=patient, holder="nurse", colleague="admin", outsider="other_doctor"
    ),
    Row(
        "patients:allergy-mark-wrong", method="POST", build=allergy, holder="doctor", colleague="cashier",
        outsider="other_doctor", data=lambda cast: {"reason": "Salah pasien"},
    ),
    Row("patients:emergency-find", holder="doctor", colleague="admin"),
    Row("patients:emergency-find", method="POST", holder="nurse", colleague="owner", data=lambda cast: {"number": "000001"}),
    Row("patients:emergency-start", build=emergency_ticket, holder="doctor", colleague="receptionist"),
    Row(
        "patients:emergency-start", method="POST", build=emergency_ticket, holder="doctor", colleague="pharmacist",
        data=lambda cast: {"reason_code": "unconscious", "reason_text": "Pasien tidak sadar"},
    ),
    Row("patients:emergency-end", method="POST", build=running_emergency, holder="doctor", colleague="admin", outsider="nurse"),
    Row("patients:emergency-list", holder="owner", colleague="doctor"),
    Row("patients:emergency-detail", build=finished_emergency, holder="owner", colleague="doctor"),
    Row(
        "patients:emergency-review", method="POST", build=finished_emergency, holder="admin", colleague="nurse",
        data=lambda cast: {"outcome": "justified"},
    ),
    Row("patients:registration-list", holder="admin", colleague="receptionist"),
    Row("patients:registration-panel", holder="admin", colleague="receptionist"),
    Row("patients:registration-detail", build=registration, holder="admin", colleague="receptionist"),
    Row("patients:registration-activate", method="POST", build=registration, holder="admin", colleague="receptionist"),
    Row(
        "patients:registration-reject", method="POST", build=registration, holder="admin", colleague="owner",
        data=lambda cast: {"reason": "Data tidak cocok"},
    ),
    Row("patients:guardians", build=child, holder="receptionist", colleague="doctor"),
    Row("patients:guardian-add", build=child, holder="receptionist", colleague="cashier"),
    Row("patients:guardian-add", method="POST", build=child, holder="receptionist", colleague="nurse", data=guardian),
    Row("patients:guardian-request-list", holder="receptionist", colleague="cashier"),
    Row("patients:guardian-request-panel", holder="admin", colleague="nurse"),
    Row("patients:guardian-request", build=guardian_request, holder="receptionist", colleague="doctor"),
    Row(
        "patients:guardian-request", method="POST", build=guardian_request, holder="receptionist", colleague="owner",
        data=proof,
    ),
    Row(
        "patients:guardian-request-reject", method="POST", build=guardian_request, holder="receptionist", colleague="nurse",
        data=lambda cast: {"reason": "KK tidak cocok"},
    ),
    Row("patients:guardian-link-end", build=guardian_link, holder="receptionist", colleague="cashier"),
    Row(
        "patients:guardian-link-end", method="POST", build=guardian_link, holder="admin", colleague="doctor",
        data=lambda cast: {"reason": "KK baru"},
    ),
    Row("patients:portal-family", holder="patient_user", outsider="doctor"),
    Row("patients:portal-family-ask", holder="patient_user", outsider="receptionist"),
    Row(
        "patients:portal-family-ask", method="POST", holder="patient_user", outsider="admin",
        data=lambda cast: {"full_name": "Budi Kecil", "birth_date": "2018-06-02", "relationship": "PRN"},
    ),
    Row("patients:portal-family-end", method="POST", build=guardian_link, holder="patient_user", outsider="other_patient"),
    Row(
        "patients:portal-person", method="POST", holder="patient_user", outsider="nurse",
        data=lambda cast: {"person": str(cast.patient_user.patient.pk)},
    ),
    Row("patients:missing-record-list", holder="admin", colleague="receptionist"),
    Row("patients:missing-record", build=account_without_record, holder="admin", colleague="owner"),
    Row(
        "patients:missing-record", method="POST", build=account_without_record, holder="admin", colleague="receptionist",
        data=new_patient,
    ),
    Row(
        "patients:missing-record-rebuild", method="POST", build=account_without_record, holder="admin",
        colleague="receptionist",
    ),
    Row("patients:portal-email-adopt", method="POST", holder="patient_user", outsider="doctor"),
    Row("patients:portal-sign-up", public=True),
    Row("patients:portal-sign-up", method="POST", public=True, data=sign_up),
    Row("patients:portal-sign-up-done", public=True),
    Row("patients:portal-profile", holder="patient_user", outsider="doctor"),
    Row("patients:portal-profile", method="POST", holder="patient_user", outsider="admin", data=own_profile),
]  # fmt: skip
