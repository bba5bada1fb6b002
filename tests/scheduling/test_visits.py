"""Arrival, queue numbers and the way through the clinic."""

from datetime import date, timedelta

import pytest
import time_machine

from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput
from notifications.models import Notice
from patients.models import CareTeamMember, Patient
from scheduling import services
from scheduling.errors import (
    AlreadyWaiting,
    AppointmentNotOpen,
    NotVisitDoctor,
    PatientNotActive,
    ReasonMissing,
    ServiceNotOffered,
    VisitNotOpen,
    WrongDay,
)
from scheduling.models import Appointment, QueueTicket, Visit
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, VisitFactory, session_at

pytestmark = pytest.mark.django_db

Status = Visit.Status


def walk_in(cast, patient=None, service=None, **fields):
    return services.register_walk_in(
        patient_id=(patient or PatientFactory()).pk, service_id=(service or ServiceFactory()).pk,
        doctor_id=cast.doctor.pk, complaint="Demam", actor=cast.receptionist, **fields,
    )  # fmt: skip


def test_another_doctor_cannot_start_or_close_my_consultation(cast):
    visit = VisitFactory(doctor=cast.doctor)
    with pytest.raises(NotVisitDoctor):
        services.start_consultation(visit_id=visit.pk, actor=cast.other_doctor)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    with pytest.raises(NotVisitDoctor):
        services.close_consultation(visit_id=visit.pk, actor=cast.other_doctor, next_status=Status.CASHIER)
    visit.refresh_from_db()
    assert visit.status == Status.IN_CONSULTATION


def test_walk_in_gets_numbers_price_and_care_team(cast):
    patient, service = PatientFactory(), ServiceFactory(queue_prefix="B")
    visit = walk_in(cast, patient, service, priority="elderly")
    day = clock.today()
    assert visit.number == f"RJ/{day:%Y%m%d}/0001"
    assert visit.ticket.label == "B-001"
    assert (visit.price_idr, visit.status, visit.visit_on, visit.is_priority) == (100_000, Status.ARRIVED, day, True)
    assert CareTeamMember.objects.filter(patient=patient, member=CareTeamMember.of_user(cast.doctor.pk)).exists()
    assert AuditEvent.objects.get(action="scheduling.visit.walked_in").detail["ticket"] == "B-001"


def test_walk_in_refuses_what_the_doctor_does_not_offer(cast):
    for service in (ServiceFactory(specialty="gigi"), ServiceFactory(is_active=False)):
        with pytest.raises(ServiceNotOffered):
            walk_in(cast, service=service)
    with pytest.raises(InvalidInput):
        services.register_walk_in(
            patient_id=PatientFactory().pk, service_id=ServiceFactory().pk, doctor_id=cast.doctor.pk, complaint=" ",
            actor=cast.receptionist,
        )  # fmt: skip
    with pytest.raises(PatientNotActive):
        walk_in(cast, PatientFactory(status=Patient.Status.ARCHIVED))
    assert Visit.objects.count() == 0


def test_numbers_run_per_letter_without_gaps_and_refusals_cost_none(cast):
    first, second = ServiceFactory(queue_prefix="A"), ServiceFactory(queue_prefix="C")
    patient = PatientFactory()
    walk_in(cast, patient, first)
    with pytest.raises(AlreadyWaiting):
        walk_in(cast, patient, first)
    walk_in(cast, None, second)
    walk_in(cast, None, first)
    assert [ticket.label for ticket in QueueTicket.objects.order_by("id")] == ["A-001", "C-001", "A-002"]
    assert [visit.number[-4:] for visit in Visit.objects.order_by("id")] == ["0001", "0002", "0003"]


def test_a_finished_visit_lets_the_patient_come_again(cast):
    patient = PatientFactory()
    visit = walk_in(cast, patient)
    services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="Pulang dulu")
    again = walk_in(cast, patient)
    assert again.ticket.number == 2, "a cancelled number is not given again"


def test_check_in_moves_the_appointment_and_keeps_its_price(cast):
    today = clock.today()
    with time_machine.travel(clock.day_bounds(today)[0] + timedelta(hours=7), tick=False):
        slot = session_at(today, 9, doctor=cast.doctor).slots.first()
        appointment = AppointmentFactory(slot=slot, price_idr=77_000)
        visit = services.check_in(appointment_id=appointment.pk, actor=cast.receptionist)
        with pytest.raises(AppointmentNotOpen):
            services.check_in(appointment_id=appointment.pk, actor=cast.receptionist)
    appointment.refresh_from_db()
    assert (appointment.status, visit.price_idr, visit.complaint) == ("arrived", 77_000, appointment.complaint)
    assert (Visit.objects.count(), QueueTicket.objects.count()) == (1, 1)


def test_check_in_only_today_and_only_approved(cast):
    with pytest.raises(WrongDay):
        services.check_in(appointment_id=AppointmentFactory().pk, actor=cast.receptionist)
    for status in (Appointment.Status.PENDING, Appointment.Status.CANCELLED, Appointment.Status.NO_SHOW):
        appointment = AppointmentFactory(status=status)
        with pytest.raises(AppointmentNotOpen):
            services.check_in(appointment_id=appointment.pk, actor=cast.receptionist)
    assert Visit.objects.count() == 0


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-11-20T16:30:00+00:00", date(2026, 11, 20)),  # 23.30 WIB
        ("2026-11-20T17:00:00+00:00", date(2026, 11, 21)),  # 00.00 WIB
        ("2026-11-20T23:59:00+00:00", date(2026, 11, 21)),  # 06.59 WIB, still the 20th in UTC
    ],
)
def test_the_queue_day_is_the_clinics_day(cast, instant, day):
    with time_machine.travel(instant, tick=False):
        visit = walk_in(cast)
    assert (visit.visit_on, visit.ticket.issued_on, visit.number) == (day, day, f"RJ/{day:%Y%m%d}/0001")


