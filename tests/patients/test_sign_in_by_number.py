"""Patients sign in with telephone number or NIK; a number that is not theirs alone opens nothing."""

from __future__ import annotations

from datetime import date

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from patients import services
from patients.models import Patient
from tests.factories.accounts import PatientUserFactory, UserFactory

PASSWORD = "rahasia-klinik-2026"
PORTAL = reverse("accounts:portal-login")
STAFF = reverse("accounts:login")
NIK = "2171014105850003"


@pytest.fixture
def siti(cast):
    """A patient with an account, a NIK and a telephone number."""
    user = PatientUserFactory(full_name="Siti Rahma")
    services.register_patient(
        actor=cast.admin,
        full_name="Siti Rahma",
        birth_date=date(1985, 5, 1),
        sex="female",
        nik=NIK,
        phone="0812-7000-1111",
        user=user,
    )
    return user


def enter(url: str, login: str, password: str = PASSWORD) -> bool:
    client = Client()
    client.post(url, {"login": login, "password": password})
    return client.session.get(SESSION_KEY) is not None


@pytest.mark.django_db
class TestWrongPerson:
    def test_staff_door_knows_no_numbers_of_patients(self, siti):
        assert not enter(STAFF, NIK)

    def test_wrong_password(self, siti):
        assert not enter(PORTAL, NIK, "salah-salah-salah")

    def test_a_number_of_two_accounts_names_nobody(self, siti, cast):
        other = PatientUserFactory()
        services.register_patient(
            actor=cast.admin,
            full_name="Budi Rahman",
            birth_date=date(1980, 1, 2),
            sex="male",
            phone="0812-7000-1111",
            user=other,
            duplicate_reason="Suami, nomor telepon sama",
        )
        assert not enter(PORTAL, "081270001111")
        assert enter(PORTAL, NIK), "the NIK still does"

    def test_a_record_without_account(self, cast):
        assert not enter(PORTAL, "9999999999999999")
        assert not enter(PORTAL, "081299998888")

    def test_the_answer_is_that_of_an_unknown_name(self, siti):
        answers = {
            str(Client().post(PORTAL, {"login": login, "password": "salah"}).context["form"].errors)
            for login in (NIK, "081270001111", "2171014105850004", "081200000000", "tidak.ada")
        }
        assert len(answers) == 1

    def test_an_archived_record_names_nobody(self, siti):
        Patient.objects.filter(user=siti).update(status=Patient.Status.ARCHIVED)
        assert not enter(PORTAL, NIK)


@pytest.mark.django_db
class TestLetIn:
    @pytest.mark.parametrize(
        "login",
        [NIK, "2171 0141 0585 0003", "081270001111", "+62 812-7000-1111", "62812 7000 1111", "(0812) 7000.1111"],
    )
    def test_by_number(self, siti, login):
        assert enter(PORTAL, login)

    def test_all_names_share_one_count_and_no_number_is_stored(self, siti):
        client = Client()
        names = [NIK, "081270001111", siti.email, siti.username, "+6281270001111"]
        statuses = [client.post(PORTAL, {"login": name, "password": "x"}).status_code for name in names]
        assert statuses == [422, 422, 422, 422, 429]
        stored = str([row.__dict__ for row in AccessAttempt.objects.all()])
        assert NIK not in stored
        assert "81270001111" not in stored

    def test_the_session_does_not_keep_what_was_typed(self, siti):
        client = Client()
        client.post(PORTAL, {"login": NIK, "password": PASSWORD})
        assert NIK not in str(dict(client.session.items()))

    @pytest.mark.parametrize("login", ["١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦", "+" * 250, "0" * 250, "8" * 16, "²" * 16])
    def test_any_number(self, siti, login):
        assert not enter(PORTAL, login)


@pytest.mark.django_db
def test_staff_numbers_do_not_open_the_staff_door(cast):
    UserFactory(username="dr.nomor")
    assert not enter(STAFF, "081200001111")
