"""Who may archive and delete patients."""

from tests.factories.patients import PatientFactory
from tests.matrix import Row
from tests.matrix.patients import patient


def fresh(cast):
    cast.made["fresh"] = PatientFactory()
    return {"pk": cast.made["fresh"].pk}


def archived(cast):
    return {"pk": PatientFactory(status="archived").pk}


ROWS = [
    Row("patients:archive-page", patient, holder="admin", colleague="receptionist"),
    Row("patients:archive", fresh, "POST", holder="admin", colleague="receptionist",
        data=lambda cast: {"reason": "Pindah"}),
    Row("patients:unarchive", archived, "POST", holder="admin", colleague="doctor",
        data=lambda cast: {"reason": "Kembali"}),
    Row("patients:delete", fresh, "POST", holder="admin", colleague="receptionist",
        data=lambda cast: {"reason": "Salah", "record_number": cast.made["fresh"].record_number}),
]  # fmt: skip
