"""Administration of accounts: rules of the services, then the screens."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts import errors, services
from accounts.access import Role
from accounts.models import RoleAssignment, StaffProfile, User
from audit.models import AuditEvent
from core.errors import DomainError, InvalidInput
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


@pytest.mark.django_db
class TestCreate:
    def test_staff_with_a_one_time_password(self, cast):
        user, password = services.create_staff_user(actor=cast.admin, **FACTS, sip_number=" 503/1 ")
        user = User.objects.get(pk=user.pk)
        assert (user.email, user.full_name, user.kind) == ("baru@klinik.example", "Perawat Baru", "staff")
        assert (user.must_change_password, user.is_active, user.is_staff, user.is_superuser) == (
            True,
            True,
            False,
            False,
        )
        assert user.check_password(password)
        assert len(password) == 17
        assert roles_of(user) == {"nurse"}
        assert user.staff_profile.sip_number == "503/1"
        event = AuditEvent.objects.get(action="accounts.user.created")
        assert (event.actor_id, event.target_id, event.detail) == (cast.admin.pk, str(user.pk), {"roles": ["nurse"]})

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
            ({"full_name": " \u200b "}, InvalidInput),
            ({"full_name": "x" * 201}, InvalidInput),
            ({"roles": []}, errors.BadRoles),
            ({"roles": ["patient"]}, errors.BadRoles),
            ({"roles": ["nurse", "superuser"]}, errors.BadRoles),
        ],
    )
    def test_refusals_leave_nothing(self, cast, change, error):
        assert cast.admin
        before = User.objects.count()
        with pytest.raises(error):
            services.create_staff_user(actor=cast.admin, **{**FACTS, **change})
        assert (User.objects.count(), AuditEvent.objects.count()) == (before, 0)

    def test_one_time_passwords_differ(self):
        made = {services.one_time_password() for _index in range(200)}
        assert len(made) == 200
        assert not [text for text in made if set(text) & set("0o1lI")]

    def test_the_first_admin_comes_from_a_command(self, db, capsys):
        call_command("create_admin", "kepala", "kepala@klinik.example", "Kepala Klinik")
        user = User.objects.get(username="kepala")
        assert (roles_of(user), user.must_change_password, user.is_staff) == ({"admin"}, True, True)
        printed = capsys.readouterr().out
        password = printed.split("One-time password: ")[1].split()[0]
        assert user.check_password(password)
        with pytest.raises(CommandError):
            call_command("create_admin", "kepala", "lain@klinik.example", "Kepala Klinik")

    def test_no_superuser_by_django(self, db):
        with pytest.raises(NotImplementedError):
            User.objects.create_superuser("root", "root@klinik.example", "x")


@pytest.mark.django_db
class TestRoles:
    def test_add_up_and_are_logged(self, cast):
        services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["nurse", "cashier"])
        assert roles_of(cast.nurse) == {"nurse", "cashier"}
        event = AuditEvent.objects.get(action="accounts.user.roles_changed")
        assert event.detail == {"before": ["nurse"], "after": ["cashier", "nurse"]}

    def test_the_back_office_flag_follows(self, cast):
        services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["admin"])
        assert User.objects.get(pk=cast.nurse.pk).is_staff
        services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["nurse"])
        assert not User.objects.get(pk=cast.nurse.pk).is_staff

    def test_nobody_drops_their_own_admin_role(self, cast):
        UserFactory(roles=["admin"])
        with pytest.raises(errors.OwnAccount):
            services.set_roles(user_id=cast.admin.pk, actor=cast.admin, roles=["nurse"])
        assert roles_of(cast.admin) == {"admin"}

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

    def test_a_waiting_registration_is_not_opened_here(self, cast):
        waiting = PatientUserFactory(is_active=False)
        with pytest.raises(errors.NotStaff):
            services.reactivate_user(user_id=waiting.pk, actor=cast.admin)
        assert not User.objects.get(pk=waiting.pk).is_active


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


@pytest.mark.django_db
class TestScreens:
    def test_an_id_of_nobody_is_not_found(self, cast, client_for):
        client = client_for(cast.admin)
        for name in ("roles", "deactivate", "reactivate", "verify", "reset-password"):
            assert client.post(url(f"user-{name}", uuid4())).status_code == 404

    def test_the_one_time_password_is_shown_once_and_never_again(self, cast, client_for):
        client = client_for(cast.admin)
        answer = client.post(url("user-create"), FACTS)
        password = answer.context["password"]
        assert password in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        person = User.objects.get(username="perawat.baru")
        assert password not in client.get(url("user-edit", person.pk)).content.decode()
        assert not [event for event in AuditEvent.objects.all() if password in str(event.__dict__)]

    def test_a_reset_works_for_patients_too_but_not_for_oneself(self, cast, client_for):
        client = client_for(cast.admin)
        answer = client.post(url("user-reset-password", cast.patient_user.pk))
        assert User.objects.get(pk=cast.patient_user.pk).check_password(answer.context["password"])
        assert client.post(url("user-reset-password", cast.admin.pk)).status_code == 302
        assert User.objects.get(pk=cast.admin.pk).check_password("rahasia-klinik-2026")

    def test_forged_fields_change_nothing_else(self, cast, client_for):
        data = {"full_name": "Dewi A.", "email": "dewi@klinik.example", "is_superuser": "1", "kind": "patient",
                "roles": "admin", "is_staff": "1", "verified_at": "2026-01-01", "password": "x"}  # fmt: skip
        assert client_for(cast.admin).post(url("user-edit", cast.nurse.pk), data).status_code == 302
        nurse = User.objects.get(pk=cast.nurse.pk)
        assert (nurse.full_name, nurse.kind, nurse.is_superuser, nurse.is_staff) == ("Dewi A.", "staff", False, False)
        assert (roles_of(nurse), nurse.staff_profile.verified_at) == ({"nurse"}, None)
        assert nurse.check_password("rahasia-klinik-2026")

    @pytest.mark.parametrize(
        "name", ["<script>alert(1)</script>", 'O\'Brien "Bu" & Co', "Siti 🌊", "Sukarno", "n" * 200, "x" * 300, "\0\0"]
    )
    def test_any_name(self, cast, client_for, name):
        client = client_for(cast.admin)
        answer = client.post(url("user-edit", cast.nurse.pk), {"full_name": name, "email": "d@klinik.example"})
        assert answer.status_code in (302, 422)
        page = client.get(url("user-list")).content
        assert b"<script>alert" not in page

    def test_a_taken_address_keeps_what_was_typed(self, cast, client_for):
        data = {"full_name": "Nama Baru", "email": cast.doctor.email}
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
        assert names("?kind=x&role=y&status=z&after=nonsense") == ["ayu.admin", "dr.rina", "lama", "ns.dewi"]

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
            with django_assert_max_num_queries(8) as queries:
                client.get(url("user-list"))
            counts.append(len(queries))
        assert counts[0] == counts[1]


def test_every_error_has_its_own_code():
    made = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, DomainError)]
    codes = [error.code for error in made if error.code.startswith("accounts.")]
    assert len(codes) == len(set(codes)) == 8
