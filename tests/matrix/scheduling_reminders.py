from core import clock
from scheduling.models import Channel, Reminder
from scheduling.services import feeds
from tests.factories.scheduling import AppointmentFactory, SessionFactory
from tests.matrix import Row


def appointment(cast):
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    return AppointmentFactory(slot=slot, patient=cast.patient_user.patient)


def calendar_file(cast):
    return {"pk": appointment(cast).pk}


def reminder(cast):
    row = appointment(cast)
    reminder = Reminder.objects.create(
        appointment=row, starts_at=row.slot.starts_at, channel=Channel.WHATSAPP, created_at=clock.now()
    )
    return {"pk": reminder.pk}


def listed(cast):
    reminder(cast)
    return {}


def patient(cast):
    return {"pk": cast.patient_user.patient.pk}


def feed(cast):
    return {"token": feeds.make_feed(doctor=cast.doctor)}


ROWS = [
    Row("scheduling:appointment-ics", build=calendar_file, holder="patient", outsider="other_patient"),
    Row("scheduling:appointment-ics", build=calendar_file, holder="receptionist", outsider="nurse"),
    Row("scheduling:feed", holder="doctor", colleague="receptionist"),
    Row("scheduling:feed-make", method="POST", holder="doctor", colleague="admin"),
    Row("scheduling:feed-revoke", method="POST", holder="doctor", colleague="admin"),
    Row("scheduling:calendar-feed", build=feed, public=True),
    Row("scheduling:reminder-list", build=listed, holder="receptionist", colleague="doctor"),
    Row("scheduling:reminder-list-panel", build=listed, holder="receptionist", colleague="nurse"),
    Row("scheduling:reminder-send", build=reminder, method="POST", holder="receptionist", colleague="doctor"),
    Row("scheduling:reminder-undo", build=reminder, method="POST", holder="receptionist", colleague="cashier"),
    Row("scheduling:patient-reminders", build=patient, holder="receptionist", colleague="nurse"),
    Row(
        "scheduling:patient-reminders",
        build=patient,
        method="POST",
        holder="receptionist",
        colleague="nurse",
        data=lambda cast: {"channel": "whatsapp"},
    ),
]
