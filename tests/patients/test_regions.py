"""Administrative regions: the short list, looking up, and importing a whole list."""

import csv
import io

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from patients.models import Region
from patients.region_files import SHIPPED, read_rows, seed
from patients.regions import chain_of, find_by_names, find_regions, fold
from patients.services.regions import RegionRow, import_regions

pytestmark = pytest.mark.django_db
BALOI = "Baloi Permai, Batam Kota, Kota Batam, Kepulauan Riau"


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("import_regions", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


# --- The list of the product ----------------------------------------------------------------------------------------


def test_a_new_database_has_all_of_batam():
    assert Region.objects.filter(level=Region.Level.PROVINCE).count() == 38
    assert Region.objects.filter(parent_id="21").count() == 7
    assert Region.objects.filter(parent_id="2171").count() == 12
    villages = Region.objects.filter(level=Region.Level.VILLAGE)
    assert (villages.count(), villages.filter(parent__parent_id="2171").count()) == (64, 64)
    assert all(len(postal) == 5 for postal in villages.values_list("postal_code", flat=True))


def test_seeding_again_keeps_corrections():
    Region.objects.filter(code="2171101001").update(name="Baloi Permai Baru")
    seed()
    assert Region.objects.get(code="2171101001").name == "Baloi Permai Baru"


# --- Looking up -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["baloi per", "Baloi Permai", "BALOI PERMAI batam", "Kel. Baloi Permai, Kec. Batam Kota", "permai"]
)
def test_a_village_is_found_by_the_beginning_of_its_name(typed):
    found = find_regions(typed)
    assert (found[0].code, found[0].label, found[0].postal_code) == ("2171101001", BALOI, "29463")


def test_words_after_the_name_narrow_it_down():
    import_regions(rows=[
        RegionRow(1, "12", "Sumatera Utara"), RegionRow(2, "12.71", "Kota Medan"), RegionRow(3, "12.71.01", "Medan Kota"),
        RegionRow(4, "12.71.01.1001", "Baloi Indah"),
    ])  # fmt: skip
    assert [row.code for row in find_regions("baloi indah")] == ["2171061006", "1271011001"]  # near the clinic first
    assert [row.code for row in find_regions("baloi indah medan")] == ["1271011001"]


@pytest.mark.parametrize("typed", ["", "b", " ", "%%", "__", "x" * 5000, "<script>", "\x00", "王", "kelurahan"])
def test_what_means_nothing_finds_nothing(typed):
    assert find_regions(typed) == []


def test_regencies_and_provinces_can_be_chosen_too():
    assert [row.label for row in find_regions("karimun")] == ["Kabupaten Karimun, Kepulauan Riau"]
    assert [row.label for row in find_regions("sumatera bar")] == ["Sumatera Barat"]


def test_a_region_out_of_use_is_not_offered_and_still_read():
    Region.objects.filter(code="2171101001").update(is_active=False)
    assert find_regions("baloi permai") == []
    assert chain_of("2171101001").label == BALOI


def test_a_lookup_costs_few_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(1):
        assert find_regions("ba")
    with django_assert_max_num_queries(3):
        assert find_regions("baloi permai batam")


@pytest.mark.parametrize("code", ["21.71.10.1001", "2171101001"])
def test_a_code_gives_everything_above_it(code):
    chain = chain_of(code)
    assert (chain.district_code, chain.regency_name, chain.province_code, chain.postal_code) == (
        "217110",
        "Kota Batam",
        "21",
        "29463",
    )
    assert (chain.code, chain.label) == ("2171101001", BALOI)


@pytest.mark.parametrize("code", ["", "9", "99", "2171999999", "abc", "٢١", "21711010011"])
def test_a_code_that_is_not_in_the_list_is_nothing(code):
    assert chain_of(code) is None


