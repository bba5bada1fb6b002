"""Changing and cancelling sessions: every booking is decided, in one act."""

from datetime import time, timedelta

import pytest

from audit.models import AuditEvent
from core import clock
from notifications.models import Email, Notice
from scheduling import services
from scheduling.errors import (
    InvalidPlan,
    NotOwnSession,
    ReasonMissing,
    RoomTaken,
    SessionChanged,
    SessionNotOpen,
    SessionOverlap,
    SlotTaken,
    UndecidedBookings,
)
from scheduling.models import Appointment, PracticeSession, Slot, Stage, Station
from scheduling.services import Choice, Decision, NewTimes
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, session_at

pytestmark = pytest.mark.django_db

Status, Booking = PracticeSession.Status, Appointment.Status


def tomorrow():
    return clock.today() + timedelta(days=1)


def booked(slot, status=Booking.APPROVED):
    return AppointmentFactory(slot=slot, status=status, patient=PatientFactory(email="siti@surat.example"))


def decide(appointment, choice, **target):
    return {appointment.pk: Decision(choice, appointment.slot_id, **target)}


def new_times(session, start="09:00", **fields):
    values = {
        "practice_on": session.practice_on, "start_time": time.fromisoformat(start), "slot_minutes": 30,
        "gap_minutes": 0, "slot_count": 3, **fields,
    }  # fmt: skip
    return NewTimes(**values)


def times_of(session):
    return [f"{clock.local(slot.starts_at):%H:%M}" for slot in session.slots.order_by("number")]


def room(name="Ruang 1"):
    return Station.objects.create(name=name, stage=Stage.DOCTOR, spoken=Station.Spoken.ROOM)


@pytest.fixture
def other(cast, session):
    """Another session of the same service, to move to."""
    return session_at(tomorrow(), 14, doctor=cast.doctor, service=session.service)


# --- Cancelling -----------------------------------------------------------------------------------------------------
def test_a_session_without_bookings_is_cancelled_with_a_reason(cast, session):
    with pytest.raises(ReasonMissing):
        services.cancel_session(session_id=session.pk, actor=cast.admin, reason=" ")
    services.cancel_session(session_id=session.pk, actor=cast.admin, reason="Sakit", version=0)
    session.refresh_from_db()
    assert (session.status, session.reason, session.version) == (Status.CANCELLED, "Sakit", 1)
    assert Slot.objects.bookable(clock.now()).count() == 0
    assert Notice.objects.get(recipient=cast.doctor).kind == "session_cancelled"
    assert AuditEvent.objects.filter(action="scheduling.session.cancelled").count() == 1
    with pytest.raises(SessionNotOpen):
        services.cancel_session(session_id=session.pk, actor=cast.admin, reason="Sakit")


def test_nothing_happens_while_one_booking_is_undecided(cast, session, other):
    first, second = (booked(slot) for slot in session.slots.all()[:2])
    with pytest.raises(UndecidedBookings):
        services.cancel_session(
            session_id=session.pk, actor=cast.admin, reason="Sakit", decisions=decide(first, Choice.CANCEL)
        )
    first.refresh_from_db(), second.refresh_from_db(), session.refresh_from_db()
    assert (first.status, second.status, session.status) == (Booking.APPROVED, Booking.APPROVED, Status.APPROVED)
    assert Email.objects.count() == 0


def test_each_booking_is_moved_or_cancelled_and_its_patient_told(cast, session, other):
    first, second, third = (booked(slot) for slot in session.slots.all())
    target = other.slots.first()
    services.cancel_session(
        session_id=session.pk, actor=cast.admin, reason="Dokter sakit",
        decisions=decide(first, Choice.MOVE, slot_id=target.pk) | decide(second, Choice.CANCEL)
        | decide(third, Choice.CANCEL),
    )  # fmt: skip
    for row in (first, second, third):
        row.refresh_from_db()
    assert (first.status, first.slot_id, first.sequence) == (Booking.APPROVED, target.pk, 1)
    assert (second.status, second.reason) == (Booking.CANCELLED, "Dokter sakit")
    templates = sorted(Email.objects.values_list("template", flat=True))
    assert templates == ["appointment_cancelled", "appointment_cancelled", "appointment_moved"]
    detail = AuditEvent.objects.get(action="scheduling.session.cancelled").detail
    assert (detail["move"], detail["cancel"], detail["keep"]) == (1, 2, 0)


