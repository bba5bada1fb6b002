"""The calendar, its panel, its paper, and moving an appointment."""

from datetime import timedelta

from core import clock
from tests.factories.scheduling import AppointmentFactory, session_at
from tests.matrix import Row

DAY = timedelta(days=1)


def booked(cast, day):
    slots = list(session_at(day, 9, doctor=cast.doctor).slots.all())
    cast.made["free"] = slots[1]
    return AppointmentFactory(slot=slots[0], patient=cast.patient_user.patient)


def slot(cast):
    return {"pk": booked(cast, clock.today() + DAY).slot_id}


def on_paper(cast):
    booked(cast, clock.today())
    return {}


def movable(cast):
    cast.made["moved"] = booked(cast, clock.today() + DAY)
    return {"pk": cast.made["moved"].pk}


def target(cast):
    return {"slot": str(cast.made["free"].pk), "was": str(cast.made["moved"].slot_id), "reason": "Dokter pindah jam"}


ROWS = [
    Row("scheduling:calendar", holder="nurse", colleague="cashier"),
    Row("scheduling:calendar-table", holder="owner", colleague="cashier"),
    Row("scheduling:calendar-slot", build=slot, holder="receptionist", colleague="cashier"),
    Row("scheduling:calendar-print", build=on_paper, holder="doctor", colleague="pharmacist"),
    Row("scheduling:appointment-move", build=movable, holder="receptionist", colleague="doctor"),
    Row(
        "scheduling:appointment-move",
        build=movable,
        method="POST",
        holder="receptionist",
        colleague="doctor",
        data=target,
    ),
]
