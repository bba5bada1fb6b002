"""Consents: nothing is edited, a no is heard, a drawn signature is a signature, and nobody signs for a child alone."""

import io
import json
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pypdf import PdfReader

from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput, NotPermitted
from notifications.models import Email, Notice
from notifications.services import queue_email
from patients import consent_papers, consents
from patients.consent_errors import (
    AnswerMissing,
    ConsentChanged,
    ConsentClosed,
    GuardianNeeded,
    TextChanged,
    TextInvalid,
)
from patients.consents import is_intact, may
from patients.models import Consent, ConsentKind, ConsentText, Patient
from patients.services import consents as acts
from patients.services.mail import mail_patient, notify_patient
from patients.signatures import SignatureRefused, read_signature, svg_paths
from tests.factories.consents import (
    SIGNATURE_TEXT,
    answers,
    choice_form,
    drawn,
    general_form,
    give_choice,
    give_general,
    page,
    texts,
)
from tests.factories.patients import GuardianLinkFactory, PatientFactory

GENERAL, MESSAGES, SATUSEHAT = ConsentKind.GENERAL, ConsentKind.MESSAGES, ConsentKind.SATUSEHAT
BODY = "Kalimat yang cukup panjang untuk sebuah teks persetujuan di klinik."
CHILD_BORN = date(2018, 6, 2)


@pytest.fixture(autouse=True)
def _texts(db):
    texts()


def withdraw(consent, actor, *, signer=None, method=Consent.Method.DESK, key=None):
    return acts.withdraw(
        consent_id=consent.pk, signer=signer or acts.Signer(name=""), method=method, key=key or uuid4(), actor=actor
    )


def publish(actor, kind=GENERAL, *, base_version=1, body=BODY):
    return acts.publish_text(
        kind=kind, title_id="Persetujuan", body_id=body, title_en="Consent", body_en=body, base_version=base_version,
        actor=actor,
    )  # fmt: skip


# --- A general consent ----------------------------------------------------------------------------------------------


def test_a_general_consent_holds_the_14_variables_and_settles_the_purposes(cast):
    patient = PatientFactory(full_name="Siti Aminah")
    consent = give_general(patient, cast.receptionist, given=answers(trainees_may_access=False, satusehat=False))
    stored = Consent.objects.get(pk=consent.pk)
    assert [getattr(stored, name) for name in consents.ANSWERS].count(None) == 0
    assert stored.relatives == [
        {"name": "Budi Santoso", "relation_code": "4", "relation_label": "Suami/istri", "contact": "0812-3456-7890"}
    ]
    assert (stored.signer_name, stored.signer_relation_label, stored.officer) == (
        "Siti Aminah",
        "Diri sendiri",
        cast.receptionist,
    )
    assert (stored.decision, stored.officer_proof, stored.signature[1]) == ("permit", "drawn", [[450, 350]])
    assert Patient.objects.get(pk=patient.pk).consented_at == stored.given_at
    assert {kind: may(patient.pk, kind) for kind in ConsentKind.values} == {
        "general": True, "satusehat": False, "insurer": True, "education": False, "messages": True,
    }  # fmt: skip
    assert AuditEvent.objects.filter(action="patients.consent.permitted", patient_id=patient.pk).count() == 3
    assert AuditEvent.objects.filter(action="patients.consent.refused", patient_id=patient.pk).count() == 2


def test_a_signed_refusal_is_recorded_and_is_no_consent(cast):
    patient = PatientFactory()
    give_general(patient, cast.receptionist)
    consent = give_general(patient, cast.receptionist, given=answers(treatment_agreed=False))
    assert consent.decision == "deny"
    assert Patient.objects.get(pk=patient.pk).consented_at is None
    assert Consent.objects.filter(kind=GENERAL).count() == 2


