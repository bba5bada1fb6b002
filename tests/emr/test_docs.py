"""Generated files are current."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from core import settings_docs


@pytest.fixture(scope="module")
def declared():
    return settings_docs.declared()


def test_settings_docs_and_env_example_are_current(declared):
    old = [
        path.name for path, text in settings_docs.files(declared).items() if path.read_text(encoding="utf-8") != text
    ]
    assert old == [], "run: python manage.py write_settings_docs"


def test_every_needed_variable_is_declared_and_no_default_shows_this_machine(declared, settings):
    names = {item.name for item in declared}
    assert set(settings_docs.NEEDED_IN_PRODUCTION) <= names
    assert {"SECURE_HSTS_SECONDS", "DEBUG"} <= names
    assert str(settings.BASE_DIR) not in settings_docs.markdown(declared) + settings_docs.env_example(declared)
    assert all(item.help for item in declared)


def test_the_command_tells_old_files_and_writes_them(tmp_path, monkeypatch, declared):
    monkeypatch.setattr(settings_docs, "files", lambda: {tmp_path / "settings.md": "new"})
    with pytest.raises(CommandError, match="is not current"):
        call_command("write_settings_docs", "--check")
    call_command("write_settings_docs")
    assert (tmp_path / "settings.md").read_text() == "new"
    call_command("write_settings_docs", "--check")
