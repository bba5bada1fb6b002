"""What an attack on the clinic's day found: each of these was possible once."""

from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse

from accounts.services import deactivate_user
from core import clock
from notifications import delivery
from notifications.models import Email
from patients import integrity
from patients.errors import CannotMerge
from patients.models import GuardianLink, Patient
from patients.services.consents import Signer
from patients.services.merging import merge_patients
from scheduling import services, tasks
from scheduling.errors import AppointmentNotOpen, CannotUndo, CodeNotAccepted, OfferEnded
from scheduling.models import (
    Appointment,
    Holiday,
    QueueEvent,
    QueueStep,
    ReminderPreference,
    Service,
    TimeOff,
    Visit,
    WaitlistEntry,
)
from scheduling.services import arrivals, queue, serving
from scheduling.services.closures import closed_slots, refresh_year_ahead
from scheduling.services.waitlist import end_old_wishes, offer_freed_slot
from tests.factories.accounts import PatientUserFactory
from tests.factories.consultations import NoteFactory
from tests.factories.patients import GuardianLinkFactory, PatientFactory
from tests.factories.scheduling import AppointmentFactory, StationFactory, VisitFactory, session_at
from tests.patients.test_consents import MESSAGES, give_choice

pytestmark = pytest.mark.django_db

Status = Appointment.Status


def wish(patient, session, actor):
    today = clock.today()
    return services.join_waitlist(
        patient_id=patient.pk, service_id=session.service_id, actor=actor, first_on=today,
        last_on=today + timedelta(days=7),
    )  # fmt: skip


@pytest.fixture
def offer(cast, session):
    """A time of tomorrow that is offered to the patient of the cast."""
    wish(cast.patient_user.patient, session, cast.patient_user)
    found = offer_freed_slot(session.slots.first().pk)
    assert found is not None
    assert found.status == Status.OFFERED
    return found


# --- offers -------------------------------------------------------------------------------------------------------------


def holiday(cast, session):
    Holiday.objects.create(date=session.practice_on, name="Cuti bersama", kind=Holiday.Kind.JOINT_LEAVE)
    assert refresh_year_ahead() == 3


def doctor_left(cast, session):
    deactivate_user(user_id=session.doctor_id, actor=cast.admin)


def service_ended(cast, session):
    Service.objects.filter(pk=session.service_id).update(is_active=False)


@pytest.mark.parametrize("happens", [holiday, doctor_left, service_ended])
def test_an_offer_is_not_taken_after_its_time_was_closed(cast, session, offer, happens, client_for):
    happens(cast, session)
    answer = client_for(cast.patient_user).post(
        reverse("scheduling:portal-offer-accept", args=[offer.pk]), {"complaint": "Batuk"}
    )
    assert answer.status_code == 409
    offer.refresh_from_db()
    assert offer.status == Status.OFFERED
    with pytest.raises(OfferEnded):
        services.accept_offer(appointment_id=offer.pk, actor=cast.receptionist, complaint="Batuk")


def test_an_archived_patient_hears_nothing_of_the_waiting_list(cast, session):
    patient = PatientFactory(email="almarhum@surat.example")
    entry = wish(patient, session, cast.receptionist)
    Patient.objects.filter(pk=patient.pk).update(status=Patient.Status.ARCHIVED)
    assert end_old_wishes(clock.today() + timedelta(days=8)) == 1
    entry.refresh_from_db()
    assert entry.status == WaitlistEntry.Status.EXPIRED
    assert not Email.objects.exists()


def test_an_offer_that_waited_until_it_had_ended_is_not_mailed(cast, session, mailoutbox):
    patient = PatientFactory(email="siti@surat.example")
    wish(patient, session, cast.receptionist)
    offered = offer_freed_slot(session.slots.first().pk)
    email = Email.objects.get(template="waitlist_offered")
    services.decline_offer(appointment_id=offered.pk, actor=cast.receptionist)
    assert not delivery.deliver(email.pk)
    email.refresh_from_db()
    assert email.status == Email.Status.WITHDRAWN
    assert mailoutbox == []