@pytest.mark.parametrize("missing", [*consents.ANSWERS, "satusehat", "messages"])
def test_no_question_stays_open(cast, missing):
    patient = PatientFactory()
    with pytest.raises(AnswerMissing):
        give_general(patient, cast.receptionist, given=answers(**{missing: None}))
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("evidence", "error"),
    [
        ({"signature": None}, AnswerMissing),
        ({"officer_signature": None}, AnswerMissing),
        ({"method": "desk"}, AnswerMissing),
        ({"method": "telepathy"}, AnswerMissing),
        ({"method": "paper"}, AnswerMissing),
    ],
    ids=str,
)
def test_it_is_signed_by_both(cast, evidence, error):
    with pytest.raises(error):
        give_general(PatientFactory(), cast.receptionist, evidence=drawn(**evidence))
    assert not Consent.objects.exists()


def test_a_fresh_sign_in_counts_as_the_officers_signature(cast):
    consent = give_general(
        PatientFactory(), cast.receptionist, evidence=drawn(officer_signature=None, officer_is_fresh=True)
    )
    assert (consent.officer_proof, consent.officer_signature) == ("signed_in", None)


def test_a_child_never_signs_alone(cast):
    child = PatientFactory(birth_date=CHILD_BORN)
    with pytest.raises(GuardianNeeded):
        give_general(child, cast.receptionist)
    with pytest.raises(AnswerMissing):
        give_general(child, cast.receptionist, signer=acts.Signer(name=" ", relation_code="2"))
    consent = give_general(child, cast.receptionist, signer=acts.Signer(name="Ibu Rina", relation_code="2"))
    assert (consent.signer_name, consent.signer_relation_label) == ("Ibu Rina", "Orang tua")
    with pytest.raises(GuardianNeeded):
        withdraw(consent, cast.receptionist)


def test_nor_does_an_adult_who_cannot_decide(cast):
    signer = acts.Signer(name="", is_patient_unable=True)
    with pytest.raises(GuardianNeeded):
        give_general(PatientFactory(), cast.receptionist, signer=signer)
    give_general(PatientFactory(), cast.receptionist, signer=replace(signer, name="Budi", relation_code="4"))


@pytest.mark.parametrize(
    "relatives",
    [
        [{"name": "", "relation_code": "4"}],
        [{"name": "Budi", "relation_code": "99"}],
        [{"name": "Budi", "relation_code": "4"}] * 11,
    ],
    ids=str,
)
def test_relatives_have_a_name_and_a_relation(cast, relatives):
    with pytest.raises(AnswerMissing):
        give_general(PatientFactory(), cast.receptionist, given=replace(answers(), relatives=relatives))


# --- Nothing is recorded over what was not seen -----------------------------------------------------------------------


def test_the_same_form_twice_is_one_consent(cast):
    patient = PatientFactory()
    shown = page(patient)
    first = give_general(patient, cast.receptionist, shown=shown)
    assert give_general(patient, cast.receptionist, shown=shown).pk == first.pk
    assert Consent.objects.count() == 5
    choice = page(patient, MESSAGES)
    first = give_choice(patient, cast.receptionist, MESSAGES, permit=False, shown=choice)
    assert give_choice(patient, cast.receptionist, MESSAGES, permit=False, shown=choice).pk == first.pk


def test_a_key_of_another_patient_is_refused(cast):
    shown = page(PatientFactory())
    give_general(PatientFactory(), cast.receptionist, shown=shown)
    other = PatientFactory()
    with pytest.raises(InvalidInput):
        give_general(other, cast.receptionist, shown=shown)
    assert not Consent.objects.filter(patient=other).exists()


def test_an_answer_recorded_meanwhile_is_not_covered(cast):
    patient = PatientFactory()
    shown = page(patient)
    give_general(patient, cast.receptionist)
    with pytest.raises(ConsentChanged):
        give_general(patient, cast.receptionist, shown=shown)
    assert Consent.objects.filter(kind=GENERAL).count() == 1


@pytest.mark.parametrize("kind", [GENERAL, MESSAGES])
def test_a_text_published_meanwhile_is_read_first(cast, kind):
    patient = PatientFactory()
    shown = page(patient)
    publish(cast.admin, kind)
    with pytest.raises(ConsentChanged):
        give_general(patient, cast.receptionist, shown=shown)
    assert not Consent.objects.exists()


