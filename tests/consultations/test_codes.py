from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.urls import reverse

from consultations import services
from consultations.errors import UnknownDiagnosis
from consultations.models import DiagnosisCode
from tests.factories.consultations import DiagnosisCodeFactory

pytestmark = pytest.mark.django_db
HEADER = "code,display_en,display_id,chapter,is_primary_allowed,keywords\n"


def load(tmp_path, text, capsys=None):
    path = tmp_path / "codes.csv"
    path.write_text(text, encoding="utf-8")
    call_command("import_icd10", str(path))


def test_the_search_is_for_doctors(cast, client_for):
    DiagnosisCodeFactory()
    url = reverse("consultations:code-search")
    for who, status in [("nurse", 403), ("pharmacist", 403), ("admin", 403), ("patient_user", 404)]:
        assert client_for(getattr(cast, who)).get(url, {"q": "ispa"}).status_code == status


@pytest.mark.parametrize("text", ["j06", "J06.9", "j069", "ispa", "saluran napas", "akut infeksi"])
def test_a_code_is_found_by_code_name_or_other_word(cast, client_for, text):
    code = DiagnosisCodeFactory(keywords="ispa batuk pilek")
    code.fill_search_text()
    code.save()
    DiagnosisCode.objects.create(code="Z00.0", display_en="Check-up", is_active=False, search_text="ispa infeksi")
    found = client_for(cast.doctor).get(reverse("consultations:code-search"), {"q": text}).json()["results"]
    assert [(row["id"], row["text"]) for row in found] == [("J06.9", "J06.9 Infeksi saluran napas atas akut")]


@pytest.mark.parametrize("text", ["", "j", "%%", "__", "'; drop table", "\x00\x00", "x" * 5000, "😷😷"])
def test_odd_searches_find_nothing_and_do_not_fail(cast, client_for, text):
    DiagnosisCodeFactory()
    answer = client_for(cast.doctor).get(reverse("consultations:code-search"), {"q": text})
    assert (answer.status_code, answer.json()) == (200, {"results": []})


def test_choosing_names_the_unknown_code(cast):
    DiagnosisCodeFactory()
    chosen = services.choose_diagnoses([" j06.9 ", ""])
    assert [choice.rank for choice in chosen] == ["primary"]
    with pytest.raises(UnknownDiagnosis, match="Q99"):
        services.choose_diagnoses(["J06.9", "q99"])


def test_the_demo_list_loads_and_loading_again_changes_nothing(capsys):
    path = Path(settings.BASE_DIR) / "emr/demo/data/icd10.csv"
    call_command("import_icd10", str(path))
    count = DiagnosisCode.objects.count()
    assert count > 250
    call_command("import_icd10", str(path))
    assert DiagnosisCode.objects.count() == count
    assert capsys.readouterr().out.splitlines() == [f"{count} codes added, 0 changed.", "0 codes added, 0 changed."]
    assert "tipes" in DiagnosisCode.objects.get(code="A01.0").search_text


def test_an_import_updates_names(tmp_path):
    load(tmp_path, HEADER + "a01.0,Typhoid,Tipes,I,1,\n")
    load(tmp_path, HEADER + "A01.0,Typhoid fever,Demam tifoid,I,0,tipes\n")
    code = DiagnosisCode.objects.get()
    assert (code.display_id, code.is_primary_allowed) == ("Demam tifoid", False)
    assert code.search_text == "a01.0 a010 demam tifoid typhoid fever tipes"


@pytest.mark.parametrize(
    "text, words",
    [
        ("kode,nama\nA01,x\n", "display_en"),
        (HEADER + "A01.0,Typhoid,,I,1,\nXX,Wrong,,I,1,\n", "(?s)3.*XX"),
        (HEADER + "A01.0,,Tipes,I,1,\n", "A01.0"),
        (HEADER + "A01.0,Typhoid,,I,maybe,\n", "is_primary_allowed"),
        (HEADER + "A01.0,Typhoid,,I,1,\na01.0,Typhoid,,I,1,\n", "A01.0"),
        (HEADER + f"A01.0,{'x' * 251},,I,1,\n", "display_en"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_written(tmp_path, text, words):
    with pytest.raises(CommandError, match=words):
        load(tmp_path, text)
    assert not DiagnosisCode.objects.exists()


def test_a_missing_or_binary_file_is_explained(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_icd10", str(tmp_path / "none.csv"))
    path = tmp_path / "codes.csv"
    path.write_bytes(HEADER.encode() + b"A01.0,\xff\xfe,,I,1,\n")
    with pytest.raises(CommandError, match="UTF-8"):
        call_command("import_icd10", str(path))
