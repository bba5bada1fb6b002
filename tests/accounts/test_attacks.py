"""What was tried against signing in, sessions and the administration of accounts by people who mean harm."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import SESSION_KEY
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import factor_resets, factors, idle, sessions
from accounts.access import Role
from accounts.errors import SecondPersonNeeded
from accounts.lockout import raw_client_ip
from accounts.models import AccountSession, TotpDevice, User
from accounts.second_factor import FACTOR_AT
from accounts.services import set_roles
from audit.models import AuditEvent
from tests.accounts.signing_in import PASSWORD, VERIFY, unused_code
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
STAFF = reverse("accounts:login")


class TestWhatWrongTriesLeaveBehind:
    """Tables of the lock-out are read by everybody with a copy of the database."""

    def test_no_password_typed_into_any_form_is_kept(self, cast, client_for):
        nurse = cast.nurse
        client = client_for(nurse)
        client.post(
            reverse("accounts:password-change"),
            {"current_password": "SalahKetik-2026", "new_password": "BaruSekali-2026"},
        )
        client.post(
            reverse("accounts:email-change"), {"current_password": "SalahLagi-2026", "new_email": "baru@surat.example"}
        )
        rows = AccessAttempt.objects.all()
        assert rows, "wrong passwords are counted"
        kept = " ".join(str(value) for row in rows.values() for value in row.values())
        for text in ("SalahKetik", "BaruSekali", "SalahLagi", "baru@surat.example"):
            assert text not in kept


class TestBackOffice:
    def test_no_column_can_be_guessed_through_filters_of_the_address(self, cast, client_for):
        cast.nurse
        client = client_for(cast.admin)
        start = cast.nurse.password[:4]
        for query in (f"password__startswith={start}", "session_epoch__gte=0", "account_sessions__session_key__gt=a"):
            answer = client.get(f"/back-office/accounts/user/?{query}")
            assert answer.status_code in (302, 400), query
            assert answer.status_code == 400 or "e=1" in answer["Location"], query


HOSTILE = [
    "foo", "accounts:logout", "//evil.example", "/\\evil.example", "https://evil.example/", "http://testserver@evil.example/",
    "http://testserver.evil.example/", "javascript:alert(1)", "/\n/x", "\0", "?", "/" * 9000, "/\u2028x",
]  # fmt: skip


def leads_into_this_site(answer) -> bool:
    target = answer["Location"]
    return answer.status_code == 302 and target.startswith("/") and not target.startswith(("//", "/\\"))


class TestAddressesToGoTo:
    @pytest.mark.parametrize("target", HOSTILE)
    def test_a_language_is_chosen_whatever_next_says(self, client, target):
        assert leads_into_this_site(client.post(reverse("accounts:preferences"), {"language": "en", "next": target}))

    @pytest.mark.parametrize("target", HOSTILE)
    def test_a_sign_in_leads_into_this_site(self, cast, target):
        nurse, client = cast.nurse, Client()
        code = unused_code(nurse)
        client.post(STAFF, {"login": "ns.dewi", "password": PASSWORD, "next": target})
        assert leads_into_this_site(client.post(VERIFY, {"code": code}))

    def test_after_a_step_up_one_is_back_on_the_page_one_came_from(self, cast, client_for):
        client = client_for(cast.admin)
        session = client.session
        session[FACTOR_AT] = 0
        session.save()
        url = reverse("accounts:factor-reset-approve", args=[cast.nurse.pk])
        page = "http://testserver/users/?status=active"
        for came_from, leads_to in ((page, "/users/?status=active"), ("https://evil.example/users/", "/")):
            answer = client.post(url, headers={"Referer": came_from})
            assert parse_qs(urlsplit(answer["Location"]).query)["next"] == [leads_to]


class TestSignInAgainstChanges:
    """An account changes after its code was found right, and before the session is made."""

    @pytest.mark.parametrize("what", ["reset", "roles", "closed", "all_sessions"])
    def test_the_session_is_not_left_open(self, cast, monkeypatch, what):
        nurse, client = cast.nurse, Client()
        code = unused_code(nurse)
        assert client.post(STAFF, {"login": "ns.dewi", "password": PASSWORD})["Location"] == VERIFY
        honest = factors.check_code

        def slow(**values):
            proof = honest(**values)
            person = User.objects.get(pk=nurse.pk)
            if what == "reset":
                factor_resets.reset_by_operator(user_id=nurse.pk)
            elif what == "roles":
                set_roles(user_id=nurse.pk, actor=cast.admin, roles=[Role.CASHIER])
            elif what == "closed":
                User.objects.filter(pk=nurse.pk).update(is_active=False)
            else:
                sessions.end_all(person)
            return proof

        monkeypatch.setattr(factors, "check_code", slow)
        client.post(VERIFY, {"code": code})
        assert client.get(reverse("accounts:device-list")).status_code == 302
        assert SESSION_KEY not in client.session


class TestLockedPage:
    def test_a_form_from_another_site_is_not_carried_over_the_lock(self, cast, client_for):
        nurse = cast.nurse
        inner = client_for(nurse)
        client = Client(enforce_csrf_checks=True)
        client.cookies = inner.cookies
        row = AccountSession.objects.get(user=nurse, ended_at__isnull=True)
        sessions.lock(row_id=row.pk, actor=nurse, why="asked")
        idle.shut(row.pk, idle.Status.LOCKED)
        answer = client.post(reverse("accounts:device-list"), {"evil": "yes"}, headers={"Sec-Fetch-Site": "same-site"})
        assert answer.status_code == 423
        assert not answer.context["form_held"]


class TestTwoAccountsOfOnePerson:
    def test_rights_given_after_the_asking_do_not_count(self, cast):
        TotpDevice.objects.create(user=cast.nurse, name="Telepon")
        second = UserFactory(username="ayu.kedua", full_name="Ayu Kedua", roles=[Role.CASHIER])
        User.objects.filter(pk=second.pk).update(created_at="2026-01-01T00:00:00Z")
        asked = factor_resets.request_reset(user_id=cast.nurse.pk, actor=cast.admin, reason="telepon hilang di angkot")
        time.sleep(0.01)
        set_roles(user_id=second.pk, actor=cast.admin, roles=[Role.ADMIN])
        second = User.objects.get(pk=second.pk)
        with pytest.raises(SecondPersonNeeded):
            factor_resets.approve_reset(request_id=asked.pk, actor=second)


class TestTraces:
    """Wrong passwords are events too: whose, where, how often; never what was typed."""

    def refused(self) -> list[tuple[str, str, str]]:
        rows = AuditEvent.objects.filter(action="accounts.sign_in.refused", result="refused").order_by("id")
        return [(row.actor_roles, row.target_id, row.detail.get("page", "")) for row in rows]

    def test_at_the_doors(self, cast):
        nurse, patient = str(cast.nurse.pk), str(cast.patient_user.pk)
        portal = reverse("accounts:portal-login")
        for door, login, password in (
            (STAFF, cast.nurse.email, "Sal4h-sekali-ini"),
            (STAFF, "bukan.siapa", "Sal4h-sekali-ini"),
            (STAFF, "siti", PASSWORD),
            (portal, "siti", "Sal4h-sekali-ini"),
        ):
            assert Client().post(door, {"login": login, "password": password}).status_code == 422
        assert self.refused() == [
            ("anonymous", nurse, "accounts:login"),
            ("anonymous", "", "accounts:login"),
            ("anonymous", patient, "accounts:login"),
            ("anonymous", patient, "accounts:portal-login"),
        ]
        assert "Sal4h" not in str([row.__dict__ for row in AuditEvent.objects.all()])
        assert "bukan.siapa" not in str([row.__dict__ for row in AuditEvent.objects.all()])

    def test_the_fifth_and_the_lock(self, cast):
        client = Client()
        for _try in range(5):
            client.post(STAFF, {"login": cast.nurse.email, "password": "salah"})
        assert len(self.refused()) == 5
        assert AuditEvent.objects.filter(action="accounts.try.locked_out").count() == 1

    def test_of_somebody_signed_in(self, cast, client_for):
        client = client_for(cast.nurse)
        client.post(
            reverse("accounts:password-change"), {"current_password": "salah", "new_password": "Baru-sekali-2026"}
        )
        assert self.refused() == [("nurse", str(cast.nurse.pk), "accounts:password-change")]

    def test_a_wrong_code_is_one_event(self, cast):
        client, device = Client(), TotpDevice.objects.create(user=cast.nurse, name="Telepon")
        client.post(STAFF, {"login": "ns.dewi", "password": PASSWORD})
        wrong = next(f"{n:06d}" for n in range(9) if not device.matching_steps(f"{n:06d}", time.time()))
        assert client.post(VERIFY, {"code": wrong}).status_code == 422
        assert not self.refused()
        event = AuditEvent.objects.get(result="refused")
        assert (event.action, event.actor_roles) == ("accounts.factor.refused", "anonymous")

    def test_the_log_is_not_read_in_the_back_office_without_trace(self, cast, client_for):
        assert client_for(cast.admin).get("/back-office/audit/auditevent/").status_code == 200
        assert AuditEvent.objects.get(action="reports.audit.viewed").actor_id == cast.admin.pk


class TestAddresses:
    def test_a_subscriber_with_many_ipv6_addresses_has_five_tries(self, cast):
        statuses = [
            Client(REMOTE_ADDR=f"2001:db8:1:2::{number:x}").post(STAFF, {"login": cast.nurse.email, "password": "x"})
            for number in range(1, 7)
        ]
        assert [answer.status_code for answer in statuses] == [422] * 4 + [429] * 2
        other = Client(REMOTE_ADDR="2001:db8:1:3::1").post(STAFF, {"login": cast.nurse.email, "password": "x"})
        assert other.status_code == 422

    @pytest.mark.parametrize("address", ["203.0.113.5", "::ffff:203.0.113.5", "", "unix:", "2001:db8::1%eth0"])
    def test_any_address(self, address):
        request = RequestFactory().get("/", REMOTE_ADDR=address)
        assert raw_client_ip(request) in ("203.0.113.5", "0.0.0.0", "unix:", "2001:db8::")
