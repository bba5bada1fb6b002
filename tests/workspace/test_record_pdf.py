"""The record on paper: what stands in it and for whom, at once or in the background."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.urls import reverse
from pypdf import PdfReader

from audit.models import AuditEvent
from core import clock, files
from jobs import runner
from jobs import services as job_services
from jobs.errors import JobNotPermitted
from jobs.models import Job
from patients.models import CareTeamMember, HistoryEntry, Patient
from scheduling.models import Visit
from tests.conftest import sign_in
from tests.factories.consultations import NoteFactory, SignedNoteFactory, VitalsFactory
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.pharmacy import MedicineFactory, prescribe
from tests.factories.scheduling import VisitFactory
from workspace import record_jobs
from workspace.record_forms import WishForm
from workspace.record_pdf import ADMINISTRATION, DOCUMENTS, PARTS, RecordWish, record_pdf
from workspace.views import records

pytestmark = pytest.mark.django_db


def pages_of(content: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(content)).pages]


def paper(patient, reader, *, language="en", **wish) -> str:
    loaded = Patient.objects.for_header().get(pk=patient.pk)
    return " ".join(pages_of(record_pdf(patient=loaded, reader=reader, wish=RecordWish(**wish), language=language)))


@pytest.fixture
def siti(cast):
    return PatientFactory(full_name="Siti Aminah", record_number="123456", care_team=[cast.doctor])


def visit(patient, cast, days_ago=0, **fields):
    return VisitFactory(
        patient=patient, doctor=cast.doctor, visit_on=clock.today() - timedelta(days=days_ago), **fields
    )


class TestContents:
    def test_it_names_who_what_and_when(self, cast, siti):
        shown = visit(siti, cast, complaint="Batuk lama")
        note = SignedNoteFactory(visit=shown, subjective="Batuk sejak seminggu", plan="Kontrol 3 hari")
        VitalsFactory(visit=shown, systolic_mmhg=121, diastolic_mmhg=79)
        rx = prescribe(MedicineFactory(generic_name="Amoksisilin"), "15", visit=shown, patient=siti, doctor=cast.doctor)
        text = paper(siti, cast.admin)
        for part in ("Klinik Batam Sehat", "Siti Aminah", "123456", "17 May 1990", "Batuk lama", "Batuk sejak seminggu",
                     "Kontrol 3 hari", "121/79", note.diagnoses.get().code, "Amoksisilin", rx.number,
                     f"Signed by {note.author.display_name}", f"Printed by {cast.admin.display_name}", "CONFIDENTIAL"):  # fmt: skip
            assert part in text, part

    def test_each_page_names_the_patient_and_counts(self, cast, siti):
        for days in range(6):
            SignedNoteFactory(visit=visit(siti, cast, days), subjective="Keluhan panjang. " * 60)
        loaded = Patient.objects.for_header().get(pk=siti.pk)
        pages = pages_of(record_pdf(patient=loaded, reader=cast.admin, wish=RecordWish(), language="en"))
        assert len(pages) > 2
        for number, page in enumerate(pages, start=1):
            assert "123456 · Siti Aminah" in page
            assert f"Page {number} of {len(pages)}" in page

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("unknown", "Allergies: the patient was not asked yet."),
            ("none", "Allergies: none known, asked on 5 March 2026."),
        ],
    )
    def test_states_of_allergies_are_told_apart(self, cast, siti, status, words):
        Patient.objects.filter(pk=siti.pk).update(allergy_status=status, allergy_asked_at=clock.now())
        assert words in paper(siti, cast.admin)

    def test_allergies_stand_before_the_visits(self, cast, siti):
        AllergyFactory(patient=siti, substance="Sulfa", reaction="Biduran", recorded_by=cast.doctor)
        visit(siti, cast)
        text = paper(siti, cast.admin)
        assert text.index("ALLERGIES: Sulfa (Biduran") < text.index("Visits (1)")

    def test_wrong_history_stays_out_and_what_is_over_says_so(self, cast, siti):
        made = {"patient": siti, "section": "chronic", "recorded_at": clock.now(), "recorded_by": cast.doctor}
        HistoryEntry.objects.create(**made, what="Asma", onset_year=2010)
        HistoryEntry.objects.create(**made, what="Salah tulis", status="entered_in_error")
        HistoryEntry.objects.create(**made, what="Tuberkulosis", status="resolved")
        text = paper(siti, cast.admin)
        assert "Asma, since 2010" in text
        assert "Tuberkulosis, Over" in text
        assert "Salah tulis" not in text

    def test_an_empty_record_has_sentences(self, cast, siti):
        text = paper(siti, cast.admin)
        for part in ("No visits in this period.", "No documents in this period.", "Not asked yet."):
            assert part in text

    def test_period_and_parts(self, cast, siti):
        SignedNoteFactory(visit=visit(siti, cast, 40), plan="Rencana lama")
        SignedNoteFactory(visit=visit(siti, cast, 3), plan="Rencana baru")
        since = clock.today() - timedelta(days=10)
        text = paper(siti, cast.admin, since=since, parts=frozenset(PARTS) - {DOCUMENTS, ADMINISTRATION})
        assert "Rencana baru" in text
        assert "Rencana lama" not in text
        assert "Documents" not in text
        assert "Policies" not in text

    def test_cancelled_visits_and_drafts_stay_out(self, cast, siti):
        visit(siti, cast, complaint="Tidak jadi", status=Visit.Status.CANCELLED)
        NoteFactory(visit=visit(siti, cast), subjective="Belum selesai")
        text = paper(siti, cast.admin)
        assert "Tidak jadi" not in text
        assert "Belum selesai" not in text
        assert "No signed note." in text

    @pytest.mark.parametrize(
        "words",
        [
            "<b>tebal</b> & <para>",
            "A" * 9000,
            "\n" * 5000,
            "baris\n" * 1500,
            "kata " * 1900,
            "\u202eterbalik",
            "王小明 محمد",
        ],
    )
    def test_any_text_fits(self, cast, siti, words):
        note = SignedNoteFactory(visit=visit(siti, cast), plan="Akhir catatan", subjective=words[:10000])
        assert "Akhir catatan" in paper(siti, cast.admin)
        assert note.subjective == words[:10000]

    def test_a_reader_gets_what_the_reader_may_see(self, cast, siti):
        SignedNoteFactory(visit=visit(siti, cast), plan="Rahasia")
        assert "Rahasia" not in paper(siti, cast.cashier)

    @pytest.mark.parametrize("lines", range(0, 46, 5))
    def test_no_heading_stands_alone_at_the_foot_of_a_page(self, cast, siti, lines):
        HistoryEntry.objects.create(
            patient=siti, section="condition", what="Kondisi lama", note="baris\n" * lines, status="active",
            recorded_at=clock.now(), recorded_by=cast.doctor,
        )  # fmt: skip
        for days in (1, 2, 3):
            SignedNoteFactory(visit=visit(siti, cast, days), subjective="Batuk\n" * 12)
        loaded = Patient.objects.for_header().get(pk=siti.pk)
        pages = PdfReader(
            BytesIO(record_pdf(patient=loaded, reader=cast.admin, wish=RecordWish(), language="en"))
        ).pages
        for page in pages:
            printed = [line.strip() for line in page.extract_text().splitlines() if line.strip()]
            kept = [line for line in printed if not line.startswith(("Page ", "Record no.", "CONFIDENTIAL", "Klinik"))]
            assert not kept[-1].startswith(("Visits (", "Documents (", "Policies and")), kept[-3:]
            assert cast.doctor.display_name not in kept[-1] or kept[-1].startswith("Signed"), kept[-3:]

    def test_queries_do_not_grow_with_visits_of_one_batch(self, cast, siti, django_assert_max_num_queries):
        for days in range(12):
            SignedNoteFactory(visit=visit(siti, cast, days))
        with django_assert_max_num_queries(22):
            paper(siti, cast.admin)


def test_a_wish_survives_the_way_through_a_job():
    wish = RecordWish(date(2026, 1, 2), None, frozenset({"visits"}))
    assert RecordWish.from_json(wish.as_json()) == wish


class TestPages:
    def url(self, patient):
        return reverse("workspace:patient-record", args=[patient.pk])

    def test_a_short_record_comes_at_once_and_is_written_down(self, client, cast, siti):
        sign_in(client, cast.doctor)
        answer = client.post(self.url(siti), {"purpose": "referral", "parts": list(PARTS)})
        assert answer["Content-Type"] == "application/pdf"
        assert "Siti" not in answer["Content-Disposition"]
        event = AuditEvent.objects.filter(action="patients.paper.printed").latest("id")
        assert event.detail == {"what": "record", "purpose": "referral"}
        assert event.patient_id == siti.pk

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"purpose": "nothing"},
            {"purpose": "patient", "since": "2026-13-40"},
            {"purpose": "patient", "since": "2026-02-01", "until": "2026-01-01"},
            {"purpose": "patient", "since": "2999-01-01"},
            {"purpose": "patient", "parts": ["../etc"]},
        ],
    )
    def test_impossible_wishes_get_a_sentence(self, client, cast, siti, data):
        sign_in(client, cast.doctor)
        assert client.post(self.url(siti), data).status_code == 422
        assert not AuditEvent.objects.filter(action="patients.paper.printed").exists()

    def test_a_long_record_goes_to_the_background(self, client, cast, siti, monkeypatch):
        monkeypatch.setattr(records, "AT_ONCE", 2)
        for days in range(3):
            SignedNoteFactory(visit=visit(siti, cast, days), plan=f"Rencana {days}")
        sign_in(client, cast.doctor)
        answer = client.post(self.url(siti), {"purpose": "patient", "parts": ["visits"]})
        job = Job.objects.get()
        assert answer.headers["Location"] == reverse("jobs:detail", args=[job.pk])
        assert runner.work(job.pk) == "done"
        job.refresh_from_db()
        assert (job.done, job.total) == (3, 3)
        assert timedelta(hours=23) < job.expires_at - clock.now() <= timedelta(hours=24)
        text = " ".join(pages_of(files.read(job.result)))
        assert all(f"Rencana {days}" in text for days in range(3))
        assert client.get(reverse("jobs:result", args=[job.pk])).status_code == 200
        assert AuditEvent.objects.filter(action="jobs.result.downloaded", patient_id=siti.pk).exists()
        sign_in(client, cast.other_doctor)
        assert client.get(reverse("jobs:result", args=[job.pk])).status_code == 404

    def test_who_lost_the_patient_no_longer_gets_the_file(self, cast, siti):
        job = job_services.request(
            kind=record_jobs.KIND, actor=cast.doctor, patient_id=siti.pk,
            parameters={**RecordWish().as_json(), "language": "id"},
        )  # fmt: skip
        assert runner.work(job.pk) == "done"
        CareTeamMember.objects.filter(patient=siti).delete()
        with pytest.raises(JobNotPermitted):
            job_services.open_result(job_id=job.pk, actor=cast.doctor)

    def test_the_patient_gets_the_own_record(self, client, cast):
        patient = cast.patient_user.patient
        SignedNoteFactory(visit=visit(patient, cast), plan="Istirahat cukup")
        sign_in(client, cast.patient_user)
        form = client.get(reverse("workspace:portal-record"))
        assert isinstance(form.context["form"], WishForm)
        answer = client.post(reverse("workspace:portal-record"), {"person": patient.pk, "parts": ["visits"]})
        text = " ".join(pages_of(answer.content))
        assert "Istirahat cukup" in text
        assert patient.full_name in text
