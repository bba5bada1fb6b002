"""Search, registration, record and edit pages."""

import re
from datetime import date

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from patients import services
from patients.models import Patient
from tests.factories.patients import AllergyFactory, PatientFactory

NIK = "2171015705900001"
HTMX = {"HX-Request": "true"}
FORM = {
    "full_name": "Budi Santoso",
    "birth_date": "1988-02-03",
    "sex": "male",
    "nik_missing": "not_shown",
    "guarantor": "self",
    "language": "id",
}
SEARCH, REGISTER, START = (reverse(f"patients:{name}") for name in ("search", "register", "register-start"))
PANEL = reverse("patients:duplicates-panel")


def page(name, patient):
    return reverse(f"patients:{name}", args=[patient.pk])


# --- Wrong person ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["detail", "edit", "registered", "allergies"])
def test_another_doctors_patient_is_404_or_403(cast, client_for, name):
    patient = PatientFactory(care_team=[cast.doctor])
    status = client_for(cast.other_doctor).get(page(name, patient)).status_code
    assert status == (403 if name in ("edit", "registered") else 404)
    assert client_for(cast.other_patient_user).get(page(name, patient)).status_code == 404
    assert not AuditEvent.objects.filter(action="patients.chart.read").exists()


def test_search_shows_a_doctor_only_the_own_patients(cast, client_for):
    PatientFactory(full_name="Halimah Milik", care_team=[cast.doctor])
    PatientFactory(full_name="Halimah Lain")
    answer = client_for(cast.doctor).post(SEARCH, {"q": "halimah"}).content.decode()
    assert "Halimah Milik" in answer
    assert "Halimah Lain" not in answer


def test_a_forged_patient_id_is_not_registered(cast, client_for):
    known = PatientFactory()
    client_for(cast.receptionist).post(
        REGISTER, {**FORM, "id": str(known.pk), "record_number": "777777", "version": "9", "user": str(cast.admin.pk)}
    )
    made = Patient.objects.exclude(pk=known.pk).get()
    assert (made.record_number, made.version, made.user) == ("000001", 1, None)


# --- Search ---------------------------------------------------------------------------------------------------------


def test_search_words_never_stand_in_the_address(cast, client_for):
    client = client_for(cast.receptionist)
    PatientFactory(full_name="Halimah")
    assert "Halimah" not in client.get(SEARCH, {"q": "halimah"}).content.decode()
    body = client.get(SEARCH).content.decode()
    assert 'hx-get="/patients/search' not in body
    assert re.search(r'<form class="patient-search" method="post"', body)


def test_live_results_are_a_fragment_with_masked_nik(cast, client_for):
    AllergyFactory(patient=PatientFactory(full_name="Halimah Tusadiah", nik=NIK, record_number="000123"))
    answer = client_for(cast.receptionist).post(SEARCH, {"q": "hali"}, headers=HTMX)
    body = answer.content.decode()
    assert "<html" not in body
    assert "Halimah Tusadiah" in body
    assert "2171••••••••0001" in body
    assert NIK not in body
    assert "000123" in body
    assert "alert-triangle" in body
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    "query", ["", " ", "h", "\x00", "%%", "<script>alert(1)</script>", "x" * 5000, "🙂", "'\"; --", "\u202e\u200b"]
)
def test_hostile_queries_answer_calmly(cast, client_for, query):
    PatientFactory(full_name="Halimah")
    answer = client_for(cast.receptionist).post(SEARCH, {"q": query})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert "Halimah" not in answer.content.decode()


def test_an_empty_box_shows_who_was_opened_lately(cast, client_for):
    first, second = PatientFactory(full_name="Pertama"), PatientFactory(full_name="Kedua")
    client = client_for(cast.receptionist)
    for patient in (first, second, first):
        client.get(page("detail", patient))
    names = re.findall(r"<strong>(\w+)</strong>", client.get(SEARCH).content.decode())
    assert names[:2] == ["Pertama", "Kedua"]
    assert "Pertama" not in client_for(cast.nurse).get(SEARCH).content.decode()


def test_recent_patients_are_forgotten_with_the_right_to_see_them(cast, client_for):
    patient = PatientFactory(full_name="Pertama", care_team=[cast.doctor])
    client = client_for(cast.doctor)
    client.get(page("detail", patient))
    patient.care_team.all().delete()
    assert "Pertama" not in client.get(SEARCH).content.decode()


