"""Allergies: three states, nothing deleted."""

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from patients import services
from patients.errors import AllergyClosed, AllergyExists, InvalidPatientData, ReasonMissing
from patients.models import Allergy, Patient
from tests.factories.patients import AllergyFactory, PatientFactory

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
