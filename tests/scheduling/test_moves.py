"""Moving an appointment, and requests that nobody decided."""

from datetime import timedelta

import pytest
import time_machine

from audit.models import AuditEvent
from core import clock
from notifications.models import Email, Notice
from patients.models import CareTeamMember, Patient
from scheduling import services
from scheduling.errors import (
    AppointmentChanged,
    AppointmentNotOpen,
    AppointmentOverlap,
    NotYourAppointment,
    PatientNotActive,
    ServiceNotOffered,
    SlotTaken,
    TooLateToChange,
    TooManyMoves,
)
from scheduling.models import Appointment, AppointmentMove, PracticeSession, Service, Slot
from tests.factories.accounts import DoctorFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, booking, session_at

pytestmark = pytest.mark.django_db

Status = Appointment.Status


@pytest.fixture
def still():
    """Time stands still."""
    with time_machine.travel(clock.now(), tick=False):
        yield


def move(appointment, slot, actor, **fields):
    return services.reschedule_appointment(appointment_id=appointment.pk, slot_id=slot.pk, actor=actor, **fields)


def in_care(appointment):
    rows = CareTeamMember.objects.running().filter(source_id=appointment.pk)
    return set(rows.values_list("member", flat=True))


@pytest.fixture
def booked(cast, session):
    """An approved booking of the cast's patient on the first slot."""
    appointment = services.book_appointment(
        **booking(cast.patient_user.patient, session.slots.first(), cast.receptionist)
    )
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    Email.objects.all().delete()
    Notice.objects.all().delete()
    appointment.refresh_from_db()
    return appointment


def test_a_stranger_does_not_move_mine(cast, session, booked):
    with pytest.raises(NotYourAppointment):
        move(booked, session.slots.all()[1], cast.other_patient_user)
    booked.refresh_from_db()
    assert booked.slot_id == session.slots.first().pk
    assert not AppointmentMove.objects.exists()


def test_staff_move_keeps_state_code_and_price(cast, session, booked):
    first, second = session.slots.all()[:2]
    session.service.price_idr = 999_000
    session.service.save()
    moved = move(booked, second, cast.receptionist, reason="Pasien menelepon")
    booked.refresh_from_db()
    assert (booked.slot_id, booked.status, booked.price_idr) == (second.pk, Status.APPROVED, 100_000)
    assert (booked.code, booked.sequence, moved.pk) == (moved.code, 1, booked.pk)
    row = AppointmentMove.objects.get()
    assert (row.from_slot_id, row.to_slot_id, row.reason, row.moved_by_id) == (
        first.pk, second.pk, "Pasien menelepon", cast.receptionist.pk,
    )  # fmt: skip
    mail = Email.objects.get()
    assert (mail.template, mail.dedupe_key) == ("appointment_moved", f"appointment_moved:{booked.pk}:1")
    assert dict(Notice.objects.values_list("recipient_id", "kind")) == {
        cast.patient_user.pk: "appointment_moved", cast.doctor.pk: "appointment_moved_away",
    }  # fmt: skip
    event = AuditEvent.objects.get(action="scheduling.appointment.moved")
    assert event.detail == {"from": str(first.pk), "to": str(second.pk), "status": "approved"}
    assert Slot.objects.bookable(clock.now()).filter(pk=first.pk).exists()


def test_moving_to_its_own_time_changes_nothing(cast, session, booked):
    move(booked, session.slots.first(), cast.receptionist)
    booked.refresh_from_db()
    assert (booked.sequence, AppointmentMove.objects.count(), Email.objects.count()) == (0, 0, 0)


def test_the_care_team_follows_the_doctor_and_comes_back(cast, session, booked):
    other = DoctorFactory()
    theirs = session_at(session.practice_on, 14, doctor=other, service=session.service)
    assert in_care(booked) == {CareTeamMember.of_user(cast.doctor.pk)}
    move(booked, theirs.slots.first(), cast.receptionist)
    booked.refresh_from_db()
    assert (booked.doctor_id, in_care(booked)) == (other.pk, {CareTeamMember.of_user(other.pk)})
    assert Notice.objects.get(recipient=cast.doctor).kind == "appointment_withdrawn"
    assert Notice.objects.get(recipient=other).kind == "appointment_booked"
    move(booked, session.slots.all()[2], cast.receptionist)
    assert in_care(booked) == {CareTeamMember.of_user(cast.doctor.pk)}


def test_a_patients_move_of_an_approved_service_waits_again(cast, session, booked, still):
    cast.admin
    second = session.slots.all()[1]
    move(booked, second, cast.patient_user)
    booked.refresh_from_db()
    assert (booked.status, booked.decided_at, in_care(booked)) == (Status.PENDING, None, set())
    assert booked.held_until == min(clock.now() + timedelta(hours=24), second.starts_at - timedelta(hours=1))
    assert Notice.objects.filter(recipient=cast.admin, kind="appointment_requested").count() == 1
    assert not Appointment.objects.visible_to(cast.doctor).exists()
    services.approve_appointment(appointment_id=booked.pk, actor=cast.admin)
    booked.refresh_from_db()
    assert (booked.status, booked.held_until) == (Status.APPROVED, None)


