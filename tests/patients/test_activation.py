"""Activating and rejecting portal registrations."""

from datetime import date
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from notifications.models import Email, Notice
from patients import services
from patients.errors import DuplicateNik, ReasonMissing, RecordNotConnectable, RegistrationDecided
from patients.models import Patient, PortalRegistration
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory, RegistrationFactory

NIK = "2171010903850001"
BORN = date(1985, 3, 9)
LIST = reverse("patients:registration-list")


def waiting(**changes):
    fields = {"full_name": "Rudi Hartono", "user__email": "rudi@surat.example", "birth_date": BORN, **changes}
    return RegistrationFactory(**fields)


def activate(cast, registration, patient=None):
    return services.activate_registration(
        registration_id=registration.pk, actor=cast.admin, existing_patient_id=patient.pk if patient else None
    )


def page(name, registration):
    return reverse(f"patients:registration-{name}", args=[registration.pk])


@pytest.mark.parametrize("name", ["detail", "activate", "reject"])
def test_the_wrong_people_decide_nothing(cast, client_for, name):
    registration = waiting()
    for person, status in ((cast.receptionist, 403), (cast.doctor, 403), (cast.owner, 403), (cast.patient_user, 404)):
        client = client_for(person)
        answer = (
            client.get(page(name, registration))
            if name == "detail"
            else client.post(page(name, registration), {"reason": "x"})
        )
        assert answer.status_code == status
    registration.refresh_from_db()
    assert registration.status == "pending"
    assert not registration.user.is_active


def test_activation_makes_a_record_and_opens_the_account(cast):
    registration = waiting(nik=NIK)
    patient = activate(cast, registration)
    user = User.objects.get(pk=registration.user_id)
    assert user.is_active
    assert user.patient == patient
    assert (patient.record_number, patient.nik, patient.email) == ("000001", NIK, "rudi@surat.example")
    registration.refresh_from_db()
    assert (registration.status, registration.patient, registration.made_record, registration.decided_by) == (
        "activated", patient, True, cast.admin,
    )  # fmt: skip
    mail = Email.objects.get(template="account_activated")
    assert mail.to_address == "rudi@surat.example"
    assert "000001" in mail.body_text
    assert "Rudi" not in mail.subject
    assert Notice.objects.filter(recipient=user, kind="account_activated").count() == 1
    event = AuditEvent.objects.get(action="patients.registration.activated")
    assert (event.actor_id, event.patient_id) == (cast.admin.pk, patient.pk)


def test_an_activated_patient_signs_in(cast, client):
    registration = waiting()
    activate(cast, registration)
    client.post(reverse("accounts:portal-login"), {"login": "rudi@surat.example", "password": "rahasia-klinik-2026"})
    assert client.session["_auth_user_id"] == str(registration.user_id)


def test_activation_connects_a_known_record_and_fills_its_blanks(cast):
    known = PatientFactory(full_name="Rudi Hartono", birth_date=BORN, phone=None, sex="male")
    registration = waiting(nik=NIK)
    patient = activate(cast, registration, known)
    assert patient.pk == known.pk
    known.refresh_from_db()
    assert (known.user_id, known.nik, known.phone, known.email) == (
        registration.user_id, NIK, "+6281311112222", "rudi@surat.example",
    )  # fmt: skip
    assert Patient.objects.count() == 1
    assert PortalRegistration.objects.get().made_record is False


def test_what_the_desk_wrote_is_not_replaced(cast):
    known = PatientFactory(
        full_name="Rudi Hartono",
        birth_date=date(1985, 3, 8),
        nik=NIK,
        phone="+628999999999",
        email="lama@surat.example",
    )
    patient = activate(cast, waiting(nik=NIK), known)
    assert (patient.phone, patient.email, patient.birth_date) == (
        "+628999999999",
        "lama@surat.example",
        date(1985, 3, 8),
    )


def test_only_the_same_person_can_be_connected(cast):
    taken = PatientFactory(full_name="Rudi Hartono", birth_date=BORN, user=UserFactory(kind="patient"))
    archived = PatientFactory(full_name="Rudi Hartono", birth_date=BORN, status="archived")
    family = PatientFactory(full_name="Wati", phone="+6281311112222")
    stranger = PatientFactory(full_name="Agus")
    registration = waiting()
    for patient in (taken, archived, family, stranger):
        with pytest.raises(RecordNotConnectable):
            activate(cast, registration, patient)
    with pytest.raises(RecordNotConnectable):
        services.activate_registration(registration_id=registration.pk, actor=cast.admin, existing_patient_id=uuid4())
    registration.refresh_from_db()
    assert registration.status == "pending"
    assert not User.objects.get(pk=registration.user_id).is_active
    assert Patient.objects.filter(user_id=registration.user_id).count() == 0
    assert not Email.objects.exists()


@pytest.mark.parametrize("forged", ["forged", "1' OR '1'='1", "0192f0c1-0000-7000-8000-000000000000", "stranger"])
def test_a_forged_record_id_is_refused_on_the_page(cast, client_for, forged):
    stranger = PatientFactory(full_name="Agus")
    registration = waiting()
    value = str(stranger.pk) if forged == "stranger" else forged
    answer = client_for(cast.admin).post(page("activate", registration), {"existing_patient_id": value})
    assert answer.status_code in (409, 422)
    registration.refresh_from_db()
    stranger.refresh_from_db()
    assert (registration.status, stranger.user_id) == ("pending", None)


