"""The daily sweep of stored files, and who is told what is wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.files.storage import storages

from core import clock, files
from core.models import StoredFile
from notifications import kinds
from notifications.models import Notice
from notifications.tasks import sweep_files
from tests.conftest import MORNING

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _directory(settings, tmp_path):
    options = {"location": tmp_path / "files"}
    settings.STORAGES = {
        **settings.STORAGES,
        "files": {"BACKEND": "core.files_local.LocalFiles", "OPTIONS": options},
    }


def test_it_runs_once_a_day_and_takes_leftovers(cast):
    assert cast.admin
    kept = files.store(b"kept", content_type="text/plain")
    files.put(b"left over", content_type="text/plain")
    with time_machine.travel(clock.now() + timedelta(days=3650), tick=True):
        assert sweep_files()
        assert not sweep_files()
        assert [name for name, _changed in storages["files"].blobs()] == [kept.name]
    assert not Notice.objects.exists()


def test_it_waits_for_three_in_the_morning():
    with time_machine.travel(MORNING.replace(hour=19), tick=True):  # 02.00 WIB
        assert not sweep_files()


def test_content_that_is_gone_is_told_to_who_looks_after_records(cast):
    assert cast.admin
    assert cast.receptionist
    stored = files.store(b"kept", content_type="text/plain")
    storages["files"].delete(stored.name)
    StoredFile.objects.update(created_at=clock.now() - timedelta(days=3))
    assert sweep_files()
    (notice,) = Notice.objects.filter(kind="files_missing")
    assert notice.recipient == cast.admin
    assert "1" in kinds.text_of(notice.kind, notice.params)


def test_the_storage_of_another_database_is_told_and_left_alone(cast, monkeypatch, caplog):
    assert cast.admin
    monkeypatch.setattr(files, "MOST_ORPHANS", 1)
    for _ in range(2):
        files.put(b"of another database", content_type="text/plain")
    with time_machine.travel(clock.now() + timedelta(days=3650), tick=True):
        assert sweep_files()
    assert Notice.objects.get(kind="files_wrong_storage").recipient == cast.admin
    assert "Nothing was deleted" in caplog.text
    assert len(list(storages["files"].blobs())) == 2


def test_a_storage_that_does_not_answer_is_asked_again(monkeypatch):
    def down(_storage):
        raise OSError("no answer")
        yield

    with monkeypatch.context() as broken:
        broken.setattr(type(storages["files"]), "blobs", down)
        with pytest.raises(OSError, match="no answer"):
            sweep_files()
    assert sweep_files()
