"""What a second attack on the clinic's day found: each of these was possible once."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.services import deactivate_user
from core import clock
from notifications.models import Email
from scheduling import services, tasks
from scheduling.errors import AlreadyWaiting, CannotUndo
from scheduling.models import DeviceLink, QueueEvent, Reminder, Visit
from scheduling.services import detours, devices, feeds, serving
from tests.factories.accounts import DoctorFactory, UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, VisitFactory, session_at
from tests.scheduling.screens import screen
from tests.scheduling.test_races import outcomes

pytestmark = pytest.mark.django_db

Status = Visit.Status
REASON = "Dokter dipanggil ke rumah sakit"


def open_visits(patient, doctor) -> int:
    return Visit.objects.filter(patient=patient, doctor=doctor).exclude(status__in=services.CLOSED_STATUSES).count()


def walk_in(visit, doctor, actor) -> Visit:
    return services.register_walk_in(
        patient_id=visit.patient_id, service_id=visit.service_id, doctor_id=doctor.pk, complaint="Batuk", actor=actor
    )


# --- one open visit with one doctor -------------------------------------------------------------------------------------


@pytest.fixture
def transferred(cast):
    """A visit that went from the cast's doctor to the other one, and the act that did it."""
    visit = VisitFactory(doctor=cast.doctor)
    cast.other_doctor.staff_profile.specialty = cast.doctor.staff_profile.specialty
    cast.other_doctor.staff_profile.save()
    detours.transfer_to_doctor(
        visit_id=visit.pk, doctor_id=cast.other_doctor.pk, actor=cast.receptionist, reason=REASON
    )
    return visit, QueueEvent.objects.get(kind=QueueEvent.Kind.TRANSFER)


def test_a_transfer_is_not_taken_back_onto_a_second_visit_with_the_doctor_before(cast, transferred):
    visit, event = transferred
    walk_in(visit, cast.doctor, cast.receptionist)
    with pytest.raises(CannotUndo, match="Rina"):
        serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    event.refresh_from_db()
    assert (visit.doctor, event.undone_at) == (cast.other_doctor, None)
    assert open_visits(visit.patient, cast.doctor) == open_visits(visit.patient, cast.other_doctor) == 1


def test_a_transfer_is_taken_back_when_the_other_visit_is_over(cast, transferred):
    visit, event = transferred
    second = walk_in(visit, cast.doctor, cast.receptionist)
    services.cancel_visit(visit_id=second.pk, actor=cast.receptionist, reason="Salah daftar")
    serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    assert (visit.doctor, open_visits(visit.patient, cast.doctor)) == (cast.doctor, 1)


def test_a_transfer_is_not_taken_back_to_a_doctor_who_left(cast, transferred):
    visit, event = transferred
    deactivate_user(user_id=cast.doctor.pk, actor=cast.admin)
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    assert visit.doctor == cast.other_doctor


@pytest.mark.django_db(transaction=True)
def test_taking_back_against_arriving_leaves_one_visit(race, cast, transferred):
    visit, event = transferred
    desks = [UserFactory(roles=["receptionist"]) for _ in range(4)]
    acts = [lambda: serving.undo_act(event_id=event.pk, actor=cast.receptionist)]
    acts += [lambda desk=desk: walk_in(visit, cast.doctor, desk) for desk in desks]
    results = race(lambda act: act(), [(act,) for act in acts])
    assert {type(row).__name__ for row in results} <= {"QueueStep", "Visit", "CannotUndo", "AlreadyWaiting"}, results
    assert open_visits(visit.patient, cast.doctor) == 1, outcomes(results)


@pytest.mark.django_db(transaction=True)
def test_transfers_against_arriving_leave_one_visit(race, cast):
    patient, doctors = PatientFactory(), [DoctorFactory() for _ in range(3)]
    visits = [VisitFactory(doctor=doctor, patient=patient) for doctor in doctors]
    desk, target = cast.receptionist, cast.doctor
    acts = [
        lambda visit=visit: detours.transfer_to_doctor(
            visit_id=visit.pk, doctor_id=target.pk, actor=desk, reason=REASON
        )
        for visit in visits
    ]
    acts += [lambda: walk_in(visits[0], target, desk)] * 2
    results = race(lambda act: act(), [(act,) for act in acts])
    assert outcomes(results) == {"Visit": 1, AlreadyWaiting.__name__: 4}, results
    assert open_visits(patient, target) == 1


# --- reminders after an outage ------------------------------------------------------------------------------------------

DAY = date(2026, 11, 21)


def at(moment: str, day: date = DAY):
    return time_machine.travel(f"{day.isoformat()}T{moment}:00+07:00", tick=False)


@pytest.fixture
def early(cast):
    """Bookings of the 21st at 06.00, 07.00 and 09.00, and of the 22nd at 07.00, made days before."""
    with at("10:00", DAY - timedelta(days=3)):
        slots = [session_at(DAY, hour, doctor=cast.doctor, count=1).slots.get() for hour in (6, 7, 9, 12)]
        slots.append(session_at(DAY + timedelta(days=1), 7, doctor=cast.doctor, count=1).slots.get())
        return [AppointmentFactory(slot=slot, patient=PatientFactory(email="siti@surat.example")) for slot in slots]