def test_two_officers_at_once_record_one(cast, race):
    texts()
    patient, actor = PatientFactory(), cast.receptionist
    pages = [page(patient) for _number in range(4)]
    results = race(lambda shown: give_general(patient, actor, shown=shown), [(shown,) for shown in pages])
    assert [type(found) for found in results].count(Consent) == 1
    assert [type(found) for found in results].count(ConsentChanged) == 3
    assert Consent.objects.filter(kind=GENERAL).count() == 1


def test_a_double_submit_at_once_is_one_consent(cast, race):
    texts()
    patient, actor = PatientFactory(), cast.receptionist
    shown = page(patient)
    results = race(lambda: give_general(patient, actor, shown=shown), [()] * 4)
    assert {getattr(found, "pk", found) for found in results} == {Consent.objects.get(kind=GENERAL).pk}


def test_withdrawing_at_once_is_one_row(cast, race):
    texts()
    actor = cast.receptionist
    consent = give_general(PatientFactory(), actor)
    results = race(lambda: withdraw(consent, actor), [()] * 4)
    assert [type(found) for found in results].count(ConsentClosed) == 3
    assert Consent.objects.filter(decision="withdrawn").count() == 1


# --- Purposes -----------------------------------------------------------------------------------------------------------


def test_without_an_answer_nothing_leaves_the_clinic_and_reminders_go(cast):
    patient = PatientFactory()
    assert {kind: may(patient.pk, kind) for kind in consents.PURPOSES} == {
        "satusehat": False, "insurer": False, "education": False, "messages": True,
    }  # fmt: skip
    assert consents.refusing([patient.pk], MESSAGES) == set()


def test_yes_no_and_withdrawn(cast):
    patient, other = PatientFactory(), PatientFactory()
    consent = give_choice(patient, cast.receptionist, SATUSEHAT)
    assert may(patient.pk, SATUSEHAT)
    assert not may(other.pk, SATUSEHAT)
    taken_back = withdraw(consent, cast.receptionist)
    assert not may(patient.pk, SATUSEHAT)
    assert (taken_back.withdraws_id, Consent.objects.get(pk=consent.pk).decision) == (consent.pk, "permit")
    give_choice(patient, cast.receptionist, SATUSEHAT)
    assert may(patient.pk, SATUSEHAT)
    give_choice(patient, cast.receptionist, SATUSEHAT, permit=False)
    assert not may(patient.pk, SATUSEHAT)
    assert consents.refusing([patient.pk, other.pk], SATUSEHAT) == {patient.pk}


def test_a_yes_needs_a_signature_and_a_no_does_not(cast):
    patient = PatientFactory()
    with pytest.raises(AnswerMissing):
        give_choice(patient, cast.receptionist, SATUSEHAT, evidence=acts.Evidence(Consent.Method.DESK))
    give_choice(patient, cast.receptionist, SATUSEHAT, permit=False)
    with pytest.raises(InvalidInput):
        give_choice(patient, cast.receptionist, GENERAL)


def test_only_a_yes_in_force_is_withdrawn(cast):
    patient = PatientFactory()
    first = give_choice(patient, cast.receptionist, MESSAGES)
    no = give_choice(patient, cast.receptionist, MESSAGES, permit=False)
    for consent in (first, no):
        with pytest.raises(ConsentClosed):
            withdraw(consent, cast.receptionist)
    key = uuid4()
    yes = give_choice(patient, cast.receptionist, MESSAGES)
    assert withdraw(yes, cast.receptionist, key=key).pk == withdraw(yes, cast.receptionist, key=key).pk


def test_withdrawing_the_general_consent_empties_the_date_and_leaves_the_purposes(cast):
    patient = PatientFactory()
    withdraw(give_general(patient, cast.receptionist), cast.receptionist)
    assert Patient.objects.get(pk=patient.pk).consented_at is None
    assert may(patient.pk, SATUSEHAT)


