"""The second step of the sign-in: who gets past it, what it costs to guess, and what is never written down."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY, match_token, verify_token

from accounts import factors, lockout, second_factor
from accounts.demo import demo_code
from accounts.errors import FactorNeeded
from accounts.models import BackupCode, BackupCodeDevice, TotpDevice, User
from accounts.models.factors import TOTP_STEP_SECONDS
from accounts.second_factor import FACTOR_AT
from audit.models import AuditEvent
from core import clock
from notifications.models import Email, Notice
from tests.accounts.signing_in import ENROL, PASSWORD, VERIFY, unused_code
from tests.conftest import sign_in as sign_in_without_steps
from tests.factories.accounts import UserFactory

STAFF = reverse("accounts:login")
PORTAL = reverse("accounts:portal-login")
HOME = reverse("accounts:home")
ENROL_APP = reverse("accounts:factor-enrol-app")
CONFIRM = reverse("accounts:factor-confirm")
CODES = reverse("accounts:backup-codes")
DEVICES = reverse("accounts:device-list")


def password(client: Client, login: str, door: str = STAFF, **extra):
    return client.post(door, {"login": login, "password": PASSWORD, **extra})


def app_of(user: User) -> TotpDevice:
    return TotpDevice.objects.create(user=user, name="Telepon")


def code_of(device: TotpDevice, steps: int = 0) -> str:
    return device.code_at(time.time() + steps * TOTP_STEP_SECONDS)


def wrong_code(device: TotpDevice) -> str:
    """Return a code that is not right now, nor a step around."""
    right = {code_of(device, step) for step in (-1, 0, 1)}
    return next(text for number in range(5) if (text := f"{number:06d}") not in right)


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def errors_of(answer) -> str:
    return str(answer.context["form"].errors)


@pytest.fixture
def nurse(cast) -> User:
    return cast.nurse


@pytest.fixture
def waiting(nurse):
    """Return a client whose sign-in as the nurse waits for a code, and her app."""
    device, client = app_of(nurse), Client()
    assert password(client, "ns.dewi")["Location"] == VERIFY
    return client, device


@pytest.mark.django_db
class TestWrongPerson:
    def test_pages_of_the_second_step_need_a_password_first(self, nurse):
        app_of(nurse)
        client = Client()
        for url in (VERIFY, ENROL, ENROL_APP):
            for answer in (client.get(url), client.post(url, {"code": "123456"})):
                assert (answer.status_code, answer["Location"]) == (302, HOME)
        for url in (CONFIRM, CODES, DEVICES):
            assert client.get(url)["Location"].startswith(STAFF)
        assert not is_in(client)

    def test_the_password_alone_signs_nobody_in(self, waiting):
        client, _device = waiting
        assert not is_in(client)
        assert client.get(reverse("accounts:styleguide"))["Location"].startswith(STAFF)
        assert client.get(VERIFY).status_code == 200, "the sign-in still waits"

    def test_somebody_elses_code_is_wrong(self, waiting, cast):
        client, _device = waiting
        answer = client.post(VERIFY, {"code": code_of(app_of(cast.doctor))})
        assert answer.status_code == 422
        assert not is_in(client)

    def test_nothing_is_enrolled_beside_a_factor(self, waiting):
        client, device = waiting
        for answer in (client.get(ENROL), client.post(ENROL)):
            assert answer["Location"] == VERIFY
        assert client.get(ENROL_APP)["Location"] == ENROL
        assert list(TotpDevice.objects.all()) == [device]

    def test_nor_with_a_row_that_was_begun_before(self, nurse):
        late, early = Client(), Client()
        for client in (late, early):
            assert password(client, "ns.dewi")["Location"] == ENROL
            assert client.post(ENROL)["Location"] == ENROL_APP
        rows = {client: TotpDevice.objects.get(pk=client.session["pending_app"]) for client in (late, early)}
        assert rows[late].key_hex != rows[early].key_hex, "each session has a key of its own"
        assert early.post(ENROL_APP, {"code": code_of(rows[early])})["Location"].startswith(CODES)
        answer = late.post(ENROL_APP, {"code": code_of(rows[late])})
        assert (answer.status_code, is_in(late)) == (302, False)
        assert TotpDevice.objects.get(user=nurse).pk == rows[early].pk

    def test_the_key_of_one_session_is_not_taken_by_another(self, nurse, cast):
        one, other = Client(), Client()
        password(one, "ns.dewi")
        one.post(ENROL)
        password(other, UserFactory(username="lain", roles=["nurse"]).username)
        session = other.session
        session["pending_app"] = one.session["pending_app"]
        session.save()
        assert other.get(ENROL_APP)["Location"] == ENROL

    def test_a_closed_account_gets_no_further(self, waiting, nurse):
        client, device = waiting
        User.objects.filter(pk=nurse.pk).update(is_active=False)
        assert client.post(VERIFY, {"code": code_of(device)})["Location"] == HOME
        assert not is_in(client)
        assert TotpDevice.objects.get().last_t == -1, "the code was not even looked at"

    def test_nor_when_it_is_closed_while_the_code_is_on_its_way(self, nurse):
        device = app_of(nurse)
        backup = factors.make_backup_codes(user_id=nurse.pk)[0]
        code = code_of(device)
        User.objects.filter(pk=nurse.pk).update(is_active=False)
        assert not factors.check_code(user_id=nurse.pk, code=code, purpose="sign_in")
        assert not factors.check_backup_code(user_id=nurse.pk, code=backup, purpose="sign_in")
        device.refresh_from_db()
        assert (device.last_t, BackupCodeDevice.objects.get().left) == (-1, 10), "nothing was used up"

    @pytest.mark.parametrize("change", [{"password": "x"}, {"session_epoch": 1}])
    def test_a_change_of_password_roles_or_factors_ends_the_wait(self, waiting, nurse, change):
        client, device = waiting
        User.objects.filter(pk=nurse.pk).update(**change)
        assert client.post(VERIFY, {"code": code_of(device)})["Location"] == HOME
        assert not is_in(client)

    def test_a_staff_session_without_a_factor_ends(self, nurse):
        for path in (HOME, reverse("accounts:styleguide"), reverse("admin:index"), VERIFY):
            client = Client()
            sign_in_without_steps(client, nurse, with_factor=False)
            answer = client.get(path)
            assert (answer.status_code, answer["Location"].split("?")[0]) == (302, STAFF), path
            assert not is_in(client)

    def test_a_fragment_of_such_a_session_leads_to_the_door(self, nurse):
        client = Client()
        sign_in_without_steps(client, nurse, with_factor=False)
        assert client.get(reverse("accounts:styleguide"), HTTP_HX_REQUEST="true")["HX-Redirect"] == STAFF

    def test_an_unconfirmed_app_proves_nothing(self, nurse):
        device = TotpDevice.objects.create(user=nurse, confirmed=False)
        client = Client()
        assert password(client, "ns.dewi")["Location"] == ENROL
        assert client.post(VERIFY, {"code": code_of(device)})["Location"] == ENROL
        assert not is_in(client)

    def test_backup_codes_alone_are_no_factor(self, nurse):
        device = BackupCodeDevice.objects.create(user=nurse, name="x")
        code = device.make_codes()[0]
        client = Client()
        assert password(client, "ns.dewi")["Location"] == ENROL
        assert client.post(VERIFY, {"code": code, "with": "backup"})["Location"] == ENROL
        assert not is_in(client)


@pytest.mark.django_db
class TestLetIn:
    def test_code_of_the_app(self, waiting, nurse):
        client, device = waiting
        before = client.session.session_key
        answer = client.post(VERIFY, {"code": code_of(device)})
        assert (answer.status_code, answer["Location"]) == (302, HOME)
        session = client.session
        assert (session[DEVICE_ID_SESSION_KEY], session.session_key != before) == (device.persistent_id, True)
        assert abs(session[FACTOR_AT] - time.time()) < 5
        assert "account_login" not in session
        event = AuditEvent.objects.get(action="accounts.factor.proven")
        assert (event.actor_id, event.detail) == (nurse.pk, {"kind": "app", "purpose": "sign_in"})

    @pytest.mark.parametrize("shape", ["{} {}", " {}{} ", "{}-{}", "{}\u00a0{}"])
    def test_pasted_as_apps_show_it(self, waiting, shape):
        client, device = waiting
        code = code_of(device)
        client.post(VERIFY, {"code": shape.format(code[:3], code[3:])})
        assert is_in(client)

    def test_the_page_asked_for_is_kept(self, nurse, cast):
        device, client = app_of(cast.admin), Client()
        password(client, "ayu.admin", next="/users/")
        assert client.post(VERIFY, {"code": code_of(device)})["Location"] == "/users/"

    def test_a_patient_without_a_factor_needs_none(self, cast):
        client = Client()
        password(client, cast.patient_user.username, door=PORTAL)
        assert is_in(client)

    def test_a_patient_with_one_is_asked(self, cast):
        device, client = app_of(cast.patient_user), Client()
        assert password(client, cast.patient_user.username, door=PORTAL)["Location"] == VERIFY
        client.post(VERIFY, {"code": code_of(device)})
        assert is_in(client)

    def test_one_of_two_apps_is_enough_and_the_other_does_not_wait(self, nurse):
        old, new, client = app_of(nurse), app_of(nurse), Client()
        password(client, "ns.dewi")
        client.post(VERIFY, {"code": code_of(new)})
        assert is_in(client)
        old.refresh_from_db()
        assert old.throttling_failure_count == 0

    def test_signed_in_people_are_sent_on(self, nurse, client_for):
        client = client_for(nurse)
        for url in (VERIFY, ENROL, ENROL_APP):
            assert client.get(url)["Location"] == HOME

    def test_cancel_forgets_the_sign_in(self, waiting):
        client, device = waiting
        assert client.post(reverse("accounts:factor-cancel"))["Location"] == STAFF
        assert client.post(VERIFY, {"code": code_of(device)})["Location"] == HOME
        assert not is_in(client)

    def test_after_15_minutes_the_password_is_asked_again(self, nurse):
        device, client = app_of(nurse), Client()
        start = clock.now()
        with time_machine.travel(start, tick=False) as traveller:
            password(client, "ns.dewi")
            traveller.move_to(start + timedelta(minutes=15, seconds=1))
            assert client.post(VERIFY, {"code": code_of(device)})["Location"] == HOME
        assert not is_in(client)

    def test_which_account_is_hinted_at_and_not_told(self, waiting):
        client, _device = waiting
        page = client.get(VERIFY)
        assert "ns•••i" in page.content.decode()
        assert "ns.dewi" not in page.content.decode()
        assert "no-store" in page["Cache-Control"]


@pytest.mark.django_db
class TestCodes:
    @pytest.mark.parametrize(("off", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
    def test_the_telephone_may_be_one_step_off(self, nurse, off, accepted):
        device = app_of(nurse)
        with time_machine.travel(1_772_679_600, tick=False):
            proof = factors.check_code(user_id=nurse.pk, code=code_of(device, off), purpose="sign_in")
            assert bool(proof) == accepted

    def test_at_the_border_of_a_step(self, nurse):
        device = app_of(nurse)
        start = 1_772_679_600
        assert start % TOTP_STEP_SECONDS == 0
        with time_machine.travel(start + 29.9, tick=False) as traveller:
            code = code_of(device)
            traveller.move_to(start + 30.0)
            assert code_of(device) != code
            assert factors.check_code(user_id=nurse.pk, code=code, purpose="sign_in")

    def test_a_code_counts_once_and_no_older_one_after_it(self, nurse):
        device = app_of(nurse)
        with time_machine.travel(1_772_679_600, tick=False) as traveller:
            assert factors.check_code(user_id=nurse.pk, code=code_of(device), purpose="sign_in")
            again = factors.check_code(user_id=nurse.pk, code=code_of(device), purpose="sign_in")
            assert (bool(again), "used" in again.reason or "dipakai" in again.reason) == (False, True)
            traveller.shift(2)
            assert not factors.check_code(user_id=nurse.pk, code=code_of(device, -1), purpose="sign_in")
            traveller.shift(TOTP_STEP_SECONDS)
            assert factors.check_code(user_id=nurse.pk, code=code_of(device), purpose="sign_in")

    def test_django_otps_own_way_takes_no_code_of_an_app(self, nurse):
        """Codes pass the common counter and the log, or not at all."""
        device = app_of(nurse)
        assert match_token(nurse, code_of(device)) is None
        assert verify_token(nurse, device.persistent_id, code_of(device)) is None
        assert factors.check_code(user_id=nurse.pk, code=code_of(device), purpose="sign_in"), "and it was not used up"

    def test_a_clock_set_back_does_not_make_codes_good_again(self, nurse):
        device = app_of(nurse)
        with time_machine.travel(1_772_679_600, tick=False) as traveller:
            code = code_of(device)
            assert factors.check_code(user_id=nurse.pk, code=code, purpose="sign_in")
            traveller.shift(-10)
            assert not factors.check_code(user_id=nurse.pk, code=code, purpose="sign_in")

    def test_a_wrong_code_makes_the_next_wait_longer_each_time(self, nurse):
        device = app_of(nurse)
        with time_machine.travel(1_772_679_600, tick=False) as traveller:
            for wait in (1, 2, 4, 8):
                assert not factors.check_code(user_id=nurse.pk, code=wrong_code(device), purpose="sign_in")
                assert factors.wait_seconds(nurse) == wait
                refused = factors.check_code(user_id=nurse.pk, code=code_of(device), purpose="sign_in")
                assert (bool(refused), str(wait) in refused.reason) == (False, True), "also the right one waits"
                traveller.shift(wait)
            assert factors.check_code(user_id=nurse.pk, code=code_of(device), purpose="sign_in")
            assert factors.wait_seconds(nurse) == 0

    def test_the_wait_stops_growing(self, nurse):
        device = app_of(nurse)
        start = clock.now()
        with time_machine.travel(start, tick=False) as traveller:
            for _try in range(20):
                factors.check_code(user_id=nurse.pk, code=wrong_code(device), purpose="sign_in")
                traveller.shift(factors.wait_seconds(nurse))
            factors.check_code(user_id=nurse.pk, code=wrong_code(device), purpose="sign_in")
            assert factors.wait_seconds(nurse) == 2 ** (factors.MOST_FAILURES - 1)

    def test_a_code_that_must_wait_is_no_try(self, waiting):
        client, device = waiting
        with time_machine.travel(clock.now(), tick=False):
            client.post(VERIFY, {"code": wrong_code(device)})
            for _try in range(8):
                answer = client.post(VERIFY, {"code": code_of(device)})
                assert answer.status_code == 422
        assert lockout.locked_places(device.user) == 0

    @pytest.mark.parametrize(
        "code",
        [
            "",
            " ",
            "12345",
            "1234567",
            "abcdef",
            "١٢٣٤٥٦",
            "１２３４５６",
            "\0",
            "1" * 5000,
            "<script>",
            "-12345",
            "12.345",
        ],
    )
    def test_what_is_no_code_is_refused_and_not_counted(self, waiting, code):
        client, device = waiting
        for _try in range(6):
            answer = client.post(VERIFY, {"code": code})
            assert answer.status_code == 422
        assert b"<script>" not in answer.content.split(b"<main")[1].split(b"</main>")[0]
        device.refresh_from_db()
        assert device.throttling_failure_count == 0


@pytest.mark.django_db
class TestLockout:
    def tries(self, client, device, traveller, number: int) -> list[int]:
        statuses = []
        for _try in range(number):
            traveller.shift(20)  # past the wait of the device
            statuses.append(client.post(VERIFY, {"code": wrong_code(device)}).status_code)
        return statuses

    def test_the_fifth_wrong_code_closes_the_door_for_codes_and_passwords(self, nurse):
        device, client = app_of(nurse), Client()
        start = clock.now()
        with time_machine.travel(start, tick=False) as traveller:
            password(client, "ns.dewi")
            assert self.tries(client, device, traveller, 5) == [422, 422, 422, 422, 429]
            last = clock.now()
            assert client.post(VERIFY, {"code": code_of(device)})["Location"] == HOME, "the sign-in is forgotten"
            answer = password(client, "ns.dewi")
            assert (answer.status_code, is_in(client)) == (429, False)
            traveller.move_to(last + timedelta(minutes=14))
            assert password(client, "ns.dewi").status_code == 429
            traveller.move_to(last + timedelta(minutes=15, seconds=1))
            assert password(client, "ns.dewi")["Location"] == VERIFY
            client.post(VERIFY, {"code": code_of(device)})
            assert is_in(client)

    @pytest.mark.parametrize("passwords", [1, 2, 3, 4])
    def test_passwords_and_codes_share_one_count(self, nurse, passwords):
        device, client = app_of(nurse), Client()
        with time_machine.travel(clock.now(), tick=False) as traveller:
            for _try in range(passwords):
                assert client.post(STAFF, {"login": "ns.dewi", "password": "salah"}).status_code == 422
            assert password(client, "ns.dewi")["Location"] == VERIFY, "a right password forgets nothing"
            statuses = self.tries(client, device, traveller, 5 - passwords)
            assert statuses == [422] * (4 - passwords) + [429]

    def test_a_finished_sign_in_forgets(self, nurse):
        device, client = app_of(nurse), Client()
        with time_machine.travel(clock.now(), tick=False) as traveller:
            for _round in range(2):
                password(client, "ns.dewi")
                assert self.tries(client, device, traveller, 4) == [422] * 4
                traveller.shift(40)
                assert client.post(VERIFY, {"code": code_of(device)})["Location"] == HOME
                client.post(reverse("accounts:logout"))

    def test_backup_codes_count_too(self, nurse):
        device, client = app_of(nurse), Client()
        BackupCodeDevice.objects.create(user=nurse, name="x").make_codes()
        with time_machine.travel(clock.now(), tick=False) as traveller:
            password(client, "ns.dewi")
            assert self.tries(client, device, traveller, 2) == [422, 422]
            statuses = []
            for number in range(3):
                traveller.shift(20)
                code = f"aaaa-bbbb-cccc-ddd{number + 2}"
                statuses.append(client.post(VERIFY, {"code": code, "with": "backup"}).status_code)
            assert statuses == [422, 422, 429]

    def test_the_step_up_page_is_counted_as_well(self, nurse, client_for):
        client = client_for(nurse)
        device = TotpDevice.objects.get(user=nurse)
        with time_machine.travel(clock.now(), tick=False) as traveller:
            statuses = []
            for _try in range(6):
                traveller.shift(20)
                statuses.append(client.post(CONFIRM, {"code": wrong_code(device)}).status_code)
            assert statuses == [422, 422, 422, 422, 429, 429]

    def test_the_password_of_a_patient_there_too(self, cast, client_for):
        client = client_for(cast.patient_user)
        statuses = [client.post(CONFIRM, {"password": "salah"}).status_code for _try in range(6)]
        assert statuses == [422, 422, 422, 422, 429, 429]
        assert is_in(client)


@pytest.mark.django_db
class TestEnrol:
    def test_first_sign_in_app_codes_home(self, nurse):
        client = Client()
        assert password(client, "ns.dewi", next=reverse("accounts:styleguide"))["Location"] == ENROL
        assert client.get(ENROL).status_code == 200
        assert client.post(ENROL)["Location"] == ENROL_APP
        page = client.get(ENROL_APP)
        device = TotpDevice.objects.get(user=nurse)
        assert not device.confirmed
        assert page.context["key"].replace(" ", "") == device.secret_base32
        assert "style=" not in page.context["qr"]
        assert client.post(ENROL_APP, {"code": wrong_code(device)}).status_code == 422
        answer = client.post(ENROL_APP, {"code": code_of(device), "name": "HP <b>saya</b>"})
        assert answer["Location"] == f"{CODES}?next=%2Fstyleguide%2F"
        assert is_in(client)
        device.refresh_from_db()
        assert (device.confirmed, device.name) == (True, "HP <b>saya</b>")
        assert client.get(answer["Location"]).status_code == 200
        shown = client.post(CODES, {"next": "/styleguide/"})
        assert len(shown.context["codes"]) == 10
        assert "no-store" in shown["Cache-Control"]
        assert (
            client.post(reverse("accounts:backup-codes-kept"), {"next": "/styleguide/"})["Location"] == "/styleguide/"
        )
        assert client.get("/styleguide/").status_code == 200, "the session goes on after the codes were made"

    def test_the_first_code_cannot_be_used_again(self, nurse):
        client = Client()
        password(client, "ns.dewi")
        client.post(ENROL)
        device = TotpDevice.objects.get(user=nurse)
        code = code_of(device)
        client.post(ENROL_APP, {"code": code})
        other = Client()
        password(other, "ns.dewi")
        assert other.post(VERIFY, {"code": code}).status_code == 422

    def test_going_back_keeps_the_key(self, nurse):
        client = Client()
        password(client, "ns.dewi")
        client.post(ENROL)
        key = client.get(ENROL_APP).context["key"]
        client.post(ENROL)
        assert client.get(ENROL_APP).context["key"] == key

    def test_a_picture_that_waits_too_long_is_replaced(self, nurse):
        client = Client()
        with time_machine.travel(clock.now(), tick=False) as traveller:
            password(client, "ns.dewi")
            client.post(ENROL)
            TotpDevice.objects.update(created_at=clock.now() - timedelta(minutes=16))
            assert client.post(ENROL_APP, {"code": "123456"})["Location"] == ENROL
            client.post(ENROL)
            assert TotpDevice.objects.count() == 1
            traveller.shift(1)

    def test_one_time_password_comes_after_the_factor(self, cast):
        UserFactory(username="baru", roles=["admin"], must_change_password=True)
        client = Client()
        password(client, "baru")
        client.post(ENROL)
        device = TotpDevice.objects.get()
        answer = client.post(ENROL_APP, {"code": code_of(device)})
        assert client.get(answer["Location"]).status_code == 200
        client.post(CODES)
        assert client.get(HOME)["Location"] == reverse("accounts:password-change")

    def test_the_owner_is_told(self, nurse):
        client = Client()
        password(client, "ns.dewi")
        client.post(ENROL)
        client.post(ENROL_APP, {"code": code_of(TotpDevice.objects.get())})
        assert Email.objects.get(template="factor_changed").to_address == nurse.email
        assert Notice.objects.get(recipient=nurse).kind == "factor_app_added"
        assert AuditEvent.objects.filter(action="accounts.factor.app_added", actor=nurse).count() == 1


@pytest.mark.django_db
class TestBackupCodes:
    @pytest.fixture
    def codes(self, nurse):
        app_of(nurse)
        return factors.make_backup_codes(user_id=nurse.pk)

    def test_lets_in_once_and_the_owner_is_told(self, nurse, codes):
        for expected in (HOME, None):
            client = Client()
            password(client, "ns.dewi")
            answer = client.post(VERIFY, {"code": codes[0].upper().replace("-", " "), "with": "backup"})
            assert (answer.status_code, is_in(client)) == ((302, True) if expected else (422, False))
        mail = Email.objects.get(template="backup_code_used")
        assert mail.to_address == nurse.email
        assert "9" in mail.body_text
        assert codes[0] not in mail.body_text
        assert Notice.objects.filter(recipient=nurse, kind="backup_code_used").count() == 1

    def test_when_few_are_left_the_notice_says_so(self, nurse, codes):
        for code in codes[:8]:
            assert factors.check_backup_code(user_id=nurse.pk, code=code, purpose="confirm")
        kinds = list(Notice.objects.filter(recipient=nurse).order_by("created_at", "pk").values_list("kind", flat=True))
        assert kinds == ["factor_codes_made", *["backup_code_used"] * 7, "backup_codes_few"]

    def test_new_ones_make_the_old_ones_void(self, nurse, codes):
        factors.make_backup_codes(user_id=nurse.pk)
        assert not factors.check_backup_code(user_id=nurse.pk, code=codes[0], purpose="sign_in")

    def test_codes_differ_and_are_stored_as_digests(self, codes):
        assert len(set(codes)) == 10
        assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code) for code in codes)
        stored = list(BackupCode.objects.values_list("digest", flat=True))
        assert not {code.replace("-", "") for code in codes} & set(stored)

    def test_somebody_elses_code_is_wrong(self, codes, cast):
        app_of(cast.doctor)
        factors.make_backup_codes(user_id=cast.doctor.pk)
        assert not factors.check_backup_code(user_id=cast.doctor.pk, code=codes[0], purpose="sign_in")

    @pytest.mark.parametrize("code", ["", "abc", "ä" * 16, "\0" * 16, "x" * 9000, "aaaa-bbbb-cccc-dddd-eeee"])
    def test_any_text(self, nurse, codes, code):
        client = Client()
        password(client, "ns.dewi")
        assert client.post(VERIFY, {"code": code, "with": "backup"}).status_code == 422


@pytest.mark.django_db
class TestConfirm:
    def test_a_fresh_proof_lasts_five_minutes(self, nurse, client_for):
        client = client_for(nurse)
        url = reverse("accounts:device-add-app")
        with time_machine.travel(clock.now(), tick=False) as traveller:
            session = client.session
            session[FACTOR_AT] = int(time.time())
            session.save()
            traveller.shift(299)
            assert client.get(url).status_code == 200
            traveller.shift(2)
            answer = client.get(url)
            assert answer["Location"] == f"{CONFIRM}?next=%2Faccount%2Fdevices%2Fapps%2Fnew%2F"
            device = TotpDevice.objects.filter(user=nurse, confirmed=True).get()
            before = client.session.session_key
            answer = client.post(CONFIRM, {"code": code_of(device), "next": url})
            assert answer["Location"] == url
            assert client.session.session_key != before
            assert client.get(url).status_code == 200

    def test_a_clock_set_back_does_not_make_it_last(self, nurse, client_for):
        client = client_for(nurse)
        session = client.session
        session[FACTOR_AT] = int(time.time()) + 3600
        session.save()
        assert client.get(reverse("accounts:device-add-app")).status_code == 302

    @pytest.mark.parametrize(
        "target",
        ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil", "", "users/", "/" + "x" * 9000],
    )
    def test_leads_nowhere_else(self, nurse, client_for, target):
        client = client_for(nurse)
        page = client.get(CONFIRM, {"next": target})
        assert page.context["target"] == HOME
        answer = client.post(CONFIRM, {"code": unused_code(nurse), "next": target})
        assert answer["Location"] == HOME

    def test_a_patient_confirms_with_the_password(self, cast, client_for):
        client = client_for(cast.patient_user)
        url = reverse("accounts:device-add-app")
        assert client.get(url)["Location"].startswith(CONFIRM)
        assert client.post(CONFIRM, {"password": PASSWORD, "next": url})["Location"] == url
        assert client.get(url).status_code == 200

    def test_with_a_factor_the_password_is_not_enough(self, cast, client_for):
        app_of(cast.patient_user)
        client = client_for(cast.patient_user)
        assert client.post(CONFIRM, {"password": PASSWORD}).status_code == 422

    def test_a_form_that_was_posted_too_late_leads_back_to_itself(self, nurse, client_for):
        client = client_for(nurse)
        session = client.session
        session[FACTOR_AT] = 1
        session.save()
        answer = client.post(CODES, HTTP_REFERER="http://testserver/account/backup-codes/")
        assert answer["Location"].startswith(CONFIRM)
        assert not BackupCodeDevice.objects.exists()


class TestRaces:
    def test_of_two_tabs_with_one_code_exactly_one_passes(self, race):
        user = UserFactory(roles=["nurse"])
        code = code_of(app_of(user))
        results = race(
            lambda: bool(factors.check_code(user_id=user.pk, code=code, purpose="sign_in")), [() for _tab in range(6)]
        )
        assert sorted(results) == [False] * 5 + [True]

    def test_one_backup_code_lets_in_once(self, race):
        user = UserFactory(roles=["nurse"])
        app_of(user)
        code = factors.make_backup_codes(user_id=user.pk)[0]
        results = race(
            lambda: bool(factors.check_backup_code(user_id=user.pk, code=code, purpose="sign_in")),
            [() for _tab in range(6)],
        )
        assert sorted(results) == [False] * 5 + [True]
        assert BackupCodeDevice.objects.get().left == 9

    def test_two_sign_ins_that_set_up_a_first_app_leave_one(self, race):
        user = UserFactory(roles=["nurse"])
        rows = [factors.start_app(user_id=user.pk, is_proven=False) for _session in range(4)]

        def confirm(device):
            return factors.confirm_app(
                user_id=user.pk, device_id=device.pk, code=code_of(device), name="", is_proven=False
            )

        results = race(confirm, [(row,) for row in rows])
        assert sorted(type(result).__name__ for result in results) == ["FactorNeeded"] * 3 + ["TotpDevice"]
        assert TotpDevice.objects.filter(user=user).count() == 1

    def test_a_wrong_code_of_each_of_many_tabs_is_counted(self, race):
        user = UserFactory(roles=["nurse"])
        device = app_of(user)
        text = wrong_code(device)
        race(lambda: factors.check_code(user_id=user.pk, code=text, purpose="sign_in"), [() for _tab in range(8)])
        device.refresh_from_db()
        assert device.throttling_failure_count == 1, "the first one makes the others wait"


@pytest.mark.django_db
def test_no_key_or_code_is_left_in_session_log_mail_or_audit(cast, caplog, client_for):
    caplog.set_level("DEBUG")
    nurse, client = cast.nurse, Client()
    password(client, "ns.dewi")
    client.post(ENROL)
    client.get(ENROL_APP)
    device = TotpDevice.objects.get()
    first, wrong = code_of(device), wrong_code(device)
    sessions = [json.dumps(dict(client.session.items()), default=str)]
    client.post(ENROL_APP, {"code": wrong})
    client.post(ENROL_APP, {"code": first})
    codes = client.post(CODES).context["codes"]
    sessions.append(json.dumps(dict(client.session.items()), default=str))
    client.post(reverse("accounts:logout"))
    password(client, "ns.dewi")
    client.post(VERIFY, {"code": first})
    client.post(VERIFY, {"code": codes[0], "with": "backup"})
    sessions.append(json.dumps(dict(client.session.items()), default=str))
    secrets = {device.key_hex, device.secret_base32, first, wrong, codes[0], codes[0].replace("-", "").upper()}
    texts = {
        "sessions": " ".join(sessions),
        "log": " ".join(record.getMessage() for record in caplog.records if not record.name.startswith("django.db")),
        "audit": " ".join(str(event.__dict__) for event in AuditEvent.objects.all()),
        "mails": " ".join(f"{mail.subject} {mail.body_text} {mail.body_html}" for mail in Email.objects.all()),
        "notices": " ".join(str(notice.params) for notice in Notice.objects.filter(recipient=nurse)),
    }
    assert all(texts.values())
    for place, text in texts.items():
        assert not [secret for secret in secrets if re.search(rf"(?<![0-9a-f-]){re.escape(secret)}", text)], place


@pytest.mark.django_db
class TestDemoCode:
    @pytest.fixture(autouse=True)
    def _demo(self, settings, nurse):
        settings.DEMO_MODE = True
        settings.DEMO_SIGN_INS = [{"door": "staff", "username": nurse.username, "password": "x"}]
        app_of(nurse)

    def test_never_outside_demo_mode(self, nurse, settings):
        settings.DEMO_MODE = False
        assert demo_code(nurse) is None
        client = Client()
        password(client, "ns.dewi")
        assert client.get(VERIFY).context["demo_code"] is None

    def test_never_of_an_account_that_is_no_demo_account(self, cast):
        app_of(cast.doctor)
        assert demo_code(cast.doctor) is None

    def test_works_twice_within_half_a_minute(self, nurse):
        with time_machine.travel(1_772_679_600, tick=False) as traveller:
            for _round in range(2):
                client = Client()
                password(client, "ns.dewi")
                client.post(VERIFY, {"code": client.get(VERIFY).context["demo_code"].code})
                assert is_in(client)
            waiting = demo_code(nurse)
            assert (waiting.code, waiting.seconds) == ("", 30)
            traveller.shift(30)
            assert factors.check_code(user_id=nurse.pk, code=demo_code(nurse).code, purpose="sign_in")


@pytest.mark.django_db
def test_must_have_and_has(cast):
    assert second_factor.must_have_factor(cast.nurse)
    assert not second_factor.must_have_factor(cast.patient_user)
    assert not second_factor.has_factor(cast.nurse)
    TotpDevice.objects.create(user=cast.nurse, confirmed=False)
    assert not second_factor.has_factor(cast.nurse)
    app_of(cast.nurse)
    with pytest.raises(FactorNeeded):
        factors.start_app(user_id=cast.nurse.pk, is_proven=False)
