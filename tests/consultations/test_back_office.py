import pytest
from django.urls import reverse
from tablib import Dataset

from consultations.admin import DiagnosisCodeResource
from consultations.models import ICD10_SYSTEM, DiagnosisCode
from tests.factories.consultations import DiagnosisCodeFactory

pytestmark = pytest.mark.django_db


def test_only_the_back_office_changes_codes(cast, client_for):
    code = DiagnosisCodeFactory()
    url = reverse("admin:consultations_diagnosiscode_change", args=[code.pk])
    for who, status in (("doctor", 403), ("nurse", 403), ("patient_user", 404)):
        assert client_for(getattr(cast, who)).get(url).status_code == status


def test_a_saved_code_can_be_found_by_its_new_words(cast, client_for):
    code = DiagnosisCodeFactory()
    url = reverse("admin:consultations_diagnosiscode_change", args=[code.pk])
    data = {
        "system": code.system, "edition": code.edition, "code": "J06.9", "display_en": "Cold", "display_id": "Selesma",
        "chapter": "X", "keywords": "Pilek", "is_primary_allowed": "on", "is_active": "on",
    }  # fmt: skip
    assert client_for(cast.admin).post(url, data).status_code == 302
    code.refresh_from_db()
    assert code.search_text == "j06.9 j069 selesma cold pilek"


def test_an_imported_sheet_fills_the_search_text():
    sheet = Dataset(
        headers=["system", "edition", "code", "display_en", "display_id", "keywords", "is_primary_allowed", "is_active"]
    )
    sheet.append([ICD10_SYSTEM, "2010", "R50.9", "Fever", "Demam", "panas", "1", "1"])
    for _ in range(2):
        result = DiagnosisCodeResource().import_data(sheet, raise_errors=True)
    assert result.totals["skip"] == 1
    assert DiagnosisCode.objects.get().search_text == "r50.9 r509 demam fever panas"
