"""The own password, and the one-time password that must be replaced."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access import Capability, has_capability
from accounts.models import User
from audit.models import AuditEvent
from tests.factories.accounts import UserFactory

OLD, NEW = "rahasia-klinik-2026", "empat kata acak sekali"
URL = reverse("accounts:password-change")


def change(client: Client, current: str = OLD, new: str = NEW):
    return client.post(URL, {"current_password": current, "new_password": new})


@pytest.fixture
def fresh(db) -> User:
    return UserFactory(username="baru.masuk", roles=["admin"], must_change_password=True)


class TestOneTimePassword:
    def test_opens_nothing_but_its_replacement(self, fresh, client_for):
        client = client_for(fresh)
        assert not has_capability(fresh, Capability.USE_STAFF_SITE)
        for name in ("accounts:home", "accounts:user-list", "accounts:styleguide", "admin:index"):
            answer = client.get(reverse(name))
            assert (answer.status_code, answer["Location"]) == (302, URL), name
        assert client.get(URL).status_code == 200
        assert client.post(reverse("accounts:preferences"), {"theme": "dark"}).status_code == 302

    def test_log_out_is_possible(self, fresh, client_for):
        assert client_for(fresh).post(reverse("accounts:logout"))["Location"] == reverse("accounts:login")

    def test_replacing_it_opens_the_rest(self, fresh, client_for):
        client = client_for(fresh)
        answer = change(client)
        assert (answer.status_code, answer["Location"]) == (302, reverse("accounts:home"))
        fresh = User.objects.get(pk=fresh.pk)
        assert (fresh.must_change_password, fresh.check_password(NEW)) == (False, True)
        assert client.get(reverse("accounts:user-list")).status_code == 200
        assert AuditEvent.objects.filter(action="accounts.password.changed", actor=fresh).count() == 1

    def test_keeping_it_is_refused(self, fresh, client_for):
        assert change(client_for(fresh), new=OLD).status_code == 422
        assert User.objects.get(pk=fresh.pk).must_change_password


@pytest.mark.django_db
class TestOwnPassword:
    def test_the_present_password_is_asked(self, cast, client_for):
        assert change(client_for(cast.nurse), current="salah").status_code == 422
        assert User.objects.get(pk=cast.nurse.pk).check_password(OLD)

    def test_guessing_it_on_an_open_session_is_locked_too(self, cast, client_for):
        client = client_for(cast.nurse)
        statuses = [change(client, current=f"salah-{index}").status_code for index in range(5)]
        assert statuses == [422, 422, 422, 422, 429]

    @pytest.mark.parametrize("new", ["", "pendek", "123456789012", "password1234", "ns.dewi-2026", "x" * 201])
    def test_weak_ones_are_refused(self, cast, client_for, new):
        assert change(client_for(cast.nurse), new=new).status_code == 422
        assert User.objects.get(pk=cast.nurse.pk).check_password(OLD)

    def test_ends_other_sessions_and_keeps_this_one(self, cast, client_for):
        here, elsewhere = client_for(cast.nurse), client_for(cast.nurse)
        assert elsewhere.get(URL).status_code == 200
        change(here)
        assert here.get(URL).status_code == 200
        assert elsewhere.get(URL)["Location"].startswith(reverse("accounts:login"))

    def test_no_password_reaches_the_log(self, cast, client_for):
        change(client_for(cast.nurse))
        assert not [
            event for event in AuditEvent.objects.all() if NEW in str(event.__dict__) or OLD in str(event.__dict__)
        ]
