"""Signing up for the portal and keeping the own profile."""

import time
from datetime import date

import pytest
from django.urls import reverse

from accounts import limits
from accounts.access import Role
from accounts.limits import ANSWER_SECONDS
from accounts.models import User
from audit.models import AuditEvent
from notifications.models import Email, Notice
from patients import services
from patients.errors import DuplicateNik, IdentityLocked, PatientChanged
from patients.models import Patient, PortalRegistration
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory, RegistrationFactory

NIK = "2171015705900001"
OTHER_NIK = "2171010302880002"
SIGN_UP, DONE, PROFILE = (
    reverse(f"patients:{name}") for name in ("portal-sign-up", "portal-sign-up-done", "portal-profile")
)
FORM = {
    "full_name": "Rudi Hartono",
    "birth_date": "1991-01-02",
    "sex": "male",
    "phone": "0812-9876-5432",
    "email": "rudi@surat.example",
    "password": "Hujan-sore-di-barelang-7",
    "consent": "on",
}
OWN = {"version": "1", "phone": "0812-3456-7890", "address_line": "Jl. Merdeka 1", "guarantor": "self"}


# --- Sign-up --------------------------------------------------------------------------------------------------------


def test_sign_up_makes_a_closed_account_that_waits(cast, client):
    assert cast.admin.pk
    answer = client.post(SIGN_UP, FORM)
    assert answer["Location"] == DONE
    user = User.objects.get(email="rudi@surat.example")
    assert (user.is_active, user.kind, user.is_staff, user.is_superuser) == (False, User.Kind.PATIENT, False, False)
    assert set(user.role_names) == {Role.PATIENT}
    assert user.check_password("Hujan-sore-di-barelang-7")
    assert "rudi" not in user.username
    registration = PortalRegistration.objects.get()
    assert (registration.user, registration.status, registration.phone) == (user, "pending", "+6281298765432")
    assert not Patient.objects.exists()
    assert Notice.objects.get().recipient == cast.admin
    assert [mail.template for mail in Email.objects.all()] == ["registration_received"]
    assert AuditEvent.objects.filter(action="patients.registration.submitted").count() == 1


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_an_account_that_waits_or_was_rejected_cannot_sign_in(client, status, db):
    user = User.objects.create_user(
        "rudi", "rudi@surat.example", "hujan-sore-di-barelang", kind="patient", is_active=False
    )
    RegistrationFactory(user=user, status=status)
    client.post(reverse("accounts:portal-login"), {"login": "rudi@surat.example", "password": FORM["password"]})
    assert "_auth_user_id" not in client.session
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(PROFILE).status_code in (302, 404)


@pytest.mark.parametrize("taken", ["patient", "staff", "waiting", "upper"])
def test_a_taken_address_gets_the_same_answer(cast, client, taken):
    if taken == "staff":
        UserFactory(email="rudi@surat.example", username="rudi")
    elif taken == "waiting":
        client.post(SIGN_UP, {**FORM, "full_name": "Orang Pertama"})
    else:
        RegistrationFactory(user__email="rudi@surat.example", user__is_active=True, status="activated")
    before = list(User.objects.values("pk", "password", "is_active"))
    mails, rows = Email.objects.count(), PortalRegistration.objects.count()
    data = {**FORM, "email": "RUDI@surat.example"} if taken == "upper" else FORM
    answer = client.post(SIGN_UP, data)
    fresh = client.post(SIGN_UP, {**FORM, "email": "baru@surat.example"})
    assert (answer.status_code, answer["Location"], answer.content) == (
        fresh.status_code,
        fresh["Location"],
        fresh.content,
    )
    assert list(User.objects.exclude(email="baru@surat.example").values("pk", "password", "is_active")) == before
    assert (Email.objects.count() - 1, PortalRegistration.objects.count() - 1) == (mails, rows)
    names = [
        registration.full_name for registration in PortalRegistration.objects.exclude(user__email="baru@surat.example")
    ]
    assert "Rudi Hartono" not in names


