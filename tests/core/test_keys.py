"""Where keys come from, what is refused, and that several starts at once agree on one key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from django.test import override_settings

from core import keys
from core.keys_check import AUDIT, DATA, KeysMismatch, SentinelMissing, create_sentinels, verify_sentinel
from core.models import KeySentinel

DJANGO_SECRET = "s" * keys.DJANGO_SECRET_LENGTH


def environment(**changes: str | None) -> dict[str, str]:
    values: dict[str, str | None] = {secret.name: keys.new_key() for secret in keys.SECRETS}
    values["SECRET_KEY"] = DJANGO_SECRET
    values.update(changes)
    return {name: value for name, value in values.items() if value is not None}


def refusal(environ: dict[str, str], key_dir: Path | None = None, create: bool = False) -> str:
    with pytest.raises(keys.KeysError) as caught:
        keys.load(key_dir, environ, create)
    return str(caught.value)


class TestLoading:
    def test_keys_come_from_the_environment(self):
        environ = environment()
        loaded = keys.load(None, environ, create=False)
        assert loaded.field_keys == (environ["FIELD_ENCRYPTION_KEYS"],)
        assert loaded.search_master_key == keys.decode(environ["SEARCH_MASTER_KEY"])
        assert loaded.audit_seal_key == keys.decode(environ["AUDIT_SEAL_KEY"])
        assert loaded.session_hash_key == keys.decode(environ["SESSION_HASH_KEY"])
        assert loaded.django_secret == DJANGO_SECRET
        assert loaded.created == ()

    def test_list_keeps_its_order_newest_first(self):
        new, old = keys.new_key(), keys.new_key()
        loaded = keys.load(None, environment(FIELD_ENCRYPTION_KEYS=f" {new} ,\n{old},"), create=False)
        assert loaded.field_keys == (new, old)

    def test_key_comes_from_a_named_file(self, tmp_path):
        secret = tmp_path / "search"
        key = keys.new_key()
        secret.write_text(key + "\n")
        secret.chmod(0o444)  # the way container secrets are mounted
        loaded = keys.load(None, environment(SEARCH_MASTER_KEY=None, SEARCH_MASTER_KEY_FILE=str(secret)), create=False)
        assert loaded.search_master_key == keys.decode(key)

    def test_variable_wins_over_the_directory(self, tmp_path):
        keys.create_missing(tmp_path)
        environ = environment()
        assert keys.load(tmp_path, environ, create=False).field_keys == (environ["FIELD_ENCRYPTION_KEYS"],)

    def test_nothing_is_made_without_leave(self, tmp_path):
        message = refusal({}, tmp_path / "keys")
        for secret in keys.SECRETS:
            assert f"{secret.name} is missing" in message
        assert not (tmp_path / "keys").exists()

    def test_missing_without_directory(self):
        assert "AUDIT_SEAL_KEY is missing" in refusal(environment(AUDIT_SEAL_KEY=None))
        assert "there is no KEY_DIR" in refusal(environment(AUDIT_SEAL_KEY=None), create=True)

    def test_repr_shows_no_key(self):
        environ = environment()
        shown = repr(keys.load(None, environ, create=False))
        assert not any(value in shown for value in environ.values())


class TestRefusals:
    @pytest.mark.parametrize(
        "value",
        [
            "too-short",
            keys.new_key()[:-1],
            keys.new_key() + "A",
            "!" * 44,
            "é" * 44,
            keys.new_key()[:-2] + "==",
            "A" * 44,
        ],
        ids=["short", "unpadded", "long", "no-base64", "no-ascii", "31-bytes", "odd-bits"],
    )
    @pytest.mark.parametrize("name", ["FIELD_ENCRYPTION_KEYS", "SEARCH_MASTER_KEY", "SESSION_HASH_KEY"])
    def test_malformed_key_is_named_and_not_shown(self, name, value):
        message = refusal(environment(**{name: value}))
        assert name in message
        assert value not in message

    def test_bad_entry_of_the_list_is_numbered(self):
        assert "entry 2" in refusal(environment(FIELD_ENCRYPTION_KEYS=f"{keys.new_key()},nonsense"))

    def test_same_data_key_twice(self):
        key = keys.new_key()
        assert "same key twice" in refusal(environment(FIELD_ENCRYPTION_KEYS=f"{key},{key}"))

    def test_one_key_for_two_purposes(self):
        key = keys.new_key()
        message = refusal(environment(FIELD_ENCRYPTION_KEYS=key, SEARCH_MASTER_KEY=key))
        assert "SEARCH_MASTER_KEY is the same key as FIELD_ENCRYPTION_KEYS" in message
        assert key not in message

    def test_value_and_file_together(self, tmp_path):
        message = refusal(environment(AUDIT_SEAL_KEY_FILE=str(tmp_path / "x")))
        assert "AUDIT_SEAL_KEY and AUDIT_SEAL_KEY_FILE are both set" in message

    def test_unreadable_file(self, tmp_path):
        message = refusal(environment(AUDIT_SEAL_KEY=None, AUDIT_SEAL_KEY_FILE=str(tmp_path / "absent")))
        assert "AUDIT_SEAL_KEY_FILE" in message
        assert "absent" in message

    def test_empty_and_binary_files(self, tmp_path):
        keys.create_missing(tmp_path)
        (tmp_path / "audit_seal_key").write_text("  \n")
        (tmp_path / "search_master_key").write_bytes(b"\xff\xfe\x00")
        message = refusal({}, tmp_path)
        assert "AUDIT_SEAL_KEY" in message
        assert "is empty" in message
        assert "is not text" in message

    def test_short_django_secret(self):
        message = refusal(environment(SECRET_KEY="short-and-public"))
        assert "SECRET_KEY is too short" in message
        assert "short-and-public" not in message

    def test_key_file_open_to_others(self, tmp_path):
        keys.create_missing(tmp_path)
        (tmp_path / "search_master_key").chmod(0o644)
        assert "chmod 600" in refusal({}, tmp_path)

    def test_empty_file_is_never_filled_with_a_new_key(self, tmp_path):
        keys.create_missing(tmp_path)
        (tmp_path / "field_encryption_keys").write_text("")
        refusal({}, tmp_path, create=True)
        assert (tmp_path / "field_encryption_keys").read_text() == ""


START = """
import json, pathlib, sys, time
from core import keys
go = pathlib.Path(sys.argv[1])
print("ready", flush=True)
while not go.exists():
    time.sleep(0.001)
