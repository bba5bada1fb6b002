"""Who brings lists of patients in and out."""

from django.core.files.uploadedfile import SimpleUploadedFile

from jobs import runner
from patients.services import imports
from tests.matrix import Row

LIST = b"no_rkm_medis,nm_pasien,tgl_lahir,no_ktp\n000077,Siti Aminah,1985-03-12,2171015203850001\n12,Budi,1985-02-30,\n"


class Again(SimpleUploadedFile):
    """A file that can be sent more than once."""

    def read(self, *args):
        self.seek(0)
        return super().read(*args)


def uploaded(cast):
    return {"pk": imports.upload(data=LIST, name="pasien.csv", actor=cast.admin).pk}


def checked(cast):
    pk = uploaded(cast)["pk"]
    mapping = {0: "old_record", 1: "full_name", 2: "birth_date", 3: "nik"}
    source = imports.set_mapping(import_id=pk, actor=cast.admin, mapping=mapping, has_heading=True)
    runner.run_to_end(source.check_job_id)
    return {"pk": pk}


def file(cast):
    return {"file": Again("pasien.csv", LIST)}


def columns(cast):
    chosen = {"column_0": "-", "column_1": "full_name", "column_2": "birth_date", "column_3": "-"}
    return {"has_heading": "on", "on_value": "reject", **chosen}


def decisions(cast):
    return {
        "on_nik": "skip",
        "on_bpjs": "skip",
        "on_old_number": "skip",
        "on_person": "skip",
        "numbers": "new",
        "reason": "",
    }


def wanted(cast):
    return {"columns": ["full_name", "phone"], "status": "", "guarantor": "", "registered_from": "", "registered_until": "",
            "ending": "csv", "reason": "report"}  # fmt: skip


ROWS = [
    Row("patients:import-list", holder="admin", colleague="receptionist"),
    Row("patients:import-upload", method="POST", holder="admin", colleague="doctor", data=file),
    Row("patients:import-template", holder="admin", colleague="cashier"),
    Row("patients:import-detail", checked, holder="admin", colleague="owner"),
    Row("patients:import-mapping", uploaded, holder="admin", colleague="receptionist"),
    Row("patients:import-mapping", uploaded, "POST", holder="admin", colleague="nurse", data=columns),
    Row("patients:import-problems", checked, holder="admin", colleague="receptionist"),
    Row("patients:import-start", checked, "POST", holder="admin", colleague="receptionist", data=decisions),
    Row("patients:import-cancel", uploaded, "POST", holder="admin", colleague="owner"),
    Row("patients:export", holder="admin", colleague="receptionist"),
    Row("patients:export", method="POST", holder="admin", colleague="doctor", data=wanted),
]
