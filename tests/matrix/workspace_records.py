"""Who may have a record as PDF."""

from tests.matrix import Row
from tests.matrix.workspace import cared_for

ROWS = [
    Row("workspace:patient-record", cared_for, holder="doctor", colleague="nurse"),
    Row("workspace:patient-record", cared_for, holder="doctor", outsider="other_doctor", colleague="receptionist"),
    Row("workspace:patient-record", cared_for, "POST", holder="admin", colleague="cashier",
        data=lambda cast: {"purpose": "patient", "parts": ["visits"]}),
    Row("workspace:portal-record", holder="patient", outsider="receptionist"),
    Row("workspace:portal-record", method="POST", holder="patient", outsider="receptionist",
        data=lambda cast: {"person": cast.patient_user.patient.pk, "parts": ["visits"]}),
]  # fmt: skip
