"""Titles are taken off typed names; stand-in names of newborns and unknown people."""

import pytest

from patients.names import newborn_name, split_titles, unknown_name


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("dr. Budi Santoso, Sp.A", ("dr.", "Budi Santoso", "Sp.A")),
        ("Prof. Dr. dr. Rina Hartati, Sp.PD, M.Kes", ("Prof. Dr. dr.", "Rina Hartati", "Sp.PD, M.Kes")),
        ("dr Budi", ("dr", "Budi", "")),
        ("H. Muhammad Ali", ("H.", "Muhammad Ali", "")),
        ("Hj. Siti Aminah, S.Pd.", ("Hj.", "Siti Aminah", "S.Pd.")),
        ("K.H. Ahmad Dahlan", ("K.H.", "Ahmad Dahlan", "")),
        ("Ir. Joko Susilo, MM", ("Ir.", "Joko Susilo", "MM")),
        ("Dewi Lestari S.Kep", ("", "Dewi Lestari", "S.Kep")),
        ("Siti Rahma, A.Md.Keb., SKM", ("", "Siti Rahma", "A.Md.Keb., SKM")),
        ("apt. Maya Sari, S.Farm", ("apt.", "Maya Sari", "S.Farm")),
        ("Tn. Agus", ("", "Agus", "")),
        ("Ny. Rohani", ("", "Rohani", "")),
        ("Bapak Slamet", ("", "Slamet", "")),
        # what is part of a name stays
        ("Suharti", ("", "Suharti", "")),
        ("An Na", ("", "An Na", "")),
        ("H Maming", ("", "H Maming", "")),
        ("Moh. Ali", ("", "Moh. Ali", "")),
        ("M. Rizki", ("", "M. Rizki", "")),
        ("Raden Ajeng Kartini", ("", "Raden Ajeng Kartini", "")),
        ("Nu'man Ma'ruf", ("", "Nu'man Ma'ruf", "")),
        ("Aminah, Siti", ("", "Aminah, Siti", "")),
        ("Budi S.", ("", "Budi S.", "")),
        ("By. Ny. Rohani", ("", "By. Ny. Rohani", "")),
        ("Tn. X 001", ("", "Tn. X 001", "")),
        ("dr.", ("", "dr.", "")),
        (", S.Pd", ("", ", S.Pd", "")),
        ("", ("", "", "")),
        ("Drs", ("", "Drs", "")),
        ("王小明", ("", "王小明", "")),
        ("<b>Siti</b>, S.Pd", ("", "<b>Siti</b>", "S.Pd")),
        ("Siti " + ", S.Pd" * 40, ("", "Siti " + ", S.Pd" * 40, "")),
    ],
)
def test_titles_are_taken_off(typed, parts):
    assert split_titles(typed) == parts


def test_splitting_again_changes_nothing():
    once = split_titles("Prof. dr. Budi Santoso, Sp.A")
    assert split_titles(once.name) == ("", "Budi Santoso", "")


@pytest.mark.parametrize(
    ("order", "name"),
    [(None, "By. Ny. Rohani"), (1, "By. Ny. Rohani I"), (2, "By. Ny. Rohani II"), (99, "By. Ny. Rohani")],
)
def test_newborns_are_named_after_their_mother(order, name):
    assert newborn_name("Rohani", order=order) == name


@pytest.mark.parametrize(
    ("sex", "is_child", "name"),
    [
        ("male", False, "Tn. X 007"),
        ("female", False, "Ny. X 007"),
        ("male", True, "An. X 007"),
        ("unknown", False, "X 007"),
    ],
)
def test_unknown_people_get_a_numbered_name(sex, is_child, name):
    assert unknown_name(7, sex=sex, is_child=is_child) == name
