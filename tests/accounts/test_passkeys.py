"""Passkeys: whose they are, what one answer is good for, and what a wrong one does. Browsers: tests/journeys/test_passkeys.py."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_otp_webauthn.models import WebAuthnCredential

from accounts import factors, passkeys
from accounts.errors import FactorNeeded, LastFactor, NoSuchDevice, PasskeyKnown, PasskeyRefused
from accounts.models import AccountSession, BackupCodeDevice, TotpDevice, User
from accounts.passkeys import Purpose
from accounts.second_factor import FACTOR_AT
from accounts.step_up import FRESH_SECONDS
from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput
from notifications.models import Email, Notice
from tests.accounts.authenticator import BACKED_UP, PRESENT, VERIFIED, Authenticator, data, text
from tests.conftest import MORNING
from tests.factories.accounts import PatientUserFactory, UserFactory

PASSWORD = "rahasia-klinik-2026"
DOORS = {"staff": "accounts:login", "patient": "accounts:portal-login"}
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
BAD_BODIES = [
    None, 7, "x", [], [[]], {"credential": None}, {"credential": "a"}, {"credential": []}, {"credential": {}},
    {"credential": {"type": "public-key", "response": {}}},
    {"credential": {"type": "public-key", "id": "a", "rawId": "a", "response": {"clientDataJSON": "%%%"}}},
    {"credential": {"type": "public-key", "id": 1, "rawId": {}, "response": {"clientDataJSON": []}}},
]  # fmt: skip


def post(client: Client, name: str, body=None, **extra):
    return client.post(reverse(f"accounts:passkey-{name}"), json.dumps(body or {}), "application/json", **extra)


def device(**options) -> Authenticator:
    return Authenticator(origin=settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0], **options)


def passkey_of(user: User, **options) -> Authenticator:
    """Give `user` a passkey, as the page of one's own devices does."""
    made = device(**options)
    options, challenge = passkeys.ask_to_register(user)
    answer = made.create(options)
    passkeys.register_passkey(purpose=Purpose.ADD, user_id=user.pk, answer=answer, challenge=challenge)
    user.refresh_from_db()
    return made


def asked(client: Client, name: str, **body) -> dict:
    answer = post(client, f"{name}-begin", body)
    assert answer.status_code == 200, answer.content
    return answer.json()["options"]


def waiting(user: User) -> Client:
    """Return a client whose sign-in has passed the password."""
    client = Client()
    answer = client.post(reverse(DOORS[user.kind]), {"login": user.username, "password": PASSWORD})
    assert answer.status_code == 302
    assert SESSION_KEY not in client.session
    return client


def knock(client: Client, with_: Authenticator, *, door: str = "staff", **wrong):
    """Sign in without a password."""
    options = asked(client, "sign-in", door=door)
    return post(client, "sign-in", {"credential": with_.get(options, **wrong)})


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def works(client: Client) -> bool:
    """True when the session of a signed-in person opens their pages."""
    return client.get(reverse("accounts:password-change")).status_code == 200


def stale(client: Client) -> None:
    """Let it be long ago that this session proved a factor."""
    session = client.session
    session[FACTOR_AT] = 0
    session.save()


def refusals() -> list[str]:
    rows = AuditEvent.objects.filter(action="accounts.factor.refused", result="refused").order_by("pk")
    return [row.detail["why"] for row in rows]


@pytest.fixture
def nurse(cast) -> User:
    return cast.nurse


