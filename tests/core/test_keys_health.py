"""What `check_keys` tells: the state of every key, and never a key."""

from __future__ import annotations

import json
import os
from datetime import date
from io import StringIO
from unittest import mock

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from core import keys, keys_index
from core.models import SearchIndex
from patients.models import Patient
from tests.factories.patients import PatientFactory

pytestmark = pytest.mark.django_db
OLD = settings.FIELD_ENCRYPTION_KEY[0]
NEW = keys.new_key()


@pytest.fixture(autouse=True)
def _places(tmp_path):
    with override_settings(VAR_DIR=tmp_path / "var", KEY_DIR=tmp_path / "keys"):
        yield


def run(*arguments: str) -> str:
    out = StringIO()
    try:
        call_command("check_keys", *arguments, stdout=out)
    finally:
        text = out.getvalue()
        for secret in (*settings.FIELD_ENCRYPTION_KEY, settings.SECRET_KEY, *raw_secrets()):
            assert secret not in text
    return text


def raw_secrets() -> list[str]:
    loaded = settings.KEYS
    values = (*loaded.search_master_keys, *loaded.audit_seal_keys, loaded.session_hash_key)
    return [*(value.hex() for value in values), *(os.environ[secret.name] for secret in keys.SECRETS)]


def health(*arguments: str) -> dict:
    return json.loads(run("--json", *arguments))


def with_keys(**changes) -> keys.Keys:
    values = {name: getattr(settings.KEYS, name) for name in keys.Keys.__dataclass_fields__}
    return keys.Keys(**{**values, **changes})


def test_wrong_keys_end_with_one_and_name_the_key():
    with override_settings(FIELD_ENCRYPTION_KEY=(keys.new_key(),)), pytest.raises(CommandError, match="do not open"):
        run()
    with override_settings(KEYS=with_keys(audit_seal_key=os.urandom(32))):
        with pytest.raises(CommandError, match="AUDIT_SEAL_KEY") as caught:
            run("--json")
        assert caught.value.returncode == 1


def test_healthy():
    text = run("--backed-up")
    assert "The keys open this database." in text
    assert f"FIELD_ENCRYPTION_KEYS: {keys.key_id(OLD)}; from its variable" in text
    found = health("--strict")
    assert (found["problems"], found["advice"], found["opens_database"]) == ([], [], True)
    assert [entry["name"] for entry in found["keys"]] == [secret.name for secret in keys.SECRETS]
    assert {entry["source"] for entry in found["keys"]} == {"variable"}
    assert found["tables"]["core.KeySentinel"] == {keys.key_id(OLD): 2}
    assert found["index"]["phase"] == "ready"


def test_rows_under_older_keys():
    with override_settings(FIELD_ENCRYPTION_KEY=(OLD,)):
        PatientFactory.create_batch(3, full_name="Budi")
    with override_settings(FIELD_ENCRYPTION_KEY=(NEW, OLD)):
        PatientFactory.create_batch(2, full_name="Siti")
        found = health()
        assert found["tables"]["patients.Patient"] == {keys.key_id(OLD): 3, keys.key_id(NEW): 2}
        assert any("rotate_data_key" in advice for advice in found["advice"])
        assert "leave out --quick" in run("--quick")
        with pytest.raises(CommandError) as caught:
            run("--strict")
        assert caught.value.returncode == 2
        call_command("rotate_data_key", stdout=StringIO())
        found = health()
        assert found["tables"]["patients.Patient"] == {keys.key_id(NEW): 5}
        assert f"No row needs data key {keys.key_id(OLD)}; take it out of FIELD_ENCRYPTION_KEYS." in found["advice"]


def test_a_row_under_two_keys_counts_for_both():
    row = PatientFactory(full_name="Budi")
    with override_settings(FIELD_ENCRYPTION_KEY=(NEW, OLD)):
        Patient.objects.filter(pk=row.pk).update(full_name="Siti")
        assert health()["tables"]["patients.Patient"] == {keys.key_id(OLD): 1, keys.key_id(NEW): 1}


def test_fernet_names_no_key():
    with override_settings(FIELD_CIPHER="fernet"):
        PatientFactory(full_name="Budi", birth_date=date(2000, 1, 1))
        assert health()["tables"]["patients.Patient"] == {"fernet": 1}


def test_rows_nobody_can_open_are_a_problem():
    with override_settings(FIELD_ENCRYPTION_KEY=(NEW, OLD)):
        PatientFactory(full_name="Budi")
    with pytest.raises(CommandError, match=r"patients\.Patient: 1 row\(s\) hold a value that no key"):
        run()


def test_the_index():
    new = os.urandom(32)
    with override_settings(KEYS=with_keys(search_master_key=new, older_search_keys=(settings.KEYS.search_master_key,))):
        assert any("A newer index key waits" in advice for advice in health()["advice"])
        state = keys_index.begin(total=7)
        found = health()
        assert found["index"]["phase"] == SearchIndex.Phase.BUILDING
        assert (found["index"]["other_key"], found["index"]["rows_total"]) == (state.other, 7)
        assert f"other key {state.other}, 0 of 7 patients done" in run()
        assert any("is being changed" in advice for advice in found["advice"])


def test_backups_are_asked_for_until_they_are_noted():
    asked = [advice for advice in health()["advice"] if "No backup is noted" in advice]
    assert keys.key_id(OLD) in asked[0]
    run("--backed-up")
    assert health()["advice"] == []
    with override_settings(FIELD_ENCRYPTION_KEY=(NEW, OLD)):
        asked = [advice for advice in health()["advice"] if "No backup is noted" in advice]
        assert keys.key_id(NEW) in asked[0]
        assert keys.key_id(OLD) not in asked[0]
    (settings.VAR_DIR / "keys_backed_up.json").write_text("[]nonsense")
    assert any("No backup is noted" in advice for advice in health()["advice"])


def test_files_and_their_modes(tmp_path):
    keys.create_missing(settings.KEY_DIR)
    mounted = tmp_path / "mounted"
    mounted.write_text(keys.new_key())
    mounted.chmod(0o444)
    without = {name: value for name, value in os.environ.items() if name not in {one.name for one in keys.SECRETS}}
    with mock.patch.dict(os.environ, {**without, "AUDIT_SEAL_KEY_FILE": str(mounted)}, clear=True):
        from core import keys_health

        found = {entry["name"]: entry for entry in keys_health.report(count_rows=False)["keys"]}
        assert (found["AUDIT_SEAL_KEY"]["source"], found["AUDIT_SEAL_KEY"]["mode"]) == ("file", "0444")
        one = found["FIELD_ENCRYPTION_KEYS"]
        assert (one["source"], one["mode"]) == ("directory", "0600")
        assert one["path"] == str(settings.KEY_DIR / "field_encryption_keys")
        assert one["changed_at"].endswith("+00:00")
        settings.KEY_DIR.chmod(0o777)
        problems = keys_health.report(count_rows=False)["problems"]
        assert f"Run: chmod 700 {settings.KEY_DIR}" in problems[0]
        mounted.unlink()
        assert any("AUDIT_SEAL_KEY: the file" in text for text in keys_health.report(count_rows=False)["problems"])
