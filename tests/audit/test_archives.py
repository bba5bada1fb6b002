"""Old months in files: they verify, nothing leaves too early, nothing leaves without two good copies."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from audit import archives, triggers
from audit.checks import audit_triggers_exist
from audit.errors import ArchiveError
from audit.models import AuditEvent, AuditSeal
from audit.triggers import SEALS, TABLE

START = datetime(2026, 1, 10, 3, 0, tzinfo=UTC)
LATER = datetime(2029, 3, 20, 3, 0, tzinfo=UTC)


@pytest.fixture
def years(log, cast):
    """Three months of events, seen three years later."""
    for month in range(3):
        with time_machine.travel(START + timedelta(days=31 * month), tick=True):
            log.write(12, actor=cast.doctor)
            log.seal(batch=5)
    log.ids = list(AuditEvent.objects.order_by("id").values_list("id", flat=True))
    with time_machine.travel(LATER, tick=True):
        yield log


def copies(log):
    other = log.files.archive.parent / "copy"
    shutil.copytree(log.files.archive, other, dirs_exist_ok=True)
    return other


def released(log):
    call_command("archive_audit", "--before", "2026-03-05")
    other = copies(log)
    call_command("archive_audit", "--release", "--copy", str(other))
    return other


def test_events_that_are_too_young_stay(years):
    with pytest.raises(CommandError, match="1095 days"):
        call_command("archive_audit", "--before", "2027-06-01")
    assert not years.files.archive.exists()
    assert AuditSeal.objects.filter(kind="archive").count() == 0


def test_whole_months_are_written_and_verify(years, capsys):
    call_command("archive_audit", "--before", "2026-03-05")
    names = sorted(path.name for path in years.files.archive.iterdir())
    assert names == ["audit-2026-01-1-3.emra", "audit-2026-02-4-6.emra"]
    assert AuditEvent.objects.filter(id__in=years.ids).count() == 36  # nothing left the table
    assert years.check().findings == []
    assert [seal.detail["events"] for seal in archives.written()] == [12, 12]
    call_command("archive_audit", "--before", "2026-03-05")
    assert "No whole month" in capsys.readouterr().out
    assert len(list(years.files.archive.iterdir())) == 2


def test_an_archive_holds_no_readable_text(years):
    call_command("archive_audit", "--before", "2026-03-05")
    for path in years.files.archive.iterdir():
        data = path.read_bytes()
        assert b"Rina" not in data
        assert b"tests.thing" not in data
        assert path.stat().st_mode & 0o777 == 0o600


def test_rows_stay_without_a_second_copy(years):
    call_command("archive_audit", "--before", "2026-03-05")
    for extra in ([], ["--copy", str(years.files.archive)], ["--copy", "/nowhere"]):
        with pytest.raises(CommandError, match="2 copies"):
            call_command("archive_audit", "--release", *extra)
    assert AuditEvent.objects.filter(id__in=years.ids).count() == 36
    assert archives.released() == set()


def test_a_link_to_the_same_file_is_no_second_copy(years):
    import os

    call_command("archive_audit", "--before", "2026-03-05")
    other = years.files.archive.parent / "linked"
    other.mkdir()
    for path in years.files.archive.iterdir():
        os.link(path, other / path.name)
    with pytest.raises(CommandError, match="2 copies"):
        call_command("archive_audit", "--release", "--copy", str(other))


def test_a_damaged_copy_releases_nothing(years):
    call_command("archive_audit", "--before", "2026-03-05")
    other = copies(years)
    victim = sorted(other.iterdir())[0]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))
    with pytest.raises(CommandError, match="not the file that was recorded"):
        call_command("archive_audit", "--release", "--copy", str(other))
    assert AuditEvent.objects.filter(id__in=years.ids).count() == 36


def test_released_rows_are_gone_and_the_log_verifies(years):
    released(years)
    assert list(AuditEvent.objects.filter(id__in=years.ids).values_list("id", flat=True)) == years.ids[24:]
    report = years.check()
    assert report.findings == []
    assert report.archived == 24
    assert audit_triggers_exist(databases=["default"]) == []
    with (
        pytest.raises((IntegrityError, OperationalError, DatabaseError)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [years.ids[30]])
    call_command("archive_audit", "--release")  # nothing left to do, no copies needed
    assert AuditEvent.objects.filter(id__in=years.ids).count() == 12


def test_the_log_goes_on_after_a_release(years):
    released(years)
    years.write(5)
    years.seal()
    assert years.check().findings == []


def test_a_released_archive_that_is_missing_or_changed_is_found(years):
    released(years)
    path = sorted(years.files.archive.iterdir())[1]
    good = path.read_bytes()
    path.unlink()
    report = years.check()
    assert (report.first.event_id, report.first.kind) == (years.ids[12], "archive missing")
    path.write_bytes(good[:-40])
    report = years.check()
    assert (report.first.event_id, report.first.kind) == (years.ids[12], "archive missing")
    assert "changed" in report.first.text
    path.write_bytes(good)
    assert years.check().findings == []


def test_rows_gone_without_a_release_are_found(years):
    """Deleting rows because an archive exists is not enough: the chain must say that they were released."""
    call_command("archive_audit", "--before", "2026-03-05")
    shutil.rmtree(years.files.archive)
    with years.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [years.ids[3]])
    report = years.check()
    assert (report.first.event_id, report.first.kind) == (years.ids[3], "deleted")


def test_a_forged_note_of_a_release_explains_nothing(years):
    call_command("archive_audit", "--before", "2026-03-05")
    newest = AuditSeal.objects.order_by("-sequence").first()
    with years.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [years.ids[3]])
        cursor.execute(
            f"INSERT INTO {SEALS} (sequence, kind, first_id, last_id, count, missing, late, void, detail, prints, at, "
            f"previous_hash, hash, mac) SELECT sequence + 1, kind, first_id, last_id, count, missing, late, void, %s, prints, "
            f"at, hash, mac, mac FROM {SEALS} WHERE sequence = %s",
            [json.dumps({"released": "audit-2026-01-1-3.emra"}), newest.sequence],
        )
    shutil.rmtree(years.files.archive)
    report = years.check()
    assert report.first.event_id == years.ids[3]


def test_a_changed_row_is_not_archived(years):
    with years.unguarded() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET action = 'x' WHERE id = %s", [years.ids[3]])
    with pytest.raises(CommandError, match=f"event {years.ids[3]} was changed"):
        call_command("archive_audit", "--before", "2026-03-05")
    assert list(years.files.archive.iterdir()) == []
    assert archives.written() == []


def test_a_killed_release_is_finished_by_the_next(years, monkeypatch):
    call_command("archive_audit", "--before", "2026-03-05")
    other = copies(years)
    monkeypatch.setattr(archives, "DELETE_AT_ONCE", 3)
    real = archives._delete_allowed
    from contextlib import contextmanager

    class Dies:
        def __init__(self, cursor):
            self.cursor, self.turn = cursor, 0

        def execute(self, *args):
            self.turn += 1
            if self.turn == 3:
                raise KeyboardInterrupt
            self.cursor.execute(*args)

        rowcount = property(lambda self: self.cursor.rowcount)

    @contextmanager
    def dying(first, last):
        with real(first, last) as cursor:
            yield Dies(cursor)

    monkeypatch.setattr(archives, "_delete_allowed", dying)
    with pytest.raises(KeyboardInterrupt):
        call_command("archive_audit", "--release", "--copy", str(other))
    monkeypatch.setattr(archives, "_delete_allowed", real)
    assert triggers.present() == set(triggers.wanted(connection.vendor))
    assert years.check().findings == []  # some rows in the table, all of them in the file
    call_command("archive_audit", "--release", "--copy", str(other))
    assert AuditEvent.objects.filter(id__in=years.ids).count() == 12
    assert years.check().findings == []


def test_events_of_one_patient_are_read_from_an_archive(years, capsys, cast):
    released(years)
    path = sorted(years.files.archive.iterdir())[0]
    capsys.readouterr()
    call_command("read_audit_archive", str(path), "--actor", str(cast.doctor.pk))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == years.ids[:12]
    assert lines[0]["detail"] == {"n": 0}
    assert AuditEvent.objects.filter(action="audit.archive.read").count() == 1
    (path.parent / "no.emra").write_bytes(b"nonsense")
    with pytest.raises(CommandError, match="not an archive"):
        call_command("read_audit_archive", str(path.parent / "no.emra"))


def test_an_archive_larger_than_a_piece(log, monkeypatch, tmp_path):
    monkeypatch.setattr(archives, "CHUNK", 64)
    with time_machine.travel(START, tick=True):
        log.write(40)
        log.seal(batch=7)
    with time_machine.travel(LATER, tick=True):
        path = archives.write(1, 6, tmp_path / "a")
        assert sum(len(rows) for _sequence, rows in archives.read_seals(path)) == 40
        data = path.read_bytes()
        pieces = data[len(archives.MAGIC) + 11 :]
        width = 64 + archives.TAG
        head = data[: len(archives.MAGIC) + 11]
        for bad in (
            head + pieces[width : 2 * width] + pieces[:width] + pieces[2 * width :],  # moved
            head + pieces[: 2 * width],  # cut off at a border
            head + pieces[:width] + pieces[2 * width :],  # one taken out
        ):
            path.write_bytes(bad)
            with pytest.raises(ArchiveError):
                list(archives.read_records(path))