@pytest.mark.django_db
class TestWrongPerson:
    def test_a_stranger_learns_nothing_from_a_refusal(self, cast):
        nurse, patient = cast.nurse, cast.patient_user
        gone = UserFactory(username="pergi")
        staff_key, patient_key, gone_key = passkey_of(nurse), passkey_of(patient), passkey_of(gone)
        User.objects.filter(pk=gone.pk).update(is_active=False)
        unknown = device()
        unknown.rp_id = staff_key.rp_id
        answers = [
            knock(Client(), unknown, door="staff"),
            knock(Client(), patient_key, door="staff"),
            knock(Client(), staff_key, door="patient"),
            knock(Client(), gone_key, door="staff"),
            knock(Client(), staff_key, door="staff", signature=b"x" * 70),
        ]
        assert {(answer.status_code, answer.content) for answer in answers} == {(422, answers[0].content)}
        assert refusals() == ["unknown", "other_door", "other_door", "inactive", "not_proven"]
        assert not any(is_in(answer.client) for answer in answers)

    def test_a_passkey_of_somebody_else_is_no_second_factor(self, cast):
        passkey_of(cast.nurse)
        others = passkey_of(cast.doctor)
        client = waiting(cast.nurse)
        answer = post(client, "verify", {"credential": others.get(asked(client, "verify"))})
        assert answer.status_code == 422
        assert refusals() == ["other_account"]
        assert not is_in(client)

    def test_a_passkey_of_somebody_else_is_no_proof_of_presence(self, cast, client_for):
        others = passkey_of(cast.doctor)
        client = client_for(cast.nurse)
        stale(client)
        answer = post(client, "confirm", {"credential": others.get(asked(client, "confirm"))})
        assert answer.status_code == 422
        assert client.session[FACTOR_AT] == 0

    def test_a_waiting_sign_in_never_adds_a_factor_beside_one(self, nurse):
        key = passkey_of(nurse)
        client = waiting(nurse)
        assert post(client, "enrol-begin").status_code == 403
        new = device()
        options, _challenge = passkeys.ask_to_register(nurse)
        assert post(client, "enrol", {"credential": new.create(options)}).status_code == 403
        assert [row.credential_id for row in WebAuthnCredential.objects.all()] == [key.credential_id]

    def test_nor_when_the_factor_came_between_question_and_answer(self, nurse):
        client = waiting(nurse)
        answer = device().create(asked(client, "enrol"))
        TotpDevice.objects.create(user=nurse, name="Telepon")
        assert post(client, "enrol", {"credential": answer}).status_code == 403
        assert not WebAuthnCredential.objects.exists()

    def test_the_service_itself_refuses_a_first_factor_beside_one(self, nurse):
        TotpDevice.objects.create(user=nurse, name="Telepon")
        options, challenge = passkeys.ask_to_register(nurse)
        with pytest.raises(FactorNeeded):
            passkeys.register_passkey(
                purpose=Purpose.ENROL, user_id=nurse.pk, answer=device().create(options), challenge=challenge
            )
        assert not WebAuthnCredential.objects.exists()

    @pytest.mark.parametrize("name", ["add-begin", "add"])
    def test_nobody_adds_a_passkey_without_a_fresh_factor(self, nurse, client_for, name):
        client = client_for(nurse)
        credential = device().create(asked(client, "add"))
        stale(client)
        answer = post(client, name, {"credential": credential})
        assert answer.json()["redirect"].startswith(reverse("accounts:factor-confirm"))
        assert not WebAuthnCredential.objects.exists()

    def test_an_unverified_session_never_adds_a_passkey_beside_a_factor(self, cast, client_for):
        client = client_for(cast.patient_user)  # a patient's session without a factor
        session = client.session
        session[FACTOR_AT] = int(clock.now().timestamp())
        session.save()
        TotpDevice.objects.create(user=cast.patient_user, name="Telepon")
        assert "redirect" in post(client, "add-begin").json()
        assert not WebAuthnCredential.objects.exists()

    @pytest.mark.parametrize("name", ["verify-begin", "verify", "enrol-begin", "enrol"])
    def test_without_a_waiting_sign_in_there_is_nothing_to_answer(self, nurse, client_for, name):
        passkey_of(nurse)
        for client in (Client(), client_for(nurse)):
            assert post(client, name).json() == {"redirect": reverse("accounts:login")}

    def test_a_closed_account_gets_no_question_in_the_middle_of_its_sign_in(self, nurse):
        key = passkey_of(nurse)
        client = waiting(nurse)
        credential = key.get(asked(client, "verify"))
        User.objects.filter(pk=nurse.pk).update(is_active=False)
        assert post(client, "verify", {"credential": credential}).json() == {"redirect": reverse("accounts:login")}
        assert not is_in(client)

    def test_a_password_changed_meanwhile_ends_the_waiting_sign_in(self, nurse):
        key = passkey_of(nurse)
        client = waiting(nurse)
        credential = key.get(asked(client, "verify"))
        nurse.set_password("kata sandi yang lain 7")
        nurse.save()
        assert post(client, "verify", {"credential": credential}).json() == {"redirect": reverse("accounts:login")}

    def test_nobody_renames_or_removes_the_passkey_of_somebody_else(self, cast):
        passkey_of(cast.doctor)
        row = WebAuthnCredential.objects.get()
        with pytest.raises(NoSuchDevice):
            passkeys.rename_passkey(user_id=cast.nurse.pk, passkey_id=row.pk, name="Milik saya")
        with pytest.raises(NoSuchDevice):
            passkeys.remove_passkey(user_id=cast.nurse.pk, passkey_id=row.pk)
        assert WebAuthnCredential.objects.get().name == row.name

    def test_other_sites_cannot_ask(self, nurse):
        passkey_of(nurse)
        client = Client(enforce_csrf_checks=True)
        for name in ("sign-in-begin", "sign-in", "verify-begin", "verify", "enrol-begin", "enrol"):
            assert post(client, name, {"door": "staff"}).status_code == 403


