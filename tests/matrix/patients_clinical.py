"""Who may read and write the clinical basics."""

from patients.models import Section
from patients.services import clinical_states, history
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.matrix import Row


def patient(cast):
    made = cast.made.get("basics") or PatientFactory(care_team=[cast.doctor, "nurse"])
    cast.made["basics"] = made
    return {"pk": made.pk}


def chronic(cast):
    return {**patient(cast), "section": "chronic"}


def entry(cast):
    made = history.record_entry(
        patient_id=patient(cast)["pk"], actor=cast.nurse, section=Section.CHRONIC, what="hypertension"
    )
    return {"pk": made.pk}


def asked(cast):
    history.record_none(patient_id=patient(cast)["pk"], actor=cast.nurse, section=Section.CHRONIC)
    return chronic(cast)


def pregnancy(cast):
    made = clinical_states.record_pregnancy(patient_id=patient(cast)["pk"], actor=cast.nurse, state="pregnant")
    return {"pk": made.pk}


def blood(cast):
    made = clinical_states.record_blood_type(
        patient_id=patient(cast)["pk"], actor=cast.nurse, blood_type="O", source="told"
    )
    return {"pk": made.pk}


def allergy(cast):
    made = AllergyFactory(patient=PatientFactory(care_team=[cast.doctor, "nurse"]), recorded_by=cast.nurse)
    return {"pk": made.pk}


def allergic(cast):
    return {"pk": AllergyFactory(patient=PatientFactory(care_team=[cast.doctor]), recorded_by=cast.nurse).patient_id}


REASON = {"reason": "Salah pasien"}
NEW_ALLERGY = {"substance": "shrimp", "category": "food", "reason": "Salah zat"}

ROWS = [
    Row("patients:basics", patient, holder="admin", colleague="receptionist"),
    Row("patients:basics", patient, holder="nurse", outsider="other_doctor"),
    Row("patients:basics-summary", patient, holder="doctor", colleague="pharmacist", outsider="other_doctor"),
    Row(
        "patients:basics-entry-add", chronic, method="POST", holder="nurse", colleague="admin", outsider="other_doctor",
        data=lambda cast: {"what": "asthma", "onset_year": "2010"},
    ),
    Row(
        "patients:basics-section-deny", chronic, method="POST", holder="doctor", colleague="admin",
        outsider="other_doctor",
    ),
    Row("patients:basics-section-confirm", asked, method="POST", holder="nurse", colleague="admin", outsider="other_doctor"),
    Row("patients:basics-entry-end", entry, method="POST", holder="nurse", colleague="admin", outsider="other_doctor"),
    Row(
        "patients:basics-entry-mark-wrong", entry, method="POST", holder="doctor", colleague="admin",
        outsider="other_doctor", data=lambda cast: REASON,
    ),
    Row("patients:basics-entry-edit", entry, holder="nurse", colleague="admin", outsider="other_doctor"),
    Row(
        "patients:basics-entry-edit", entry, method="POST", holder="nurse", colleague="admin", outsider="other_doctor",
        data=lambda cast: {"what": "asthma", **REASON},
    ),
    Row(
        "patients:pregnancy-record", patient, method="POST", holder="nurse", colleague="admin", outsider="other_doctor",
        data=lambda cast: {"state": "pregnant", "last_period_on": "2026-01-01", "gravida": "2", "para": "1"},
    ),
    Row(
        "patients:pregnancy-mark-wrong", pregnancy, method="POST", holder="doctor", colleague="pharmacist",
        outsider="other_doctor", data=lambda cast: REASON,
    ),
    Row(
        "patients:blood-type-record", patient, method="POST", holder="nurse", colleague="admin", outsider="other_doctor",
        data=lambda cast: {"blood_type": "A", "rhesus": "+", "source": "lab"},
    ),
    Row(
        "patients:blood-type-mark-wrong", blood, method="POST", holder="doctor", colleague="admin",
        outsider="other_doctor", data=lambda cast: REASON,
    ),
    Row(
        "patients:allergies-confirm", allergic, method="POST", holder="receptionist", colleague="cashier",
        outsider="other_doctor",
    ),
    Row("patients:allergy-confirm", allergy, method="POST", holder="doctor", colleague="nurse", outsider="other_doctor"),
    Row("patients:allergy-edit", allergy, holder="nurse", colleague="cashier", outsider="other_doctor"),
    Row(
        "patients:allergy-edit", allergy, method="POST", holder="doctor", colleague="cashier", outsider="other_doctor",
        data=lambda cast: NEW_ALLERGY,
    ),
    Row("patients:portal-health", holder="patient_user", outsider="doctor"),
]  # fmt: skip
