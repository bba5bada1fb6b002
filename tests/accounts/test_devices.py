"""My devices, and the reset of somebody's second factors by two persons."""

from __future__ import annotations

import time
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp_webauthn.models import WebAuthnCredential

from accounts import factor_resets, factors
from accounts.errors import (
    FactorNeeded,
    LastFactor,
    NoFactor,
    OwnAccount,
    ResetDecided,
    ResetWaiting,
    SecondPersonNeeded,
)
from accounts.factor_resets import approve_reset, reject_reset, request_reset
from accounts.models import BackupCode, BackupCodeDevice, FactorResetRequest, TotpDevice, User
from accounts.models.factors import backup_digest
from accounts.second_factor import FACTOR_AT, has_factor
from audit.models import AuditEvent
from core.errors import InvalidInput
from notifications.models import Email, Notice
from tests.accounts.signing_in import ENROL, PASSWORD, VERIFY, sign_in
from tests.factories.accounts import PatientUserFactory, UserFactory

LIST = reverse("accounts:device-list")
ADD = reverse("accounts:device-add-app")
CODES = reverse("accounts:backup-codes")
CONFIRM = reverse("accounts:factor-confirm")
STAFF = reverse("accounts:login")
REASON = "Telepon hilang di pasar, dikenali dari wajahnya."


def url(name: str, *args) -> str:
    return reverse(f"accounts:{name}", args=args)


def an_app(user: User, name: str = "Telepon") -> TotpDevice:
    return TotpDevice.objects.create(user=user, name=name)


def a_passkey(user: User) -> WebAuthnCredential:
    return WebAuthnCredential.objects.create(
        user=user, name="Kunci", credential_id=uuid4().bytes, public_key=b"x", aaguid="", sign_count=0
    )


def make_stale(client: Client) -> None:
    session = client.session
    session[FACTOR_AT] = int(time.time()) - 301
    session.save()


def kinds_of(user: User) -> list[str]:
    return list(Notice.objects.filter(recipient=user).order_by("created_at", "pk").values_list("kind", flat=True))


@pytest.mark.django_db
class TestWrongPerson:
    def test_nobody_reaches_somebody_elses_device(self, cast, client_for):
        client = client_for(cast.doctor)
        app, passkey = an_app(cast.nurse), a_passkey(cast.nurse)
        for kind, device in (("app", app), ("passkey", passkey)):
            for name in ("device-rename", "device-remove"):
                for send in (client.get, client.post):
                    assert send(url(name, kind, device.pk), {"name": "Milik saya"}).status_code == 404
        assert (TotpDevice.objects.get(pk=app.pk).name, WebAuthnCredential.objects.count()) == ("Telepon", 1)

    @pytest.mark.parametrize(("kind", "pk"), [("app", 10**30), ("backup", 1), ("xyz", 1), ("app", 0)])
    def test_forged_addresses(self, cast, client_for, kind, pk):
        assert client_for(cast.nurse).get(url("device-remove", kind, pk)).status_code == 404

    def test_nothing_changes_without_a_fresh_factor(self, cast, client_for):
        client = client_for(cast.nurse)
        device = TotpDevice.objects.get(user=cast.nurse)
        make_stale(client)
        for path in (ADD, CODES, url("device-rename", "app", device.pk), url("device-remove", "app", device.pk)):
            for send in (client.get, client.post):
                assert send(path, {"name": "Baru"})["Location"].startswith(CONFIRM), path
        device.refresh_from_db()
        assert (device.name, TotpDevice.objects.count(), BackupCodeDevice.objects.count()) == ("Telepon", 1, 0)
        assert client.get(LIST).status_code == 200, "looking needs none"

    def test_a_session_without_the_factor_adds_none_beside_it(self, cast, client_for):
        """A patient's session from before the factor: its password proof is not enough any more."""
        client = client_for(cast.patient_user)
        client.post(CONFIRM, {"password": PASSWORD})
        an_app(cast.patient_user)
        assert client.get(ADD)["Location"] == LIST
        with pytest.raises(FactorNeeded):
            factors.start_app(user_id=cast.patient_user.pk, is_proven=False)


