"""Registering with everything the ministry asks for: kinds, addresses, people around, numbers, completeness."""

from datetime import date, time
from uuid import UUID

import pytest
from django.utils import translation

from audit.models import AuditEvent
from core import clock
from core.ids import uuid7
from patients import codes, services
from patients.details import Address, Contact, Number, RegistrationDetails, SocialData, address_text, born_before
from patients.errors import AlreadyRegistered, InvalidPatientData, LikelyDuplicate
from patients.models import (
    Patient,
    PatientAddress,
    PatientContact,
    PatientDemographics,
    PatientIdentifier,
    RegistrationDraft,
)
from patients.records import details_of, missing_for_law
from patients.search import find_patients
from patients.services.drafts import save_draft
from tests.factories.patients import PatientFactory

NIK = "2171015705900001"
BALOI = Address(line="Jl. Melati 3", rt="1", rw="02", region="21.71.10.1001")
PRINTED = "Jl. Melati 3, RT 001/RW 002\nKel. Baloi Permai, Kec. Batam Kota\nKota Batam, Kepulauan Riau 29463"


def register(actor, details=None, **changes):
    fields = {"full_name": "Siti Aminah", "birth_date": date(1990, 5, 17), "sex": "female", **changes}
    return services.register_patient(actor=actor, details=details, **fields)


def newborn(actor, mother, *, order=None, **changes):
    details = RegistrationDetails(
        kind="newborn", mother_id=mother.pk, birth_time=time(4, 35), social=SocialData(birth_order=order)
    )
    fields = {"full_name": "", "birth_date": date(2026, 3, 4), "sex": "male", **changes}
    return register(actor, details, **fields)


# --- Codes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("religion", "12345678"), ("education", "012345678"), ("occupation", "012345"), ("marital", "1234"),
     ("relation", "123456"), ("age_band", "123456"), ("sex", "01234"), ("payment", "123")],
)  # fmt: skip
def test_the_lists_have_the_codes_of_the_decree(name, numbers):
    assert "".join(row.code for row in codes.CODES[name]) == numbers
    assert all(row.label and row.english for row in codes.CODES[name])


@pytest.mark.parametrize("text", ["1", "Islam", "ISLAM ", "islam"])
def test_words_and_codes_are_recognised(text):
    assert codes.find_code("religion", text) == "1"
    assert codes.find_code("religion", "Jedi") == ""


# --- Parts ----------------------------------------------------------------------------------------------------------


def test_everything_is_stored_with_code_and_label(cast):
    details = RegistrationDetails(
        title_prefix="dr.", title_suffix="Sp.A", rhesus="+",
        social=SocialData(religion="1", education="6", occupation="5", occupation_text="Nelayan", marital="2", ethnicity="Melayu"),
        identity_address=BALOI,
        domicile=Address(line="Kos Mawar 2", region="217103"),
        contacts=(Contact("emergency", "Budi", "4", "0812-1111-2222", "Jl. Melati 3"), Contact("guarantor", "Budi", "4", nik=NIK)),
        numbers=(Number("family_card", "2171 0101 0203 0001"),),
    )  # fmt: skip
    patient = register(cast.receptionist, details)
    stored = Patient.objects.get(pk=patient.pk)
    assert (stored.display_name, stored.rhesus, stored.address) == ("dr. Siti Aminah, Sp.A", "+", PRINTED)
    social = stored.demographics
    assert (social.religion_code, social.religion_label, social.education_label) == ("1", "Islam", "S1")
    assert (social.occupation_label, social.occupation_text, social.marital_label) == ("Lain-lain", "Nelayan", "Kawin")
    row = stored.addresses.get(use=PatientAddress.Use.IDENTITY)
    assert (row.village_code, row.village_name, row.district_code, row.province_code) == (
        "2171101001",
        "Baloi Permai",
        "217110",
        "21",
    )
    assert stored.addresses.get(use=PatientAddress.Use.DOMICILE).district_name == "Sekupang"
    emergency = stored.contacts.get(role="emergency")
    assert (emergency.name, emergency.relation_label, emergency.phone) == ("Budi", "Suami/istri", "+6281211112222")
    assert stored.identifiers.get().value == "2171010102030001"
    assert details_of(stored) == RegistrationDetails(
        kind="regular", title_prefix="dr.", title_suffix="Sp.A", birth_accuracy="exact", rhesus="+",
        social=details.social,
        identity_address=Address(line="Jl. Melati 3", rt="001", rw="002", region="2171101001", postal_code="29463"),
        domicile=Address(line="Kos Mawar 2", region="217103"),
        contacts=(Contact("emergency", "Budi", "4", "+6281211112222", "Jl. Melati 3"), Contact("guarantor", "Budi", "4", nik=NIK)),
        numbers=(Number("family_card", "2171010102030001"),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (RegistrationDetails(identity_address=Address(rt="x")), "address_rt"),
        (RegistrationDetails(identity_address=Address(rt="٣")), "address_rt"),
        (RegistrationDetails(identity_address=Address(postal_code="12")), "address_postal_code"),
        (RegistrationDetails(identity_address=Address(region="9999")), "address_region"),
        (RegistrationDetails(identity_address=Address(line="x" * 301)), "address_line"),
        (RegistrationDetails(identity_address=Address(line="x", country="XX")), "address_country"),
        (RegistrationDetails(domicile=Address(rw="1234")), "domicile_rw"),
        (RegistrationDetails(social=SocialData(religion="9")), "religion"),
        (RegistrationDetails(social=SocialData(mother_nik="1")), "mother_nik"),
        (RegistrationDetails(social=SocialData(home_phone="x")), "home_phone"),
        (RegistrationDetails(social=SocialData(nik_missing="x")), "nik_missing"),
        (RegistrationDetails(contacts=(Contact("emergency", phone="08123456789"),)), "emergency_name"),
        (RegistrationDetails(contacts=(Contact("emergency", "Budi", phone="x"),)), "emergency_phone"),
        (RegistrationDetails(contacts=(Contact("guarantor", "Budi", "9"),)), "guarantor_relation"),
        (RegistrationDetails(numbers=(Number("passport", "<script>"),)), "passport"),
        (RegistrationDetails(numbers=(Number("family_card", "12"),)), "family_card"),
        (RegistrationDetails(kind="robot"), "kind"),
        (RegistrationDetails(rhesus="x"), "rhesus"),
    ],
    ids=repr,
)
def test_impossible_details_are_refused_and_nothing_is_written(cast, details, field):
    with pytest.raises(InvalidPatientData) as refusal:
        register(cast.receptionist, details)
    assert refusal.value.field == field
    assert not Patient.objects.exists()


