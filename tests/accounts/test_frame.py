"""What every page gets for its frame: menus by right, language, theme; and what it costs."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import RequestFactory
from django.urls import reverse

from accounts import context, navigation
from accounts.access import ROLE_CAPABILITIES, Capability, Role
from accounts.models import User
from tests.factories.accounts import UserFactory


def labels(groups) -> list[str]:
    return [str(item["label"]) for group in groups for item in group["items"]]


class TestMenus:
    def test_nobody_without_the_staff_right(self):
        assert navigation.staff_menu(frozenset(), "/") == []
        assert navigation.staff_menu(frozenset(Capability) - {Capability.USE_STAFF_SITE}, "/") == []
        assert navigation.portal_menu(frozenset(Capability) - {Capability.USE_PORTAL}, "/") == []

    @pytest.mark.django_db
    @pytest.mark.parametrize("role", [role for role in Role if role != Role.PATIENT])
    def test_every_entry_opens_for_whom_it_is_shown(self, client_for, role):
        user = UserFactory(roles=[role])
        client = client_for(user)
        for group in navigation.staff_menu(ROLE_CAPABILITIES[role], "/"):
            for item in group["items"]:
                assert client.get(item["url"]).status_code == 200, item["url"]

    def test_the_longest_address_is_the_active_one(self):
        groups = navigation.staff_menu(ROLE_CAPABILITIES[Role.ADMIN], reverse("accounts:user-create"))
        assert [str(item["label"]) for group in groups for item in group["items"] if item["active"]] == [
            "Pengguna"
        ] or [item["url"] for group in groups for item in group["items"] if item["active"]] == [
            reverse("accounts:user-list")
        ]

    @pytest.mark.parametrize(
        ("page", "tab"),
        [
            ("patients:portal-health", "patients:portal-profile"),
            ("patients:portal-document-add", "patients:portal-profile"),
            ("reports:portal-record-access", "patients:portal-profile"),
            ("patients:portal-rights", "patients:portal-profile"),
            ("workspace:portal-record", "workspace:portal-visits"),
            ("support:portal-message-list", "workspace:portal-home"),
        ],
    )
    def test_pages_of_the_portal_light_the_tab_they_are_reached_from(self, page, tab):
        items = navigation.portal_menu(frozenset({Capability.USE_PORTAL}), reverse(page))
        assert [item["url"] for item in items if item["active"]] == [reverse(tab)]

    def test_a_page_that_does_not_exist_is_left_out(self, monkeypatch):
        entries = (navigation.Entry("nowhere:at-all", "X", "home"), navigation.Entry("accounts:home", "Y", "home"))
        monkeypatch.setattr(navigation, "PORTAL", entries)
        assert [item["label"] for item in navigation.portal_menu(frozenset(Capability), "/")] == ["Y"]

    def test_patients_have_at_most_five_tabs(self):
        assert len(navigation.PORTAL) == 5


class TestCost:
    def test_nothing_for_strangers(self, db, client, django_assert_num_queries):
        for name in ("accounts:home", "accounts:login", "accounts:portal-login"):
            with django_assert_num_queries(0):
                assert client.get(reverse(name)).status_code == 200

    def test_few_queries_for_a_frame(self, cast, client_for, django_assert_num_queries, settings):
        client = client_for(cast.nurse)
        session = 0 if "cached" in settings.SESSION_ENGINE else 1  # with Redis the session comes from the cache
        with django_assert_num_queries(3 + session):  # user, roles, notices
            client.get(reverse("accounts:styleguide"))

    def test_none_when_no_frame_is_drawn(self, cast, django_assert_num_queries):
        request = RequestFactory().get("/")
        request.user = User.objects.get(pk=cast.nurse.pk)
        with django_assert_num_queries(0):
            values = context.ui(request)
        with django_assert_num_queries(1):
            assert list(values["nav"])


@pytest.mark.django_db
class TestLiveConnection:
    URL = reverse("accounts:password-change")

    def test_only_for_people_whom_the_server_would_let_in(self, cast, client, client_for):
        assert "data-live-url" not in client.get(reverse("accounts:login")).content.decode()
        waiting = UserFactory(roles=[Role.NURSE], must_change_password=True)
        assert "data-live-url" not in client_for(waiting).get(self.URL).content.decode()
        assert "data-live-url" in client_for(cast.nurse).get(self.URL).content.decode()


@pytest.mark.django_db
class TestPreferences:
    URL = reverse("accounts:preferences")

    def test_strangers_keep_them_in_cookies(self, client):
        client.post(self.URL, {"language": "en", "theme": "dark", "next": reverse("accounts:login")})
        page = client.get(reverse("accounts:login")).content.decode()
        assert 'lang="en"' in page
        assert 'data-bs-theme="dark"' in page

    def test_people_keep_them_with_the_account(self, cast, client_for):
        client_for(cast.nurse).post(self.URL, {"language": "en", "theme": "light", "uses_ctrl_d": "on"})
        nurse = User.objects.get(pk=cast.nurse.pk)
        assert (nurse.language, nurse.theme, nurse.uses_ctrl_d) == ("en", "light", True)
        page = client_for(cast.nurse).get(reverse("accounts:styleguide")).content.decode()
        assert 'lang="en"' in page
        assert "data-shortcut-ctrl-d" in page

    @pytest.mark.parametrize(
        "data", [{}, {"language": "xx"}, {"theme": "neon"}, {"uses_ctrl_d": "2"}, {"language": "en'--", "theme": "\0"}]
    )
    def test_other_values_change_nothing(self, cast, client_for, data):
        assert client_for(cast.nurse).post(self.URL, data).status_code == 302
        nurse = User.objects.get(pk=cast.nurse.pk)
        assert (nurse.language, nurse.theme, nurse.uses_ctrl_d) == ("id", "auto", False)

    @pytest.mark.parametrize(
        "target", ["https://evil.example", "//evil.example", "", "javascript:x", "\\\\evil.example"]
    )
    def test_no_way_out(self, client, target):
        assert client.post(self.URL, {"theme": "dark", "next": target})["Location"] == reverse("accounts:home")

    def test_a_hostile_theme_cookie_is_not_printed(self, client):
        client.cookies["emr_theme"] = '"><script>'
        assert 'data-theme="auto"' in client.get(reverse("accounts:login")).content.decode()


@pytest.mark.django_db
class TestHome:
    def test_strangers_see_both_doors_and_119(self, client):
        page = client.get("/").content.decode()
        for text in (reverse("accounts:login"), reverse("accounts:portal-login"), "tel:119"):
            assert text in page

    def test_an_account_without_role_is_told_what_to_do(self, client_for):
        answer = client_for(UserFactory()).get("/")
        assert answer.status_code == 200
        assert "accounts/landing_screen.html" in [template.name for template in answer.templates]

    def test_everyone_is_sent_to_their_work(self, cast, client_for):
        assert client_for(cast.nurse).get("/")["Location"] == reverse("reports:dashboard")
        assert client_for(cast.patient_user).get("/")["Location"] == reverse("workspace:portal-home")


def test_the_access_document_is_current():
    call_command("write_access_docs", "--check")
