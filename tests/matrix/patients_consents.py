"""Who may open the pages about consents."""

from uuid import uuid4

from tests.factories.consents import choice_form, general_form, give_choice, give_general
from tests.factories.patients import PatientFactory
from tests.matrix import Row

BODY = "Kalimat yang cukup panjang untuk sebuah teks persetujuan di klinik."


def patient(cast):
    made = cast.made.get("asked") or PatientFactory(care_team=[cast.doctor, "nurse"])
    cast.made["asked"] = made
    return {"pk": made.pk}


def purpose(cast):
    return {**patient(cast), "kind": "messages"}


def consent(cast):
    made = cast.made.get("consent")
    if made is None:
        made = give_general(PatientFactory(care_team=[cast.doctor]), cast.receptionist)
        cast.made["consent"] = made
    return {"pk": made.pk}


def own_consent(cast):
    made = cast.made.get("own") or give_choice(cast.patient_user.patient, cast.receptionist, "messages")
    cast.made["own"] = made
    return {"pk": made.pk}


def kind(cast):
    return {"kind": "messages"}


def general_data(cast):
    filled = general_form(cast.made["asked"])
    spare = (
        "language",
        "relative-MIN_NUM_FORMS",
        "relative-MAX_NUM_FORMS",
        "relative-1-name",
        "relative-1-relation_code",
    )
    return {name: value for name, value in filled.items() if name not in (*spare, "relative-1-contact")}


def choice_data(cast):
    return choice_form(cast.made["asked"], "messages")


def portal_data(cast):
    filled = choice_form(cast.patient_user.patient, "messages", decision="no")
    return {name: filled[name] for name in ("key", "seen", "versions", "decision")}


def withdrawal(cast):
    return {"key": str(uuid4()), "signer_relation": "1", "reason": "Berubah pikiran"}


def new_text(cast):
    return {
        "base_version": "1", "title_id": "Pesan", "body_id": BODY, "title_en": "Messages", "body_en": BODY, "publish": "1",
    }  # fmt: skip


ROWS = [
    Row("patients:consents", build=patient, holder="receptionist", colleague="cashier"),
    Row("patients:consents", build=patient, holder="doctor", colleague="pharmacist", outsider="other_doctor"),
    Row("patients:consent-general", build=patient, holder="receptionist", colleague="cashier"),
    Row(
        "patients:consent-general", method="POST", build=patient, holder="nurse", colleague="owner", outsider="other_doctor",
        data=general_data,
    ),
    Row("patients:consent-choice", build=purpose, holder="receptionist", colleague="cashier"),
    Row("patients:consent-choice", method="POST", build=purpose, holder="doctor", colleague="cashier", data=choice_data),
    Row("patients:consent-form-pdf", build=patient, holder="receptionist", colleague="pharmacist"),
    Row("patients:consent-detail", build=consent, holder="doctor", colleague="cashier", outsider="other_doctor"),
    Row("patients:consent-pdf", build=consent, holder="receptionist", colleague="cashier", outsider="other_doctor"),
    Row("patients:consent-withdraw", build=consent, holder="receptionist", colleague="cashier", outsider="other_doctor"),
    Row(
        "patients:consent-withdraw", method="POST", build=consent, holder="admin", colleague="owner", outsider="other_doctor",
        data=withdrawal,
    ),
    Row("patients:consent-missing-list", holder="receptionist", colleague="cashier"),
    Row("patients:consent-text-list", holder="receptionist", colleague="cashier"),
    Row("patients:consent-text-detail", build=kind, holder="nurse", colleague="owner"),
    Row("patients:consent-text-publish", build=kind, holder="admin", colleague="receptionist"),
    Row("patients:consent-text-publish", method="POST", build=kind, holder="admin", colleague="doctor", data=new_text),
    Row("patients:portal-consents", holder="patient_user", outsider="doctor"),
    Row("patients:portal-consent-choice", build=kind, holder="patient_user", outsider="receptionist"),
    Row(
        "patients:portal-consent-choice", method="POST", build=kind, holder="patient_user", outsider="admin",
        data=portal_data,
    ),
    Row("patients:portal-consent-detail", build=own_consent, holder="patient_user", outsider="other_patient"),
    Row("patients:portal-consent-pdf", build=own_consent, holder="patient_user", outsider="other_patient"),
    Row("patients:portal-consent-withdraw", build=own_consent, holder="patient_user", outsider="other_patient"),
    Row(
        "patients:portal-consent-withdraw", method="POST", build=own_consent, holder="patient_user", outsider="other_patient",
        data=lambda cast: {"key": str(uuid4())},
    ),
]  # fmt: skip