# --- Reminders ----------------------------------------------------------------------------------------------------------


def reminder(patient, template="appointment_reminder"):
    context = {"doctor": "dr. Rina", "starts_at": clock.now()}
    return mail_patient(patient=patient, template=template, context=context, dedupe_key=f"{template}:{uuid4()}")


def test_a_refusal_stops_reminders_and_nothing_else(cast):
    patient = cast.patient_user.patient
    assert reminder(patient) is not None
    give_choice(patient, cast.receptionist, MESSAGES, permit=False)
    Email.objects.all().delete()
    Notice.objects.all().delete()
    assert reminder(patient) is None
    params = {"doctor": "dr. Rina", "starts_at": clock.now()}
    assert notify_patient(patient=patient, kind="appointment_reminder", params=params) == 0
    assert reminder(patient, "appointment_approved") is not None  # answers what the patient asked for
    assert notify_patient(patient=patient, kind="appointment_approved", params=params) == 1
    security = queue_email(
        template="password_changed", to="siti@surat.example", language="id", dedupe_key="p:1",
        context={"name": "Siti", "changed_at": clock.now()}, recipient_user=cast.patient_user, patient_id=patient.pk,
    )  # fmt: skip
    assert security is not None
    assert set(Email.objects.values_list("template", flat=True)) == {"appointment_approved", "password_changed"}


def test_the_duty_of_tomorrow_leaves_out_who_refuses(cast):
    from scheduling.models import Appointment
    from scheduling.services import remind_for_day
    from tests.factories.scheduling import AppointmentFactory

    tomorrow = clock.today() + timedelta(days=1)
    talks, silent = PatientFactory(email="a@surat.example"), PatientFactory(email="b@surat.example")
    for patient in (talks, silent):
        appointment = AppointmentFactory(patient=patient, status=Appointment.Status.APPROVED)
        appointment.slot.starts_at = clock.at(tomorrow, clock.local(clock.now()).time())
        appointment.slot.save(update_fields=["starts_at"])
    give_choice(silent, cast.receptionist, MESSAGES, permit=False)
    assert remind_for_day(tomorrow) == 1
    assert list(Email.objects.values_list("patient_id", flat=True)) == [talks.pk]


# --- Evidence -----------------------------------------------------------------------------------------------------------


def test_a_consent_tells_when_it_was_changed(cast):
    consent = give_general(PatientFactory(), cast.receptionist)
    again = Consent.objects.get(pk=consent.pk)
    assert is_intact(again)
    for column, value in {
        "treatment_agreed": False, "decision": "deny", "signer_name": "Orang lain", "relatives": [],
        "given_at": consent.given_at - timedelta(days=1), "patient": PatientFactory(), "officer": cast.admin,
        "signature": [[[1, 1], [900, 300]]], "language": "en",
    }.items():  # fmt: skip
        before = getattr(again, column)
        setattr(again, column, value)
        assert not is_intact(again), column
        setattr(again, column, before)
    assert is_intact(again)
    ConsentText.objects.filter(pk=again.text_id).update(body_id="Saya setuju untuk semuanya.")
    assert not is_intact(Consent.objects.get(pk=consent.pk))


def test_a_consent_that_came_with_a_merged_record_is_intact(cast):
    old, survivor = PatientFactory(), PatientFactory()
    consent = give_general(old, cast.receptionist)
    Patient.objects.filter(pk=old.pk).update(merged_into=survivor, status="merged")
    Consent.objects.filter(pk=consent.pk).update(patient=survivor)
    assert is_intact(Consent.objects.get(pk=consent.pk))
    Consent.objects.filter(pk=consent.pk).update(patient=PatientFactory())
    assert not is_intact(Consent.objects.get(pk=consent.pk))


def test_no_identity_lies_readable_in_the_table(cast):
    give_general(PatientFactory(full_name="Kenari Rahasia"), cast.receptionist)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM patients_consent")
        raw = str(cursor.fetchall())
    for secret in ("Kenari", "Budi Santoso", "0812", "[100"):
        assert secret not in raw