def test_somebody_who_was_rejected_may_apply_again(cast, client):
    client.post(SIGN_UP, FORM)
    registration = PortalRegistration.objects.get()
    services.reject_registration(registration_id=registration.pk, actor=cast.admin, reason="NIK tidak cocok")
    client.post(SIGN_UP, {**FORM, "nik": "2171010201910001", "password": "Angin-malam-di-nongsa-7"})
    registration.refresh_from_db()
    assert (registration.status, registration.nik, registration.reason) == ("pending", "2171010201910001", "")
    assert registration.user.check_password("Angin-malam-di-nongsa-7")
    assert not registration.user.is_active
    assert Email.objects.filter(template="registration_received").count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"full_name": ""},
        {"full_name": "A" * 300},
        {"full_name": "12345"},
        {"birth_date": "2999-01-01"},
        {"birth_date": "kemarin"},
        {"sex": "x"},
        {"phone": ""},
        {"phone": "1"},
        {"nik": "1"},
        {"email": ""},
        {"email": "rudi"},
        {"email": "rudi@surat.example\nbcc:x@y.z"},
        {"password": "pendek"},
        {"password": "hujan-sore-di-barelang-7"},
        {"password": "Hujan-sore-di-barelang"},
        {"password": "123456789012345"},
        {"password": "rudi@surat.example"},
        {"password": "rudi hartono"},
        {"password": ""},
        {"consent": ""},
    ],
    ids=str,
)
def test_a_wrong_sign_up_is_explained_and_writes_nothing(client, db, changes):
    answer = client.post(SIGN_UP, {**FORM, **changes})
    assert answer.status_code == 422
    assert "data-error-summary" in answer.content.decode()
    assert 'value="hujan' not in answer.content.decode()
    assert not User.objects.exists()


def test_forged_rights_are_ignored(client, db):
    client.post(
        SIGN_UP,
        {
            **FORM,
            "is_active": "1",
            "is_staff": "1",
            "kind": "staff",
            "roles": "admin",
            "status": "activated",
            "patient": "1",
        },
    )
    user = User.objects.get()
    assert (user.is_active, user.is_staff, user.kind, set(user.role_names)) == (False, False, "patient", {"patient"})
    assert PortalRegistration.objects.get().status == "pending"


def test_too_many_sign_ups_from_one_address_wait(client, db):
    for number in range(10):
        assert client.post(SIGN_UP, {**FORM, "email": f"orang{number}@surat.example"}).status_code == 302
    answer = client.post(SIGN_UP, {**FORM, "email": "satu-lagi@surat.example"})
    assert answer.status_code == 429
    assert answer["Retry-After"] == "3600"
    assert User.objects.count() == 10
    assert client.post(SIGN_UP, {**FORM, "email": "lain@surat.example"}, REMOTE_ADDR="10.1.1.1").status_code == 302


def test_sign_up_needs_the_csrf_token(db):
    from django.test import Client

    assert Client(enforce_csrf_checks=True).post(SIGN_UP, FORM).status_code == 403


def test_a_signed_in_person_does_not_sign_up(cast, client_for):
    assert client_for(cast.patient_user).get(SIGN_UP).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_one_address_signing_up_at_once_is_one_account(race):
    def submit(_number):
        return services.submit_registration(
            full_name="Rudi", birth_date=date(1991, 1, 2), sex="male", phone="081298765432",
            email="rudi@surat.example", password="hujan-sore-di-barelang",
        )  # fmt: skip

    results = race(submit, [(number,) for number in range(6)])
    assert sum(isinstance(result, PortalRegistration) for result in results) == 1
    assert {type(result).__name__ for result in results} == {"PortalRegistration", "EmailTaken"}
    assert User.objects.count() == 1


# --- Profile --------------------------------------------------------------------------------------------------------


def activated(cast, **changes):
    """A patient who signed up and was activated as a new record."""
    registration = RegistrationFactory(**{"user__email": "rudi@surat.example", **changes})
    patient = services.activate_registration(registration_id=registration.pk, actor=cast.admin)
    return User.objects.get(pk=registration.user_id), patient