def test_the_queue_starts_anew_at_the_clinics_midnight_and_not_at_utc_midnight(cast):
    with time_machine.travel("2026-11-20T16:30:00+00:00", tick=False):
        evening = walk_in(cast)
    with time_machine.travel("2026-11-20T17:30:00+00:00", tick=False):
        night = walk_in(cast)
    with time_machine.travel("2026-11-21T00:30:00+00:00", tick=False):
        morning = walk_in(cast)
    assert [visit.ticket.number for visit in (evening, night, morning)] == [1, 1, 2]


def test_check_in_late_in_the_evening_of_the_right_clinic_day(cast):
    slot = session_at(date(2026, 11, 20), 22, doctor=cast.doctor, count=4).slots.last()  # 23.30 WIB
    with time_machine.travel("2026-11-19T18:00:00+00:00", tick=False):  # 01.00 WIB of the 20th
        visit = services.check_in(appointment_id=AppointmentFactory(slot=slot).pk, actor=cast.receptionist)
    assert visit.visit_on == date(2026, 11, 20)


def test_calling_counts_and_tells_the_patient(cast):
    visit = VisitFactory(patient=cast.patient_user.patient, doctor=cast.doctor)
    services.call_ticket(visit_id=visit.pk, actor=cast.nurse)
    ticket = services.call_ticket(visit_id=visit.pk, actor=cast.nurse)
    assert ticket.call_count == 2
    assert Notice.objects.filter(recipient=cast.patient_user, kind="patient_called").count() == 2


def test_the_whole_way(cast):
    today = clock.today()
    slot = session_at(today, 23, doctor=cast.doctor, count=1).slots.first()
    visit = services.check_in(appointment_id=AppointmentFactory(slot=slot).pk, actor=cast.receptionist)
    services.start_triage(visit_id=visit.pk, actor=cast.nurse)
    services.finish_triage(visit_id=visit.pk, actor=cast.nurse)
    services.finish_triage(visit_id=visit.pk, actor=cast.nurse)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    services.close_consultation(visit_id=visit.pk, actor=cast.doctor, next_status=Status.PHARMACY)
    services.move_visit(visit_id=visit.pk, to_status=Status.CASHIER)
    services.move_visit(visit_id=visit.pk, to_status=Status.CASHIER)
    services.finish_visit(visit_id=visit.pk, actor=cast.pharmacist)
    services.finish_visit(visit_id=visit.pk, actor=cast.pharmacist)
    visit.refresh_from_db()
    assert visit.status == Status.FINISHED
    assert visit.appointment.status == Appointment.Status.FINISHED
    assert all((visit.triaged_at, visit.started_at, visit.consulted_at, visit.finished_at))
    moves = AuditEvent.objects.filter(action="scheduling.visit.moved").order_by("id").values_list("detail", flat=True)
    assert [move["to"] for move in moves] == ["triage", "waiting", "in_consultation", "pharmacy", "cashier", "finished"]


@pytest.mark.parametrize(
    "status", [Status.IN_CONSULTATION, Status.PHARMACY, Status.CASHIER, Status.FINISHED, Status.CANCELLED]
)
def test_cancel_only_before_the_doctor(cast, status):
    visit = VisitFactory(status=status)
    with pytest.raises(VisitNotOpen):
        services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="Pulang")
    visit.refresh_from_db()
    assert (visit.status, visit.reason) == (status, "")


def test_cancel_keeps_its_reason_and_cancels_the_appointment(cast):
    today = clock.today()
    slot = session_at(today, 23, doctor=cast.doctor, count=1).slots.first()
    visit = services.check_in(appointment_id=AppointmentFactory(slot=slot).pk, actor=cast.receptionist)
    with pytest.raises(ReasonMissing):
        services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="")
    services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="Pasien pulang")
    visit.refresh_from_db()
    assert (visit.status, visit.reason, visit.appointment.status) == (Status.CANCELLED, "Pasien pulang", "cancelled")


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (Status.TRIAGE, services.start_triage),
        (Status.IN_CONSULTATION, services.finish_triage),
        (Status.PHARMACY, services.start_consultation),
        (Status.FINISHED, services.call_ticket),
        (Status.CANCELLED, services.call_ticket),
        (Status.WAITING, services.finish_visit),
        (Status.CANCELLED, services.finish_visit),
    ],
)
def test_steps_refuse_the_wrong_state(cast, status, step):
    visit = VisitFactory(status=status, doctor=cast.doctor)
    with pytest.raises(VisitNotOpen):
        step(visit_id=visit.pk, actor=cast.doctor)
    visit.refresh_from_db()
    assert visit.status == status


def test_the_doctor_cannot_send_a_patient_back_to_the_start(cast):
    visit = VisitFactory(status=Status.IN_CONSULTATION, doctor=cast.doctor)
    for status in (Status.ARRIVED, Status.WAITING, Status.CANCELLED, "elsewhere"):
        with pytest.raises(ValueError, match=status):
            services.close_consultation(visit_id=visit.pk, actor=cast.doctor, next_status=status)