@pytest.mark.django_db
class TestOneQuestionOneAnswer:
    def test_an_answer_works_once(self, nurse):
        key = passkey_of(nurse)
        client = Client()
        credential = key.get(asked(client, "sign-in", door="staff"))
        assert "redirect" in post(client, "sign-in", {"credential": credential}).json()
        client.post(reverse("accounts:logout"))
        assert post(client, "sign-in", {"credential": credential}).status_code == 409
        assert not is_in(client)

    def test_nor_with_an_old_copy_of_the_session(self, nurse):
        key = passkey_of(nurse, counter=None)
        client = Client()
        credential = key.get(asked(client, "sign-in", door="staff"))
        before = dict(client.session.items())
        assert "redirect" in post(client, "sign-in", {"credential": credential}).json()
        other = Client()
        session = other.session
        session.update(before)
        session.save()
        other.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        assert post(other, "sign-in", {"credential": credential}).status_code == 409

    @pytest.mark.parametrize(("seconds", "status"), [(299, 200), (301, 409)])
    def test_five_minutes(self, nurse, seconds, status):
        key = passkey_of(nurse)
        client = Client()
        with time_machine.travel(MORNING, tick=False) as traveller:
            credential = key.get(asked(client, "sign-in", door="staff"))
            traveller.move_to(MORNING + timedelta(seconds=seconds))
            assert post(client, "sign-in", {"credential": credential}).status_code == status

    @pytest.mark.parametrize(
        ("question", "answered"),
        [("confirm", "add"), ("add", "confirm"), ("confirm", "sign-in"), ("add", "sign-in")],
    )
    def test_a_question_is_good_for_its_purpose_only(self, nurse, client_for, question, answered):
        key = passkey_of(nurse)
        client = client_for(nurse)
        options = asked(client, question)
        credential = key.get({"challenge": options["challenge"]}) if answered != "add" else device().create(
            {**passkeys.ask_to_register(nurse)[0], "challenge": options["challenge"]}
        )  # fmt: skip
        if answered == "sign-in":
            client.session.pop(SESSION_KEY)
        assert post(client, answered, {"credential": credential}).status_code == 409
        assert WebAuthnCredential.objects.count() == 1

    @pytest.mark.parametrize(("question", "answered"), [("sign-in", "verify"), ("verify", "sign-in")])
    def test_nor_within_the_sign_in(self, nurse, question, answered):
        key = passkey_of(nurse)
        client = waiting(nurse)
        credential = key.get(asked(client, question, door="staff"))
        assert post(client, answered, {"credential": credential}).status_code == 409
        assert not is_in(client)

    def test_a_question_asked_of_one_person_is_not_answered_by_the_next(self, cast):
        passkey_of(cast.nurse)
        doctors = passkey_of(cast.doctor)
        client = waiting(cast.nurse)
        options = asked(client, "verify")
        client.post(reverse("accounts:factor-cancel"))
        client.post(reverse("accounts:login"), {"login": cast.doctor.username, "password": PASSWORD})
        assert post(client, "verify", {"credential": doctors.get(options)}).status_code == 409
        assert not is_in(client)

    def test_tabs_beside_each_other(self, nurse):
        key = passkey_of(nurse)
        client = Client()
        questions = [asked(client, "sign-in", door="staff") for _index in range(6)]
        assert post(client, "sign-in", {"credential": key.get(questions[0])}).status_code == 409
        assert "redirect" in post(client, "sign-in", {"credential": key.get(questions[1])}).json()

    def test_a_question_of_one_door_is_answered_at_that_door(self, cast):
        key = passkey_of(cast.nurse)
        client = Client()
        options = asked(client, "sign-in", door="patient")
        assert post(client, "sign-in", {"credential": key.get(options), "door": "staff"}).status_code == 422

    @pytest.mark.parametrize("door", ["", "admin", None, 7, ["staff"], {"a": 1}])
    def test_no_such_door(self, client, door):
        assert post(client, "sign-in-begin", {"door": door}).status_code == 422


