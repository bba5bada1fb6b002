import pytest

from pharmacy.substances import fold, groups_in, ingredient_names, is_same_substance, search_words


@pytest.mark.parametrize(
    ("english", "indonesian"),
    [("Amoxicillin", "amoksisilin"), ("Cefadroxil", "sefadroksil"), ("Paracetamol", "parasetamol"),
     ("Cetirizine", "setirizin"), ("Chloramphenicol", "kloramfenikol"), ("Azithromycin", "azitromisin"),
     ("Ethambutol", "etambutol"), ("Methylprednisolone", "metilprednisolon"), ("Acyclovir", "asiklovir"),
     ("Ciprofloxacin", "siprofloksasin"), ("Rhinitis", "rinitis"), ("Théophylline", "teofilin")],
)  # fmt: skip
def test_both_spellings_meet(english, indonesian):
    assert fold(english) == fold(indonesian)


def test_amounts_are_no_part_of_a_name():
    assert ingredient_names(["amoksisilin 500 mg", "asam klavulanat 125 mg"]) == ["amoksisilin", "asam klavulanat"]
    assert ingredient_names(["vitamin B12"]) == ["vitamin b12"]
    assert ingredient_names([]) == []


def test_a_word_for_a_group():
    assert groups_in("Obat Sulfa") == {"sulfonamida"}
    assert groups_in("Penicillin") == {"penisilin"}
    assert groups_in("Udang") == set()


@pytest.mark.parametrize(
    ("substance", "name", "same"),
    [("Amoxicillin", "amoksisilin", True), ("amoksisilin sirup", "amoksisilin", True), ("mefenamat", "asam mefenamat", True),
     ("asam mefenamat", "asam traneksamat", False), ("Udang", "parasetamol", False), ("", "parasetamol", False),
     ("air", "airol", False), ("Zinc", "zink", True), ("asam", "asam folat", True)],
)  # fmt: skip
def test_same_substance(substance, name, same):
    assert is_same_substance(substance, [fold(name)]) is same


def test_search_words_wait_for_the_letter_that_decides():
    assert search_words("amox") == ["amoks"]
    assert search_words("antac") == ["anta"]
    assert search_words("alp") == ["al"]
    assert search_words("  Cetirizine  10 ") == ["setirisin", "10"]
    assert search_words("%_") == []
