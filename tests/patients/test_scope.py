"""Who sees which patients: the wrong person first."""

import pytest

from patients import services
from patients.models import Allergy, Patient, PortalRegistration
from tests.factories.patients import AllergyFactory, PatientFactory, RegistrationFactory

ALL = ("admin", "nurse", "receptionist", "cashier", "lab_officer")


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


def test_patients_see_themselves_only(cast, people):
    assert seen(cast.patient_user) == {"Siti Aminah"}
    assert seen(cast.other_patient_user) == {"Agus"}


def test_doctors_and_pharmacists_see_their_care_team(cast, people):
    assert seen(cast.doctor) == {"Pasien Dokter"}
    assert seen(cast.pharmacist) == {"Pasien Apotek"}


@pytest.mark.parametrize("role", ALL)
def test_desk_and_ward_see_everybody(cast, people, role):
    assert seen(getattr(cast, role)) == people


@pytest.mark.parametrize("role", [*ALL, "doctor", "patient_user"])
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