def test_a_booking_cannot_be_kept_in_a_session_that_is_cancelled(cast, session):
    with pytest.raises(UndecidedBookings):
        services.cancel_session(
            session_id=session.pk, actor=cast.admin, reason="Sakit",
            decisions=decide(booked(session.slots.first()), Choice.KEEP),
        )  # fmt: skip


def test_a_booking_that_moved_meanwhile_is_undecided(cast, session):
    slots = list(session.slots.all())
    appointment = booked(slots[0])
    chosen = decide(appointment, Choice.CANCEL)
    services.reschedule_appointment(appointment_id=appointment.pk, slot_id=slots[1].pk, actor=cast.admin)
    with pytest.raises(UndecidedBookings):
        services.cancel_session(session_id=session.pk, actor=cast.admin, reason="Sakit", decisions=chosen)


@pytest.mark.django_db(transaction=True)
def test_two_bookings_cannot_go_to_one_time_and_a_taken_time_undoes_everything(cast, session, other):
    first, second = (booked(slot) for slot in session.slots.all()[:2])
    free, taken = other.slots.all()[:2]
    booked(taken)
    for decisions in (
        decide(first, Choice.MOVE, slot_id=free.pk) | decide(second, Choice.MOVE, slot_id=free.pk),
        decide(first, Choice.MOVE, slot_id=free.pk) | decide(second, Choice.MOVE, slot_id=taken.pk),
    ):
        with pytest.raises(SlotTaken):
            services.cancel_session(session_id=session.pk, actor=cast.admin, reason="Sakit", decisions=decisions)
        first.refresh_from_db(), session.refresh_from_db()
        assert (first.slot.session_id, session.status) == (session.pk, Status.APPROVED)


def test_patients_who_came_keep_a_session_from_being_cancelled(cast, session):
    booked(session.slots.first(), Booking.ARRIVED)
    with pytest.raises(SessionNotOpen):
        services.cancel_session(session_id=session.pk, actor=cast.admin, reason="Sakit")


def test_a_doctor_withdraws_what_waits_and_nothing_else(cast):
    waits = SessionFactory(doctor=cast.doctor, status=Status.PENDING)
    approved = session_at(tomorrow(), 15, doctor=cast.doctor)
    foreign = SessionFactory(doctor=cast.other_doctor, status=Status.PENDING)
    services.cancel_session(session_id=waits.pk, actor=cast.doctor, reason="Salah tanggal")
    waits.refresh_from_db()
    assert waits.status == Status.CANCELLED
    for session in (approved, foreign):
        with pytest.raises(NotOwnSession):
            services.cancel_session(session_id=session.pk, actor=cast.doctor, reason="Salah")


# --- Changing -------------------------------------------------------------------------------------------------------
def test_slots_that_stay_keep_their_rows_and_their_bookings(cast, session):
    last = session.slots.last()
    appointment = booked(last)
    services.change_session(
        session_id=session.pk, actor=cast.admin, version=0, new=new_times(session, "10:00", slot_count=4)
    )
    session.refresh_from_db(), appointment.refresh_from_db()
    assert times_of(session) == ["10:00", "10:30", "11:00", "11:30"]
    assert (appointment.slot_id, appointment.slot.number, appointment.status) == (last.pk, 1, Booking.APPROVED)
    assert (session.version, session.slot_count, PracticeSession.objects.count()) == (1, 4, 1)
    assert Email.objects.count() == 0
    assert Notice.objects.get(recipient=cast.doctor).kind == "session_changed"


def test_a_booking_moves_into_a_slot_that_the_change_makes(cast, session):
    appointment = booked(session.slots.first())
    begins = clock.at(session.practice_on, time(9, 15))
    new = new_times(session, "09:15")
    with pytest.raises(UndecidedBookings):
        services.change_session(session_id=session.pk, actor=cast.admin, version=0, new=new)
    services.change_session(
        session_id=session.pk, actor=cast.admin, version=0, new=new, reason="Mulai lebih lambat",
        decisions=decide(appointment, Choice.MOVE, start=begins),
    )  # fmt: skip
    appointment.refresh_from_db(), session.refresh_from_db()
    assert times_of(session) == ["09:15", "09:45", "10:15"]
    assert (appointment.slot.session_id, appointment.slot.starts_at) == (session.pk, begins)
    assert Email.objects.get().template == "appointment_moved"
    old = PracticeSession.objects.exclude(pk=session.pk).get()
    assert (old.status, times_of(old)) == (Status.CANCELLED, ["09:00"]), "the history of the booking stays true"
    assert appointment.moves.get().from_slot.session_id == old.pk