def test_a_region_in_words_is_kept_and_recognised_when_it_means_one_place(cast):
    known = register(
        cast.receptionist, RegistrationDetails(identity_address=Address(line="Jl. A", village="baloi permai"))
    )
    assert known.addresses.get().village_code == "2171101001"
    elsewhere = Address(line="Jl. B", village="Keude", regency="Aceh Selatan", province="Aceh")
    other = register(cast.receptionist, RegistrationDetails(identity_address=elsewhere), full_name="Rudi")
    assert Patient.objects.get(pk=other.pk).address == "Jl. B\nKel. Keude\nAceh Selatan, Aceh"
    assert other.addresses.get().village_code == ""


def test_addresses_abroad_name_their_country():
    columns = {"line": "1 Marina Blvd", "postal_code": "018989", "country": "SG"}
    assert address_text(columns) == "1 Marina Blvd\n018989\nSingapura"


# --- Changing -------------------------------------------------------------------------------------------------------


def test_changing_a_part_raises_the_version_and_names_it(cast):
    patient = register(cast.receptionist, RegistrationDetails(identity_address=BALOI, social=SocialData(religion="1")))
    details = RegistrationDetails(
        identity_address=Address(line="Jl. Baru 9", region="217103"), social=SocialData(religion="3"),
        contacts=(Contact("emergency", "Budi"),), numbers=(Number("passport", "a 123", "SG"),),
    )  # fmt: skip
    changed = services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=1, details=details)
    assert changed.version == 2
    assert Patient.objects.get(pk=patient.pk).address == "Jl. Baru 9\nKec. Sekupang\nKota Batam, Kepulauan Riau"
    assert AuditEvent.objects.get(action="patients.patient.updated").detail == {
        "fields": ["address", "contact_emergency", "numbers", "social"]
    }
    assert PatientDemographics.objects.get(pk=patient.pk).religion_label == "Katolik"


def test_the_same_details_again_write_nothing(cast):
    details = RegistrationDetails(
        identity_address=BALOI, social=SocialData(religion="1"), contacts=(Contact("emergency", "Budi"),)
    )
    patient = register(cast.receptionist, details)
    services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=1, details=details)
    assert Patient.objects.get(pk=patient.pk).version == 1
    assert not AuditEvent.objects.filter(action="patients.patient.updated").exists()


def test_emptied_parts_go(cast):
    details = RegistrationDetails(
        identity_address=BALOI,
        domicile=Address(line="Kos"),
        contacts=(Contact("emergency", "Budi"),),
        numbers=(Number("passport", "A1"),),
    )
    patient = register(cast.receptionist, details)
    empty = RegistrationDetails(domicile=Address(), contacts=(Contact("emergency"),), numbers=(Number("passport"),))
    services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=1, details=empty)
    assert [row.use for row in patient.addresses.all()] == ["identity"]  # said nothing about it
    assert not PatientContact.objects.exists()
    assert not PatientIdentifier.objects.exists()


