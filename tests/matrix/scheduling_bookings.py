"""Services of the clinic, the waiting list at the desk, and follow-ups by the doctor."""

from datetime import timedelta
from uuid import uuid4

from core import clock
from patients.services import add_to_care_team
from scheduling import services
from scheduling.models import Appointment
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, session_at
from tests.matrix import Row

DAY = timedelta(days=1)


def service(cast):
    cast.made["service"] = ServiceFactory()
    return {"pk": cast.made["service"].pk}


def patient(cast):
    cast.made["service"] = ServiceFactory()
    return {"pk": cast.patient_user.patient.pk}


def own_patient(cast):
    session = SessionFactory(doctor=cast.doctor)
    cast.made["slot"], cast.made["service"] = session.slots.first(), session.service
    add_to_care_team(patient_id=cast.patient_user.patient.pk, user_id=cast.doctor.pk)
    return {"pk": cast.patient_user.patient.pk}


def wish(cast):
    session = SessionFactory(doctor=cast.doctor)
    cast.made["slot"] = session.slots.first()
    entry = services.join_waitlist(
        patient_id=cast.patient_user.patient.pk, service_id=session.service_id, actor=cast.receptionist,
        first_on=clock.today(), last_on=clock.today() + 7 * DAY,
    )  # fmt: skip
    return {"pk": entry.pk}


def offer(cast):
    wish(cast)
    return {"pk": services.offer_freed_slot(cast.made["slot"].pk).pk}


def missed(cast):
    slot = session_at(clock.today(), 0, doctor=cast.doctor).slots.first()
    row = AppointmentFactory(slot=slot, patient=cast.patient_user.patient, status=Appointment.Status.NO_SHOW)
    return {"pk": row.pk}


def service_data(cast):
    return {
        "code": "EKG", "name_id": "Rekam jantung", "name_en": "Electrocardiogram", "specialty": "umum",
        "duration_minutes": "15", "price_idr": "85.000", "booking_mode": "instant", "queue_prefix": "E", "is_active": "on",
    }  # fmt: skip


def wish_data(cast):
    return {
        "service": str(cast.made["service"].pk), "doctor": "", "part": "any",
        "first_on": clock.today().isoformat(), "last_on": (clock.today() + 7 * DAY).isoformat(),
    }  # fmt: skip


def slot_data(cast):
    return {"slot": str(cast.made["slot"].pk), "complaint": "Kontrol", "idempotency_key": str(uuid4())}


def family(cast):
    session = SessionFactory(doctor=cast.doctor)
    cast.made["slots"] = list(session.slots.all()[:2])
    cast.made["people"] = [cast.patient_user.patient, cast.other_patient_user.patient]
    return {"pk": cast.patient_user.patient.pk}


def family_data(cast):
    people, slots = cast.made["people"], cast.made["slots"]
    data = {"people": [str(one.pk) for one in people], "slot": str(slots[0].pk), "idempotency_key": str(uuid4())}
    data["times"] = ",".join(str(slot.pk) for slot in slots)
    for one, slot in zip(people, slots, strict=True):
        data |= {f"p{one.pk.hex}-slot": str(slot.pk), f"p{one.pk.hex}-complaint": "Imunisasi"}
    return data


def family_search(cast):
    return {"q": "Agus", "slot": str(cast.made["slots"][0].pk)}


DESK = {"holder": "receptionist", "colleague": "doctor"}
DOCTOR = {"holder": "doctor", "colleague": "nurse"}

ROWS = [
    Row("scheduling:service-list", colleague="receptionist"),
    Row("scheduling:service-add", colleague="receptionist"),
    Row("scheduling:service-add", method="POST", colleague="receptionist", data=service_data),
    Row("scheduling:service-edit", build=service, colleague="receptionist"),
    Row("scheduling:service-edit", build=service, method="POST", colleague="receptionist", data=service_data),
    Row("scheduling:waitlist", build=lambda cast: wish(cast) and {}, **DESK),
    Row("scheduling:waitlist-panel", build=lambda cast: wish(cast) and {}, **DESK),
    Row("scheduling:waitlist-withdraw", build=wish, method="POST", **DESK),
    Row("scheduling:patient-wish", build=patient, **DESK),
    Row("scheduling:patient-wish", build=patient, method="POST", data=wish_data, **DESK),
    Row("scheduling:offer-accept", build=offer, **DESK),
    Row("scheduling:offer-accept", build=offer, method="POST", data=lambda cast: {"complaint": "Batuk"}, **DESK),
    Row("scheduling:offer-decline", build=offer, method="POST", **DESK),
    Row("scheduling:patient-family", build=family, **DESK),
    Row("scheduling:patient-family", build=family, method="POST", data=family_search, **DESK),
    *(
        Row(f"scheduling:patient-family-{step}", build=family, method="POST", data=family_data, **DESK)
        for step in ("times", "check", "confirm")
    ),
    *(
        Row(f"scheduling:patient-family-{step}", build=family, expect=(302,), note="answers to a form", **DESK)
        for step in ("times", "check", "confirm")
    ),
    Row("scheduling:appointment-find", method="POST", data=lambda cast: {"code": "ABCDEFGH"}, **DESK),
    Row("scheduling:appointment-no-show-undo", build=missed, method="POST", holder="receptionist", colleague="nurse"),
    Row("scheduling:follow-up", build=own_patient, **DOCTOR),
    Row("scheduling:follow-up", build=own_patient, method="POST", data=slot_data, **DOCTOR),
    Row("scheduling:follow-up-ask", build=own_patient, **DOCTOR),
    Row("scheduling:follow-up-ask", build=own_patient, method="POST", data=wish_data, **DOCTOR),
]