def test_two_people_changing_one_session(cast, session):
    services.change_session(session_id=session.pk, actor=cast.admin, version=0, new=new_times(session, "10:00"))
    with pytest.raises(SessionChanged):
        services.change_session(session_id=session.pk, actor=cast.admin, version=0, new=new_times(session, "11:00"))
    with pytest.raises(SessionChanged):
        services.cancel_session(session_id=session.pk, actor=cast.admin, reason="Sakit", version=0)
    session.refresh_from_db()
    assert times_of(session)[0] == "10:00"


def test_a_change_obeys_the_rules_of_a_proposal(cast, session):
    session_at(tomorrow(), 14, doctor=cast.doctor)
    with pytest.raises(SessionOverlap):
        services.change_session(session_id=session.pk, actor=cast.admin, version=0, new=new_times(session, "13:00"))
    past = new_times(session, practice_on=clock.today() - timedelta(days=1))
    with pytest.raises(InvalidPlan):
        services.change_session(session_id=session.pk, actor=cast.admin, version=0, new=past)
    taken = room()
    session_at(tomorrow(), 9, doctor=cast.other_doctor, station=taken)
    with pytest.raises(RoomTaken):
        services.change_session(
            session_id=session.pk, actor=cast.admin, version=0, new=new_times(session, station=taken)
        )
    session.refresh_from_db()
    assert (times_of(session), session.version, session.station) == (["09:00", "09:30", "10:00"], 0, None)


def test_a_running_session_ends_earlier_but_keeps_who_came(cast):
    session = session_at(clock.today(), 9, doctor=cast.doctor, count=5)  # it is 10.00
    came = booked(session.slots.first(), Booking.ARRIVED)
    with pytest.raises(SessionNotOpen):
        services.change_session(session_id=session.pk, actor=cast.admin, version=0, new=new_times(session, "10:30"))
    services.change_session(
        session_id=session.pk, actor=cast.admin, version=0, new=new_times(session, "09:00", slot_count=4)
    )
    came.refresh_from_db()
    assert (times_of(session)[-1], came.slot.session_id) == ("10:30", session.pk)


# --- Running late ---------------------------------------------------------------------------------------------------
def test_a_delay_is_said_for_today_by_who_may(cast):
    today = session_at(clock.today(), 9, doctor=cast.doctor)
    for minutes, actor in ((30, cast.doctor), (45, cast.receptionist), (0, cast.admin)):
        assert services.set_delay(session_id=today.pk, actor=actor, minutes=minutes).delay_minutes == minutes
    assert AuditEvent.objects.filter(action="scheduling.session.delayed").count() == 3
    with pytest.raises(NotOwnSession):
        services.set_delay(session_id=today.pk, actor=cast.other_doctor, minutes=5)
    for minutes in (-1, 241):
        with pytest.raises(InvalidPlan):
            services.set_delay(session_id=today.pk, actor=cast.doctor, minutes=minutes)
    with pytest.raises(SessionNotOpen):
        services.set_delay(session_id=SessionFactory(doctor=cast.doctor).pk, actor=cast.doctor, minutes=5)


def test_rooms_are_warned_of_and_refused(cast):
    place, values = room(), {"slot_minutes": 30, "gap_minutes": 0, "slot_count": 2, "practice_on": tomorrow()}
    session_at(tomorrow(), 9, doctor=cast.other_doctor, station=place)
    service = ServiceFactory()
    plan = services.plan_session(doctor=cast.doctor, start_time=time(9), station=place, **values)
    assert len(plan.warnings) == 1
    session = services.propose_session(
        actor=cast.doctor, service_id=service.pk, start_time=time(9), station=place, **values
    )
    with pytest.raises(RoomTaken):
        services.approve_session(session_id=session.pk, actor=cast.admin)
    later = services.propose_session(
        actor=cast.doctor, service_id=service.pk, start_time=time(10, 30), station=place, **values
    )
    assert services.approve_session(session_id=later.pk, actor=cast.admin).station_id == place.pk
