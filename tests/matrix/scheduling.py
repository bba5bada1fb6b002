from datetime import time, timedelta
from uuid import uuid4

from core import clock
from scheduling.models import Appointment, PracticeSession, Visit
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, VisitFactory, session_at
from tests.matrix import Row

DAY = timedelta(days=1)


def session(status, *, days=1):
    def build(cast):
        return {"pk": SessionFactory(doctor=cast.doctor, status=status, practice_on=clock.today() + DAY * days).pk}

    return build


def appointment(status, *, today=False):
    def build(cast):
        day = clock.today() if today else clock.today() + DAY
        slot = session_at(day, 0 if today == "past" else 9, doctor=cast.doctor).slots.first()
        return {"pk": AppointmentFactory(slot=slot, patient=cast.patient_user.patient, status=status).pk}

    return build


def patient(cast):
    return {"pk": cast.patient_user.patient.pk}


def visit(cast):
    return {"pk": VisitFactory(patient=cast.patient_user.patient, doctor=cast.doctor, status=Visit.Status.WAITING).pk}


def free_slot(cast):
    cast.made["slot"] = SessionFactory(doctor=cast.doctor).slots.first()
    return {}


def bookable_patient(cast):
    free_slot(cast)
    return patient(cast)


def walk_in_patient(cast):
    cast.made["service"] = ServiceFactory()
    return patient(cast)


def slot_data(cast):
    return {"slot": str(cast.made["slot"].pk), "complaint": "Batuk", "idempotency_key": str(uuid4())}


def walk_in_data(cast):
    return {"choice": f"{cast.doctor.pk}:{cast.made['service'].pk}", "complaint": "Demam"}


def service(cast):
    cast.made["service"] = ServiceFactory()
    return {}


def proposal(cast):
    return {
        "service": str(cast.made["service"].pk), "practice_on": (clock.today() + DAY).isoformat(),
        "start_time": f"{time(8):%H:%M}", "slot_minutes": "30", "gap_minutes": "0", "slot_count": "4",
    }  # fmt: skip


def reason(cast):
    return {"reason": "Dokter berhalangan"}


Status, Session = Appointment.Status, PracticeSession.Status

