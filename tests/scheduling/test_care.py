"""How the clinic's day lets doctors and nurses into a record, and out again: the wrong person first."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from core import clock
from notifications.models import Notice
from patients.models import Patient
from scheduling import services
from scheduling.models import Appointment, Service, Visit
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import ServiceFactory, VisitFactory, booking, session_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def slot(cast):
    return session_at(clock.today(), 15, doctor=cast.doctor).slots.first()


def book(cast, slot, **fields):
    return services.book_appointment(**booking(cast.patient_user.patient, slot, cast.receptionist, **fields))


def sees(user) -> bool:
    return Patient.objects.visible_to(user).exists()


def walk_in(cast):
    service = session_at(clock.today(), 15, doctor=cast.doctor).service
    return services.register_walk_in(
        patient_id=cast.patient_user.patient.pk, service_id=service.pk, doctor_id=cast.doctor.pk,
        complaint="Demam", actor=cast.receptionist,
    )  # fmt: skip


def test_a_booking_that_waits_tells_the_doctor_nothing(cast, client_for, slot):
    appointment = book(cast, slot)
    assert appointment.status == Appointment.Status.PENDING
    assert not sees(cast.doctor)
    assert not Appointment.objects.visible_to(cast.doctor).exists()
    client = client_for(cast.doctor)
    assert client.get(reverse("scheduling:appointment-detail", args=[appointment.pk])).status_code == 404
    for page in ("scheduling:appointment-list", "scheduling:calendar", "workspace:consultation-list"):
        assert "Siti Aminah" not in client.get(reverse(page)).content.decode()


def test_approval_lets_the_doctor_in_and_no_other(cast, slot):
    appointment = book(cast, slot)
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    assert sees(cast.doctor)
    assert not sees(cast.other_doctor)
    assert not sees(cast.nurse), "nurses come in with the arrival"


def test_an_instant_booking_is_approved_at_once(cast, slot):
    Service.objects.update(booking_mode=Service.BookingMode.INSTANT)
    assert book(cast, slot).status == Appointment.Status.APPROVED
    assert sees(cast.doctor)


@pytest.mark.parametrize("how", ["reject", "cancel", "no_show"])
def test_what_does_not_happen_takes_the_doctor_out_again(cast, slot, how):
    appointment = book(cast, slot)
    if how == "reject":
        services.reject_appointment(appointment_id=appointment.pk, actor=cast.admin, reason="Dokter cuti")
    else:
        services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
        assert sees(cast.doctor)
        if how == "cancel":
            services.cancel_appointment(appointment_id=appointment.pk, actor=cast.admin, reason="Pasien batal")
        else:
            with time_machine.travel(slot.ends_at, tick=False):
                services.mark_no_show(appointment_id=appointment.pk, actor=cast.receptionist)
                assert not sees(cast.doctor)
                return
    assert not sees(cast.doctor)
    assert not Appointment.objects.visible_to(cast.doctor).exists()


def test_the_notice_of_a_cancellation_leads_the_doctor_to_a_page_that_opens(cast, client_for, slot):
    appointment = book(cast, slot)
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    services.cancel_appointment(appointment_id=appointment.pk, actor=cast.admin, reason="Pasien batal")
    notice = Notice.objects.get(recipient=cast.doctor, kind="appointment_withdrawn")
    assert client_for(cast.doctor).get(notice.path).status_code == 200


def test_a_treated_visit_keeps_the_doctor_when_a_later_booking_is_cancelled(cast, slot):
    patient = cast.patient_user.patient
    VisitFactory(patient=patient, doctor=cast.doctor, status=Visit.Status.FINISHED)
    appointment = book(cast, slot)
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    services.cancel_appointment(appointment_id=appointment.pk, actor=cast.admin, reason="Pasien batal")
    assert sees(cast.doctor)


def test_arrival_lets_the_nurses_in_for_a_week(cast):
    visit = walk_in(cast)
    assert sees(cast.nurse)
    last = clock.day_bounds(visit.visit_on + timedelta(days=7))[1]
    with time_machine.travel(last - timedelta(minutes=1), tick=False):
        assert sees(cast.nurse)
        assert Visit.objects.visible_to(cast.nurse).filter(pk=visit.pk).exists()
    with time_machine.travel(last, tick=False):
        assert not sees(cast.nurse)
        assert not Visit.objects.visible_to(cast.nurse).filter(pk=visit.pk).exists()
        assert sees(cast.doctor)


def test_a_visit_that_is_cancelled_lets_everybody_out(cast, slot):
    appointment = book(cast, slot)
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    visit = services.check_in(appointment_id=appointment.pk, actor=cast.receptionist)
    assert sees(cast.doctor)
    services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="Pulang")
    assert not sees(cast.doctor)
    assert not sees(cast.nurse)
    assert not Visit.objects.visible_to(cast.doctor).exists()


def test_the_desk_does_not_read_what_a_patient_complains_of(cast, client_for, slot):
    appointment = book(cast, slot, complaint="Keluhan yang pribadi")
    url = reverse("scheduling:appointment-detail", args=[appointment.pk])
    page = client_for(cast.receptionist).get(url).content.decode()
    assert "Siti Aminah" in page
    assert "Keluhan yang pribadi" not in page
    assert "Keluhan yang pribadi" in client_for(cast.admin).get(url).content.decode()


def test_nurses_read_the_whole_history_of_who_is_here_and_nobody_elses(cast):
    patient, other = PatientFactory(), PatientFactory()
    old = VisitFactory(patient=patient, visit_on=clock.today() - timedelta(days=400), service=ServiceFactory())
    VisitFactory(patient=other, visit_on=clock.today() - timedelta(days=400))
    assert not Visit.objects.visible_to(cast.nurse).exists()
    now = VisitFactory(patient=patient)
    assert set(Visit.objects.visible_to(cast.nurse)) == {old, now}
