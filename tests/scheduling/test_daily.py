"""Reminders of the day before, and appointments nobody came to, with the clock standing still."""

from datetime import date, timedelta

import pytest
import time_machine

from audit.models import AuditEvent
from notifications.models import Email, Notice
from scheduling import services, tasks
from scheduling.models import Appointment
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, booking, session_at

pytestmark = pytest.mark.django_db

TODAY, TOMORROW = date(2026, 11, 20), date(2026, 11, 21)


def at(clock_time: str, day: date = TODAY):
    return time_machine.travel(f"{day.isoformat()}T{clock_time}:00+07:00", tick=False)


@pytest.fixture
def tomorrow(cast):
    with at("07:00"):
        yield session_at(TOMORROW, 9, doctor=cast.doctor, count=6)


def reminders() -> list[str]:
    return list(
        Email.objects.filter(template="appointment_reminder").order_by("id").values_list("dedupe_key", flat=True)
    )


def appointment_of(slot, **fields):
    return AppointmentFactory(slot=slot, patient=PatientFactory(email="siti@surat.example"), **fields)


def test_not_before_eight_and_once_from_eight_on(tomorrow):
    appointment = appointment_of(tomorrow.slots.first())
    with at("07:59"):
        assert tasks.remind_tomorrow() == 0
        assert reminders() == []
    with at("08:00"):
        assert tasks.remind_tomorrow() == 1
    with at("08:10"):
        assert tasks.remind_tomorrow() == 0
    assert reminders() == [f"appointment_reminder:{appointment.pk}:2026-11-21"]
    assert AuditEvent.objects.filter(action="scheduling.appointment.reminded").count() == 1


def test_a_scheduler_that_starts_at_half_past_one_still_reminds(tomorrow):
    appointment_of(tomorrow.slots.first())
    with at("13:30"):
        assert tasks.remind_tomorrow() == 1
    with at("23:50"):
        assert tasks.remind_tomorrow() == 0
    with at("00:00", TOMORROW):
        assert tasks.remind_tomorrow() == 0
    assert len(reminders()) == 1


def test_only_approved_ones_of_tomorrow(cast, tomorrow):
    for slot, status in zip(tomorrow.slots.all(), ["cancelled", "rejected", "pending", "no_show"], strict=False):
        appointment_of(slot, status=status)
    appointment_of(session_at(TODAY, 20, doctor=cast.doctor).slots.first())
    appointment_of(session_at(TOMORROW + timedelta(days=1), 9, doctor=cast.doctor).slots.first())
    with at("08:00"):
        assert tasks.remind_tomorrow() == 0
    assert reminders() == []


def test_cancelled_after_the_reminder_and_booked_again_reminds_the_new_one(cast, tomorrow):
    patient = PatientFactory(email="siti@surat.example")
    first = AppointmentFactory(slot=tomorrow.slots.first(), patient=patient)
    with at("08:00"):
        tasks.remind_tomorrow()
    with at("10:00"):
        services.cancel_appointment(appointment_id=first.pk, actor=cast.receptionist, reason="Pindah jam")
        second = services.book_appointment(**booking(patient, tomorrow.slots.first(), cast.receptionist))
        assert tasks.remind_tomorrow() == 0, "it waits for approval"
        services.approve_appointment(appointment_id=second.pk, actor=cast.admin)
        assert tasks.remind_tomorrow() == 1
        assert tasks.remind_tomorrow() == 0
    assert reminders() == [f"appointment_reminder:{row.pk}:2026-11-21" for row in (first, second)]


def test_cancelled_between_reading_and_sending_gets_none(tomorrow, monkeypatch):
    from scheduling.services import reminders as module

    appointment_of(tomorrow.slots.first())
    real = module._remind

    def cancelled_meanwhile(pk):
        Appointment.objects.filter(pk=pk).update(status="cancelled")
        return real(pk)

    monkeypatch.setattr(module, "_remind", cancelled_meanwhile)
    with at("08:00"):
        assert tasks.remind_tomorrow() == 0
    assert reminders() == []


def test_the_portal_user_gets_a_notice_too_and_no_complaint_leaves(cast, tomorrow):
    AppointmentFactory(slot=tomorrow.slots.first(), patient=cast.patient_user.patient)
    with at("08:00"):
        tasks.remind_tomorrow()
    assert Notice.objects.filter(recipient=cast.patient_user, kind="appointment_reminder").count() == 1
    mail = Email.objects.get()
    assert "Batuk" not in mail.subject + mail.body_text + mail.body_html
    assert "Siti" not in mail.subject


def test_the_evening_session_belongs_to_the_clinics_tomorrow(cast, tomorrow):
    late = session_at(TOMORROW, 23, doctor=cast.other_doctor, count=2)  # 23.30 WIB is 16.30 UTC of the same day
    early = session_at(TOMORROW, 0, doctor=cast.other_doctor, count=1)  # 00.00 WIB is 17.00 UTC of today
    for session in (late, early):
        appointment_of(session.slots.last())
    with at("08:00"):
        assert tasks.remind_tomorrow() == 2


def test_statement_count_does_not_grow_once_all_are_reminded(cast, tomorrow, django_assert_max_num_queries):
    for slot in tomorrow.slots.all():
        appointment_of(slot)
    with at("08:00"):
        assert tasks.remind_tomorrow() == 6
        with django_assert_max_num_queries(2):
            assert tasks.remind_tomorrow() == 0


def test_no_shows_only_after_the_clinic_day_ended(cast):
    with at("07:00"):
        slots = session_at(TODAY, 9, doctor=cast.doctor, count=4).slots.all()
        missed, arrived, waiting = (
            AppointmentFactory(slot=slot, status=status)
            for slot, status in zip(slots, ["approved", "arrived", "pending"], strict=False)
        )  # fmt: skip
        ahead = AppointmentFactory(slot=session_at(TOMORROW, 9, doctor=cast.doctor).slots.first())
    with at("23:50"):
        tasks.mark_no_shows()
    missed.refresh_from_db()
    assert missed.status == "approved"
    with at("00:10", TOMORROW):
        assert tasks.mark_no_shows() is True
        assert tasks.mark_no_shows() is False, "once a day"
    states = dict(Appointment.objects.values_list("pk", "status"))
    assert states == {missed.pk: "no_show", arrived.pk: "arrived", waiting.pk: "pending", ahead.pk: "approved"}
    event = AuditEvent.objects.get(action="scheduling.appointment.no_show")
    assert (event.actor_id, event.actor_roles) == (None, "system")
