"""The doctor's consultation: the wrong person first, then drafts, refusals, and the one transaction that finishes."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from billing.models import Invoice
from consultations.models import Diagnosis, Note
from patients.models import Patient
from pharmacy.models import Medicine, Prescription
from scheduling.models import Visit, VisitLine
from tests.factories.consultations import DiagnosisCodeFactory, NoteFactory, SignedNoteFactory, VitalsFactory
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.pharmacy import MedicineFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, VisitFactory

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


def url(name, visit):
    return reverse(f"workspace:{name}", args=[visit.pk])


WRITES = ["consultation-start", "consultation-save", "consultation-review", "consultation-finish"]


# --- The wrong person --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(
    "who, status",
    [
        ("admin", 403), ("nurse", 403), ("receptionist", 403), ("cashier", 403), ("pharmacist", 403), ("owner", 403),
        ("lab_officer", 403), ("patient_user", 404), ("other_doctor", 404),
    ],
)  # fmt: skip
def test_nobody_else_writes(cast, client_for, visit, typed, nothing_written, name, who, status):
    assert client_for(getattr(cast, who)).post(url(name, visit), typed()).status_code == status
    nothing_written()


def test_a_colleague_of_the_care_team_reads_and_does_not_write(
    cast, client_for, visit, patient, typed, nothing_written
):
    from patients.services import add_to_care_team

    add_to_care_team(patient_id=patient.pk, user_id=cast.other_doctor.pk)
    client = client_for(cast.other_doctor)
    assert client.get(url("visit-detail", visit)).status_code == 200
    assert client.get(url("consultation", visit)).status_code == 404
    assert client.post(url("consultation-finish", visit), typed()).status_code == 404
    nothing_written()


def test_another_doctors_patient_does_not_exist(cast, client_for, visit):
    client = client_for(cast.other_doctor)
    for name in ("visit-detail", "consultation", "consultation-review"):
        assert client.get(url(name, visit)).status_code == 404
    assert not AuditEvent.objects.filter(action="patients.chart.read").exists()


def test_forged_ids_in_the_form_change_nothing(cast, client_for, visit, medicine, typed, nothing_written):
    other = VisitFactory(doctor=cast.other_doctor, status=Visit.Status.IN_CONSULTATION)
    client = client_for(cast.doctor)
    forged = {"visit": str(other.pk), "patient": str(other.patient_id), "doctor": str(cast.other_doctor.pk)}
    answer = client.post(url("consultation-finish", visit), typed(**forged, status="finished", author=str(uuid4())))
    assert answer.status_code == 302
    note = Note.objects.get()
    assert (note.visit, note.patient_id, note.author) == (visit, visit.patient_id, cast.doctor)
    other.refresh_from_db()
    assert other.status == Visit.Status.IN_CONSULTATION


@pytest.mark.parametrize(
    "changes, status",
    [
        ({"diagnosis": ["X99.9"]}, 422), ({"diagnosis": [str(uuid4())]}, 422), ({"diagnosis": []}, 422),
        ({"diagnosis": ["<script>"]}, 422), ({"diagnosis": ["J06.9", "j06.9"]}, 422),
        ({"consultation_fee": "-1"}, 422), ({"consultation_fee": "1,5"}, 422), ({"consultation_fee": ""}, 422),
        ({"consultation_fee": "9" * 13}, 422), ({"consultation_fee": "gratis"}, 422),
        ({"version": "x"}, 422), ({"version": "-1"}, 422), ({"version": "7"}, 409), ({"version": ""}, 422),
        ({"subjective": "x" * 10_001}, 422), ({"subjective": " \x00 ", "assessment": "\u200b"}, 422),
        ({"line-0-medicine": "x", "line-0-quantity": "1", "line-0-signa": "1x1"}, 422),
        ({"line-0-medicine": str(uuid4()), "line-0-quantity": "1", "line-0-signa": ""}, 422),
    ],
)  # fmt: skip
def test_a_refusal_keeps_what_was_typed_and_writes_nothing(
    cast, client_for, visit, typed, nothing_written, changes, status
):
    answer = client_for(cast.doctor).post(url("consultation-finish", visit), typed(**changes))
    assert answer.status_code == status
    page = answer.content.decode()
    assert "data-error-summary" in page
    assert "Istirahat, minum cukup" in page
    nothing_written()


@pytest.mark.parametrize("quantity", ["0", "-1", "1.000,5", "x", "", "99999"])
def test_a_bad_quantity_is_refused_with_the_line_kept(
    cast, client_for, visit, medicine, typed, nothing_written, quantity
):
    data = typed(medicine, **{"line-0-quantity": quantity})
    answer = client_for(cast.doctor).post(url("consultation-finish", visit), data)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'href="#line-0-quantity"' in page
    assert medicine.label in page
    nothing_written()


# --- Opening -----------------------------------------------------------------------------------------------------


def test_starting_opens_the_note_with_complaint_and_price(cast, client_for, patient):
    visit = VisitFactory(doctor=cast.doctor, patient=patient, complaint="Demam <b>", price_idr=120_000)
    client = client_for(cast.doctor)
    assert client.get(url("consultation", visit)).status_code == 302  # not started: the summary
    answer = client.post(url("consultation-start", visit))
    assert answer["Location"] == url("consultation", visit)
    page = client.get(url("consultation", visit))
    assert "Demam &lt;b&gt;" in page.content.decode()
    assert 'value="120.000"' in page.content.decode()
    assert AuditEvent.objects.filter(action="patients.chart.read", patient_id=patient.pk).count() == 1


def test_a_finished_visit_is_not_started_again(cast, client_for, patient):
    visit = VisitFactory(doctor=cast.doctor, patient=patient, status=Visit.Status.CASHIER)
    answer = client_for(cast.doctor).post(url("consultation-start", visit))
    assert answer["Location"] == url("visit-detail", visit)
    visit.refresh_from_db()
    assert visit.status == Visit.Status.CASHIER


def test_the_header_says_whether_allergies_were_asked(cast, client_for, visit, patient):
    client = client_for(cast.doctor)
    assert "allergy-strip-unknown" in client.get(url("consultation", visit)).content.decode()
    AllergyFactory(patient=patient, recorded_by=cast.nurse)
    Patient.objects.filter(pk=patient.pk).update(allergy_status="known")
    page = client.get(url("consultation", visit)).content.decode()
    assert "allergy-strip-known" in page
    assert "Amoksisilin" in page


# --- Drafts -------------------------------------------------------------------------------------------------------


def test_the_page_saves_by_itself_and_finds_everything_again(cast, client_for, visit, medicine, typed):
    client = client_for(cast.doctor)
    data = typed(medicine, **{"line-0-quantity": "0,5x", "diagnosis": ["J06.9", "ZZZ"], "copied": "plan evil"})
    answer = client.post(url("consultation-save", visit), data, **JSON)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    page = client.get(url("consultation", visit))
    context = page.context
    assert context["form"]["version"].value() == 1
    assert context["typed"].codes == ["J06.9", "ZZZ"]
    assert context["typed"].copied == ["plan"]
    (row,) = context["rows"]
    assert (row.medicine_text, row.quantity, row.signa) == (medicine.label, "0,5x", "3 x sehari 1 tablet")
    medicine.refresh_from_db()
    assert medicine.reserved == 0


def test_the_second_window_is_told_and_keeps_its_text(cast, client_for, visit, typed):
    client = client_for(cast.doctor)
    assert client.post(url("consultation-save", visit), typed(), **JSON).status_code == 200
    answer = client.post(url("consultation-save", visit), typed(plan="Dari jendela kedua"), **JSON)
    assert answer.status_code == 409
    assert answer.json()["error"]
    whole = client.post(url("consultation-finish", visit), typed(plan="Dari jendela kedua"))
    assert whole.status_code == 409
    assert "Dari jendela kedua" in whole.content.decode()
    assert Note.objects.get().plan == "Istirahat, minum cukup"


def test_saving_works_without_script(cast, client_for, visit, typed):
    client = client_for(cast.doctor)
    answer = client.post(url("consultation-save", visit), typed())
    assert answer["Location"] == url("consultation", visit)
    assert client.post(url("consultation-save", visit), typed(consultation_fee="x", version="1")).status_code == 422
    assert client.post(url("consultation-save", visit), typed(version="1")).status_code == 302
    assert Note.objects.get().version == 2


def test_copying_without_script_fills_empty_parts_of_this_patient_only(cast, client_for, visit, patient):
    earlier = SignedNoteFactory(visit__patient=patient, visit__doctor=cast.doctor, plan="Kontrol tiga hari")
    client = client_for(cast.doctor)
    page = client.get(url("consultation", visit), {"copy": str(earlier.pk)})
    assert page.context["typed"].copied == ["plan"]
    assert page.context["form"]["plan"].value() == "Kontrol tiga hari"
    stranger = SignedNoteFactory()
    assert client.get(url("consultation", visit), {"copy": str(stranger.pk)}).status_code == 404
    assert client.get(url("consultation", visit), {"copy": "x'"}).status_code == 200


# --- Review and finish ----------------------------------------------------------------------------------------------


def test_the_review_shows_exactly_what_is_signed(cast, client_for, visit, medicine, typed):
    client = client_for(cast.doctor)
    hostile = "<script>alert(1)</script> 😷\r\nbaris dua"
    answer = client.post(url("consultation-review", visit), typed(medicine, subjective=hostile))
    assert answer["Location"] == url("consultation-review", visit)
    page = client.get(url("consultation-review", visit))
    text = page.content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 😷" in text
    assert "<script>alert" not in text
    assert medicine.label in text
    assert "Rp150.000" in text
    assert page.context["problems"] == []
    form = {"version": 1, "diagnosis": page.context["typed"].codes, "consultation_fee": "150000"}
    note = page.context["note"]
    form |= {name: getattr(note, name) for name in ("subjective", "objective", "assessment", "plan")}
    form |= page.context["line_fields"]
    assert client.post(url("consultation-finish", visit), form)["Location"] == url("visit-detail", visit)
    note = Note.objects.get()
    assert (note.status, note.subjective) == ("signed", "<script>alert(1)</script> 😷\nbaris dua")
    assert Prescription.objects.get().items.get().quantity == 10


def test_a_review_with_mistakes_keeps_the_draft_and_says_them(cast, client_for, visit, typed, nothing_written):
    client = client_for(cast.doctor)
    answer = client.post(url("consultation-review", visit), typed(diagnosis=[]))
    assert answer.status_code == 422
    assert 'href="#diagnoses"' in answer.content.decode()
    assert answer.context["form"]["version"].value() == "1"
    nothing_written(notes=1)
    page = client.get(url("consultation-review", visit))
    assert page.context["problems"]
    assert url("consultation-finish", visit) in page.content.decode()


def test_finishing_with_medicines_is_one_act(cast, client_for, visit, patient, medicine, typed):
    appointment = AppointmentFactory(patient=patient, status="arrived")
    Visit.objects.filter(pk=visit.pk).update(appointment=appointment)
    DiagnosisCodeFactory(code="R50.9", display_id="Demam")
    data = typed(medicine, diagnosis=["J06.9", "R50.9"], consultation_fee="175.000")
    answer = client_for(cast.doctor).post(url("consultation-finish", visit), data)
    assert answer["Location"] == url("visit-detail", visit)
    visit.refresh_from_db()
    appointment.refresh_from_db()
    medicine.refresh_from_db()
    assert (visit.status, appointment.status) == (Visit.Status.PHARMACY, "finished")
    assert visit.consulted_at is not None
    assert (medicine.on_hand, medicine.reserved) == (30, 10)
    invoice = Invoice.objects.get()
    assert (invoice.encounter_id, invoice.status, invoice.total_idr) == (visit.pk, Invoice.Status.DRAFT, 175_000)
    assert list(Diagnosis.objects.values_list("code", "rank")) == [("J06.9", "primary"), ("R50.9", "secondary")]


@pytest.mark.parametrize(
    "fee, state, total", [("150.000", "cashier", 150_000), ("0", "finished", 0), ("Rp 1.500", "cashier", 1_500)]
)
def test_finishing_without_medicines_issues_the_bill(cast, client_for, visit, typed, fee, state, total):
    client_for(cast.doctor).post(url("consultation-finish", visit), typed(consultation_fee=fee))
    visit.refresh_from_db()
    invoice = Invoice.objects.get()
    assert (visit.status, invoice.total_idr) == (state, total)
    assert invoice.number
    assert invoice.status == (Invoice.Status.PAID if total == 0 else Invoice.Status.UNPAID)


def test_further_services_are_charges_of_their_own_once_to_the_rupiah(cast, client_for, visit, typed):
    extra = ServiceFactory(price_idr=45_501, name_id="Rekam jantung", name_en="Electrocardiogram")
    VisitLine.objects.create(visit=visit, service=extra, position=2, price_idr=45_501)
    Visit.objects.filter(pk=visit.pk).update(price_idr=145_501)
    extra.price_idr = 999_000
    extra.save()
    client = client_for(cast.doctor)
    page = client.get(url("consultation", visit))
    assert page.context["form"]["consultation_fee"].value() == "100.000"
    assert extra.name in page.content.decode()
    for _ in range(2):
        client.post(url("consultation-finish", visit), typed(consultation_fee="100.000"))
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.total_idr) == (Invoice.Status.UNPAID, 145_501)
    lines = [(row.description, row.category, row.amount_idr) for row in invoice.charges.order_by("id")]
    assert lines == [
        (visit.service.name_id, "consultation", 100_000), ("Rekam jantung", "procedure", 45_501),
    ]  # fmt: skip


def test_the_same_form_twice_leads_to_the_same_visit(cast, client_for, visit, typed):
    client = client_for(cast.doctor)
    for _ in range(2):
        assert client.post(url("consultation-finish", visit), typed())["Location"] == url("visit-detail", visit)
    late = client.post(url("consultation-finish", visit), typed(plan="Ditulis di jendela lain"))
    assert late.status_code == 409
    assert "Ditulis di jendela lain" in late.content.decode()
    assert Note.objects.count() == Invoice.objects.count() == 1
    assert Note.objects.get().plan == "Istirahat, minum cukup"


@pytest.mark.django_db(transaction=True)  # a refusal must really roll back
def test_an_allergy_stops_everything_until_there_is_a_reason(cast, client_for, visit, patient, typed, nothing_written):
    penicillin = MedicineFactory(generic_name="Amoksisilin", allergen_groups=["penisilin"], stock=30)
    AllergyFactory(patient=patient, recorded_by=cast.nurse)
    Patient.objects.filter(pk=patient.pk).update(allergy_status="known")
    client = client_for(cast.doctor)
    answer = client.post(url("consultation-finish", visit), typed(penicillin))
    assert answer.status_code == 409
    assert 'href="#prescription"' in answer.content.decode()
    nothing_written()
    client.post(url("consultation-review", visit), typed(penicillin))
    page = client.get(url("consultation-review", visit))
    assert [problem.target for problem in page.context["problems"]] == ["prescription"]
    reason = {"line-0-override": "Riwayat ruam ringan, sudah diuji", "version": "1"}
    assert client.post(url("consultation-finish", visit), typed(penicillin, **reason)).status_code == 302
    assert AuditEvent.objects.filter(action="pharmacy.allergy_stop.overridden").count() == 1


@pytest.mark.django_db(transaction=True)  # a refusal must really roll back
def test_too_little_stock_leaves_no_note_and_no_charge(cast, client_for, visit, medicine, typed, nothing_written):
    answer = client_for(cast.doctor).post(
        url("consultation-finish", visit), typed(medicine, **{"line-0-quantity": "31"})
    )
    assert answer.status_code == 409
    assert medicine.generic_name in answer.content.decode()
    nothing_written()


@pytest.mark.django_db(transaction=True)  # a refusal must really roll back
def test_a_failure_in_the_pharmacy_takes_the_note_with_it(
    cast, client_for, visit, medicine, typed, nothing_written, monkeypatch
):
    def broken(**kwargs):
        raise RuntimeError("the pharmacy is on fire")

    monkeypatch.setattr("workspace.services.prescribing.create_prescription", broken)
    with pytest.raises(RuntimeError):
        client_for(cast.doctor).post(url("consultation-finish", visit), typed(medicine))
    nothing_written()


@pytest.mark.django_db(transaction=True)  # a refusal must really roll back
def test_an_unknown_or_inactive_medicine_is_refused(cast, client_for, visit, medicine, typed, nothing_written):
    forged = typed(medicine, **{"line-0-medicine": str(uuid4())})
    assert client_for(cast.doctor).post(url("consultation-finish", visit), forged).status_code == 422
    Medicine.objects.update(is_active=False)
    assert client_for(cast.doctor).post(url("consultation-finish", visit), typed(medicine)).status_code == 422
    nothing_written()


# --- The doctor's list, queries --------------------------------------------------------------------------------------


def test_the_list_has_own_drafts_bookings_and_what_is_done(cast, client_for, visit, patient):
    NoteFactory(visit=visit)
    NoteFactory(visit=VisitFactory(doctor=cast.other_doctor, patient=patient), author=cast.other_doctor)
    context = client_for(cast.doctor).get(reverse("workspace:consultation-list")).context
    assert [note.visit for note in context["drafts"]] == [visit]


def test_the_pages_queries_do_not_grow(cast, client_for, visit, patient):
    client, counts = client_for(cast.doctor), []
    client.get(url("consultation", visit))
    for more in (3, 27):
        for _ in range(more):
            earlier = VisitFactory(doctor=cast.doctor, patient=patient, status=Visit.Status.FINISHED)
            SignedNoteFactory(visit=earlier)
            VitalsFactory(visit=earlier)
            AllergyFactory(patient=patient, recorded_by=cast.nurse)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url("consultation", visit)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], [query["sql"][:150] for query in queries]
    assert counts[0] <= 19, [query["sql"][:150] for query in queries]


def test_patient_of_another_patient_in_history_is_never_shown(cast, client_for, visit):
    SignedNoteFactory(visit__patient=PatientFactory(care_team=[cast.doctor]), subjective="Rahasia orang lain")
    assert "Rahasia orang lain" not in client_for(cast.doctor).get(url("consultation", visit)).content.decode()