def test_a_free_text_address_replaces_the_parts(cast):
    patient = register(cast.receptionist, RegistrationDetails(identity_address=BALOI))
    services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=1, address="Dekat pasar")
    assert Patient.objects.get(pk=patient.pk).address == "Dekat pasar"
    assert not patient.addresses.exists()


# --- Newborns -------------------------------------------------------------------------------------------------------


@pytest.fixture
def mother(cast):
    details = RegistrationDetails(identity_address=BALOI)
    return register(cast.receptionist, details, full_name="Rohani", nik=NIK, phone="081234567890")


def test_a_newborn_has_what_the_mothers_record_says(cast, mother):
    baby = newborn(cast.receptionist, mother)
    stored = Patient.objects.get(pk=baby.pk)
    assert (stored.full_name, stored.mother_name, stored.mother_id) == ("By. Ny. Rohani", "Rohani", mother.pk)
    assert (stored.phone, stored.address, stored.birth_time, stored.nik) == (mother.phone, PRINTED, time(4, 35), None)
    assert stored.record_number != mother.record_number
    social = stored.demographics
    assert (social.mother_nik, social.marital_code, social.education_code, social.occupation_code) == (
        NIK,
        "1",
        "0",
        "0",
    )
    responsible = stored.contacts.get(role="guarantor")
    assert (responsible.name, responsible.relation_code, responsible.nik) == ("Rohani", "2", NIK)
    assert stored.addresses.get().village_code == "2171101001"


def test_what_was_written_of_a_newborn_stands(cast, mother):
    details = RegistrationDetails(
        kind="newborn",
        mother_id=mother.pk,
        identity_address=Address(line="Jl. Ayah 1"),
        contacts=(Contact("guarantor", "Agus", "2"),),
    )
    baby = register(cast.receptionist, details, full_name="Bintang", birth_date=date(2026, 3, 4), phone="081111111111")
    assert (baby.full_name, baby.phone, baby.address) == ("Bintang", "+6281111111111", "Jl. Ayah 1")
    assert baby.contacts.get(role="guarantor").name == "Agus"


def test_twins_are_two_people_and_one_baby_is_not_two(cast, mother):
    first = newborn(cast.receptionist, mother, order=1)
    second = newborn(cast.receptionist, mother, order=2)
    assert [first.full_name, second.full_name] == ["By. Ny. Rohani I", "By. Ny. Rohani II"]
    with pytest.raises(LikelyDuplicate):
        newborn(cast.receptionist, mother, order=2)
    assert Patient.objects.filter(mother=mother).count() == 2


@pytest.mark.parametrize("trait", [{"sex": "male"}, {"status": "archived"}])
def test_a_mother_who_cannot_be_is_refused(cast, trait):
    other = PatientFactory(full_name="Rohani", **trait)
    with pytest.raises(InvalidPatientData) as refusal:
        newborn(cast.receptionist, other)
    assert refusal.value.field == "mother"


def test_a_mother_the_actor_does_not_see_is_refused(cast):
    other = PatientFactory(full_name="Rohani")
    with pytest.raises(InvalidPatientData):
        newborn(cast.doctor, other)


def test_a_baby_that_gets_a_name_keeps_the_number_and_the_old_name(cast, mother):
    baby = newborn(cast.receptionist, mother)
    services.update_patient(
        patient_id=baby.pk,
        actor=cast.receptionist,
        version=1,
        full_name="Bintang Putra",
        details=RegistrationDetails(kind="regular"),
    )
    stored = Patient.objects.get(pk=baby.pk)
    assert (stored.full_name, stored.kind, stored.record_number) == ("Bintang Putra", "regular", baby.record_number)
    former = stored.identifiers.get()
    assert (former.kind, former.value) == ("former_name", "By. Ny. Rohani")
    for query in ("bintang", "By. Ny. Rohani", "by ny rohani"):
        assert find_patients(user=cast.receptionist, query=query)[0].pk == baby.pk, query
    assert baby.pk not in {row.pk for row in find_patients(user=cast.receptionist, query="rohani")}


def test_an_ordinary_rename_keeps_no_former_name(cast):
    patient = register(cast.receptionist)
    services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=1, full_name="Siti Aminah Putri")
    assert not PatientIdentifier.objects.exists()


# --- Foreigners and unknown people ----------------------------------------------------------------------------------


def test_a_foreigner_is_found_by_the_passport(cast):
    details = RegistrationDetails(
        kind="foreigner", numbers=(Number("passport", "k1234567e", "SG"),), social=SocialData(nationality="SG")
    )
    patient = register(cast.receptionist, details, full_name="Lim Ah Beng", sex="male")
    assert (patient.identifiers.get().value, patient.identifiers.get().country) == ("K1234567E", "SG")
    assert [row.pk for row in find_patients(user=cast.receptionist, query="K1234567E")] == [patient.pk]


