"""Many people at once, on a real database: exactly one gets it."""

from datetime import timedelta

import pytest

from audit.models import AuditEvent
from core import clock
from notifications.models import Email
from scheduling import services
from scheduling.errors import AppointmentNotOpen, SessionOverlap, SlotTaken, TooManyAppointments
from scheduling.models import Appointment, PracticeSession, QueueTicket, Visit
from tests.factories.accounts import DoctorFactory, PatientUserFactory, UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, booking, session_at

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 30


def outcomes(results):
    """Count results by type, so that a surprise shows its name."""
    return {kind.__name__: sum(type(row) is kind for row in results) for kind in {type(row) for row in results}}


def test_thirty_bookings_of_one_slot_give_exactly_one(race):
    slot, desk = SessionFactory().slots.first(), UserFactory()
    patients = [PatientFactory(email=f"p{number}@surat.example") for number in range(MANY)]
    results = race(lambda patient: services.book_appointment(**booking(patient, slot, desk)), [(p,) for p in patients])
    assert outcomes(results) == {"Appointment": 1, SlotTaken.__name__: MANY - 1}
    assert Appointment.objects.filter(slot=slot).count() == 1
    assert AuditEvent.objects.filter(action="scheduling.appointment.booked").count() == 1
    assert Email.objects.count() == 1


def test_thirty_clicks_of_one_form_give_one_booking(race):
    slot, desk = SessionFactory().slots.first(), UserFactory()
    values = booking(PatientFactory(), slot, desk)
    results = race(lambda: services.book_appointment(**values), [()] * MANY)
    assert outcomes(results) == {"Appointment": MANY}
    assert len({row.pk for row in results}) == 1
    assert Appointment.objects.count() == 1


def test_thirty_approvals_of_one_appointment_give_one_audit_event_and_one_mail(race):
    admin = UserFactory()
    appointment = AppointmentFactory(status="pending", patient=PatientFactory(email="siti@surat.example"))
    results = race(lambda: services.approve_appointment(appointment_id=appointment.pk, actor=admin), [()] * MANY)
    assert outcomes(results) == {"Appointment": 1, AppointmentNotOpen.__name__: MANY - 1}
    assert AuditEvent.objects.filter(action="scheduling.appointment.approved").count() == 1
    assert Email.objects.filter(template="appointment_approved").count() == 1


def test_one_patient_booking_ten_times_at_once_keeps_to_the_limit(race):
    user = PatientUserFactory()
    patient = PatientFactory(user=user)
    slots = [session_at(clock.today() + timedelta(days=day), 9).slots.first() for day in range(1, 11)]
    results = race(
        lambda slot: services.book_appointment(**booking(patient, slot, user, source="portal")), [(s,) for s in slots]
    )
    assert outcomes(results) == {"Appointment": 3, TooManyAppointments.__name__: 7}


def test_overlapping_sessions_of_one_doctor_are_approved_once(race):
    doctor, admin, service = DoctorFactory(), UserFactory(), ServiceFactory()
    sessions = [
        SessionFactory(doctor=doctor, service=service, status=PracticeSession.Status.PENDING) for _ in range(10)
    ]
    results = race(
        lambda session: services.approve_session(session_id=session.pk, actor=admin), [(s,) for s in sessions]
    )
    assert outcomes(results) == {"PracticeSession": 1, SessionOverlap.__name__: 9}


def test_queue_numbers_are_unique_and_without_gaps(race):
    doctor, desk = DoctorFactory(), UserFactory()
    kinds = [ServiceFactory(queue_prefix="A"), ServiceFactory(queue_prefix="B")]
    calls = [(PatientFactory(), kinds[number % 2]) for number in range(MANY)]

    def arrive(patient, service):
        return services.register_walk_in(
            patient_id=patient.pk, service_id=service.pk, doctor_id=doctor.pk, complaint="Demam", actor=desk
        )

    results = race(arrive, calls)
    assert outcomes(results) == {"Visit": MANY}
    for prefix in "AB":
        numbers = sorted(QueueTicket.objects.filter(prefix=prefix).values_list("number", flat=True))
        assert numbers == list(range(1, MANY // 2 + 1))
    last = sorted(int(number[-4:]) for number in Visit.objects.values_list("number", flat=True))
    assert last == list(range(1, MANY + 1))


def test_one_patient_arriving_many_times_gets_one_visit(race):
    doctor, desk, service, patient = DoctorFactory(), UserFactory(), ServiceFactory(), PatientFactory()
    results = race(
        lambda: services.register_walk_in(
            patient_id=patient.pk, service_id=service.pk, doctor_id=doctor.pk, complaint="Demam", actor=desk
        ),
        [()] * 10,
    )
    assert outcomes(results) == {"Visit": 1, "AlreadyWaiting": 9}


def test_check_in_and_cancel_at_once_leave_one_truth(race):
    desk = UserFactory()
    slots = session_at(clock.today(), 23, count=2).slots.all()
    appointment = AppointmentFactory(slot=slots[1])
    results = race(
        lambda step: step(),
        [
            (lambda: services.check_in(appointment_id=appointment.pk, actor=desk),),
            (lambda: services.cancel_appointment(appointment_id=appointment.pk, actor=desk, reason="Batal"),),
        ],
    )
    appointment.refresh_from_db()
    assert sum(isinstance(row, AppointmentNotOpen) for row in results) == 1
    assert Visit.objects.count() == (1 if appointment.status == "arrived" else 0)
