from datetime import timedelta
from uuid import uuid4

from core import clock
from scheduling.models import Appointment, WaitlistEntry
from tests.factories.patients import GuardianLinkFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory
from tests.matrix import Row
from tests.matrix.scheduling import free_slot, slot_data

Status = Appointment.Status
LOST = "Without a slot it goes back to the list; test_portal_public.py runs it with one."
POSTED = "Opened by its address it begins anew; test_portal_family.py runs it with a form."
AGAIN = (302,)


def movable(cast):
    """An appointment of tomorrow with another free time beside it."""
    session = SessionFactory(doctor=cast.doctor)
    mine, cast.made["slot"], _last = session.slots.all()
    cast.made["mine"] = AppointmentFactory(slot=mine, patient=cast.patient_user.patient, status=Status.PENDING)
    return {"pk": cast.made["mine"].pk}


def move_data(cast):
    return {"slot": str(cast.made["slot"].pk), "expected": str(cast.made["mine"].slot_id)}


def wish(cast, **fields):
    return WaitlistEntry.objects.create(
        patient=cast.patient_user.patient, service=ServiceFactory(), first_on=clock.today(),
        last_on=clock.today() + timedelta(days=7), created_at=clock.now(), created_by=cast.patient_user, **fields,
    )  # fmt: skip


def own_wish(cast):
    return {"pk": wish(cast).pk}


def waiting(cast):
    wish(cast)
    return {}


def offer(cast):
    until = clock.now() + timedelta(hours=1)
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    offered = AppointmentFactory(
        slot=slot, patient=cast.patient_user.patient, status=Status.OFFERED, held_until=until, complaint=""
    )
    wish(cast, status=WaitlistEntry.Status.OFFERED, offer=offered)
    return {"pk": offered.pk}


def wanted(cast):
    cast.made["service"] = ServiceFactory()
    return {}


def wish_data(cast):
    day = clock.today().isoformat()
    return {"service": str(cast.made["service"].pk), "doctor": "", "first_on": day, "last_on": day, "part": "any"}


def family(cast):
    """Somebody to act for, and free times one after another."""
    link = GuardianLinkFactory(guardian=cast.patient_user)
    cast.made["people"] = [cast.patient_user.patient, link.dependant]
    session = SessionFactory(doctor=cast.doctor)
    cast.made["slots"] = list(session.slots.all()[:2])
    return {}


def family_data(cast):
    people = cast.made["people"]
    return {
        "people": [str(one.pk) for one in people], "slot": str(cast.made["slots"][0].pk),
        "slots": [str(slot.pk) for slot in cast.made["slots"]], "idempotency_key": str(uuid4()),
        **{f"p{one.pk.hex}-complaint": "Imunisasi" for one in people},
    }  # fmt: skip


def own(name, **fields):
    return Row(f"scheduling:{name}", holder="patient", **{"outsider": "receptionist", **fields})


ROWS = [
    Row("scheduling:public-schedule", public=True),
    Row("scheduling:public-times", public=True, expect=AGAIN, note=LOST),
    Row("scheduling:public-choice", public=True, expect=AGAIN, note=LOST),
    own(
        "portal-book-for", build=free_slot, method="POST",
        data=lambda cast: {"person": str(cast.patient_user.patient.pk), **slot_data(cast)},
    ),
    own("portal-family-book", expect=AGAIN, note=POSTED),
    own("portal-family-times", expect=AGAIN, note=POSTED),
    own("portal-family-check", expect=AGAIN, note=POSTED),
    own("portal-family-confirm", expect=AGAIN, note=POSTED),
    own("portal-family-times", build=family, method="POST", data=family_data),
    own("portal-family-check", build=family, method="POST", data=family_data),
    own("portal-family-confirm", build=family, method="POST", data=family_data),
    own("portal-family-list", build=family),
    own("portal-appointment-move", build=movable, outsider="other_patient"),
    own("portal-appointment-move-to", build=movable, outsider="other_patient", expect=AGAIN, note=LOST),
    own("portal-appointment-move-to", build=movable, outsider="other_patient", method="POST", data=move_data),
    own(
        "portal-offer-accept", build=offer, outsider="other_patient", method="POST",
        data=lambda cast: {"complaint": "Batuk"},
    ),
    own("portal-offer-decline", build=offer, outsider="other_patient", method="POST"),
    own("portal-waitlist", build=waiting),
    own("portal-waitlist-join"),
    own("portal-waitlist-join", build=wanted, method="POST", data=wish_data),
    own("portal-waitlist-withdraw", build=own_wish, outsider="other_patient", method="POST"),
    own("portal-reminders"),
    own("portal-reminders", method="POST", data=lambda cast: {"channel": "none"}),
]  # fmt: skip
