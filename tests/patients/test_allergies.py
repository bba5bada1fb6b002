"""Allergies: three states, nothing deleted."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from patients import services
from patients.errors import AllergyClosed, AllergyExists, InvalidPatientData, NotAsked, ReasonMissing
from patients.models import Allergy, Patient
from patients.services import allergies
from pharmacy.services.prescribing import PrescriptionLine, check_lines
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.pharmacy import MedicineFactory

HTMX = {"HX-Request": "true"}


def add(cast, patient, **changes):
    fields = {"substance": "Amoksisilin", "category": "medication", "group": "penisilin", **changes}
    return services.record_allergy(patient_id=patient.pk, actor=cast.nurse, **fields)


def state(patient):
    stored = Patient.objects.get(pk=patient.pk)
    return stored.allergy_status, stored.allergy_asked_at is not None


def test_the_wrong_people_change_nothing(cast, client_for):
    patient = PatientFactory(care_team=[cast.doctor])
    allergy = AllergyFactory(patient=patient)
    addresses = {
        reverse("patients:allergy-add", args=[patient.pk]): {"substance": "Udang", "category": "food"},
        reverse("patients:allergies-deny", args=[patient.pk]): {},
        reverse("patients:allergy-mark-wrong", args=[allergy.pk]): {"reason": "salah"},
    }
    for address, data in addresses.items():
        assert client_for(cast.other_doctor).post(address, data).status_code == 404
        assert client_for(cast.cashier).post(address, data).status_code == 403
        assert client_for(cast.patient_user).post(address, data).status_code == 404
    assert [row.pk for row in Allergy.objects.all()] == [allergy.pk]
    assert Allergy.objects.get().status == Allergy.Status.ACTIVE


def test_three_states(cast):
    patient = PatientFactory()
    assert state(patient) == ("unknown", False)
    services.record_no_allergies(patient_id=patient.pk, actor=cast.nurse)
    assert state(patient) == ("none", True)
    first, second = add(cast, patient), add(cast, patient, substance="Udang", category="food", group="")
    assert state(patient) == ("known", True)
    services.mark_allergy_in_error(allergy_id=first.pk, actor=cast.nurse, reason="Pasien lain")
    assert state(patient) == ("known", True)
    services.mark_allergy_in_error(allergy_id=second.pk, actor=cast.nurse, reason="Salah ketik")
    assert state(patient) == ("unknown", False)
    assert Allergy.objects.count() == 2
    assert list(AuditEvent.objects.exclude(action="x").order_by("id").values_list("action", flat=True)) == [
        "patients.allergies.denied",
        "patients.allergy.recorded",
        "patients.allergy.recorded",
        "patients.allergy.marked_in_error",
        "patients.allergy.marked_in_error",
    ]


def test_none_is_not_said_over_a_known_allergy(cast):
    patient = PatientFactory()
    add(cast, patient)
    with pytest.raises(AllergyExists):
        services.record_no_allergies(patient_id=patient.pk, actor=cast.nurse)
    assert state(patient) == ("known", True)


def test_the_same_substance_is_recorded_once_until_marked(cast):
    patient = PatientFactory()
    allergy = add(cast, patient)
    with pytest.raises(AllergyExists):
        add(cast, patient, substance=" AMOKSISILIN ")
    services.mark_allergy_in_error(allergy_id=allergy.pk, actor=cast.nurse, reason="Salah")
    add(cast, patient)
    assert Allergy.objects.filter(status="active").count() == 1


@pytest.mark.parametrize(
    "changes",
    [{"substance": " \x00"}, {"substance": "x" * 121}, {"category": "gift"}, {"group": "gift"}, {"severity": "deadly"}],
    ids=str,
)
def test_impossible_values(cast, changes):
    patient = PatientFactory()
    with pytest.raises(InvalidPatientData):
        add(cast, patient, **changes)
    assert not Allergy.objects.exists()


def test_marking_needs_a_reason_and_happens_once(cast):
    allergy = AllergyFactory()
    with pytest.raises(ReasonMissing):
        services.mark_allergy_in_error(allergy_id=allergy.pk, actor=cast.nurse, reason=" \u200b ")
    services.mark_allergy_in_error(allergy_id=allergy.pk, actor=cast.nurse, reason="Salah")
    with pytest.raises(AllergyClosed):
        services.mark_allergy_in_error(allergy_id=allergy.pk, actor=cast.doctor, reason="Lain")
    allergy.refresh_from_db()
    assert (allergy.error_reason, allergy.marked_by) == ("Salah", cast.nurse)


# --- Codes, reactions, asking again, correcting -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "code", "category", "group", "shown"),
    [
        ("amoxicillin", "amoxicillin", "medication", "penisilin", "Amoksisilin"),
        ("Amoxsan", "amoxicillin", "medication", "penisilin", "Amoxsan"),
        ("obat sulfa", "sulfonamides", "medication", "sulfonamida", "obat sulfa"),
        ("PONSTAN", "mefenamic-acid", "medication", "nsaid", "PONSTAN"),
        ("udang", "shrimp", "food", "", "udang"),
        ("lateks", "latex", "environment", "", "lateks"),
        ("Zat kontras beryodium", "iodinated-contrast", "medication", "", "Zat kontras beryodium"),
        ("Daun ajaib", "", "food", "", "Daun ajaib"),
    ],
)
def test_names_become_codes_with_kind_and_group(cast, typed, code, category, group, shown):
    row = add(cast, PatientFactory(), substance=typed, category="food", group="")
    assert (row.code, row.category, row.group, row.substance) == (code, category, group, shown)


def test_the_same_substance_by_another_name_is_known(cast):
    patient = PatientFactory()
    AllergyFactory(patient=patient, substance="Amoksisilin")  # from before there were codes
    for same in ("amoxicillin", "Amoxsan", "AMOXICILLIN"):
        with pytest.raises(AllergyExists):
            add(cast, patient, substance=same)
    add(cast, patient, substance="penicillins")
    assert Allergy.objects.count() == 2


@pytest.mark.parametrize("typed", ["Amoxsan", "amoxicillin", "amoksisilin", "penicillins", "ampicillin"])
def test_a_coded_allergy_stops_the_prescription(cast, typed):
    patient = PatientFactory()
    add(cast, patient, substance=typed, group="", reaction_codes=["rash"])
    medicine = MedicineFactory(
        generic_name="Amoksisilin", ingredients=["amoksisilin 500 mg"], allergen_groups=["penisilin"]
    )
    lines = [PrescriptionLine(medicine.pk, Decimal(10), "3 x 1")]
    found = check_lines(Patient.objects.for_header().get(pk=patient.pk), lines)
    assert [(warning.kind, warning.stops) for warning in found] == [("allergy", True)]
    assert "Ruam" in found[0].message


def test_reactions_are_codes_and_words(cast):
    row = add(cast, PatientFactory(), reaction_codes=["hives", "breathlessness"], reaction="setelah 10 menit")
    assert row.reaction_codes == ["hives", "breathlessness"]
    assert row.reaction == "Biduran, Sesak napas; setelah 10 menit"


@pytest.mark.parametrize(
    "changes",
    [
        {"reaction_codes": ["gift"]},
        {"reaction_codes": ["rash", "rash"]},
        {"reaction": "x" * 201},
        {"source": "gift"},
        {"onset_year": 1989},
        {"onset_year": 2027},
    ],
    ids=str,
)
def test_impossible_details(cast, changes):
    with pytest.raises(InvalidPatientData):
        add(cast, PatientFactory(birth_date=date(1990, 5, 17)), **changes)
    assert not Allergy.objects.exists()


def test_asking_again_stamps_who_and_when(cast):
    patient = PatientFactory()
    with pytest.raises(NotAsked):
        allergies.confirm_allergies(patient_id=patient.pk, actor=cast.doctor)
    add(cast, patient)
    allergies.confirm_allergies(patient_id=patient.pk, actor=cast.doctor)
    stored = Patient.objects.get(pk=patient.pk)
    assert (stored.allergy_status, stored.allergy_asked_by) == ("known", cast.doctor)
    services.mark_allergy_in_error(allergy_id=Allergy.objects.get().pk, actor=cast.nurse, reason="Salah")
    stored.refresh_from_db()
    assert (stored.allergy_status, stored.allergy_asked_by) == ("unknown", None)


def test_correcting_marks_the_old_and_writes_the_new(cast, client_for):
    patient = PatientFactory(care_team=[cast.doctor])
    old = add(cast, patient, reaction_codes=["rash"], reaction="ringan")
    client, address = client_for(cast.doctor), reverse("patients:allergy-edit", args=[old.pk])
    assert client.get(address).context["form"].initial["reaction"] == "ringan"
    data = {"substance": "ampicillin", "category": "medication", "severity": "severe", "is_confirmed": "on"}
    assert client.post(address, data).status_code == 422
    assert client.post(address, {**data, "reason": "Zat salah"}).status_code == 302
    old.refresh_from_db()
    new = Allergy.objects.get(status="active")
    assert (old.status, old.error_reason) == ("entered_in_error", "Zat salah")
    assert (new.code, new.group, new.severity, new.is_confirmed) == ("ampicillin", "penisilin", "severe", True)
    assert client.post(address, {**data, "reason": "Lagi"}).status_code == 409


def test_only_clinicians_confirm(cast, client_for):
    patient = PatientFactory(care_team=[cast.doctor, "nurse"])
    data = {"substance": "shrimp", "category": "food", "is_confirmed": "on"}
    client_for(cast.nurse).post(reverse("patients:allergy-add", args=[patient.pk]), data)
    allergy = Allergy.objects.get()
    assert allergy.is_confirmed is False
    address = reverse("patients:allergy-confirm", args=[allergy.pk])
    assert client_for(cast.nurse).post(address).status_code == 403
    assert client_for(cast.doctor).post(address, headers=HTMX).status_code == 200
    allergy.refresh_from_db()
    assert allergy.is_confirmed is True
    services.mark_allergy_in_error(allergy_id=allergy.pk, actor=cast.nurse, reason="Salah")
    assert client_for(cast.doctor).post(address, headers=HTMX).status_code == 409


def test_the_panel_by_htmx_and_as_a_page(cast, client_for):
    patient = PatientFactory(care_team=[cast.doctor])
    client = client_for(cast.doctor)
    address = reverse("patients:allergy-add", args=[patient.pk])
    answer = client.post(address, {"substance": "<b>Udang</b>", "category": "food"}, headers=HTMX)
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in body
    assert "&lt;b&gt;Udang&lt;/b&gt;" in body
    assert 'id="patient-allergy-strip" hx-swap-oob="true"' in body
    again = client.post(address, {"substance": "<b>Udang</b>", "category": "food"}, headers=HTMX)
    assert again.status_code == 409
    assert client.post(address, {"substance": ""}).status_code == 422
    assert client.post(address, {"substance": "Kacang", "category": "food"}).status_code == 302
    denied = client.post(reverse("patients:allergies-deny", args=[patient.pk]))
    assert denied.status_code == 409
    allergy = Allergy.objects.first()
    wrong = reverse("patients:allergy-mark-wrong", args=[allergy.pk])
    assert client.post(wrong, {"reason": ""}, headers=HTMX).status_code == 422
    assert client.post(wrong, {"reason": "Pasien lain"}).status_code == 302
    assert "Pasien lain" in client.get(reverse("patients:allergies", args=[patient.pk])).content.decode()


def test_an_unknown_state_never_reads_none(cast, client_for):
    patient = PatientFactory(care_team=["nurse"])
    body = client_for(cast.nurse).get(reverse("patients:detail", args=[patient.pk])).content.decode()
    assert "allergy-strip-unknown" in body
    assert "allergy-strip-none" not in body


@pytest.mark.django_db(transaction=True)
def test_the_same_allergy_recorded_at_once_is_one(cast, race):
    patient = PatientFactory()
    nurse = cast.nurse

    def record(_number):
        return services.record_allergy(patient_id=patient.pk, actor=nurse, substance="Udang", category="food")

    results = race(record, [(number,) for number in range(6)])
    assert sum(isinstance(result, Allergy) for result in results) == 1
    assert sum(isinstance(result, AllergyExists) for result in results) == 5