def test_an_offer_that_stands_is_mailed(cast, session, mailoutbox):
    wish(PatientFactory(email="siti@surat.example"), session, cast.receptionist)
    offer_freed_slot(session.slots.first().pk)
    assert delivery.deliver(Email.objects.get(template="waitlist_offered").pk)
    assert len(mailoutbox) == 1


# --- reminders that waited ----------------------------------------------------------------------------------------------


@pytest.fixture
def reminded(cast):
    """A reminder that waits in the outbox since eight o'clock, and its appointment."""
    day = date(2026, 11, 21)
    with time_machine.travel("2026-11-18T07:00:00+07:00", tick=False):
        session = session_at(day, 9, doctor=cast.doctor)
        patient = PatientFactory(email="siti@surat.example", birth_date=date(2018, 5, 1))
        link = GuardianLinkFactory(dependant=patient, guardian=PatientUserFactory(email="ibu@surat.example"))
        appointment = AppointmentFactory(slot=session.slots.first(), patient=patient)
    with time_machine.travel("2026-11-20T08:00:00+07:00", tick=False):
        assert tasks.remind_tomorrow() == 1
        yield appointment, link


def test_a_reminder_that_waited_is_not_sent_after_messages_were_refused(cast, reminded, mailoutbox):
    appointment, _link = reminded
    mother = Signer(name="Ibu Rina", relation_code="2")
    give_choice(appointment.patient, cast.receptionist, MESSAGES, permit=False, signer=mother)
    assert [delivery.deliver(email.pk) for email in Email.objects.all()] == [False, False]
    assert mailoutbox == []


def test_a_reminder_that_waited_is_not_sent_after_none_were_wanted(cast, reminded, mailoutbox):
    appointment, _link = reminded
    services.set_reminder_preference(patient_id=appointment.patient_id, channel="none", actor=cast.receptionist)
    assert [delivery.deliver(email.pk) for email in Email.objects.all()] == [False, False]
    assert mailoutbox == []


def test_a_reminder_that_waited_does_not_go_to_a_former_guardian(cast, reminded, mailoutbox):
    _appointment, link = reminded
    GuardianLink.objects.filter(pk=link.pk).update(status=GuardianLink.Status.ENDED)
    for email in Email.objects.all():
        delivery.deliver(email.pk)
    assert [mail.to for mail in mailoutbox] == [["siti@surat.example"]]


# --- a doctor who left --------------------------------------------------------------------------------------------------


def test_nobody_is_checked_in_for_a_doctor_who_left(cast):
    session = session_at(clock.today(), 11, doctor=cast.doctor)
    appointment = AppointmentFactory(slot=session.slots.first())
    deactivate_user(user_id=cast.doctor.pk, actor=cast.admin)
    with pytest.raises(AppointmentNotOpen):
        services.check_in(appointment_id=appointment.pk, actor=cast.receptionist)
    with pytest.raises(CodeNotAccepted):
        arrivals.check_in_with_code(code=appointment.code)
    assert not Visit.objects.exists()


def test_a_request_for_a_doctor_who_left_is_not_approved(cast, session):
    appointment = AppointmentFactory(slot=session.slots.first(), status=Status.PENDING)
    deactivate_user(user_id=cast.doctor.pk, actor=cast.admin)
    with pytest.raises(AppointmentNotOpen):
        services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    appointment.refresh_from_db()
    assert appointment.status == Status.PENDING


def test_bookings_of_a_doctor_who_left_are_among_those_to_decide(cast, session, client_for):
    appointment = AppointmentFactory(slot=session.slots.first())
    assert not closed_slots().exists()
    deactivate_user(user_id=cast.doctor.pk, actor=cast.admin)
    assert appointment.slot in closed_slots()
    page = client_for(cast.admin).get(reverse("scheduling:closed-bookings"))
    assert page.status_code == 200
    assert appointment.patient.full_name in page.content.decode()


