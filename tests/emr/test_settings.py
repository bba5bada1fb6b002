"""A bad value stops the start with one sentence that names the variable; production guesses nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core.env import Env, load_dotenv
from core.settings_docs import throwaway_production_environ


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("maybe", lambda env: env.flag("X", False, "")),
        ("12x", lambda env: env.number("X", 1, "")),
        ("-1", lambda env: env.number("X", 1, "")),
        ("65536", lambda env: env.number("X", 1, "", maximum=65535)),
        ("des", lambda env: env.choice("X", "aes", ("aes", "fernet"), "")),
        ("Asia/Batam", lambda env: env.zone("X", "Asia/Jakarta", "")),
        ("../etc", lambda env: env.zone("X", "Asia/Jakarta", "")),
    ],
)
def test_a_bad_value_is_refused_by_name(value, read):
    with pytest.raises(ImproperlyConfigured, match=r"^X must be .*; .* is not\.$"):
        read(Env({"X": value}))


def test_good_values_and_defaults():
    env = Env({"A": "On", "B": " 7 ", "C": "a, ,b", "EMPTY": ""})
    assert env.flag("A", False, "") is True
    assert env.number("B", 1, "") == 7
    assert env.words("C", [], "") == ["a", "b"]
    assert env.number("EMPTY", 5, "") == 5
    assert list(env.declared) == ["A", "B", "C", "EMPTY"]


def test_a_secret_may_stand_in_a_file_and_is_never_repeated(tmp_path):
    (tmp_path / "password").write_text("rahasia\n")
    env = Env({"P_FILE": str(tmp_path / "password"), "Q_FILE": str(tmp_path / "missing")})
    assert env.text("P", "", "", secret=True) == "rahasia"
    with pytest.raises(ImproperlyConfigured, match="Q_FILE cannot be read"):
        env.text("Q", "", "", secret=True)
    assert Env({"N": "hush"}).text("N", "", "", secret=True) == "hush"
    with pytest.raises(ImproperlyConfigured) as refused:
        Env({"N": "hush"})._read("N", "a number", 0, int, "", secret=True)
    assert "hush" not in str(refused.value)


def test_a_dotenv_line_without_equals_is_refused_and_set_variables_win(tmp_path, monkeypatch):
    file = tmp_path / ".env"
    file.write_text("# words\nEMR_TEST_A='from file'\nEMR_TEST_B=\"b\"\n")
    monkeypatch.setenv("EMR_TEST_A", "from outside")
    monkeypatch.setenv("EMR_TEST_B", "")
    monkeypatch.delenv("EMR_TEST_B")
    load_dotenv(file)
    assert (os.environ["EMR_TEST_A"], os.environ.pop("EMR_TEST_B")) == ("from outside", "b")
    file.write_text("nonsense\n")
    with pytest.raises(ImproperlyConfigured, match="line 1"):
        load_dotenv(file)


def load(module: str, **changes: str) -> subprocess.CompletedProcess:
    environ = {"PATH": os.environ["PATH"], **throwaway_production_environ(), **changes}
    return subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in environ.items() if value != "(unset)"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"EMBEDDED": "1"}, "EMBEDDED must be 0"),
        ({"DEMO_MODE": "1"}, "DEMO_MODE must be 0"),
        ({"DEBUG": "1"}, "DEBUG must be 0"),
        ({"DATABASE_URL": "(unset)"}, "DATABASE_URL must name"),
        ({"DATABASE_URL": "postgres://x/y"}, "DATABASE_URL must be"),
        ({"REDIS_URL": ""}, "REDIS_URL is needed"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name"),
        ({"SITE_URL": "http://emr.example"}, "SITE_URL must start with https://"),
        ({"EMAIL_PORT": "smtp"}, "EMAIL_PORT must be a whole number"),
        ({"SEARCH_MASTER_KEY": "(unset)", "KEY_DIR": "/nowhere"}, "SEARCH_MASTER_KEY"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_production_stops_with_a_sentence(changes, words):
    refused = load("emr.settings.production", **changes)
    assert refused.returncode != 0
    assert words in refused.stderr.splitlines()[-1]


def test_production_loads_and_keeps_cookies_and_pages_to_https():
    code = (
        "emr.settings.production as s; assert not s.DEBUG and s.SESSION_COOKIE_SECURE and s.CSRF_COOKIE_SECURE"
        " and s.SECURE_SSL_REDIRECT and s.SECURE_HSTS_SECONDS >= 31536000 and s.CELERY_BROKER_URL.startswith('redis://')"
    )
    assert load(code).returncode == 0


def test_check_deploy_is_clean_in_production():
    pytest.importorskip("MySQLdb")
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            **throwaway_production_environ(),
            "DJANGO_SETTINGS_MODULE": "emr.settings.production",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout
