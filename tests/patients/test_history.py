"""Clinical basics: sections in three states, pregnancy, blood type; who reads and writes, and what a prescription says."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.access import Role
from audit.models import AuditEvent
from core import clock
from patients import conditions, pregnancy, substances
from patients.basics import header_badges, read_basics, read_blood, read_pregnancy
from patients.errors import (
    BloodTypeProven,
    HistoryClosed,
    HistoryExists,
    InvalidPatientData,
    NotAsked,
    NotPregnancyAge,
    ReasonMissing,
)
from patients.models import BloodTyping, HistoryEntry, HistorySection, Patient, PregnancyStatus, Section
from patients.services import allergies, clinical_states, history, update_patient
from pharmacy.services.prescribing import PrescriptionLine, check_lines
from tests.factories.accounts import UserFactory
from tests.factories.patients import GuardianLinkFactory, PatientFactory
from tests.factories.pharmacy import MedicineFactory

HTMX = {"HX-Request": "true"}


@pytest.fixture
def patient(cast):
    return PatientFactory(care_team=[cast.doctor, "nurse", "pharmacist"])


@pytest.fixture
def record(cast, patient):
    def make(section=Section.CHRONIC, what="hypertension", **fields):
        return history.record_entry(patient_id=patient.pk, actor=cast.nurse, section=section, what=what, **fields)

    return make


def state(user, patient, section=Section.CHRONIC):
    return read_basics(user, patient).section(section).state


def url(name, *args):
    return reverse(f"patients:{name}", args=args)


# --- The wrong people -------------------------------------------------------------------------------------------------


def test_the_wrong_people_change_nothing(cast, client_for, patient, record):
    entry = record()
    addresses = {
        url("basics-entry-add", patient.pk, "past"): {"kind": "illness", "what": "Tifus"},
        url("basics-section-deny", patient.pk, "family"): {},
        url("basics-section-confirm", patient.pk, "chronic"): {},
        url("basics-entry-end", entry.pk): {},
        url("basics-entry-mark-wrong", entry.pk): {"reason": "salah"},
        url("basics-entry-edit", entry.pk): {"what": "asthma", "reason": "salah"},
        url("pregnancy-record", patient.pk): {"state": "pregnant"},
        url("blood-type-record", patient.pk): {"blood_type": "A", "source": "lab"},
    }
    before = AuditEvent.objects.filter(action__startswith="patients.history").count()
    for address, data in addresses.items():
        assert client_for(cast.other_doctor).post(address, data).status_code == 404, address
        assert client_for(cast.admin).post(address, data).status_code == 403, address
        assert client_for(cast.patient_user).post(address, data).status_code == 404, address
    entry.refresh_from_db()
    assert (HistoryEntry.objects.get(), entry.status) == (entry, "active")
    assert not PregnancyStatus.objects.exists()
    assert not BloodTyping.objects.exists()
    assert AuditEvent.objects.filter(action__startswith="patients.history").count() == before


def test_a_nurse_at_the_desk_reads_only_the_own_care_team(cast, client_for):
    both = UserFactory(username="perawat.meja", roles=[Role.NURSE, Role.RECEPTIONIST])
    stranger = PatientFactory(care_team=[cast.doctor])
    assert client_for(both).get(url("basics", stranger.pk)).status_code == 404
    assert client_for(both).get(url("basics-summary", stranger.pk)).status_code == 404


# --- Three states -----------------------------------------------------------------------------------------------------


def test_three_states_of_a_section(cast, patient, record):
    assert state(cast.nurse, patient) == "unknown"
    history.record_none(patient_id=patient.pk, actor=cast.nurse, section=Section.CHRONIC)
    assert state(cast.nurse, patient) == "none"
    entry = record()
    assert state(cast.nurse, patient) == "known"
    with pytest.raises(HistoryExists):
        history.record_none(patient_id=patient.pk, actor=cast.nurse, section=Section.CHRONIC)
    history.mark_entry_in_error(entry_id=entry.pk, actor=cast.nurse, reason="Pasien lain")
    assert state(cast.nurse, patient) == "unknown", "after the last wrong entry nobody knows"
    assert HistoryEntry.objects.count() == 1
    assert state(cast.nurse, patient, Section.PAST) == "unknown"
    assert list(
        AuditEvent.objects.filter(action__startswith="patients.history").order_by("id").values_list("action", flat=True)
    ) == [
        "patients.history.denied",
        "patients.history.recorded",
        "patients.history.marked_in_error",
    ]


def test_what_is_over_is_none_at_present_and_stays_readable(cast, patient, record):
    entry = record(Section.MEDICINES, "Amlodipin 5 mg", dose="1 x sehari", onset_year=2020)
    history.end_entry(entry_id=entry.pk, actor=cast.doctor, ended_year=2025, reason="Diganti")
    section = read_basics(cast.nurse, patient).section(Section.MEDICINES)
    assert (section.state, [row.pk for row in section.over], section.over[0].ended_year) == ("none", [entry.pk], 2025)
    with pytest.raises(HistoryClosed):
        history.end_entry(entry_id=entry.pk, actor=cast.doctor)
    record(Section.MEDICINES, "Amlodipin 5 mg")  # taken again


def test_asking_again_stamps_who_and_when(cast, patient, record):
    with pytest.raises(NotAsked):
        history.confirm_section(patient_id=patient.pk, actor=cast.doctor, section=Section.CHRONIC)
    record()
    first = HistorySection.objects.get()
    with time_machine.travel(clock.now() + timedelta(days=30)):
        history.confirm_section(patient_id=patient.pk, actor=cast.doctor, section=Section.CHRONIC)
    again = HistorySection.objects.get()
    assert (again.asked_by, again.is_none) == (cast.doctor, False)
    assert again.asked_at - first.asked_at >= timedelta(days=29)


def test_correcting_marks_the_old_and_writes_the_new(cast, patient, record):
    old = record(onset_year=2010)
    new = history.correct_entry(
        entry_id=old.pk, actor=cast.doctor, reason="Tahun salah", what="hypertension", onset_year=2012
    )
    old.refresh_from_db()
    assert (old.status, old.close_reason, old.closed_by) == ("entered_in_error", "Tahun salah", cast.doctor)
    assert (new.status, new.onset_year, state(cast.nurse, patient)) == ("active", 2012, "known")
    with pytest.raises(HistoryClosed):
        history.correct_entry(entry_id=old.pk, actor=cast.doctor, reason="Lagi", what="asthma")
    assert HistoryEntry.objects.count() == 2


def test_a_refused_correction_leaves_the_old_entry(cast, record):
    old = record()
    with pytest.raises(InvalidPatientData):
        history.correct_entry(entry_id=old.pk, actor=cast.doctor, reason="Salah", what="asthma", onset_year=1800)
    old.refresh_from_db()
    assert old.status == "active"


# --- Codes and values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "typed", "code", "shown"),
    [
        (Section.CHRONIC, "hypertension", "hypertension", "Hipertensi"),
        (Section.CHRONIC, "Darah Tinggi", "hypertension", "Darah Tinggi"),
        (Section.CHRONIC, "Sindrom langka", "", "Sindrom langka"),
        (Section.FAMILY, "kencing manis", "diabetes-2", "kencing manis"),
        (Section.MEDICINES, "Norvasc", "amlodipine", "Norvasc"),
        (Section.MEDICINES, "metformin", "metformin", "Metformin"),
        (Section.MEDICINES, "udang", "", "udang"),
        (Section.PAST, "hypertension", "", "hypertension"),
    ],
)
def test_names_become_codes(record, section, typed, code, shown):
    fields = {Section.PAST: {"kind": "illness"}, Section.FAMILY: {"relation": "FTH"}}.get(section, {})
    entry = record(section, typed, **fields)
    assert (entry.code, entry.what, bool(entry.code_system)) == (code, shown, bool(code))


def test_the_same_is_recorded_once(record):
    record()
    for same in ("hypertension", "Hipertensi", " tekanan  darah tinggi "):
        with pytest.raises(HistoryExists):
            record(what=same)
    record(Section.FAMILY, "hypertension", relation="FTH")
    record(Section.FAMILY, "hypertension", relation="MTH")
    with pytest.raises(HistoryExists):
        record(Section.FAMILY, "darah tinggi", relation="MTH")
    assert HistoryEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ("gift", {}),
        (Section.CHRONIC, {"what": " \x00"}),
        (Section.CHRONIC, {"what": "x" * 201}),
        (Section.CHRONIC, {"onset_year": 1989}),
        (Section.CHRONIC, {"onset_year": 2027}),
        (Section.CHRONIC, {"note": "x" * 301}),
        (Section.PAST, {"kind": "gift"}),
        (Section.FAMILY, {"relation": ""}),
        (Section.FAMILY, {"relation": "FTH", "onset_age": 121}),
        (Section.MEDICINES, {"dose": "x" * 121}),
    ],
    ids=str,
)
def test_impossible_values(record, section, fields):
    with pytest.raises(InvalidPatientData):
        record(section, **{"what": "asthma", **fields})
    assert not HistoryEntry.objects.exists()
    assert not HistorySection.objects.exists()


def test_ending_needs_a_possible_year_and_marking_a_reason(cast, record):
    entry = record(onset_year=2015)
    for year in (2014, 2027):
        with pytest.raises(InvalidPatientData):
            history.end_entry(entry_id=entry.pk, actor=cast.nurse, ended_year=year)
    with pytest.raises(ReasonMissing):
        history.mark_entry_in_error(entry_id=entry.pk, actor=cast.nurse, reason=" \u200b ")
    fact = record(Section.PAST, "Operasi usus buntu", kind="operation")
    with pytest.raises(HistoryClosed):
        history.end_entry(entry_id=fact.pk, actor=cast.nurse)


def test_the_lists_are_whole():
    assert len(substances.BY_CODE) == len(substances.SUBSTANCES) >= 120
    assert len(conditions.BY_CODE) == len(conditions.CONDITIONS)
    assert {row.prb for row in conditions.CONDITIONS} - {""} == {f"0{number}" for number in range(1, 10)}
    assert all(len(code) <= 20 for code in (*substances.BY_CODE, *conditions.BY_CODE, *substances.REACTION_BY_CODE))
    names: dict[str, str] = {}
    for row in substances.SUBSTANCES:
        for name in (row.label, row.english, *row.synonyms):
            assert names.setdefault(substances.fold(name), row.code) == row.code, name


# --- Pregnancy --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_period_on", "due_on"),
    [
        (date(2026, 1, 10), date(2026, 10, 17)),  # Naegele's calendar form gives the same day
        (date(2025, 10, 1), date(2026, 7, 8)),
        (date(2024, 2, 29), date(2024, 12, 5)),
    ],
)
def test_the_due_date(last_period_on, due_on):
    assert pregnancy.due_date(last_period_on) == due_on


@pytest.mark.parametrize(
    ("on", "weeks", "days", "trimester"),
    [
        (date(2026, 1, 10), 0, 0, 1),
        (date(2026, 4, 17), 13, 6, 1),
        (date(2026, 4, 18), 14, 0, 2),
        (date(2026, 7, 25), 28, 0, 3),
        (date(2026, 10, 17), 40, 0, 3),
        (date(2025, 12, 1), 0, 0, 1),
    ],
)
def test_the_gestational_age(on, weeks, days, trimester):
    age = pregnancy.gestational_age(date(2026, 10, 17), on)
    assert (age.weeks, age.days, age.trimester) == (weeks, days, trimester)


@pytest.mark.parametrize(
    ("sex", "born", "offered"),
    [
        ("female", date(2016, 3, 5), True),
        ("female", date(2016, 3, 6), False),
        ("female", date(1970, 3, 6), True),
        ("female", date(1970, 3, 5), False),
        ("male", date(1990, 1, 1), False),
    ],
)
def test_pregnancy_is_asked_of_women_of_10_to_55(cast, sex, born, offered):
    person = PatientFactory(sex=sex, birth_date=born, care_team=["nurse"])
    assert pregnancy.is_offered(person) is offered
    if not offered:
        with pytest.raises(NotPregnancyAge):
            clinical_states.record_pregnancy(patient_id=person.pk, actor=cast.nurse, state="pregnant")
        assert not PregnancyStatus.objects.exists()


def test_a_pregnancy_is_counted_and_believed_for_43_weeks(cast, patient):
    row = clinical_states.record_pregnancy(
        patient_id=patient.pk, actor=cast.nurse, state="pregnant", last_period_on=date(2026, 1, 1), gravida=3, para=1,
        abortus=1,
    )  # fmt: skip
    assert row.due_on == date(2026, 10, 8)
    seen = read_pregnancy(cast.nurse, patient)
    assert (seen.is_pregnant, seen.age.weeks, seen.age.days) == (True, 9, 0)
    with time_machine.travel(clock.now() + timedelta(days=237)):  # 28 October: 300 days, the last day of 43 weeks
        assert read_pregnancy(cast.nurse, patient).is_pregnant
    with time_machine.travel(clock.now() + timedelta(days=239)):
        seen = read_pregnancy(cast.nurse, patient)
        assert (seen.is_pregnant, seen.is_outdated) == (False, True)
        assert not header_badges(cast.nurse, patient)


def test_an_ultrasound_corrects_the_weeks(cast, patient):
    clinical_states.record_pregnancy(
        patient_id=patient.pk, actor=cast.nurse, state="pregnant", last_period_on=date(2026, 1, 1),
        due_on=date(2026, 10, 15),
    )  # fmt: skip
    assert read_pregnancy(cast.nurse, patient).age.weeks == 8


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "gift"},
        {"last_period_on": date(2026, 3, 6)},
        {"last_period_on": date(2025, 5, 7)},
        {"due_on": date(2026, 12, 12)},
        {"due_on": date(2026, 2, 11)},
        {"gravida": 1, "para": 1},
        {"gravida": 26},
        {"abortus": -1},
        {"note": "x" * 301},
    ],
    ids=str,
)
def test_impossible_pregnancies(cast, patient, fields):
    with pytest.raises(InvalidPatientData):
        clinical_states.record_pregnancy(patient_id=patient.pk, actor=cast.nurse, **{"state": "pregnant", **fields})
    assert not PregnancyStatus.objects.exists()


def test_after_a_wrong_pregnancy_what_was_known_before_counts(cast, patient):
    clinical_states.record_pregnancy(patient_id=patient.pk, actor=cast.nurse, state="not_pregnant", gravida=0)
    row = clinical_states.record_pregnancy(patient_id=patient.pk, actor=cast.nurse, state="pregnant")
    clinical_states.mark_pregnancy_in_error(row_id=row.pk, actor=cast.doctor, reason="Pasien lain")
    with pytest.raises(HistoryClosed):
        clinical_states.mark_pregnancy_in_error(row_id=row.pk, actor=cast.doctor, reason="Lagi")
    seen = read_pregnancy(cast.nurse, patient)
    assert (seen.current.state, [wrong.pk for wrong in seen.wrong]) == ("not_pregnant", [row.pk])


# --- Blood type -------------------------------------------------------------------------------------------------------


def blood(cast, patient, blood_type="A", source="told", **fields):
    return clinical_states.record_blood_type(
        patient_id=patient.pk, actor=cast.nurse, blood_type=blood_type, source=source, **fields
    )


def test_a_laboratory_is_not_replaced_by_hearsay(cast, patient):
    blood(cast, patient, "A", "told")
    found = blood(cast, patient, "B", "lab", rhesus="-", note="Lab Batam 12/3")
    for weaker in ({"source": "told"}, {"source": "card", "blood_type": "B", "rhesus": "-"}, {"source": "lab"}):
        with pytest.raises(BloodTypeProven):
            blood(cast, patient, **weaker)
    patient.refresh_from_db()
    assert (patient.blood_type, patient.rhesus) == ("B", "-")
    clinical_states.mark_blood_type_in_error(row_id=found.pk, actor=cast.doctor, reason="Tabung tertukar")
    patient.refresh_from_db()
    assert (patient.blood_type, patient.rhesus) == ("A", "")


def test_certainty_is_shown_and_a_contradiction_too(cast, patient):
    assert read_blood(cast.nurse, patient).label == ""
    blood(cast, patient, "B", "lab", rhesus="+")
    patient = Patient.objects.get(pk=patient.pk)
    assert read_blood(cast.nurse, patient).is_certain
    update_patient(patient_id=patient.pk, actor=cast.receptionist, version=patient.version, blood_type="A")
    patient = Patient.objects.get(pk=patient.pk)
    seen = read_blood(cast.nurse, patient)
    assert (seen.label, seen.is_certain, seen.proven.blood_type) == ("A+", False, "B")


def test_a_form_opened_before_does_not_overwrite_the_blood_type(cast, patient):
    version = patient.version
    blood(cast, patient, "AB", "lab")
    from patients.errors import PatientChanged

    with pytest.raises(PatientChanged):
        update_patient(patient_id=patient.pk, actor=cast.receptionist, version=version, blood_type="O")


@pytest.mark.parametrize("fields", [{"blood_type": ""}, {"blood_type": "C"}, {"rhesus": "x"}, {"source": "x"}], ids=str)
def test_impossible_blood_types(cast, patient, fields):
    with pytest.raises(InvalidPatientData):
        blood(cast, patient, **{"source": "lab", **fields})
    assert not BloodTyping.objects.exists()


# --- The header -------------------------------------------------------------------------------------------------------


def test_the_header_shows_who_may_see_what(cast, client_for, patient, record):
    record()
    record(what="hiv")
    record(what="Sindrom langka")
    clinical_states.record_pregnancy(
        patient_id=patient.pk, actor=cast.nurse, state="pregnant", last_period_on=date(2026, 1, 1)
    )

    def labels(user):
        return [badge.label.split(" (")[0] for badge in header_badges(user, patient)]

    assert len(labels(cast.doctor)) == 2, "private and own words stay in the record"
    assert "Hipertensi" in labels(cast.doctor)
    assert len(labels(cast.pharmacist)) == 1
    assert labels(cast.receptionist) == labels(cast.cashier) == labels(cast.other_doctor) == []
    body = client_for(cast.doctor).get(url("basics", patient.pk)).content.decode()
    badges = body[body.index('id="patient-badges"') : body.index('id="patient-allergy-strip"')]
    assert "Hipertensi" in badges
    assert "HIV" not in badges
    assert "HIV" in body
    desk = client_for(cast.receptionist).get(url("detail", patient.pk)).content.decode()
    assert "Hipertensi" not in desk
    assert "clinical-badges" not in desk


def test_pharmacists_see_pregnancies_of_their_patients_only(cast):
    stranger = PatientFactory(care_team=[cast.doctor])
    clinical_states.record_pregnancy(patient_id=stranger.pk, actor=cast.nurse, state="pregnant")
    assert not PregnancyStatus.objects.visible_to(cast.pharmacist).exists()
    assert not header_badges(cast.pharmacist, stranger)
    assert header_badges(cast.doctor, stranger)


# --- Screens ----------------------------------------------------------------------------------------------------------


def test_a_panel_by_htmx_and_as_a_page(cast, client_for, patient):
    client, address = client_for(cast.nurse), url("basics-entry-add", patient.pk, "chronic")
    answer = client.post(address, {"what": "<b>Sindrom</b>"}, headers=HTMX)
    body = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in body
    assert "&lt;b&gt;Sindrom&lt;/b&gt;" in body
    assert 'id="patient-badges" hx-swap-oob="true"' in body
    assert client.post(address, {"what": "<b>Sindrom</b>"}, headers=HTMX).status_code == 409
    refused = client.post(address, {"what": "", "note": "tetap ada"}, headers=HTMX)
    assert refused.status_code == 422
    assert "tetap ada" in refused.content.decode()
    assert client.post(address, {"what": "asthma"}).status_code == 302
    whole = client.post(address, {"what": "asthma"})
    assert whole.status_code == 409
    assert "<html" in whole.content.decode()
    assert client.post(url("basics-entry-add", patient.pk, "gift"), {"what": "x"}).status_code == 404


def test_own_words_win_where_there_is_no_script(cast, client_for, patient):
    client_for(cast.nurse).post(
        url("basics-entry-add", patient.pk, "medicines"), {"what": "", "what_words": "Jamu pegal linu", "dose": "1 x"}
    )
    entry = HistoryEntry.objects.get()
    assert (entry.what, entry.code, entry.dose) == ("Jamu pegal linu", "", "1 x")


def test_acts_on_an_entry(cast, client_for, patient, record):
    client, entry = client_for(cast.nurse), record(onset_year=2015)
    wrong_year = client.post(url("basics-entry-end", entry.pk), {"ended_year": "2010"}, headers=HTMX)
    assert wrong_year.status_code == 422
    assert client.post(url("basics-entry-mark-wrong", entry.pk), {"reason": ""}, headers=HTMX).status_code == 422
    page = client.get(url("basics-entry-edit", entry.pk))
    assert 'value="hypertension" selected' in page.content.decode()
    corrected = client.post(
        url("basics-entry-edit", entry.pk), {"what": "asthma", "onset_year": "2016", "reason": "Salah"}
    )
    assert corrected.status_code == 302
    assert client.post(url("basics-entry-edit", entry.pk), {"what": "copd", "reason": "Salah"}).status_code == 409
    new = HistoryEntry.objects.get(status="active")
    assert client.post(url("basics-entry-end", new.pk), {"ended_year": "2020"}).status_code == 302
    body = client.get(url("basics", patient.pk)).content.decode()
    assert "Salah" in body
    assert "2020" in body


def test_readers_without_the_right_see_no_forms(cast, client_for, patient, record):
    record()
    body = client_for(cast.admin).get(url("basics", patient.pk)).content.decode()
    assert "Hipertensi" in body
    assert "basics-entries" not in body
    assert f"/patients/{patient.pk}/basics/chronic/" not in body


def test_the_readings_are_audited(cast, client_for, patient):
    client_for(cast.doctor).get(url("basics-summary", patient.pk))
    event = AuditEvent.objects.get(action="patients.chart.read")
    assert (event.patient_id, event.detail["what"]) == (patient.pk, "basics")


def test_no_words_of_the_record_are_in_the_log(cast, patient, record):
    record(what="hiv", note="Rahasia")
    text = " ".join(str(row) for row in AuditEvent.objects.values_list("detail", "target_type", "target_id"))
    assert "hiv" not in text.lower()
    assert "Rahasia" not in text


@pytest.mark.parametrize("name", ["basics", "basics-summary"])
def test_statements_do_not_grow(cast, client_for, patient, record, name):
    client, counts = client_for(cast.doctor), []
    clinical_states.record_pregnancy(patient_id=patient.pk, actor=cast.nurse, state="pregnant")
    client.get(url(name, patient.pk))
    for number in (1, 12):
        for each in range(number):
            record(what=f"Keadaan {number} {each}")
            record(Section.MEDICINES, f"Obat {number} {each}")
            allergies.record_allergy(
                patient_id=patient.pk, actor=cast.nurse, substance=f"Zat {number} {each}", category="food"
            )
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url(name, patient.pk)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], [query["sql"][:150] for query in queries]
    assert counts[0] <= 16, [query["sql"][:150] for query in queries]


# --- Portal -----------------------------------------------------------------------------------------------------------


def test_the_patient_reads_the_own_data_only(cast, client_for):
    own = cast.patient_user.patient
    history.record_entry(patient_id=own.pk, actor=cast.nurse, section="chronic", what="hypertension")
    history.record_none(patient_id=own.pk, actor=cast.nurse, section="family")
    wrong = history.record_entry(patient_id=own.pk, actor=cast.nurse, section="chronic", what="lupus")
    history.mark_entry_in_error(entry_id=wrong.pk, actor=cast.nurse, reason="Bukan pasien ini")
    other = cast.other_patient_user.patient
    history.record_entry(patient_id=other.pk, actor=cast.nurse, section="chronic", what="asthma")
    body = client_for(cast.patient_user).get(url("portal-health")).content.decode()
    assert "Hipertensi" in body
    assert "Asma" not in body
    assert "Lupus" not in body
    assert "Bukan pasien ini" not in body
    event = AuditEvent.objects.get(action="patients.chart.read")
    assert (event.patient_id, event.actor_id) == (own.pk, cast.patient_user.pk)


def test_a_guardian_reads_the_childs_data(cast, client_for):
    link = GuardianLinkFactory(guardian=cast.patient_user)
    history.record_entry(patient_id=link.dependant_id, actor=cast.nurse, section="chronic", what="asthma")
    client = client_for(cast.patient_user)
    assert "Asma" not in client.get(url("portal-health")).content.decode()
    client.post(url("portal-person"), {"person": str(link.dependant_id)})
    body = client.get(url("portal-health")).content.decode()
    assert "Asma" in body
    assert "Budi Kecil" in body


# --- Prescriptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "warned"),
    [
        ("amlodipine", True),
        ("Norvasc", True),
        ("amlodipin 10mg pagi", True),
        ("metformin", False),
        ("Obat lain", False),
    ],
)
def test_what_is_taken_at_home_is_said_when_prescribing(patient, record, typed, warned):
    entry = record(Section.MEDICINES, typed, dose="1 x sehari")
    medicine = MedicineFactory(generic_name="Amlodipin", ingredients=["amlodipin 5 mg"])
    found = check_lines(patient, [PrescriptionLine(medicine.pk, Decimal(10), "1 x 1")])
    assert [(warning.kind, warning.is_hard_stop) for warning in found] == ([("home", False)] if warned else [])
    if warned:
        assert "1 x sehari" in found[0].message
        history.end_entry(entry_id=entry.pk, actor=entry.recorded_by)
        assert check_lines(patient, [PrescriptionLine(medicine.pk, Decimal(10), "1 x 1")]) == []


# --- Races ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_same_fact_recorded_at_once_is_one(cast, race):
    patient, nurse = PatientFactory(), cast.nurse

    def record(_number):
        return history.record_entry(patient_id=patient.pk, actor=nurse, section="chronic", what="asthma")

    results = race(record, [(number,) for number in range(6)])
    assert sum(isinstance(result, HistoryEntry) for result in results) == 1
    assert sum(isinstance(result, HistoryExists) for result in results) == 5


@pytest.mark.django_db(transaction=True)
def test_none_and_an_entry_at_once_never_both(cast, race):
    patient, nurse = PatientFactory(), cast.nurse

    def act(number):
        if number % 2:
            return history.record_none(patient_id=patient.pk, actor=nurse, section="past")
        return history.record_entry(patient_id=patient.pk, actor=nurse, section="past", what="Tifus", kind="illness")

    race(act, [(number,) for number in range(4)])
    assert HistoryEntry.objects.filter(status="active").count() == 1
    assert HistorySection.objects.get().is_none is False
