"""Registering and changing patients."""

from datetime import date, timedelta

import pytest

from audit.models import AuditEvent
from core import clock
from patients import services
from patients.errors import DuplicateNik, InvalidPatientData, LikelyDuplicate, PatientChanged
from patients.models import Patient, PatientToken
from patients.search import find_patients

NIK = "2171015705900001"  # a woman born on 17 May 1990
BORN = date(1990, 5, 17)


def register(actor, **changes):
    fields = {"full_name": "Siti Aminah", "birth_date": BORN, "sex": "female", **changes}
    return services.register_patient(actor=actor, **fields)


def test_register_writes_record_index_and_audit(cast):
    patient = register(
        cast.receptionist, nik=NIK, phone="0812-3456-7890", email="SITI@Surat.example", address="Jl. Merdeka 1\r\nBatam"
    )
    assert patient.record_number == "000001"
    stored = Patient.objects.get(pk=patient.pk)
    assert (stored.phone, stored.email, stored.address) == (
        "+6281234567890",
        "siti@surat.example",
        "Jl. Merdeka 1\nBatam",
    )
    assert stored.created_by == cast.receptionist
    assert stored.consented_at is None  # set by the general consent, not by registering
    assert PatientToken.objects.filter(patient=patient).exists()
    for query in ("siti aminah", NIK, "081234567890", "000001", "17-05-1990 siti"):
        assert [found.pk for found in find_patients(user=cast.receptionist, query=query)] == [patient.pk], query
    event = AuditEvent.objects.get(action="patients.patient.registered")
    assert (event.actor_id, event.patient_id) == (cast.receptionist.pk, patient.pk)
    assert event.detail == {"record_number": "000001", "source": "desk", "looked_alike": False, "kind": "regular"}


def test_record_numbers_count_up(cast):
    numbers = [register(cast.receptionist, birth_date=BORN + timedelta(days=day)).record_number for day in range(3)]
    assert numbers == ["000001", "000002", "000003"]


@pytest.mark.parametrize(
    "changes",
    [
        {"nik": "123"},
        {"nik": "21710157059000x1"},
        {"nik": "8888888888888888"},
        {"nik": "2171017213900001"},
        {"nik": "2171015705900000"},
        {"full_name": "  \u200b \x00 "},
        {"full_name": "🙂🙂"},
        {"full_name": "A" * 300},
        {"birth_date": date(2999, 1, 1)},
        {"birth_date": date(1800, 1, 1)},
        {"birth_date": None},
        {"sex": "robot"},
        {"phone": "12"},
        {"phone": "<script>"},
        {"email": "nobody"},
        {"bpjs_number": "123"},
        {"guarantor": "king"},
        {"blood_type": "Z"},
        {"address": "x" * 501},
    ],
    ids=repr,
)
def test_impossible_values_are_refused(cast, changes):
    with pytest.raises(InvalidPatientData) as refusal:
        register(cast.receptionist, **changes)
    assert refusal.value.field == next(iter(changes))
    assert str(refusal.value)
    assert not Patient.objects.exists()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("<script>alert(1)</script> Siti", "<script>alert(1)</script> Siti"),
        ("Nu'man \"Ma'ruf\" O’Brien", "Nu'man \"Ma'ruf\" O’Brien"),
        ("Siti 🙂 Aminah", "Siti 🙂 Aminah"),
        ("Suharto", "Suharto"),
        ("  Siti\t\n  Aminah\x00\x1b\u202e ", "Siti Aminah"),
        ("'; DROP TABLE patients; --", "'; DROP TABLE patients; --"),
        ("A" * 200, "A" * 200),
        ("王小明", "王小明"),
    ],
)
def test_names_are_kept_as_written(cast, typed, stored):
    patient = register(cast.receptionist, full_name=typed)
    assert Patient.objects.get(pk=patient.pk).full_name == stored


def test_sixteen_nines_mean_that_the_nik_is_not_known(cast):
    patient = register(cast.receptionist, nik="9999 9999 9999 9999")
    assert Patient.objects.get(pk=patient.pk).nik is None
    assert Patient.objects.get(pk=patient.pk).nik_bidx is None


def test_a_known_nik_is_refused(cast):
    register(cast.receptionist, nik=NIK)
    with pytest.raises(DuplicateNik):
        register(cast.receptionist, full_name="Orang Lain", nik="2171 0157 0590 0001", birth_date=date(1991, 1, 1))
    assert Patient.objects.count() == 1


def test_many_patients_may_have_no_nik(cast):
    register(cast.receptionist, full_name="By. Ny. Rina", birth_date=date(2026, 1, 1))
    register(cast.receptionist, full_name="By. Ny. Susi", birth_date=date(2026, 1, 1), nik="")
    assert Patient.objects.filter(nik_bidx__isnull=True).count() == 2


