"""Mailed links: forgotten passwords, invitations, new addresses. Who is not meant comes first."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts import errors, limits, services
from accounts.models import AccountLink, TotpDevice, User
from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput
from notifications.models import Email, Notice
from tests.factories.accounts import PatientUserFactory, UserFactory

OLD, NEW = "rahasia-klinik-2026", "Empat kata acak 1 kali"
USE = reverse("accounts:link-use")
EMAIL = reverse("accounts:email-change")
DOORS = {"staff": "accounts:login", "patient": "accounts:portal-login"}
RESETS = {"staff": "accounts:password-reset", "patient": "accounts:portal-password-reset"}


def forget(name: str, door: str = "staff", client: Client | None = None):
    return (client or Client()).post(reverse(RESETS[door]), {"login": name})


def path_in(mail: Email) -> str:
    return re.search(r"/account/link/[\w-]{43}/", mail.body_text).group(0)


def last_path(**about) -> str:
    return path_in(Email.objects.filter(body_text__isnull=False, **about).order_by("-created_at", "-pk").first())


def opened(path: str, client: Client | None = None) -> Client:
    client = client or Client()
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, USE)
    return client


def choose(path: str, password: str = NEW, client: Client | None = None):
    return opened(path, client).post(USE, {"new_password": password})


def password_of(user: User) -> str:
    return next(word for word in (OLD, NEW) if User.objects.get(pk=user.pk).check_password(word))


def mails() -> list[str]:
    return sorted(Email.objects.values_list("template", flat=True))


@pytest.mark.django_db
class TestForgotten:
    @pytest.mark.parametrize("door", ["staff", "patient"])
    def test_unknown_closed_waiting_and_other_door_get_the_same_answer_and_no_mail(self, cast, door):
        closed = UserFactory(is_active=False) if door == "staff" else PatientUserFactory(is_active=False)
        other_door = cast.patient_user if door == "staff" else cast.nurse
        known = cast.nurse if door == "staff" else cast.patient_user
        answers = set()
        for name in (
            "siapa@saja.example",
            closed.email,
            closed.username,
            other_door.email,
            "' or 1=1",
            "x" * 254,
        ):
            answer = forget(name, door)
            answers.add((answer.status_code, answer["Location"], answer.content))
        assert not mails()
        answer = forget(known.email, door)
        answers.add((answer.status_code, answer["Location"], answer.content))
        assert len(answers) == 1
        assert mails() == ["password_link"]
        results = AuditEvent.objects.filter(action="accounts.password.link_requested").values_list("result", flat=True)
        assert sorted(results) == ["ok", *["refused"] * 6]

    @pytest.mark.parametrize("name", ["", " ", "\0", "x" * 5000])
    def test_no_name(self, db, name):
        assert forget(name).status_code == 422

    def test_every_answer_takes_the_same_time(self, cast, monkeypatch):
        monkeypatch.setattr(limits, "ANSWER_SECONDS", 7.0)
        slept = []
        with patch("accounts.limits.time.sleep", slept.append):
            for name in (cast.nurse.email, "siapa@saja.example", cast.patient_user.email):
                forget(name)
        assert len(slept) == 3
        assert all(6.0 < seconds < 7.0 for seconds in slept)

    def test_a_name_is_found_however_it_is_written(self, cast):
        assert cast.nurse
        for name in ("  NS.Dewi ", "Ns.DEWI@Klinik.example"):
            forget(name)
        assert mails() == ["password_link"] * 2

    def test_the_whole_way(self, cast, client_for):
        elsewhere = client_for(cast.nurse)
        device = TotpDevice.objects.get(user=cast.nurse)
        client = Client()
        forget(cast.nurse.email, client=client)
        mail = Email.objects.get()
        assert (mail.to_address, mail.recipient_user) == (cast.nurse.email, cast.nurse)
        answer = choose(path_in(mail), client=client)
        assert (answer.status_code, answer["Location"]) == (302, reverse("accounts:login"))
        assert "_auth_user_id" not in client.session
        assert password_of(cast.nurse) == NEW
        assert elsewhere.get(reverse("accounts:styleguide")).status_code == 302
        assert mails() == ["password_changed", "password_link"]
        assert AuditEvent.objects.filter(action="accounts.password.reset", actor=cast.nurse).count() == 1
        # The second factor is still asked.
        answer = client.post(reverse("accounts:login"), {"login": cast.nurse.username, "password": NEW})
        assert answer["Location"] == reverse("accounts:factor-verify")
        assert TotpDevice.objects.filter(pk=device.pk, confirmed=True).exists()

    def test_a_patient_too_and_the_door_is_theirs(self, cast):
        forget(cast.patient_user.email, "patient")
        page = opened(last_path()).get(USE).content.decode()
        assert cast.patient_user.username not in page.replace(cast.patient_user.email, "")
        assert choose(last_path())["Location"] == reverse("accounts:portal-login")
        assert password_of(cast.patient_user) == NEW

    def test_a_session_of_this_browser_ends_too(self, cast, client_for):
        client = client_for(cast.nurse)
        forget(cast.nurse.email)
        choose(last_path(), client=client)
        assert client.get(reverse("accounts:styleguide")).status_code == 302

    @pytest.mark.parametrize(("minutes", "status"), [(29, 302), (31, 410)])
    def test_half_an_hour(self, cast, minutes, status):
        forget(cast.nurse.email)
        path = last_path()
        with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=True):
            assert choose(path).status_code == status
        assert password_of(cast.nurse) == (NEW if status == 302 else OLD)

    def test_opened_in_time_and_sent_too_late(self, cast):
        forget(cast.nurse.email)
        client = opened(last_path())
        with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
            assert client.post(USE, {"new_password": NEW}).status_code == 410
        assert password_of(cast.nurse) == OLD

    def test_works_once(self, cast):
        forget(cast.nurse.email)
        first, second = opened(last_path()), opened(last_path())
        assert first.post(USE, {"new_password": NEW}).status_code == 302
        for client in (first, second):
            assert client.post(USE, {"new_password": "Lain sama sekali 99"}).status_code == 410
        assert password_of(cast.nurse) == NEW

    def test_a_new_request_kills_the_link_before(self, cast):
        forget(cast.nurse.email)
        path = last_path()
        forget(cast.nurse.email)
        assert choose(path).status_code == 410
        assert choose(last_path()).status_code == 302

    def test_dies_with_a_changed_password_and_a_changed_address_and_a_closed_account(self, cast):
        def change_address():
            services.request_email_change(user_id=cast.nurse.pk, new_email="baru@klinik.example")
            services.confirm_email(link_id=AccountLink.objects.filter(kind="email").latest("created_at").pk)

        acts = (
            lambda: services.change_own_password(user_id=cast.nurse.pk, new_password="Lima kata acak 2 kali"),
            change_address,
            lambda: services.deactivate_user(user_id=cast.nurse.pk, actor=cast.admin),
        )
        for act in acts:
            services.send_password_link(user_id=cast.nurse.pk, actor=cast.admin)
            path = last_path(template="password_link")
            act()
            assert choose(path).status_code == 410

    def test_mail_scanners_use_nothing_up(self, cast):
        forget(cast.nurse.email)
        path = last_path()
        for _index in range(3):
            scanner = Client()
            assert scanner.head(path).status_code == 302
            assert scanner.get(path, follow=True).status_code == 200
            assert scanner.head(USE).status_code in (200, 405)
        assert choose(path).status_code == 302

    def test_the_secret_is_nowhere_but_in_the_mail(self, cast, caplog):
        forget(cast.nurse.email)
        path = last_path()
        token = path.split("/")[3]
        client = opened(path)
        answer = client.get(path)
        assert (answer["Referrer-Policy"], "no-store" in answer["Cache-Control"]) == ("no-referrer", True)
        page = client.get(USE)
        assert "no-store" in page["Cache-Control"]
        assert token not in page.content.decode()
        choose(path, client=client)
        everything = [str(dict(client.session.items())), str(AccountLink.objects.values()), caplog.text]
        everything += [str(event.__dict__) for event in AuditEvent.objects.all()]
        everything += [str(row.get_decoded()) for row in Session.objects.all()]
        assert not [text for text in everything if token in text]

    @pytest.mark.parametrize("token", ["x", "A" * 43, "a" * 5000, "%00", "ü", "..", "<script>"])
    def test_invented_links(self, db, token):
        answer = Client().get(f"/account/link/{token}/", follow=True)
        assert answer.status_code in (404, 410)

    @pytest.mark.parametrize("value", ["nonsense", "0" * 32, 7, None, ["x"]])
    def test_a_forged_session_value(self, cast, value):
        client = Client()
        session = client.session
        session["account_link"] = value if isinstance(value, str) else str(value)
        session.save()
        assert client.get(USE).status_code == 410
        assert client.post(USE, {"new_password": NEW}).status_code == 410

    def test_a_planted_session_gets_nothing(self, cast):
        """An attacker who gave the victim a session id cannot go on with the link the victim opens."""
        attacker = Client()
        attacker.get(reverse("accounts:password-reset"))
        session = attacker.session
        session["x"] = 1
        session.save()
        attacker.cookies["emr_session"] = session.session_key
        victim = Client()
        victim.cookies["emr_session"] = session.session_key
        forget(cast.nurse.email)
        opened(last_path(), victim)
        assert victim.cookies["emr_session"].value != session.session_key
        assert attacker.get(USE).status_code == 410

    @pytest.mark.parametrize("new", ["", "pendek", "ns.dewi-2026", "x" * 5000, "semua-huruf-kecil-1", "Password1234"])
    def test_weak_passwords_leave_the_link_open(self, cast, new):
        forget(cast.nurse.email)
        client = opened(last_path())
        assert client.post(USE, {"new_password": new}).status_code == 422
        assert password_of(cast.nurse) == OLD
        assert client.post(USE, {"new_password": NEW}).status_code == 302

    def test_three_mails_in_half_an_hour_then_silence(self, cast):
        answers = {forget(cast.nurse.email)["Location"] for _index in range(5)}
        assert len(answers) == 1
        assert mails() == ["password_link"] * 3
        assert choose(last_path()).status_code == 302, "the last link that was mailed still works"
        with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
            forget(cast.nurse.email)
            assert mails().count("password_link") == 4

    def test_ten_requests_an_hour_from_one_address(self, db):
        statuses = [forget(f"orang{index}@saja.example").status_code for index in range(12)]
        assert statuses == [302] * 10 + [429] * 2
        with time_machine.travel(clock.now() + timedelta(minutes=61), tick=True):
            assert forget("orang@saja.example").status_code in (302, 429)  # the cache keeps its own clock

    def test_nobody_else_is_locked_out_by_asking(self, cast, client):
        for _index in range(6):
            forget(cast.nurse.email)
        answer = client.post(reverse("accounts:login"), {"login": cast.nurse.username, "password": OLD})
        assert answer.status_code == 302

    def test_the_own_password_is_not_reset_through_the_admins_page(self, cast):
        with pytest.raises(errors.OwnAccount):
            services.send_password_link(user_id=cast.admin.pk, actor=cast.admin)

    def test_admins_send_five_an_hour(self, cast):
        for _index in range(5):
            services.send_password_link(user_id=cast.nurse.pk, actor=cast.admin)
        with pytest.raises(errors.TooManyLinks):
            services.send_password_link(user_id=cast.nurse.pk, actor=cast.admin)

    def test_no_link_for_a_closed_or_waiting_account(self, cast):
        for person in (UserFactory(is_active=False), PatientUserFactory(is_active=False)):
            with pytest.raises(errors.AccountClosed):
                services.send_password_link(user_id=person.pk, actor=cast.admin)
        assert not mails()


@pytest.fixture
def invited(cast) -> User:
    return services.invite_staff(
        actor=cast.admin,
        username="perawat.baru",
        email="baru@klinik.example",
        full_name="Perawat Baru",
        roles=["nurse"],
    )


@pytest.mark.django_db
class TestInvitation:
    def test_the_whole_way(self, cast, invited, client):
        answer = choose(last_path(), client=client)
        assert answer["Location"] == reverse("accounts:login")
        invited = User.objects.get(pk=invited.pk)
        assert (invited.is_invited, invited.must_change_password, invited.check_password(NEW)) == (False, False, True)
        assert AuditEvent.objects.filter(action="accounts.invitation.accepted", target_id=str(invited.pk)).count() == 1
        assert Notice.objects.get().recipient == cast.admin
        assert mails() == ["staff_invitation"]
        answer = client.post(reverse("accounts:login"), {"login": "perawat.baru", "password": NEW})
        assert answer["Location"] == reverse("accounts:factor-enrol")

    @pytest.mark.parametrize(("hours", "status"), [(71, 302), (73, 410)])
    def test_three_days(self, invited, hours, status):
        path = last_path()
        with time_machine.travel(clock.now() + timedelta(hours=hours), tick=True):
            assert choose(path).status_code == status

    def test_works_once_and_a_second_person_gets_nothing(self, invited):
        path = last_path()
        assert choose(path).status_code == 302
        assert choose(path, "Lain sama sekali 99").status_code == 410
        assert User.objects.get(pk=invited.pk).check_password(NEW)

    def test_a_forgotten_password_sends_it_again_but_no_longer(self, invited):
        ends_at = AccountLink.objects.get().expires_at
        path = last_path()
        with time_machine.travel(clock.now() + timedelta(hours=70), tick=True):
            forget(invited.email)
            assert mails() == ["staff_invitation"] * 2
            assert choose(path).status_code == 410
            assert AccountLink.objects.get(revoked_at__isnull=True).expires_at == ends_at
        with time_machine.travel(clock.now() + timedelta(hours=73), tick=True):
            assert choose(last_path()).status_code == 410
            for _index in range(2):
                forget(invited.email)
            assert mails() == ["invitation_ended", "staff_invitation", "staff_invitation"]

    def test_no_password_link_for_somebody_invited(self, cast, invited):
        with pytest.raises(errors.NotAccepted):
            services.send_password_link(user_id=invited.pk, actor=cast.admin)

    def test_closed_before_it_was_accepted(self, cast, invited):
        path = last_path()
        services.deactivate_user(user_id=invited.pk, actor=cast.admin)
        assert choose(path).status_code == 410
        services.reactivate_user(user_id=invited.pk, actor=cast.admin)
        assert choose(path).status_code == 410

    def test_a_mistyped_address_is_corrected_and_the_first_link_dies(self, cast, invited, client_for):
        path = last_path()
        client = client_for(cast.admin)
        answer = client.post(reverse("accounts:user-email", args=[invited.pk]), {"email": "Benar@klinik.example"})
        assert answer.status_code == 302
        assert User.objects.get(pk=invited.pk).email == "benar@klinik.example"
        assert choose(path).status_code == 410
        assert Email.objects.order_by("-created_at", "-pk").first().to_address == "benar@klinik.example"
        assert choose(last_path()).status_code == 302


def ask(client: Client, address: str, password: str = OLD):
    return client.post(EMAIL, {"new_email": address, "current_password": password})


def confirm(path: str, client: Client | None = None, **data):
    return opened(path, client).post(USE, data)


@pytest.mark.django_db
class TestOwnAddress:
    def test_the_password_is_asked_and_guesses_are_counted(self, cast, client_for):
        client = client_for(cast.nurse)
        statuses = [ask(client, "baru@klinik.example", f"salah-{index}").status_code for index in range(5)]
        assert statuses == [422, 422, 422, 422, 429]
        assert ask(client, "baru@klinik.example").status_code == 429
        assert not mails()

    def test_staff_prove_the_second_factor_again(self, cast, client_for):
        client = client_for(cast.nurse)
        with time_machine.travel(clock.now() + timedelta(minutes=6), tick=True):
            for answer in (client.get(EMAIL), ask(client, "baru@klinik.example")):
                assert answer["Location"].startswith(reverse("accounts:factor-confirm"))
        assert not mails()

    def test_a_patient_with_a_factor_too(self, cast, client_for):
        client = client_for(cast.patient_user)
        assert client.get(EMAIL).status_code == 200
        TotpDevice.objects.create(user=cast.patient_user, name="Telepon", confirmed=True)
        assert client.get(EMAIL)["Location"].startswith(reverse("accounts:factor-confirm"))

    @pytest.mark.parametrize("who", ["nurse", "patient_user"])
    def test_the_whole_way(self, cast, client_for, who):
        user = getattr(cast, who)
        here, elsewhere = client_for(user), client_for(user)
        assert ask(here, "Baru@Rumah.example").status_code == 302
        assert User.objects.get(pk=user.pk).email == user.email, "nothing changes before the new mailbox answers"
        sent = {mail.template: mail for mail in Email.objects.all()}
        assert sent["email_confirm"].to_address == "baru@rumah.example"
        assert sent["email_change_requested"].to_address == user.email
        assert user.full_name not in sent["email_confirm"].body_text
        page = opened(path_in(sent["email_confirm"]), here).get(USE)
        assert "baru@rumah.example" in page.content.decode()
        assert User.objects.get(pk=user.pk).email == user.email, "opening the link confirms nothing"
        assert here.post(USE).status_code == 302
        assert User.objects.get(pk=user.pk).email == "baru@rumah.example"
        changed = Email.objects.filter(template="email_changed")
        assert {mail.to_address for mail in changed} == {user.email, "baru@rumah.example"}
        assert here.get(EMAIL).status_code == 200
        assert elsewhere.get(EMAIL).status_code == 302
        actions = AuditEvent.objects.filter(action__startswith="accounts.email").order_by("pk")
        assert [event.action for event in actions] == ["accounts.email.change_requested", "accounts.email.changed"]
        assert not [event for event in AuditEvent.objects.all() if "rumah.example" in str(event.__dict__)]

    def test_confirmed_on_another_device(self, cast, client_for):
        client = client_for(cast.nurse)
        ask(client, "baru@rumah.example")
        path = last_path(template="email_confirm")
        answer = confirm(path, current_password=OLD)
        assert answer["Location"] == reverse("accounts:login")
        assert client.get(EMAIL).status_code == 302

    def test_the_mailbox_alone_takes_no_account_over(self, cast, client_for):
        """A mistyped address: its reader opens the link."""
        ask(client_for(cast.patient_user), "salah.ketik@rumah.example")
        path = last_path(template="email_confirm")
        for stranger in (Client(), client_for(cast.other_patient_user)):
            page = opened(path, stranger).get(USE).content.decode()
            assert cast.patient_user.full_name not in page
            assert confirm(path, stranger).status_code == 422
            assert confirm(path, stranger, current_password="tebakan").status_code == 422
        assert not User.objects.filter(email="salah.ketik@rumah.example").exists()

    def test_the_old_address_opens_no_door_afterwards(self, cast, client_for):
        old = cast.patient_user.email
        ask(client_for(cast.patient_user), "baru@rumah.example")
        confirm(last_path(template="email_confirm"), current_password=OLD)
        door = reverse("accounts:portal-login")
        assert Client().post(door, {"login": old, "password": OLD}).status_code == 422
        assert Client().post(door, {"login": "baru@rumah.example", "password": OLD}).status_code == 302
        assert not EmailAddress.objects.exists()

    def test_half_an_hour_and_once(self, cast, client_for):
        client = client_for(cast.nurse)
        ask(client, "baru@rumah.example")
        path = last_path(template="email_confirm")
        with time_machine.travel(clock.now() + timedelta(minutes=31), tick=True):
            assert confirm(path).status_code == 410
        assert confirm(path, current_password=OLD).status_code == 302
        assert confirm(path).status_code == 410

    def test_a_second_request_kills_the_first(self, cast, client_for):
        client = client_for(cast.nurse)
        ask(client, "satu@rumah.example")
        path = last_path(template="email_confirm")
        ask(client, "dua@rumah.example")
        assert confirm(path).status_code == 410
        assert confirm(last_path(template="email_confirm"), current_password=OLD).status_code == 302
        assert User.objects.get(pk=cast.nurse.pk).email == "dua@rumah.example"

    def test_a_new_password_stops_a_change_that_waits(self, cast, client_for):
        ask(client_for(cast.nurse), "penyusup@jahat.example")
        path = last_path(template="email_confirm")
        forget(cast.nurse.email)
        choose(last_path(template="password_link"))
        assert confirm(path).status_code == 410
        assert User.objects.get(pk=cast.nurse.pk).email == cast.nurse.email

    def test_of_two_who_want_one_address_the_first_wins(self, cast, client_for):
        paths = []
        for user in (cast.nurse, cast.patient_user):
            ask(client_for(user), "SAMA@rumah.example")
            paths.append(last_path(template="email_confirm", recipient_user=user))
        assert confirm(paths[0], current_password=OLD).status_code == 302
        client = opened(paths[1])
        cast.patient_user.language = "en"
        answer = client.post(USE, {"current_password": OLD})
        assert answer.status_code == 422
        assert User.objects.get(pk=cast.patient_user.pk).email == cast.patient_user.email

    def test_asking_does_not_tell_whose_address_is_known(self, cast, client_for):
        client = client_for(cast.patient_user)
        assert ask(client, cast.nurse.email.upper()).status_code == 302
        assert confirm(last_path(template="email_confirm"), current_password=OLD).status_code == 422
        assert User.objects.get(pk=cast.patient_user.pk).email == cast.patient_user.email

    @pytest.mark.parametrize(
        "address", ["", "bukan", "a@b", "x@y.example\nBcc: z@z.example", "x" * 250 + "@y.example", "<a@b.example>"]
    )
    def test_bad_addresses(self, cast, client_for, address):
        assert ask(client_for(cast.nurse), address).status_code == 422
        assert not mails()

    def test_the_present_address_and_too_many(self, cast, client_for):
        client = client_for(cast.nurse)
        assert ask(client, cast.nurse.email.upper()).status_code == 422
        statuses = [ask(client, f"baru{index}@rumah.example").status_code for index in range(6)]
        assert statuses == [302] * 5 + [429]


@pytest.mark.django_db
class TestAdminsAndAddresses:
    """An admin must not take an account over by moving its mails."""

    def test_the_attack(self, cast, client_for):
        admin = client_for(cast.admin)
        target = cast.doctor
        page = reverse("accounts:user-email", args=[target.pk])
        assert admin.post(page, {"email": "penyusup@jahat.example"}).status_code == 302
        assert User.objects.get(pk=target.pk).email == target.email
        told = Email.objects.get(template="email_change_requested")
        assert told.to_address == target.email
        path = last_path(template="email_confirm")
        # The admin reads the new mailbox, yet does not know the password of the account.
        attacker = opened(path, client_for(cast.admin))
        assert b"current_password" in attacker.get(USE).content
        assert attacker.post(USE).status_code == 422
        statuses = [attacker.post(USE, {"current_password": f"tebak-{index}"}).status_code for index in range(5)]
        assert statuses[-1] == 429
        assert 302 not in statuses
        assert User.objects.get(pk=target.pk).email == target.email
        # A link for a new password goes to the address that has not moved.
        admin.post(reverse("accounts:user-send-password-link", args=[target.pk]))
        assert Email.objects.get(template="password_link").to_address == target.email
        with pytest.raises(errors.PasswordNeeded):
            services.confirm_email(link_id=AccountLink.objects.get(kind="email").pk)

    def test_the_admins_own_password_does_not_do(self, cast, client_for):
        cast.admin.set_password("Sandi admin yang 1 ini")
        cast.admin.save()
        services.change_staff_email(user_id=cast.nurse.pk, actor=cast.admin, new_email="penyusup@jahat.example")
        answer = confirm(last_path(template="email_confirm"), current_password="Sandi admin yang 1 ini")
        assert answer.status_code == 422

    def test_the_owner_confirms_with_the_password(self, cast):
        services.change_staff_email(user_id=cast.nurse.pk, actor=cast.admin, new_email="baru@rumah.example")
        answer = confirm(last_path(template="email_confirm"), current_password=OLD)
        assert answer.status_code == 302
        assert User.objects.get(pk=cast.nurse.pk).email == "baru@rumah.example"

    def test_no_patients_no_own_no_closed_no_taken(self, cast):
        other = UserFactory(roles=["nurse"], is_active=False)
        for user, address, error in (
            (cast.patient_user, "a@rumah.example", errors.NotStaff),
            (cast.admin, "a@rumah.example", errors.OwnAccount),
            (other, "a@rumah.example", errors.AccountClosed),
            (cast.nurse, cast.doctor.email.upper(), errors.EmailTaken),
            (cast.nurse, "bukan", InvalidInput),
        ):
            with pytest.raises(error):
                services.change_staff_email(user_id=user.pk, actor=cast.admin, new_email=address)
        assert not mails()


def test_of_two_who_use_one_link_at_once_exactly_one_does(race):
    user = UserFactory()
    services.send_password_link(user_id=user.pk, actor=UserFactory())
    link = AccountLink.objects.get()

    def use(password):
        return services.set_password_by_link(link_id=link.pk, new_password=password)

    words = [(f"Kata yang ke-{index} dan lain",) for index in range(5)]
    results = race(use, words)
    won = [index for index, result in enumerate(results) if isinstance(result, User)]
    assert len(won) == 1
    assert all(isinstance(result, errors.LinkEnded) for index, result in enumerate(results) if index != won[0])
    assert User.objects.get(pk=user.pk).check_password(words[won[0]][0])


def test_of_two_accounts_that_confirm_one_address_at_once_one_gets_it(race):
    users = [UserFactory() for _index in range(4)]
    for user in users:
        services.request_email_change(user_id=user.pk, new_email="sama@rumah.example")

    def use(link_id):
        return services.confirm_email(link_id=link_id)

    results = race(use, [(link.pk,) for link in AccountLink.objects.all()])
    assert sorted(type(result).__name__ for result in results) == ["EmailTaken"] * 3 + ["User"]
    assert User.objects.filter(email="sama@rumah.example").count() == 1


def test_many_requests_at_once_mail_three_links_of_which_one_works(race):
    user = UserFactory()
    race(lambda: services.request_password_link(door="staff", name=user.email), [()] * 6)
    assert Email.objects.filter(template="password_link").count() == 3
    assert AccountLink.objects.filter(revoked_at__isnull=True).count() == 1


def test_accepting_against_closing(race):
    admin = UserFactory(roles=["admin"])
    user = services.invite_staff(
        actor=admin, username="perawat.baru", email="baru@klinik.example", full_name="Perawat Baru", roles=["nurse"]
    )
    link = AccountLink.objects.get()

    def act(which):
        if which == "accept":
            return services.set_password_by_link(link_id=link.pk, new_password=NEW)
        return services.deactivate_user(user_id=user.pk, actor=admin)

    accepted, closed = race(act, [("accept",), ("close",)])
    user = User.objects.get(pk=user.pk)
    assert not user.is_active
    assert isinstance(closed, User)
    assert user.has_usable_password() == isinstance(accepted, User)