@pytest.mark.django_db
class TestMyDevices:
    def test_add_a_second_app(self, cast, client_for):
        here, elsewhere = client_for(cast.nurse), client_for(cast.nurse)
        assert elsewhere.get(LIST).status_code == 200
        assert here.get(ADD).status_code == 200
        pending = TotpDevice.objects.get(confirmed=False)
        answer = here.post(ADD, {"code": pending.code_at(time.time()), "name": "Tablet"})
        assert answer["Location"].startswith(CODES), "there are no backup codes yet"
        assert here.get(LIST).status_code == 200, "this session goes on"
        assert elsewhere.get(LIST)["Location"].startswith(STAFF), "the others end"
        assert sorted(TotpDevice.objects.values_list("name", flat=True)) == ["Tablet", "Telepon"]
        assert kinds_of(cast.nurse) == ["factor_app_added"]
        assert Email.objects.get(template="factor_changed").to_address == cast.nurse.email

    def test_a_wrong_first_code_adds_nothing_and_keeps_the_picture(self, cast, client_for):
        client = client_for(cast.nurse)
        key = client.get(ADD).context["key"]
        answer = client.post(ADD, {"code": "000000", "name": "<b>Tablet</b>"})
        assert (answer.status_code, answer.context["key"]) == (422, key)
        assert "&lt;b&gt;Tablet" in answer.content.decode()
        assert 'value="000000"' not in answer.content.decode()
        assert TotpDevice.objects.filter(confirmed=True).count() == 1

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>", "Ponsel 🌊", 'O\'Brien "x"', "n" * 64])
    def test_rename(self, cast, client_for, name):
        client = client_for(cast.nurse)
        device = TotpDevice.objects.get(user=cast.nurse)
        assert client.post(url("device-rename", "app", device.pk), {"name": name})["Location"] == LIST
        device.refresh_from_db()
        assert device.name == name
        assert b"<script>alert" not in client.get(LIST).content

    @pytest.mark.parametrize("name", ["", "   ", "n" * 65, "\0"])
    def test_no_name_is_no_name(self, cast, client_for, name):
        device = an_app(cast.nurse)
        answer = client_for(cast.nurse).post(url("device-rename", "app", device.pk), {"name": name})
        assert answer.status_code == 422

    def test_remove(self, cast, client_for):
        here, elsewhere = client_for(cast.nurse), client_for(cast.nurse)
        old = an_app(cast.nurse, "Lama")
        assert here.post(url("device-remove", "app", old.pk))["Location"] == LIST
        assert not TotpDevice.objects.filter(pk=old.pk).exists()
        assert here.get(LIST).status_code == 200
        assert elsewhere.get(LIST)["Location"].startswith(STAFF)
        assert kinds_of(cast.nurse) == ["factor_app_removed"]
        event = AuditEvent.objects.get(action="accounts.factor.app_removed")
        assert (event.actor_id, event.target_id) == (cast.nurse.pk, str(old.pk))

    def test_staff_keep_their_last_device(self, cast, client_for):
        client = client_for(cast.nurse)
        device = TotpDevice.objects.get(user=cast.nurse)
        assert client.post(url("device-remove", "app", device.pk))["Location"] == LIST
        assert TotpDevice.objects.filter(pk=device.pk).exists()
        a_passkey(cast.nurse)
        client.post(url("device-remove", "app", device.pk))
        assert not TotpDevice.objects.exists()

    def test_a_patient_may_go_back_to_the_password(self, cast, client_for):
        device = an_app(cast.patient_user)
        factors.make_backup_codes(user_id=cast.patient_user.pk)
        client = client_for(cast.patient_user)
        client.post(url("device-remove", "app", device.pk))
        assert not has_factor(cast.patient_user)
        assert not BackupCodeDevice.objects.exists(), "codes without a factor would be one"
        assert client.get(LIST).status_code == 200

    def test_a_patient_adds_one_after_the_password(self, cast, client_for):
        client = client_for(cast.patient_user)
        assert client.get(ADD)["Location"].startswith(CONFIRM)
        client.post(CONFIRM, {"password": PASSWORD, "next": ADD})
        client.get(ADD)
        code = TotpDevice.objects.get().code_at(time.time())
        assert client.post(ADD, {"code": code})["Location"].startswith(CODES)
        assert client.get(CODES).status_code == 200, "the session counts as verified"

    def test_new_codes_say_how_many_are_void(self, cast, client_for):
        client = client_for(cast.nurse)
        assert client.get(CODES).context["left"] == 0
        assert len(client.post(CODES).context["codes"]) == 10
        assert client.get(CODES).context["left"] == 10
        assert client.get(LIST).context["codes_left"] == 10
        assert kinds_of(cast.nurse) == ["factor_codes_made"]

    def test_codes_need_a_factor(self, cast, client_for):
        client = client_for(cast.patient_user)
        client.post(CONFIRM, {"password": PASSWORD})
        assert client.post(CODES)["Location"] == LIST
        with pytest.raises(NoFactor):
            factors.make_backup_codes(user_id=cast.patient_user.pk)

    def test_queries_do_not_grow(self, cast, client_for, django_assert_max_num_queries):
        client = client_for(cast.nurse)
        client.get(LIST)
        counts = []
        for rows in (3, 27):
            for index in range(rows):
                an_app(cast.nurse, f"Telepon {index}")
            with django_assert_max_num_queries(16) as queries:
                client.get(LIST)
            counts.append(len(queries))
        assert counts[0] == counts[1]


