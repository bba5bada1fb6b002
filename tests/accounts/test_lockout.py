"""The common counter: exactly five, per account and place, however the name is written."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import lockout
from accounts.lockout import TooManyTries
from accounts.models import User
from audit.models import AuditEvent
from core import clock
from tests.accounts import signing_in
from tests.accounts.signing_in import PASSWORD
from tests.factories.accounts import UserFactory

STAFF = reverse("accounts:login")
KNOWN_COOKIE = "emr_known"


def sign_in(client: Client, login: str, password: str = PASSWORD, **extra):
    return signing_in.sign_in(client, STAFF, login, password, **extra)


def passed(answer) -> bool:
    return answer.status_code == 302


@pytest.fixture
def request_of(db):
    """Return a request from an address, of nobody or of a signed-in person."""
    from django.contrib.auth.models import AnonymousUser

    def make(user: User | None = None, address: str = "203.0.113.5", cookies: dict | None = None):
        request = RequestFactory().post("/", REMOTE_ADDR=address)
        request.user = user or AnonymousUser()
        request.COOKIES.update(cookies or {})
        return request

    return make


@pytest.mark.django_db
class TestStranger:
    def test_one_count_whatever_the_name_is_written_like(self, cast):
        assert cast.nurse
        client = Client()
        names = ["ns.dewi", cast.nurse.email, "NS.DEWI", cast.nurse.email.upper()]
        assert [sign_in(client, name, "salah").status_code for name in names] == [422] * 4
        assert sign_in(client, "ns.dewi", "salah").status_code == 429

    def test_a_stranger_behind_the_same_address_cannot_lock_out_the_only_admin(self, cast):
        assert cast.admin
        own = Client()
        assert passed(sign_in(own, "ayu.admin"))
        own.post(reverse("accounts:logout"))
        stranger = Client()
        assert [sign_in(stranger, "ayu.admin", f"x{n}").status_code for n in range(7)] == [422] * 4 + [429] * 3
        assert passed(sign_in(own, "ayu.admin")), "the admin's own browser has a count of its own"
        assert passed(sign_in(Client(), "ayu.admin", REMOTE_ADDR="198.51.100.1")), "and so has another address"
        assert sign_in(Client(), "ayu.admin").status_code == 429

    def test_a_flood_from_the_same_address_does_not_stop_the_known_browser(self, cast):
        assert cast.admin
        own = Client()
        sign_in(own, "ayu.admin")
        own.post(reverse("accounts:logout"))
        for number in range(40):
            sign_in(Client(), f"orang{number}", "x")
        assert passed(sign_in(own, "ayu.admin"))

    def test_the_known_browser_has_five_tries_as_well(self, cast):
        assert cast.admin
        own = Client()
        sign_in(own, "ayu.admin")
        own.post(reverse("accounts:logout"))
        assert [sign_in(own, "ayu.admin", "x").status_code for _n in range(6)] == [422] * 4 + [429] * 2

    def test_a_cookie_of_one_account_helps_no_other(self, cast):
        assert cast.admin
        assert cast.nurse
        own = Client()
        sign_in(own, "ns.dewi")
        own.post(reverse("accounts:logout"))
        for _n in range(5):
            sign_in(Client(), "ayu.admin", "x")
        assert sign_in(own, "ayu.admin").status_code == 429

    @pytest.mark.parametrize("text", ["a.b.c", "x", "~~~", "." * 3000, "a.b", "ü.ü.ü", "%00.%00.%00"])
    def test_a_forged_cookie_is_no_place(self, cast, request_of, text):
        plain = request_of()
        forged = request_of(cookies={KNOWN_COOKIE: text})
        assert lockout.place_of(forged, cast.admin) == lockout.place_of(plain, cast.admin)

    def test_many_people_at_one_computer(self, cast):
        client = Client()
        for number in range(lockout.KNOWN_LIMIT + 3):
            UserFactory(username=f"orang{number}")
            assert passed(sign_in(client, f"orang{number}"))
            client.post(reverse("accounts:logout"))
        entries = client.cookies[KNOWN_COOKIE].value.split("~")
        assert len(entries) == lockout.KNOWN_LIMIT
        assert len(client.cookies[KNOWN_COOKIE].value) < 1500


@pytest.mark.django_db
def test_nothing_readable_is_stored(cast):
    assert cast.nurse
    sign_in(Client(), "ns.dewi", "salah-1", REMOTE_ADDR="203.0.113.7")
    sign_in(Client(), "3171234567890001", "salah-2", REMOTE_ADDR="203.0.113.7")
    stored = " ".join(str(row.__dict__) for row in AccessAttempt.objects.all())
    assert AccessAttempt.objects.count() == 2
    for text in ("ns.dewi", "3171234567890001", "203.0.113.7", "salah-"):
        assert text not in stored


class TestAttempt:
    def test_right_answers_are_not_counted(self, cast, request_of):
        for _n in range(12):
            assert lockout.attempt(request_of(), cast.nurse, lambda: True)

    def test_the_fifth_wrong_answer_closes_and_the_sixth_is_not_checked(self, cast, request_of):
        calls = []

        def wrong() -> bool:
            calls.append(1)
            return False

        for _n in range(4):
            assert lockout.attempt(request_of(), cast.nurse, wrong) is False
        with pytest.raises(TooManyTries) as refused:
            lockout.attempt(request_of(), cast.nurse, wrong)
        assert refused.value.retry_after_seconds == 900
        with pytest.raises(TooManyTries):
            lockout.attempt(request_of(), cast.nurse, lambda: calls.append(1) or True)
        assert len(calls) == 5

    def test_passwords_and_codes_share_the_count(self, cast, request_of):
        client = Client()
        for _n in range(3):
            sign_in(client, "ns.dewi" if cast.nurse else "", "salah", REMOTE_ADDR="203.0.113.5")
        assert lockout.attempt(request_of(), cast.nurse, lambda: False) is False
        with pytest.raises(TooManyTries):
            lockout.attempt(request_of(), cast.nurse, lambda: False)
        assert sign_in(client, "ns.dewi", REMOTE_ADDR="203.0.113.5").status_code == 429

    def test_a_right_code_of_a_stranger_does_not_forget_the_wrong_ones(self, cast, request_of):
        for _n in range(4):
            lockout.attempt(request_of(), cast.nurse, lambda: False)
        assert lockout.attempt(request_of(), cast.nurse, lambda: True)
        with pytest.raises(TooManyTries):
            lockout.attempt(request_of(), cast.nurse, lambda: False)

    def test_a_right_answer_of_the_signed_in_person_does(self, cast, request_of):
        for _n in range(4):
            lockout.attempt(request_of(cast.nurse), cast.nurse, lambda: False)
        assert lockout.attempt(request_of(cast.nurse), cast.nurse, lambda: True)
        for _n in range(4):
            assert lockout.attempt(request_of(cast.nurse), cast.nurse, lambda: False) is False

    def test_fourteen_and_fifteen_minutes(self, cast, request_of):
        start = clock.now()
        with time_machine.travel(start, tick=False) as traveller:
            for _n in range(4):
                lockout.attempt(request_of(), cast.nurse, lambda: False)
            with pytest.raises(TooManyTries):
                lockout.attempt(request_of(), cast.nurse, lambda: False)
            traveller.move_to(start + timedelta(minutes=14, seconds=59))
            with pytest.raises(TooManyTries) as refused:
                lockout.attempt(request_of(), cast.nurse, lambda: True)
            assert refused.value.retry_after_seconds == 60
            traveller.move_to(start + timedelta(minutes=15, seconds=1))
            assert lockout.attempt(request_of(), cast.nurse, lambda: True)

    def test_lifting_lets_try_again_everywhere(self, cast, request_of):
        for address in ("203.0.113.5", "198.51.100.9"):
            for _n in range(5):
                with suppress(TooManyTries):
                    lockout.attempt(request_of(address=address), cast.nurse, lambda: False)
        assert lockout.locked_places(cast.nurse) == 2
        assert lockout.lift_locks(cast.nurse) == 2
        assert lockout.locked_places(cast.nurse) == 0
        for address in ("203.0.113.5", "198.51.100.9"):
            for _n in range(4):
                assert lockout.attempt(request_of(address=address), cast.nurse, lambda: False) is False


@pytest.mark.django_db
def test_a_sign_in_forgets_the_wrong_tries_once(cast):
    """`accounts.signals` does it for every kind of sign-in; axes would look for them a second time."""
    assert cast.nurse
    client = Client()
    for _n in range(4):
        sign_in(client, "ns.dewi", "salah")
    with CaptureQueriesContext(connection) as queries:
        assert passed(sign_in(client, "ns.dewi"))
    rows_of = [sql for query in queries if "axes_accessattempt" in (sql := query["sql"]) and "user_agent" in sql]
    assert len([sql for sql in rows_of if "attempt_time" not in sql.split("WHERE")[1]]) == 1, rows_of
    assert not AccessAttempt.objects.exists()


@pytest.mark.django_db
class TestLifting:
    def lock(self, user: User) -> None:
        for number in range(5):
            sign_in(Client(), user.username, f"salah-{number}")

    def url(self, user: User) -> str:
        return reverse("accounts:user-lift-lock", args=[user.pk])

    def test_by_an_admin_and_it_is_in_the_log(self, cast, client_for):
        self.lock(cast.nurse)
        client = client_for(cast.admin)
        assert b"lift-lock" in client.get(reverse("accounts:user-edit", args=[cast.nurse.pk])).content
        client.post(self.url(cast.nurse))
        assert passed(sign_in(Client(), "ns.dewi"))
        event = AuditEvent.objects.get(action="accounts.lock.lifted")
        assert (event.actor, event.target_id, event.detail) == (cast.admin, str(cast.nurse.pk), {"places": 1})

    def test_nobody_lifts_their_own(self, cast, client_for):
        self.lock(cast.admin)
        client_for(cast.admin).post(self.url(cast.admin))
        assert lockout.locked_places(cast.admin) == 1

    def test_nothing_to_lift_is_said(self, cast, client_for):
        client_for(cast.admin).post(self.url(cast.nurse))
        assert not AuditEvent.objects.filter(action="accounts.lock.lifted").exists()


@pytest.mark.django_db(transaction=True)
class TestParallel:
    def test_of_forty_passwords_at_once_exactly_five_are_checked(self, cast, race, monkeypatch):
        assert cast.nurse
        checked = []
        real = User.check_password
        monkeypatch.setattr(User, "check_password", lambda user, raw: checked.append(raw) or real(user, raw))
        statuses = race(
            lambda number: sign_in(Client(), "ns.dewi", f"salah-{number}").status_code, [(n,) for n in range(40)]
        )
        assert len(checked) == 5, "the rest was refused before its password was looked at"
        assert set(statuses) <= {422, 429}
        assert sign_in(Client(), "ns.dewi").status_code == 429

    def test_of_forty_codes_at_once_exactly_five_are_checked(self, cast, race, request_of):
        user = cast.nurse
        checked = []

        def one(number: int) -> str:
            try:
                lockout.attempt(request_of(), user, lambda: checked.append(number))
            except TooManyTries:
                return "refused"
            return "wrong"

        answers = race(one, [(n,) for n in range(40)])
        assert len(checked) == 5
        assert answers.count("wrong") < 5, "the answer that closed the door says so"
