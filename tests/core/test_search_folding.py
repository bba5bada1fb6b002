"""Folding, tokens, query parsing and ranking: no database."""

from __future__ import annotations

from datetime import date

import pytest
from django.conf import settings

from core.search import blind, folding, queries
from core.search.blind import blind_index, name_terms
from core.search.folding import COMMON_WORDS, fold_name, fold_word, is_one_slip
from core.search.queries import parse_query, query_plan
from core.search.ranking import rank

BORN = date(1985, 3, 12)

SAME_NAME = [
    ("Soerjadi", "Suryadi"),
    ("Widjaja", "Wijaya"),
    ("Yoesoef", "Yusuf", "Jusuf", "Jusup"),
    ("Djoko", "Joko"),
    ("Tjahja", "Cahya"),
    ("Njoto", "Nyoto"),
    ("Hardjo", "Haryo"),
    ("Moh", "Moh.", "Muh", "Moch", "Mohd", "Md", "Mohamad", "Muhamad", "Mohammed", "Mochammad", "MUHAMMAD"),
    ("Abd", "Abdul"),
    ("St.", "Siti", "Sitti"),
    ("Ach", "Achmad", "Akhmad", "Ahmad"),
    ("Chairul", "Khairul", "Hairul"),
    ("Chandra", "Candra"),
    ("Christina", "Kristina"),
    ("Ramadhan", "Ramadan"),
    ("Luthfi", "Lutfi", "Lutvi"),
    ("Rizky", "Rizki", "Riski"),
    ("Zaenal", "Jaenal"),
    ("Aisyah", "Aisha", "Aisah"),
    ("Syarif", "Sjarif", "Sarip", "Shariff"),
    ("Fitri", "Pitri", "Phitri"),
    ("Novi", "Nofi"),
    ("Aminah", "Amina", "Amminah"),
    ("Nu'man", "Nu`man", "Nu’man", "Numan"),
    ("Taufiq", "Taufik"),
    ("Alex", "Aleks"),
    ("José", "Jose"),
    ("Abdurrahman", "Abdurrohman", "Abdoerrachman"),
    ("Noor", "Nur", "Noer"),
    ("Zaenal", "Zainal", "Jaenal"),
    ("Suwarno", "Suarno", "Soewarno"),
    ("Wagiyem", "Wagiem"),
    ("Dzikri", "Zikri", "Dzikrie"),
    ("Utsman", "Usman", "Oesman"),
    ("Erick", "Erik"),
    ("Victor", "Viktor", "Fiktor"),
    ("Fachri", "Fahri", "Pahri"),
    ("Mochtar", "Mukhtar", "Muchtar"),
    ("Khoirul", "Khairul", "Choirul"),
]


class TestFolding:
    @pytest.mark.parametrize("spellings", SAME_NAME, ids=lambda spellings: spellings[0])
    def test_spellings_of_one_name(self, spellings):
        assert len({tuple(fold_name(spelling)) for spelling in spellings}) == 1

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("Siti", "Sita"),
            ("Budi", "Budiman"),
            ("Ana", "Ani"),
            ("Dewi", "Dewa"),
            ("Hasan", "Husein"),
            ("Rina", "Rini"),
        ],
    )
    def test_vowels_keep_names_apart(self, first, second):
        assert fold_name(first) != fold_name(second)

    @pytest.mark.parametrize(
        ("name", "folded"),
        [
            ("dr. H. Ahmad Yusuf, Sp.PD, M.Kes.", ["ahmad", "jusup"]),
            ("Hj. Siti Aminah binti Abdullah, S.Pd", ["siti", "amina", "abdula"]),
            ("By. Ny. Siti Aminah", ["siti", "amina"]),
            ("Abd. Rahman bin Moh. Yusuf", ["abdul", "rahman", "muhamad", "jusup"]),
            ("Budi Santoso S.Kom", ["budi", "santoso"]),
            ("Sitorus, Budi", ["sitorus", "budi"]),
            ("H.M. Yusuf", ["m", "jusup"]),
            ("An", ["an"]),
            ("Nur-Aini", ["nur", "aini"]),
            ("I Made Wirawan", ["i", "made", "wirauan"]),
            ("Kumar a/l Raju", ["kumar", "raiu"]),
            ("Rina br. Siregar", ["rina", "siregar"]),
            ("Siti 2", ["siti"]),
            ("陈伟", ["陈伟"]),
            ("😀", []),
            ("", []),
            (" ,;. ", []),
            ("<b>Siti</b>", ["b", "siti", "b"]),
        ],
    )
    def test_words_of_a_name(self, name, folded):
        assert fold_name(name) == folded

    def test_beginning_of_a_word_folds_to_the_beginning(self):
        # Otherwise somebody who is still typing finds nobody. Digraphs may be half typed, hence "or one letter more".
        for name in ("Wijaya", "Suryadi", "Ramadhan", "Rizal", "Yusuf", "Fauziah", "Aminah", "Kusumawardani"):
            whole = fold_word(name)
            for end in range(3, len(name) + 1):
                start = fold_word(name[:end], is_complete=False)
                assert whole.startswith(start) or start == whole + "h", (name[:end], start, whole)

    def test_hostile_lengths(self):
        assert fold_name("a" * 10_000) == ["a"]
        assert len(fold_name("ka bu ti " * 1000)) == folding.MOST_WORDS

    def test_common_words_are_about_a_hundred_and_folded(self):
        assert 100 <= len(COMMON_WORDS) <= 130
        assert {"siti", "muhamad", "nur", "jusup"} <= COMMON_WORDS
        assert all(fold_word(word) in COMMON_WORDS for word in ("Siti", "Moh.".strip("."), "Nurhayati", "Wijaya"))