def test_two_tabs_that_remove_the_last_two_devices_leave_one(race):
    user = UserFactory(roles=["nurse"])
    devices = [an_app(user), an_app(user)]
    results = race(
        lambda device: factors.remove_app(user_id=user.pk, device_id=device.pk), [(device,) for device in devices]
    )
    assert sorted(type(result).__name__ for result in results) == ["LastFactor", "NoneType"]
    assert TotpDevice.objects.count() == 1


def test_codes_made_twice_at_once_leave_one_set(race):
    user = UserFactory(roles=["nurse"])
    an_app(user)
    results = race(lambda: factors.make_backup_codes(user_id=user.pk), [(), (), ()])
    assert BackupCodeDevice.objects.get().left == 10
    stored = set(BackupCode.objects.values_list("digest", flat=True))
    assert sorted(backup_digest(codes[0]) in stored for codes in results) == [False, False, True]


# --- Reset by two persons -------------------------------------------------------------------------------------------


@pytest.fixture
def lost(cast) -> User:
    """The nurse, who has lost her telephone."""
    an_app(cast.nurse)
    a_passkey(cast.nurse)
    factors.make_backup_codes(user_id=cast.nurse.pk)
    Email.objects.all().delete()
    Notice.objects.all().delete()
    return cast.nurse


@pytest.fixture
def second(cast) -> User:
    """Another admin, who was there before."""
    return UserFactory(username="admin.dua", full_name="Admin Dua", roles=["admin"])


@pytest.fixture
def asked(cast, lost, second) -> FactorResetRequest:
    return request_reset(user_id=lost.pk, actor=cast.admin, reason=REASON)