@pytest.mark.django_db
class TestAnswers:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"origin": "https://palsu.example"},
            {"origin": "http://localhost.palsu.example:8000"},
            {"rp_id": "palsu.example"},
            {"type": "webauthn.create"},
            {"flags": 0},
            {"flags": PRESENT},  # nobody looked at finger, face or PIN
            {"flags": PRESENT | VERIFIED | BACKED_UP},  # backed up, and cannot be
            {"signature": b""},
            {"signature": b"0" * 72},
            {"handle": b"somebody else"},
        ],
        ids=str,
    )
    def test_not_proven(self, nurse, wrong):
        key = passkey_of(nurse)
        client = Client()
        assert knock(client, key, **wrong).status_code == 422
        assert not is_in(client)
        assert WebAuthnCredential.objects.get().sign_count == 0
        assert AuditEvent.objects.filter(action="accounts.factor.proven").count() == 0

    def test_asked_by_a_frame_on_another_site(self, nurse):
        assert knock(Client(), passkey_of(nurse), cross_origin=True).status_code == 409

    def test_after_a_password_possession_is_enough(self, nurse):
        key = passkey_of(nurse, flags=PRESENT)
        client = waiting(nurse)
        answer = post(client, "verify", {"credential": key.get(asked(client, "verify"))})
        assert "redirect" in answer.json()
        assert is_in(client)

    def test_the_counter_is_kept(self, nurse):
        key = passkey_of(nurse)
        for count in (1, 2):
            assert "redirect" in knock(Client(), key).json()
            assert WebAuthnCredential.objects.get().sign_count == count
        assert WebAuthnCredential.objects.get().last_used_at is not None

    @pytest.mark.parametrize("counter", [4, 3, 0])
    def test_a_counter_that_does_not_grow_is_refused_and_the_owner_told_once_a_day(self, nurse, counter):
        key = passkey_of(nurse, counter=3)
        assert "redirect" in knock(Client(), key).json()
        Email.objects.all().delete()
        Notice.objects.all().delete()
        for _again in range(2):
            client = Client()
            assert knock(client, key, counter=counter).status_code == 422
            assert not is_in(client)
        assert refusals() == ["counter"] * 2
        assert WebAuthnCredential.objects.get().sign_count == 4
        assert [(mail.template, mail.recipient_user_id) for mail in Email.objects.all()] == [
            ("passkey_copied", nurse.pk)
        ]
        assert [(notice.kind, notice.recipient_id) for notice in Notice.objects.all()] == [("passkey_copied", nurse.pk)]

    def test_devices_without_a_counter(self, nurse):
        key = passkey_of(nurse, counter=None)
        for _again in range(3):
            assert "redirect" in knock(Client(), key).json()
        assert WebAuthnCredential.objects.get().sign_count == 0

    @pytest.mark.parametrize("body", BAD_BODIES, ids=str)
    @pytest.mark.parametrize("name", ["sign-in", "verify", "enrol", "confirm", "add"])
    def test_hostile_bodies(self, cast, client_for, name, body):
        client = {"verify": waiting, "enrol": waiting}.get(name, client_for)(cast.nurse)
        for begin in (True, False):
            if begin:
                post(client, f"{name}-begin", {"door": "staff"})
            answer = post(client, name, body)
            assert answer.status_code in (200, 403, 409, 422), answer.content
            assert answer.json()
            assert answer["Cache-Control"] == "no-store, private"
        assert not WebAuthnCredential.objects.exists()

    @pytest.mark.parametrize("raw", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"door":"staff"', b"9" * 10_000, b"NaN"])
    def test_bodies_that_are_no_json(self, client, raw):
        for name in ("sign-in-begin", "sign-in"):
            url = reverse(f"accounts:passkey-{name}")
            assert client.post(url, raw, "application/json").status_code in (409, 422)

    def test_too_much(self, nurse):
        client = Client()
        url = reverse("accounts:passkey-sign-in")
        assert client.post(url, b'{"a":"' + b"x" * 200_000 + b'"}', "application/json").status_code == 409
        assert client.post(url, b"x" * 3_000_000, "application/json").status_code in (400, 409, 413)

    @pytest.mark.parametrize(
        "part", ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]
    )
    @pytest.mark.parametrize("value", ["", "a", "AAAA", "_" * 40_000, "é", "====", 7, None, {}, [], True])
    def test_parts_that_are_wrong(self, nurse, part, value):
        key, client = passkey_of(nurse), waiting(nurse)
        if part == "attestationObject":
            options, challenge = passkeys.ask_to_register(nurse)
            answer = device().create(options)
            answer["response"][part] = value
            with pytest.raises(PasskeyRefused):
                passkeys.register_passkey(purpose=Purpose.ADD, user_id=nurse.pk, answer=answer, challenge=challenge)
            return
        answer = key.get(asked(client, "verify"))
        answer["response"][part] = value
        left_out = part == "userHandle" and not value  # security keys give none after a password
        status = post(client, "verify", {"credential": answer}).status_code
        assert status in ((200,) if left_out else (409, 422))

    def test_random_bytes(self, nurse):
        import random

        chance = random.Random(7)
        for _index in range(150):
            options, challenge = passkeys.ask_to_register(nurse)
            answer = device().create(options)
            raw = bytearray(data(answer["response"]["attestationObject"]))
            for _change in range(chance.randrange(1, 6)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
            del raw[chance.randrange(len(raw) // 2, len(raw)) :]
            answer["response"]["attestationObject"] = text(bytes(raw))
            answer["response"]["transports"] = [["usb"], {}, None, "usb", "x" * 90]
            answer["clientExtensionResults"] = chance.choice(
                ["credProps", {"credProps": "rk"}, {"credProps": {"rk": 3}}, []]
            )
            with pytest.raises(PasskeyRefused):
                passkeys.register_passkey(purpose=Purpose.ADD, user_id=nurse.pk, answer=answer, challenge=challenge)


@pytest.mark.django_db
class TestSignIn:
    @pytest.mark.parametrize(("kind", "door"), [("nurse", "staff"), ("patient_user", "patient")])
    def test_without_a_password(self, cast, kind, door):
        user = getattr(cast, kind)
        key = passkey_of(user)
        client = Client()
        options = asked(client, "sign-in", door=door)
        assert options["userVerification"] == "required"
        assert "allowCredentials" not in options or not options["allowCredentials"], "a stranger learns no passkey"
        before = client.session.session_key
        answer = post(client, "sign-in", {"credential": key.get(options)})
        assert answer.json() == {"redirect": reverse("accounts:home")}
        assert client.session[SESSION_KEY] == str(user.pk)
        assert client.session["otp_device_id"] == WebAuthnCredential.objects.get().persistent_id
        assert client.session[FACTOR_AT] > 0
        assert client.session.session_key != before
        assert works(client)
        assert AuditEvent.objects.filter(action="accounts.session.started", target_id=user.pk).count() == 1
        assert AuditEvent.objects.filter(action="accounts.factor.proven").get().detail == {
            "kind": "passkey", "purpose": "sign_in",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("door", "wanted", "shown"),
        [
            ("staff", "/account/password/", "/account/password/"),
            ("staff", "/portal/", "/"),
            ("staff", "//palsu.example/", "/"),
            ("staff", "https://palsu.example/", "/"),
            ("staff", "javascript:alert(1)", "/"),
            ("staff", ["/users/"], "/"),
            ("patient", "/portal/", "/portal/"),
            ("patient", "/users/", "/"),
        ],
    )
    def test_leads_to_the_page_asked_for(self, cast, door, wanted, shown):
        key = passkey_of(cast.nurse if door == "staff" else cast.patient_user)
        client = Client()
        options = asked(client, "sign-in", door=door)
        answer = post(client, "sign-in", {"credential": key.get(options), "next": wanted})
        assert answer.json() == {"redirect": shown}

    def test_a_patient_who_waits_for_activation_is_not_let_in(self):
        user = PatientUserFactory(username="baru")
        key = passkey_of(user)
        client = Client()
        options = asked(client, "sign-in", door="patient")
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert post(client, "sign-in", {"credential": key.get(options)}).status_code == 422
        assert not is_in(client)

    def test_a_one_time_password_is_still_replaced_first(self, nurse):
        key = passkey_of(nurse)
        User.objects.filter(pk=nurse.pk).update(must_change_password=True)
        client = Client()
        assert "redirect" in knock(client, key).json()
        assert client.get("/users/")["Location"] == reverse("accounts:password-change")

    def test_someone_signed_in_is_not_asked(self, nurse, client_for):
        assert post(client_for(nurse), "sign-in-begin", {"door": "staff"}).json() == {
            "redirect": reverse("accounts:home")
        }

    def test_second_factor_after_the_password(self, nurse):
        key = passkey_of(nurse)
        client = Client()
        door = reverse("accounts:login")
        client.post(door, {"login": nurse.username, "password": PASSWORD, "next": "/account/password/"})
        options = asked(client, "verify")
        assert [entry["id"] for entry in options["allowCredentials"]] == [key.get(options)["id"]]
        answer = post(client, "verify", {"credential": key.get(options)})
        assert answer.json() == {"redirect": "/account/password/"}
        assert works(client)
        assert client.session[FACTOR_AT] > 0

    def test_a_removed_passkey_opens_nothing(self, nurse):
        first, _second = passkey_of(nurse), passkey_of(nurse)
        client = Client()
        credential = first.get(asked(client, "sign-in", door="staff"))
        passkeys.remove_passkey(
            user_id=nurse.pk, passkey_id=WebAuthnCredential.objects.get(credential_id=first.credential_id).pk
        )
        assert post(client, "sign-in", {"credential": credential}).status_code == 422
        assert refusals() == ["unknown"]


@pytest.mark.django_db
class TestLockout:
    def test_wrong_answers_count_with_wrong_passwords(self, nurse):
        key = passkey_of(nurse)
        client = Client()
        door = reverse("accounts:login")
        for _index in range(2):
            assert client.post(door, {"login": nurse.username, "password": "salah"}).status_code == 422
        assert [knock(client, key, signature=b"x").status_code for _index in range(3)] == [422, 422, 429]
        assert client.post(door, {"login": nurse.username, "password": PASSWORD}).status_code == 429

    def test_the_right_passkey_waits_too(self, nurse):
        key = passkey_of(nurse)
        client = Client()
        with time_machine.travel(MORNING, tick=False) as traveller:
            assert [knock(client, key, signature=b"x").status_code for _index in range(6)] == [422] * 4 + [429] * 2
            traveller.move_to(MORNING + timedelta(minutes=14))
            answer = knock(client, key)
            assert answer.status_code == 429
            assert "error" in answer.json()
            assert int(answer["Retry-After"]) >= 60
            traveller.move_to(MORNING + timedelta(minutes=15, seconds=1))
            assert "redirect" in knock(client, key).json()

    def test_inside_the_sign_in_the_lock_ends_it(self, nurse):
        key = passkey_of(nurse)
        client = waiting(nurse)
        statuses = [
            post(client, "verify", {"credential": key.get(asked(client, "verify"), signature=b"x")}).status_code
            for _index in range(5)
        ]
        assert statuses == [422] * 4 + [429]
        assert post(client, "verify-begin").json() == {"redirect": reverse("accounts:login")}

    def test_a_right_one_forgets_the_wrong_ones_before(self, nurse):
        key = passkey_of(nurse)
        client = Client()
        for _round in range(2):
            assert [knock(client, key, signature=b"x").status_code for _index in range(4)] == [422] * 4
            assert "redirect" in knock(client, key).json()
            client.post(reverse("accounts:logout"))

    def test_another_address_is_free(self, nurse):
        key = passkey_of(nurse)
        for _index in range(5):
            knock(Client(REMOTE_ADDR="203.0.113.9"), key, signature=b"x")
        assert "redirect" in knock(Client(REMOTE_ADDR="203.0.113.10"), key).json()


@pytest.mark.django_db
class TestRegister:
    def test_inside_the_sign_in(self, nurse):
        client = waiting(nurse)
        client.defaults["HTTP_USER_AGENT"] = CHROME
        options = asked(client, "enrol")
        assert options["authenticatorSelection"]["residentKey"] == "required"
        assert options["rp"] == {"id": "localhost", "name": settings.CLINIC_NAME}
        answer = post(client, "enrol", {"credential": device().create(options)})
        assert answer.json()["redirect"].startswith(reverse("accounts:backup-codes"))
        assert client.session[SESSION_KEY] == str(nurse.pk)
        assert works(client)
        row = WebAuthnCredential.objects.get()
        assert row.user == nurse
        assert row.name == "Chrome · Linux, Maret 2026"
        assert row.discoverable is True
        assert row.transports == ["internal", "hybrid"]
        assert client.get(answer.json()["redirect"]).status_code == 200, "the factor is fresh"
        assert AuditEvent.objects.filter(action="accounts.factor.passkey_added", actor_id=nurse.pk).count() == 1
        assert Email.objects.filter(recipient_user=nurse).count() == 1
        assert Notice.objects.filter(recipient=nurse).count() == 1

    def test_patients_are_never_asked_to_inside_the_sign_in(self, cast):
        client = Client()
        client.post(reverse("accounts:portal-login"), {"login": cast.patient_user.username, "password": PASSWORD})
        assert is_in(client)
        assert post(client, "enrol-begin").json() == {"redirect": reverse("accounts:login")}

    def test_a_further_one_signs_other_devices_out(self, nurse, client_for):
        here, there = client_for(nurse), client_for(nurse)
        assert works(there)
        answer = post(here, "add", {"credential": device().create(asked(here, "add"))})
        codes = f"{reverse('accounts:backup-codes')}?next={quote(reverse('accounts:device-list'), safe='')}"
        assert answer.json() == {"redirect": codes}, "there are none yet"
        assert works(here)
        assert not works(there)
        assert WebAuthnCredential.objects.filter(user=nurse).count() == 1

    def test_backup_codes_that_are_there_stay(self, nurse, client_for):
        passkey_of(nurse)
        factors.make_backup_codes(user_id=nurse.pk)
        nurse.refresh_from_db()
        client = client_for(nurse)
        answer = post(client, "add", {"credential": device().create(asked(client, "add"))})
        assert answer.json() == {"redirect": reverse("accounts:device-list")}
        assert factors.methods_of(nurse).backup_codes_left == 10

    def test_the_first_one_of_a_patient_verifies_the_session(self, cast, client_for):
        client = client_for(cast.patient_user)
        session = client.session
        session[FACTOR_AT] = int(clock.now().timestamp())  # the password, just now
        session.save()
        post(client, "add", {"credential": device().create(asked(client, "add"))})
        assert client.session["otp_device_id"] == WebAuthnCredential.objects.get().persistent_id
        assert "options" in post(client, "add-begin").json()

    def test_the_same_passkey_twice(self, cast):
        key = passkey_of(cast.nurse)
        for user in (cast.nurse, cast.doctor):
            options, challenge = passkeys.ask_to_register(user)
            with pytest.raises(PasskeyKnown):
                passkeys.register_passkey(
                    purpose=Purpose.ADD, user_id=user.pk, answer=key.create(options), challenge=challenge
                )
        assert WebAuthnCredential.objects.get().user == cast.nurse

    def test_browsers_are_told_which_passkeys_are_there(self, nurse):
        key = passkey_of(nurse)
        options, _challenge = passkeys.ask_to_register(nurse)
        assert [data(entry["id"]) for entry in options["excludeCredentials"]] == [key.credential_id]

    @pytest.mark.parametrize(
        "wrong",
        [{"origin": "https://palsu.example"}, {"rp_id": "palsu"}, {"type": "webauthn.get"}, {"challenge": "AAAA"}],
    )
    def test_not_proven(self, nurse, wrong):
        options, challenge = passkeys.ask_to_register(nurse)
        with pytest.raises(PasskeyRefused):
            passkeys.register_passkey(
                purpose=Purpose.ADD, user_id=nurse.pk, answer=device().create(options, **wrong), challenge=challenge
            )
        assert not WebAuthnCredential.objects.exists()

    def test_not_without_end(self, nurse):
        for _index in range(passkeys.MAX_PASSKEYS):
            options, challenge = passkeys.ask_to_register(nurse)
            answer = device().create(options)
            passkeys.register_passkey(purpose=Purpose.ADD, user_id=nurse.pk, answer=answer, challenge=challenge)
        with pytest.raises(InvalidInput):
            passkeys.ask_to_register(nurse)
        late = device()
        with pytest.raises(InvalidInput):
            passkeys.register_passkey(
                purpose=Purpose.ADD, user_id=nurse.pk, answer=late.create(options), challenge=challenge
            )
        names = set(WebAuthnCredential.objects.values_list("name", flat=True))
        assert len(names) == passkeys.MAX_PASSKEYS

    @pytest.mark.parametrize(
        ("user_agent", "name"),
        [
            (CHROME, "Chrome · Linux, Maret 2026"),
            ("", "Kunci sandi, Maret 2026"),
            ("curl/8", "Kunci sandi, Maret 2026"),
        ],
    )
    def test_names(self, user_agent, name):
        assert passkeys.default_name(user_agent, taken=set()) == name
        assert passkeys.default_name(user_agent, taken={name, f"{name} (2)"}) == f"{name} (3)"


@pytest.mark.django_db
class TestStepUp:
    def test_a_passkey_makes_the_factor_fresh_and_leads_back(self, nurse, client_for):
        key = passkey_of(nurse)
        client = client_for(nurse)
        stale(client)
        before = client.session.session_key
        options = asked(client, "confirm")
        assert options["userVerification"] == "preferred"
        answer = post(client, "confirm", {"credential": key.get(options), "next": "/account/password/"})
        assert answer.json() == {"redirect": "/account/password/"}
        assert clock.now().timestamp() - client.session[FACTOR_AT] < FRESH_SECONDS
        assert client.session.session_key != before
        assert works(client)

    @pytest.mark.parametrize("target", ["//palsu.example", "https://palsu.example/", "javascript:x", 7, ["/"], None])
    def test_leads_nowhere_else(self, nurse, client_for, target):
        key = passkey_of(nurse)
        client = client_for(nurse)
        answer = post(client, "confirm", {"credential": key.get(asked(client, "confirm")), "next": target})
        assert answer.json() == {"redirect": reverse("accounts:home")}

    def test_wrong_answers_lock(self, nurse, client_for):
        key = passkey_of(nurse)
        client = client_for(nurse)
        stale(client)
        statuses = [
            post(client, "confirm", {"credential": key.get(asked(client, "confirm"), signature=b"x")}).status_code
            for _index in range(6)
        ]
        assert statuses == [422] * 4 + [429] * 2
        assert client.session[FACTOR_AT] == 0


@pytest.mark.django_db
class TestRemoveAndRename:
    def test_staff_keep_one_factor(self, nurse):
        passkey_of(nurse)
        with pytest.raises(LastFactor):
            passkeys.remove_passkey(user_id=nurse.pk, passkey_id=WebAuthnCredential.objects.get().pk)
        assert WebAuthnCredential.objects.count() == 1

    def test_patients_may_remove_the_last_one_and_the_codes_go_with_it(self, cast):
        user = cast.patient_user
        passkey_of(user)
        BackupCodeDevice.objects.create(user=user, name="backup codes")
        passkeys.remove_passkey(user_id=user.pk, passkey_id=WebAuthnCredential.objects.get().pk)
        assert not WebAuthnCredential.objects.exists()
        assert not BackupCodeDevice.objects.exists()

    def test_all_sessions_end_and_the_owner_is_told(self, nurse, client_for):
        passkey_of(nurse)
        passkey_of(nurse)
        nurse.refresh_from_db()
        client = client_for(nurse)
        assert works(client)
        Email.objects.all().delete()
        passkeys.remove_passkey(user_id=nurse.pk, passkey_id=WebAuthnCredential.objects.first().pk)
        assert not works(client)
        assert Email.objects.filter(recipient_user=nurse).count() == 1
        assert AuditEvent.objects.filter(action="accounts.factor.passkey_removed").count() == 1
        assert not AccountSession.objects.filter(user=nurse, ended_at__isnull=True).exists()

    @pytest.mark.parametrize("name", ["", "   ", "x" * 65, "\u202e\u200b"])
    def test_names_that_are_none(self, nurse, name):
        passkey_of(nurse)
        row = WebAuthnCredential.objects.get()
        with pytest.raises(InvalidInput):
            passkeys.rename_passkey(user_id=nurse.pk, passkey_id=row.pk, name=name)
        assert WebAuthnCredential.objects.get().name == row.name

    def test_a_name_is_tidied(self, nurse):
        passkey_of(nurse)
        row = WebAuthnCredential.objects.get()
        passkeys.rename_passkey(user_id=nurse.pk, passkey_id=row.pk, name="  <b>Kunci</b>\n kantor\u202e ")
        assert WebAuthnCredential.objects.get().name == "<b>Kunci</b> kantor"
        assert AuditEvent.objects.get(action="accounts.factor.renamed").detail == {"kind": "passkey"}


@pytest.mark.django_db
def test_nothing_secret_in_log_and_notices(nurse):
    key = passkey_of(nurse)
    client = Client()
    options = asked(client, "sign-in", door="staff")
    credential = key.get(options)
    post(client, "sign-in", {"credential": credential})
    secrets = [options["challenge"], credential["id"], credential["response"]["signature"], nurse.full_name]
    rows = [json.dumps(row.detail) for row in AuditEvent.objects.all()]
    assert rows
    assert not [secret for secret in secrets for row in rows if secret in row]
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM django_otp_webauthn_webauthnattestation")
        assert not cursor.fetchall(), "what a browser says about itself is not kept"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_one_answer_twice_at_once(self, cast, race):
        nurse = cast.nurse
        key = passkey_of(nurse, counter=None)
        client = Client()
        credential = key.get(asked(client, "sign-in", door="staff"))
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value

        def answer() -> int:
            other = Client()
            other.cookies[settings.SESSION_COOKIE_NAME] = cookie
            return post(other, "sign-in", {"credential": credential}).status_code

        statuses = race(answer, [()] * 4)
        assert statuses.count(200) == 1
        assert set(statuses) <= {200, 409, 400}, "400: the sign-in has renewed the session under the others"
        assert AuditEvent.objects.filter(action="accounts.factor.proven").count() == 1

    def test_two_answers_with_the_same_counter(self, cast, race):
        nurse = cast.nurse
        key = passkey_of(nurse)
        asks = [passkeys.ask_to_prove(Purpose.SIGN_IN, None) for _index in range(4)]
        answers = [(key.get(options, counter=1), challenge) for options, challenge in asks]

        def prove(answer, challenge):
            return passkeys.prove(purpose=Purpose.SIGN_IN, answer=answer, challenge=challenge)

        results = race(prove, answers)
        assert len([found for found in results if isinstance(found, WebAuthnCredential)]) == 1
        assert results.count(None) == 3

    def test_two_first_factors_at_once(self, cast, race):
        nurse = cast.nurse
        asks = [passkeys.ask_to_register(nurse) for _index in range(3)]
        calls = [(device().create(options), challenge) for options, challenge in asks]

        def register(answer, challenge):
            return passkeys.register_passkey(
                purpose=Purpose.ENROL, user_id=nurse.pk, answer=answer, challenge=challenge
            )

        results = race(register, calls)
        assert sorted(type(found).__name__ for found in results) == [
            "FactorNeeded",
            "FactorNeeded",
            "WebAuthnCredential",
        ]
        assert WebAuthnCredential.objects.count() == 1

    def test_the_last_two_removed_at_once(self, cast, race):
        nurse = cast.nurse
        passkey_of(nurse)
        passkey_of(nurse)
        calls = [(row.pk,) for row in WebAuthnCredential.objects.all()]
        results = race(lambda pk: passkeys.remove_passkey(user_id=nurse.pk, passkey_id=pk), calls)
        assert sorted(type(found).__name__ for found in results) == ["LastFactor", "NoneType"]
        assert WebAuthnCredential.objects.count() == 1
