"""The doctor's calendar behind a secret link: what it says, what it keeps to itself, and when it stops."""

import logging
import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from accounts.models import RoleAssignment
from audit.models import AuditEvent
from core import clock
from scheduling.models import CalendarFeed, TimeOff
from scheduling.services import feeds
from scheduling.views import feeds as views
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, session_at

pytestmark = pytest.mark.django_db


def address(token: str) -> str:
    return reverse("scheduling:calendar-feed", args=[token])


@pytest.fixture
def token(cast) -> str:
    return feeds.make_feed(doctor=cast.doctor)


@pytest.fixture
def booked(cast, session):
    patient = PatientFactory(full_name="Siti Rahmawati", email="siti@surat.example")
    return AppointmentFactory(slot=session.slots.first(), patient=patient, complaint="Telinga berdenging")


def entries(content: bytes) -> dict[str, object]:
    return {str(entry["UID"]).split("@")[0]: entry for entry in Calendar.from_ical(content).walk("VEVENT")}


def test_it_shows_sessions_bookings_and_leave_and_no_patient(cast, session, booked, token):
    leave = TimeOff.objects.create(
        doctor=cast.doctor, kind=TimeOff.Kind.LEAVE, starts_at=session.ends_at, created_at=clock.now(),
        ends_at=session.ends_at + timedelta(days=1), created_by=cast.doctor, note="Operasi anak saya",
    )  # fmt: skip
    answer = Client().get(address(token))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    found = entries(answer.content)
    assert set(found) == {f"session-{session.pk}", f"booking-{booked.pk}", f"time-off-{leave.pk}"}
    assert found[f"session-{session.pk}"]["DTSTART"].dt == session.starts_at
    assert "1" in found[f"session-{session.pk}"]["SUMMARY"]
    assert "3" in found[f"session-{session.pk}"]["SUMMARY"]
    assert found[f"booking-{booked.pk}"]["DTEND"].dt == booked.slot.ends_at
    assert found[f"booking-{booked.pk}"]["URL"] == f"{settings.SITE_URL}/appointments/{booked.pk}/"
    text = answer.content.replace(b"\r\n ", b"").decode()
    for secret in ("Siti", "Rahmawati", "berdenging", "surat.example", booked.patient.record_number, booked.code,
                   "Operasi", token):  # fmt: skip
        assert secret not in text


def test_only_what_is_the_doctors_and_stands_is_in_it(cast, session, token):
    other = AppointmentFactory(slot=SessionFactory(doctor=cast.other_doctor).slots.first())
    for slot, status in zip(session.slots.all(), ["pending", "cancelled", "no_show"], strict=True):
        AppointmentFactory(slot=slot, status=status)
    rejected = SessionFactory(doctor=cast.doctor, status="rejected", practice_on=clock.today() + timedelta(days=3))
    TimeOff.objects.create(
        doctor=cast.doctor, kind="leave", starts_at=clock.now(), ends_at=clock.now() + timedelta(hours=1),
        created_at=clock.now(), created_by=cast.doctor, cancelled_at=clock.now(),
    )  # fmt: skip
    found = entries(Client().get(address(token)).content)
    assert set(found) == {f"session-{session.pk}"}
    assert str(other.pk) not in str(found)
    assert str(rejected.pk) not in str(found)


def test_it_reaches_ninety_days_back_and_ahead(cast, token):
    today = clock.today()
    inside = [session_at(today + timedelta(days=days), 9, doctor=cast.doctor).pk for days in (-90, 0, 90)]
    for days in (-91, 91):
        session_at(today + timedelta(days=days), 9, doctor=cast.doctor)
    assert set(entries(Client().get(address(token)).content)) == {f"session-{pk}" for pk in inside}


def test_unknown_revoked_and_closed_are_one_answer(cast, token):
    client = Client()
    unknown = client.get(address("x" * 43))
    assert unknown.status_code == 404
    services_link = address(token)
    cast.doctor.is_active = False
    cast.doctor.save(update_fields=["is_active"])
    closed = client.get(services_link)
    cast.doctor.is_active = True
    cast.doctor.save(update_fields=["is_active"])
    assert client.get(services_link).status_code == 200
    assert feeds.revoke_feeds(doctor=cast.doctor, actor=cast.doctor) == 1
    revoked = client.get(services_link)
    for answer in (closed, revoked):
        assert answer.status_code == 404
        assert answer.content == unknown.content
        assert token not in answer.content.decode()
    assert feeds.revoke_feeds(doctor=cast.doctor, actor=cast.doctor) == 0
    assert AuditEvent.objects.filter(action="scheduling.calendar_feed.revoked").count() == 1


def test_a_doctor_who_is_none_any_more_has_no_feed(cast, token):
    RoleAssignment.objects.filter(user=cast.doctor).delete()
    assert Client().get(address(token)).status_code == 404


@pytest.mark.parametrize("bad", ["a", "x" * 65, "x" * 5000, "🌸" * 10, "' OR 1=1 --", "..", "%00"])
def test_made_up_secrets(cast, token, bad):
    assert Client().get(address(bad)).status_code == 404


def test_a_new_link_ends_the_one_before_and_only_a_digest_is_kept(cast, token):
    again = feeds.make_feed(doctor=cast.doctor)
    assert Client().get(address(token)).status_code == 404
    assert Client().get(address(again)).status_code == 200
    assert CalendarFeed.objects.filter(doctor=cast.doctor, revoked_at__isnull=True).count() == 1
    row = CalendarFeed.objects.get(revoked_at__isnull=True)
    assert again not in str(vars(row))
    assert row.token_digest == feeds.digest_of(again)
    assert again not in str(list(AuditEvent.objects.values()))