# --- Signatures -----------------------------------------------------------------------------------------------------------


def test_a_signature_is_kept_on_its_sheet():
    assert read_signature("[[[-30.4, 10.6], [1030, 10.4], [500, 430]]]") == [[[0, 11], [1000, 10], [500, 400]]]
    assert svg_paths([[[1, 2], [3, 4]], [[5, 6]]]) == ["M1 2 L3 4", "M5 6 L5 6"]


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "[]", "[[]]", "[[[5,5]]]", "[[[5,5],[6,6]]]",  # nothing, or a dot
        "x", "{}", "null", "1", '"M0 0"', "[[[NaN,1],[500,2]]]", "[[[Infinity,1],[500,2]]]", "[[[1e309,1],[500,2]]]",
        '[[["1","2"],["900","300"]]]', "[[[true,false],[900,300]]]", "[[[1,2,3],[900,300,1]]]", "[[[1],[900]]]",
        "[[1,2],[900,300]]", "[[[2000,1],[1,1]]]", "[" * 90_000, "9" * 5000, json.dumps([[[1, 1], [900, 300]]] * 201),
        json.dumps([[[n % 1000, n % 400] for n in range(6001)]]), "[[[1,1],[900,300]]]" + " " * 100_001,
        "<script>alert(1)</script>", '[[["<script>",1],[1,2]]]', "\x00", "\ud83d", "[[[1,1],[900,300]]",
    ],
    ids=lambda text: repr(text[:24]),
)  # fmt: skip
def test_hostile_strokes_are_refused_with_a_sentence(text):
    with pytest.raises(SignatureRefused) as caught:
        read_signature(text)
    assert str(caught.value).endswith((".", "!"))


# --- Texts ----------------------------------------------------------------------------------------------------------------


def test_a_new_version_leaves_the_old_and_asks_again(cast):
    patient = PatientFactory()
    consent = give_general(patient, cast.receptionist)
    text = publish(cast.admin)
    assert (text.version, consent.text.version) == (2, 1)
    assert consents.standings(patient.pk)[GENERAL].needs_asking
    assert [row.pk for row in consents.on_older_text(2)] == [consent.pk]
    give_general(patient, cast.receptionist)
    assert not consents.standings(patient.pk)[GENERAL].needs_asking
    assert list(consents.on_older_text(2)) == []
    assert is_intact(consent)


def test_publishing_over_another_version_or_without_a_change(cast):
    publish(cast.admin)
    with pytest.raises(TextChanged):
        publish(cast.admin, body=BODY + " Lain.")
    with pytest.raises(TextInvalid):
        publish(cast.admin, base_version=2)
    with pytest.raises(TextInvalid):
        publish(cast.admin, base_version=2, body="Pendek.")
    assert ConsentText.objects.filter(kind=GENERAL).count() == 2


def test_of_two_who_publish_at_once_one_does(cast, race):
    texts()
    actor = cast.admin
    results = race(lambda number: publish(actor, body=f"{BODY} {number}"), [(number,) for number in range(4)])
    assert [type(found) for found in results].count(ConsentText) == 1
    assert ConsentText.objects.filter(kind=GENERAL).count() == 2


# --- The desk -------------------------------------------------------------------------------------------------------------


def test_the_tablet_has_no_answers_before_somebody_gives_them(cast, client_for):
    patient = PatientFactory()
    body = client_for(cast.receptionist).get(reverse("patients:consent-general", args=[patient.pk])).content.decode()
    assert " checked" not in body
    assert body.count('type="radio"') > 24
    assert "Kerahasiaan" in body
    assert 'href="/patients/search/"' not in body  # no other patient in reach
    english = client_for(cast.receptionist).get(
        reverse("patients:consent-general", args=[patient.pk]), {"language": "en"}
    )
    assert "Confidentiality" in english.content.decode()


