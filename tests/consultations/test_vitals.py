from decimal import Decimal

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from consultations import services
from consultations.errors import ImplausibleVitals, WrongStage
from consultations.models import VitalSigns
from consultations.vitals import MEASUREMENTS, body_mass_index, flag
from core.errors import InvalidInput
from scheduling.models import Visit
from tests.factories.consultations import VitalsFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import VisitFactory

pytestmark = pytest.mark.django_db


def record_url(visit):
    return reverse("consultations:vitals-record", args=[visit.pk])


# --- The wrong person --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who, status",
    [
        ("cashier", 403), ("pharmacist", 403), ("receptionist", 403), ("admin", 403), ("owner", 403),
        ("patient_user", 404), ("other_doctor", 404),
    ],
)  # fmt: skip
def test_others_neither_open_nor_record(cast, client_for, who, status):
    visit = VisitFactory(doctor=cast.doctor)
    client = client_for(getattr(cast, who))
    assert client.get(record_url(visit)).status_code == status
    assert client.post(record_url(visit), {"temperature_c": "37"}).status_code == status
    assert not VitalSigns.objects.exists()


def test_only_readers_of_notes_and_the_patient_see_vital_signs(cast):
    patient = cast.patient_user.patient
    VitalsFactory(visit=VisitFactory(patient=patient))
    for outsider in (cast.cashier, cast.receptionist, cast.pharmacist, cast.doctor, cast.other_patient_user):
        assert not VitalSigns.objects.visible_to(outsider).exists()
    for reader in (cast.nurse, cast.admin, cast.patient_user):
        assert VitalSigns.objects.visible_to(reader).exists()


def test_a_made_up_visit_is_not_found(cast, client_for):
    url = reverse("consultations:vitals-record", args=["018f0000-0000-7000-8000-000000000000"])
    assert client_for(cast.nurse).get(url).status_code == 404


# --- Recording ---------------------------------------------------------------------------------------------------


def test_the_nurse_records_with_commas_and_the_patient_waits_for_the_doctor(cast, client_for):
    visit = VisitFactory(status=Visit.Status.ARRIVED)
    answer = client_for(cast.nurse).post(
        record_url(visit),
        {
            "systolic_mmhg": " 130 ", "diastolic_mmhg": "85", "temperature_c": "36,5", "weight_kg": "58.25",
            "remark": "Pusing\x00 sejak pagi", "status": "entered_in_error", "visit": "x",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    vitals = VitalSigns.objects.get()
    assert (vitals.systolic_mmhg, vitals.diastolic_mmhg) == (130, 85)
    assert (vitals.temperature_c, vitals.weight_kg) == (Decimal("36.5"), Decimal("58.25"))
    assert (vitals.remark, vitals.status, vitals.recorded_by) == ("Pusing sejak pagi", "final", cast.nurse)
    visit.refresh_from_db()
    assert visit.status == Visit.Status.WAITING
    event = AuditEvent.objects.get(action="consultations.vitals.recorded")
    assert event.detail["fields"] == ["diastolic_mmhg", "systolic_mmhg", "temperature_c", "weight_kg"]


@pytest.mark.parametrize(
    "field, text, ok",
    [
        ("temperature_c", "25", True), ("temperature_c", "24,9", False), ("temperature_c", "45,0", True),
        ("temperature_c", "45,1", False), ("temperature_c", "365", False), ("temperature_c", "36,55", False),
        ("heart_rate_bpm", "20", True), ("heart_rate_bpm", "19", False), ("heart_rate_bpm", "72,5", False),
        ("respiratory_rate_bpm", "121", False), ("oxygen_saturation_percent", "100", True),
        ("oxygen_saturation_percent", "101", False), ("weight_kg", "0,3", True), ("weight_kg", "0,29", False),
        ("weight_kg", "1.000", False), ("weight_kg", ",5", False), ("weight_kg", "-5", False),
        ("weight_kg", "5e1", False), ("weight_kg", "٥٥", False), ("weight_kg", "<script>", False),
        ("height_cm", "260", True), ("height_cm", "260,5", False), ("pain_score", "0", True), ("pain_score", "11", False),
    ],
)  # fmt: skip
def test_plausibility(cast, client_for, field, text, ok):
    visit = VisitFactory()
    answer = client_for(cast.nurse).post(record_url(visit), {field: text})
    assert answer.status_code == (302 if ok else 422)
    assert VitalSigns.objects.count() == int(ok)
    if not ok:
        assert "data-error-summary" in answer.content.decode()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"remark": "hanya catatan"},
        {"systolic_mmhg": "120"},
        {"diastolic_mmhg": "80"},
        {"systolic_mmhg": "80", "diastolic_mmhg": "120"},
        {"systolic_mmhg": "80", "diastolic_mmhg": "80"},
    ],
)
def test_incomplete_sets_are_refused_and_kept_in_the_form(cast, client_for, values):
    answer = client_for(cast.nurse).post(record_url(VisitFactory()), values)
    assert answer.status_code == 422
    assert all(value in answer.content.decode() for value in values.values())
    assert not VitalSigns.objects.exists()