def test_staff_and_other_patients_do_not_reach_a_profile(cast, client_for):
    _user, patient = activated(cast)
    for person in (cast.admin, cast.receptionist, cast.doctor):
        assert client_for(person).post(PROFILE, {**OWN, "patient_id": str(patient.pk)}).status_code == 404
    client_for(cast.other_patient_user).post(PROFILE, {**OWN, "id": str(patient.pk), "patient_id": str(patient.pk)})
    patient.refresh_from_db()
    assert patient.address == ""


def test_completing_the_profile(cast, client_for):
    user, patient = activated(cast)
    client = client_for(user)
    assert "2171" not in client.get(PROFILE).content.decode()
    answer = client.post(
        PROFILE,
        {**OWN, "nik": OTHER_NIK, "birth_date": "1985-03-10", "birth_place": "Batam", "mother_name": "Halimah", "blood_type": "O",
         "guarantor": "bpjs", "bpjs_number": "0001234567890"},
    )  # fmt: skip
    assert answer.status_code == 302
    patient.refresh_from_db()
    assert (patient.nik, patient.birth_date, patient.blood_type, patient.guarantor) == (
        OTHER_NIK,
        date(1985, 3, 10),
        "O",
        "bpjs",
    )
    assert patient.profile_completed_at is not None
    event = AuditEvent.objects.get(action="patients.profile.completed")
    assert (event.actor_id, event.patient_id) == (user.pk, patient.pk)
    body = client.get(PROFILE).content.decode()
    assert OTHER_NIK not in body
    assert 'name="nik"' not in body
    assert 'name="birth_date"' not in body


def test_nik_and_birth_date_are_given_once(cast, client_for):
    user, patient = activated(cast)
    client = client_for(user)
    client.post(PROFILE, {**OWN, "nik": OTHER_NIK, "birth_date": "1985-03-10"})
    client.post(PROFILE, {**OWN, "version": "2", "nik": NIK, "birth_date": "1970-01-01", "address_line": "Jl. Baru 2"})
    patient.refresh_from_db()
    assert (patient.nik, patient.birth_date, patient.address) == (OTHER_NIK, date(1985, 3, 10), "Jl. Baru 2")
    for change in ({"nik": NIK}, {"nik": ""}, {"birth_date": date(1970, 1, 1)}):
        with pytest.raises(IdentityLocked):
            services.complete_profile(patient_id=patient.pk, actor=user, version=patient.version, **change)


def test_a_birth_date_that_the_desk_wrote_stays(cast):
    patient = (
        PatientFactory(user=cast.patient_user)
        if not hasattr(cast.patient_user, "patient")
        else cast.patient_user.patient
    )
    with pytest.raises(IdentityLocked):
        services.complete_profile(
            patient_id=patient.pk, actor=cast.patient_user, version=1, birth_date=date(1970, 1, 1)
        )
    services.complete_profile(patient_id=patient.pk, actor=cast.patient_user, version=1, nik=NIK)
    assert Patient.objects.get(pk=patient.pk).nik == NIK


def test_the_nik_of_another_patient_is_refused_without_naming_them(cast, client_for):
    PatientFactory(full_name="Halimah Tusadiah", nik=NIK, record_number="000777")
    user, patient = activated(cast)
    answer = client_for(user).post(PROFILE, {**OWN, "nik": NIK, "birth_date": "1985-03-09"})
    assert answer.status_code == 409
    assert "Halimah" not in answer.content.decode()
    assert "000777" not in answer.content.decode()
    assert Patient.objects.get(pk=patient.pk).nik is None
    with pytest.raises(DuplicateNik):
        services.complete_profile(patient_id=patient.pk, actor=user, version=1, nik=NIK)


