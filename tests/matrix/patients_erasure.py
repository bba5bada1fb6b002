"""Who may erase personal data, and who may print what was erased."""

from core import clock
from patients.models import Erasure
from tests.factories.patients import PatientFactory
from tests.matrix import Row


def patient(cast):
    made = cast.made.get("erased") or PatientFactory(full_name="Rahmat Hidayat", email="rahmat@surat.example")
    cast.made["erased"] = made
    return {"pk": made.pk}


def done(cast):
    made = PatientFactory()
    row = Erasure.objects.create(
        number=f"HPS-2026-{Erasure.objects.count() + 1:04d}", patient=made, record_number=made.record_number,
        removed=[{"code": "photo", "count": 1}], kept=[], erased_at=clock.now(), erased_by=cast.admin,
    )  # fmt: skip
    return {"pk": row.pk}


def typed(cast):
    return {"record_number": cast.made["erased"].record_number, "reason": "Diminta lewat surat"}


ROWS = [
    Row("patients:erasure", patient, holder="admin", colleague="receptionist"),
    Row("patients:erasure-confirm", patient, "POST", holder="admin", colleague="owner"),
    Row("patients:erasure-execute", patient, "POST", holder="admin", colleague="doctor", data=typed),
    Row("patients:hold", patient, "POST", holder="admin", colleague="owner", data=lambda cast: {"held": "1"}),
    Row("patients:erasure-certificate", done, holder="admin", colleague="receptionist"),
]