def test_the_desk_records_a_consent_on_the_tablet(cast, client_for):
    patient, client = PatientFactory(), client_for(cast.receptionist)
    address = reverse("patients:consent-general", args=[patient.pk])
    answer = client.post(address, general_form(patient, treatment_agreed="", signature="[]"))
    assert answer.status_code == 422
    assert not Consent.objects.exists()
    filled = general_form(patient)
    assert client.post(address, filled).status_code == 302
    assert client.post(address, filled).status_code == 302
    assert Consent.objects.count() == 5
    assert client.post(address, {**filled, "key": str(uuid4())}).status_code == 409
    overview = client.get(reverse("patients:consents", args=[patient.pk])).content.decode()
    assert "Budi" not in overview
    consent = Consent.objects.get(kind=GENERAL)
    detail = client.get(reverse("patients:consent-detail", args=[consent.pk])).content.decode()
    assert "M100 200 L300 100 L500 300 L900 200" in detail
    assert "Budi Santoso" in detail


def test_drawn_strokes_come_back_after_an_error(cast, client_for):
    patient = PatientFactory()
    filled = general_form(patient, payment_explained="", officer_signature="")
    answer = client_for(cast.receptionist).post(reverse("patients:consent-general", args=[patient.pk]), filled)
    assert answer.status_code == 422
    assert "M100 200" in answer.content.decode()


def test_paper_is_photographed_and_kept(cast, client_for):
    from io import BytesIO

    from django.core.files.uploadedfile import SimpleUploadedFile
    from PIL import Image

    picture = BytesIO()
    Image.new("RGB", (300, 400), "white").save(picture, "JPEG")
    patient, client = PatientFactory(), client_for(cast.receptionist)
    address = reverse("patients:consent-general", args=[patient.pk])
    filled = general_form(patient, method="paper", signature="", officer_signature="", signed_on="2026-03-04")
    assert client.post(address, filled).status_code == 422  # no scan
    broken = SimpleUploadedFile("scan.jpg", b"<svg onload=alert(1)>")
    assert client.post(address, {**filled, "scan": broken}).status_code == 422
    assert not Consent.objects.exists()
    scan = SimpleUploadedFile("../../scan.jpg", picture.getvalue(), content_type="image/jpeg")
    assert client.post(address, {**filled, "scan": scan}).status_code == 302
    consent = Consent.objects.get(kind=GENERAL)
    assert (consent.scan.category, consent.scan.patient_id, consent.officer_proof) == ("consent", patient.pk, "paper")
    assert clock.local(consent.given_at).date() == date(2026, 3, 4)
    assert {row.scan_id for row in Consent.objects.all()} == {consent.scan_id}
    assert client.get(reverse("patients:consent-pdf", args=[consent.pk]))["Content-Type"] == "application/pdf"


def test_one_purpose_at_the_desk(cast, client_for):
    patient, client = PatientFactory(), client_for(cast.nurse)
    patient_of_nurse = PatientFactory(care_team=["nurse"])
    address = reverse("patients:consent-choice", args=[patient_of_nurse.pk, "education"])
    assert client.get(reverse("patients:consent-choice", args=[patient.pk, "education"])).status_code == 404
    assert client.get(reverse("patients:consent-choice", args=[patient_of_nurse.pk, "nothing"])).status_code == 404
    said = choice_form(patient_of_nurse, "education", method="desk", signature="")
    assert client.post(address, said).status_code == 422  # a yes is signed
    assert client.post(address, {**said, "decision": "no"}).status_code == 302
    assert not may(patient_of_nurse.pk, "education")
    assert client.post(address, choice_form(patient_of_nurse, "education")).status_code == 302
    assert may(patient_of_nurse.pk, "education")


def test_withdrawing_at_the_desk_says_what_follows(cast, client_for):
    consent = give_general(PatientFactory(), cast.receptionist)
    client, address = client_for(cast.receptionist), reverse("patients:consent-withdraw", args=[consent.pk])
    assert "25" in client.get(address).content.decode()
    data = {"key": str(uuid4()), "signer_relation": "1"}
    assert client.post(address, {**data, "signer_relation": "9"}).status_code == 422
    assert client.post(address, data).status_code == 302
    assert client.post(address, {**data, "key": str(uuid4())}).status_code == 409
    assert not may(consent.patient_id, GENERAL)


