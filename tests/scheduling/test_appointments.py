"""Booking, deciding and cancelling."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput
from notifications.models import Email, Notice
from patients.models import CareTeamMember, Patient
from scheduling import services
from scheduling.errors import (
    AppointmentNotOpen,
    AppointmentOverlap,
    NotYourAppointment,
    PatientNotActive,
    ReasonMissing,
    SlotTaken,
    TooManyAppointments,
)
from scheduling.models import Appointment, PracticeSession, Slot
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, booking, session_at

pytestmark = pytest.mark.django_db

Status = Appointment.Status


def book(patient, slot, actor, **fields):
    return services.book_appointment(**booking(patient, slot, actor, **fields))


def test_another_patient_cannot_cancel_mine(cast, session):
    appointment = book(cast.patient_user.patient, session.slots.first(), cast.patient_user)
    with pytest.raises(NotYourAppointment):
        services.cancel_appointment(appointment_id=appointment.pk, actor=cast.other_patient_user, reason="")
    appointment.refresh_from_db()
    assert appointment.status == Status.PENDING


def test_booking_takes_doctor_service_and_price_from_the_slot(cast, session):
    cast.admin
    patient = cast.patient_user.patient
    appointment = book(patient, session.slots.first(), cast.receptionist)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.doctor_id, appointment.service_id, appointment.price_idr) == (
        Status.PENDING, cast.doctor.pk, session.service_id, 100_000,
    )  # fmt: skip
    assert not CareTeamMember.objects.filter(patient=patient).exists(), "who only asked is nobody's patient"
    mail = Email.objects.get()
    assert (mail.template, mail.dedupe_key) == ("appointment_requested", f"appointment_requested:{appointment.pk}")
    assert mail.to_address == cast.patient_user.email
    assert "Batuk" not in mail.body_text + mail.body_html
    kinds = dict(Notice.objects.values_list("recipient_id", "kind"))
    assert kinds == {cast.admin.pk: "appointment_requested", cast.patient_user.pk: "appointment_received"}
    event = AuditEvent.objects.get(action="scheduling.appointment.booked")
    assert (event.patient_id, event.detail["price_idr"]) == (patient.pk, 100_000)


def test_a_later_price_does_not_change_what_was_booked(cast, session):
    appointment = book(cast.patient_user.patient, session.slots.first(), cast.receptionist)
    session.service.price_idr = 999_000
    session.service.save()
    appointment.refresh_from_db()
    assert appointment.price_idr == 100_000


def test_instant_service_is_approved_at_once(cast, instant_session):
    appointment = book(cast.patient_user.patient, instant_session.slots.first(), cast.patient_user, source="portal")
    assert appointment.status == Status.APPROVED
    assert list(Email.objects.values_list("template", flat=True)) == ["appointment_approved"]
    assert Notice.objects.filter(recipient=cast.other_doctor, kind="appointment_booked").count() == 1


def test_same_key_is_the_same_booking_and_nobody_elses(cast, session):
    patient, slot = cast.patient_user.patient, session.slots.first()
    values = booking(patient, slot, cast.patient_user)
    first, second = services.book_appointment(**values), services.book_appointment(**values)
    assert first.pk == second.pk
    assert (Appointment.objects.count(), Email.objects.count()) == (1, 1)
    with pytest.raises(InvalidInput):
        services.book_appointment(**{**values, "patient_id": PatientFactory().pk, "actor": cast.receptionist})
    with pytest.raises(NotYourAppointment):
        services.book_appointment(**{**values, "patient_id": PatientFactory().pk, "idempotency_key": uuid4()})


def test_a_form_used_before_does_not_pass_for_another_booking(cast, session):
    """After the back button: another time is chosen, or the booking was cancelled meanwhile."""
    first, other = session.slots.all()[:2]
    values = booking(cast.patient_user.patient, first, cast.receptionist)
    booked = services.book_appointment(**values)
    with pytest.raises(InvalidInput):
        services.book_appointment(**{**values, "slot_id": other.pk})
    services.cancel_appointment(appointment_id=booked.pk, actor=cast.receptionist, reason="Pasien menelepon")
    with pytest.raises(InvalidInput):
        services.book_appointment(**values)
    assert Appointment.objects.count() == 1


def test_taken_past_unapproved_and_unknown_slots_are_refused(cast, session):
    slot = session.slots.first()
    book(cast.patient_user.patient, slot, cast.receptionist)
    pending = SessionFactory(doctor=cast.other_doctor, status=PracticeSession.Status.PENDING)
    past = session_at(clock.today() - timedelta(days=1), 9, doctor=cast.other_doctor)
    closed = SessionFactory(doctor=cast.other_doctor, service__is_active=False)
    patient = PatientFactory()
    for lost in (slot, pending.slots.first(), past.slots.first(), closed.slots.first(), Slot(pk=uuid4())):
        with pytest.raises(SlotTaken):
            book(patient, lost, cast.receptionist)
    assert Appointment.objects.count() == 1


def test_a_rejected_or_cancelled_slot_is_free_again(cast, session):
    slot = session.slots.first()
    first = book(PatientFactory(), slot, cast.receptionist)
    services.reject_appointment(appointment_id=first.pk, actor=cast.admin, reason="Dokter cuti")
    second = book(PatientFactory(), slot, cast.receptionist)
    services.cancel_appointment(appointment_id=second.pk, actor=cast.receptionist, reason="Pasien menelepon")
    third = book(PatientFactory(), slot, cast.receptionist)
    assert list(Appointment.objects.filter(active=1).values_list("pk", flat=True)) == [third.pk]


def test_portal_limit_of_three_ahead_counts_open_ones_only(cast):
    patient = cast.patient_user.patient
    sessions = [session_at(clock.today() + timedelta(days=day), 9, doctor=cast.doctor) for day in range(1, 6)]
    slots = [session.slots.first() for session in sessions]
    booked = [book(patient, slot, cast.patient_user, source="portal") for slot in slots[:3]]
    with pytest.raises(TooManyAppointments):
        book(patient, slots[3], cast.patient_user, source="portal")
    book(patient, slots[3], cast.receptionist)
    services.cancel_appointment(appointment_id=booked[0].pk, actor=cast.patient_user, reason="")
    services.cancel_appointment(appointment_id=booked[1].pk, actor=cast.patient_user, reason="")
    book(patient, slots[4], cast.patient_user, source="portal")
    assert Appointment.objects.filter(patient=patient, active=1).count() == 3


def test_two_appointments_of_one_patient_never_overlap(cast, session):
    tomorrow = clock.today() + timedelta(days=1)
    other = session_at(tomorrow, 9, doctor=cast.other_doctor)
    patient = PatientFactory()
    book(patient, session.slots.first(), cast.receptionist)
    with pytest.raises(AppointmentOverlap):
        book(patient, other.slots.first(), cast.receptionist)
    book(patient, other.slots.all()[1], cast.receptionist)  # 09.30 touches 09.00-09.30, does not overlap


def test_complaint_is_needed_and_bounded_and_archived_patients_do_not_book(cast, session):
    slot = session.slots.first()
    for complaint in ("", "  \n", "x" * 1001):
        with pytest.raises(InvalidInput):
            book(PatientFactory(), slot, cast.receptionist, complaint=complaint)
    with pytest.raises(PatientNotActive):
        book(PatientFactory(status=Patient.Status.ARCHIVED), slot, cast.receptionist)
    assert Appointment.objects.count() == 0


def test_approval_mails_and_tells_once(cast, session):
    appointment = book(cast.patient_user.patient, session.slots.first(), cast.patient_user)
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    with pytest.raises(AppointmentNotOpen):
        services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.decided_by_id) == (Status.APPROVED, cast.admin.pk)
    assert Email.objects.filter(dedupe_key=f"appointment_approved:{appointment.pk}").count() == 1
    assert AuditEvent.objects.filter(action="scheduling.appointment.approved").count() == 1
    assert Notice.objects.filter(recipient=cast.patient_user, kind="appointment_approved").count() == 1
    assert Notice.objects.filter(recipient=cast.doctor, kind="appointment_booked").count() == 1


def test_approval_of_a_passed_time_is_refused(cast, session):
    appointment = book(cast.patient_user.patient, session.slots.first(), cast.patient_user)
    with time_machine.travel(session.starts_at, tick=False), pytest.raises(AppointmentNotOpen):
        services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)


def test_rejection_carries_its_reason_to_the_patient(cast, session):
    appointment = book(cast.patient_user.patient, session.slots.first(), cast.patient_user)
    with pytest.raises(ReasonMissing):
        services.reject_appointment(appointment_id=appointment.pk, actor=cast.admin, reason=" ")
    services.reject_appointment(appointment_id=appointment.pk, actor=cast.admin, reason="Dokter <b>cuti</b>")
    mail = Email.objects.get(template="appointment_rejected")
    assert "Dokter <b>cuti</b>" in mail.body_text
    assert "Dokter &lt;b&gt;cuti&lt;/b&gt;" in mail.body_html
    assert "cuti" not in mail.subject


def test_patient_cancels_while_ahead_only_and_staff_give_a_reason(cast, session):
    appointment = book(cast.patient_user.patient, session.slots.first(), cast.patient_user)
    with pytest.raises(ReasonMissing):
        services.cancel_appointment(appointment_id=appointment.pk, actor=cast.receptionist, reason="")
    with time_machine.travel(session.starts_at, tick=False), pytest.raises(AppointmentNotOpen):
        services.cancel_appointment(appointment_id=appointment.pk, actor=cast.patient_user, reason="")
    services.cancel_appointment(appointment_id=appointment.pk, actor=cast.patient_user, reason="")
    with pytest.raises(AppointmentNotOpen):
        services.cancel_appointment(appointment_id=appointment.pk, actor=cast.patient_user, reason="")
    assert Email.objects.filter(template="appointment_cancelled").count() == 1
    assert Notice.objects.filter(recipient=cast.doctor, kind="appointment_withdrawn").count() == 1


def test_no_show_only_after_the_time(cast):
    appointment = AppointmentFactory()
    with pytest.raises(AppointmentNotOpen):
        services.mark_no_show(appointment_id=appointment.pk, actor=cast.receptionist)
    with time_machine.travel(appointment.slot.starts_at, tick=False):
        services.mark_no_show(appointment_id=appointment.pk, actor=cast.receptionist)
    appointment.refresh_from_db()
    assert (appointment.status, appointment.active) == (Status.NO_SHOW, None)


def test_hostile_text_is_kept_as_text(cast, session):
    text = "<script>alert(1)</script> 'kutip' \"dua\" 🤒 O'Neil; DROP TABLE"
    appointment = book(cast.patient_user.patient, session.slots.first(), cast.patient_user, complaint=text)
    assert Appointment.objects.get(pk=appointment.pk).complaint == text