@pytest.mark.parametrize("count", [3, 20])
def test_search_costs_the_same_for_any_number_of_results(
    cast, client_for, django_assert_max_num_queries, settings, count
):
    for _number in range(count):
        AllergyFactory(patient=PatientFactory(full_name="Halimah Tusadiah"))
    client = client_for(cast.receptionist)
    with django_assert_max_num_queries(8) as queries:
        client.post(SEARCH, {"q": "halimah"}, headers=HTMX)
    with django_assert_max_num_queries(10):
        client.post(SEARCH, {"q": "halimah"})
    session = 0 if "cached" in settings.SESSION_ENGINE else 1  # with Redis the session comes from the cache
    assert len(queries) == 7 + session  # two of them are the event of the search and the look for one just before


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("siti rahma", "full_name", "Siti Rahma"),
        (NIK, "nik", NIK),
        ("0812-3456-7890", "phone", "0812-3456-7890"),
        ("budi 17-05-1990", "birth_date", "1990-05-17"),
    ],
)
def test_a_new_patient_starts_with_what_was_typed(cast, client_for, typed, field, value):
    answer = client_for(cast.receptionist).post(START, {"q": typed})
    assert answer.status_code == 200
    assert re.search(rf'<input[^>]*name="{field}"[^>]*value="{value}"', answer.content.decode())


# --- Registration ---------------------------------------------------------------------------------------------------


def test_register_leads_to_the_next_step(cast, client_for):
    client = client_for(cast.receptionist)
    answer = client.post(REGISTER, {**FORM, "nik": "2171010302880001", "phone": "0812 3456 7890"})
    patient = Patient.objects.get()
    assert answer["Location"] == page("registered", patient)
    body = client.get(answer["Location"]).content.decode()
    assert "000001" in body
    assert reverse("scheduling:patient-book", args=[patient.pk]) in body
    assert reverse("scheduling:walk-in", args=[patient.pk]) in body
    assert patient.allergy_status == Patient.AllergyStatus.UNKNOWN


@pytest.mark.parametrize(
    ("answers", "status", "rows"),
    [
        ({"allergy": ""}, "unknown", []),
        ({"allergy": "none"}, "none", []),
        ({"allergy": "none", "allergy_substance": "Udang"}, "none", []),
        (
            {"allergy": "known", "allergy_substance": "Amoksisilin", "allergy_group": "penisilin"},
            "known",
            ["Amoksisilin"],
        ),
    ],
)  # fmt: skip
def test_register_asks_about_allergies_in_three_states(cast, client_for, answers, status, rows):
    client_for(cast.receptionist).post(REGISTER, {**FORM, **answers})
    patient = Patient.objects.get()
    assert patient.allergy_status == status
    assert [row.substance for row in patient.allergies] == rows


def test_an_admin_registers_without_the_allergy_question(cast, client_for):
    client = client_for(cast.admin)
    assert 'name="allergy"' not in client.get(REGISTER).content.decode()
    client.post(REGISTER, {**FORM, "allergy": "known", "allergy_substance": "Udang"})
    assert Patient.objects.get().allergy_status == "unknown"


@pytest.mark.parametrize(
    "changes",
    [
        {"full_name": ""},
        {"full_name": "A" * 300},
        {"full_name": "\x00\x01"},
        {"birth_date": ""},
        {"birth_date": "31-31-1990"},
        {"birth_date": "2999-01-01"},
        {"sex": ""},
        {"sex": "robot"},
        {"nik": "123"},
        {"phone": "abc"},
        {"email": "x"},
        {"bpjs_number": "1"},
        {"guarantor": "king"},
        {"guarantor": ""},
        {"nik_missing": ""},
        {"allergy": "known"},
        {"allergy": "maybe"},
        {"allergy": "known", "allergy_substance": "Udang", "allergy_group": "gift"},
    ],
    ids=str,
)
def test_a_wrong_form_keeps_the_input_and_writes_nothing(cast, client_for, changes):
    answer = client_for(cast.receptionist).post(REGISTER, {**FORM, "address_line": "Jl. Kenanga 5", **changes})
    assert answer.status_code == 422
    assert "Jl. Kenanga 5" in answer.content.decode()
    assert "data-error-summary" in answer.content.decode()
    assert not Patient.objects.exists()