@pytest.mark.django_db
class TestResetWrongPerson:
    def test_whoever_asked_does_not_decide(self, cast, asked, lost, client_for):
        with pytest.raises(SecondPersonNeeded):
            approve_reset(request_id=asked.pk, actor=cast.admin)
        client = client_for(cast.admin)
        assert client.post(url("factor-reset-approve", asked.pk)).status_code == 302
        assert has_factor(lost)
        assert not client.get(url("factor-reset-detail", asked.pk)).context["may_approve"]

    def test_nor_the_person_it_is_about(self, cast, second):
        an_app(second)
        asked = request_reset(user_id=second.pk, actor=cast.admin, reason=REASON)
        with pytest.raises(OwnAccount):
            approve_reset(request_id=asked.pk, actor=second)
        assert has_factor(second)

    def test_nor_somebody_made_for_it(self, asked, lost):
        with pytest.raises(SecondPersonNeeded):
            approve_reset(request_id=asked.pk, actor=UserFactory(roles=["admin"]))
        assert has_factor(lost)

    def test_nobody_asks_for_themselves(self, cast, client_for):
        client = client_for(cast.admin)
        with pytest.raises(OwnAccount):
            request_reset(user_id=cast.admin.pk, actor=cast.admin, reason=REASON)
        assert client.post(url("factor-reset-request", cast.admin.pk), {"reason": REASON}).status_code == 409
        assert not FactorResetRequest.objects.exists()

    def test_both_acts_need_a_fresh_factor(self, cast, asked, lost, second, client_for):
        admin, other = client_for(cast.admin), client_for(second)
        for client in (admin, other):
            make_stale(client)
        path = url("factor-reset-request", lost.pk)
        assert admin.post(path, {"reason": REASON})["Location"].startswith(CONFIRM)
        assert other.post(url("factor-reset-approve", asked.pk))["Location"].startswith(CONFIRM)
        assert has_factor(lost)
        assert not other.get(url("factor-reset-detail", asked.pk)).context["is_fresh"]

    def test_an_id_of_nobody(self, cast, client_for):
        client = client_for(cast.admin)
        for name in ("factor-reset-detail", "factor-reset-request"):
            assert client.get(url(name, uuid4())).status_code == 404
        assert client.post(url("factor-reset-approve", uuid4())).status_code == 404


