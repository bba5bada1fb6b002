"""The desk's form: kinds, splitting, ages, mothers, editing, regions."""

from datetime import date

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from patients import services
from patients.details import Address, RegistrationDetails, SocialData
from patients.models import Patient
from tests.factories.patients import PatientFactory

REGISTER, MOTHER, REGIONS = (reverse(f"patients:{name}") for name in ("register", "register-mother", "region-list"))
HTMX = {"HX-Request": "true"}
FORM = {
    "kind": "regular", "full_name": "dr. Budi Santoso, Sp.A", "birth_date": "1988-02-03", "sex": "male",
    "nik_missing": "not_shown", "guarantor": "self", "language": "id", "domicile_same": "on",
}  # fmt: skip
NIK = "2171015705900001"


def page(name, patient):
    return reverse(f"patients:{name}", args=[patient.pk])


def send(client, **changes):
    return client.post(REGISTER, {**FORM, **changes})


# --- Registering ----------------------------------------------------------------------------------------------------


def test_titles_are_split_and_everything_is_stored(cast, client_for):
    answer = send(
        client_for(cast.receptionist), religion="1", marital="2", address_line="Jl. Melati 3", address_rt="1",
        address_region="2171101001", emergency_name="Ani", emergency_relation="4", rhesus="+",
    )  # fmt: skip
    assert answer.status_code == 302
    patient = Patient.objects.get()
    assert (patient.title_prefix, patient.full_name, patient.title_suffix) == ("dr.", "Budi Santoso", "Sp.A")
    assert patient.address.endswith("Kota Batam, Kepulauan Riau 29463")
    assert (patient.demographics.religion_label, patient.demographics.nik_missing) == ("Islam", "not_shown")
    assert patient.contacts.get().relation_label == "Suami/istri"


def test_an_age_stands_for_a_date(cast, client_for):
    send(client_for(cast.receptionist), birth_date="", age_years="45")
    patient = Patient.objects.get()
    assert (patient.birth_date, patient.birth_accuracy, patient.age_label) == (date(1981, 3, 5), "year", "± 45 th")
    body = client_for(cast.receptionist).get(page("detail", patient)).content.decode()
    assert "± 45 th" in body
    assert "± 1981" in body
    assert "5 Maret 1981" not in body


def test_a_date_counts_more_than_an_age(cast, client_for):
    send(client_for(cast.receptionist), age_years="3", age_months="2")
    assert Patient.objects.get().birth_accuracy == "exact"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"nik_missing": ""}, "nik"),
        ({"birth_date": ""}, "birth_date"),
        ({"birth_date": "", "age_years": "500"}, "age_years"),
        ({"sex": "unknown"}, "sex"),
        ({"full_name": ""}, "full_name"),
        ({"address_rt": "abc"}, "address_rt"),
        ({"address_region": "99"}, "address_region"),
        ({"religion": "99"}, "religion"),
        ({"emergency_phone": "08123456789"}, "emergency_name"),
        ({"guarantor_nik": "1"}, "guarantor_nik"),
        ({"domicile_same": "", "domicile_postal_code": "1"}, "domicile_postal_code"),
        ({"family_card": "1"}, "family_card"),
        ({"kind": "robot"}, "kind"),
        ({"kind": "foreigner", "nik_missing": ""}, "passport"),
        ({"kind": "foreigner", "passport": "A1"}, "document_country"),
        ({"kind": "newborn", "full_name": ""}, "birth_date"),
        ({"kind": "newborn", "full_name": "", "birth_date": "2026-03-01"}, "mother_name"),
        ({"kind": "unknown", "full_name": "", "birth_date": ""}, "age_band"),
    ],
    ids=str,
)
def test_a_wrong_value_is_named_at_its_field_and_its_section_is_open(cast, client_for, changes, field):
    answer = send(client_for(cast.receptionist), **{**changes, "mother_name": ""})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert f'href="#{answer.context["form"][field].target_id}"' in answer.content.decode()
    assert not Patient.objects.exists()


