"""Administration of accounts: rules of the services, then the screens."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.password_validation import validate_password
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts import errors, services
from accounts.access import Capability, Role
from accounts.models import AccountLink, RoleAssignment, StaffProfile, User
from accounts.second_factor import FACTOR_AT
from audit.models import AuditEvent
from core import clock
from core.errors import DomainError, InvalidInput
from notifications.models import Email, Notice
from notifications.tasks import check_licences
from tests.factories.accounts import PatientUserFactory, UserFactory

FACTS = {
    "username": "perawat.baru",
    "email": "Baru@Klinik.example",
    "full_name": "  Perawat   Baru ",
    "roles": ["nurse"],
}


def url(name: str, *args) -> str:
    return reverse(f"accounts:{name}", args=args)


def roles_of(user: User) -> set[str]:
    return set(RoleAssignment.objects.filter(user=user).values_list("role", flat=True))


def verified(user: User) -> bool:
    return StaffProfile.objects.filter(user=user, verified_at__isnull=False).exists()


@pytest.mark.django_db
class TestInvite:
    def test_no_password_exists_and_a_link_is_mailed(self, cast):
        user = services.invite_staff(actor=cast.admin, **FACTS, sip_number=" 503/1 ", nik="2171-0157-0590-0001")
        user = User.objects.get(pk=user.pk)
        assert (user.email, user.full_name, user.kind) == ("baru@klinik.example", "Perawat Baru", "staff")
        assert (user.is_invited, user.has_usable_password(), user.must_change_password) == (True, False, False)
        assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
        assert roles_of(user) == {"nurse"}
        assert (user.staff_profile.sip_number, user.staff_profile.nik) == ("503/1", "2171015705900001")
        assert user.staff_profile.masked_nik == "2171••••••••0001"
        event = AuditEvent.objects.get(action="accounts.user.invited")
        assert (event.actor_id, event.target_id, event.detail) == (cast.admin.pk, str(user.pk), {"roles": ["nurse"]})
        mail = Email.objects.get(template="staff_invitation")
        assert (mail.to_address, mail.recipient_user_id) == (user.email, user.pk)

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"username": "ab"}, errors.BadUsername),
            ({"username": "Ada Spasi"}, errors.BadUsername),
            ({"username": "rina<script>"}, errors.BadUsername),
            ({"username": "ꭺdmin"}, errors.BadUsername),
            ({"username": "AYU.admin"}, errors.UsernameTaken),
            ({"email": "AYU.ADMIN@klinik.example"}, errors.EmailTaken),
            ({"email": "bukan alamat"}, InvalidInput),
            ({"email": "a@b\nBcc: x@y.example"}, InvalidInput),
            ({"full_name": " \u200b "}, InvalidInput),
            ({"full_name": "x" * 201}, InvalidInput),
            ({"roles": []}, errors.BadRoles),
            ({"roles": ["patient"]}, errors.BadRoles),
            ({"roles": ["nurse", "superuser"]}, errors.BadRoles),
            ({"nik": "2171019999990001"}, InvalidInput),
            ({"specialty": "sihir"}, InvalidInput),
        ],
    )
    def test_refusals_leave_nothing(self, cast, change, error):
        assert cast.admin
        before = User.objects.count()
        with pytest.raises(error):
            services.invite_staff(actor=cast.admin, **{**FACTS, **change})
        assert (User.objects.count(), AuditEvent.objects.count(), Email.objects.count()) == (before, 0, 0)

    def test_an_invited_account_opens_no_door(self, cast, client):
        services.invite_staff(actor=cast.admin, **FACTS)
        for password in ("", "!", "x", User.objects.get(username="perawat.baru").password):
            answer = client.post(url("login"), {"login": "perawat.baru", "password": password})
            assert answer.status_code in (422, 429)

    def test_sent_again_kills_the_link_before(self, cast):
        user = services.invite_staff(actor=cast.admin, **FACTS)
        first = AccountLink.objects.get(user=user)
        services.send_invitation(user_id=user.pk, actor=cast.admin)
        assert AccountLink.objects.filter(user=user, revoked_at__isnull=True).exclude(pk=first.pk).count() == 1
        first.refresh_from_db()
        assert first.revoked_at is not None
        for _index in range(3):
            services.send_invitation(user_id=user.pk, actor=cast.admin)
        with pytest.raises(errors.TooManyLinks):
            services.send_invitation(user_id=user.pk, actor=cast.admin)

    def test_who_has_a_password_is_not_invited_again(self, cast):
        for person in (cast.nurse, cast.patient_user):
            with pytest.raises(errors.AlreadyAccepted):
                services.send_invitation(user_id=person.pk, actor=cast.admin)
        assert not AccountLink.objects.exists()

    def test_one_time_passwords_differ_and_keep_the_rules(self):
        made = {services.one_time_password() for _index in range(200)}
        assert len(made) == 200
        assert not [text for text in made if set(text) & set("0o1lIO")]
        for text in made:
            validate_password(text)

    def test_the_first_admin_comes_from_a_command(self, db, capsys):
        call_command("create_admin", "kepala", "kepala@klinik.example", "Kepala Klinik")
        user = User.objects.get(username="kepala")
        assert (roles_of(user), user.must_change_password, user.is_staff) == ({"admin"}, True, True)
        printed = capsys.readouterr().out
        password = printed.split("One-time password: ")[1].split()[0]
        assert user.check_password(password)
        assert not Email.objects.exists()
        with pytest.raises(CommandError):
            call_command("create_admin", "kepala", "lain@klinik.example", "Kepala Klinik")

    def test_no_superuser_by_django(self, db):
        with pytest.raises(NotImplementedError):
            User.objects.create_superuser("root", "root@klinik.example", "x")


@pytest.mark.django_db
class TestRoles:
    def test_rights_change_with_a_fresh_factor_only(self, cast, client_for):
        client = client_for(cast.admin)
        session = client.session
        session[FACTOR_AT] = int(time.time()) - 3600
        session.save()
        answer = client.post(reverse("accounts:user-roles", args=[cast.nurse.pk]), {"roles": ["admin"]})
        assert answer["Location"].startswith(reverse("accounts:factor-confirm"))
        assert set(cast.nurse.roles.values_list("role", flat=True)) == {"nurse"}

    def test_add_up_and_are_logged(self, cast):
        services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["nurse", "cashier"])
        assert roles_of(cast.nurse) == {"nurse", "cashier"}
        event = AuditEvent.objects.get(action="accounts.user.roles_changed")
        assert event.detail == {"before": ["nurse"], "after": ["cashier", "nurse"]}

    def test_who_holds_a_right(self, cast):
        both = UserFactory(username="dua", roles=(Role.ADMIN, Role.OWNER))
        UserFactory(username="tutup", roles=(Role.ADMIN,), is_active=False)
        readers = [cast.admin, both, cast.owner]
        assert cast.nurse
        assert cast.patient_user
        assert sorted(User.objects.holding(Capability.VIEW_AUDIT), key=str) == readers
        assert not User.objects.holding(Capability.USE_PORTAL).exists(), "nobody on the staff side has it"

    def test_the_back_office_flag_follows(self, cast):
        services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["admin"])
        assert User.objects.get(pk=cast.nurse.pk).is_staff
        services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["nurse"])
        assert not User.objects.get(pk=cast.nurse.pk).is_staff

    @pytest.mark.parametrize("roles", [["nurse"], ["admin", "doctor"], ["admin", "owner", "doctor"]])
    def test_nobody_changes_their_own_rights(self, cast, client_for, roles):
        UserFactory(roles=["admin"])
        with pytest.raises(errors.OwnAccount):
            services.set_roles(user_id=cast.admin.pk, actor=cast.admin, roles=roles)
        client_for(cast.admin).post(url("user-roles", cast.admin.pk), {"roles": roles})
        assert roles_of(cast.admin) == {"admin"}

    def test_end_the_sessions_and_tell_the_owner(self, cast, client_for):
        client = client_for(cast.nurse)
        assert client.get(url("styleguide")).status_code == 200
        services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["nurse", "cashier"])
        assert client.get(url("styleguide")).status_code == 302
        assert Email.objects.get(template="account_changed").to_address == cast.nurse.email

    def test_who_becomes_a_doctor_is_checked_anew(self, cast):
        assert services.verify_staff(user_id=cast.nurse.pk, actor=cast.admin)
        services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["nurse", "doctor"])
        assert not verified(cast.nurse)
        assert not User.objects.doctors().filter(pk=cast.nurse.pk).exists()

    def test_a_patient_gets_no_staff_role(self, cast):
        with pytest.raises(errors.NotStaff):
            services.set_roles(user_id=cast.patient_user.pk, actor=cast.admin, roles=["admin"])
        assert roles_of(cast.patient_user) == {"patient"}


@pytest.mark.django_db
class TestClosing:
    def test_ends_sessions_and_is_logged_once(self, cast, client_for):
        client = client_for(cast.nurse)
        for _index in range(2):
            services.deactivate_user(user_id=cast.nurse.pk, actor=cast.admin)
        assert client.get(url("styleguide")).status_code == 302
        assert AuditEvent.objects.filter(action="accounts.user.deactivated").count() == 1
        services.reactivate_user(user_id=cast.nurse.pk, actor=cast.admin)
        assert User.objects.get(pk=cast.nurse.pk).is_active

    def test_not_oneself(self, cast):
        UserFactory(roles=["admin"])
        with pytest.raises(errors.OwnAccount):
            services.deactivate_user(user_id=cast.admin.pk, actor=cast.admin)

    def test_not_the_last_admin(self, cast):
        closed = UserFactory(roles=["admin"], is_active=False)
        for act in (
            lambda: services.deactivate_user(user_id=cast.admin.pk, actor=closed),
            lambda: services.set_roles(user_id=cast.admin.pk, actor=closed, roles=["owner"]),
        ):
            with pytest.raises(errors.LastAdmin):
                act()
        assert User.objects.get(pk=cast.admin.pk).is_active
        assert roles_of(cast.admin) == {"admin"}

    @pytest.mark.parametrize("state", [{"is_active": False}, {"password": "!"}], ids=["closed", "invited"])
    def test_an_admin_who_cannot_sign_in_does_not_count(self, cast, state):
        other = UserFactory(roles=["admin"])
        User.objects.filter(pk__in=[other.pk]).update(**state)
        assert cast.admin
        stranger = UserFactory()
        with pytest.raises(errors.LastAdmin):
            services.deactivate_user(user_id=cast.admin.pk, actor=stranger)
        assert User.objects.get(pk=cast.admin.pk).is_active

    def test_ends_mailed_links_and_tells_the_owner(self, cast):
        services.send_password_link(user_id=cast.nurse.pk, actor=cast.admin)
        services.deactivate_user(user_id=cast.nurse.pk, actor=cast.admin)
        services.reactivate_user(user_id=cast.nurse.pk, actor=cast.admin)
        assert AccountLink.objects.get().revoked_at is not None
        assert {mail.template for mail in Email.objects.all()} == {
            "password_link",
            "account_closed",
            "account_reopened",
        }

    def test_a_waiting_registration_is_not_opened_here(self, cast):
        waiting = PatientUserFactory(is_active=False)
        with pytest.raises(errors.NotStaff):
            services.reactivate_user(user_id=waiting.pk, actor=cast.admin)
        assert not User.objects.get(pk=waiting.pk).is_active


def test_two_admins_cannot_take_the_role_from_each_other(race):
    first, second = UserFactory(roles=["admin"]), UserFactory(roles=["admin"])

    def degrade(actor, other):
        services.set_roles(user_id=other.pk, actor=actor, roles=["nurse"])

    results = race(degrade, [(first, second), (second, first)])
    assert RoleAssignment.objects.filter(role=Role.ADMIN).count() == 1
    assert sorted(type(result).__name__ for result in results) == ["LastAdmin", "NoneType"]


def test_two_admins_cannot_close_each_other(race):
    first, second = UserFactory(roles=["admin"]), UserFactory(roles=["admin"])

    def close(actor, other):
        services.deactivate_user(user_id=other.pk, actor=actor)

    results = race(close, [(first, second), (second, first)])
    assert User.objects.filter(is_active=True, roles__role=Role.ADMIN).count() == 1
    assert sorted(type(result).__name__ for result in results) == ["LastAdmin", "NoneType"]


@pytest.mark.django_db
class TestVerify:
    def test_by_another_admin_once(self, cast):
        UserFactory(roles=["nurse"])
        services.verify_staff(user_id=cast.nurse.pk, actor=cast.admin)
        profile = StaffProfile.objects.get(user=cast.nurse)
        assert profile.verified_by_id == cast.admin.pk
        with pytest.raises(errors.OwnAccount):
            services.verify_staff(user_id=cast.admin.pk, actor=cast.admin)

    def test_a_doctor_needs_licence_and_specialty(self, cast):
        doctor = UserFactory(roles=["doctor"])
        with pytest.raises(InvalidInput, match="SIP"):
            services.verify_staff(user_id=doctor.pk, actor=cast.admin)
        assert not User.objects.doctors().filter(pk=doctor.pk).exists()

    @pytest.mark.parametrize(
        ("field", "value", "stays"),
        [
            ("sip_number", "503/SIP/002", False),
            ("str_number", "STR-9", False),
            ("specialty", "gigi", False),
            ("sip_valid_until", date(2030, 1, 1), False),
            ("room", "Poli 3", True),
            ("nik", "2171015705900001", True),
            ("title_suffix", "Sp.A", True),
        ],
    )
    def test_changed_licence_facts_undo_the_check(self, cast, field, value, stays):
        doctor = cast.doctor
        names = {"full_name": doctor.full_name, "username": doctor.username}
        services.update_staff_user(user_id=doctor.pk, actor=cast.admin, **names, **{field: value})
        assert verified(doctor) is stays
        assert User.objects.doctors().filter(pk=doctor.pk).exists() is stays
        undone = AuditEvent.objects.filter(action="accounts.staff.check_undone").values_list("detail", flat=True)
        assert list(undone) == ([] if stays else [{"why": "licence_changed"}])

    def test_an_ended_licence_cannot_be_checked(self, cast):
        doctor = UserFactory(roles=["doctor"])
        StaffProfile.objects.create(
            user=doctor, specialty="umum", sip_number="1", sip_valid_until=clock.today() - timedelta(days=1)
        )
        with pytest.raises(InvalidInput):
            services.verify_staff(user_id=doctor.pk, actor=cast.admin)
        StaffProfile.objects.filter(user=doctor).update(sip_valid_until=clock.today())
        services.verify_staff(user_id=doctor.pk, actor=cast.admin)
        assert verified(doctor)


@pytest.mark.django_db
class TestLicences:
    @pytest.mark.parametrize(("days", "state"), [(-1, "ended"), (0, "ending"), (90, "ending"), (91, ""), (None, "")])
    def test_state_by_days_left(self, cast, days, state):
        until = None if days is None else clock.today() + timedelta(days=days)
        StaffProfile.objects.filter(user=cast.doctor).update(sip_valid_until=until)
        assert StaffProfile.objects.get(user=cast.doctor).sip_state == state
        assert User.objects.with_licence_to_renew().filter(pk=cast.doctor.pk).exists() is bool(state)

    def test_late_in_the_evening_the_clinics_day_counts(self, cast):
        """At 23.30 in Batam it is still the last day of the licence, though UTC says so too; at 00.30 it is not."""
        StaffProfile.objects.filter(user=cast.doctor).update(sip_valid_until=date(2026, 3, 5))
        with time_machine.travel(datetime(2026, 3, 5, 16, 30, tzinfo=UTC), tick=False):
            assert StaffProfile.objects.get(user=cast.doctor).sip_state == "ending"
        with time_machine.travel(datetime(2026, 3, 5, 17, 30, tzinfo=UTC), tick=False):
            assert StaffProfile.objects.get(user=cast.doctor).sip_state == "ended"

    def test_admins_are_told_once(self, cast):
        assert cast.admin
        assert cast.receptionist
        assert services.warn_about_licences() == 0
        StaffProfile.objects.filter(user=cast.doctor).update(sip_valid_until=clock.today())
        for _index in range(2):
            assert services.warn_about_licences() == 1
        notice = Notice.objects.get()
        assert (notice.recipient, notice.kind, notice.params) == (cast.admin, "licences_ending", {"count": 1})

    def test_the_daily_duty_runs_once_a_day(self, cast):
        assert cast.admin
        StaffProfile.objects.filter(user=cast.doctor).update(sip_valid_until=clock.today())
        assert [check_licences(), check_licences()] == [True, False]
        assert Notice.objects.filter(kind="licences_ending").count() == 1

    def test_no_notice_about_people_who_left(self, cast):
        StaffProfile.objects.filter(user=cast.doctor).update(sip_valid_until=clock.today())
        services.deactivate_user(user_id=cast.doctor.pk, actor=cast.admin)
        assert services.warn_about_licences() == 0


@pytest.mark.django_db
class TestScreens:
    def test_an_id_of_nobody_is_not_found(self, cast, client_for):
        client = client_for(cast.admin)
        names = ("email", "roles", "deactivate", "reactivate", "verify", "send-password-link", "send-invitation")
        for name in names:
            assert client.post(url(f"user-{name}", uuid4())).status_code == 404

    def test_inviting_shows_no_password_and_no_link(self, cast, client_for):
        client = client_for(cast.admin)
        answer = client.post(url("user-create"), FACTS, follow=True)
        person = User.objects.get(username="perawat.baru")
        assert answer.redirect_chain == [(url("user-edit", person.pk), 302)]
        token = re.search(r"/account/link/([\w-]+)/", Email.objects.get().body_text).group(1)
        for page in (answer, client.get(url("user-list")), client.get(reverse("notifications:email-list"))):
            assert token not in page.content.decode()
        assert not [event for event in AuditEvent.objects.all() if token in str(event.__dict__)]
        assert token not in str(AccountLink.objects.values())

    def test_a_double_click_invites_once(self, cast, client_for):
        client = client_for(cast.admin)
        assert [client.post(url("user-create"), FACTS).status_code for _index in range(2)] == [302, 422]
        assert Email.objects.filter(template="staff_invitation").count() == 1

    def test_states_in_the_list(self, cast, client_for):
        client = client_for(cast.admin)
        cast.admin.language = "en"
        cast.admin.save()
        user = services.invite_staff(actor=cast.admin, **FACTS)

        def row() -> str:
            page = client.get(url("user-list")).content.decode()
            return re.search(r"<tr>(?:(?!</tr>).)*perawat\.baru.*?</tr>", page, re.DOTALL).group(0)

        assert "Invited" in row()
        AccountLink.objects.update(expires_at=clock.now())
        assert "Invitation has ended" in row()
        user.set_password("Empat kata acak 1 kali")
        user.save()
        assert ("Active" in row(), "Not verified" in row()) == (True, True)
        services.verify_staff(user_id=user.pk, actor=cast.admin)
        assert ("Verified" in row(), "Not verified" in row()) == (True, False)
        StaffProfile.objects.filter(user=user).update(sip_valid_until=clock.today())
        assert "SIP ends soon" in row()
        services.deactivate_user(user_id=user.pk, actor=cast.admin)
        assert "Not active" in row()

    def test_no_identity_number_on_the_pages(self, cast, client_for):
        user = services.invite_staff(actor=cast.admin, **FACTS, nik="2171015705900001")
        client = client_for(cast.admin)
        for page in (client.get(url("user-list")), client.get(url("user-edit", user.pk))):
            assert "2171015705900001" not in page.content.decode()
        assert "2171••••••••0001" in client.get(url("user-edit", user.pk)).content.decode()

    def test_an_empty_nik_keeps_the_recorded_one(self, cast, client_for):
        user = services.invite_staff(actor=cast.admin, **FACTS, nik="2171015705900001")
        data = {"full_name": "Perawat Baru", "username": "perawat.baru", "nik": ""}
        assert client_for(cast.admin).post(url("user-edit", user.pk), data).status_code == 302
        assert StaffProfile.objects.get(user=user).nik == "2171015705900001"

    def test_a_link_for_a_new_password_is_mailed_and_not_shown(self, cast, client_for):
        client = client_for(cast.admin)
        for person in (cast.patient_user, cast.nurse):
            answer = client.post(url("user-send-password-link", person.pk), follow=True)
            mail = Email.objects.get(template="password_link", recipient_user=person)
            token = re.search(r"/account/link/([\w-]+)/", mail.body_text).group(1)
            assert token not in answer.content.decode()
            assert User.objects.get(pk=person.pk).check_password("rahasia-klinik-2026")
        assert client.post(url("user-send-password-link", cast.admin.pk)).status_code == 302
        assert not Email.objects.filter(recipient_user=cast.admin).exists()

    def test_a_new_user_name_is_told_to_its_owner(self, cast, client_for):
        client = client_for(cast.admin)
        data = {"full_name": cast.nurse.full_name, "username": "Dewi.A"}
        assert client.post(url("user-edit", cast.nurse.pk), data).status_code == 302
        assert User.objects.get(pk=cast.nurse.pk).username == "dewi.a"
        assert "dewi.a" in Email.objects.get(template="account_changed").body_text
        data["username"] = cast.admin.username
        assert client.post(url("user-edit", cast.nurse.pk), data).status_code == 422
        detail = AuditEvent.objects.filter(action="accounts.user.updated").values_list("detail", flat=True)
        assert list(detail) == [{"changed": ["username"]}]

    def test_forged_fields_change_nothing_else(self, cast, client_for):
        data = {"full_name": "Dewi A.", "username": "ns.dewi", "is_superuser": "1", "kind": "patient", "email": "x@y.example",
                "roles": "admin", "is_staff": "1", "verified_at": "2026-01-01", "password": "x"}  # fmt: skip
        assert client_for(cast.admin).post(url("user-edit", cast.nurse.pk), data).status_code == 302
        nurse = User.objects.get(pk=cast.nurse.pk)
        assert (nurse.full_name, nurse.kind, nurse.is_superuser, nurse.is_staff) == ("Dewi A.", "staff", False, False)
        assert (roles_of(nurse), nurse.staff_profile.verified_at) == ({"nurse"}, None)
        assert nurse.check_password("rahasia-klinik-2026")
        assert nurse.email == "ns.dewi@klinik.example"

    @pytest.mark.parametrize(
        "name", ["<script>alert(1)</script>", 'O\'Brien "Bu" & Co', "Siti 🌊", "Sukarno", "n" * 200, "x" * 300, "\0\0"]
    )
    def test_any_name(self, cast, client_for, name):
        client = client_for(cast.admin)
        answer = client.post(url("user-edit", cast.nurse.pk), {"full_name": name, "username": "ns.dewi"})
        assert answer.status_code in (302, 422)
        page = client.get(url("user-list")).content
        assert b"<script>alert" not in page

    def test_a_taken_name_keeps_what_was_typed(self, cast, client_for):
        data = {"full_name": "Nama Baru", "username": cast.doctor.username}
        answer = client_for(cast.admin).post(url("user-edit", cast.nurse.pk), data)
        assert answer.status_code == 422
        assert "Nama Baru" in answer.content.decode()
        assert User.objects.get(pk=cast.nurse.pk).full_name == "Dewi Anggraini"

    def test_search_by_user_name_or_mail(self, cast, client_for):
        client = client_for(cast.admin)
        assert cast.nurse
        assert cast.patient_user
        for text, found in (("dewi", "ns.dewi"), ("SITI@surat", "siti"), ("%", None), ("_", None), ("x" * 300, None)):
            rows = [user.username for user in client.post(url("user-list"), {"q": text}).context["users"]]
            assert rows == ([found] if found else [])

    def test_filters(self, cast, client_for):
        client = client_for(cast.admin)
        for person in (cast.nurse, cast.doctor, cast.patient_user):
            assert person
        UserFactory(username="lama", roles=["nurse"], is_active=False)

        def names(query: str) -> list[str]:
            return [user.username for user in client.get(url("user-list") + query).context["users"]]

        assert names("") == ["ayu.admin", "dr.rina", "lama", "ns.dewi"]
        assert names("?kind=patient") == ["siti"]
        assert names("?kind=staff&role=nurse&status=active") == ["ns.dewi"]
        assert names("?status=inactive") == ["lama"]
        services.invite_staff(actor=cast.admin, **FACTS)
        assert names("?status=invited") == ["perawat.baru"]
        StaffProfile.objects.filter(user=cast.doctor).update(sip_valid_until=clock.today())
        assert names("?status=licence") == ["dr.rina"]
        everybody = ["ayu.admin", "dr.rina", "lama", "ns.dewi", "perawat.baru"]
        assert names("?kind=x&role=y&status=z&after=nonsense") == everybody

    def test_pages_do_not_lose_or_repeat_anybody(self, cast, client_for):
        client = client_for(cast.admin)
        for index in range(60):
            UserFactory(username=f"orang{index:02d}")
        seen, address, addresses = [], url("user-list"), []
        while address:
            addresses.append(address)
            context = client.get(address).context
            seen += [user.username for user in context["users"]]
            address = context["next_url"] and url("user-list") + context["next_url"]
        assert seen == sorted(seen)
        assert len(seen) == 61
        assert len(addresses) == 3
        back = client.get(url("user-list") + client.get(addresses[2]).context["previous_url"]).context
        assert [u.username for u in back["users"]] == seen[25:50]
        first = client.get(url("user-list") + back["previous_url"]).context
        assert ([u.username for u in first["users"]], first["previous_url"]) == (seen[:25], "")

    def test_queries_do_not_grow(self, cast, client_for, django_assert_max_num_queries):
        client = client_for(cast.admin)
        client.get(url("user-list"))
        counts = []
        for rows in (3, 27):
            for index in range(rows):
                UserFactory(username=f"baris{rows}.{index}", roles=["nurse", "cashier"])
            with django_assert_max_num_queries(9) as queries:
                client.get(url("user-list"))
            counts.append(len(queries))
        assert counts[0] == counts[1]


def test_every_error_has_its_own_code():
    made = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, DomainError)]
    codes = [error.code for error in made if error.code.startswith("accounts.")]
    assert len(codes) == len(set(codes)) >= 14