@pytest.mark.django_db
class TestReset:
    def test_two_persons(self, cast, lost, second, client_for):
        nurse, admin, other = client_for(lost), client_for(cast.admin), client_for(second)
        answer = admin.post(url("factor-reset-request", lost.pk), {"reason": REASON})
        asked = FactorResetRequest.objects.get()
        assert answer["Location"] == url("factor-reset-detail", asked.pk)
        assert kinds_of(lost) == ["factor_reset_asked"]
        assert kinds_of(second) == ["factor_reset_waiting"]
        assert REASON in other.get(url("factor-reset-detail", asked.pk)).content.decode()
        other.post(url("factor-reset-approve", asked.pk))
        assert not has_factor(lost)
        assert not BackupCodeDevice.objects.exists()
        assert nurse.get(LIST)["Location"].startswith(STAFF)
        assert kinds_of(lost) == ["factor_reset_asked", "factor_reset_done"]
        mails = list(Email.objects.all())
        assert sorted(mail.template for mail in mails) == ["factor_reset_done", "factor_reset_requested"]
        assert not [mail for mail in mails if REASON in mail.body_text]
        actions = list(AuditEvent.objects.filter(action__startswith="accounts.factor_reset").order_by("id"))
        assert [(event.action, event.actor_id) for event in actions] == [
            ("accounts.factor_reset.requested", cast.admin.pk),
            ("accounts.factor_reset.done", second.pk),
        ]
        assert not [event for event in actions if REASON in str(event.__dict__)]
        client = Client()
        assert client.post(STAFF, {"login": lost.username, "password": PASSWORD})["Location"] == ENROL

    def test_the_owner_of_a_clinic_with_one_admin_decides(self, cast, lost, client_for):
        owner = client_for(cast.owner)
        asked = request_reset(user_id=lost.pk, actor=cast.admin, reason=REASON)
        assert owner.get(url("factor-reset-list")).status_code == 200
        owner.post(url("factor-reset-approve", asked.pk))
        assert not has_factor(lost)

    def test_refused(self, asked, lost, second, client_for):
        client_for(second).post(url("factor-reset-reject", asked.pk))
        asked.refresh_from_db()
        assert (asked.status, asked.decided_by_id, has_factor(lost)) == ("rejected", second.pk, True)
        assert kinds_of(lost) == ["factor_reset_asked", "factor_reset_rejected"]
        with pytest.raises(ResetDecided):
            approve_reset(request_id=asked.pk, actor=second)

    def test_withdrawn_by_who_asked(self, cast, asked, lost):
        reject_reset(request_id=asked.pk, actor=cast.admin)
        assert has_factor(lost)
        request_reset(user_id=lost.pk, actor=cast.admin, reason=REASON)

    def test_the_owner_of_the_account_objects(self, asked, lost, second, client_for):
        client = client_for(lost)
        assert client.get(LIST).context["reset_asked"] == asked
        client.post(url("device-object-to-reset"))
        asked.refresh_from_db()
        assert (asked.status, has_factor(lost)) == ("rejected", True)
        assert kinds_of(second) == ["factor_reset_waiting", "factor_reset_objected"]
        assert AuditEvent.objects.filter(action="accounts.factor_reset.objected", actor=lost).count() == 1
        assert client.post(url("device-object-to-reset"))["Location"] == LIST, "once more changes nothing"

    def test_after_a_day_it_is_too_late(self, cast, asked, lost, second):
        with time_machine.travel(asked.expires_at, tick=False):
            with pytest.raises(ResetDecided):
                approve_reset(request_id=asked.pk, actor=second)
            assert factor_resets.waiting_for(lost) is None
            request_reset(user_id=lost.pk, actor=cast.admin, reason=REASON)
        asked.refresh_from_db()
        assert (asked.status, has_factor(lost)) == ("expired", True)

    def test_until_then_it_is_not(self, asked, lost, second):
        with time_machine.travel(asked.expires_at - timedelta(seconds=1), tick=False):
            approve_reset(request_id=asked.pk, actor=second)
        assert not has_factor(lost)

    def test_asked_once(self, cast, asked, lost, second):
        for actor in (cast.admin, second):
            with pytest.raises(ResetWaiting):
                request_reset(user_id=lost.pk, actor=actor, reason=REASON)

    def test_nothing_to_reset(self, cast, client_for):
        with pytest.raises(NoFactor):
            request_reset(user_id=cast.doctor.pk, actor=cast.admin, reason=REASON)
        client = client_for(cast.admin)
        assert client.get(url("factor-reset-request", cast.doctor.pk)).status_code == 200
        assert client.post(url("factor-reset-request", cast.doctor.pk), {"reason": REASON}).status_code == 409

    @pytest.mark.parametrize("reason", ["", "pendek", "x" * 501, " " * 40, "\0" * 20])
    def test_a_reason_is_needed(self, cast, lost, client_for, reason):
        answer = client_for(cast.admin).post(url("factor-reset-request", lost.pk), {"reason": reason})
        assert answer.status_code == 422
        with pytest.raises(InvalidInput):
            request_reset(user_id=lost.pk, actor=cast.admin, reason=reason)

    def test_the_reason_is_not_readable_in_the_table(self, asked):
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT reason FROM accounts_factorresetrequest")
            assert REASON not in cursor.fetchone()[0]

    def test_patients_too(self, cast, second):
        patient = PatientUserFactory()
        an_app(patient)
        asked = request_reset(user_id=patient.pk, actor=cast.admin, reason=REASON)
        approve_reset(request_id=asked.pk, actor=second)
        assert not has_factor(patient)

    def test_who_sees_requests(self, cast, asked):
        for user, seen in ((cast.admin, 1), (cast.owner, 1), (cast.doctor, 0), (cast.nurse, 0), (cast.patient_user, 0)):
            assert FactorResetRequest.objects.visible_to(user).count() == seen, user

    def test_queries_do_not_grow(self, cast, second, client_for, django_assert_max_num_queries):
        client = client_for(cast.admin)
        counts = []
        for rows in (3, 20):
            for _index in range(rows):
                person = UserFactory(roles=["nurse"])
                an_app(person)
                reject_reset(
                    request_id=request_reset(user_id=person.pk, actor=cast.admin, reason=REASON).pk, actor=second
                )
            client.get(url("factor-reset-list"))
            with django_assert_max_num_queries(12) as queries:
                client.get(url("factor-reset-list"))
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestResetRaces:
    @pytest.fixture
    def people(self, transactional_db):
        admin, second, third = (UserFactory(roles=["admin"]) for _index in range(3))
        lost = UserFactory(roles=["nurse"])
        an_app(lost)
        return admin, second, third, lost

    def test_two_approvals_give_one(self, people, race):
        admin, second, third, lost = people
        asked = request_reset(user_id=lost.pk, actor=admin, reason=REASON)
        results = race(
            lambda actor: approve_reset(request_id=asked.pk, actor=actor), [(second,), (third,), (second,), (third,)]
        )
        assert sorted(type(result).__name__ for result in results) == ["FactorResetRequest"] + ["ResetDecided"] * 3
        assert AuditEvent.objects.filter(action="accounts.factor_reset.done").count() == 1
        assert Email.objects.filter(template="factor_reset_done").count() == 1

    def test_approval_against_refusal(self, people, race):
        admin, second, third, lost = people
        asked = request_reset(user_id=lost.pk, actor=admin, reason=REASON)
        results = race(
            lambda act, actor: act(request_id=asked.pk, actor=actor), [(approve_reset, second), (reject_reset, third)]
        )
        assert sorted(type(result).__name__ for result in results) == ["FactorResetRequest", "ResetDecided"]
        asked.refresh_from_db()
        assert has_factor(lost) == (asked.status == "rejected")

    def test_the_same_wish_many_times_is_one(self, people, race):
        admin, second, _third, lost = people
        results = race(
            lambda actor: request_reset(user_id=lost.pk, actor=actor, reason=REASON), [(admin,), (second,)] * 3
        )
        assert sorted(type(result).__name__ for result in results) == ["FactorResetRequest"] + ["ResetWaiting"] * 5
        assert FactorResetRequest.objects.count() == 1


