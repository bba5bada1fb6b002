"""No process starts with keys that are missing, malformed, open to others, reused or wrong, and none says a secret.

Real processes: the pages (WSGI), live connections (ASGI), worker, scheduler, the embedded product, commands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import keys
from tests.core.installation import Installation

pytestmark = pytest.mark.processes

WSGI = ("-c", "import emr.wsgi")
ASGI = ("-c", "import emr.asgi")
WORKER = ("-m", "celery", "-A", "emr", "worker", "--concurrency", "1", "--pool", "solo")
BEAT = ("-m", "celery", "-A", "emr", "beat", "--schedule", "/dev/null")
COMMAND = ("manage.py", "create_admin", "ayu.admin", "ayu@klinik.example", "Ayu Lestari")
SHELL = ("manage.py", "shell", "-c", "from accounts.models import User; User.objects.create(username='x')")
SERVE = ("manage.py", "serve", "--port", "0")
PAGES = ("-m", "gunicorn", "emr.wsgi:application", "--bind", "127.0.0.1:0", "--workers", "1")


@pytest.fixture
def production(tmp_path: Path, django_db_blocker) -> Installation:
    """An installation with production settings whose server is never reached."""
    with django_db_blocker.unblock():
        made = Installation(tmp_path)
        made.drop()
    made.environ |= {
        "DJANGO_SETTINGS_MODULE": "emr.settings.production", "SITE_URL": "https://emr.klinik.example",
        "ALLOWED_HOSTS": "emr.klinik.example", "DATABASE_URL": "mysql://nobody@127.0.0.1:9/none",
        "REDIS_URL": "redis://127.0.0.1:9/0",
    }  # fmt: skip
    keys.create_missing(made.key_dir)
    return made


def missing(directory: Path) -> str:
    (directory / "audit_seal_key").unlink()
    return "AUDIT_SEAL_KEY is missing"


def malformed(directory: Path) -> str:
    (directory / "search_master_key").write_text("c2VjcmV0LXBpZWNl-not-a-key\n")
    return "SEARCH_MASTER_KEY: entry 1 is not a key"


def open_to_others(directory: Path) -> str:
    (directory / "field_encryption_keys").chmod(0o644)
    return f"Run: chmod 600 {directory / 'field_encryption_keys'}"


def reused(directory: Path) -> str:
    (directory / "session_hash_key").write_text((directory / "search_master_key").read_text())
    return "SESSION_HASH_KEY is the same key as SEARCH_MASTER_KEY"


def emptied(directory: Path) -> str:
    (directory / "field_encryption_keys").write_text("")
    return "field_encryption_keys is empty"


FAULTS = (missing, malformed, open_to_others, reused, emptied)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("entry", [WSGI, COMMAND], ids=["wsgi", "command"])
def test_faults_of_the_files(production: Installation, fault: Callable[[Path], str], entry: tuple[str, ...]) -> None:
    words = fault(production.key_dir)
    before = {path.name: path.read_bytes() for path in production.key_dir.iterdir()}
    text = production.run(*entry, code=1)
    assert words in text
    assert "not-a-key" not in text
    assert {path.name: path.read_bytes() for path in production.key_dir.iterdir()} == before, (
        "a key was made or changed"
    )
    if entry is COMMAND:
        assert "Traceback" not in text


@pytest.mark.parametrize("entry", [ASGI, WORKER, BEAT, PAGES], ids=["asgi", "worker", "beat", "gunicorn"])
def test_every_process_needs_its_keys(production: Installation, entry: tuple[str, ...]) -> None:
    words = missing(production.key_dir)
    process = production.start(*entry)
    out, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert words in out + err
    production.refuse_secrets(out + err)


@pytest.fixture(scope="module")
def installation(django_db_blocker, tmp_path_factory) -> Iterator[Installation]:
    with django_db_blocker.unblock():
        made = Installation.migrated(tmp_path_factory.mktemp("wrong"))
        made.environ["CELERY_SKIP_CHECKS"] = "1"
        try:
            yield made
        finally:
            made.drop()


@pytest.fixture
def other_keys(installation: Installation, tmp_path: Path) -> dict[str, str]:
    """The environment of a process whose keys are well made, but are those of another installation."""
    keys.create_missing(tmp_path / "other")
    return {"KEY_DIR": str(tmp_path / "other")}


@pytest.mark.parametrize(
    "entry", [WSGI, ASGI, COMMAND, SHELL, SERVE], ids=["wsgi", "asgi", "command", "shell", "serve"]
)
def test_keys_of_another_installation(installation: Installation, other_keys, entry: tuple[str, ...]) -> None:
    text = installation.run(*entry, code=1, **other_keys)
    assert "FIELD_ENCRYPTION_KEYS do not open this database" in text
    assert "1 admin" not in text
    for path in Path(other_keys["KEY_DIR"]).iterdir():
        assert path.read_text().strip() not in text
    left = installation.manage(
        "shell", "-v0", "-c", "from accounts.models import User; print(User.objects.count(), 'rows')"
    )
    assert "0 rows" in left


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("search_master_key", "SEARCH_MASTER_KEY is not the key this database was written with"),
        ("audit_seal_key", "AUDIT_SEAL_KEY is not the key this database was written with"),
    ],
)
def test_one_wrong_key(installation: Installation, tmp_path: Path, name: str, words: str) -> None:
    mixed = tmp_path / "mixed"
    keys.create_missing(mixed)
    for path in installation.key_dir.iterdir():
        if path.name != name:
            (mixed / path.name).write_text(path.read_text())
    assert words in installation.run(*WSGI, code=1, KEY_DIR=str(mixed))
    assert words in installation.manage("check_keys", code=1, KEY_DIR=str(mixed))


def test_worker_and_scheduler_with_wrong_keys(installation: Installation, other_keys) -> None:
    if "DATABASE_URL" not in installation.environ or "REDIS_URL" not in os.environ:
        pytest.skip("a worker of its own needs MariaDB and Redis: run with DATABASE_URL and REDIS_URL")
    for entry in (WORKER, BEAT):
        process = installation.start(*entry, **other_keys, EMBEDDED="0", REDIS_URL=os.environ["REDIS_URL"])
        out, err = process.communicate(timeout=120)
        assert process.returncode != 0, entry
        assert "FIELD_ENCRYPTION_KEYS do not open this database" in out + err
        installation.refuse_secrets(out + err)


def test_the_right_keys_start(installation: Installation) -> None:
    for entry in (WSGI, ASGI):
        installation.run(*entry)
