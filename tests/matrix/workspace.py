"""Rows of the workspace app, the cashier's apart."""

from scheduling.models import Visit
from tests.factories.consultations import DiagnosisCodeFactory, NoteFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import VisitFactory
from tests.matrix import Row

IN_CONSULTATION = Visit.Status.IN_CONSULTATION


def waiting(cast):
    patient = PatientFactory(care_team=[cast.doctor])
    return {"pk": VisitFactory(doctor=cast.doctor, patient=patient).pk}


def consulting(cast):
    patient = PatientFactory(care_team=[cast.doctor])
    cast.made["visit"] = visit = VisitFactory(doctor=cast.doctor, patient=patient, status=IN_CONSULTATION)
    return {"pk": visit.pk}


def drafted(cast):
    kwargs = consulting(cast)
    NoteFactory(visit=cast.made["visit"])
    return kwargs


def cared_for(cast):
    return {"pk": PatientFactory(care_team=[cast.doctor]).pk}


def own(cast):
    return {"pk": VisitFactory(patient=cast.patient_user.patient, doctor=cast.doctor).pk}


def note(cast):
    return {"version": 0, "subjective": "Batuk", "consultation_fee": "100.000"}


def whole_note(cast):
    return {**note(cast), "diagnosis": DiagnosisCodeFactory().code}


ROWS = [
    Row("workspace:consultation-list", holder="doctor", colleague="nurse"),
    Row("workspace:consultation-panel", holder="doctor", colleague="admin"),
    Row("workspace:consultation-start", waiting, method="POST", holder="doctor", colleague="nurse"),
    Row("workspace:consultation-start", waiting, method="POST", holder="doctor", outsider="other_doctor"),
    Row("workspace:consultation", consulting, holder="doctor", colleague="admin"),
    Row("workspace:consultation", consulting, holder="doctor", colleague="nurse", outsider="other_doctor"),
    Row("workspace:consultation-save", consulting, method="POST", holder="doctor", colleague="nurse", data=note),
    Row("workspace:consultation-review", drafted, holder="doctor", colleague="nurse"),
    Row(
        "workspace:consultation-review",
        consulting,
        method="POST",
        holder="doctor",
        colleague="nurse",
        outsider="other_doctor",
        data=whole_note,
    ),
    Row(
        "workspace:consultation-finish", consulting, method="POST", holder="doctor", colleague="nurse", data=whole_note
    ),
    Row("workspace:visit-detail", waiting, holder="doctor", colleague="cashier", outsider="other_doctor"),
    Row("workspace:patient-chart", cared_for, holder="doctor", colleague="receptionist", outsider="other_doctor"),
    Row("workspace:history-panel", cared_for, holder="doctor", colleague="cashier", outsider="other_doctor"),
    Row("workspace:consultation-all", holder="admin", colleague="doctor"),
    Row("workspace:portal-home", holder="patient", outsider="doctor"),
    Row("workspace:portal-home-panel", holder="patient", outsider="admin"),
    Row("workspace:portal-visits", holder="patient", outsider="nurse"),
    Row("workspace:portal-visit", own, holder="patient", outsider="other_patient"),
    Row("workspace:portal-visit-panel", own, holder="patient", outsider="other_patient"),
    Row("workspace:portal-visit-confirm", own, method="POST", holder="patient", outsider="other_patient"),
    Row("workspace:portal-visit-without-medicine", own, method="POST", holder="patient", outsider="other_patient"),
]
