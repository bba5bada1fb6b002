"""Sessions decided, changed and cancelled at once, on a real database: one truth, and no booking without a session."""

from datetime import time

import pytest

from accounts.access import Role
from audit.models import AuditEvent
from core import clock
from scheduling import services
from scheduling.errors import RoomTaken, SeriesNotOpen, SessionChanged, SessionOverlap, SlotTaken, UndecidedBookings
from scheduling.models import Appointment, PracticeSession, SessionSeries, Slot, Stage, Station, TimeOff
from scheduling.services import Absence, Choice, Decision, NewTimes, Pattern
from tests.factories.accounts import DoctorFactory, UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, booking, session_at

pytestmark = pytest.mark.django_db(transaction=True)

Status = PracticeSession.Status
ROUNDS = 5


def outcomes(results):
    return {kind.__name__: sum(type(row) is kind for row in results) for kind in {type(row) for row in results}}


@pytest.fixture
def admin(db):
    return UserFactory(roles=[Role.ADMIN])


def test_overlapping_proposals_of_one_doctor_give_one_session(race):
    doctor, service = DoctorFactory(), ServiceFactory()
    day = SessionFactory().practice_on
    results = race(
        lambda minute: services.propose_session(
            actor=doctor, service_id=service.pk, practice_on=day, start_time=time(9, minute), slot_minutes=30,
            gap_minutes=0, slot_count=4,
        ),
        [(minute,) for minute in range(8)],
    )  # fmt: skip
    assert outcomes(results) == {"PracticeSession": 1, SessionOverlap.__name__: 7}
    assert Slot.objects.filter(session__doctor=doctor).count() == 4


def test_one_room_is_given_to_one_of_ten_doctors(race, admin):
    room = Station.objects.create(name="Ruang 1", stage=Stage.DOCTOR, spoken=Station.Spoken.ROOM)
    sessions = [SessionFactory(status=Status.PENDING, station=room) for _number in range(10)]
    results = race(
        lambda session: services.approve_session(session_id=session.pk, actor=admin), [(s,) for s in sessions]
    )
    assert outcomes(results) == {"PracticeSession": 1, RoomTaken.__name__: 9}


def test_a_booking_made_while_its_session_is_cancelled(race, admin):
    for _round in range(ROUNDS):
        session = SessionFactory()
        slots, patients = list(session.slots.all()), [PatientFactory() for _slot in range(3)]
        calls = [
            (lambda p=patient, s=slot: services.book_appointment(**booking(p, s, admin)),)
            for patient, slot in zip(patients, slots, strict=True)
        ]
        cancel = (lambda: services.cancel_session(session_id=session.pk, actor=admin, reason="Sakit"),)  # noqa: B023
        results = race(lambda step: step(), [*calls, cancel])
        session.refresh_from_db()
        made = Appointment.objects.filter(slot__session=session, active=1).count()
        assert set(outcomes(results)) <= {
            "Appointment",
            "PracticeSession",
            SlotTaken.__name__,
            UndecidedBookings.__name__,
        }
        assert (session.status == Status.CANCELLED) == (made == 0), outcomes(results)


def test_two_admins_change_one_session(race, admin):
    session = SessionFactory()
    appointment = AppointmentFactory(slot=session.slots.first())

    def change(minute):
        new = NewTimes(session.practice_on, time(11, minute), 30, 0, 3)
        decisions = {
            appointment.pk: Decision(Choice.MOVE, appointment.slot_id, start=clock.at(new.practice_on, new.start_time))
        }
        return services.change_session(
            session_id=session.pk, actor=admin, version=0, new=new, reason="Rapat", decisions=decisions
        )

    results = race(change, [(minute,) for minute in range(6)])
    assert outcomes(results) == {"PracticeSession": 1, SessionChanged.__name__: 5}
    session.refresh_from_db(), appointment.refresh_from_db()
    assert (session.version, session.slots.count()) == (1, 3)
    assert appointment.slot_id == session.slots.first().pk
    assert AuditEvent.objects.filter(action="scheduling.session.changed").count() == 1
    assert Appointment.objects.filter(active=1).count() == 1


def test_leave_against_bookings_leaves_none_in_it(race, admin):
    for _round in range(ROUNDS):
        session = SessionFactory()
        start, end = clock.day_bounds(session.practice_on)
        leave = Absence(session.doctor_id, TimeOff.Kind.LEAVE, start, end)
        calls = [
            (lambda v=booking(PatientFactory(), slot, admin): services.book_appointment(**v),)  # noqa: B008
            for slot in session.slots.all()
        ]
        results = race(lambda step: step(), [*calls, (lambda: services.add_time_off(absence=leave, actor=admin),)])  # noqa: B023
        made = Appointment.objects.filter(slot__session=session, active=1).count()
        is_off = TimeOff.objects.filter(doctor_id=session.doctor_id).exists()
        assert is_off == (made == 0), outcomes(results)
        assert session.slots.filter(is_closed=True).count() == (3 if is_off else 0)


def test_a_series_is_approved_once_and_not_beside_another(race, admin):
    doctor, service = DoctorFactory(), ServiceFactory()
    day = clock.today()
    pattern = Pattern([1, 2, 3], 1, day, day.replace(month=day.month + 1), time(13), 30, 0, 2)
    series = services.propose_series(actor=doctor, service_id=service.pk, pattern=pattern)
    results = race(lambda: services.approve_series(series_id=series.pk, actor=admin), [()] * 6)
    assert outcomes(results) == {"Outcome": 1, SeriesNotOpen.__name__: 5}
    assert AuditEvent.objects.filter(action="scheduling.series.approved").count() == 1
    rival = session_at(series.sessions.first().practice_on, 13, doctor=doctor, status=Status.PENDING)
    with pytest.raises(SessionOverlap):
        services.approve_session(session_id=rival.pk, actor=admin)
    assert SessionSeries.objects.get().status == SessionSeries.Status.APPROVED
