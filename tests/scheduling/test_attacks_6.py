"""What a second attack on the clinic's day found: each of these was possible once."""

from datetime import date, timedelta

import pytest
import time_machine

from accounts.services import deactivate_user
from notifications.models import Email
from scheduling import services, tasks
from scheduling.errors import AlreadyWaiting, CannotUndo
from scheduling.models import QueueEvent, Reminder, Visit
from scheduling.services import detours, serving
from tests.factories.accounts import DoctorFactory, UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, VisitFactory, session_at
from tests.scheduling.test_races import outcomes

pytestmark = pytest.mark.django_db

Status = Visit.Status
REASON = "Dokter dipanggil ke rumah sakit"


def open_visits(patient, doctor) -> int:
    return Visit.objects.filter(patient=patient, doctor=doctor).exclude(status__in=services.CLOSED_STATUSES).count()


def walk_in(visit, doctor, actor) -> Visit:
    return services.register_walk_in(
        patient_id=visit.patient_id, service_id=visit.service_id, doctor_id=doctor.pk, complaint="Batuk", actor=actor
    )


# --- one open visit with one doctor -------------------------------------------------------------------------------------


@pytest.fixture
def transferred(cast):
    """A visit that went from the cast's doctor to the other one, and the act that did it."""
    visit = VisitFactory(doctor=cast.doctor)
    cast.other_doctor.staff_profile.specialty = cast.doctor.staff_profile.specialty
    cast.other_doctor.staff_profile.save()
    detours.transfer_to_doctor(
        visit_id=visit.pk, doctor_id=cast.other_doctor.pk, actor=cast.receptionist, reason=REASON
    )
    return visit, QueueEvent.objects.get(kind=QueueEvent.Kind.TRANSFER)


def test_a_transfer_is_not_taken_back_onto_a_second_visit_with_the_doctor_before(cast, transferred):
    visit, event = transferred
    walk_in(visit, cast.doctor, cast.receptionist)
    with pytest.raises(CannotUndo, match="Rina"):
        serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    event.refresh_from_db()
    assert (visit.doctor, event.undone_at) == (cast.other_doctor, None)
    assert open_visits(visit.patient, cast.doctor) == open_visits(visit.patient, cast.other_doctor) == 1


def test_a_transfer_is_taken_back_when_the_other_visit_is_over(cast, transferred):
    visit, event = transferred
    second = walk_in(visit, cast.doctor, cast.receptionist)
    services.cancel_visit(visit_id=second.pk, actor=cast.receptionist, reason="Salah daftar")
    serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    assert (visit.doctor, open_visits(visit.patient, cast.doctor)) == (cast.doctor, 1)


def test_a_transfer_is_not_taken_back_to_a_doctor_who_left(cast, transferred):
    visit, event = transferred
    deactivate_user(user_id=cast.doctor.pk, actor=cast.admin)
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    assert visit.doctor == cast.other_doctor


@pytest.mark.django_db(transaction=True)
def test_taking_back_against_arriving_leaves_one_visit(race, cast, transferred):
    visit, event = transferred
    desks = [UserFactory(roles=["receptionist"]) for _ in range(4)]
    acts = [lambda: serving.undo_act(event_id=event.pk, actor=cast.receptionist)]
    acts += [lambda desk=desk: walk_in(visit, cast.doctor, desk) for desk in desks]
    results = race(lambda act: act(), [(act,) for act in acts])
    assert {type(row).__name__ for row in results} <= {"QueueStep", "Visit", "CannotUndo", "AlreadyWaiting"}, results
    assert open_visits(visit.patient, cast.doctor) == 1, outcomes(results)


@pytest.mark.django_db(transaction=True)
def test_transfers_against_arriving_leave_one_visit(race, cast):
    patient, doctors = PatientFactory(), [DoctorFactory() for _ in range(3)]
    visits = [VisitFactory(doctor=doctor, patient=patient) for doctor in doctors]
    desk, target = cast.receptionist, cast.doctor
    acts = [
        lambda visit=visit: detours.transfer_to_doctor(
            visit_id=visit.pk, doctor_id=target.pk, actor=desk, reason=REASON
        )
        for visit in visits
    ]
    acts += [lambda: walk_in(visits[0], target, desk)] * 2
    results = race(lambda act: act(), [(act,) for act in acts])
    assert outcomes(results) == {"Visit": 1, AlreadyWaiting.__name__: 4}, results
    assert open_visits(patient, target) == 1


# --- reminders after an outage ------------------------------------------------------------------------------------------

DAY = date(2026, 11, 21)


def at(moment: str, day: date = DAY):
    return time_machine.travel(f"{day.isoformat()}T{moment}:00+07:00", tick=False)


@pytest.fixture
def early(cast):
    """Bookings of the 21st at 06.00, 07.00 and 09.00, and of the 22nd at 07.00, made days before."""
    with at("10:00", DAY - timedelta(days=3)):
        slots = [session_at(DAY, hour, doctor=cast.doctor, count=1).slots.get() for hour in (6, 7, 9, 12)]
        slots.append(session_at(DAY + timedelta(days=1), 7, doctor=cast.doctor, count=1).slots.get())
        return [AppointmentFactory(slot=slot, patient=PatientFactory(email="siti@surat.example")) for slot in slots]


def reminded() -> set:
    return set(Reminder.objects.values_list("appointment_id", flat=True))


def test_after_a_day_without_a_scheduler_who_comes_early_is_reminded_before_eight(early):
    """Nothing ran on the 20th. On the 21st it is back at 06.30."""
    _past, seven, nine, noon, next_day = (row.pk for row in early)
    with at("06:30"):
        assert [tasks.remind_tomorrow(), tasks.remind_tomorrow()] == [2, 0]
    assert reminded() == {seven, nine}
    assert Email.objects.filter(template="appointment_reminder").count() == 2
    with at("08:00"):
        assert [tasks.remind_tomorrow(), tasks.remind_tomorrow()] == [2, 0]
    assert reminded() == {seven, nine, noon, next_day}


def test_before_eight_nobody_is_reminded_who_booked_in_the_night(cast, early):
    with at("05:00"):
        assert tasks.remind_tomorrow() == 3
        AppointmentFactory(slot=session_at(DAY, 7, doctor=cast.other_doctor).slots.first())
    with at("06:00"):
        assert tasks.remind_tomorrow() == 0, "the confirmation says the same, a moment ago"


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_before_eight_one_reminds(race, early):
    with at("05:00"):
        assert sum(race(tasks.remind_tomorrow, [()] * 4)) == 3
    assert Email.objects.filter(template="appointment_reminder").count() == 3
