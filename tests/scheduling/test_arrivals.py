"""Arriving at the kiosk, by phone on site, and with a number for the desk."""

from datetime import timedelta

import pytest
import time_machine

from audit.models import AuditEvent
from core import clock
from patients.models import Patient
from scheduling import services
from scheduling.errors import CodeNotAccepted, NotInWindow, NotYourAppointment, PatientNotActive
from scheduling.models import Appointment, QueueStep, QueueTicket, Visit
from scheduling.services import arrivals
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, session_at

pytestmark = pytest.mark.django_db

DAY = "2026-11-20"


def at(hour, minute=0):
    """An instant of the day in the clinic's zone."""
    return time_machine.travel(f"{DAY}T{hour:02d}:{minute:02d}:00+07:00", tick=False)


@pytest.fixture
def booked(cast):
    """An approved booking of the cast's patient for 09.00."""
    with at(6):
        slot = session_at(clock.today(), 9, doctor=cast.doctor).slots.first()
        return AppointmentFactory(slot=slot, patient=cast.patient_user.patient)


def test_a_code_checks_in_and_again_gives_the_same_visit(booked):
    with at(8):
        visit = arrivals.check_in_with_code(code=f" {booked.code[:4].lower()}-{booked.code[4:]} ", priority="elderly")
        again = arrivals.check_in_with_code(code=booked.code)
    assert visit.pk == again.pk
    assert (visit.arrived_by, visit.checked_in_by, visit.priority) == ("kiosk", None, "elderly")
    step = QueueStep.objects.get(visit=visit)
    assert (step.due_at, step.stage) == (booked.slot.starts_at, "nurse")
    event = AuditEvent.objects.get(action="scheduling.visit.checked_in")
    assert (event.detail["arrived_by"], event.actor_id) == ("kiosk", None)


@pytest.mark.parametrize(("hour", "minute", "opens"), [(6, 59, False), (7, 0, True), (10, 0, True), (10, 1, False)])
def test_the_kiosk_takes_from_two_hours_before_until_one_hour_after(booked, hour, minute, opens):
    with at(hour, minute):
        if opens:
            assert arrivals.check_in_with_code(code=booked.code).appointment == booked
        else:
            with pytest.raises(NotInWindow):
                arrivals.check_in_with_code(code=booked.code)
    assert Visit.objects.count() == int(opens)


def test_every_code_that_opens_nothing_gets_the_same_sentence(cast, booked):
    tomorrow = AppointmentFactory(slot=session_at(booked.slot.session.practice_on + timedelta(days=1), 9).slots.first())
    today = session_at(booked.slot.session.practice_on, 9, count=4)
    slots = list(today.slots.all())
    pending = AppointmentFactory(slot=slots[0], status=Appointment.Status.PENDING)
    cancelled = AppointmentFactory(slot=slots[1], status=Appointment.Status.CANCELLED)
    archived = AppointmentFactory(slot=slots[2], patient=PatientFactory(status=Patient.Status.ARCHIVED))
    merged = AppointmentFactory(slot=slots[3], patient=PatientFactory(status=Patient.Status.MERGED))
    sentences = set()
    codes = [row.code for row in (tomorrow, pending, cancelled, archived, merged)]
    for code in [*codes, "TIDAKADA", "", "x" * 5000, "'; --", "٣٣٣", "\x00"]:
        with at(8), pytest.raises(CodeNotAccepted) as refused:
            arrivals.check_in_with_code(code=code)
        sentences.add(str(refused.value))
    assert len(sentences) == 1
    assert Visit.objects.count() == 0


def test_the_patient_and_nobody_else_checks_in_by_phone(cast, booked):
    with at(8):
        for stranger in (cast.other_patient_user, cast.receptionist):
            with pytest.raises(NotYourAppointment):
                arrivals.check_in_on_site(appointment_id=booked.pk, actor=stranger)
        with pytest.raises(NotYourAppointment):
            arrivals.check_in_on_site(appointment_id=cast.doctor.pk, actor=cast.patient_user)
        visit = arrivals.check_in_on_site(appointment_id=booked.pk, actor=cast.patient_user)
        assert arrivals.check_in_on_site(appointment_id=booked.pk, actor=cast.patient_user).pk == visit.pk
    assert (visit.arrived_by, visit.checked_in_by) == ("phone", cast.patient_user)


def test_a_phone_checks_in_only_today_and_only_active_records(cast, booked):
    with time_machine.travel("2026-11-21T08:00:00+07:00", tick=False), pytest.raises(CodeNotAccepted):
        arrivals.check_in_on_site(appointment_id=booked.pk, actor=cast.patient_user)
    Patient.objects.filter(pk=booked.patient_id).update(status=Patient.Status.ARCHIVED)
    with at(8), pytest.raises(PatientNotActive):
        arrivals.check_in_on_site(appointment_id=booked.pk, actor=cast.patient_user)
    assert Visit.objects.count() == 0


def test_who_comes_after_the_booked_time_is_late_and_waits_from_the_arrival(cast, booked):
    with at(9, 45):
        visit = services.check_in(appointment_id=booked.pk, actor=cast.receptionist)
    assert arrivals.is_late(visit)
    assert QueueStep.objects.get(visit=visit).due_at == visit.arrived_at
    with at(9, 46):
        later = AppointmentFactory(slot=session_at(clock.today(), 11, doctor=cast.other_doctor).slots.first())
        assert not arrivals.is_late(services.check_in(appointment_id=later.pk, actor=cast.receptionist))


def test_numbers_for_the_desk_belong_to_the_clinics_day():
    with time_machine.travel("2026-11-20T23:30:00+07:00", tick=False):
        first, second = arrivals.take_number(), arrivals.take_number(priority="pregnant")
    with time_machine.travel("2026-11-21T00:30:00+07:00", tick=False):
        night = arrivals.take_number(priority="emergency")
    assert [ticket.label for ticket in (first, second, night)] == ["R-001", "R-002", "R-001"]
    assert [step.priority for step in QueueStep.objects.order_by("id")] == ["", "pregnant", ""]
    assert set(QueueStep.objects.values_list("stage", "visit")) == {("registration", None)}
    assert [ticket.issued_on.day for ticket in QueueTicket.objects.order_by("id")] == [20, 20, 21]
