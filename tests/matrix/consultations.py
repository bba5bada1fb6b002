"""Rows of the consultations app."""

from tests.factories.consultations import VitalsFactory
from tests.factories.scheduling import VisitFactory
from tests.matrix import Row


def visit(cast):
    return {"pk": VisitFactory(doctor=cast.doctor).pk}


def vitals(cast):
    return {"pk": VitalsFactory(visit__doctor=cast.doctor, recorded_by=cast.nurse).pk}


ROWS = [
    Row("consultations:vitals-list", holder="nurse", colleague="cashier"),
    Row("consultations:vitals-panel", holder="nurse", colleague="receptionist"),
    Row("consultations:vitals-record", visit, holder="nurse", colleague="pharmacist"),
    Row(
        "consultations:vitals-record",
        visit,
        method="POST",
        holder="nurse",
        colleague="admin",
        data=lambda cast: {"temperature_c": "36,6"},
    ),
    Row("consultations:vitals-mark-error", vitals, holder="nurse", colleague="cashier"),
    Row(
        "consultations:vitals-mark-error",
        vitals,
        method="POST",
        holder="nurse",
        colleague="admin",
        data=lambda cast: {"reason": "Manset salah"},
    ),
    Row("consultations:code-search", holder="doctor", colleague="nurse"),
]
