from __future__ import annotations

import gettext

import pytest
from django.core.management import CommandError, call_command

CATALOGUE = """msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Hello %(name)s"
msgstr "Halo %(name)s"
"""


@pytest.fixture
def catalogue(tmp_path, settings):
    settings.LOCALE_PATHS = [tmp_path]
    folder = tmp_path / "id" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(CATALOGUE, encoding="utf-8")
    return folder / "django.po"


def test_a_catalogue_is_compiled_when_it_changed(catalogue, capsys):
    call_command("compile_translations")
    with catalogue.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Hello %(name)s") == "Halo %(name)s"
    call_command("compile_translations")
    assert capsys.readouterr().out == "1 translation file(s) compiled.\n"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('msgid "New"\nmsgstr ""\n', "not translated: New"),
        ('#, fuzzy\nmsgid "New"\nmsgstr "Baru"\n', "fuzzy: New"),
        ('msgid "%(count)s left"\nmsgstr "sisa %(jumlah)s"\n', "other placeholders"),
        ('msgid "%s left"\nmsgstr "sisa"\n', "other placeholders"),
    ],
)
def test_the_check_names_what_is_wrong(catalogue, entry, problem):
    call_command("compile_translations", "--check")
    catalogue.write_text(f"{CATALOGUE}\n{entry}", encoding="utf-8")
    with pytest.raises(CommandError, match=problem):
        call_command("compile_translations", "--check")


def test_a_missing_catalogue_is_named(tmp_path, settings):
    settings.LOCALE_PATHS = [tmp_path]
    with pytest.raises(CommandError, match="no catalogue for id"):
        call_command("compile_translations", "--check")