def test_everything_wrong_is_named_at_once(cast, client_for):
    answer = send(
        client_for(cast.receptionist),
        full_name="",
        address_rt="x",
        domicile_same="",
        domicile_rw="x",
        kitas="<",
        guarantor_nik="1",
    )
    named = set(answer.context["form"].errors)
    assert named == {"full_name", "address_rt", "domicile_rw", "guarantor_nik"}


def test_what_stands_in_fields_of_another_kind_is_not_taken(cast, client_for):
    mother = PatientFactory(full_name="Rohani")
    answer = send(client_for(cast.receptionist), mother=str(mother.pk), passport="A1", escort_name="Ani", age_band="9")
    assert answer.status_code == 302
    made = Patient.objects.exclude(pk=mother.pk).get()
    assert (made.mother_id, made.identifiers.count(), made.contacts.count()) == (None, 0, 0)


def test_a_foreigner_needs_no_nik(cast, client_for):
    send(
        client_for(cast.receptionist),
        kind="foreigner",
        nik_missing="",
        passport="K123",
        document_country="SG",
        full_name="Lim Ah Beng",
    )
    patient = Patient.objects.get()
    assert (patient.identifiers.get().value, patient.demographics.nationality) == ("K123", "SG")


def test_an_unknown_person_needs_an_age_band_only(cast, client_for):
    answer = client_for(cast.receptionist).post(
        REGISTER, {"kind": "unknown", "sex": "female", "age_band": "5", "found_place": "Pelabuhan", "found_at": "2026-03-05T08:30",
                   "escort_name": "Briptu Andi", "guarantor": "self", "language": "id"},
    )  # fmt: skip
    assert answer.status_code == 302, answer.context["form"].errors
    patient = Patient.objects.get()
    assert (patient.full_name, patient.birth_accuracy, patient.demographics.age_band_label) == (
        "Ny. X 001",
        "estimated",
        "41–65 tahun",
    )
    assert clock.local(patient.demographics.found_at).hour == 8
    body = client_for(cast.receptionist).get(page("detail", patient)).content.decode()
    assert "Pelabuhan" in body
    assert "Briptu Andi" in body


# --- Mothers --------------------------------------------------------------------------------------------------------


def test_mothers_are_found_without_men_and_audited(cast, client_for):
    PatientFactory(full_name="Rohani Sari", nik=NIK)
    PatientFactory(full_name="Rohani Jaya", sex="male")
    body = client_for(cast.receptionist).post(MOTHER, {"mother_query": "rohani"}, headers=HTMX).content.decode()
    assert "Rohani Sari" in body
    assert "Rohani Jaya" not in body
    assert NIK not in body
    assert "<html" not in body
    assert AuditEvent.objects.filter(action__contains="search").count() == 1


def test_without_script_the_form_comes_back_with_what_was_typed(cast, client_for):
    PatientFactory(full_name="Rohani Sari")
    answer = client_for(cast.receptionist).post(
        MOTHER, {"mother_query": "rohani", "kind": "newborn", "birth_place": "Batam"}
    )
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "Rohani Sari" in body
    assert 'value="Batam"' in body
    assert "data-error-summary" not in body


def test_a_baby_is_registered_from_the_mothers_record(cast, client_for):
    mother = PatientFactory(full_name="Rohani")
    client = client_for(cast.receptionist)
    body = client.get(page("register-newborn", mother)).content.decode()
    assert f'value="{mother.pk}" checked' in body
    answer = client.post(REGISTER, {"kind": "newborn", "mother": str(mother.pk), "birth_date": "2026-03-04", "sex": "male",
                                    "guarantor": "self", "language": "id", "birth_time": "04:35"})  # fmt: skip
    assert answer.status_code == 302, answer.context["form"].errors
    baby = Patient.objects.get(mother=mother)
    assert baby.full_name == "By. Ny. Rohani"
    for shown, other in ((mother, baby), (baby, mother)):
        assert page("detail", other) in client.get(page("detail", shown)).content.decode()