def test_markup_in_a_name_is_text(cast, client_for):
    client = client_for(cast.receptionist)
    client.post(REGISTER, {**FORM, "full_name": '<b>Budi</b> "O\'Neil" <script>alert(1)</script>'})
    patient = Patient.objects.get()
    for address in (page("detail", patient), page("registered", patient), page("edit", patient)):
        body = client.get(address).content.decode()
        assert "<script>alert(1)" not in body
        assert "<b>Budi" not in body
        assert "&lt;b&gt;Budi" in body


def test_a_known_nik_answers_409_and_shows_the_record(cast, client_for):
    known = PatientFactory(nik=NIK, birth_date=date(1980, 1, 1), full_name="Wati")
    answer = client_for(cast.receptionist).post(REGISTER, {**FORM, "nik": NIK, "duplicate_reason": "kembar"})
    assert answer.status_code == 409
    assert page("detail", known) in answer.content.decode()
    assert Patient.objects.count() == 1


def test_a_likeness_answers_409_until_a_reason_is_given(cast, client_for):
    known = PatientFactory(full_name="Budi Santoso", birth_date=date(1988, 2, 3))
    client = client_for(cast.receptionist)
    answer = client.post(REGISTER, FORM)
    body = answer.content.decode()
    assert answer.status_code == 409
    assert page("detail", known) in body
    assert 'name="duplicate_reason"' in body
    assert client.post(REGISTER, {**FORM, "duplicate_reason": "  "}).status_code == 409
    assert client.post(REGISTER, {**FORM, "duplicate_reason": "Kembar"}).status_code == 302
    assert Patient.objects.count() == 2


def test_the_live_panel_shows_signs_while_the_form_is_half_filled(cast, client_for):
    PatientFactory(full_name="Budi Santosa", birth_date=date(1988, 2, 3), phone="+6281200001111")
    client = client_for(cast.receptionist)
    half = client.post(PANEL, {"full_name": "Budi Santoso", "birth_date": "1988-02-03"}, headers=HTMX).content.decode()
    assert "Budi Santosa" in half
    assert 'name="duplicate_reason"' in half
    by_phone = client.post(PANEL, {"full_name": "Ani", "phone": "081200001111"}, headers=HTMX).content.decode()
    assert "Budi Santosa" in by_phone
    assert 'name="duplicate_reason"' not in by_phone
    kept = client.post(
        PANEL, {"full_name": "Budi", "birth_date": "1988-02-03", "duplicate_reason": "Sepupu"}, headers=HTMX
    )
    assert 'value="Sepupu"' in kept.content.decode()
    assert "Budi" not in client.post(PANEL, {}, headers=HTMX).content.decode()


def test_a_nik_that_disagrees_is_a_warning_not_a_wall(cast, client_for):
    client = client_for(cast.receptionist)
    answer = client.post(REGISTER, {**FORM, "nik": NIK}, follow=True)
    assert Patient.objects.get().nik == NIK
    assert answer.content.decode().count("banner-warning") == 2  # birth date, sex


# --- Record ---------------------------------------------------------------------------------------------------------


def test_opening_a_record_is_one_event(cast, client_for):
    patient = PatientFactory(nik=NIK, care_team=["nurse"])
    body = client_for(cast.nurse).get(page("detail", patient)).content.decode()
    event = AuditEvent.objects.get(action="patients.chart.read")
    assert (event.patient_id, event.actor_id, event.detail) == (patient.pk, cast.nurse.pk, {"what": "identity"})
    assert NIK not in body
    assert patient.full_name not in re.search(r"<title>(.*?)</title>", body, re.S)[1]


def test_the_whole_nik_is_shown_on_demand_and_audited(cast, client_for):
    patient = PatientFactory(nik=NIK)
    client = client_for(cast.receptionist)
    assert NIK not in client.get(page("detail", patient)).content.decode()
    assert not AuditEvent.objects.filter(action="patients.nik.revealed").exists()
    assert NIK in client.post(page("nik-reveal", patient), headers=HTMX).content.decode()
    assert NIK in client.post(page("nik-reveal", patient)).content.decode()
    assert AuditEvent.objects.filter(action="patients.nik.revealed", patient_id=patient.pk).count() == 2


