from core import clock
from scheduling.models import Appointment, DeviceLink
from scheduling.services import arrivals, devices
from tests.factories.accounts import UserFactory
from tests.factories.scheduling import AppointmentFactory, session_at
from tests.matrix import Row

LINK_NOTE = "The secret in the address opens it; test_devices.py runs wrong, revoked and exchanged ones."


def screen(kind):
    def build(cast):
        cast.made["screen"], token = devices.make_device(kind=kind, name="Ruang tunggu", actor=UserFactory())
        return {"token": token}

    return build


def device(cast):
    return {"pk": devices.make_device(kind="board", name="Ruang tunggu", actor=cast.admin)[0].pk}


def given_number(cast):
    return {**screen(DeviceLink.Kind.KIOSK)(cast), "pk": arrivals.take_number().pk}


def proof(cast):
    screen(DeviceLink.Kind.KIOSK)(cast)
    return {"proof": devices.on_site_proof(cast.made["screen"])}


def todays(cast):
    slot = session_at(clock.today(), 9, doctor=cast.doctor).slots.first()
    return {
        "pk": AppointmentFactory(slot=slot, patient=cast.patient_user.patient, status=Appointment.Status.APPROVED).pk
    }


BOARD, KIOSK = screen(DeviceLink.Kind.BOARD), screen(DeviceLink.Kind.KIOSK)

ROWS = [
    Row("scheduling:device-list", colleague="receptionist"),
    Row(
        "scheduling:device-list",
        method="POST",
        colleague="receptionist",
        data=lambda cast: {"kind": "board", "name": "Ruang tunggu", "speaks": "on"},
    ),
    Row("scheduling:device-revoke", build=device, method="POST", colleague="receptionist"),
    Row("scheduling:board", build=BOARD, public=True, note=LINK_NOTE),
    Row("scheduling:board-panel", build=BOARD, public=True, note=LINK_NOTE),
    Row("scheduling:kiosk", build=KIOSK, public=True, note=LINK_NOTE),
    Row("scheduling:kiosk-phone-code", build=KIOSK, public=True, note=LINK_NOTE),
    Row(
        "scheduling:kiosk-check-in",
        build=KIOSK,
        method="POST",
        public=True,
        expect=(409,),
        data=lambda cast: {"code": "ABCDEFGH"},
        note="An unknown code; test_kiosk.py checks in with a right one.",
    ),
    Row("scheduling:kiosk-take-number", build=KIOSK, method="POST", public=True, note=LINK_NOTE),
    Row("scheduling:kiosk-number", build=given_number, public=True, note=LINK_NOTE),
    Row("scheduling:onsite-scan", build=proof, public=True, expect=(302,), note="Leads on to the portal page."),
    Row("scheduling:onsite", holder="patient", outsider="receptionist"),
    Row("scheduling:onsite-panel", holder="patient", outsider="receptionist"),
    Row("scheduling:onsite-check-in", build=todays, method="POST", holder="patient", outsider="other_patient"),
]
