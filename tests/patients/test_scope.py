"""Who sees which patients: the wrong person first."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from accounts.access import Role
from audit.models import AuditEvent
from core import clock
from patients import services
from patients.access import may_read_record
from patients.models import Allergy, CareTeamMember, Patient, PortalRegistration
from tests.factories.accounts import UserFactory
from tests.factories.patients import AllergyFactory, PatientFactory, RegistrationFactory

ALL = ("admin", "receptionist", "cashier")  # who must know anybody who comes to the desk
TEAM = ("doctor", "nurse", "pharmacist", "lab_officer", "radiographer")


def seen(user):
    return set(Patient.objects.visible_to(user).values_list("full_name", flat=True))


@pytest.fixture
def people(cast):
    """One patient in the doctor's care team, one of the pharmacists, one of nobody, and two with accounts."""
    PatientFactory(full_name="Pasien Dokter", care_team=[cast.doctor])
    PatientFactory(full_name="Pasien Apotek", care_team=["pharmacist"])
    PatientFactory(full_name="Pasien Baru")
    assert cast.patient_user.pk
    assert cast.other_patient_user.pk
    return {"Pasien Dokter", "Pasien Apotek", "Pasien Baru", "Siti Aminah", "Agus"}


def test_outsiders_see_nobody(cast, people):
    from django.contrib.auth.models import AnonymousUser

    assert seen(AnonymousUser()) == set()
    assert seen(None) == set()
    assert seen(cast.owner) == set()
    assert seen(cast.other_doctor) == set()
    assert seen(cast.nurse) == set()
    assert seen(cast.lab_officer) == set()
    assert seen(cast.radiographer) == set()


def test_patients_see_themselves_only(cast, people):
    assert seen(cast.patient_user) == {"Siti Aminah"}
    assert seen(cast.other_patient_user) == {"Agus"}


def test_doctors_and_pharmacists_see_their_care_team(cast, people):
    assert seen(cast.doctor) == {"Pasien Dokter"}
    assert seen(cast.pharmacist) == {"Pasien Apotek"}


@pytest.mark.parametrize("role", ALL)
def test_the_desk_sees_everybody(cast, people, role):
    assert seen(getattr(cast, role)) == people


@pytest.mark.parametrize("role", [*ALL, *TEAM, "patient_user"])
def test_a_closed_account_sees_nobody(cast, people, role):
    user = getattr(cast, role)
    user.is_active = False
    assert seen(user) == set()


def test_a_one_time_password_opens_nothing(cast, people):
    cast.receptionist.must_change_password = True
    cast.receptionist.forget_roles()
    assert seen(cast.receptionist) == set()


def test_allergies_follow_their_patient(cast):
    allergy = AllergyFactory(patient=PatientFactory(care_team=[cast.doctor]))
    for user, expected in (
        (cast.doctor, [allergy]),
        (cast.other_doctor, []),
        (cast.patient_user, []),
        (cast.owner, []),
    ):
        assert list(Allergy.objects.visible_to(user)) == expected


def test_registrations_are_for_those_who_activate(cast):
    registration = RegistrationFactory()
    for role in ("receptionist", "doctor", "owner", "patient_user"):
        assert not PortalRegistration.objects.visible_to(getattr(cast, role)).exists()
    assert list(PortalRegistration.objects.visible_to(cast.admin)) == [registration]


def test_the_care_team_takes_people_and_roles_once(cast):
    patient = PatientFactory()
    for _time in range(2):
        services.add_to_care_team(patient_id=patient.pk, user_id=cast.doctor.pk)
        services.add_to_care_team(patient_id=patient.pk, role="pharmacist")
    assert patient.care_team.count() == 2
    assert Patient.objects.visible_to(cast.pharmacist).count() == 1
    with pytest.raises(ValueError, match="user or a role"):
        services.add_to_care_team(patient_id=patient.pk)


@pytest.mark.django_db(transaction=True)
def test_joining_the_care_team_at_once_gives_one_row(cast, race):
    patient = PatientFactory()
    doctor = cast.doctor

    def join(_number):
        return services.add_to_care_team(patient_id=patient.pk, user_id=doctor.pk).pk

    assert len(set(race(join, [(number,) for number in range(8)]))) == 1