ROWS = [
    Row("scheduling:session-list", holder="owner", colleague="cashier"),
    Row("scheduling:session-propose", build=service, holder="doctor", colleague="admin"),
    Row("scheduling:session-propose", build=service, method="POST", holder="doctor", colleague="admin", data=proposal),
    Row(
        "scheduling:session-preview-panel",
        build=service,
        method="POST",
        holder="doctor",
        colleague="admin",
        data=proposal,
    ),
    Row("scheduling:session-detail", build=session(Session.APPROVED), holder="doctor", colleague="pharmacist"),
    Row("scheduling:session-approve", build=session(Session.PENDING), method="POST", colleague="doctor"),
    Row("scheduling:session-reject", build=session(Session.PENDING), colleague="doctor"),
    Row("scheduling:session-reject", build=session(Session.PENDING), method="POST", colleague="doctor", data=reason),
    Row(
        "scheduling:session-request-completion",
        build=session(Session.APPROVED, days=-1),
        method="POST",
        holder="doctor",
        colleague="admin",
    ),
    Row(
        "scheduling:session-confirm-completion",
        build=session(Session.COMPLETION_REQUESTED, days=-1),
        method="POST",
        colleague="doctor",
    ),
    Row("scheduling:appointment-list", holder="receptionist", colleague="nurse"),
    Row("scheduling:appointment-list-panel", holder="doctor", colleague="nurse"),
    Row("scheduling:appointment-detail", build=appointment(Status.APPROVED), holder="doctor", colleague="nurse"),
    Row("scheduling:appointment-approve", build=appointment(Status.PENDING), method="POST", colleague="receptionist"),
    Row("scheduling:appointment-reject", build=appointment(Status.PENDING), colleague="receptionist"),
    Row(
        "scheduling:appointment-reject",
        build=appointment(Status.PENDING),
        method="POST",
        colleague="receptionist",
        data=reason,
    ),
    Row("scheduling:appointment-cancel", build=appointment(Status.APPROVED), holder="receptionist", colleague="doctor"),
    Row(
        "scheduling:appointment-cancel",
        build=appointment(Status.APPROVED),
        method="POST",
        holder="receptionist",
        colleague="doctor",
        data=reason,
    ),
    Row(
        "scheduling:appointment-check-in",
        build=appointment(Status.APPROVED, today=True),
        method="POST",
        holder="receptionist",
        colleague="nurse",
    ),
    Row(
        "scheduling:appointment-no-show",
        build=appointment(Status.APPROVED, today="past"),
        method="POST",
        holder="receptionist",
        colleague="nurse",
    ),
    Row("scheduling:appointment-book", holder="receptionist", colleague="doctor"),
    Row(
        "scheduling:appointment-book",
        method="POST",
        holder="receptionist",
        colleague="doctor",
        data=lambda cast: {"q": "siti"},
    ),
    Row("scheduling:patient-book", build=bookable_patient, holder="receptionist", colleague="doctor"),
    Row(
        "scheduling:patient-book",
        build=bookable_patient,
        method="POST",
        holder="receptionist",
        colleague="doctor",
        data=slot_data,
    ),
    Row("scheduling:patient-appointments-panel", build=patient, holder="admin", colleague="cashier"),
    Row("scheduling:walk-in", build=patient, holder="receptionist", colleague="nurse"),
    Row(
        "scheduling:walk-in",
        build=walk_in_patient,
        method="POST",
        holder="receptionist",
        colleague="nurse",
        data=walk_in_data,
    ),
    Row("scheduling:queue", holder="nurse", colleague="cashier"),
    Row("scheduling:queue-panel", holder="doctor", colleague="pharmacist"),
    Row("scheduling:doctor-queue-panel", holder="doctor", colleague="nurse"),
    Row("scheduling:visit-call", build=visit, method="POST", holder="doctor", colleague="cashier"),
    Row("scheduling:visit-cancel", build=visit, holder="receptionist", colleague="nurse"),
    Row("scheduling:visit-cancel", build=visit, method="POST", holder="receptionist", colleague="nurse", data=reason),
    Row("scheduling:ticket-slip", build=visit, holder="receptionist", colleague="nurse"),
    Row("scheduling:portal-book", holder="patient", outsider="receptionist"),
    Row(
        "scheduling:portal-book-times",
        holder="patient",
        outsider="receptionist",
        expect=(302,),
        note="Without a slot the booking starts again; test_portal.py runs it with one.",
    ),
    Row(
        "scheduling:portal-book-complaint",
        holder="patient",
        outsider="receptionist",
        expect=(302,),
        note="Without a slot the booking starts again; test_portal.py runs it with one.",
    ),
    Row(
        "scheduling:portal-book-complaint",
        build=free_slot,
        method="POST",
        holder="patient",
        outsider="receptionist",
        data=slot_data,
    ),
    Row("scheduling:portal-book-check", holder="patient", outsider="receptionist", expect=(302,)),
    Row(
        "scheduling:portal-book-check",
        build=free_slot,
        method="POST",
        holder="patient",
        outsider="receptionist",
        data=slot_data,
    ),
    Row(
        "scheduling:portal-book-confirm",
        build=free_slot,
        method="POST",
        holder="patient",
        outsider="receptionist",
        data=slot_data,
    ),
    Row("scheduling:portal-appointment-list", holder="patient", outsider="doctor"),
    Row(
        "scheduling:portal-appointment-detail",
        build=appointment(Status.PENDING),
        holder="patient",
        outsider="other_patient",
    ),
    Row(
        "scheduling:portal-appointment-cancel",
        build=appointment(Status.PENDING),
        holder="patient",
        outsider="other_patient",
    ),
    Row(
        "scheduling:portal-appointment-cancel",
        build=appointment(Status.PENDING),
        method="POST",
        holder="patient",
        outsider="other_patient",
        data=lambda cast: {"reason": ""},
    ),
]