@pytest.mark.django_db
class TestCommand:
    def test_helps_the_only_admin(self, cast):
        an_app(cast.admin)
        out = StringIO()
        call_command("reset_second_factor", "AYU.admin", stdout=out)
        assert "ayu.admin" in out.getvalue()
        assert not has_factor(cast.admin)
        assert Email.objects.get().template == "factor_reset_done"
        assert AuditEvent.objects.get(action="accounts.factor_reset.done").actor_id is None

    def test_unknown_and_without_a_factor(self, cast):
        assert cast.admin
        for name in ("tidak.ada", "ayu.admin", ""):
            with pytest.raises(CommandError):
                call_command("reset_second_factor", name)


@pytest.mark.django_db
def test_a_lost_device_and_back(cast, lost, second):
    """From the lost telephone to the next sign-in with a new one."""
    asked = request_reset(user_id=lost.pk, actor=cast.admin, reason=REASON)
    approve_reset(request_id=asked.pk, actor=second)
    client = Client()
    client.post(STAFF, {"login": lost.username, "password": PASSWORD})
    client.post(ENROL)
    device = TotpDevice.objects.get(user=lost)
    client.post(reverse("accounts:factor-enrol-app"), {"code": device.code_at(time.time())})
    assert client.get(LIST).status_code == 200
    other = Client()
    assert sign_in(other, STAFF, lost.username).status_code == 302
    assert other.get(VERIFY).status_code == 302
    with pytest.raises(LastFactor):
        factors.remove_app(user_id=lost.pk, device_id=device.pk)