def test_papers_are_written_down(cast, client_for):
    consent, client = give_general(PatientFactory(), cast.receptionist), client_for(cast.receptionist)
    for name, pk in (("consent-form-pdf", consent.patient_id), ("consent-pdf", consent.pk)):
        answer = client.get(reverse(f"patients:{name}", args=[pk]))
        assert answer.content.startswith(b"%PDF")
    events = AuditEvent.objects.filter(action="patients.paper.printed", patient_id=consent.patient_id)
    assert sorted(event.detail["what"] for event in events) == ["consent", "consent-form"]


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_form_to_sign_has_two_pages_and_the_signatures_below_the_questions(db, language):
    form = consent_papers.blank_form(PatientFactory(), consents.current_texts(), language=language)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(form)).pages]
    assert len(pages) == 2
    assert "☐" in pages[1]
    assert "SATUSEHAT" in pages[1]


def test_the_signatures_take_what_is_above_along_to_another_page(cast):
    publish(cast.admin, kind=GENERAL, base_version=1, body=f"{BODY}\n\n" * 30)
    for extra in range(0, 30, 3):
        publish(cast.admin, kind=SATUSEHAT, base_version=1 + extra // 3, body=f"{BODY} {extra}\n" * (extra + 1))
        form = consent_papers.blank_form(PatientFactory(), consents.current_texts(), language="en")
        last = PdfReader(io.BytesIO(form)).pages[-1].extract_text()
        assert "May be told: name" in last


def test_papers_show_an_estimated_birth_date_as_one(cast):
    patient = PatientFactory(birth_accuracy="estimated")
    consent = give_general(patient, cast.receptionist)
    blank = consent_papers.blank_form(patient, consents.current_texts(), language="id")
    for paper in (blank, consent_papers.signed_copy(Consent.objects.get(pk=consent.pk))):
        printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(paper)).pages)
        assert "± 1990 (±" in printed
        assert "Mei 1990" not in printed


@pytest.mark.parametrize("show", ["", "older"])
def test_the_work_list_costs_the_same_for_many(cast, client_for, show):
    client, counts = client_for(cast.receptionist), []
    address = reverse("patients:consent-missing-list")
    version = 1
    for total in (3, 27):
        for patient in PatientFactory.create_batch(total):
            if show:
                give_general(patient, cast.receptionist)
        if show:
            version = publish(cast.admin, base_version=version, body=f"{BODY} {total}").version
        client.get(address, {"show": show})
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address, {"show": show})
        counts.append(len(captured))
        assert len(answer.context["rows"]) >= total - 5
    assert counts[0] == counts[1]
    assert counts[0] <= 15


def test_admins_publish_after_looking_at_it(cast, client_for):
    client, address = client_for(cast.admin), reverse("patients:consent-text-publish", args=["messages"])
    data = {"base_version": "1", "title_id": "Pesan", "body_id": BODY, "title_en": "Messages", "body_en": BODY}
    preview = client.post(address, data)
    assert preview.status_code == 200
    assert "<ins>" in preview.content.decode()
    assert ConsentText.objects.filter(kind="messages").count() == 1
    assert client.post(address, {**data, "publish": "1"}).status_code == 302
    assert client.post(address, {**data, "publish": "1"}).status_code == 409
    shown = client.get(reverse("patients:consent-text-detail", args=["messages"])).content.decode()
    assert "<del>" in shown
    assert client.get(reverse("patients:consent-text-publish", args=["nothing"])).status_code == 404


# --- The portal -----------------------------------------------------------------------------------------------------------


def answer_form(client, address, decision):
    form = client.get(address).context["form"]
    return {name: str(form[name].value()) for name in ("key", "seen", "versions")} | {"decision": decision}