def test_a_newborn_of_a_man_or_of_nobody_visible_is_404(cast, client_for):
    assert client_for(cast.receptionist).get(page("register-newborn", PatientFactory(sex="male"))).status_code == 404


# --- Editing --------------------------------------------------------------------------------------------------------


def edited(client, patient, **changes):
    """Send the edit page back as it came, with changes."""
    form = client.get(page("edit", patient)).context["form"]
    data = {name: form[name].value() for name in form.fields}
    data = {name: "" if value is None else value for name, value in data.items() if value is not False}
    return client.post(page("edit", patient), {**data, "version": str(patient.version), **changes})


@pytest.fixture
def whole(cast):
    details = RegistrationDetails(
        kind="newborn", birth_accuracy="month", title_prefix="dr.",
        social=SocialData(religion="1", mother_nik=NIK, birth_order=2, age_band="4", home_phone="0778123456", nationality="MY"),
        identity_address=Address(line="Jl. A", rt="1", region="217103", village="Kampung Baru"),
        domicile=Address(line="Kos", country="SG", postal_code="018989"),
    )  # fmt: skip
    return services.register_patient(
        actor=cast.receptionist,
        full_name="Siti Aminah",
        birth_date=date(2020, 1, 20),
        sex="female",
        phone="081234567890",
        details=details,
    )


def test_saving_without_a_change_changes_nothing(cast, client_for, whole):
    answer = edited(client_for(cast.receptionist), whole)
    assert answer.status_code == 302, answer.context["form"].errors
    assert Patient.objects.get(pk=whole.pk).version == 1


def test_an_estimated_age_stays_until_it_is_touched(cast, client_for, whole):
    client = client_for(cast.receptionist)
    edited(client, whole, religion="3")
    stored = Patient.objects.get(pk=whole.pk)
    assert (stored.birth_date, stored.birth_accuracy) == (date(2020, 1, 20), "month")
    edited(client, stored, birth_date="2020-02-02", age_years="", age_months="")
    stored.refresh_from_db()
    assert (stored.birth_date, stored.birth_accuracy) == (date(2020, 2, 2), "exact")


def test_a_conflict_names_what_differs_and_keeps_the_text(cast, client_for, whole):
    services.update_patient(
        patient_id=whole.pk,
        actor=cast.receptionist,
        version=1,
        details=RegistrationDetails(social=SocialData(religion="3")),
    )
    answer = edited(client_for(cast.receptionist), whole, religion="4", birth_place="Medan", version="1")
    assert answer.status_code == 409
    body = answer.content.decode()
    assert "Katolik" in body
    assert 'value="Medan"' in body
    assert Patient.objects.get(pk=whole.pk).birth_place == ""
    assert answer.context["version"] == 2  # what is stored now was shown: it may be replaced


def test_a_mistake_in_the_form_does_not_hide_that_somebody_else_saved(cast, client_for, whole):
    services.update_patient(patient_id=whole.pk, actor=cast.admin, version=1, birth_place="Batam")
    answer = edited(client_for(cast.receptionist), whole, full_name="", version="1")
    assert (answer.status_code, answer.context["version"]) == (422, 1)


# --- Regions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["receptionist", "patient_user"])
def test_regions_are_looked_up_by_post(cast, client_for, who):
    client = client_for(getattr(cast, who))
    answer = client.post(REGIONS, {"q": "baloi perm"})
    assert answer.json()["results"] == [
        {
            "id": "2171101001",
            "text": "Baloi Permai, Batam Kota, Kota Batam, Kepulauan Riau",
            "hint": "29463",
            "postal": "29463",
        }
    ]
    assert client.get(REGIONS, {"q": "baloi"}).status_code == 405


def test_the_record_says_once_what_is_missing(cast, client_for):
    body = client_for(cast.receptionist).get(page("detail", PatientFactory())).content.decode()
    assert body.count("facts-missing") == 1
    assert body.count('class="facts-empty"') <= 4