def test_unknown_people_are_numbered_and_completed_later(cast):
    details = RegistrationDetails(
        kind="unknown", birth_accuracy="estimated", social=SocialData(age_band="4", found_place="Pelabuhan")
    )
    born = born_before(clock.today(), years=29)
    first = register(cast.receptionist, details, full_name="", birth_date=born, sex="male")
    second = register(
        cast.receptionist, details, full_name="", birth_date=born, sex="male", duplicate_reason="Orang lain"
    )
    assert [first.full_name, second.full_name] == ["Tn. X 001", "Tn. X 002"]
    assert (first.age_label, first.birth_label, first.salutation) == ("± 29 th", "± 1997", "")
    services.update_patient(
        patient_id=first.pk, actor=cast.receptionist, version=1, full_name="Agus Salim", birth_date=date(1995, 1, 2),
        details=RegistrationDetails(kind="regular", birth_accuracy="exact"),
    )  # fmt: skip
    stored = Patient.objects.get(pk=first.pk)
    assert (stored.record_number, stored.full_name, stored.age_label) == (first.record_number, "Agus Salim", "31 th")
    assert stored.identifiers.get().value == "Tn. X 001"
    assert [row.pk for row in find_patients(user=cast.receptionist, query="Tn. X 001")] == [first.pk]
    assert stored.demographics.found_place == "Pelabuhan"


# --- Ages, salutations, completeness --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("years", "months", "born"),
    [(45, 0, date(1981, 3, 5)), (0, 1, date(2026, 2, 5)), (1, 3, date(2024, 12, 5)), (0, 0, date(2026, 3, 5))],
)
def test_an_age_becomes_a_birth_date(years, months, born):
    assert born_before(date(2026, 3, 5), years=years, months=months) == born
    assert born_before(date(2026, 3, 31), years=0, months=1) == date(2026, 2, 28)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("born", "sex", "marital", "salutation"),
    [(date(2025, 6, 1), "male", "", "By."), (date(2015, 6, 1), "female", "", "An."), (date(1990, 1, 1), "male", "", "Tn."),
     (date(1990, 1, 1), "female", "2", "Ny."), (date(1990, 1, 1), "female", "", "Ny."), (date(1990, 1, 1), "female", "1", "Nn."),
     (date(1990, 1, 1), "unknown", "", "")],
)  # fmt: skip
def test_salutations_follow_age_sex_and_marriage(born, sex, marital, salutation):
    patient = PatientFactory(birth_date=born, sex=sex)
    PatientDemographics.objects.create(patient=patient, marital_code=marital, updated_at=clock.now())
    assert Patient.objects.get(pk=patient.pk).salutation == salutation


@pytest.mark.django_db
def test_what_the_law_misses_is_named():
    patient = PatientFactory(nik=NIK)
    whole = SocialData(religion="1", occupation="0", education="0", marital="1")
    assert missing_for_law(patient, whole) == []
    missing = missing_for_law(PatientFactory(), SocialData(religion="1"))
    with translation.override("en"):
        assert [str(name) for name in missing] == ["NIK", "Occupation", "Education", "Marital status"]


# --- Sent twice -----------------------------------------------------------------------------------------------------


def test_a_form_sent_twice_makes_one_record_and_its_draft_goes(cast):
    key = uuid7()
    save_draft(user=cast.receptionist, draft_id=key, fields={"full_name": "Siti"})
    fields = {"full_name": "Siti Aminah", "birth_date": date(1990, 5, 17), "sex": "female"}
    first = services.register_at_desk(actor=cast.receptionist, allergy=None, registration_key=key, **fields)
    again = services.register_at_desk(actor=cast.receptionist, allergy=None, registration_key=key, **fields)
    assert first.pk == again.pk
    assert Patient.objects.count() == 1
    assert not RegistrationDraft.objects.exists()
    with pytest.raises(AlreadyRegistered):  # a key somebody else used tells nothing of the record
        services.register_at_desk(actor=cast.admin, allergy=None, registration_key=key, **fields)


def _send(actor, key):
    return services.register_at_desk(
        actor=actor,
        allergy=None,
        registration_key=key,
        full_name="Siti Aminah",
        birth_date=date(1990, 5, 17),
        sex="female",
    ).pk


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_eight_times_at_once_is_one_patient(cast, race):
    actor, key = cast.receptionist, UUID(int=7)
    results = race(_send, [(actor, key)] * 8)
    assert len(set(results)) == 1, results
    assert Patient.objects.count() == 1
