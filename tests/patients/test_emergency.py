"""Emergency access: the wrong person first, then the hour, the traces, the review."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.access import Role
from accounts.second_factor import FACTOR_AT
from audit.models import AuditEvent
from core import clock
from notifications.models import Email, Notice
from patients import services as patients
from patients.emergency import patient_of_ticket, running_of, short_name, ticket_for
from patients.emergency_errors import (
    EmergencyNotNeeded,
    EmergencyNotReviewable,
    EmergencyReasonMissing,
    OwnEmergency,
    TooManyLookups,
)
from patients.models import Allergy, CareTeamMember, EmergencyAccess, Patient
from patients.services import emergency
from patients.tasks import remind_emergency_reviews
from tests.factories.accounts import UserFactory
from tests.factories.consultations import SignedNoteFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import VisitFactory

pytestmark = pytest.mark.django_db

NIK = "2171015705900001"
REASON = {"reason_code": "unconscious", "reason_text": "Pasien tidak sadar di ruang tunggu"}
FIND = "/patients/emergency/find/"


@pytest.fixture
def stranger(cast):
    """A patient of another doctor, with a note."""
    patient = PatientFactory(full_name="Ratna Kusuma Dewi", nik=NIK, record_number="123456")
    SignedNoteFactory(visit=VisitFactory(patient=patient, doctor=cast.other_doctor, care=False), subjective="Rahasia")
    return patient


def start(patient, actor, **fields):
    return emergency.start_emergency_access(patient_id=patient.pk, actor=actor, **{**REASON, **fields})


def start_url(user, patient):
    return reverse("patients:emergency-start", args=[ticket_for(user, patient)])


def chart(patient):
    return reverse("workspace:patient-chart", args=[patient.pk])


# --- The wrong person ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who", ["admin", "receptionist", "cashier", "pharmacist", "owner", "lab_officer", "radiographer"]
)
def test_only_doctors_and_nurses_have_it(cast, client_for, stranger, who):
    user = getattr(cast, who)
    client = client_for(user)
    assert client.get(FIND).status_code == 403
    assert client.post(FIND, {"number": "123456"}).status_code == 403
    assert client.post(start_url(user, stranger), REASON).status_code == 403
    assert not EmergencyAccess.objects.exists()


def test_patients_do_not_know_of_it(cast, client_for, stranger):
    client = client_for(cast.patient_user)
    assert client.get(FIND).status_code == 404
    assert client.get(start_url(cast.patient_user, stranger)).status_code == 404


def test_a_ticket_works_for_its_finder_and_a_quarter_of_an_hour(cast, client_for, stranger):
    url = start_url(cast.nurse, stranger)
    assert client_for(cast.nurse).get(url).status_code == 200
    answer = client_for(cast.doctor).get(url)
    assert (answer.status_code, answer["Location"]) == (302, FIND)
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert patient_of_ticket(cast.nurse, ticket_for(cast.nurse, stranger)) == stranger
        assert patient_of_ticket(cast.nurse, url.split("/")[-2]) is None
    for forged in (
        "x",
        "a:b:c",
        str(stranger.pk),
        signing.dumps([1, 2], salt="patients.emergency"),
        signing.dumps("x"),
    ):
        assert patient_of_ticket(cast.nurse, forged) is None


def test_without_a_fresh_factor_there_is_no_start(cast, client_for, stranger):
    client = client_for(cast.doctor)
    session = client.session
    session[FACTOR_AT] -= 301
    session.save()
    url = start_url(cast.doctor, stranger)
    for answer in (client.get(url), client.post(url, REASON)):
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("accounts:factor-confirm"))
    assert not EmergencyAccess.objects.exists()


def test_the_hour_is_of_one_person_and_one_patient(cast, stranger):
    other = PatientFactory()
    start(stranger, cast.doctor)
    assert list(Patient.objects.visible_to(cast.doctor)) == [stranger]
    for colleague in (cast.nurse, cast.pharmacist, cast.owner):
        assert not Patient.objects.visible_to(colleague).exists()
    assert other not in Patient.objects.readable_by(cast.doctor)
    assert running_of(cast.doctor, stranger.pk) is not None
    assert running_of(cast.doctor, other.pk) is None
    assert running_of(cast.nurse, stranger.pk) is None
    assert running_of(cast.doctor, None) is None


def test_nobody_ends_or_reads_anothers_access(cast, client_for, stranger):
    access = start(stranger, cast.doctor)
    end = reverse("patients:emergency-end", args=[access.pk])
    assert client_for(cast.nurse).post(end).status_code == 404
    assert client_for(cast.owner).post(end).status_code == 403
    assert not EmergencyAccess.objects.visible_to(cast.nurse).exists()
    assert not EmergencyAccess.objects.visible_to(cast.cashier).exists()
    access.refresh_from_db()
    assert access.is_running()


# --- Looking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {"number": "123456"}, {"number": "12-34-56"}, {"number": NIK},
        {"full_name": "ratna kusuma dewi", "birth_date": "1990-05-17"},
        {"full_name": "Dewi Ratna Kusuma", "birth_date": "1990-05-17"},
    ],
)  # fmt: skip
def test_exact_facts_find_the_patient_with_little_shown(cast, client_for, stranger, asked):
    page = client_for(cast.doctor).post(FIND, asked).content.decode().split("</form>\n</div></section>")[1]
    assert "Ratna K. D." in page
    assert "123456" in page
    for hidden in ("Ratna Kusuma", "1990", NIK, "Rahasia", "6281234567890", str(stranger.pk)):
        assert hidden not in page
    event = AuditEvent.objects.get(action="patients.emergency.looked_up")
    assert (event.patient_id, event.actor_id, event.detail["found"]) == (stranger.pk, cast.doctor.pk, 1)
    assert "atna" not in str(event.detail)


@pytest.mark.parametrize(
    "asked",
    [
        {"number": "12345"}, {"number": "081234567890"}, {"number": "%"}, {"number": "' OR 1=1 --"},
        {"number": "Ratna Kusuma Dewi"}, {"full_name": "Ratna", "birth_date": "1990-05-17"},
        {"full_name": "Ratna Kusuma", "birth_date": "1990-05-17"},
        {"full_name": "Ratna Kusuma Dewi", "birth_date": "1990-05-18"},
        {"full_name": "🙂", "birth_date": "1990-05-17"}, {"full_name": "…", "birth_date": "1990-05-17"},
    ],
)  # fmt: skip
def test_guesses_find_nobody_and_are_on_record(cast, client_for, stranger, asked):
    answer = client_for(cast.nurse).post(FIND, asked)
    assert answer.status_code == 200
    assert "Ratna K." not in answer.content.decode()
    assert AuditEvent.objects.get(action="patients.emergency.looked_up").detail["found"] == 0


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"full_name": "Ratna Kusuma Dewi"}, {"birth_date": "1990-05-17"}, {"number": "1" * 31}, {"number": "\x00"},
        {"full_name": "x", "birth_date": "kemarin"}, {"full_name": "x" * 201, "birth_date": "1990-05-17"},
    ],
)  # fmt: skip
def test_half_a_question_is_sent_back(cast, client_for, stranger, asked):
    assert client_for(cast.nurse).post(FIND, asked).status_code == 422
    assert not AuditEvent.objects.filter(action="patients.emergency.looked_up").exists()


def test_the_tenth_look_of_an_hour_is_the_last(cast, client_for, stranger):
    for _time in range(10):
        emergency.look_for_patient(actor=cast.doctor, number="123456")
    with pytest.raises(TooManyLookups) as caught:
        emergency.look_for_patient(actor=cast.doctor, number="123456")
    assert 3500 < caught.value.retry_after_seconds <= 3600
    answer = client_for(cast.doctor).post(FIND, {"number": "123456"})
    assert answer.status_code == 429
    assert "Ratna" not in answer.content.decode()
    assert emergency.look_for_patient(actor=cast.nurse, number="123456"), "each person has their own limit"
    with time_machine.travel(clock.now() + timedelta(minutes=61)):
        assert emergency.look_for_patient(actor=cast.doctor, number="123456")


def test_names_before_the_record_is_open():
    assert short_name("Siti Aminah binti Ali") == "Siti A. B. A."
    assert short_name("Suharto") == "Suharto"
    assert short_name("") == "?"


# --- Starting --------------------------------------------------------------------------------------------------------


def test_from_the_search_to_the_chart(cast, client_for, stranger):
    client = client_for(cast.doctor)
    assert FIND in client.get("/patients/search/").content.decode()
    assert client.get(chart(stranger)).status_code == 404
    found = client.post(FIND, {"number": "123456"}).content.decode()
    url = found[found.index("/patients/emergency/start/") :].split('"')[0]
    assert client.get(url).status_code == 200
    answer = client.post(url, REASON)
    assert (answer.status_code, answer["Location"]) == (302, chart(stranger))
    page = client.get(chart(stranger)).content.decode()
    assert "Rahasia" in page
    assert "data-emergency-seconds" in page
    access = EmergencyAccess.objects.get()
    assert (access.user, access.patient, access.reason_text) == (cast.doctor, stranger, REASON["reason_text"])
    assert access.ends_at - access.started_at == timedelta(minutes=60)
    assert access.address_hash
    assert "address" not in access.address_hash
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason_text FROM patients_emergencyaccess")
        assert "sadar" not in cursor.fetchone()[0]


@pytest.mark.parametrize(
    "reason",
    [
        {}, {"reason_code": "unconscious"}, {"reason_code": "unconscious", "reason_text": "gawat"},
        {"reason_code": "unconscious", "reason_text": "aaaaaaaaaaaaaaaa"},
        {"reason_code": "unconscious", "reason_text": "1234567890 1234567890"},
        {"reason_code": "", "reason_text": "Pasien tidak sadar"}, {"reason_code": "bosan", "reason_text": "Pasien tidak sadar"},
        {"reason_code": "other", "reason_text": "x" * 501}, {"reason_code": "other", "reason_text": "\u200b" * 20},
    ],
)  # fmt: skip
def test_a_reason_that_says_nothing_opens_nothing(cast, client_for, stranger, reason):
    answer = client_for(cast.doctor).post(start_url(cast.doctor, stranger), reason)
    assert answer.status_code == 422
    assert not EmergencyAccess.objects.exists()
    assert not CareTeamMember.objects.filter(source="emergency").exists()
    assert not Notice.objects.exists()


def test_the_service_wants_a_reason_too(cast, stranger):
    for fields in ({"reason_code": "x"}, {"reason_text": "  gawat  "}):
        with pytest.raises(EmergencyReasonMissing):
            start(stranger, cast.doctor, **fields)


def test_hostile_text_is_text(cast, client_for, stranger):
    text = '<img src=x onerror="alert(1)"> {{ 7|add:7 }} \x00 گفت'
    access = start(stranger, cast.doctor, reason_text=text)
    emergency.end_emergency_access(access_id=access.pk, actor=cast.doctor)
    page = client_for(cast.owner).get(reverse("patients:emergency-detail", args=[access.pk])).content.decode()
    assert "<img src=x" not in page
    assert "{{ 7|add:7 }}" in page


def test_who_may_read_the_record_needs_no_emergency(cast, client_for):
    patient = PatientFactory(care_team=[cast.doctor])
    with pytest.raises(EmergencyNotNeeded):
        start(patient, cast.doctor)
    assert client_for(cast.doctor).post(start_url(cast.doctor, patient), REASON).status_code == 409


def test_a_nurse_who_works_at_the_desk_needs_it_for_the_record(cast, client_for, stranger):
    both = UserFactory(username="ns.loket", roles=[Role.NURSE, Role.RECEPTIONIST])
    client = client_for(both)
    assert client.get(reverse("patients:detail", args=[stranger.pk])).status_code == 200
    assert client.get(chart(stranger)).status_code == 404
    start(stranger, both)
    assert "Rahasia" in client_for(both).get(chart(stranger)).content.decode()


def test_a_second_start_gives_the_running_one(cast, client_for, stranger):
    client, url = client_for(cast.doctor), start_url(cast.doctor, stranger)
    assert [client.post(url, REASON).status_code for _time in range(2)] == [302, 302]
    access = EmergencyAccess.objects.get()
    assert start(stranger, cast.doctor).pk == access.pk
    assert AuditEvent.objects.filter(action="patients.emergency.started").count() == 1


# --- The end ---------------------------------------------------------------------------------------------------------


def test_it_ends_by_itself_at_sixty_minutes(cast, client_for, stranger):
    access = start(stranger, cast.doctor)
    with time_machine.travel(access.ends_at - timedelta(seconds=1), tick=False):
        assert client_for(cast.doctor).get(chart(stranger)).status_code == 200
    with time_machine.travel(access.ends_at, tick=False):
        client = client_for(cast.doctor)
        for url in (chart(stranger), reverse("patients:detail", args=[stranger.pk])):
            answer = client.get(url)
            assert answer.status_code == 404
            assert FIND in answer.content.decode(), "the page says why, and what to do"
            assert "no-store" in answer["Cache-Control"]
        assert not Patient.objects.visible_to(cast.doctor).exists()
        again = start(stranger, cast.doctor)
        assert again.pk != access.pk
    access.refresh_from_db()
    assert (access.ended_at, access.running) == (access.ends_at, None)


def test_the_sentence_is_for_an_hour_and_for_this_person(cast, client_for, stranger):
    access = start(stranger, cast.doctor)
    with time_machine.travel(access.ends_at + timedelta(minutes=61), tick=False):
        assert FIND not in client_for(cast.doctor).get(chart(stranger)).content.decode()
    with time_machine.travel(access.ends_at, tick=False):
        assert FIND not in client_for(cast.other_doctor).get(f"/patients/{PatientFactory().pk}/").content.decode()


def test_the_button_ends_it_at_once(cast, client_for, stranger):
    access = start(stranger, cast.doctor)
    client = client_for(cast.doctor)
    end = reverse("patients:emergency-end", args=[access.pk])
    assert client.get(end).status_code == 405
    for _time in range(2):
        assert client.post(end).status_code == 302
    assert client.get(chart(stranger)).status_code == 404
    assert AuditEvent.objects.filter(action="patients.emergency.ended").count() == 1


def test_an_hour_over_midnight(cast, stranger):
    late = datetime(2026, 3, 5, 16, 30, tzinfo=UTC)  # 23.30 WIB
    with time_machine.travel(late, tick=False):
        access = start(stranger, cast.doctor)
    with time_machine.travel(late + timedelta(minutes=59), tick=False):
        assert running_of(cast.doctor, stranger.pk) == access
        assert Patient.objects.visible_to(cast.doctor).exists()
    with time_machine.travel(late + timedelta(minutes=60), tick=False):
        assert not Patient.objects.visible_to(cast.doctor).exists()
        assert running_of(cast.doctor, stranger.pk) is None


def test_what_was_begun_in_time_is_completed_and_what_comes_later_is_not(cast, client_for, stranger, monkeypatch):
    access = start(stranger, cast.doctor)
    url = reverse("patients:allergy-add", args=[stranger.pk])
    real = patients.record_allergy

    def slow(**kwargs):
        with time_machine.travel(access.ends_at + timedelta(seconds=5), tick=False):
            return real(**kwargs)

    monkeypatch.setattr(patients, "record_allergy", slow)
    client = client_for(cast.doctor)
    client.post(url, {"substance": "Kacang", "category": "food"})
    assert Allergy.objects.filter(patient=stranger).count() == 1
    monkeypatch.undo()
    with time_machine.travel(access.ends_at, tick=False):
        assert client_for(cast.doctor).post(url, {"substance": "Udang", "category": "food"}).status_code == 404
    assert Allergy.objects.filter(patient=stranger).count() == 1


def test_a_closed_account_has_no_emergency(cast, stranger):
    start(stranger, cast.doctor)
    cast.doctor.is_active = False
    assert not Patient.objects.visible_to(cast.doctor).exists()
    assert running_of(cast.doctor, stranger.pk) is None


# --- Traces and the banner -------------------------------------------------------------------------------------------


def test_every_reading_names_the_emergency(cast, client_for, stranger):
    visit = stranger.visits.get()
    access = start(stranger, cast.doctor)
    client = client_for(cast.doctor)
    pages = [
        chart(stranger), reverse("patients:detail", args=[stranger.pk]),
        reverse("workspace:history-panel", args=[stranger.pk]), reverse("workspace:visit-detail", args=[visit.pk]),
    ]  # fmt: skip
    for url in pages:
        assert client.get(url).status_code == 200
    events = AuditEvent.objects.filter(action="patients.chart.read", actor_id=cast.doctor.pk)
    assert [event.detail.get("emergency") for event in events] == [str(access.pk)] * len(pages)
    mine = PatientFactory(care_team=[cast.doctor])
    client.get(chart(mine))
    assert "emergency" not in AuditEvent.objects.filter(action="patients.chart.read").last().detail


def test_the_banner_is_on_every_page_of_that_patient_and_of_no_other(cast, client_for, stranger):
    mine = PatientFactory(care_team=[cast.doctor])
    start(stranger, cast.doctor)
    client = client_for(cast.doctor)
    visit = stranger.visits.get()
    for url in (
        chart(stranger), reverse("patients:detail", args=[stranger.pk]), reverse("patients:allergies", args=[stranger.pk]),
        reverse("workspace:visit-detail", args=[visit.pk]),
    ):  # fmt: skip
        page = client.get(url).content.decode()
        assert page.count("data-emergency-seconds") == 1, url
        assert '<strong class="tabular" data-emergency-minutes>60</strong>' in page
    assert "data-emergency-seconds" not in client.get(chart(mine)).content.decode()
    assert "data-emergency-seconds" not in client_for(cast.admin).get(chart(stranger)).content.decode()
    assert "data-emergency-seconds" not in client_for(cast.other_doctor).get(chart(stranger)).content.decode()


def test_owner_and_admins_are_told_at_once_without_patient_data(cast, stranger, django_capture_on_commit_callbacks):
    assert cast.owner.pk
    assert cast.admin.pk
    assert cast.receptionist.pk
    access = start(stranger, cast.doctor)
    told = {notice.recipient_id: notice for notice in Notice.objects.filter(kind="emergency_started")}
    assert set(told) == {cast.owner.pk, cast.admin.pk}
    mails = Email.objects.filter(template="emergency_started")
    assert {mail.to_address for mail in mails} == {cast.owner.email, cast.admin.email}
    for mail in mails:
        whole = mail.subject + mail.body_text + mail.body_html
        assert "Rina Hartati" in whole
        for hidden in ("Ratna", "123456", NIK, str(stranger.pk), "sadar", str(access.pk)):
            assert hidden not in whole
    assert "Ratna" not in str([notice.params for notice in told.values()])


def test_the_fourth_of_a_day_alerts_and_is_not_refused(cast):
    assert cast.owner.pk
    for number in range(5):
        start(PatientFactory(), cast.doctor)
        assert Notice.objects.filter(kind="emergency_often").count() == max(0, number - 2)
    assert Email.objects.filter(template="emergency_often").count() == 2
    with time_machine.travel(clock.now() + timedelta(days=1)):
        start(PatientFactory(), cast.doctor)
    assert Notice.objects.filter(kind="emergency_often").count() == 2, "another clinic day"


def test_a_reviewer_who_uses_it_is_not_told_by_themselves(cast, stranger):
    both = UserFactory(username="dr.kepala", roles=[Role.DOCTOR, Role.OWNER])
    assert cast.admin.pk
    start(stranger, both)
    assert set(Notice.objects.values_list("recipient_id", flat=True)) == {cast.admin.pk}


# --- The review ------------------------------------------------------------------------------------------------------


@pytest.fixture
def over(cast, stranger):
    access = start(stranger, cast.doctor)
    return emergency.end_emergency_access(access_id=access.pk, actor=cast.doctor)


def review(access, actor, outcome="justified", note=""):
    return emergency.review_emergency_access(access_id=access.pk, actor=actor, outcome=outcome, note=note)


@pytest.mark.parametrize("who", ["doctor", "nurse", "receptionist", "cashier", "pharmacist", "patient_user"])
def test_others_do_not_review(cast, client_for, over, who):
    client = client_for(getattr(cast, who))
    expected = 404 if who == "patient_user" else 403
    for answer in (
        client.get("/patients/emergency/"),
        client.get(reverse("patients:emergency-detail", args=[over.pk])),
        client.post(reverse("patients:emergency-review", args=[over.pk]), {"outcome": "justified"}),
    ):
        assert answer.status_code == expected
    over.refresh_from_db()
    assert over.reviewed_at is None


def test_nobody_reviews_their_own(cast, client_for, stranger):
    both = UserFactory(username="dr.kepala", roles=[Role.DOCTOR, Role.OWNER])
    access = start(stranger, both)
    emergency.end_emergency_access(access_id=access.pk, actor=both)
    with pytest.raises(OwnEmergency):
        review(access, both)
    client = client_for(both)
    page = client.get(reverse("patients:emergency-detail", args=[access.pk])).content.decode()
    assert 'name="outcome"' not in page
    url = reverse("patients:emergency-review", args=[access.pk])
    assert client.post(url, {"outcome": "justified"}).status_code == 403
    assert not EmergencyAccess.objects.reviewable_by(both).exists()
    assert EmergencyAccess.objects.reviewable_by(cast.admin).exists()


def test_the_owner_sees_the_number_and_no_name(cast, client_for, over):
    client = client_for(cast.owner)
    for url in ("/patients/emergency/", reverse("patients:emergency-detail", args=[over.pk])):
        page = client.get(url).content.decode()
        assert "123456" in page
        assert "Ratna" not in page
        assert str(over.patient_id) not in page


def test_a_review_once(cast, client_for, over):
    client = client_for(cast.owner)
    url = reverse("patients:emergency-review", args=[over.pk])
    assert client.post(url, {}).status_code == 422
    assert client.post(url, {"outcome": "maybe"}).status_code == 422
    assert client.post(url, {"outcome": "not_justified", "note": "tidak"}).status_code == 422
    assert client.post(url, {"outcome": "not_justified", "note": "Bukan keadaan darurat"}).status_code == 302
    assert client.post(url, {"outcome": "justified"}).status_code == 409
    over.refresh_from_db()
    assert (over.outcome, over.reviewed_by, over.review_note) == ("not_justified", cast.owner, "Bukan keadaan darurat")
    assert Notice.objects.get(recipient=cast.doctor).kind == "emergency_not_justified"
    assert "Rina" in client.get("/patients/emergency/?view=reviewed").content.decode()
    assert "Rina" not in client.get("/patients/emergency/").content.decode().split("<main")[1]


def test_a_running_access_is_not_reviewed_yet(cast, stranger):
    access = start(stranger, cast.doctor)
    with pytest.raises(EmergencyNotReviewable):
        review(access, cast.owner)


def test_the_review_shows_what_was_opened(cast, client_for, stranger):
    access = start(stranger, cast.doctor)
    client_for(cast.doctor).get(chart(stranger))
    client_for(cast.other_doctor).get(chart(stranger))
    emergency.end_emergency_access(access_id=access.pk, actor=cast.doctor)
    found = [event.action for event in emergency.done_under(access)]
    assert found.count("patients.chart.read") == 1
    assert "patients.emergency.started" in found


@pytest.mark.parametrize("hours, tone", [(23, ""), (24, "warning"), (71, "warning"), (72, "danger")])
def test_what_waits_grows_amber_and_red(cast, client_for, over, hours, tone):
    with time_machine.travel(over.started_at + timedelta(hours=hours), tick=False):
        assert over.review_tone == tone
        assert EmergencyAccess.objects.overdue().exists() == (tone == "danger")
        badge = f"tag-{tone or 'neutral'}"
        assert badge in client_for(cast.owner).get("/patients/emergency/").content.decode()
    review(over, cast.owner)
    over.refresh_from_db()
    assert over.review_tone == ""


def test_the_overview_counts_what_waits(cast, client_for, over):
    for who in ("owner", "admin"):
        page = client_for(getattr(cast, who)).get(reverse("reports:dashboard")).content.decode()
        assert "/patients/emergency/" in page.split("<main")[1]
    assert EmergencyAccess.objects.reviewable_by(cast.owner).count() == 1
    review(over, cast.admin)
    assert not EmergencyAccess.objects.reviewable_by(cast.owner).exists()


def test_reviewers_are_reminded_once_a_day_while_something_is_red(cast, over):
    assert cast.owner.pk
    assert cast.admin.pk
    reminders = Notice.objects.filter(kind="emergency_overdue")
    assert remind_emergency_reviews()
    assert not reminders.exists()
    morning = clock.day_bounds(clock.today() + timedelta(days=3))[0]
    with time_machine.travel(morning + timedelta(hours=7, minutes=59), tick=False):
        assert not remind_emergency_reviews()
    with time_machine.travel(morning + timedelta(hours=11), tick=False):
        assert remind_emergency_reviews()
        assert not remind_emergency_reviews()
    assert set(reminders.values_list("recipient_id", flat=True)) == {cast.owner.pk, cast.admin.pk}
    with time_machine.travel(morning + timedelta(days=1, hours=9), tick=False):
        assert remind_emergency_reviews()
    assert reminders.count() == 4
    review(over, cast.owner)
    with time_machine.travel(morning + timedelta(days=2, hours=9), tick=False):
        assert remind_emergency_reviews()
    assert reminders.count() == 4


@pytest.mark.parametrize("count", [3, 30])
def test_the_list_costs_the_same_for_any_number(cast, client_for, count):
    doctors = [UserFactory(roles=[Role.DOCTOR]) for _number in range(3)]
    for number in range(count):
        access = start(PatientFactory(), doctors[number % 3])
        emergency.end_emergency_access(access_id=access.pk, actor=doctors[number % 3])
    client = client_for(cast.owner)
    client.get("/patients/emergency/")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get("/patients/emergency/").status_code == 200
    assert len(queries) <= 8, [query["sql"][:120] for query in queries]


def test_scope_and_banner_cost_one_statement_more_and_none_for_others(cast, client_for):
    patient = PatientFactory(care_team=[cast.doctor])
    from patients.emergency import forget_running

    forget_running(cast.doctor)
    with CaptureQueriesContext(connection) as queries:
        for _time in range(3):
            running_of(cast.doctor, patient.pk)
            running_of(cast.receptionist, patient.pk)
    asked = [query["sql"] for query in queries if "emergencyaccess" in query["sql"]]
    assert len(asked) == 1
    with CaptureQueriesContext(connection) as queries:
        list(Patient.objects.visible_to(cast.doctor))
    assert not [query for query in queries if "emergencyaccess" in query["sql"]], "the scope reads the care team only"


# --- Races -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_many_starts_at_once_give_one(cast, race):
    patient, doctor = PatientFactory(), cast.doctor
    assert cast.owner.pk

    results = race(lambda _number: start(patient, type(doctor).objects.get(pk=doctor.pk)).pk, [(n,) for n in range(10)])
    assert not [result for result in results if isinstance(result, Exception)], results
    assert len(set(results)) == 1
    assert EmergencyAccess.objects.count() == 1
    assert CareTeamMember.objects.filter(source="emergency").count() == 1
    assert Notice.objects.filter(kind="emergency_started").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_at_once_give_one_review(cast, race):
    access = start(PatientFactory(), cast.doctor)
    emergency.end_emergency_access(access_id=access.pk, actor=cast.doctor)
    people = [(cast.owner, "justified"), (cast.admin, "not_justified")] * 3

    results = race(lambda who, outcome: review(access, who, outcome, "Bukan keadaan darurat").pk, people)
    refused = [result for result in results if isinstance(result, EmergencyNotReviewable)]
    assert len(refused) == 5
    assert AuditEvent.objects.filter(action="patients.emergency.reviewed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_starting_and_ending_at_once_leaves_one_truth(cast, race):
    patient, doctor = PatientFactory(), cast.doctor
    first = start(patient, doctor)

    def act(number):
        actor = type(doctor).objects.get(pk=doctor.pk)
        if number % 2:
            return emergency.end_emergency_access(access_id=first.pk, actor=actor).pk
        return start(patient, actor).pk

    results = race(act, [(number,) for number in range(8)])
    assert not [result for result in results if isinstance(result, Exception)], results
    running = EmergencyAccess.objects.running().filter(patient=patient)
    assert running.count() <= 1
    assert Patient.objects.visible_to(type(doctor).objects.get(pk=doctor.pk)).exists() == running.exists()


@pytest.mark.django_db(transaction=True)
def test_looking_at_once_keeps_to_the_limit(cast, race):
    doctor = cast.doctor

    def look(_number):
        emergency.look_for_patient(actor=type(doctor).objects.get(pk=doctor.pk), number="999999")

    results = race(look, [(number,) for number in range(14)])
    assert len([result for result in results if isinstance(result, TooManyLookups)]) == 4
    assert AuditEvent.objects.filter(action="patients.emergency.looked_up").count() == 10