def test_a_patients_move_of_an_instant_service_stays_approved(cast, instant_session):
    patient = cast.patient_user.patient
    appointment = services.book_appointment(
        **booking(patient, instant_session.slots.first(), cast.patient_user, source="portal")
    )
    move(appointment, instant_session.slots.all()[1], cast.patient_user)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.held_until) == (Status.APPROVED, None)


def test_patients_move_in_time_and_three_times_only(cast, instant_session, settings):
    patient, slots = cast.patient_user.patient, list(instant_session.slots.all())
    appointment = services.book_appointment(**booking(patient, slots[0], cast.patient_user, source="portal"))
    for target in (slots[1], slots[0], slots[1]):
        move(appointment, target, cast.patient_user)
    with pytest.raises(TooManyMoves):
        move(appointment, slots[0], cast.patient_user)
    move(appointment, slots[0], cast.receptionist)
    settings.BOOKING_MOVES = 9
    limit = slots[0].starts_at - timedelta(hours=2)
    with time_machine.travel(limit + timedelta(seconds=1), tick=False):
        for act in (
            lambda: move(appointment, slots[1], cast.patient_user),
            lambda: services.cancel_appointment(appointment_id=appointment.pk, actor=cast.patient_user, reason=""),
        ):
            with pytest.raises(TooLateToChange, match=settings.CLINIC_PHONE):
                act()
    with time_machine.travel(limit, tick=False):
        move(appointment, slots[1], cast.patient_user)
    assert AppointmentMove.objects.count() == 5


def test_what_cannot_be_moved_to(cast, session, booked):
    day = session.practice_on
    AppointmentFactory(slot=session.slots.all()[1])
    other_service = session_at(day, 13, doctor=cast.other_doctor)
    unapproved = session_at(day, 15, service=session.service, status=PracticeSession.Status.PENDING)
    past = session_at(clock.today() - timedelta(days=1), 9, service=session.service)
    closed = session_at(day, 17, service=session.service)
    closed.slots.update(is_closed=True)
    expected = {
        session.slots.all()[1]: SlotTaken, unapproved.slots.first(): SlotTaken, past.slots.first(): SlotTaken,
        closed.slots.first(): SlotTaken, other_service.slots.first(): ServiceNotOffered,
    }  # fmt: skip
    for slot, error in expected.items():
        with pytest.raises(error):
            move(booked, slot, cast.receptionist)
    assert not AppointmentMove.objects.exists()


def test_another_appointment_at_the_new_time_and_an_archived_record_stop_a_move(cast, session, booked):
    theirs = session_at(session.practice_on, 11, service=session.service)
    other = session_at(session.practice_on, 11, doctor=cast.other_doctor)
    services.book_appointment(**booking(booked.patient, other.slots.first(), cast.receptionist))
    with pytest.raises(AppointmentOverlap):
        move(booked, theirs.slots.first(), cast.receptionist)
    Patient.objects.filter(pk=booked.patient_id).update(status=Patient.Status.ARCHIVED)
    with pytest.raises(PatientNotActive):
        move(booked, theirs.slots.all()[2], cast.receptionist)


def test_a_move_may_overlap_its_own_old_time(cast, session, booked):
    start = session.slots.first().starts_at + timedelta(minutes=15)
    overlapping = session_at(session.practice_on, 9, service=session.service)
    slot = overlapping.slots.first()
    Slot.objects.filter(pk=slot.pk).update(starts_at=start, ends_at=start + timedelta(minutes=30))
    move(booked, slot, cast.receptionist)
    booked.refresh_from_db()
    assert booked.slot_id == slot.pk


def test_a_page_that_shows_an_old_time_does_not_move(cast, session, booked):
    first, second, third = session.slots.all()
    move(booked, second, cast.receptionist, expected_slot_id=first.pk)
    with pytest.raises(AppointmentChanged):
        move(booked, third, cast.receptionist, expected_slot_id=first.pk)
    booked.refresh_from_db()
    assert booked.slot_id == second.pk


@pytest.mark.parametrize("status", ["arrived", "finished", "cancelled", "rejected", "expired", "no_show", "offered"])
def test_only_open_bookings_move(cast, session, status):
    appointment = AppointmentFactory(slot=session.slots.first(), status=status)
    with pytest.raises(AppointmentNotOpen):
        move(appointment, session.slots.all()[1], cast.receptionist)