def test_what_is_known_already_is_not_sent_again_until_it_changes(cast, session, token):
    client, url = Client(), address(token)
    first = client.get(url)
    etag, changed = first["ETag"], first["Last-Modified"]
    assert client.get(url).content == first.content, "the same content is the same bytes"
    same = client.get(url, headers={"If-None-Match": etag})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
    assert client.get(url, headers={"If-Modified-Since": changed}).status_code == 304
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False):
        AppointmentFactory(slot=session.slots.first())
        for headers in ({"If-None-Match": etag}, {"If-Modified-Since": changed}):
            assert client.get(url, headers=headers).status_code == 200, headers
        assert client.get(url)["ETag"] != etag
    cache.clear()
    assert client.get(url, headers={"If-None-Match": client.get(url)["ETag"]}).status_code == 304


def test_headers_keep_it_between_the_program_and_the_clinic(cast, token):
    client = Client()
    answer = client.get(address(token))
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer["X-Robots-Tag"]
    assert not answer.cookies
    assert client.head(address(token)).status_code == 200
    assert client.post(address(token)).status_code == 405


def test_when_it_was_last_read_is_known_to_ten_minutes(cast, token):
    Client().get(address(token))
    first = CalendarFeed.objects.get().last_read_at
    assert first is not None
    Client().get(address(token))
    assert CalendarFeed.objects.get().last_read_at == first
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        Client().get(address(token))
        assert CalendarFeed.objects.get().last_read_at == clock.now()


def test_many_requests_from_one_place_are_refused_alike_for_all_secrets(cast, token, monkeypatch):
    monkeypatch.setattr(views, "READS_PER_PERIOD", 3)
    statuses = [Client().get(address(secret)).status_code for secret in ("x" * 43, token, "y" * 43, token, "z" * 43)]
    assert statuses == [404, 200, 404, 429, 429]
    assert Client().get(address(token))["Retry-After"] == "600"


def test_few_statements_however_much_is_in_it(cast, token, django_assert_max_num_queries):
    def read():
        return Client().get(address(token))

    read()
    with django_assert_max_num_queries(6):
        read()
    for days in range(1, 9):
        session = session_at(clock.today() + timedelta(days=days), 9, doctor=cast.doctor, count=3)
        for slot in session.slots.all():
            AppointmentFactory(slot=slot)
    with django_assert_max_num_queries(6):
        assert len(entries(read().content)) == 32


def test_the_secret_is_in_no_log(cast, token, caplog):
    with caplog.at_level(logging.DEBUG):
        Client().get(address(token))
        feeds.revoke_feeds(doctor=cast.doctor, actor=cast.doctor)
        Client().get(address(token))
        Client().get(address(token) + "x")
    ours = [line.getMessage() for line in caplog.records if not line.name.startswith("django.")]
    assert token not in "\n".join(ours)
    assert "django.request" in settings.LOGGING["loggers"], "its warnings would name the address of a page that is gone"
    assert settings.LOGGING["loggers"]["django.request"]["level"] == "ERROR"


def test_nginx_cuts_the_secret_out_of_its_log():
    conf = (settings.BASE_DIR / "deploy/nginx/emr.conf").read_text(encoding="utf-8")
    patterns = [re.compile(text.replace("(?<", "(?P<")) for text in re.findall(r"^\s+~(\^\S+)\s", conf, re.M)]
    found = [match for pattern in patterns if (match := pattern.match(address("geheim" * 7)))]
    assert found, "no line of the map catches the address of a calendar"
    assert all("geheim" not in match.group(1) for match in found)


def test_the_page_shows_the_link_once(cast, client_for):
    client = client_for(cast.doctor)
    page = reverse("scheduling:feed")
    assert "/calendar-feeds/" not in client.get(page).content.decode()
    made = client.post(reverse("scheduling:feed-make")).content.decode()
    [link] = set(re.findall(r"/calendar-feeds/[\w-]{43}\.ics", made))
    assert settings.SITE_URL + link in made
    assert Client().get(link).status_code == 200
    assert "/calendar-feeds/" not in client.get(page).content.decode()
    assert client.post(reverse("scheduling:feed-revoke"), follow=True).status_code == 200
    assert Client().get(link).status_code == 404
    actions = AuditEvent.objects.filter(action__startswith="scheduling.calendar_feed").values_list("action", flat=True)
    assert list(actions.order_by("id")) == ["scheduling.calendar_feed.made", "scheduling.calendar_feed.revoked"]


def test_a_doctor_ends_only_the_own_link(cast, token, client_for):
    client_for(cast.other_doctor).post(reverse("scheduling:feed-revoke"))
    assert Client().get(address(token)).status_code == 200


def test_a_cancelled_session_leaves_the_calendar(cast, session, token):
    assert f"session-{session.pk}" in entries(Client().get(address(token)).content)
    session.status = "cancelled"
    session.save(update_fields=["status"])
    assert entries(Client().get(address(token)).content) == {}


@pytest.mark.django_db(transaction=True)
def test_of_links_made_at_once_one_works(cast, race):
    doctor = cast.doctor
    tokens = race(lambda: feeds.make_feed(doctor=doctor), [()] * 8)
    assert all(isinstance(token, str) for token in tokens)
    assert sum(Client().get(address(token)).status_code == 200 for token in tokens) == 1