def reminded() -> set:
    return set(Reminder.objects.values_list("appointment_id", flat=True))


def test_after_a_day_without_a_scheduler_who_comes_early_is_reminded_before_eight(early):
    """Nothing ran on the 20th. On the 21st it is back at 06.30."""
    _past, seven, nine, noon, next_day = (row.pk for row in early)
    with at("06:30"):
        assert [tasks.remind_tomorrow(), tasks.remind_tomorrow()] == [2, 0]
    assert reminded() == {seven, nine}
    assert Email.objects.filter(template="appointment_reminder").count() == 2
    with at("08:00"):
        assert [tasks.remind_tomorrow(), tasks.remind_tomorrow()] == [2, 0]
    assert reminded() == {seven, nine, noon, next_day}


def test_before_eight_nobody_is_reminded_who_booked_in_the_night(cast, early):
    with at("05:00"):
        assert tasks.remind_tomorrow() == 3
        AppointmentFactory(slot=session_at(DAY, 7, doctor=cast.other_doctor).slots.first())
    with at("06:00"):
        assert tasks.remind_tomorrow() == 0, "the confirmation says the same, a moment ago"


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_before_eight_one_reminds(race, early):
    with at("05:00"):
        assert sum(race(tasks.remind_tomorrow, [()] * 4)) == 3
    assert Email.objects.filter(template="appointment_reminder").count() == 3


# --- what opens without signing in --------------------------------------------------------------------------------------


def test_a_picture_of_the_kiosks_code_opens_for_six_phones(cast, client_for):
    kiosk, _token = screen(DeviceLink.Kind.KIOSK)
    url = reverse("scheduling:onsite-scan", args=[devices.on_site_proof(kiosk)])
    phones = [Client() for _ in range(8)]
    assert [phone.get(url).status_code for phone in phones] == [302] * 6 + [410] * 2
    assert "on_site" not in phones[-1].session
    assert phones[0].get(url).status_code == 302, "who is in may open it again"
    with time_machine.travel(clock.now() + timedelta(seconds=30)):
        fresh = reverse("scheduling:onsite-scan", args=[devices.on_site_proof(kiosk)])
        assert phones[-1].get(fresh).status_code == 302, "the next code lets in who stands there"


def answer_of(url: str) -> tuple:
    answer = Client().get(url)
    headers = {name: value for name, value in answer.items() if name.lower() != "x-request-id"}
    return answer.status_code, answer.content, headers


def test_unknown_revoked_and_expired_secrets_get_one_answer(cast):
    """Nobody learns from an answer whether a secret was ever one."""
    board, board_token = screen(DeviceLink.Kind.BOARD)
    kiosk, kiosk_token = screen(DeviceLink.Kind.KIOSK)
    proof, revoked_proof = devices.on_site_proof(kiosk), devices.on_site_proof(kiosk)
    feed = feeds.make_feed(doctor=cast.doctor)
    left = feeds.make_feed(doctor=cast.other_doctor)
    for link in (board, kiosk):
        devices.revoke_device(link_id=link.pk, actor=cast.admin)
    feeds.revoke_feeds(doctor=cast.doctor, actor=cast.doctor)
    deactivate_user(user_id=cast.other_doctor.pk, actor=cast.admin)
    unknown = "x" * len(board_token)
    for page, secrets in (
        ("board", [unknown, board_token, kiosk_token, "x", "x" * 300]),
        ("board-panel", [unknown, board_token]),
        ("kiosk", [unknown, kiosk_token, board_token]),
        ("calendar-feed", [unknown, feed, left, "x", "x" * 300]),
        ("onsite-scan", [proof[:-1] + "-", revoked_proof, "x", "x" * 300]),
    ):
        first, *others = [answer_of(reverse(f"scheduling:{page}", args=[secret])) for secret in secrets]
        assert first[0] == (410 if page == "onsite-scan" else 404), page
        for other in others:
            assert other == first, page


@pytest.mark.parametrize(("page", "limit", "refusal"), [
    ("board", 60, 404), ("kiosk", 60, 404), ("calendar-feed", 60, 404), ("onsite-scan", 60, 410),
])  # fmt: skip
def test_who_guesses_secrets_is_stopped(db, page, limit, refusal):
    client = Client()
    statuses = [client.get(reverse(f"scheduling:{page}", args=[f"guess{number}"])).status_code for number in range(62)]
    assert statuses == [refusal] * limit + [429] * 2


def test_secrets_are_looked_up_by_their_digest_alone(cast):
    """The database compares digests under a key: how long that takes says nothing about the secret."""
    _board, token = screen(DeviceLink.Kind.BOARD)
    feed = feeds.make_feed(doctor=cast.doctor)
    for find, secret in ((lambda text: devices.find_device(text, "board"), token), (feeds.find_feed, feed)):
        for tried in (secret, secret[:-1], secret[0] + "x" * (len(secret) - 1)):
            with CaptureQueriesContext(connection) as queries:
                find(tried)
            assert tried not in str(queries.captured_queries)
            assert len(queries) == (2 if tried == feed else 1), "nothing more is asked of one that is nearly right"