def test_a_request_keeps_its_time_for_a_day_then_gives_it_back(cast, session, still):
    far = session_at(clock.today() + timedelta(days=5), 9, count=4, service=session.service)
    appointment = services.book_appointment(
        **booking(cast.patient_user.patient, far.slots.first(), cast.patient_user, source="portal")
    )
    assert appointment.held_until == clock.now() + timedelta(hours=24)
    Email.objects.all().delete()
    with time_machine.travel(appointment.held_until, tick=False):
        with pytest.raises(AppointmentNotOpen):
            services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
        assert services.expire_holds(clock.now()) == 1
        assert services.expire_holds(clock.now()) == 0
        with pytest.raises(AppointmentNotOpen):
            services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
        appointment.refresh_from_db()
        assert (appointment.status, appointment.active) == (Status.EXPIRED, None)
        mail = Email.objects.get()
        assert mail.template == "appointment_expired"
        nearby = services.alternatives(appointment)
        assert len(nearby) == 3
        for slot in nearby:
            assert f"slot={slot.pk}" in mail.body_text
        assert Notice.objects.filter(recipient=cast.patient_user, kind="appointment_expired").count() == 1
        services.book_appointment(**booking(PatientFactory(), far.slots.first(), cast.receptionist))


@pytest.mark.parametrize(
    ("ahead", "held"),
    [
        (timedelta(hours=30), timedelta(hours=24)),
        (timedelta(hours=10), timedelta(hours=9)),  # an hour before the time
        (timedelta(minutes=80), timedelta(minutes=30)),  # never less than half an hour
        (timedelta(minutes=20), timedelta(minutes=20)),  # but not beyond the time itself
    ],
)
def test_until_when_a_request_is_held(cast, session, still, ahead, held):
    slot = session.slots.first()
    Slot.objects.filter(pk=slot.pk).update(
        starts_at=clock.now() + ahead, ends_at=clock.now() + ahead + timedelta(minutes=30)
    )
    appointment = services.book_appointment(**booking(PatientFactory(), slot, cast.receptionist))
    assert appointment.held_until == clock.now() + held


def test_alternatives_are_the_nearest_of_the_doctor_then_of_others(cast, session):
    doctor_slots = list(session.slots.all())
    taken = AppointmentFactory(slot=doctor_slots[1], service=session.service)
    colleague = session_at(session.practice_on, 9, service=session.service)
    later = session_at(session.practice_on + timedelta(days=3), 9, service=session.service, doctor=cast.doctor)
    assert [slot.pk for slot in services.alternatives(taken)] == [
        doctor_slots[0].pk, doctor_slots[2].pk, later.slots.first().pk,
    ]  # fmt: skip
    PracticeSession.objects.filter(pk=later.pk).update(status=PracticeSession.Status.CANCELLED)
    assert {slot.pk for slot in services.alternatives(taken)} == {
        doctor_slots[0].pk, doctor_slots[2].pk, colleague.slots.all()[1].pk,
    }  # fmt: skip
    assert services.alternatives(taken, most=1)[0].pk == doctor_slots[0].pk


def test_no_show_is_taken_back_on_the_same_day_while_the_time_is_free(cast):
    session = session_at(clock.today(), 23, count=1)
    appointment = AppointmentFactory(slot=session.slots.first())
    with time_machine.travel(session.starts_at + timedelta(minutes=10), tick=False):
        services.mark_no_show(appointment_id=appointment.pk, actor=cast.receptionist)
        services.undo_no_show(appointment_id=appointment.pk, actor=cast.receptionist)
        appointment.refresh_from_db()
        assert (appointment.status, appointment.active) == (Status.APPROVED, 1)
        assert in_care(appointment) == {CareTeamMember.of_user(appointment.doctor_id)}
        services.mark_no_show(appointment_id=appointment.pk, actor=cast.receptionist)
        AppointmentFactory(slot=session.slots.first())
        with pytest.raises(SlotTaken):
            services.undo_no_show(appointment_id=appointment.pk, actor=cast.receptionist)
    yesterdays = AppointmentFactory(
        slot=session_at(clock.today() - timedelta(days=1), 9).slots.first(), status=Status.NO_SHOW
    )
    with pytest.raises(AppointmentNotOpen):
        services.undo_no_show(appointment_id=yesterdays.pk, actor=cast.receptionist)


def test_a_move_needs_a_doctor_who_gives_all_of_it(cast, session):
    extra = ServiceFactory(duration_minutes=10)
    session.service.duration_minutes = 20
    session.service.save()
    extra.doctors.add(cast.doctor)
    appointment = services.book_appointment(
        **booking(PatientFactory(), session.slots.first(), cast.receptionist, extra_service_ids=[extra.pk])
    )
    colleague = session_at(session.practice_on, 14, service=session.service)
    with pytest.raises(ServiceNotOffered):
        move(appointment, colleague.slots.first(), cast.receptionist)
    move(appointment, session.slots.all()[1], cast.receptionist)
    assert Service.objects.count() == 2