class TestBlindIndex:
    def test_fits_a_signed_bigint(self):
        values = [blind_index("name", str(number), key=KEY) for number in range(2000)]
        assert all(0 <= value < 2**63 for value in values)
        assert max(values) > 2**62
        assert len(set(values)) == 2000

    def test_same_text_same_number_within_one_purpose_only(self):
        assert blind_index("nik", NIK, key=KEY) == blind_index("nik", NIK, key=KEY)
        assert blind_index("nik", NIK, key=KEY) != blind_index("phone", NIK, key=KEY)

    def test_another_master_key_gives_other_numbers(self):
        assert blind_index("nik", NIK, key=KEY) != blind_index("nik", NIK, key=bytes(32))
        terms = name_terms("Siti Tambunan", BORN)
        assert not blind.tokens(terms, key=KEY) & blind.tokens(terms, key=bytes(32))
        assert len(blind.tokens(terms, key=KEY)) == len(terms)

    def test_number_is_fixed_for_ever(self):
        # Public test keys: a change here would make every stored index useless without a reindex.
        assert blind_index("nik", NIK, key=KEY) == PUBLISHED_INDEX


KEY = settings.KEYS.search_master_key
NIK = "2171015203850001"
PUBLISHED_INDEX = 3947859498915013724


class TestTokens:
    def test_common_word_has_no_token_of_its_own(self):
        assert name_terms("Siti", None) == set()
        assert name_terms("Siti", BORN) == {blind.birth_term(BORN), blind.name_birth_term("siti", BORN)}

    def test_two_common_words_have_their_pair(self):
        assert blind.pair_term("siti", "amina") in name_terms("Siti Aminah", None)
        joined = blind.whole_term("sitiamina"), blind.whole_term("aminahsiti")
        assert name_terms("Aminah Siti", None) - set(joined) == name_terms("Siti Aminah", None) - set(joined)

    def test_two_common_words_are_found_by_an_initial(self):
        terms = name_terms("Muhammad Rizki", None)
        assert blind.initial_term("m", "riski") in terms
        assert blind.initial_term("r", "muhamad") not in terms, "half the country would have it"
        assert blind.short_term("m", "riski") in name_terms("M. Rizki", None)
        assert blind.short_term("m", "riski") not in terms

    def test_rare_word(self):
        terms = name_terms("Sitorus", None)
        assert {blind.prefix_term(start) for start in ("sit", "sito", "sitor", "sitoru", "sitorus")} <= terms
        assert blind.typo_terms("sitorus") <= terms
        assert blind.prefix_term("si") not in terms
        assert blind.full_term(["sitorus"]) in terms
        assert len(terms) == 5 + 8 + 1

    def test_long_word_has_a_whole_token_and_typos_of_its_beginning(self):
        terms = name_terms("Tambunanhutagalung", None)
        assert blind.whole_term("tambunanhutagalung") in terms
        assert blind.prefix_term("tambuna") in terms
        assert len(terms) == 1 + 5 + 9 + 1

    def test_short_word_is_found_whole(self):
        assert name_terms("Li", None) == {blind.whole_term("li"), blind.full_term(["li"])}

    def test_neighbours_are_also_one_word(self):
        assert blind.whole_term("nuraini") in name_terms("Nur Aini", None)
        assert blind.whole_term("abdulrahman") in name_terms("Abd. Rahman", None)
        assert blind.pair_term("nurhaiati", "siregar") in name_terms("Nur Hayati Siregar", None)

    def test_all_words_together_in_any_order(self):
        assert blind.full_term(["siti", "amina"]) in name_terms("Aminah, Siti", None)
        assert blind.full_term(["siti"]) not in name_terms("Siti", BORN)

    def test_usual_name_has_about_twenty_five(self):
        sizes = [
            len(name_terms(name, BORN))
            for name in ("Siti Nurbaya", "Budi Tambunan", "Muhammad Alfarizi", "Dewi Sartika")
        ]
        assert all(10 <= size <= 35 for size in sizes), sizes

    def test_prefix_and_typo_tokens_live_apart(self):
        assert not blind.typo_terms("sitorus") & {blind.prefix_term("sitorus"), blind.whole_term("sitorus")}