def test_the_record_shows_each_role_what_it_may_use(cast, client_for):
    patient = PatientFactory(nik=NIK, care_team=[cast.doctor])
    desk = client_for(cast.receptionist).get(page("detail", patient)).content.decode()
    doctor = client_for(cast.doctor).get(page("detail", patient)).content.decode()
    assert page("edit", patient) in desk
    assert page("edit", patient) not in doctor
    assert page("nik-reveal", patient) not in doctor
    assert reverse("workspace:history-panel", args=[patient.pk]) in doctor
    assert reverse("workspace:history-panel", args=[patient.pk]) not in desk


@pytest.mark.parametrize("count", [1, 12])
def test_record_query_count(cast, client_for, django_assert_max_num_queries, count):
    patient = PatientFactory(nik=NIK)
    for number in range(count):
        AllergyFactory(patient=patient, substance=f"Zat {number}")
    client = client_for(cast.receptionist)
    with django_assert_max_num_queries(15):
        client.get(page("detail", patient))


# --- Edit -----------------------------------------------------------------------------------------------------------


def edit_form(patient, **changes):
    return {
        "full_name": patient.full_name, "birth_date": "1990-05-17", "sex": "female", "guarantor": "self", "language": "id",
        "phone": "081234567890", "version": str(patient.version), **changes,
    }  # fmt: skip


def test_edit_saves(cast, client_for):
    patient = PatientFactory(full_name="Siti Aminah")
    answer = client_for(cast.receptionist).post(
        page("edit", patient), edit_form(patient, full_name="Siti Rahma", nik=NIK)
    )
    assert answer["Location"] == page("detail", patient)
    patient.refresh_from_db()
    assert (patient.full_name, patient.nik, patient.version) == ("Siti Rahma", NIK, 2)


def test_a_lost_race_keeps_the_text_and_shows_what_is_stored(cast, client_for):
    patient = PatientFactory(full_name="Siti Aminah")
    services.update_patient(patient_id=patient.pk, actor=cast.admin, version=1, birth_place="Tanjungpinang")
    client = client_for(cast.receptionist)
    answer = client.post(page("edit", patient), edit_form(patient, birth_place="Medan"))
    body = answer.content.decode()
    assert answer.status_code == 409
    assert 'value="Medan"' in body
    assert "Tanjungpinang" in body
    assert 'name="version" value="2"' in body
    assert Patient.objects.get().birth_place == "Tanjungpinang"
    assert client.post(page("edit", patient), edit_form(patient, birth_place="Medan", version="2")).status_code == 302
    assert Patient.objects.get().birth_place == "Medan"


@pytest.mark.parametrize("version", ["", "-1", "x", "²", "9" * 40, "1.5"])
def test_a_forged_version_changes_nothing(cast, client_for, version):
    patient = PatientFactory(full_name="Siti Aminah")
    answer = client_for(cast.receptionist).post(
        page("edit", patient), edit_form(patient, full_name="X Y", version=version)
    )
    assert answer.status_code == 409
    assert Patient.objects.get().full_name == "Siti Aminah"


def test_forged_fields_of_the_record_are_ignored(cast, client_for):
    patient = PatientFactory(full_name="Siti Aminah", record_number="000123")
    client_for(cast.receptionist).post(
        page("edit", patient),
        edit_form(
            patient,
            full_name="Siti Rahma",
            record_number="1",
            status="archived",
            user=str(cast.admin.pk),
            allergy_status="none",
        ),
    )
    patient.refresh_from_db()
    assert (patient.full_name, patient.record_number, patient.status, patient.user_id, patient.allergy_status) == (
        "Siti Rahma", "000123", "active", None, "unknown",
    )  # fmt: skip


# --- Back office ----------------------------------------------------------------------------------------------------


def test_the_back_office_shows_no_identity_and_changes_nothing(cast, client_for):
    patient = PatientFactory(full_name="Halimah Tusadiah", nik=NIK, record_number="000123")
    client = client_for(cast.admin)
    for name, args in (("changelist", []), ("change", [patient.pk])):
        body = client.get(reverse(f"admin:patients_patient_{name}", args=args)).content.decode()
        assert "000123" in body
        assert "Halimah" not in body
        assert NIK not in body
    assert (
        client.post(reverse("admin:patients_patient_change", args=[patient.pk]), {"status": "archived"}).status_code
        == 403
    )
    assert client.get(reverse("admin:patients_patient_add")).status_code == 403
