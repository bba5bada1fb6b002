"""Insurance policies: one truth for payer and BPJS number, valid on the day of the visit, nothing deleted."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from patients import services
from patients.coverage_errors import PolicyChanged, PolicyClosed, PolicyExists
from patients.errors import InvalidPatientData, ReasonMissing
from patients.models import Insurer, Patient, PolicyCoverage
from patients.search import find_patients
from patients.services import coverage
from patients.services.payer import bpjs_insurer
from tests.factories.coverage import InsurerFactory, PolicyFactory
from tests.factories.patients import PatientFactory

BPJS = "0001234567890"
OTHER_BPJS = "0009876543210"
TODAY = date(2026, 3, 5)


def add(cast, patient, insurer=None, **fields):
    values = {"number": "ASB-1", **fields}
    insurer = insurer or InsurerFactory()
    return coverage.add_policy(patient_id=patient.pk, insurer_id=insurer.pk, actor=cast.receptionist, **values)


def stored(patient):
    return Patient.objects.get(pk=patient.pk)


def update(cast, patient, **fields):
    fresh = stored(patient)
    values = {"full_name": fresh.full_name, "guarantor": fresh.guarantor, "bpjs_number": fresh.bpjs_number, **fields}
    services.update_patient(patient_id=patient.pk, actor=cast.receptionist, version=fresh.version, **values)


# --- One truth ------------------------------------------------------------------------------------------------------


def test_a_bpjs_policy_writes_the_patient_and_the_search_finds_it(cast):
    patient = PatientFactory()
    policy = add(cast, patient, bpjs_insurer(), number="0001-2345-67890", is_primary=True)
    assert (policy.number, stored(patient).bpjs_number, stored(patient).guarantor) == (BPJS, BPJS, "bpjs")
    assert [row.pk for row in find_patients(user=cast.receptionist, query=BPJS)] == [patient.pk]
    coverage.change_policy(policy_id=policy.pk, version=1, actor=cast.receptionist, number=OTHER_BPJS)
    assert stored(patient).bpjs_number == OTHER_BPJS
    assert find_patients(user=cast.receptionist, query=BPJS) == []
    assert [row.pk for row in find_patients(user=cast.receptionist, query=OTHER_BPJS)] == [patient.pk]


def test_the_identity_form_writes_the_policy(cast):
    patient = PatientFactory()
    update(cast, patient, bpjs_number=BPJS, guarantor="bpjs")
    policy = PolicyCoverage.objects.get(patient=patient)
    assert (policy.number, policy.is_primary, policy.insurer.kind) == (BPJS, True, "bpjs")
    update(cast, patient, bpjs_number=OTHER_BPJS)
    policy.refresh_from_db()
    assert (policy.number, policy.version, policy.status) == (OTHER_BPJS, 2, "active")
    update(cast, patient, guarantor="self")
    policy.refresh_from_db()
    assert (policy.is_primary, policy.status) == (False, "active")
    update(cast, patient, bpjs_number="")
    policy.refresh_from_db()
    assert (policy.status, policy.ended_by) == ("ended", cast.receptionist)


def test_registering_with_a_bpjs_number_makes_the_policy(cast):
    patient = services.register_patient(
        actor=cast.receptionist, full_name="Siti Aminah", birth_date=date(1990, 5, 17), sex="female", guarantor="bpjs",
        bpjs_number=BPJS,
    )  # fmt: skip
    policy = PolicyCoverage.objects.get(patient=patient)
    assert (policy.number, policy.is_primary) == (BPJS, True)


def test_ending_the_policy_empties_the_number_and_the_patient_pays(cast):
    patient = PatientFactory()
    policy = add(cast, patient, bpjs_insurer(), number=BPJS, is_primary=True)
    second = add(cast, patient)
    coverage.end_policy(policy_id=policy.pk, actor=cast.receptionist, reason="Keluar dari BPJS")
    assert (stored(patient).bpjs_number, stored(patient).guarantor) == ("", "self")
    second.refresh_from_db()
    assert second.is_primary is False
    coverage.put_policy_first(policy_id=second.pk, actor=cast.receptionist)
    assert stored(patient).guarantor == "insurance"


def test_one_policy_pays_first(cast):
    patient = PatientFactory()
    first, second = add(cast, patient, is_primary=True), add(cast, patient, number="ASB-2", is_primary=True)
    assert [row.pk for row in PolicyCoverage.objects.filter(is_primary=True)] == [second.pk]
    coverage.put_policy_first(policy_id=first.pk, actor=cast.receptionist)
    coverage.put_policy_first(policy_id=first.pk, actor=cast.receptionist)
    assert [row.pk for row in PolicyCoverage.objects.filter(is_primary=True)] == [first.pk]
    assert AuditEvent.objects.filter(action="patients.coverage.put_first").count() == 3


def test_the_first_policy_of_the_payer_that_was_chosen_pays_first(cast):
    patient = PatientFactory(guarantor="insurance")
    assert add(cast, patient).is_primary is True
    assert add(cast, patient, number="ASB-2").is_primary is False


# --- Rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"number": " \x00 "},
        {"number": "---"},
        {"number": "x" * 61},
        {"plan_class": "x" * 31},
        {"holder": "neighbour"},
        {"valid_from": date(2026, 2, 1), "valid_until": date(2026, 1, 31)},
    ],
    ids=str,
)
def test_impossible_values(cast, fields):
    with pytest.raises(InvalidPatientData):
        add(cast, PatientFactory(), **fields)
    assert not PolicyCoverage.objects.exists()


@pytest.mark.parametrize("number", ["123", "000123456789a", "١٢٣٤٥٦٧٨٩٠١٢٣", "00012345678901"])
def test_a_bpjs_number_has_13_digits(cast, number):
    with pytest.raises(InvalidPatientData):
        add(cast, PatientFactory(), bpjs_insurer(), number=number)


def test_an_insurer_that_is_out_of_use_is_refused(cast):
    with pytest.raises(InvalidPatientData):
        add(cast, PatientFactory(), InsurerFactory(name="Bangkrut", is_active=False))


def test_the_same_policy_is_recorded_once(cast):
    patient = PatientFactory()
    policy = add(cast, patient)
    add(cast, PatientFactory())  # a family shares one policy
    for number in ("ASB-1", "asb-1 "):
        with pytest.raises(PolicyExists):
            add(cast, patient, number=number)
    add(cast, patient, bpjs_insurer(), number=BPJS)
    with pytest.raises(PolicyExists):
        add(cast, patient, bpjs_insurer(), number=OTHER_BPJS)
    coverage.mark_policy_in_error(policy_id=policy.pk, actor=cast.receptionist, reason="Kartu orang lain")
    add(cast, patient)


def test_closed_policies_stay_as_they_are(cast):
    policy = PolicyFactory()
    with pytest.raises(ReasonMissing):
        coverage.end_policy(policy_id=policy.pk, actor=cast.receptionist, reason=" ")
    coverage.end_policy(policy_id=policy.pk, actor=cast.receptionist, reason="Pindah kerja")
    for act in (coverage.end_policy, coverage.mark_policy_in_error):
        with pytest.raises(PolicyClosed):
            act(policy_id=policy.pk, actor=cast.receptionist, reason="lagi")
    with pytest.raises(PolicyClosed):
        coverage.change_policy(policy_id=policy.pk, version=1, actor=cast.receptionist, number="X1")
    with pytest.raises(PolicyClosed):
        coverage.put_policy_first(policy_id=policy.pk, actor=cast.receptionist)
    policy.refresh_from_db()
    assert (policy.status, policy.end_reason) == ("ended", "Pindah kerja")


def test_a_change_over_another_change_is_refused(cast):
    policy = PolicyFactory()
    coverage.change_policy(policy_id=policy.pk, version=1, actor=cast.receptionist, plan_class="1")
    coverage.change_policy(policy_id=policy.pk, version=2, actor=cast.receptionist, plan_class="1")  # nothing to write
    with pytest.raises(PolicyChanged):
        coverage.change_policy(policy_id=policy.pk, version=1, actor=cast.receptionist, plan_class="2")
    policy.refresh_from_db()
    assert (policy.plan_class, policy.version) == ("1", 2)


def test_two_desks_add_the_same_card_at_once(cast, race):
    patient, insurer = PatientFactory(guarantor="bpjs"), bpjs_insurer()
    actor = cast.receptionist

    def work():
        return coverage.add_policy(
            patient_id=patient.pk, insurer_id=insurer.pk, number=BPJS, actor=actor, is_primary=True
        )

    results = race(work, [()] * 4)
    assert [type(found) for found in results].count(PolicyCoverage) == 1
    assert [type(found) for found in results].count(PolicyExists) == 3
    assert PolicyCoverage.objects.count() == 1
    assert stored(patient).bpjs_number == BPJS


# --- On the day of a visit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dates", "valid", "tone", "words"),
    [
        ((None, None), True, "info", "no end"),
        ((None, date(2026, 12, 31)), True, "info", "valid until"),
        ((None, date(2026, 3, 5)), True, "info", "new card"),
        ((None, date(2026, 3, 4)), False, "warning", "ended on"),
        ((date(2026, 3, 5), None), True, "info", "no end"),
        ((date(2026, 3, 6), None), False, "warning", "not valid yet"),
    ],
    ids=str,
)
def test_validity_on_the_day(cast, dates, valid, tone, words, settings):
    from django.utils import translation

    policy = PolicyFactory(
        patient=PatientFactory(guarantor="insurance"), is_primary=True, valid_from=dates[0], valid_until=dates[1]
    )
    assert policy.is_valid_on(TODAY) is valid
    with translation.override("en"):
        line = coverage.coverage_lines(policy.patient, TODAY)[0]
    assert line.tone == tone
    assert words in line.text


def test_another_valid_policy_is_named_when_the_first_is_not(cast):
    patient = PatientFactory(guarantor="insurance")
    PolicyFactory(patient=patient, is_primary=True, valid_until=date(2026, 1, 1))
    PolicyFactory(patient=patient, insurer=InsurerFactory(name="Lain", kind=Insurer.Kind.EMPLOYER))
    lines = coverage.coverage_lines(patient, TODAY)
    assert [line.tone for line in lines] == ["warning", "info"]
    assert "Lain" in lines[1].text


def test_who_pays_alone_hears_nothing_and_a_missing_policy_is_asked_for(cast):
    patient = PatientFactory(guarantor="self")
    PolicyFactory(patient=patient)
    assert coverage.coverage_lines(patient, TODAY) == []
    assert [line.tone for line in coverage.coverage_lines(PatientFactory(guarantor="bpjs"), TODAY)] == ["warning"]


# --- Screens --------------------------------------------------------------------------------------------------------


def test_the_desk_records_changes_and_ends_a_policy(cast, client_for):
    patient, client = PatientFactory(), client_for(cast.receptionist)
    data = {"insurer": str(bpjs_insurer().pk), "number": "12", "holder": "self", "is_primary": "on"}
    address = reverse("patients:coverage-add", args=[patient.pk])
    answer = client.post(address, data)
    assert answer.status_code == 422
    assert client.post(address, {**data, "number": BPJS, "valid_until": "2026-03-01"}).status_code == 302
    page = client.get(reverse("patients:coverages", args=[patient.pk])).content.decode()
    assert BPJS in page
    assert "1 Maret 2026" in page
    policy = PolicyCoverage.objects.get()
    edit = reverse("patients:coverage-edit", args=[policy.pk])
    assert BPJS in client.get(edit).content.decode()
    changed = {"number": BPJS, "holder": "spouse", "version": "1"}
    assert client.post(edit, changed).status_code == 422  # whose name is missing
    assert client.post(edit, {**changed, "holder_name": "Budi"}).status_code == 302
    assert client.post(edit, {**changed, "holder_name": "Ani"}).status_code == 409
    assert client.post(reverse("patients:coverage-end", args=[policy.pk]), {"reason": ""}).status_code == 422
    assert client.post(reverse("patients:coverage-end", args=[policy.pk]), {"reason": "Keluar"}).status_code == 302
    policy.refresh_from_db()
    assert (policy.status, policy.holder_name) == ("ended", "Budi")
    assert AuditEvent.objects.filter(action="patients.chart.read", patient_id=patient.pk).count() >= 2


def test_a_policy_changed_meanwhile_stays_until_it_is_opened_again(cast, client_for):
    policy, client = PolicyFactory(number="A-1"), client_for(cast.receptionist)
    edit = reverse("patients:coverage-edit", args=[policy.pk])
    typed = {"number": "A-2", "holder": "self", "version": str(client.get(edit).context["version"])}
    coverage.change_policy(policy_id=policy.pk, version=1, actor=cast.admin, number="A-3")
    wrong = client.post(edit, {**typed, "holder": "spouse"})  # whose name is missing
    assert (wrong.status_code, wrong.context["version"]) == (422, 1)
    for _again in range(2):
        answer = client.post(edit, typed)
        typed["version"] = str(answer.context["version"])
        assert answer.status_code == 409
    policy.refresh_from_db()
    assert policy.number == "A-3"
    typed["version"] = str(client.get(edit).context["version"])
    assert client.post(edit, typed).status_code == 302


def test_patients_read_their_own_policies_only(cast, client_for):
    own = PolicyFactory(patient=cast.patient_user.patient, number="MILIK-SAYA")
    PolicyFactory(patient=own.patient, number="LAMA-1", status="ended")
    PolicyFactory(number="ORANG-LAIN")
    page = client_for(cast.patient_user).get(reverse("patients:portal-coverages")).content.decode()
    assert "MILIK-SAYA" in page
    assert "ORANG-LAIN" not in page
    assert "LAMA-1" not in page


def test_the_list_costs_the_same_for_many_policies(cast, client_for):
    client, counts = client_for(cast.receptionist), []
    for total in (3, 30):
        patient = PatientFactory()
        PolicyFactory.create_batch(total, patient=patient, ended_by=cast.receptionist)
        client.get(reverse("patients:coverages", args=[patient.pk]))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(reverse("patients:coverages", args=[patient.pk]))
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert counts[0] <= 15


# --- On the screens of a visit ------------------------------------------------------------------------------------------


def test_the_screens_of_a_visit_warn_about_policy_and_consent_and_never_block(cast, client_for):
    from tests.factories.billing import InvoiceFactory
    from tests.factories.consents import give_general
    from tests.factories.scheduling import AppointmentFactory

    patient = PatientFactory(guarantor="insurance")
    PolicyFactory(patient=patient, is_primary=True, valid_until=date(2026, 3, 4))
    appointment = AppointmentFactory(patient=patient)
    invoice = InvoiceFactory(patient=patient)
    desk, cashier = client_for(cast.receptionist), client_for(cast.cashier)
    consent = reverse("patients:consent-general", args=[patient.pk])
    pages = {
        reverse("scheduling:walk-in", args=[patient.pk]): desk,
        reverse("scheduling:patient-book", args=[patient.pk]): desk,
        reverse("scheduling:appointment-detail", args=[appointment.pk]): desk,
        reverse("workspace:bill-detail", args=[invoice.pk]): cashier,
    }
    for address, client in pages.items():
        body = client.get(address).content.decode()
        assert "4 Maret 2026" in body, address
        assert (consent in body) is (client is desk), address
    give_general(patient, cast.receptionist)
    for address, client in pages.items():
        assert consent not in client.get(address).content.decode(), address


def test_an_older_general_consent_is_asked_for_again(cast):
    from patients.visit_checks import visit_checks
    from tests.factories.consents import give_general, texts

    texts()
    patient = PatientFactory()
    assert visit_checks(patient, TODAY, user=cast.receptionist).consent == "missing"
    give_general(patient, cast.receptionist)
    patient = stored(patient)
    assert visit_checks(patient, TODAY, user=cast.receptionist).consent == ""
    from patients.services.consents import publish_text

    body = "Kalimat yang cukup panjang untuk sebuah teks persetujuan di klinik."
    publish_text(
        kind="general", title_id="Baru", body_id=body, title_en="New", body_en=body, base_version=1, actor=cast.admin
    )
    checks = visit_checks(patient, TODAY, user=cast.cashier)
    assert (checks.consent, checks.may_ask) == ("older", False)


def test_the_picture_of_the_card_is_kept_and_shown_to_the_desk_only(cast, client_for):
    from io import BytesIO

    from django.core.files.uploadedfile import SimpleUploadedFile
    from PIL import Image

    picture = BytesIO()
    Image.new("RGB", (320, 200), "white").save(picture, "PNG")
    patient, client = PatientFactory(), client_for(cast.receptionist)
    address = reverse("patients:coverage-add", args=[patient.pk])
    data = {"insurer": str(InsurerFactory().pk), "number": "ASB-9", "holder": "self"}
    broken = SimpleUploadedFile("kartu.png", b"MZ program")
    assert client.post(address, {**data, "card": broken}).status_code == 422
    assert not PolicyCoverage.objects.exists()
    card = SimpleUploadedFile("kartu.png", picture.getvalue(), content_type="image/png")
    assert client.post(address, {**data, "card": card}).status_code == 302
    policy = PolicyCoverage.objects.get()
    assert (policy.card.category, policy.card.patient_id) == ("insurance", patient.pk)
    shown = client.get(reverse("patients:coverage-card", args=[policy.pk]))
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/png")
    assert AuditEvent.objects.filter(action="patients.chart.read", target_id=str(policy.card.pk)).exists()
    assert client_for(cast.cashier).get(reverse("patients:coverage-card", args=[policy.pk])).status_code == 403