def test_names_without_codes_are_recognised_when_they_mean_one_place():
    assert find_by_names(village="baloi permai", regency="Batam").code == "2171101001"
    assert find_by_names(regency="KOTA BATAM", province="kepulauan riau").code == "2171"
    assert find_by_names(village="baloi permai", regency="Medan") is None
    assert find_by_names() is None
    import_regions(rows=[RegionRow(1, "2102011001", "Sadai"), RegionRow(2, "210201", "Karimun")])
    assert find_by_names(village="Sadai") is None  # two of that name
    assert find_by_names(village="Sadai", regency="Karimun").code == "2102011001"


def test_the_kind_of_region_does_not_count():
    assert fold("Kab. Kepulauan Anambas") == fold("KABUPATEN KEPULAUAN ANAMBAS") == "kepulauan anambas"
    assert fold("Desa") == "desa"


# --- Importing ------------------------------------------------------------------------------------------------------


def test_importing_the_same_list_changes_nothing():
    outcome = import_regions(rows=read_rows(SHIPPED))
    assert (outcome.added, outcome.changed, outcome.same, outcome.errors) == (0, 0, 121, [])


def test_the_command_adds_corrects_and_deactivates_nothing(tmp_path):
    path = tmp_path / "wilayah.csv"
    path.write_text(
        "kode;nama;kode_pos\n11.01;Kabupaten Aceh Selatan;\n11.01.01;Bakongan;\n11.01.01.2001;Keude Bakongan;23773\n21;Kepri;\n",
        encoding="utf-8-sig",
    )
    out, err = run(str(path))
    assert out.strip() == "3 regions added, 1 changed, 0 as they were, 0 lines left out."
    assert not err
    village = Region.objects.get(code="1101012001")
    assert (village.parent_id, village.level, village.postal_code) == ("110101", 4, "23773")
    assert Region.objects.get(code="21").name == "Kepri"
    assert Region.objects.filter(is_active=True).count() == 124


def test_a_dry_run_writes_nothing(tmp_path):
    path = tmp_path / "wilayah.csv"
    path.write_text("11.01,Kabupaten Aceh Selatan\n21,Kepri\n")
    out, _err = run(str(path), "--dry-run")
    assert out.startswith("1 regions would be added, 1 would be changed")
    assert Region.objects.get(code="21").name == "Kepulauan Riau"
    assert not Region.objects.filter(code="1101").exists()


def test_each_wrong_line_is_named_and_the_rest_is_taken(tmp_path):
    path = tmp_path / "wilayah.csv"
    lines = [("code", "name", "postal_code"), ("abc", "X", ""), ("123", "X", ""), ("1101", "", ""), ("110202", "Tanpa atasan", ""),
             ("1101", "Aceh Selatan", "12"), ("12", "Sumut", ""), ("12", "Sumut lagi", "")]  # fmt: skip
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    out, err = run(str(path))
    assert out.strip() == "0 regions added, 1 changed, 0 as they were, 6 lines left out."
    assert [line.split(":")[0] for line in err.strip().splitlines()] == [
        "Baris 2",
        "Baris 3",
        "Baris 4",
        "Baris 6",
        "Baris 8",
        "Baris 5",
    ]
    assert Region.objects.get(code="12").name == "Sumut"


def test_a_workbook_is_read(tmp_path):
    book = openpyxl.Workbook()
    for row in [
        ("code", "name", "postal_code"),
        (1101, "Aceh Selatan", None),
        (110101, "Bakongan", None),
        (1101012001, "Keude", 23773),
    ]:
        book.active.append(row)
    path = tmp_path / "wilayah.xlsx"
    book.save(path)
    assert run(str(path))[0].startswith("3 regions added")
    assert chain_of("1101012001").postal_code == "23773"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b""), ("a.csv", b"\xff\xfe\x00"), ("a.csv", b"one\ntwo\n"), ("a.xlsx", b"PK nothing"), ("a.csv", None)],
)
def test_a_file_that_is_no_list_is_refused(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match="Nothing was changed"):
        run(str(path))
    assert Region.objects.count() == 121
