"""Portal accounts without a medical record, and building it again: once, from what is known, never made up."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from core.models import Counter
from notifications.models import Email, Notice
from patients import services, tasks
from patients.errors import DuplicateNik, IdentityNeeded, LikelyDuplicate, NotRebuildable, RecordNotConnectable
from patients.models import Patient, PatientToken, PortalRegistration
from patients.search import BLIND_COLUMNS, find_patients
from patients.services.missing_records import (
    Identity,
    incomplete,
    portal_accounts,
    rebuild_record,
    warn_about_missing_records,
)
from tests.factories.accounts import PatientUserFactory, UserFactory
from tests.factories.patients import PatientFactory, RegistrationFactory

LIST = reverse("patients:missing-record-list")
NIK = "2171010903850001"
BORN = date(1985, 3, 9)
RUDI = Identity("Rudi Hartono", BORN, "male", "+6281311112222", NIK)
TYPED = {"full_name": "Rudi Hartono", "birth_date": "1985-03-09", "sex": "male", "phone": "0813-1111-2222", "nik": NIK}


def signed_up(**changes) -> User:
    """An open account whose registration says who it is and whose record is gone."""
    fields = {"full_name": "Rudi Hartono", "birth_date": BORN, "nik": NIK, "status": "activated", **changes}
    registration = RegistrationFactory(user=PatientUserFactory(full_name="Rudi Hartono"), **fields)
    return registration.user


def page(name: str, account: User) -> str:
    return reverse(f"patients:missing-record{name}", args=[account.pk])


def problems(cast) -> dict[str, list[str]]:
    return {row.account.username: row.problems for row in incomplete(portal_accounts(cast.admin), limit=50)}


def records_of(account: User) -> list[str]:
    return list(Patient.objects.filter(user_id=account.pk).values_list("record_number", flat=True))


@pytest.mark.parametrize("who", ["receptionist", "doctor", "owner", "cashier", "patient_user"])
def test_the_wrong_people_build_nothing(cast, client_for, who):
    account = signed_up()
    status = 404 if who == "patient_user" else 403
    client = client_for(getattr(cast, who))
    before = Patient.objects.count()
    for answer in (
        client.get(LIST),
        client.get(page("", account)),
        client.post(page("", account), TYPED),
        client.post(page("-rebuild", account)),
    ):
        assert answer.status_code == status
    assert Patient.objects.count() == before
    assert not portal_accounts(getattr(cast, who)).exists()


def test_only_open_portal_accounts_are_listed(cast):
    for user in (cast.nurse, cast.patient_user, PatientUserFactory(is_active=False)):
        assert user
    RegistrationFactory()
    assert problems(cast) == {}
    account = signed_up()
    assert problems(cast) == {account.username: ["record"]}


@pytest.mark.parametrize("who", ["nurse", "closed", "waiting"])
def test_other_accounts_are_refused(cast, client_for, who):
    waiting = RegistrationFactory().user
    account = {"nurse": cast.nurse, "closed": PatientUserFactory(is_active=False), "waiting": waiting}[who]
    with pytest.raises(NotRebuildable):
        rebuild_record(user_id=account.pk, actor=cast.admin, identity=RUDI)
    client = client_for(cast.admin)
    assert client.get(page("", account)).status_code == 404
    assert client.post(page("-rebuild", account)).status_code == 404
    assert not Patient.objects.exists()


def test_made_once_from_the_sign_up(cast, client_for):
    account = signed_up()
    client = client_for(cast.admin)
    for _index in range(2):
        answer = client.post(page("-rebuild", account))
        assert (answer.status_code, answer["Location"]) == (302, LIST)
    patient = Patient.objects.get(user=account)
    assert (patient.record_number, patient.nik, patient.birth_date, patient.full_name) == (
        "000001", NIK, BORN, "Rudi Hartono",
    )  # fmt: skip
    assert [found.pk for found in find_patients(user=cast.admin, query="rudi hartono")] == [patient.pk]
    assert Counter.objects.get(name="patients.record_number").value == 1
    event = AuditEvent.objects.get(action="patients.record.rebuilt")
    assert (event.actor_id, event.patient_id, event.detail) == (cast.admin.pk, patient.pk, {"repaired": ["record"]})
    assert "Rudi" not in str(event.__dict__)
    assert Email.objects.filter(template="account_activated").count() == 1
    registration = PortalRegistration.objects.get(user=account)
    assert (registration.patient, registration.status) == (patient, "activated")
    assert problems(cast) == {}
    assert client.get(LIST).status_code == 200
    portal = client_for(User.objects.get(pk=account.pk))
    assert portal.get(reverse("patients:portal-profile")).status_code == 200


def test_a_record_that_lost_its_account_is_taken_back_and_keeps_its_number(cast):
    registration = RegistrationFactory(full_name="Rudi Hartono", birth_date=BORN)
    patient = services.activate_registration(registration_id=registration.pk, actor=cast.admin)
    Patient.objects.filter(pk=patient.pk).update(user=None)
    rebuilt = rebuild_record(user_id=registration.user_id, actor=cast.admin)
    assert (rebuilt.patient.pk, rebuilt.patient.record_number) == (patient.pk, patient.record_number)
    assert records_of(registration.user) == [patient.record_number]
    assert Patient.objects.count() == 1


@pytest.mark.parametrize("state", ["archived", "taken"])
def test_a_record_that_is_archived_or_anothers_stays_where_it_is(cast, state):
    registration = RegistrationFactory(full_name="Rudi Hartono", birth_date=BORN)
    patient = services.activate_registration(registration_id=registration.pk, actor=cast.admin)
    change = {"user": None, "status": "archived"} if state == "archived" else {"user": PatientUserFactory()}
    Patient.objects.filter(pk=patient.pk).update(**change)
    with pytest.raises(NotRebuildable):
        rebuild_record(user_id=registration.user_id, actor=cast.admin)
    assert Patient.objects.count() == 1
    assert records_of(registration.user) == []


def test_without_a_sign_up_the_identity_is_asked(cast, client_for):
    account = PatientUserFactory(full_name="Rudi Hartono")
    with pytest.raises(IdentityNeeded):
        rebuild_record(user_id=account.pk, actor=cast.admin)
    client = client_for(cast.admin)
    answer = client.post(page("-rebuild", account))
    assert answer["Location"] == page("", account)
    assert not Patient.objects.exists()
    assert client.post(page("", account), {**TYPED, "birth_date": ""}).status_code == 422
    assert client.post(page("", account), {**TYPED, "nik": "1"}).status_code == 422
    assert client.post(page("", account), TYPED).status_code == 302
    patient = Patient.objects.get(user=account)
    assert (patient.record_number, patient.nik, patient.email) == ("000001", NIK, account.email)


def test_typed_identity_does_not_replace_what_the_person_wrote(cast):
    account = signed_up()
    rebuild_record(user_id=account.pk, actor=cast.admin, identity=Identity("Orang Lain", date(1990, 1, 1), "female"))
    assert Patient.objects.get(user=account).full_name == "Rudi Hartono"


def test_a_record_that_looks_alike_is_not_doubled(cast, client_for):
    known = PatientFactory(full_name="Rudi Hartono", birth_date=BORN)
    account = signed_up(nik=None)
    client = client_for(cast.admin)
    with pytest.raises(LikelyDuplicate):
        rebuild_record(user_id=account.pk, actor=cast.admin)
    assert client.post(page("", account)).status_code == 409
    body = client.get(page("", account)).content.decode()
    assert known.record_number in body
    assert Patient.objects.count() == 1
    assert client.post(page("", account), {"existing_patient_id": known.pk}).status_code == 302
    assert records_of(account) == [known.record_number]


def test_another_person_of_the_same_name_needs_a_reason(cast, client_for):
    PatientFactory(full_name="Rudi Hartono", birth_date=BORN)
    account = signed_up(nik=None)
    answer = client_for(cast.admin).post(page("", account), {"duplicate_reason": "Kembar, KTP diperiksa"})
    assert answer.status_code == 302
    assert Patient.objects.get(user=account).duplicate_reason == "Kembar, KTP diperiksa"


@pytest.mark.parametrize("chosen", ["stranger", "with account", "archived", "nonsense"])
def test_records_that_cannot_be_connected(cast, client_for, chosen):
    account = signed_up(nik=None)
    alike = {"full_name": "Rudi Hartono", "birth_date": BORN}
    pk = {
        "stranger": lambda: PatientFactory(full_name="Wati").pk,
        "with account": lambda: PatientFactory(user=PatientUserFactory(), **alike).pk,
        "archived": lambda: PatientFactory(status="archived", **alike).pk,
        "nonsense": lambda: "1; drop table",
    }[chosen]()
    answer = client_for(cast.admin).post(page("", account), {"existing_patient_id": pk})
    assert answer.status_code == (422 if chosen == "nonsense" else 409)
    assert records_of(account) == []
    if chosen != "nonsense":
        with pytest.raises(RecordNotConnectable):
            rebuild_record(user_id=account.pk, actor=cast.admin, existing_patient_id=pk)


def test_a_nik_of_somebody_with_an_account(cast, client_for):
    PatientFactory(user=PatientUserFactory(), full_name="Wati", nik=NIK)
    account = signed_up()
    with pytest.raises(DuplicateNik):
        rebuild_record(user_id=account.pk, actor=cast.admin)
    answer = client_for(cast.admin).post(page("-rebuild", account), follow=True)
    assert answer.status_code == 200
    assert records_of(account) == []


def test_a_lost_number_is_given_once(cast, client_for):
    Patient.objects.filter(user=cast.patient_user).update(record_number="")
    assert problems(cast) == {"siti": ["number"]}
    client = client_for(cast.admin)
    for _index in range(2):
        client.post(page("-rebuild", cast.patient_user))
    assert records_of(cast.patient_user) == ["000001"]
    assert AuditEvent.objects.get(action="patients.record.rebuilt").detail == {"repaired": ["number"]}
    assert Email.objects.filter(template="account_activated").count() == 1


@pytest.mark.parametrize("lost", ["tokens", "numbers", "both"])
def test_a_lost_search_index_is_written_again_silently(cast, lost):
    patient = cast.patient_user.patient
    Patient.objects.filter(pk=patient.pk).update(nik=NIK)
    services.update_patient(patient_id=patient.pk, actor=cast.admin, version=patient.version, phone="081377778888")
    if lost != "numbers":
        PatientToken.objects.filter(patient_id=patient.pk).delete()
    if lost != "tokens":
        Patient.objects.filter(pk=patient.pk).update(**dict.fromkeys(BLIND_COLUMNS))
    assert problems(cast) == {"siti": ["index"]}
    rebuilt = rebuild_record(user_id=cast.patient_user.pk, actor=cast.admin)
    assert rebuilt.repaired == ("index",)
    for query in ("siti aminah", NIK, "081377778888"):
        assert [found.pk for found in find_patients(user=cast.admin, query=query)] == [patient.pk]
    assert problems(cast) == {}
    assert not Email.objects.exists()


def test_numbers_without_an_index_are_no_fault(cast):
    patient = cast.patient_user.patient
    Patient.objects.filter(pk=patient.pk).update(
        nik="9999999999999999", phone="tidak ada", **dict.fromkeys(BLIND_COLUMNS)
    )
    assert problems(cast) == {}


def test_everybody_who_may_is_told_each_night(cast):
    assert cast.admin
    assert cast.receptionist
    assert warn_about_missing_records() == 0
    signed_up()
    PatientUserFactory()
    assert [tasks.check_records(), tasks.check_records()] == [True, False]
    notice = Notice.objects.get()
    assert (notice.recipient, notice.kind, notice.params, notice.path) == (
        cast.admin, "missing_records", {"count": 2}, LIST,
    )  # fmt: skip


@pytest.mark.parametrize("count", [3, 30])
def test_list_query_count(cast, client_for, django_assert_max_num_queries, count):
    for _number in range(count):
        signed_up(nik=None)
    client = client_for(cast.admin)
    with django_assert_max_num_queries(8):
        page_of = client.get(LIST)
    assert len(page_of.context["rows"]) == count


def test_hostile_names(cast, client_for):
    RegistrationFactory(
        user=PatientUserFactory(full_name="<script>alert(1)</script>"), full_name="<b>x</b>", status="activated"
    )
    client = client_for(cast.admin)
    account = User.objects.get(portal_registration__isnull=False)
    for address in (LIST, page("", account)):
        assert b"<script>alert" not in client.get(address).content
    answer = client.post(page("", PatientUserFactory()), {**TYPED, "full_name": "x" * 5000, "phone": "\0" * 50})
    assert answer.status_code == 422


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["record", "number", "typed"])
def test_two_admins_and_double_clicks_build_one_record(cast, race, how):
    admins = [cast.admin, UserFactory(roles=["admin"])]
    if how == "number":
        account = cast.patient_user
        Patient.objects.filter(user=account).update(record_number="")
    else:
        account = signed_up() if how == "record" else PatientUserFactory()

    def build(number):
        actor = User.objects.get(pk=admins[number % 2].pk)
        return rebuild_record(user_id=account.pk, actor=actor, identity=RUDI if how == "typed" else None)

    results = race(build, [(number,) for number in range(8)])
    assert [type(result).__name__ for result in results] == ["Rebuilt"] * 8
    assert sum(bool(result.repaired) for result in results) == 1
    assert records_of(account) == ["000001"]
    assert AuditEvent.objects.filter(action="patients.record.rebuilt").count() == 1
    assert Email.objects.filter(template="account_activated").count() == 1
    assert Counter.objects.get(name="patients.record_number").value == 1


class TestContact:
    URL = reverse("patients:portal-email-adopt")

    def test_only_the_own_record(self, cast, client_for):
        other = cast.other_patient_user.patient
        Patient.objects.filter(pk=other.pk).update(email="lama@rumah.example")
        data = {"person": str(other.pk), "patient_id": str(other.pk)}
        assert client_for(cast.patient_user).post(self.URL, data).status_code == 302
        assert Patient.objects.get(pk=other.pk).email == "lama@rumah.example"
        assert Patient.objects.get(user=cast.patient_user).email == cast.patient_user.email

    def test_offered_when_the_addresses_differ(self, cast, client_for):
        client = client_for(cast.patient_user)
        profile = reverse("patients:portal-profile")
        assert self.URL not in client.get(profile).content.decode()
        Patient.objects.filter(user=cast.patient_user).update(email="lama@rumah.example")
        assert self.URL in client.get(profile).content.decode()
        for _index in range(2):
            client.post(self.URL)
        assert self.URL not in client.get(profile).content.decode()
        event = AuditEvent.objects.get(action="patients.profile.updated")
        assert event.detail == {"fields": ["email"]}