def test_patients_refuse_and_withdraw_freely_and_agree_after_showing_who_they_are(cast, client_for):
    patient, client = cast.patient_user.patient, client_for(cast.patient_user)
    address = reverse("patients:portal-consent-choice", args=["satusehat"])
    assert client.post(address, answer_form(client, address, "no")).status_code == 302
    assert not may(patient.pk, SATUSEHAT)
    answer = client.post(address, answer_form(client, address, "yes"))
    assert (answer.status_code, may(patient.pk, SATUSEHAT)) == (302, False)
    confirm = answer["Location"]
    assert confirm.startswith(reverse("accounts:factor-confirm"))
    assert client.post(confirm, {"password": "rahasia-klinik-2026"}).status_code in (200, 302, 422)


def test_a_fresh_patient_agrees_and_takes_it_back(cast, client_for, monkeypatch):
    monkeypatch.setattr("patients.portal.consents.is_fresh", lambda request: True)
    patient, client = cast.patient_user.patient, client_for(cast.patient_user)
    address = reverse("patients:portal-consent-choice", args=["satusehat"])
    assert client.post(address, answer_form(client, address, "yes")).status_code == 302
    consent = Consent.objects.get()
    assert (consent.method, consent.signer_name, may(patient.pk, SATUSEHAT)) == ("portal", patient.full_name, True)
    monkeypatch.setattr("patients.portal.consents.is_fresh", lambda request: False)
    back = reverse("patients:portal-consent-withdraw", args=[consent.pk])
    assert client.post(back, {"key": "x"}).status_code == 422
    assert client.post(back, {"key": str(uuid4())}).status_code == 302
    assert not may(patient.pk, SATUSEHAT)
    assert client.post(address, {**answer_form(client, address, "maybe")}).status_code == 422


def test_guardians_answer_for_the_child_under_their_own_name(cast, client_for, monkeypatch):
    monkeypatch.setattr("patients.portal.consents.is_fresh", lambda request: True)
    assert cast.patient_user.patient.pk
    link = GuardianLinkFactory(guardian=cast.patient_user)
    client = client_for(cast.patient_user)
    client.post(reverse("patients:portal-person"), {"person": str(link.dependant_id)})
    address = reverse("patients:portal-consent-choice", args=["messages"])
    data = {**answer_form(client, address, "yes"), "person": str(link.dependant_id)}
    assert client.post(address, data).status_code == 302
    consent = Consent.objects.get()
    assert (consent.patient_id, consent.signer_name, consent.signer_relation_code) == (
        link.dependant_id, cast.patient_user.full_name, "2",
    )  # fmt: skip
    link.status = "ended"
    link.save(update_fields=["status"])
    with pytest.raises(NotPermitted):
        withdraw(consent, cast.patient_user, signer=acts.Signer("Siti", "2"), method="portal")
    assert may(link.dependant_id, MESSAGES)


def test_patients_read_their_own_consents_only(cast, client_for):
    own = give_general(cast.patient_user.patient, cast.receptionist)
    other = give_general(PatientFactory(), cast.receptionist)
    client = client_for(cast.patient_user)
    assert client.get(reverse("patients:portal-consents")).status_code == 200
    for name in ("detail", "pdf", "withdraw"):
        assert client.get(reverse(f"patients:portal-consent-{name}", args=[own.pk])).status_code == 200
        assert client.get(reverse(f"patients:portal-consent-{name}", args=[other.pk])).status_code == 404
    assert Notice.objects.filter(kind="consent_changed", recipient=cast.patient_user).count() == 1


def test_the_overview_costs_the_same_for_a_long_history(cast, client_for):
    client, counts = client_for(cast.receptionist), []
    for total in (3, 30):
        patient = PatientFactory()
        for _number in range(total):
            give_choice(patient, cast.receptionist, MESSAGES, permit=False)
        client.get(reverse("patients:consents", args=[patient.pk]))
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("patients:consents", args=[patient.pk]))
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert counts[0] <= 15


def test_signature_text_of_the_factory_is_what_the_pad_writes():
    assert read_signature(SIGNATURE_TEXT)[0][0] == [100, 200]
