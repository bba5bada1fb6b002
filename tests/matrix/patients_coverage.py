"""Who may open the pages about insurance policies."""

from tests.factories.coverage import InsurerFactory, PolicyFactory
from tests.factories.patients import PatientFactory
from tests.matrix import Row


def patient(cast):
    made = cast.made.get("insured") or PatientFactory(care_team=[cast.doctor])
    cast.made["insured"] = made
    return {"pk": made.pk}


def policy(cast):
    made = cast.made.get("policy") or PolicyFactory(patient=PatientFactory(care_team=[cast.doctor]))
    cast.made["policy"] = made
    return {"pk": made.pk}


def card(cast):
    return {"insurer": str(InsurerFactory().pk), "number": "ASB-1", "holder": "self"}


def corrected(cast):
    return {"number": "ASB-2", "holder": "parent", "holder_name": "Budi", "valid_until": "2026-12-31", "version": "1"}


def reason(cast):
    return {"reason": "Pindah kerja"}


ROWS = [
    Row("patients:coverages", build=patient, holder="receptionist", colleague="doctor"),
    Row("patients:coverage-add", build=patient, holder="admin", colleague="nurse"),
    Row("patients:coverage-add", method="POST", build=patient, holder="receptionist", colleague="cashier", data=card),
    Row("patients:coverage-edit", build=policy, holder="receptionist", colleague="doctor"),
    Row("patients:coverage-edit", method="POST", build=policy, holder="receptionist", colleague="cashier", data=corrected),
    Row("patients:coverage-card", build=policy, holder="receptionist", colleague="doctor", expect=(404,),
        note="no card yet; with one in test_coverage"),
    Row("patients:coverage-put-first", method="POST", build=policy, holder="receptionist", colleague="doctor"),
    Row("patients:coverage-end", build=policy, holder="receptionist", colleague="pharmacist"),
    Row("patients:coverage-end", method="POST", build=policy, holder="receptionist", colleague="doctor", data=reason),
    Row("patients:coverage-mark-wrong", build=policy, holder="admin", colleague="doctor"),
    Row(
        "patients:coverage-mark-wrong", method="POST", build=policy, holder="receptionist", colleague="cashier", data=reason
    ),
    Row("patients:portal-coverages", holder="patient_user", outsider="doctor"),
]  # fmt: skip
