from io import BytesIO

import pytest
from pypdf import PdfReader

from pharmacy.models import Prescription
from pharmacy.pdf import prescription_pdf
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.pharmacy import MedicineFactory, prescribe

pytestmark = pytest.mark.django_db


def text_of(prescription, **kwargs):
    row = Prescription.objects.for_detail().get(pk=prescription.pk)
    reader = PdfReader(BytesIO(prescription_pdf(row, **kwargs)))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split()), len(reader.pages)


def test_it_names_who_what_and_how(cast):
    patient = PatientFactory(full_name="Siti Aminah", record_number="123456")
    AllergyFactory(patient=patient, substance="Sulfa", recorded_by=cast.doctor)
    rx = prescribe(MedicineFactory(generic_name="Amoksisilin"), "7.5", patient=patient, doctor=cast.doctor)
    text, pages = text_of(rx, language="id")
    assert pages == 1
    for part in (rx.number, "Siti Aminah", "123456", "17 Mei 1990", "dr. Rina Hartati", "503/SIP/001", "Sulfa",
                 "Amoksisilin 500 mg tablet", "7,5 tablet", "3 x sehari 1"):  # fmt: skip
        assert part in text, part
    assert "7.5 tablet" in text_of(rx, language="en")[0]


def test_markup_is_printed_as_text(cast):
    patient = PatientFactory(full_name='<font size="40">Besar</font> & <b>Tebal')
    rx = prescribe(MedicineFactory(generic_name="<para>Obat</para> & lain"), patient=patient)
    text, _pages = text_of(rx)
    assert '<font size="40">Besar</font> & <b>Tebal' in text
    assert "<para>Obat</para> & lain" in text


def test_twenty_long_lines_break_over_pages(cast):
    medicines = [(MedicineFactory(generic_name=f"Obat{number} " + "panjang " * 12), 1) for number in range(20)]
    text, pages = text_of(prescribe(medicines, patient=PatientFactory(full_name="N" * 200)))
    assert pages >= 2
    assert all(f"Obat{number} " in text for number in range(20))