def test_the_service_guards_what_the_form_guards(cast):
    visit = VisitFactory()
    for values in (
        {"heart_rate_bpm": Decimal("72.5")},
        {"temperature_c": Decimal("36.55")},
        {"weight_kg": Decimal(401)},
    ):
        with pytest.raises(ImplausibleVitals):
            services.record_vitals(visit_id=visit.pk, actor=cast.nurse, **values)
    assert not VitalSigns.objects.exists()


def test_a_visit_that_is_over_takes_no_vital_signs(cast, client_for):
    visit = VisitFactory(status=Visit.Status.FINISHED)
    with pytest.raises(WrongStage):
        services.record_vitals(visit_id=visit.pk, actor=cast.nurse, pain_score=Decimal(1))
    answer = client_for(cast.nurse).post(record_url(visit), {"pain_score": "1"})
    assert answer.status_code == 409
    assert not VitalSigns.objects.exists()


# --- Wrong entries ------------------------------------------------------------------------------------------------


def test_marking_wrong_needs_a_reason_and_keeps_the_row(cast, client_for):
    vitals = VitalsFactory()
    url = reverse("consultations:vitals-mark-error", args=[vitals.pk])
    client = client_for(cast.nurse)
    assert client.post(url, {"reason": "  "}).status_code == 422
    with pytest.raises(InvalidInput):
        services.mark_vitals_in_error(vitals_id=vitals.pk, actor=cast.nurse, reason="\u200b")
    assert client.post(url, {"reason": "Manset terlalu kecil"}).status_code == 302
    vitals.refresh_from_db()
    assert (vitals.status, vitals.error_reason, vitals.marked_by) == (
        "entered_in_error",
        "Manset terlalu kecil",
        cast.nurse,
    )
    client.post(url, {"reason": "lagi"})
    vitals.refresh_from_db()
    assert vitals.error_reason == "Manset terlalu kecil"
    assert AuditEvent.objects.filter(action="consultations.vitals.marked_in_error").count() == 1
    assert "120/80" not in client.get(record_url(vitals.visit)).content.decode()


def test_another_doctor_cannot_mark(cast, client_for):
    vitals = VitalsFactory(patient=PatientFactory(care_team=[cast.doctor]))
    url = reverse("consultations:vitals-mark-error", args=[vitals.pk])
    assert client_for(cast.other_doctor).post(url, {"reason": "salah"}).status_code == 404


# --- Flags --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field, value, age, expected",
    [
        ("temperature_c", Decimal("36.1"), 30, ""), ("temperature_c", Decimal("36.0"), 30, "low"),
        ("temperature_c", Decimal("38.0"), 30, ""), ("temperature_c", Decimal("38.1"), 30, "high"),
        ("oxygen_saturation_percent", 96, 30, ""), ("oxygen_saturation_percent", 95, 30, "low"),
        ("systolic_mmhg", 140, 30, "high"), ("systolic_mmhg", 139, 30, ""), ("systolic_mmhg", 90, 30, "low"),
        ("systolic_mmhg", 140, 17, ""), ("diastolic_mmhg", 90, 18, "high"),
        ("respiratory_rate_bpm", 30, 0, ""), ("respiratory_rate_bpm", 30, 30, "high"),
        ("respiratory_rate_bpm", 12, 30, ""), ("respiratory_rate_bpm", 11, 30, "low"),
        ("heart_rate_bpm", 50, 30, "low"), ("heart_rate_bpm", 51, 30, ""), ("heart_rate_bpm", 150, 0, ""),
        ("weight_kg", Decimal(300), 30, ""), ("pain_score", 7, 30, "high"), ("temperature_c", None, 30, ""),
    ],
)  # fmt: skip
def test_flags(field, value, age, expected):
    assert flag(field, value, age_years=age) == expected


def test_body_mass_index():
    assert body_mass_index(weight_kg=Decimal("58.5"), height_cm=Decimal("160")) == Decimal("22.9")
    assert body_mass_index(weight_kg=None, height_cm=Decimal("160")) is None


def test_every_measurement_has_a_column():
    assert {rule.field for rule in MEASUREMENTS} <= {field.name for field in VitalSigns._meta.fields}


# --- The list -----------------------------------------------------------------------------------------------------


def test_the_list_shows_who_is_not_measured_first(cast, client_for):
    done = VisitFactory(patient__full_name="Sudah Diukur")
    VitalsFactory(visit=done)
    VisitFactory(patient__full_name="Belum Diukur", status=Visit.Status.ARRIVED)
    VisitFactory(patient__full_name="Sudah Pulang", status=Visit.Status.FINISHED)
    context = client_for(cast.nurse).get(reverse("consultations:vitals-list")).context
    assert [visit.patient.full_name for visit in context["to_measure"]] == ["Belum Diukur"]
    assert [visit.patient.full_name for visit in context["measured"]] == ["Sudah Diukur"]


def test_the_lists_queries_do_not_grow(cast, client_for, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client, counts = client_for(cast.nurse), []
    for more in (3, 27):
        for _ in range(more):
            VisitFactory(doctor=cast.doctor)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(reverse("consultations:vitals-list"))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15