# --- requests for closed times ------------------------------------------------------------------------------------------


def test_a_request_on_a_holiday_that_was_imported_is_not_approved(cast, session):
    appointment = AppointmentFactory(slot=session.slots.first(), status=Status.PENDING)
    holiday(cast, session)
    with pytest.raises(AppointmentNotOpen):
        services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    appointment.refresh_from_db()
    assert appointment.status == Status.PENDING


def test_a_request_that_was_kept_in_blocked_hours_is_approved(cast, session):
    slot = session.slots.first()
    appointment = AppointmentFactory(slot=slot, status=Status.PENDING)
    TimeOff.objects.create(
        doctor=cast.doctor, kind=TimeOff.Kind.BLOCKED, starts_at=slot.starts_at, ends_at=slot.ends_at,
        created_at=clock.now(), created_by=cast.doctor,
    )  # fmt: skip
    assert refresh_year_ahead() == 1
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    appointment.refresh_from_db()
    assert appointment.status == Status.APPROVED


# --- the queue ----------------------------------------------------------------------------------------------------------


def test_two_records_in_the_house_are_not_merged_after_midnight(cast):
    survivor, merged = PatientFactory(), PatientFactory()
    with time_machine.travel("2026-11-19T23:50:00+07:00", tick=False):
        VisitFactory(patient=survivor)
    with time_machine.travel("2026-11-20T00:10:00+07:00", tick=False):
        VisitFactory(patient=merged)
        with pytest.raises(CannotMerge):
            merge_patients(
                survivor_id=survivor.pk, merged_id=merged.pk, values={}, reason="Satu orang, dua rekam medis",
                actor=cast.admin, versions={survivor.pk: survivor.version, merged.pk: merged.version},
            )  # fmt: skip


def test_a_number_is_called_to_the_room_of_the_session_that_runs(cast):
    morning, afternoon = StationFactory(name="Pagi"), StationFactory(name="Sore")
    session_at(clock.today(), 8, doctor=cast.doctor, station=morning)
    session_at(clock.today(), 14, doctor=cast.doctor, station=afternoon)
    for hour, room in (("07:30", morning), ("09:00", morning), ("11:00", morning), ("14:10", afternoon)):
        with time_machine.travel(f"{clock.today()}T{hour}:00+07:00", tick=False):
            step = QueueStep(stage="doctor", doctor_id=cast.doctor.pk, queue_on=clock.today())
            assert queue.usual_station(step) == room.pk, hour


def test_a_number_is_not_called_to_a_room_that_was_closed(cast):
    session_at(clock.today(), 8, doctor=cast.doctor, station=StationFactory(is_active=False))
    step = QueueStep(stage="doctor", doctor_id=cast.doctor.pk, queue_on=clock.today())
    assert queue.usual_station(step) is None


# --- what the nightly check finds ---------------------------------------------------------------------------------------


def found_by(name: str) -> list[str]:
    return [fault.subject for fault in integrity.get(name).find("", []).faults]


def test_the_nightly_check_finds_offers_that_do_not_fit_their_wish(offer):
    entry = WaitlistEntry.objects.get()
    assert found_by("waiting_list") == []
    WaitlistEntry.objects.update(status=WaitlistEntry.Status.WAITING, offer=None)
    assert found_by("waiting_list") == [f"appointment {offer.pk}"]
    WaitlistEntry.objects.update(status=WaitlistEntry.Status.OFFERED)
    assert found_by("waiting_list") == [f"appointment {offer.pk}", f"waitlist {entry.pk}"]
    WaitlistEntry.objects.update(offer=offer)
    Appointment.objects.update(status=Status.EXPIRED)
    assert found_by("waiting_list") == [f"waitlist {entry.pk}"]