@pytest.mark.parametrize("name", ["Siti Aminah", "SITI AMINAH", "Siti Aminnah", "Aminah", "Ny. Siti Aminah, S.Pd."])
def test_a_likely_duplicate_needs_a_reason(cast, name):
    known = register(cast.receptionist)
    with pytest.raises(LikelyDuplicate) as refusal:
        register(cast.receptionist, full_name=name)
    assert [patient.pk for patient in refusal.value.patients] == [known.pk]
    assert Patient.objects.count() == 1
    twin = register(cast.receptionist, full_name=name, duplicate_reason="Kembar, KTP berbeda")
    assert Patient.objects.get(pk=twin.pk).duplicate_reason == "Kembar, KTP berbeda"
    assert AuditEvent.objects.filter(action="patients.patient.registered").last().detail["looked_alike"] is True


@pytest.mark.parametrize("changes", [{"full_name": "Budi Santoso"}, {"birth_date": date(1990, 5, 18)}], ids=repr)
def test_another_name_or_date_is_no_duplicate(cast, changes):
    register(cast.receptionist)
    register(cast.receptionist, **changes)
    assert Patient.objects.count() == 2


def test_find_duplicates_names_the_signs(cast):
    same_nik = register(cast.receptionist, full_name="Rina", birth_date=date(1980, 1, 1), nik=NIK)
    same_name = register(cast.receptionist)
    family = register(cast.receptionist, full_name="Budi", birth_date=date(1970, 1, 1), phone="08123456789")
    found = services.find_duplicates(
        user=cast.receptionist, full_name="Siti Aminah", birth_date=BORN, nik=NIK, phone="+62 812-345-6789"
    )
    assert [(patient.pk, patient.signs) for patient in found] == [
        (same_nik.pk, ["nik"]),
        (same_name.pk, ["name", "birth_date"]),
        (family.pk, ["phone"]),
    ]
    assert services.find_duplicates(user=cast.doctor, full_name="Siti Aminah", birth_date=BORN) == []
    assert services.find_duplicates(user=cast.patient_user, nik=NIK) == []
    assert services.find_duplicates(user=cast.receptionist, full_name="Siti", nik="12", phone="x") == []


def test_update_changes_index_and_version(cast):
    patient = register(cast.receptionist, phone="081234567890")
    changed = services.update_patient(
        patient_id=patient.pk, actor=cast.receptionist, version=1, full_name="Siti Rahmawati", phone="0811111111"
    )
    assert changed.version == 2
    assert find_patients(user=cast.receptionist, query="rahmawati")
    assert not find_patients(user=cast.receptionist, query="aminah")
    assert not find_patients(user=cast.receptionist, query="081234567890")
    event = AuditEvent.objects.get(action="patients.patient.updated")
    assert event.detail == {"fields": ["full_name", "phone"]}


def test_update_with_an_old_version_writes_nothing(cast):
    patient = register(cast.receptionist)
    services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=1, birth_place="Batam")
    with pytest.raises(PatientChanged):
        services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=1, birth_place="Medan")
    stored = Patient.objects.get(pk=patient.pk)
    assert (stored.birth_place, stored.version) == ("Batam", 2)


def test_update_without_a_change_writes_nothing(cast):
    patient = register(cast.receptionist)
    services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=1, full_name=" Siti  Aminah ")
    assert Patient.objects.get(pk=patient.pk).version == 1
    assert not AuditEvent.objects.filter(action="patients.patient.updated").exists()


def test_update_refuses_the_nik_of_another(cast):
    register(cast.receptionist, nik=NIK)
    other = register(cast.receptionist, full_name="Budi")
    with pytest.raises(DuplicateNik):
        services.update_patient(patient_id=other.pk, actor=cast.receptionist, version=1, nik=NIK)
    assert Patient.objects.get(pk=other.pk).nik is None


def test_today_is_a_birth_date_tomorrow_is_not(cast):
    register(cast.receptionist, full_name="By. Ny. Rina", birth_date=clock.today())
    with pytest.raises(InvalidPatientData):
        register(cast.receptionist, full_name="By. Ny. Susi", birth_date=clock.today() + timedelta(days=1))


def _numbers(actor, base, count):
    return [
        services.register_patient(
            actor=actor, full_name=f"Pasien {base}", birth_date=date(1950 + base, 1, 1 + step), sex="male"
        ).record_number
        for step in range(count)
    ]


@pytest.mark.django_db(transaction=True)
def test_200_parallel_registrations_get_200_numbers(cast, race):
    actor = cast.receptionist
    results = race(_numbers, [(actor, base, 5) for base in range(40)])
    failures = [result for result in results if isinstance(result, Exception)]
    assert not failures
    assert sorted(number for numbers in results for number in numbers) == [f"{number:06d}" for number in range(1, 201)]
    assert Patient.objects.count() == 200


@pytest.mark.django_db(transaction=True)
def test_one_nik_registered_ten_times_at_once_is_one_patient(cast, race):
    actor = cast.receptionist
    results = race(lambda n: register(actor, full_name=f"Orang {chr(65 + n) * 3}", nik=NIK), [(n,) for n in range(10)])
    assert sum(isinstance(result, Patient) for result in results) == 1
    assert sum(isinstance(result, DuplicateNik) for result in results) == 9
    assert Patient.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_double_click_without_nik_is_one_patient(cast, race):
    actor = cast.receptionist
    results = race(lambda _n: register(actor), [(n,) for n in range(6)])
    assert sum(isinstance(result, Patient) for result in results) == 1
    assert sum(isinstance(result, LikelyDuplicate) for result in results) == 5
