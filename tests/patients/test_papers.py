"""Card, wristband and labels: what stands on them, what the codes hold, and that each print is written down."""

from io import BytesIO

import pytest
from django.urls import reverse
from django.utils.translation import gettext, override
from pypdf import PdfReader

from audit.models import AuditEvent
from patients import papers
from patients.models import Patient
from patients.papers import LabelSheet, Wristband
from tests.conftest import sign_in
from tests.factories.patients import AllergyFactory, PatientFactory

pytestmark = pytest.mark.django_db
MM = 72 / 25.4
LONG = "Raden Mas Koesoemoatmodjo Soerjaningrat Wirasastrakusumah Sastradiwangsa Hadikoesoemo Prawirodirdjo Notonagoro"


def read(content):
    pages = PdfReader(BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split()), pages


def size_mm(page):
    return round(float(page.mediabox.width) / MM, 1), round(float(page.mediabox.height) / MM, 1)


@pytest.fixture
def siti():
    return PatientFactory(
        full_name="Siti Aminah", title_prefix="dr.", record_number="123456", nik="2171015705900001",
        phone="+6281234567890",
    )  # fmt: skip


def test_the_card_has_the_size_of_a_bank_card_and_tells_who(siti):
    text, pages = read(papers.card_pdf(siti))
    assert size_mm(pages[0]) == (85.6, 54.0)
    for part in ("Klinik Batam Sehat", "dr. Siti Aminah", "123456", "17 Mei 1990"):
        assert part in text, part


@pytest.mark.parametrize("language", ["id", "en"])
def test_nothing_on_the_card_is_cut(siti, language):
    with override(language):
        note = gettext("Bring this card to every visit.")
    text = read(papers.card_pdf(siti, language=language))[0]
    assert note in text
    assert "…" not in text


def test_codes_hold_the_record_number_alone(siti, monkeypatch):
    coded = []
    for name in ("_bars", "_qr"):
        monkeypatch.setattr(papers, name, lambda canvas, value, *rest: coded.append(value))
    papers.card_pdf(siti)
    papers.wristband_pdf(siti, Wristband.ADULT)
    papers.labels_pdf(siti, LabelSheet.ROLL_50, count=1)
    assert coded == ["123456"] * 5


def test_nothing_prints_nik_or_telephone(siti):
    for content in (
        papers.card_pdf(siti),
        papers.wristband_pdf(siti, Wristband.INFANT),
        papers.labels_pdf(siti, LabelSheet.A4_24, count=2),
    ):
        text = read(content)[0]
        assert "2171" not in text
        assert "812" not in text


@pytest.mark.parametrize(("band", "size"), [(Wristband.ADULT, (250.0, 25.0)), (Wristband.INFANT, (160.0, 19.0))])
def test_the_wristband_says_that_there_are_allergies_and_not_which(siti, cast, band, size):
    AllergyFactory(patient=siti, substance="Amoksisilin", recorded_by=cast.doctor)
    Patient.objects.filter(pk=siti.pk).update(allergy_status="known")
    siti.refresh_from_db()
    text, pages = read(papers.wristband_pdf(siti, band, language="en"))
    assert size_mm(pages[0]) == size
    assert "ALLERGIES" in text
    assert "Amoksisilin" not in text


@pytest.mark.parametrize(("status", "words"), [("none", "No known allergies"), ("unknown", "Allergies: not asked yet")])
def test_the_wristband_tells_the_other_two_states_apart(siti, status, words):
    siti.allergy_status = status
    assert words in read(papers.wristband_pdf(siti, Wristband.ADULT, language="en"))[0]


@pytest.mark.parametrize(
    ("sheet", "count", "first", "on_pages"),
    [
        (LabelSheet.A4_24, 1, 1, [1]),
        (LabelSheet.A4_24, 24, 1, [24]),
        (LabelSheet.A4_24, 4, 23, [2, 2]),
        (LabelSheet.A4_24, 25, 24, [1, 24]),
        (LabelSheet.A4_21, 43, 1, [21, 21, 1]),
        (LabelSheet.ROLL_50, 3, 1, [1, 1, 1]),
    ],
)
def test_labels_begin_at_the_place_and_go_on_to_the_next_sheet(siti, sheet, count, first, on_pages):
    pages = read(papers.labels_pdf(siti, sheet, count=count, first=first))[1]
    assert [page.extract_text().count("123456") for page in pages] == on_pages


@pytest.mark.parametrize(("count", "first"), [(0, 1), (121, 1), (1, 0), (1, 25)])
def test_no_labels_outside_the_paper(siti, count, first):
    with pytest.raises(ValueError, match="no such label"):
        papers.labels_pdf(siti, LabelSheet.A4_24, count=count, first=first)


@pytest.mark.parametrize("name", [LONG, "X", "<b>Tebal</b> & 'Ma\"ruf", "محمد", "王小明", "A" * 200])
def test_any_name_fits(name):
    patient = PatientFactory(full_name=name)
    for content in (
        papers.card_pdf(patient),
        papers.wristband_pdf(patient, Wristband.INFANT),
        papers.labels_pdf(patient, LabelSheet.ROLL_50, count=1),
    ):
        assert len(read(content)[1]) == 1


class TestPages:
    def post(self, client, name, patient, **data):
        return client.post(reverse(f"patients:{name}", args=[patient.pk]), data)

    def test_each_print_is_written_down(self, client, cast, siti):
        sign_in(client, cast.receptionist)
        for name, data, what in (
            ("card-pdf", {}, "card"),
            ("wristband-pdf", {"band": "infant"}, "wristband"),
            ("labels-pdf", {"sheet": "a4_21", "count": 2, "first": 3}, "patient-labels"),
        ):
            answer = self.post(client, name, siti, **data)
            assert answer.status_code == 200
            assert answer["Content-Type"] == "application/pdf"
            assert "Siti" not in answer["Content-Disposition"]
            event = AuditEvent.objects.filter(action="patients.paper.printed").latest("id")
            assert (event.detail["what"], event.patient_id, event.actor_id) == (what, siti.pk, cast.receptionist.pk)

    @pytest.mark.parametrize(
        "data",
        [
            {"sheet": "a4_21", "count": 1, "first": 22},
            {"sheet": "a4_24", "count": 0, "first": 1},
            {"sheet": "a4_24", "count": 10**9, "first": 1},
            {"sheet": "../x", "count": 1, "first": 1},
            {},
        ],
    )
    def test_impossible_labels_get_a_sentence_and_no_print(self, client, cast, siti, data):
        sign_in(client, cast.receptionist)
        answer = self.post(client, "labels-pdf", siti, **data)
        assert answer.status_code == 422
        assert not AuditEvent.objects.filter(action="patients.paper.printed").exists()

    def test_a_doctor_outside_the_care_team_gets_nothing(self, client, cast, siti):
        sign_in(client, cast.doctor)
        assert self.post(client, "card-pdf", siti).status_code == 404

    def test_a_baby_is_offered_the_small_band(self, client, cast):
        from core import clock

        baby = PatientFactory(birth_date=clock.today())
        sign_in(client, cast.receptionist)
        page = client.get(reverse("patients:paper-choice", args=[baby.pk]))
        assert page.context["band_form"].initial == {"band": Wristband.INFANT}