# --- A second role shows more people, not more records -----------------------------------------------------------------


@pytest.mark.parametrize("second", [Role.RECEPTIONIST, Role.CASHIER])
@pytest.mark.parametrize("first", [Role.NURSE, Role.DOCTOR, Role.PHARMACIST])
def test_a_second_role_at_the_desk_opens_no_record(cast, first, second):
    both = UserFactory(username="dua.peran", roles=[first, second])
    mine, other = PatientFactory(care_team=[both]), PatientFactory()
    assert set(Patient.objects.visible_to(both)) == {mine, other}
    assert list(Patient.objects.readable_by(both)) == [mine]
    assert not may_read_record(both, other)
    assert may_read_record(both, mine) == (first != Role.PHARMACIST)


@pytest.mark.parametrize("who", ["receptionist", "cashier", "owner", "lab_officer"])
def test_without_a_part_in_care_there_is_no_record(cast, who):
    PatientFactory()
    assert not Patient.objects.readable_by(getattr(cast, who)).exists()


def test_admins_read_every_record(cast):
    patient = PatientFactory()
    assert list(Patient.objects.readable_by(cast.admin)) == [patient]
    assert not Patient.objects.in_care_of(cast.admin).exists()


# --- Care has reasons, and they end --------------------------------------------------------------------------------------


def test_care_ends_with_its_reason_only(cast):
    patient = PatientFactory()
    first, second = uuid4(), uuid4()
    for source_id in (first, second):
        services.add_to_care_team(
            patient_id=patient.pk, user_id=cast.doctor.pk, source="appointment", source_id=source_id
        )
    assert services.end_care(source="appointment", source_id=first) == 1
    assert services.end_care(source="appointment", source_id=first) == 0
    assert Patient.objects.visible_to(cast.doctor).exists(), "the other appointment stands"
    assert services.end_care(source="visit", source_id=second) == 0
    assert services.end_care(source="appointment", source_id=second) == 1
    assert not Patient.objects.visible_to(cast.doctor).exists()


def test_a_reason_that_ended_begins_again(cast):
    patient, source_id = PatientFactory(), uuid4()
    reason = {"patient_id": patient.pk, "user_id": cast.doctor.pk, "source": "visit", "source_id": source_id}
    row = services.add_to_care_team(**reason)
    services.end_care(source="visit", source_id=source_id)
    assert services.add_to_care_team(**reason).pk == row.pk
    assert Patient.objects.visible_to(cast.doctor).exists()


def test_care_with_an_end_stops_at_that_moment(cast):
    patient = PatientFactory()
    now = clock.now()
    services.add_to_care_team(patient_id=patient.pk, role=Role.NURSE, ends_at=now + timedelta(hours=1))
    with time_machine.travel(now + timedelta(minutes=59), tick=False):
        assert Patient.objects.visible_to(cast.nurse).exists()
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        assert not Patient.objects.visible_to(cast.nurse).exists()


def test_reasons_and_ends_are_on_record(cast):
    patient, source_id = PatientFactory(), uuid4()
    services.add_to_care_team(patient_id=patient.pk, user_id=cast.doctor.pk, source="visit", source_id=source_id)
    services.end_care(source="visit", source_id=source_id)
    events = AuditEvent.objects.filter(patient_id=patient.pk, action__startswith="patients.care_team.")
    assert [(event.action.rsplit(".", 1)[1], event.detail["source"]) for event in events.order_by("id")] == [
        ("added", "visit"),
        ("ended", "visit"),
    ]
    assert CareTeamMember.objects.get().ends_at is not None


@pytest.mark.django_db(transaction=True)
def test_ending_and_beginning_at_once_leaves_one_row(cast, race):
    patient, source_id, doctor = PatientFactory(), uuid4(), cast.doctor

    def begin_or_end(number):
        if number % 2:
            return services.end_care(source="visit", source_id=source_id)
        return services.add_to_care_team(patient_id=patient.pk, user_id=doctor.pk, source="visit", source_id=source_id)

    results = race(begin_or_end, [(number,) for number in range(8)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert CareTeamMember.objects.count() == 1