def test_the_nightly_check_finds_numbers_that_do_not_fit_their_visit(cast):
    lost, over = VisitFactory(), VisitFactory()
    VisitFactory(status=Visit.Status.FINISHED)
    assert found_by("queue_stays") == []
    QueueStep.objects.filter(visit=lost).update(state=QueueStep.State.DONE)
    Visit.objects.filter(pk=over.pk).update(status=Visit.Status.CANCELLED)
    stay = QueueStep.objects.get(visit=over)
    assert found_by("queue_stays") == [f"visit {lost.pk}", f"stay {stay.pk}"]


@pytest.mark.parametrize("happens", [holiday, doctor_left])
def test_nobody_is_reminded_of_a_time_at_which_nobody_practises(cast, happens):
    with time_machine.travel("2026-11-20T09:00:00+07:00", tick=False):
        session = session_at(date(2026, 11, 21), 9, doctor=cast.doctor)
        AppointmentFactory(slot=session.slots.first(), patient=PatientFactory(email="siti@surat.example"))
        happens(cast, session)
        assert tasks.remind_tomorrow() == 0
        cast.doctor.is_active = True
        cast.doctor.save(update_fields=["is_active"])
        Holiday.objects.all().delete()
        refresh_year_ahead()
        assert tasks.remind_tomorrow() == 1


# --- one person, two records --------------------------------------------------------------------------------------------


def test_a_merged_record_brings_its_wish_offer_and_way_of_reminders(cast, session, offer, mailoutbox):
    merged, survivor = offer.patient, PatientFactory(full_name="Siti Aminah", email="siti@surat.example")
    services.set_reminder_preference(patient_id=merged.pk, channel="none", actor=cast.receptionist)
    merge_patients(
        survivor_id=survivor.pk, merged_id=merged.pk, values={}, reason="Satu orang, dua rekam medis",
        actor=cast.admin, versions={one.pk: Patient.objects.get(pk=one.pk).version for one in (survivor, merged)},
    )  # fmt: skip
    entry = WaitlistEntry.objects.get()
    assert (entry.patient_id, entry.offer_id, entry.status) == (survivor.pk, offer.pk, WaitlistEntry.Status.OFFERED)
    assert ReminderPreference.objects.get().patient_id == survivor.pk
    services.accept_offer(appointment_id=offer.pk, actor=cast.receptionist, complaint="Batuk")
    offer.refresh_from_db()
    assert (offer.patient_id, offer.status) == (survivor.pk, Status.PENDING)


def test_a_choice_of_the_survivor_stays_when_both_records_have_one(cast):
    survivor, merged = PatientFactory(), PatientFactory()
    services.set_reminder_preference(patient_id=survivor.pk, channel="none", actor=cast.receptionist)
    services.set_reminder_preference(patient_id=merged.pk, channel="email", actor=cast.receptionist)
    merge_patients(
        survivor_id=survivor.pk, merged_id=merged.pk, values={}, reason="Satu orang, dua rekam medis",
        actor=cast.admin, versions={survivor.pk: survivor.version, merged.pk: merged.version},
    )  # fmt: skip
    assert [row.channel for row in ReminderPreference.objects.filter(patient=survivor)] == ["none"]


# --- taking back --------------------------------------------------------------------------------------------------------


def test_the_beginning_of_a_consultation_with_a_draft_is_not_taken_back(cast):
    """Else the visit could go to another doctor, or end, with the first one's draft on it."""
    visit = VisitFactory(doctor=cast.doctor)
    step = QueueStep.objects.get(visit=visit, open=1)
    serving.start_step(step_id=step.pk, actor=cast.doctor)
    event = QueueEvent.objects.get(step=step, kind=QueueEvent.Kind.START)
    NoteFactory(visit=visit, patient=visit.patient, author=cast.doctor)
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.doctor)
    visit.refresh_from_db()
    assert visit.status == Visit.Status.IN_CONSULTATION
