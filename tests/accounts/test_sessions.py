"""Sessions: bound to their browser, listed, ended from elsewhere, and all of them when the account changes."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts import binding, services, sessions
from accounts.models import AccountSession, User
from accounts.tasks import tidy_sessions
from audit.models import AuditEvent
from core import clock
from notifications.models import Notice
from tests.conftest import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "rahasia-klinik-2026"
HOME = reverse("accounts:password-change")
LIST = reverse("accounts:session-list")
LOGIN = reverse("accounts:login")
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
BIND, SESSION = settings.SESSION_BINDING_COOKIE_NAME, settings.SESSION_COOKIE_NAME


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def browser(user: User, user_agent: str = CHROME.format("150.0.0.0")) -> Client:
    """A browser of a kind, signed in through the door of patients or as staff."""
    client = Client(HTTP_USER_AGENT=user_agent)
    sign_in(client, user)
    session = client.session
    row_id = binding.guard_of(session).row_id
    client.cookies[BIND] = binding.bind(session, row_id=row_id, user_agent=user_agent)
    session.save()
    return client


def copy_of(client: Client, *names: str, **headers: str) -> Client:
    """A thief with some of the cookies."""
    thief = Client(**headers)
    for name in names:
        thief.cookies[name] = client.cookies[name].value
    return thief


class TestStolen:
    @pytest.mark.parametrize("who", ["nurse", "patient_user"])
    def test_the_session_id_alone_opens_nothing_and_ends_the_session(self, cast, who):
        user = getattr(cast, who)
        client = browser(user)
        assert is_in(client)
        thief = copy_of(client, SESSION, HTTP_USER_AGENT=CHROME.format("150.0.0.0"))
        assert thief.get(HOME).status_code == 302
        assert SESSION_KEY not in thief.session
        assert not is_in(client), "the stolen session is over for everybody"
        assert AccountSession.objects.get().end == AccountSession.End.UNBOUND
        event = AuditEvent.objects.get(action="accounts.session.unbound")
        assert (event.result, event.target_id, event.actor_id) == ("refused", str(user.pk), None)
        assert [notice.kind for notice in Notice.objects.filter(recipient=user)] == ["session_unbound"]

    @pytest.mark.parametrize(
        ("agent", "expected"),
        [
            (CHROME.format("150.0.0.0"), True),
            (CHROME.format("151.0.0.0"), True),  # updated itself during the day
            (FIREFOX, False),
            (CHROME.format("150.0.0.0").replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64"), False),
            ("curl/8.0", False),
            ("", False),
            ("x" * 100_000, False),
            ("\xff\x00", False),
        ],
    )
    def test_both_cookies_work_in_the_same_kind_of_browser_only(self, cast, agent, expected):
        client = browser(cast.nurse)
        assert is_in(copy_of(client, SESSION, BIND, HTTP_USER_AGENT=agent)) is expected

    @pytest.mark.parametrize("token", ["", "x", "A" * 5000, "é", "\x00"])
    def test_a_made_up_binding(self, cast, token):
        client = browser(cast.nurse)
        client.cookies[BIND] = token
        assert not is_in(client)

    def test_another_persons_binding(self, cast):
        mine, theirs = browser(cast.nurse), browser(cast.doctor)
        mine.cookies[BIND] = theirs.cookies[BIND].value
        assert not is_in(mine)
        assert is_in(theirs)

    def test_the_address_does_not_matter(self, cast):
        client = browser(cast.nurse)
        assert client.get(HOME, REMOTE_ADDR="203.0.113.80").status_code == 200

    def test_trying_often_tells_the_owner_once(self, cast):
        client = browser(cast.nurse)
        key = client.cookies[SESSION].value
        for _index in range(5):
            thief = Client()
            thief.cookies[SESSION] = key
            thief.get(HOME)
        assert Notice.objects.count() == 1

    def test_a_session_from_before_bindings_ends_quietly(self, cast):
        client = browser(cast.nurse)
        session = client.session
        del session[binding.GUARD]
        session.save()
        assert not is_in(client)
        assert not Notice.objects.exists()

    @pytest.mark.parametrize("junk", [None, [], [1], ["x", "not-a-uuid", 1], {"a": 1}, "x", [None, None, None]])
    def test_junk_in_its_place_is_no_fault(self, cast, junk):
        client = browser(cast.nurse)
        session = client.session
        session[binding.GUARD] = junk
        session.save()
        assert not is_in(client)


class TestSignIn:
    def enter(self, user: User, **headers: str) -> Client:
        client = Client(**headers)
        client.post(reverse("accounts:portal-login"), {"login": user.username, "password": PASSWORD})
        return client

    def test_the_cookie(self, cast):
        client = self.enter(cast.patient_user, HTTP_USER_AGENT=FIREFOX)
        cookie = client.cookies[BIND]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
        assert len(cookie.value) >= 43
        assert cookie.value not in str(dict(client.session.items())), "the session keeps a digest only"
        assert is_in(client)

    def test_the_row(self, cast):
        client = self.enter(cast.patient_user, HTTP_USER_AGENT=FIREFOX)
        row = AccountSession.objects.get()
        assert (row.user, row.browser, row.method) == (cast.patient_user, "Firefox 140 · Windows", "password")
        assert row.session_key == client.cookies[SESSION].value
        assert row.address_hash.startswith("fd")
        assert (row.ended_at, row.end) == (None, "")

    def test_staff_by_an_authenticator_app(self, cast):
        sign_in(Client(), cast.nurse)
        device = cast.nurse.totpdevice_set.get()
        user = User.objects.get(pk=cast.nurse.pk)
        user.otp_device = device
        Client().force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        assert AccountSession.objects.order_by("-pk").first().method == "password_totp"

    def test_logging_out_ends_the_row_and_takes_the_cookie(self, cast):
        client = self.enter(cast.patient_user)
        answer = client.post(reverse("accounts:logout"))
        row = AccountSession.objects.get()
        assert row.end == AccountSession.End.SIGNED_OUT
        assert row.ended_at is not None
        assert answer.cookies[BIND].value == ""
        assert not Session.objects.filter(pk=row.session_key).exists()

    def test_signing_in_anew_ends_what_was_there(self, cast):
        client = self.enter(cast.patient_user)
        client.post(reverse("accounts:logout"))
        client.post(reverse("accounts:portal-login"), {"login": cast.other_patient_user.username, "password": PASSWORD})
        assert is_in(client)
        assert list(AccountSession.objects.filter(ended_at=None).values_list("user", flat=True)) == [
            cast.other_patient_user.pk
        ]

    def test_twelve_hours_are_the_end_however_much_is_done(self, cast):
        start = clock.now()
        with time_machine.travel(start, tick=False) as traveller:
            client = self.enter(cast.patient_user)
            for minutes in range(10, 12 * 60, 10):
                traveller.move_to(start + timedelta(minutes=minutes))
                assert is_in(client), minutes
                session = client.session
                session["kept"] = minutes  # writing moves the end that Django keeps, not ours
                session.save()
            traveller.move_to(start + timedelta(hours=12, seconds=1))
            assert not is_in(client)
            assert AccountSession.objects.get().end == AccountSession.End.EXPIRED

    def test_a_clock_set_back_ends_it(self, cast):
        start = clock.now()
        with time_machine.travel(start, tick=False) as traveller:
            client = self.enter(cast.patient_user)
            traveller.move_to(start - timedelta(hours=1))
            assert not is_in(client)

    def test_no_statement_more_on_a_page(self, cast, django_assert_num_queries, client_for):
        client = client_for(cast.nurse)
        stored = 0 if "cached" in settings.SESSION_ENGINE else 1
        with django_assert_num_queries(3 + stored):  # user, roles, notices
            client.get(reverse("accounts:styleguide"))

    def test_without_its_cache_a_page_costs_one_statement_more(self, cast, django_assert_max_num_queries, client_for):
        client = client_for(cast.nurse)
        cache.clear()
        with django_assert_max_num_queries(5):
            assert is_in(client)

    def test_the_row_learns_of_use_every_five_minutes(self, cast, client_for):
        start = clock.now()
        with time_machine.travel(start, tick=False) as traveller:
            client = client_for(cast.nurse)
            for seconds, seen in ((299, 0), (301, 301), (400, 301), (602, 602)):
                traveller.move_to(start + timedelta(seconds=seconds))
                assert is_in(client)
                row = AccountSession.objects.get()
                assert round((row.last_seen_at - start).total_seconds()) == seen

    def test_a_renewed_key_stays_the_same_session(self, cast, client_for):
        client = client_for(cast.nurse)
        old = client.cookies[SESSION].value
        client.post(HOME, {"current_password": PASSWORD, "new_password": "Empat-kata-acak-99"})
        row = AccountSession.objects.get()
        assert client.cookies[SESSION].value != old
        assert row.session_key == client.cookies[SESSION].value
        assert (is_in(client), row.ended_at) == (True, None)


class TestList:
    def test_only_the_own_are_shown(self, cast, client_for):
        mine, theirs = browser(cast.nurse), browser(cast.doctor, FIREFOX)
        page = mine.get(LIST)
        assert [row.user for row in page.context["sessions"]] == [cast.nurse]
        assert "Firefox" not in page.content.decode()
        assert is_in(theirs)

    def test_somebody_elses_cannot_be_ended(self, cast):
        mine, theirs = browser(cast.nurse), browser(cast.doctor)
        row = AccountSession.objects.get(user=cast.doctor)
        assert mine.post(reverse("accounts:session-end", args=[row.pk])).status_code == 404
        assert is_in(theirs)
        assert mine.post(reverse("accounts:session-end-others")).status_code == 302
        assert is_in(theirs)

    @pytest.mark.parametrize("who", ["nurse", "patient_user"])
    @pytest.mark.parametrize("engine", ["core.session_store.db", "core.session_store.cached_db"])
    def test_ending_one_ends_it_at_its_next_request(self, cast, settings, who, engine):
        settings.SESSION_ENGINE = engine
        user = getattr(cast, who)
        here, there, third = browser(user), browser(user, FIREFOX), browser(user)
        assert is_in(there)
        page = here.get(LIST)
        assert page.context["sessions"][0].pk == page.context["here"]
        row = AccountSession.objects.get(session_key=there.cookies[SESSION].value)
        assert here.post(reverse("accounts:session-end", args=[row.pk])).status_code == 302
        assert [is_in(client) for client in (here, there, third)] == [True, False, True]
        assert AccountSession.objects.get(pk=row.pk).end == AccountSession.End.REVOKED
        store = import_module(engine).SessionStore
        assert not store().exists(row.session_key)
        assert AuditEvent.objects.filter(action="accounts.session.revoked", actor_id=user.pk).count() == 1
        here.post(reverse("accounts:session-end", args=[row.pk]))
        assert AuditEvent.objects.filter(action="accounts.session.revoked").count() == 1, "twice is once"

    def test_ending_all_others(self, cast):
        here, others = browser(cast.nurse), [browser(cast.nurse) for _index in range(3)]
        here.post(reverse("accounts:session-end-others"))
        assert is_in(here)
        assert not any(is_in(client) for client in others)

    def test_ending_this_one_is_logging_out(self, cast):
        here = browser(cast.nurse)
        answer = here.post(reverse("accounts:session-end", args=[AccountSession.objects.get().pk]))
        assert answer["Location"] == LOGIN
        assert not is_in(here)

    @pytest.mark.parametrize("count", [3, 30])
    def test_the_list_costs_the_same_for_any_number(self, cast, client_for, django_assert_num_queries, count):
        client = client_for(cast.nurse)
        for index in range(count):
            AccountSession.objects.create(user=cast.nurse, session_key=f"k{index}", browser="Chrome 150 · Android")
        client.get(LIST)
        stored = 0 if "cached" in settings.SESSION_ENGINE else 1
        with django_assert_num_queries(4 + stored):
            assert client.get(LIST).status_code == 200

    def test_hostile_browser_names_are_text(self, cast, client_for):
        client = client_for(cast.nurse)
        AccountSession.objects.create(user=cast.nurse, session_key="k", browser="<script>alert(1)</script>")
        assert "<script>alert" not in client.get(LIST).content.decode()

    def test_a_copy_in_the_cache_outlives_nothing(self, cast, settings):
        """A request on its way may put an ended session back into the cache; the row still says it is over."""
        settings.SESSION_ENGINE = "core.session_store.cached_db"
        here, there = browser(cast.nurse), browser(cast.nurse)
        key = there.cookies[SESSION].value
        copy = cache.get(f"django.contrib.sessions.cached_db{key}")
        here.post(reverse("accounts:session-end-others"))
        cache.set(f"django.contrib.sessions.cached_db{key}", copy, 1000)
        assert not is_in(there)
        cache.set(f"django.contrib.sessions.cached_db{key}", copy, 1000)
        cache.delete_many([f"session:{row.hex}:shut" for row in AccountSession.objects.values_list("pk", flat=True)])
        assert not is_in(there)


def _roles(user, admin):
    services.set_roles(user_id=user.pk, actor=admin, roles=["cashier"])


def _deactivate(user, admin):
    services.deactivate_user(user_id=user.pk, actor=admin)


def _password(user, admin):
    services.change_own_password(user_id=user.pk, new_password="Empat-kata-acak-99")


def _factor(user, admin):
    from django.db import transaction

    with transaction.atomic():
        sessions.end_all(User.objects.select_for_update().get(pk=user.pk))


class TestEndOfAll:
    @pytest.mark.parametrize("engine", ["core.session_store.db", "core.session_store.cached_db"])
    @pytest.mark.parametrize("change", [_roles, _deactivate, _password, _factor])
    def test_changes_end_every_session_within_a_request(self, cast, settings, change, engine):
        settings.SESSION_ENGINE = engine
        clients = [browser(cast.nurse), browser(cast.nurse, FIREFOX)]
        other = browser(cast.doctor)
        assert all(is_in(client) for client in clients)
        change(cast.nurse, cast.admin)
        assert not any(is_in(client) for client in clients)
        assert is_in(other)
        assert not AccountSession.objects.filter(user=cast.nurse, ended_at=None).exists()

    def test_of_patients_too(self, cast):
        client = browser(cast.patient_user)
        services.deactivate_user(user_id=cast.patient_user.pk, actor=cast.admin)
        assert not is_in(client)
        assert AccountSession.objects.get(user=cast.patient_user).end == AccountSession.End.DEACTIVATED

    def test_the_own_session_goes_on_after_an_own_change(self, cast):
        here, there = browser(cast.nurse), browser(cast.nurse, FIREFOX)
        here.post(HOME, {"current_password": PASSWORD, "new_password": "Empat-kata-acak-99"})
        assert (is_in(here), is_in(there)) == (True, False)
        assert [row.browser for row in AccountSession.objects.filter(ended_at=None)] == [
            AccountSession.objects.get(session_key=here.cookies[SESSION].value).browser
        ]

    def test_a_transaction_that_fails_ends_nothing(self, cast):
        from django.db import transaction

        client = browser(cast.nurse)
        with transaction.atomic():
            sessions.end_all(cast.nurse)
            transaction.set_rollback(True)
        assert is_in(client)

    def test_ended_and_changed_at_once(self, cast, race):
        """Ending a session in the list and a change of roles meet: every session is over, once."""
        client = browser(cast.nurse)
        row = AccountSession.objects.get()
        results = race(
            lambda function: function(),
            [
                (lambda: sessions.end_one(row_id=row.pk, actor=cast.nurse),),
                (lambda: _roles(cast.nurse, cast.admin),),
                (lambda: sessions.end_others(actor=cast.nurse, keep=None),),
            ],
        )
        assert not [result for result in results if isinstance(result, Exception)]
        assert not is_in(client)
        assert AuditEvent.objects.filter(action="accounts.session.revoked").count() <= 1


class TestTidy:
    def test_what_expired_goes(self, cast):
        start = clock.now()
        browser(cast.nurse)
        with time_machine.travel(start + timedelta(hours=13)):
            browser(cast.doctor)
            assert tidy_sessions() == 1
            assert AccountSession.objects.get(user=cast.nurse).end == AccountSession.End.EXPIRED
            assert AccountSession.objects.get(user=cast.doctor).ended_at is None
            assert Session.objects.count() == 1
            assert tidy_sessions() == 0
        with time_machine.travel(start + timedelta(days=92)):
            tidy_sessions()
            assert not AccountSession.objects.filter(user=cast.nurse).exists()
