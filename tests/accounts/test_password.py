"""The own password, and the one-time password that must be replaced."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access import Capability, has_capability
from accounts.models import User
from audit.models import AuditEvent
from notifications.models import Email
from tests.factories.accounts import UserFactory

OLD, NEW = "rahasia-klinik-2026", "Empat kata acak 1 kali"
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

    @pytest.mark.parametrize(
        "new",
        [
            "", "Pendek1", "123456789012", "Password1234", "Ns.Dewi-2026", "X1" + "x" * 127, "tanpa-huruf-besar-1",
            "TANPA-HURUF-KECIL-1", "Tanpa-angka-satu-pun", "            ", "\0" * 12,
        ],
    )  # fmt: skip
    def test_weak_ones_are_refused(self, cast, client_for, new):
        assert change(client_for(cast.nurse), new=new).status_code == 422
        assert User.objects.get(pk=cast.nurse.pk).check_password(OLD)

    def test_one_sentence_says_what_is_missing(self, cast, client_for):
        cast.nurse.language = "en"
        cast.nurse.save()
        page = change(client_for(cast.nurse), new="abc").content.decode()
        assert "The password still needs: at least 12 characters, an upper-case letter, a digit." in page

    def test_letters_of_other_scripts_count(self, cast, client_for):
        assert change(client_for(cast.nurse), new="Été à la plage ٣ fois").status_code == 302

    def test_the_owner_is_told(self, cast, client_for):
        change(client_for(cast.nurse))
        mail = Email.objects.get(template="password_changed")
        assert (mail.to_address, mail.recipient_user) == (cast.nurse.email, cast.nurse)
        assert NEW not in mail.body_text + mail.body_html + mail.subject

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