found = keys.load(go.parent / "keys", {}, create=True)
print(json.dumps([found.field_keys, found.search_master_key.hex(), found.django_secret, found.created]))
"""


class TestCreating:
    def test_files_are_private_and_complete(self, tmp_path):
        target = tmp_path / "deep" / "keys"
        loaded = keys.load(target, {}, create=True)
        assert set(loaded.created) == {secret.name for secret in keys.SECRETS}
        assert target.stat().st_mode & 0o777 == 0o700
        assert sorted(path.name for path in target.iterdir()) == sorted(secret.file_name for secret in keys.SECRETS)
        assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o600}
        again = keys.load(target, {}, create=True)
        assert again.created == ()
        assert (again.field_keys, again.django_secret) == (loaded.field_keys, loaded.django_secret)

    def test_processes_that_start_at_once_agree(self, tmp_path):
        go = tmp_path / "go"
        started = [
            subprocess.Popen(
                [sys.executable, "-c", START, str(go)], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
            )
            for _ in range(6)
        ]
        for process in started:
            assert process.stdout.readline() == "ready\n"
        go.touch()
        found = [json.loads(process.communicate(timeout=60)[0]) for process in started]
        assert {process.returncode for process in started} == {0}
        assert all(entry[:3] == found[0][:3] for entry in found)
        made = [name for entry in found for name in entry[3]]
        assert sorted(made) == sorted(secret.name for secret in keys.SECRETS)

    def test_loser_of_the_race_reads_the_winners_key(self, tmp_path, monkeypatch):
        winner = keys.new_key()
        link = os.link

        def other_process_is_first(source, target):
            if Path(target).name == "search_master_key":
                Path(target).write_text(winner)
                Path(target).chmod(0o600)
            return link(source, target)

        monkeypatch.setattr(os, "link", other_process_is_first)
        loaded = keys.load(tmp_path, {}, create=True)
        assert loaded.search_master_key == keys.decode(winner)
        assert "SEARCH_MASTER_KEY" not in loaded.created

    def test_command_line_needs_no_settings(self, tmp_path):
        run = [sys.executable, "-m", "core.keys", str(tmp_path / "k")]
        clean = {"PATH": os.environ["PATH"]}
        first = subprocess.run(run, cwd=settings.BASE_DIR, env=clean, capture_output=True, text=True, check=True)
        assert "Back these files up" in first.stdout
        second = subprocess.run(run, cwd=settings.BASE_DIR, env=clean, capture_output=True, text=True, check=True)
        assert "nothing was changed" in second.stdout
        key = (tmp_path / "k" / "search_master_key").read_text().strip()
        assert key not in first.stdout + first.stderr
        wrong = subprocess.run(run[:3], cwd=settings.BASE_DIR, env=clean, capture_output=True, text=True, check=False)
        assert wrong.returncode == 2

    def test_new_data_key_goes_in_front(self, tmp_path):
        keys.create_missing(tmp_path)
        before = keys.load(tmp_path, {}, create=False)
        out = StringIO()
        call_command("init_keys", "--dir", str(tmp_path), "--add-data-key", stdout=out)
        after = keys.load(tmp_path, {}, create=False)
        assert after.field_keys[1:] == before.field_keys
        assert keys.key_id(after.field_keys[0]) in out.getvalue()
        assert after.field_keys[0] not in out.getvalue()
        assert (tmp_path / "field_encryption_keys").stat().st_mode & 0o777 == 0o600

    def test_data_key_is_not_added_where_there_is_none(self, tmp_path):
        with pytest.raises(CommandError, match="does not exist"):
            call_command("init_keys", "--dir", str(tmp_path), "--add-data-key")
        assert list(tmp_path.iterdir()) == []


class TestLists:
    """Data, index and audit keys are lists, newest first; the session keys are one each."""

    @pytest.mark.parametrize(
        ("name", "newest", "everything"),
        [
            ("SEARCH_MASTER_KEY", "search_master_key", "search_master_keys"),
            ("AUDIT_SEAL_KEY", "audit_seal_key", "audit_seal_keys"),
        ],
    )
    def test_newest_first(self, name, newest, everything):
        new, old = keys.new_key(), keys.new_key()
        loaded = keys.load(None, environment(**{name: f"{new}, {old}"}), create=False)
        assert getattr(loaded, newest) == keys.decode(new)
        assert getattr(loaded, everything) == (keys.decode(new), keys.decode(old))

    @pytest.mark.parametrize("name", ["SESSION_HASH_KEY"])
    def test_one_key_is_no_list(self, name):
        both = f"{keys.new_key()},{keys.new_key()}"
        message = refusal(environment(**{name: both}))
        assert f"{name} is not a key" in message
        assert both[:20] not in message

    def test_an_older_key_may_not_be_used_for_something_else(self):
        shared = keys.new_key()
        message = refusal(environment(SEARCH_MASTER_KEY=f"{keys.new_key()},{shared}", AUDIT_SEAL_KEY=shared))
        assert "AUDIT_SEAL_KEY is the same key as SEARCH_MASTER_KEY" in message
        assert shared not in message

    @pytest.mark.parametrize(
        ("option", "secret"), [("data", keys.FIELD_KEYS), ("index", keys.SEARCH_KEY), ("audit", keys.AUDIT_KEY)]
    )
    def test_adding_and_dropping(self, tmp_path, option, secret):
        keys.create_missing(tmp_path)
        path = tmp_path / secret.file_name
        first = path.read_text().split()
        out = StringIO()
        call_command("init_keys", "--dir", str(tmp_path), f"--add-{option}-key", stdout=out)
        added = path.read_text().split()
        assert added[1:] == first
        assert keys.id_of(secret, added[0]) in out.getvalue()
        assert not any(key in out.getvalue() for key in added)
        keys.load(tmp_path, {}, create=False)

        assert keys.drop_older_keys(secret, tmp_path) == [keys.id_of(secret, first[0])]
        assert path.read_text().split() == added[:1]
        retired = tmp_path / f"{secret.file_name}.retired"
        assert retired.read_text().split() == first
        assert {path.stat().st_mode & 0o777, retired.stat().st_mode & 0o777} == {0o600}
        assert keys.drop_older_keys(secret, tmp_path) == []
        keys.add_key(secret, tmp_path)
        keys.drop_older_keys(secret, tmp_path)
        assert retired.read_text().split() == [*added[:1], *first]

    def test_only_lists_grow(self, tmp_path):
        keys.create_missing(tmp_path)
        before = (tmp_path / "session_hash_key").read_text()
        with pytest.raises(keys.KeysError, match="one key and not a list"):
            keys.add_key(keys.SESSION_KEY, tmp_path)
        assert (tmp_path / "session_hash_key").read_text() == before


class TestDerivedKeys:
    def test_purposes_give_unrelated_keys(self):
        secret = bytes(range(32))
        derived = {keys.derive(secret, info) for info in ("search/nik/v1", "search/phone/v1", "search/nik/v2")}
        assert len(derived) == 3
        assert secret not in derived

    def test_derivation_is_fixed_for_ever(self):
        # A change here would make every stored token and envelope unreadable.
        assert keys.derive(bytes(range(32)), "search/nik/v1").hex() == PUBLISHED_SUBKEY
        assert keys.key_id("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=") == PUBLISHED_KEY_ID


PUBLISHED_SUBKEY = "8b01d2b04573fb29df6debd7db48f31a1fc94c48a9b568ad8e1d619ae767bd67"
PUBLISHED_KEY_ID = "02168bad"


def keys_with(**changes: bytes) -> keys.Keys:
    current = settings.KEYS
    values = {name: getattr(current, name) for name in keys.Keys.__dataclass_fields__}
    return keys.Keys(**{**values, **changes})


@pytest.mark.django_db
class TestSentinel:
    def test_migrate_made_it_and_it_opens(self):
        assert set(KeySentinel.objects.values_list("purpose", flat=True)) == {DATA, AUDIT}
        verify_sentinel()

    def test_other_data_key_is_refused(self):
        with override_settings(FIELD_ENCRYPTION_KEY=(keys.new_key(),)), pytest.raises(KeysMismatch) as caught:
            verify_sentinel()
        assert "FIELD_ENCRYPTION_KEYS do not open this database" in str(caught.value)

    def test_older_key_behind_a_new_one_is_fine(self):
        with override_settings(FIELD_ENCRYPTION_KEY=(keys.new_key(), *settings.FIELD_ENCRYPTION_KEY)):
            verify_sentinel()

    def test_other_search_key_is_refused(self):
        with (
            override_settings(KEYS=keys_with(search_master_key=os.urandom(32))),
            pytest.raises(KeysMismatch, match="SEARCH_MASTER_KEY"),
        ):
            verify_sentinel()

    def test_other_audit_key_is_refused(self):
        with (
            override_settings(KEYS=keys_with(audit_seal_key=os.urandom(32))),
            pytest.raises(KeysMismatch, match="AUDIT_SEAL_KEY"),
        ):
            verify_sentinel()

    def test_older_audit_key_behind_a_new_one_is_fine(self):
        newer = keys_with(audit_seal_key=os.urandom(32), older_audit_keys=(settings.KEYS.audit_seal_key,))
        with override_settings(KEYS=newer):
            verify_sentinel()

    def test_sentinel_of_another_purpose_does_not_count(self):
        audit = KeySentinel.objects.get(purpose=AUDIT)
        KeySentinel.objects.filter(purpose=DATA).update(sealed=audit.sealed, proof=audit.proof)
        with pytest.raises(KeysMismatch):
            verify_sentinel()

    def test_missing_row_is_made_again_by_migrate_only(self):
        KeySentinel.objects.filter(purpose=DATA).delete()
        with pytest.raises(SentinelMissing, match=r"manage\.py migrate"):
            verify_sentinel()
        create_sentinels()
        verify_sentinel()

    def test_stored_sentinel_is_never_replaced(self):
        before = list(KeySentinel.objects.order_by("purpose").values_list("purpose", "proof", "created_at"))
        with override_settings(KEYS=keys_with(search_master_key=os.urandom(32))):
            create_sentinels()
        assert list(KeySentinel.objects.order_by("purpose").values_list("purpose", "proof", "created_at")) == before

    def test_database_check(self):
        assert [
            m for m in run_checks(tags=[Tags.database], databases=["default"]) if m.id in ("core.C110", "core.W111")
        ] == []
        with override_settings(FIELD_ENCRYPTION_KEY=(keys.new_key(),)):
            found = run_checks(tags=[Tags.database], databases=["default"])
            assert [message.id for message in found if message.id.startswith("core.")] == ["core.C110"]
            assert [m for m in run_checks(tags=[Tags.database], databases=[]) if m.id == "core.C110"] == []
        KeySentinel.objects.all().delete()
        found = run_checks(tags=[Tags.database], databases=["default"])
        assert [message.id for message in found if message.id.startswith("core.")] == ["core.W111"]
