"""Wishes for times that are taken, and offers of times that became free."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput
from notifications.models import Email, Notice
from patients.errors import CannotArchive
from patients.models import CareTeamMember, Patient
from patients.services.archiving import archive_patient
from scheduling import services
from scheduling.errors import (
    AppointmentOverlap,
    NotYourAppointment,
    OfferEnded,
    PatientNotActive,
    ServiceNotOffered,
    SlotTaken,
    TooManyAppointments,
    WishNotOpen,
)
from scheduling.models import Appointment, Service, WaitlistEntry
from scheduling.services.waitlist import answer_by, fits
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, booking, session_at

pytestmark = pytest.mark.django_db

Status = Appointment.Status
Wish = WaitlistEntry.Status


def join(patient, service, actor, **fields):
    today = clock.today()
    values = {"first_on": today, "last_on": today + timedelta(days=14), **fields}
    return services.join_waitlist(patient_id=patient.pk, service_id=service.pk, actor=actor, **values)


def full(session):
    """Book every slot of a session; return the appointments."""
    return [AppointmentFactory(slot=slot) for slot in session.slots.all()]


@pytest.fixture
def cancelled(cast, django_capture_on_commit_callbacks):
    """Cancel an appointment as the desk does, with what follows the commit."""

    def cancel(appointment):
        with django_capture_on_commit_callbacks(execute=True):
            services.cancel_appointment(appointment_id=appointment.pk, actor=cast.receptionist, reason="Batal")

    return cancel


def test_nobody_joins_or_answers_for_a_stranger(cast, session, cancelled):
    patient = cast.patient_user.patient
    with pytest.raises(NotYourAppointment):
        join(patient, session.service, cast.other_patient_user)
    entry = join(patient, session.service, cast.patient_user)
    cancelled(full(session)[0])
    offer = Appointment.objects.get(status=Status.OFFERED)
    for act in (
        lambda: services.accept_offer(appointment_id=offer.pk, actor=cast.other_patient_user, complaint="Batuk"),
        lambda: services.decline_offer(appointment_id=offer.pk, actor=cast.other_patient_user),
        lambda: services.withdraw_wish(entry_id=entry.pk, actor=cast.other_patient_user),
    ):
        with pytest.raises(NotYourAppointment):
            act()
    offer.refresh_from_db()
    assert offer.status == Status.OFFERED


def test_a_freed_slot_is_offered_to_the_oldest_fitting_wish_and_held(cast, session, cancelled):
    booked = full(session)
    later = session_at(clock.today() + timedelta(days=2), 13, service=session.service)
    wrong_part = join(PatientFactory(), session.service, cast.receptionist, part="afternoon")
    wrong_doctor = join(PatientFactory(), session.service, cast.receptionist, doctor_id=later.doctor_id)
    first = join(cast.patient_user.patient, session.service, cast.patient_user, part="morning")
    second = join(PatientFactory(), session.service, cast.receptionist)
    with time_machine.travel(clock.now(), tick=False):
        cancelled(booked[0])
        held_until = clock.now() + timedelta(hours=2)
    offer = Appointment.objects.get(status=Status.OFFERED)
    first.refresh_from_db()
    assert (offer.patient_id, offer.slot_id, offer.active) == (first.patient_id, booked[0].slot_id, 1)
    assert (offer.source, offer.price_idr, offer.lines.count()) == ("waitlist", 100_000, 1)
    assert offer.held_until == held_until
    assert (first.status, first.offer_id) == (Wish.OFFERED, offer.pk)
    assert not CareTeamMember.objects.filter(source_id=offer.pk).exists(), "who was offered a time is not in care yet"
    assert list(Email.objects.filter(template="waitlist_offered").values_list("patient_id")) == [(first.patient_id,)]
    assert Notice.objects.filter(recipient=cast.patient_user, kind="waitlist_offered").count() == 1
    for other in (wrong_part, wrong_doctor, second):
        other.refresh_from_db()
        assert other.status == Wish.WAITING
    with pytest.raises(SlotTaken):
        services.book_appointment(**booking(PatientFactory(), booked[0].slot, cast.receptionist))
    assert services.offer_freed_slot(booked[0].slot_id) is None, "a slot has one offer at a time"


def test_accepting_follows_the_mode_of_the_service(cast, session, instant_session, cancelled):
    for holder, expected in ((session, Status.PENDING), (instant_session, Status.APPROVED)):
        patient = PatientFactory()
        entry = join(patient, holder.service, cast.receptionist)
        booked = full(holder)
        cancelled(booked[0])
        offer = Appointment.objects.get(status=Status.OFFERED)
        services.accept_offer(appointment_id=offer.pk, actor=cast.receptionist, complaint="Sakit telinga")
        offer.refresh_from_db()
        entry.refresh_from_db()
        assert (offer.status, offer.complaint, entry.status) == (expected, "Sakit telinga", Wish.BOOKED)
        assert CareTeamMember.objects.filter(source_id=offer.pk).exists() == (expected == Status.APPROVED)
        with pytest.raises(OfferEnded):
            services.accept_offer(appointment_id=offer.pk, actor=cast.receptionist, complaint="Sakit telinga")


def test_declining_goes_to_the_next_and_never_back_to_the_same(
    cast, session, cancelled, django_capture_on_commit_callbacks
):
    booked = full(session)
    entries = [join(PatientFactory(), session.service, cast.receptionist) for _ in range(2)]
    cancelled(booked[0])
    for entry in entries:
        offer = Appointment.objects.get(status=Status.OFFERED)
        assert offer.patient_id == entry.patient_id
        with django_capture_on_commit_callbacks(execute=True):
            services.decline_offer(appointment_id=offer.pk, actor=cast.receptionist)
    assert not Appointment.objects.filter(status=Status.OFFERED).exists()
    assert services.offer_free_times(clock.now()) == 0, "both had this time"
    assert set(WaitlistEntry.objects.values_list("status", "offer")) == {(Wish.WAITING, None)}


def test_an_unanswered_offer_lapses_to_the_next_and_the_second_ends_the_wish(
    cast, session, cancelled, django_capture_on_commit_callbacks
):
    booked = full(session)
    entry = join(cast.patient_user.patient, session.service, cast.patient_user)
    for number, expected in ((0, Wish.WAITING), (1, Wish.EXPIRED)):
        cancelled(booked[number])
        offer = Appointment.objects.get(status=Status.OFFERED)
        assert services.expire_holds(offer.held_until - timedelta(seconds=1)) == 0
        with time_machine.travel(offer.held_until, tick=False):
            with pytest.raises(OfferEnded):
                services.accept_offer(appointment_id=offer.pk, actor=cast.patient_user, complaint="Batuk")
            with django_capture_on_commit_callbacks(execute=True):
                assert services.expire_holds(clock.now()) == 1
            assert services.expire_holds(clock.now()) == 0
        entry.refresh_from_db()
        offer.refresh_from_db()
        assert (entry.status, offer.status, offer.active) == (expected, Status.EXPIRED, None)
    assert Email.objects.filter(template="waitlist_ended").count() == 1
    assert not Email.objects.filter(template="appointment_expired").exists()


def test_withdrawing_gives_an_offered_time_back(cast, session, cancelled, django_capture_on_commit_callbacks):
    booked = full(session)
    entry = join(cast.patient_user.patient, session.service, cast.patient_user)
    waiting = join(PatientFactory(), session.service, cast.receptionist)
    cancelled(booked[0])
    with django_capture_on_commit_callbacks(execute=True):
        services.withdraw_wish(entry_id=entry.pk, actor=cast.patient_user)
    assert Appointment.objects.get(status=Status.OFFERED).patient_id == waiting.patient_id
    with pytest.raises(WishNotOpen):
        services.withdraw_wish(entry_id=entry.pk, actor=cast.patient_user)


def test_the_sweep_offers_free_times_oldest_wish_first_and_once(cast, session):
    entries = [join(PatientFactory(), session.service, cast.receptionist) for _ in range(4)]
    assert services.offer_free_times(clock.now()) == 3
    assert services.offer_free_times(clock.now()) == 0
    offered = Appointment.objects.filter(status=Status.OFFERED).order_by("slot__starts_at")
    assert list(offered.values_list("patient_id", flat=True)) == [entry.patient_id for entry in entries[:3]]


def test_who_cannot_take_the_time_is_passed_over(cast, session, cancelled):
    booked = full(session)
    busy, archived = PatientFactory(), PatientFactory()
    other = session_at(session.practice_on, 9, doctor=cast.other_doctor)
    services.book_appointment(**booking(busy, other.slots.first(), cast.receptionist))
    for patient in (busy, archived):
        join(patient, session.service, cast.receptionist)
    Patient.objects.filter(pk=archived.pk).update(status=Patient.Status.ARCHIVED)
    free = join(PatientFactory(), session.service, cast.receptionist)
    cancelled(booked[0])
    assert Appointment.objects.get(status=Status.OFFERED).patient_id == free.patient_id


def test_an_offer_is_an_appointment_at_that_time(cast, session, cancelled):
    patient = cast.patient_user.patient
    booked = full(session)
    join(patient, session.service, cast.patient_user)
    cancelled(booked[0])
    other = session_at(session.practice_on, 9, doctor=cast.other_doctor)
    with pytest.raises(AppointmentOverlap):
        services.book_appointment(**booking(patient, other.slots.first(), cast.receptionist))


def test_a_portal_account_accepts_within_its_limit_only(cast, session, cancelled):
    patient = cast.patient_user.patient
    join(patient, session.service, cast.patient_user)
    booked = full(session)
    for day in range(3, 6):
        slot = session_at(clock.today() + timedelta(days=day), 9).slots.first()
        AppointmentFactory(patient=patient, slot=slot)
    cancelled(booked[0])
    offer = Appointment.objects.get(status=Status.OFFERED)
    with pytest.raises(TooManyAppointments):
        services.accept_offer(appointment_id=offer.pk, actor=cast.patient_user, complaint="Batuk")
    services.accept_offer(appointment_id=offer.pk, actor=cast.receptionist, complaint="Batuk")


def test_wishes_are_checked_once_each_and_limited(cast, session):
    patient, service, today = PatientFactory(), session.service, clock.today()
    first = join(patient, service, cast.receptionist)
    assert join(patient, service, cast.receptionist).pk == first.pk
    wrong = (
        {"first_on": today - timedelta(days=1)},
        {"first_on": today + timedelta(days=3), "last_on": today},
        {"last_on": today + timedelta(days=61)},
        {"part": "midnight"},
    )
    for fields in wrong:
        with pytest.raises(InvalidInput):
            join(patient, service, cast.receptionist, **fields)
    with pytest.raises(ServiceNotOffered):
        join(patient, service, cast.receptionist, doctor_id=cast.other_doctor.pk)
    with pytest.raises(ServiceNotOffered):
        join(patient, Service(pk=uuid4()), cast.receptionist)
    with pytest.raises(PatientNotActive):
        join(PatientFactory(status=Patient.Status.ARCHIVED), service, cast.receptionist)
    for part in ("morning", "midday"):
        join(patient, service, cast.receptionist, part=part)
    with pytest.raises(InvalidInput):
        join(patient, service, cast.receptionist, part="afternoon")
    assert WaitlistEntry.objects.count() == 3
    assert AuditEvent.objects.filter(action="scheduling.waitlist.joined").count() == 3


def test_a_wish_that_waits_stands_in_the_way_of_archiving(cast, session):
    entry = join(PatientFactory(), session.service, cast.receptionist)
    with pytest.raises(CannotArchive, match=r"1 keinginan|1 wish"):
        archive_patient(patient_id=entry.patient_id, actor=cast.admin, reason="Pindah kota")
    services.withdraw_wish(entry_id=entry.pk, actor=cast.receptionist)
    archived = archive_patient(patient_id=entry.patient_id, actor=cast.admin, reason="Pindah kota")
    assert archived.status == Patient.Status.ARCHIVED


def test_wishes_end_after_their_last_day(cast, session):
    entry = join(cast.patient_user.patient, session.service, cast.patient_user, last_on=clock.today())
    assert services.end_old_wishes(clock.today()) == 0
    assert services.end_old_wishes(clock.today() + timedelta(days=1)) == 1
    assert services.end_old_wishes(clock.today() + timedelta(days=1)) == 0
    entry.refresh_from_db()
    assert entry.status == Wish.EXPIRED
    assert Notice.objects.filter(recipient=cast.patient_user, kind="waitlist_ended").count() == 1


@pytest.mark.parametrize(
    ("now", "starts", "expected"),
    [
        ("10:00", "20:00", "12:00"),  # two hours
        ("10:00", "11:30", "11:00"),  # half an hour before the time
        ("10:00", "10:50", "10:20"),  # exactly the shortest time for an answer
        ("10:00", "10:49", None),
        ("05:00", "20:00", "09:00"),  # nobody answers at night: two hours from the opening at 7
        ("05:00", "08:00", "07:30"),
        ("21:00", "23:30", "23:00"),  # closed for today, but the time itself is today
    ],
)
def test_until_when_an_offer_waits(session, now, starts, expected):
    start, _end = clock.day_bounds(clock.today())

    def at(text):
        hours, minutes = text.split(":")
        return start + timedelta(hours=int(hours), minutes=int(minutes))

    slot = session.slots.first()
    slot.starts_at = at(starts)
    assert answer_by(slot, at(now)) == (at(expected) if expected else None)


def test_parts_of_the_day_meet_without_a_gap(cast):
    service = ServiceFactory()
    session = session_at(clock.today() + timedelta(days=1), 10, count=14, service=service)
    entry = WaitlistEntry(service=service, first_on=session.practice_on, last_on=session.practice_on)
    counts = {}
    for part in ("any", "morning", "midday", "afternoon"):
        entry.part = part
        counts[part] = sum(fits(entry, slot) for slot in session.slots.select_related("session"))
    assert counts == {"any": 14, "morning": 2, "midday": 8, "afternoon": 4}