class TestSlips:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("sitorus", "sitorsu"),
            ("sitorus", "sitoris"),
            ("sitorus", "sitrus"),
            ("sitorus", "sitoorus"),
            ("sitorus", "isitorus"),
            ("ab", "ba"),
        ],
    )
    def test_one_slip(self, first, second):
        assert is_one_slip(first, second)
        assert is_one_slip(second, first)
        assert blind.deletions(first) & blind.deletions(second)

    @pytest.mark.parametrize(
        ("first", "second"),
        [("sitorus", "sitorus"), ("sitorus", "sitirsu"), ("abcd", "badc"), ("a", "bcd"), ("", "ab")],
    )
    def test_none_or_two(self, first, second):
        assert not is_one_slip(first, second)
        assert not is_one_slip(second, first)


class TestParsing:
    @pytest.mark.parametrize(
        ("text", "numbers"),
        [
            ("123456", ("123456",)),
            ("12-34-56", ("123456",)),
            ("12.34.56", ("123456",)),
            ("12 34 56", ("123456",)),
            ("RM 123", ("123", "000123")),
            ("No. RM: 12-34-56", ("123456",)),
            ("rm123456", ("123456",)),
            ("1", ("1", "000001")),
        ],
    )
    def test_record_number(self, text, numbers):
        query = parse_query(text)
        assert query.record_numbers == numbers
        assert (query.nik, query.words) == (None, ())

    @pytest.mark.parametrize("text", ["2171015203850001", "2171 0152 0385 0001", "217101-520385-0001"])
    def test_nik(self, text):
        assert parse_query(text) == queries.Query(nik="2171015203850001", number="2171015203850001")

    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("0001234567890", "1234567890"),
            ("1234567890", "1234567890"),
            ("A 1234567", "A1234567"),
            ("k-0000123", "K0000123"),
            ("2C21JE1234-A", "2C21JE1234A"),
            ("P02478375538", "P02478375538"),
            ("12/345", ""),
            ("siti nurbaya 1985", ""),
            ("siti", ""),
            ("12-03-1985", ""),
            ("b 12-03-1985", ""),
            ("a1", ""),
        ],
    )
    def test_other_numbers(self, text, number):
        assert parse_query(text).number == number

    @pytest.mark.parametrize(
        "text", ["081234567890", "0812-3456-7890", "+62 812 3456 7890", "6281234567890", "(0812) 3456.7890"]
    )
    def test_phone(self, text):
        assert parse_query(text).phone == "+6281234567890"

    @pytest.mark.parametrize(
        "text", ["12-03-1985", "12/03/1985", "12.3.1985", "12 03 1985", "1985-03-12", " 12-03-1985 "]
    )
    def test_birth_date(self, text):
        assert parse_query(text) == queries.Query(birth_date=BORN)

    @pytest.mark.parametrize("text", ["siti 12-03-1985", "12/03/1985 Siti", "Siti, 12-03-1985", "siti 1985-03-12"])
    def test_birth_date_with_a_name(self, text):
        query = parse_query(text)
        assert query.birth_date == BORN
        assert [word.whole for word in query.words] == ["siti"]

    @pytest.mark.parametrize("text", ["31-02-1985", "00-00-0000", "12-13-1985"])
    def test_impossible_date_is_no_date(self, text):
        assert parse_query(text).birth_date is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "\x00",
            "%",
            "_",
            "*",
            "'; DROP TABLE patients_patient;--",
            "<script>",
            "😀",
            "\ud800",
            "٠١٢",
            "-",
            "+",
            "()",
            "a" * 5000,
            "1" * 5000,
            "1-1-1-1-1-1",
        ],
    )
    def test_nothing_breaks_it(self, text):
        query_plan(text)

    def test_empty_plan(self):
        plan = query_plan("%%")
        assert (plan.exact, plan.near, plan.walk, plan.query.has_numbers) == (None, None, False, False)