def test_a_known_nik_cannot_become_a_second_record(cast, client_for):
    PatientFactory(full_name="Rudi Hartono", birth_date=BORN, nik=NIK)
    registration = waiting(nik=NIK)
    with pytest.raises(DuplicateNik):
        activate(cast, registration)
    assert client_for(cast.admin).post(page("activate", registration)).status_code == 409
    registration.refresh_from_db()
    assert (registration.status, Patient.objects.count()) == ("pending", 1)
    assert not User.objects.get(pk=registration.user_id).is_active


def test_rejection_keeps_the_door_closed_and_tells_why(cast, client_for):
    registration = waiting()
    client = client_for(cast.admin)
    assert client.post(page("reject", registration), {"reason": "  "}).status_code == 422
    with pytest.raises(ReasonMissing):
        services.reject_registration(registration_id=registration.pk, actor=cast.admin, reason="\x00")
    assert client.post(page("reject", registration), {"reason": "Data <b>tidak</b> cocok"}).status_code == 302
    registration.refresh_from_db()
    assert (registration.status, registration.reason) == ("rejected", "Data <b>tidak</b> cocok")
    assert not User.objects.get(pk=registration.user_id).is_active
    mail = Email.objects.get(template="registration_rejected")
    assert "Data <b>tidak</b> cocok" in mail.body_text
    assert "<b>tidak</b>" not in mail.body_html
    with pytest.raises(RegistrationDecided):
        activate(cast, registration)
    assert client.post(page("reject", registration), {"reason": "lagi"}).status_code == 409


def test_a_second_decision_answers_409(cast, client_for):
    registration = waiting()
    client = client_for(cast.admin)
    assert client.post(page("activate", registration)).status_code == 302
    assert client.post(page("activate", registration)).status_code == 409
    assert client.post(page("reject", registration), {"reason": "x"}).status_code == 409
    assert (Patient.objects.count(), Email.objects.filter(template="account_activated").count()) == (1, 1)


def test_the_page_shows_records_side_by_side(cast, client_for):
    known = PatientFactory(full_name="Rudi Hartono", birth_date=BORN, nik=NIK, sex="male", record_number="000321")
    family = PatientFactory(full_name="<b>Wati</b>", phone="+6281311112222", record_number="000654")
    registration = waiting(nik=NIK)
    body = client_for(cast.admin).get(page("detail", registration)).content.decode()
    assert "000321" in body
    assert f'value="{known.pk}"' in body
    assert "000654" in body
    assert f'value="{family.pk}"' not in body
    assert NIK not in body
    assert "&lt;b&gt;Wati" in body


def test_lists_and_pages(cast, client_for):
    rows = [RegistrationFactory(full_name=f"Orang {number}") for number in range(31)]
    services.reject_registration(registration_id=rows[0].pk, actor=cast.admin, reason="Ganda")
    client = client_for(cast.admin)
    body = client.get(LIST).content.decode()
    assert "Orang 1<" in body
    assert "Orang 30<" in body
    assert "after=" not in body
    RegistrationFactory(full_name="Orang 31")
    body = client.get(LIST).content.decode()
    assert "Orang 31<" not in body
    link = body.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "Orang 31<" in client.get(LIST + link).content.decode()
    decided = client.get(LIST, {"show": "decided"}).content.decode()
    assert "Orang 0<" in decided
    assert "Orang 1<" not in decided
    for forged in ("x", "' OR 1=1", str(uuid4())):
        assert client.get(LIST, {"after": forged, "show": forged}).status_code == 200
    panel = client.get(reverse("patients:registration-panel"))
    assert "<html" not in panel.content.decode()
    assert 'hx-trigger="live:accounts from:body"' in panel.content.decode()


@pytest.mark.parametrize("count", [3, 30])
def test_list_query_count(cast, client_for, django_assert_max_num_queries, count):
    for _number in range(count):
        RegistrationFactory()
    client = client_for(cast.admin)
    with django_assert_max_num_queries(6):
        client.get(LIST)


@pytest.mark.parametrize("count", [1, 6])
def test_detail_query_count(cast, client_for, django_assert_max_num_queries, count):
    for _number in range(count):
        PatientFactory(full_name="Rudi Hartono", birth_date=BORN)
    client = client_for(cast.admin)
    registration = waiting()
    with django_assert_max_num_queries(9):
        client.get(page("detail", registration))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["new", "connect", "mixed"])
def test_two_admins_and_double_clicks_give_one_activation(cast, race, how):
    admins = [cast.admin, UserFactory(roles=["admin"])]
    known = PatientFactory(full_name="Rudi Hartono", birth_date=BORN) if how != "new" else None
    registration = waiting()

    def decide(number):
        connect = known is not None and (how == "connect" or number % 2)
        return services.activate_registration(
            registration_id=registration.pk,
            actor=User.objects.get(pk=admins[number % 2].pk),
            existing_patient_id=known.pk if connect else None,
        )

    results = race(decide, [(number,) for number in range(8)])
    assert sum(isinstance(result, Patient) for result in results) == 1
    assert sum(isinstance(result, RegistrationDecided) for result in results) == 7
    assert Patient.objects.filter(user_id=registration.user_id).count() == 1
    assert Email.objects.filter(template="account_activated").count() == 1
    assert AuditEvent.objects.filter(action="patients.registration.activated").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_sign_ups_and_one_record(cast, race):
    known = PatientFactory(full_name="Rudi Hartono", birth_date=BORN)
    first, second = waiting(), waiting(user__email="rudi2@surat.example")
    admin = cast.admin

    def connect(registration):
        return services.activate_registration(
            registration_id=registration.pk, actor=admin, existing_patient_id=known.pk
        )

    results = race(connect, [(first,), (second,)])
    assert sorted(type(result).__name__ for result in results) == ["Patient", "RecordNotConnectable"]
    assert User.objects.filter(kind="patient", is_active=True).count() == 1
