"""The two doors: who is let in, what a refusal tells, and when the door closes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from core import clock
from tests.accounts.signing_in import PASSWORD, second_step, sign_in
from tests.factories.accounts import PatientUserFactory, UserFactory

STAFF = reverse("accounts:login")
PORTAL = reverse("accounts:portal-login")


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


@pytest.mark.django_db
class TestWrongPerson:
    def test_a_patient_at_the_staff_door_gets_the_answer_of_a_wrong_password(self, cast, client):
        wrong = sign_in(client, STAFF, cast.nurse.username, "bukan-kata-sandi")
        patient = sign_in(client, STAFF, cast.patient_user.username)
        assert wrong.status_code == patient.status_code == 422
        assert wrong.context["form"].errors == patient.context["form"].errors
        assert not is_in(client)

    def test_one_sentence_for_every_refusal(self, cast):
        people = [("ns.dewi", "salah"), (cast.nurse.email, "salah"), ("tidak.ada", "x"), ("tidak@ada.example", "x")]
        people += [(cast.patient_user.username, PASSWORD), (cast.patient_user.email, PASSWORD)]
        said = {str(sign_in(Client(), STAFF, *person).context["form"].errors) for person in people}
        assert len(said) == 1

    def test_staff_at_the_patient_door_get_the_same(self, cast, client):
        unknown = sign_in(client, PORTAL, "tidak.ada")
        staff = sign_in(client, PORTAL, cast.admin.username)
        assert unknown.status_code == staff.status_code == 422
        assert unknown.context["form"].errors == staff.context["form"].errors
        assert not is_in(client)

    def test_the_wrong_door_closes_like_a_wrong_password(self, cast):
        client = Client()
        statuses = [sign_in(client, PORTAL, cast.admin.username).status_code for _index in range(6)]
        assert statuses == [422, 422, 422, 422, 429, 429]

    def test_a_closed_account_is_not_let_in(self, client):
        UserFactory(username="pergi", is_active=False)
        assert sign_in(client, STAFF, "pergi").status_code == 403
        assert not is_in(client)

    def test_a_registration_that_waits_is_told_so_after_the_right_password_only(self, client):
        PatientUserFactory(username="baru", is_active=False)
        assert sign_in(client, PORTAL, "baru", "salah-salah-salah").status_code == 422
        answer = sign_in(client, PORTAL, "baru")
        assert answer.status_code == 403
        assert "accounts/not_active.html" in [template.name for template in answer.templates]

    def test_no_open_sign_up_and_no_other_page_of_the_package(self, client):
        for path in ("/signup/", "/accounts/signup/", "/accounts/login/", "/login/", "/email/", "/password/reset/"):
            assert client.get(path).status_code == 404


@pytest.mark.django_db
class TestLetIn:
    @pytest.mark.parametrize("login", ["ns.dewi", "NS.DEWI", "ns.dewi@klinik.example", " ns.dewi "])
    def test_staff_by_name_or_mail(self, cast, client, login):
        assert cast.nurse
        answer = sign_in(client, STAFF, login)
        assert (answer.status_code, answer["Location"]) == (302, reverse("accounts:home"))
        assert is_in(client)
        assert AuditEvent.objects.filter(action="accounts.session.started", actor=cast.nurse).count() == 1

    def test_patient(self, cast, client):
        assert sign_in(client, PORTAL, cast.patient_user.email).status_code == 302
        event = AuditEvent.objects.get(action="accounts.session.started")
        assert (event.actor_id, event.actor_name) == (cast.patient_user.pk, ""), "a patient's name is not in the log"

    def test_the_page_asked_for(self, cast, client):
        assert cast.admin
        answer = client.post(f"{STAFF}?next=/users/", {"login": "ayu.admin", "password": PASSWORD, "next": "/users/"})
        answer = second_step(client, answer)
        assert answer["Location"] == "/users/"

    @pytest.mark.parametrize(
        "target", ["https://evil.example/", "//evil.example", "/portal/rumah/", "javascript:alert(1)"]
    )
    def test_no_page_elsewhere(self, cast, client, target):
        assert cast.admin
        answer = second_step(client, client.post(STAFF, {"login": "ayu.admin", "password": PASSWORD, "next": target}))
        assert answer["Location"] == reverse("accounts:home")

    def test_signed_in_people_are_sent_on(self, cast, client_for):
        assert client_for(cast.nurse).get(STAFF)["Location"] == reverse("accounts:home")

    def test_log_out_ends_the_session_and_goes_back_to_the_own_door(self, cast, client_for):
        for user, door in ((cast.nurse, STAFF), (cast.patient_user, PORTAL)):
            client = client_for(user)
            answer = client.post(reverse("accounts:logout"))
            assert answer["Location"] == door
            assert not is_in(client)

    def test_a_closed_account_is_out_at_the_next_request(self, cast, client_for):
        client = client_for(cast.nurse)
        User.objects.filter(pk=cast.nurse.pk).update(is_active=False)
        assert client.get(reverse("accounts:styleguide"))["Location"].startswith(STAFF)


@pytest.mark.django_db
class TestLockout:
    def fail(self, client, login="ns.dewi", times=1, **extra):
        return [sign_in(client, STAFF, login, f"salah-{index}", **extra).status_code for index in range(times)]

    def test_five_tries_then_the_door_is_closed_for_15_minutes(self, cast):
        assert cast.nurse
        client = Client()
        start = clock.now()
        with time_machine.travel(start, tick=False) as traveller:
            assert self.fail(client, times=6) == [422, 422, 422, 422, 429, 429]
            answer = sign_in(client, STAFF, "ns.dewi")
            assert answer.status_code == 429
            assert answer["Retry-After"] == "900"
            assert "15" in answer.context["message"]
            traveller.move_to(start + timedelta(minutes=14))
            answer = sign_in(client, STAFF, "ns.dewi")
            assert answer.status_code == 429
            assert answer["Retry-After"] == "60", "the wait that is left, and trying does not make it longer"
            traveller.move_to(start + timedelta(minutes=15, seconds=1))
            assert sign_in(client, STAFF, "ns.dewi").status_code == 302

    def test_others_are_not_locked_out(self, cast):
        assert cast.nurse
        assert cast.doctor
        client = Client()
        self.fail(client, times=5)
        assert sign_in(Client(), STAFF, "dr.rina").status_code == 302, "another person, same address"
        assert sign_in(Client(), STAFF, "ns.dewi", REMOTE_ADDR="203.0.113.9").status_code == 302, (
            "same person elsewhere"
        )

    def test_other_headers_do_not_help(self, cast):
        assert cast.nurse
        for index in range(5):
            self.fail(Client(), HTTP_USER_AGENT=f"agent {index}", HTTP_X_FORWARDED_FOR=f"198.51.100.{index}")
        assert sign_in(Client(), STAFF, "ns.dewi").status_code == 429

    def test_both_doors_count_together(self, cast):
        assert cast.nurse
        client = Client()
        for url in (STAFF, PORTAL, STAFF, PORTAL):
            assert sign_in(client, url, "ns.dewi", "salah").status_code == 422
        assert sign_in(client, PORTAL, "ns.dewi", "salah").status_code == 429

    def test_success_forgets_failures_also_by_mail(self, cast):
        assert cast.nurse
        client = Client()
        for login in ("ns.dewi", cast.nurse.email):
            self.fail(client, login, times=4)
            assert sign_in(client, STAFF, login).status_code == 302
            client.logout()
            assert self.fail(client, login, times=4) == [422] * 4
            assert sign_in(client, STAFF, login).status_code == 302
            client.logout()

    def test_no_address_is_stored_in_the_clear(self, cast):
        from axes.models import AccessAttempt

        self.fail(Client(), REMOTE_ADDR="203.0.113.7")
        attempt = AccessAttempt.objects.get()
        assert attempt.ip_address.startswith("fd")
        assert "203.0.113.7" not in str(attempt.__dict__)
        assert "salah-0" not in str(attempt.__dict__)


@pytest.mark.django_db
class TestHostileInput:
    @pytest.mark.parametrize(
        "login",
        [
            "",
            "\0",
            "' or 1=1 --",
            "<script>alert(1)</script>",
            "😀" * 80,
            "a" * 5000,
            "a@b",
            "%00",
            "admin\r\nSet-Cookie: x",
        ],
    )
    def test_any_text(self, client, login):
        answer = sign_in(client, STAFF, login, "x")
        assert answer.status_code == 422
        assert b"<script>alert" not in answer.content

    def test_a_huge_password_is_refused_before_it_is_hashed(self, cast, client):
        assert cast.nurse
        assert sign_in(client, STAFF, "ns.dewi", "x" * 100_000).status_code == 422


@pytest.mark.django_db
class TestDemoSignIns:
    ENTRIES = [
        {"door": "staff", "username": "dr.demo", "password": "demo-demo-2026", "name": "dr. Demo", "role": "Dokter"},
        {"door": "patient", "username": "pasien.demo", "password": "demo-demo-2026", "name": "Pasien <b>", "role": ""},
        "nonsense",
        {"door": "staff"},
    ]

    def test_never_outside_demo_mode(self, client, settings):
        settings.DEMO_MODE, settings.DEMO_SIGN_INS = False, self.ENTRIES
        assert b"dr.demo" not in client.get(STAFF).content

    def test_each_door_shows_its_own(self, client, settings):
        settings.DEMO_MODE, settings.DEMO_SIGN_INS = True, self.ENTRIES
        staff, portal = client.get(STAFF).content.decode(), client.get(PORTAL).content.decode()
        assert "dr.demo" in staff
        assert "pasien.demo" not in staff
        assert "pasien.demo" in portal
        assert "Pasien &lt;b&gt;" in portal

    @pytest.mark.parametrize("text", [None, "", "{", "{}", "[1]"])
    def test_a_missing_or_broken_file_shows_none(self, client, settings, tmp_path, text):
        settings.DEMO_MODE, settings.VAR_DIR = True, tmp_path
        if text is not None:
            (tmp_path / "demo-sign-ins.json").write_text(text)
        assert client.get(STAFF).context["demo_sign_ins"] == []