def test_forged_profile_fields_are_ignored(cast, client_for):
    user, patient = activated(cast)
    client_for(user).post(
        PROFILE,
        {
            **OWN,
            "birth_date": "1985-03-09",
            "full_name": "Raja",
            "record_number": "1",
            "status": "archived",
            "allergy_status": "none",
        },
    )
    patient.refresh_from_db()
    assert (patient.full_name, patient.status, patient.allergy_status) == (user.full_name, "active", "unknown")
    with pytest.raises(TypeError):
        services.complete_profile(patient_id=patient.pk, actor=user, version=2, full_name="Raja")


def test_a_profile_changed_meanwhile_keeps_the_text(cast, client_for):
    user, patient = activated(cast)
    services.update_patient(patient_id=patient.pk, actor=cast.admin, version=1, birth_place="Batam")
    answer = client_for(user).post(PROFILE, {**OWN, "birth_date": "1985-03-09", "address_line": "Jl. Kenanga 5"})
    assert answer.status_code == 409
    assert "Jl. Kenanga 5" in answer.content.decode()
    with pytest.raises(PatientChanged):
        services.complete_profile(patient_id=patient.pk, actor=user, version=1, address="Jl. Kenanga 5")


@pytest.mark.parametrize(
    "changes", [{"phone": ""}, {"address_line": " "}, {"nik": "1"}, {"guarantor": "x"}, {"blood_type": "Z"}], ids=str
)
def test_a_wrong_profile_is_explained(cast, client_for, changes):
    user, patient = activated(cast)
    answer = client_for(user).post(PROFILE, {**OWN, "birth_date": "1985-03-09", **changes})
    assert answer.status_code == 422
    assert Patient.objects.get(pk=patient.pk).version == 1


def test_nobody_asks_for_one_nik_after_the_other(cast, client_for):
    """The answer tells whether somebody with a NIK is a patient here, so it is given three times a day."""
    PatientFactory(nik=NIK)
    Patient.objects.filter(user=cast.patient_user).update(nik=None)
    client = client_for(cast.patient_user)
    statuses = [client.post(PROFILE, {**OWN, "nik": NIK}).status_code for _try in range(4)]
    assert statuses == [409, 409, 409, 429]
    assert client.post(PROFILE, {**OWN, "nik": OTHER_NIK}).status_code == 429, "a free one gets the same answer"
    assert client.post(PROFILE, OWN).status_code == 302, "everything else is saved"


def test_a_taken_address_is_answered_in_the_same_time(cast, client, monkeypatch):
    monkeypatch.setattr(limits, "ANSWER_SECONDS", ANSWER_SECONDS)
    took = []
    for email in ("baru.sekali@surat.example", cast.patient_user.email):
        began = time.monotonic()
        assert client.post(SIGN_UP, {**FORM, "email": email})["Location"] == DONE
        took.append(time.monotonic() - began)
    assert min(took) >= ANSWER_SECONDS


def test_the_own_address_is_kept_in_parts(cast, client_for):
    client = client_for(cast.patient_user)
    patient = cast.patient_user.patient
    answer = client.post(PROFILE, {**OWN, "address_rt": "3", "address_region": "2171101001"})
    assert answer.status_code == 302
    row = patient.addresses.get()
    assert (row.line, row.rt, row.village_name, row.postal_code) == ("Jl. Merdeka 1", "003", "Baloi Permai", "29463")
    patient.refresh_from_db()
    assert (
        patient.address == "Jl. Merdeka 1, RT 003\nKel. Baloi Permai, Kec. Batam Kota\nKota Batam, Kepulauan Riau 29463"
    )
    assert 'value="2171101001" selected' in client.get(PROFILE).content.decode()
    for changed, status in (({"address_rt": "x"}, 422), ({}, 409), ({}, 409)):  # version 1 was saved above
        late = client.post(PROFILE, {**OWN, **changed, "address_line": "Jl. Lain 9"})
        assert (late.status_code, late.context["version"]) == (status, 1)
    patient.refresh_from_db()
    assert patient.address.startswith("Jl. Merdeka 1")
    wrong = client.post(PROFILE, {**OWN, "version": "2", "address_rt": "x"})
    assert wrong.status_code == 422
    assert "address_rt" in wrong.context["form"].errors