class TestPlans:
    def test_rare_word_goes_by_its_token_and_the_common_one_is_checked_later(self):
        plan = query_plan("siti sitorus")
        assert plan.exact == queries.TokenSearch(frozenset({blind.prefix_term("sitorus")}))
        assert not plan.walk

    def test_longest_rare_word_drives(self):
        plan = query_plan("tan sitorus")
        assert plan.exact.driver == frozenset({blind.prefix_term("sitorus")})
        assert plan.exact.others == (frozenset({blind.prefix_term("tan")}),)

    def test_two_common_words_go_by_their_pair(self):
        plan = query_plan("aminah siti")
        assert blind.pair_term("siti", "amina") in plan.exact.driver
        assert plan.exact.others == ()

    def test_three_common_words_need_both_pairs(self):
        assert len(query_plan("siti nur aminah").exact.others) == 1

    def test_common_word_alone_walks(self):
        assert query_plan("siti").walk
        assert query_plan("sit").walk
        assert blind.prefix_term("sit") in query_plan("sit").exact.driver

    def test_misspelt_common_word_walks_last(self):
        plan = query_plan("kurniawam")
        assert (plan.walk, plan.walk_if_empty) == (False, True)

    def test_name_and_birth_date(self):
        plan = query_plan("siti 12-03-1985")
        assert plan.exact.driver == frozenset({blind.name_birth_term("siti", BORN)})
        assert plan.near.driver == frozenset({blind.birth_term(BORN)})

    def test_final_h_does_not_hide_who_is_still_being_typed(self):
        plan = query_plan("pasah")
        assert plan.exact.driver == frozenset({blind.prefix_term("pasa"), blind.prefix_term("pasah")})


def ranked(text: str, *names: str) -> list[str]:
    return rank(parse_query(text), [(name, name, None) for name in names])


class TestRanking:
    def test_very_name_before_same_sound_before_beginning_before_slip(self):
        names = ("Suryadinata", "Soerjadi", "Suriyadi Amir", "Suryadi", "Suryade", "Wahyu")
        assert ranked("suryadi", *names) == ["Suryadi", "Soerjadi", "Suriyadi Amir", "Suryadinata", "Suryade"]

    def test_every_word_must_match_a_word_of_its_own(self):
        assert ranked("siti siti", "Siti Aminah", "Siti Siti") == ["Siti Siti"]
        assert ranked("siti sitorus", "Siti Aminah", "Sitorus Budi", "Siti Sitorus") == ["Siti Sitorus"]

    def test_short_word_does_not_take_the_longer_name(self):
        assert ranked("nur nurhayati", "Nurhayati Nur", "Nur Nurhayati") == ["Nur Nurhayati", "Nurhayati Nur"]

    def test_order_and_further_names_decide_between_equals(self):
        assert ranked("siti aminah", "Aminah Siti", "Siti Aminah Tan", "Siti Aminah")[0] == "Siti Aminah"

    def test_initial(self):
        assert ranked("siti a", "Siti Aminah", "Siti Budiman") == ["Siti Aminah"]

    def test_equal_candidates_keep_their_order(self):
        query = parse_query("siti")
        assert rank(query, [(at, "Siti Aminah", None) for at in (3, 1, 2)]) == [3, 1, 2]

    def test_birth_date_must_be_equal(self):
        query = parse_query("siti 12-03-1985")
        assert rank(query, [(1, "Siti", date(1985, 3, 13)), (2, "Siti", BORN), (3, "Siti", None)]) == [2]

    def test_no_slip_in_three_letters(self):
        assert ranked("tan", "Tin", "Tan") == ["Tan"]

    def test_nameless_candidate(self):
        assert ranked("siti", "", "😀") == []
