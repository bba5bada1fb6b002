"""The sealer: every row exactly once, also those that come late; two at once, kills, lost and torn anchor files."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, transaction
from django.utils import timezone

import audit
from audit import anchors, chain, sealing
from audit.models import AuditEvent, AuditSeal, SealerState
from audit.triggers import SEALS
from tests.factories.accounts import UserFactory

is_sqlite = "sqlite" in django_settings.DATABASES["default"]["ENGINE"]


def sealed_ids():
    """Return every event id the chain covers, with repetitions."""
    ids = []
    for seal in AuditSeal.objects.order_by("sequence"):
        for low, high in chain.sealed_ranges(seal):
            ids += range(low, high + 1)
    return ids


@pytest.mark.django_db
def test_only_auditors_read_the_seals(cast):
    for outsider in (cast.doctor, cast.cashier, cast.patient_user, UserFactory(is_superuser=True)):
        AuditSeal.objects.all().visible_to(outsider)
        assert AuditSeal.objects.visible_to(outsider).query.is_empty()
    assert not AuditSeal.objects.visible_to(cast.owner).query.is_empty()


def test_nothing_to_seal_makes_no_seal(log):
    assert log.seal() == 0
    log.write(3)
    assert log.seal() == 1
    assert log.seal() == 0
    assert AuditSeal.objects.count() == 1


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE {SEALS} SET count = 1",
        f"DELETE FROM {SEALS}",
        f"REPLACE INTO {SEALS} SELECT * FROM {SEALS}",
    ],
)
def test_the_database_refuses_change_of_seals(log, sql):
    log.write(3)
    log.seal()
    with (
        pytest.raises((IntegrityError, OperationalError, DatabaseError)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert AuditSeal.objects.get().count == 3


def test_every_row_is_sealed_once_in_pieces(log):
    ids = log.write(23)
    log.seal(batch=5)
    assert [seal.count for seal in AuditSeal.objects.order_by("sequence")] == [5, 5, 5, 5, 3]
    assert sealed_ids() == ids
    assert log.check().findings == []


def test_a_row_that_commits_late_is_sealed_by_name(log, monkeypatch):
    """A smaller number may appear after a larger one: its transaction took longer."""
    ids = log.write(4)
    hidden = ids[1]
    real = sealing.reading.rows_after
    monkeypatch.setattr(
        sealing.reading, "rows_after", lambda after, limit: [row for row in real(after, limit) if row.id != hidden]
    )
    monkeypatch.setattr(sealing.reading, "rows_in", lambda ranges: [])
    log.seal()
    monkeypatch.undo()
    assert AuditSeal.objects.get().missing[-1] == [hidden, hidden]
    assert log.check().unsealed == 1  # seen, waiting
    log.write(2)
    log.seal()
    assert AuditSeal.objects.get(sequence=2).late == [hidden]
    assert sorted(sealed_ids()) == list(AuditEvent.objects.order_by("id").values_list("id", flat=True))
    assert log.check().findings == []


def test_rolled_back_numbers_become_void_after_the_grace(log):
    log.write(1)
    for _try in range(2):
        with transaction.atomic():
            audit.record("tests.thing.done", actor=None)
            transaction.set_rollback(True)
    log.write(1)
    log.seal()
    gaps = AuditSeal.objects.get().missing
    assert (len(gaps) == 0 or gaps[-1][1] - gaps[-1][0] >= 0) if is_sqlite else gaps[-1][1] - gaps[-1][0] == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        assert log.seal() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert log.seal() == (1 if gaps else 0)
        assert log.seal() == 0
        if gaps:
            assert AuditSeal.objects.get(sequence=2).void == gaps
        assert log.check().findings == []


def test_two_sealers_at_once_seal_everything_once(log, race):
    ids = log.write(40)
    results = race(sealing.seal_once, [() for _each in range(6)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert len([result for result in results if result]) == 1
    assert sealed_ids() == ids


def test_writers_and_sealers_at_once(log, race):
    """Eight writers, some of which roll back, and two sealers: every committed row is sealed exactly once."""

    def write(number):
        for turn in range(12):
            try:
                with transaction.atomic():
                    audit.record("tests.thing.done", actor=None, detail={"n": turn})
                    time.sleep(0.001 * (number % 3))
                    if (turn + number) % 5 == 0:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                pass

    def seal(_number):
        for _turn in range(15):
            sealing.seal_once(batch=7)
            time.sleep(0.005)

    results = race(lambda work, number: work(number), [*((write, number) for number in range(8)), (seal, 0), (seal, 1)])
    assert not [result for result in results if isinstance(result, Exception)]
    log.seal()
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        log.seal()
        ids = sealed_ids()
        assert len(ids) == len(set(ids))
        assert sorted(ids) == list(AuditEvent.objects.order_by("id").values_list("id", flat=True))
        assert log.check().findings == []


@pytest.mark.skipif(is_sqlite, reason="SQLite has one writer and no row locks")
def test_a_sealer_leaves_while_another_holds_the_lock(log):
    log.write(2)
    log.seal()
    log.write(2)
    held, done = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                sealing.lock_state()
                held.set()
                done.wait(10)
        finally:
            connections.close_all()

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)
    started = time.monotonic()
    assert sealing.seal_once() is None
    assert time.monotonic() - started < 5
    done.set()
    other.join()
    assert sealing.seal_once().count == 2


def test_a_killed_sealer_leaves_a_chain_that_goes_on(log, tmp_path):
    """SIGKILL in the middle of the work, from outside: seals are whole, anchors catch up."""
    log.write(60)
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}" if is_sqlite else None
    if url is None:
        user, host, port = database["USER"], database["HOST"] or "127.0.0.1", database["PORT"] or 3306
        password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
        url = f"mysql://{user}{password}@{host}:{port}/{database['NAME']}"
    program = (
        "import os, django; django.setup(); import time; from audit import sealing; real = sealing.seal_once\n"
        "def slow(**options):\n"
        "    seal = real(batch=4); print('sealed', flush=True); time.sleep(0.02); return seal\n"
        "sealing.seal_once = slow\n"
        "sealing.seal_all(batch=4)\n"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "emr.settings.test",
        "DATABASE_URL": url,
        "AUDIT_ANCHOR_FILE": str(log.files.anchors),
    }
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as process:
        for _seal in range(4):
            assert process.stdout.readline() == b"sealed\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    made = AuditSeal.objects.count()
    assert 4 <= made < 15
    assert not log.files.anchors.exists()  # killed before the anchors
    log.seal(batch=4)
    assert AuditSeal.objects.count() == 15
    assert len(log.files.anchors.read_text().splitlines()) == 15
    assert log.check().findings == []


# --- Anchors --------------------------------------------------------------------------------------------------------


def test_the_anchor_file_is_private_and_grows_by_a_line_a_seal(log):
    for turn in range(3):
        log.write(2)
        log.seal()
        lines = log.files.anchors.read_text().splitlines()
        assert len(lines) == turn + 1
    assert stat.S_IMODE(log.files.anchors.stat().st_mode) == 0o600
    sequence, last_id, digest, _at, _mac = lines[-1].split(" ")
    seal = AuditSeal.objects.get(sequence=3)
    assert (int(sequence), int(last_id), digest) == (3, seal.last_id, seal.hash)
    assert anchors.parse(lines[-1]).is_genuine
    assert not anchors.parse(lines[-1].replace(" 3 ", " 4 ", 1).replace("3 ", "4 ", 1)).is_genuine


def test_a_torn_last_line_is_written_again(log):
    log.write(2)
    log.seal()
    log.write(2)
    log.seal()
    whole = log.files.anchors.read_text()
    log.files.anchors.write_text(whole[:-50])  # killed in the middle of a write, before it was remembered
    SealerState.objects.update(anchored={anchors.file_key(log.files.anchors): 1})
    log.write(2)
    log.seal()
    assert log.check().findings == []
    assert len([line for line in log.files.anchors.read_text().splitlines() if anchors.parse(line)]) >= 3


def test_a_lost_anchor_file_is_not_quietly_made_anew(log):
    log.write(2)
    log.seal()
    log.files.anchors.unlink()
    log.write(2)
    log.seal()
    lines = log.files.anchors.read_text().splitlines()
    assert lines[0].startswith("# anchors up to 1 ")
    assert anchors.parse(lines[1]).sequence == 2
    assert {finding.kind for finding in log.check().findings} == {"anchor missing"}


def test_a_log_that_went_back_behind_its_anchors_is_said_in_the_file(log):
    """A database restored from an older backup goes on; the file keeps both truths and the check reports it."""
    log.write(2)
    log.seal()
    log.write(2)
    log.seal()
    with log.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {SEALS} WHERE sequence = 2")
        cursor.execute("UPDATE audit_sealerstate SET sequence = 1, hash = (SELECT hash FROM audit_auditseal)")
    log.write(1)
    log.seal()
    lines = log.files.anchors.read_text().splitlines()
    assert "goes on after seal 1" in lines[2]
    assert anchors.parse(lines[3]).sequence == 2
    assert log.check().first is not None
    log.write(1)
    log.seal()
    assert len(log.files.anchors.read_text().splitlines()) == 5


def test_a_volume_that_is_gone_stops_the_anchors_but_not_the_seals(log, settings, tmp_path, caplog):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the directory should be")
    settings.AUDIT_ANCHOR_FILE = blocked / "anchors.log"
    log.write(2)
    assert log.seal() == 1
    assert "cannot be written" in caplog.text
    settings.AUDIT_ANCHOR_FILE = log.files.anchors
    log.write(2)
    log.seal()
    assert [anchors.parse(line).sequence for line in log.files.anchors.read_text().splitlines()] == [1, 2]


def test_anchors_go_to_syslog_when_it_is_named(log, settings):
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        settings.AUDIT_ANCHOR_SYSLOG = f"127.0.0.1:{listener.getsockname()[1]}"
        log.write(1)
        log.seal()
        message = listener.recv(2048).decode()
    assert "emr-audit-anchor: 1 " in message
    assert AuditSeal.objects.get().hash in message


def test_the_sealers_notes_are_one_row(log):
    log.write(1)
    log.seal()
    assert SealerState.objects.get().sequence == 1


def test_the_schedule_seals_every_minute():
    from emr.schedules import SCHEDULES

    assert [row.every_seconds for row in SCHEDULES if row.task == "audit.tasks.seal"] == [60]
