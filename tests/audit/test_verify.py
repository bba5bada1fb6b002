"""Every way to tamper with the log that an administrator of the database has is found and named."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from audit import macs
from audit.models import AuditEvent, AuditSeal
from audit.triggers import SEALS, TABLE

COPY = ", ".join(macs.COLUMNS[1:])


def first(report):
    assert report.first is not None, "nothing was found"
    return report.first.event_id, report.first.kind


@pytest.fixture
def sealed(log, cast):
    """Thirty events in three seals, with two unsealed ones behind."""
    log.write(10, actor=cast.doctor)
    log.seal()
    log.write(10, action="patients.chart.read", actor=cast.nurse)
    log.seal()
    log.write(10, actor=None)
    log.seal()
    log.tail = log.write(2)
    log.ids = list(AuditEvent.objects.order_by("id").values_list("id", flat=True))
    assert len(log.ids) == 32
    assert AuditSeal.objects.count() == 3
    return log


def test_a_clean_log_verifies(sealed):
    report = sealed.check()
    assert report.findings == []
    assert (report.events, report.seals, report.unsealed, report.anchors) == (32, 3, 2, 3)
    assert report.head == AuditSeal.objects.get(sequence=3).hash


def test_an_empty_log_verifies(log):
    assert log.check().findings == []
    log.seal()
    assert log.check().findings == []


@pytest.mark.parametrize(
    "change",
    [
        "action = 'patients.chart.seen'", "actor_id = NULL", "actor_name = 'Orang Lain'", "actor_roles = 'admin'",
        "target_id = 'x'", "target_type = 'x'", "request_id = 'x'", "address_hash = 'x'", "result = 'refused'", "browser = 'x'",
        "origin = 'x'", "format = 1", "detail = '{\"n\": 99}'", "at = '2020-01-01 00:00:00'",
        "patient_id = '0198c0de00007000800000000000000a'", "mac = 'x'",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [14, 31], ids=["sealed", "unsealed"])
def test_a_changed_column_is_found(sealed, change, place):
    target = sealed.ids[place]
    with sealed.unguarded() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET {change} WHERE id = %s", [target])
        if change.startswith("actor_id"):  # the unsealed rows were written by the product itself
            cursor.execute(f"UPDATE {TABLE} SET actor_roles = 'owner' WHERE id = %s", [target])
    assert first(sealed.check()) == (target, "changed")


def test_a_deleted_row_in_the_middle_is_found(sealed):
    target = sealed.ids[14]
    with sealed.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [target])
    report = sealed.check()
    assert first(report) == (target, "deleted")
    assert len(report.findings) == 1


def test_the_first_of_several_is_named(sealed):
    with sealed.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [sealed.ids[25]])
        cursor.execute(f"UPDATE {TABLE} SET action = 'x' WHERE id = %s", [sealed.ids[3]])
    assert first(sealed.check()) == (sealed.ids[3], "changed")


def test_a_tail_cut_off_with_its_seals_is_found_by_the_anchors(sealed):
    last_left = AuditSeal.objects.get(sequence=2).last_id
    with sealed.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id > %s", [last_left])
        cursor.execute(f"DELETE FROM {SEALS} WHERE sequence > 2")
    report = sealed.check()
    assert first(report) == (last_left + 1, "cut off")
    assert sealed.check(anchor_files=[]).findings == []  # which is what the anchors are for


def test_all_of_the_log_gone_is_found(sealed):
    with sealed.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
        cursor.execute(f"DELETE FROM {SEALS}")
    assert first(sealed.check()) == (1, "cut off")


def test_a_sealer_that_goes_on_after_a_cut_says_so(sealed):
    with sealed.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id > %s", [sealed.ids[19]])
        cursor.execute(f"DELETE FROM {SEALS} WHERE sequence > 2")
    sealed.write(12)
    sealed.seal()
    report = sealed.check()
    kinds = {finding.kind for finding in report.findings}
    assert "chain cut" in kinds
    assert "seal changed" in kinds  # the anchors know another third seal
    assert first(report)[0] == sealed.ids[19] + 1


def test_seals_removed_but_not_the_rows_are_found(sealed):
    with sealed.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {SEALS} WHERE sequence > 2")
    assert first(sealed.check()) == (sealed.ids[19] + 1, "cut off")
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert first(sealed.check(anchor_files=[])) == (sealed.ids[19] + 1, "not sealed")


def test_a_seal_from_the_middle_gone_is_found(sealed):
    with sealed.unguarded() as cursor:
        cursor.execute(f"DELETE FROM {SEALS} WHERE sequence = 2")
    assert first(sealed.check()) == (sealed.ids[9] + 1, "seal missing")


@pytest.mark.parametrize(("one", "other"), [(11, 14), (5, 25)], ids=["in one seal", "over seals"])
def test_two_swapped_rows_are_found(sealed, one, other):
    low, high = sealed.ids[one], sealed.ids[other]
    with sealed.unguarded() as cursor:
        for old, new in ((low, -5), (high, low), (-5, high)):
            cursor.execute(f"UPDATE {TABLE} SET id = %s WHERE id = %s", [new, old])
    report = sealed.check()
    assert first(report) == (low, "reordered")
    assert {finding.event_id for finding in report.findings} == {low, high}


def test_a_row_with_a_forged_digest_is_found_in_the_tail(sealed):
    with sealed.unguarded() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} ({COPY}) SELECT {COPY.replace('action', _quoted('x'), 1)} FROM {TABLE} WHERE id = %s",
            [sealed.ids[31]],
        )
    added = AuditEvent.objects.order_by("-id").first().pk
    assert first(sealed.check()) == (added, "changed")
    sealed.seal()  # sealing does not make it good
    assert first(sealed.check()) == (added, "changed")


def _quoted(text):
    return f"'{text}'"


@pytest.mark.parametrize("place", [31, 2], ids=["of a new one", "of an old one"])
def test_a_copy_of_a_genuine_row_is_found(sealed, place):
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        sealed.write(1)
        with sealed.unguarded() as cursor:
            cursor.execute(
                f"INSERT INTO {TABLE} ({COPY}) SELECT {COPY} FROM {TABLE} WHERE id = %s", [sealed.ids[place]]
            )
        added = AuditEvent.objects.order_by("-id").first().pk
        sealed.seal()
        report = sealed.check()
    assert first(report) == (added, "inserted")


@pytest.mark.parametrize("forged", [True, False], ids=["with a forged digest", "a copy of a genuine one"])
def test_a_row_put_into_a_gap_is_found(log, forged):
    log.write(5)
    gap = AuditEvent.objects.order_by("-id").first().pk + 1
    with log.unguarded() as cursor:  # as a rolled-back transaction leaves it on MariaDB
        cursor.execute(f"INSERT INTO {TABLE} (id, {COPY}) SELECT id + 2, {COPY} FROM {TABLE} WHERE id = %s", [gap - 1])
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [gap - 1])
    log.seal()
    assert AuditSeal.objects.get().missing[-1] == [gap - 1, gap]
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        log.write(1)
        log.seal()
        assert AuditSeal.objects.get(sequence=2).void[-1] == [gap - 1, gap]
        assert log.check().findings == []
        columns = COPY.replace("action", "'x'", 1) if forged else COPY
        with log.unguarded() as cursor:
            cursor.execute(
                f"INSERT INTO {TABLE} (id, {COPY}) SELECT {gap}, {columns} FROM {TABLE} WHERE id = {gap - 2}"
            )
        report = log.check()
    assert first(report) == (gap, "inserted")


def test_a_row_below_the_first_is_found(sealed):
    with sealed.unguarded() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} (id, {COPY}) SELECT -3, {COPY} FROM {TABLE} WHERE id = %s", [sealed.ids[3]]
        )
    assert first(sealed.check()) == (-3, "inserted")


@pytest.mark.parametrize(
    "change",
    [
        "last_id = last_id - 1", "first_id = first_id + 1", "count = 9", "missing = '[[12, 13]]'", "late = '[3]'",
        "void = '[[1, 5]]'", "prints = ''", "hash = previous_hash", "previous_hash = hash", "mac = hash",
        "detail = '{\"released\": \"x\"}'", "kind = 'archive'", "at = '2020-01-01 00:00:00'",
    ],
)  # fmt: skip
def test_a_changed_seal_is_found(sealed, change):
    with sealed.unguarded() as cursor:
        cursor.execute(f"UPDATE {SEALS} SET {change} WHERE sequence = 2")
    event, kind = first(sealed.check())
    assert (event, kind) in {(sealed.ids[10], "seal changed"), (sealed.ids[10] + 1, "seal changed")}


def test_a_whole_log_rewritten_with_the_key_is_found_by_the_anchors(sealed):
    """Somebody with the database and the audit key, but without the anchors' volume."""
    from audit import chain, reading

    with sealed.unguarded() as cursor:
        event = AuditEvent.objects.get(pk=sealed.ids[14])
        event.detail = {"n": 77}
        cursor.execute(
            f"UPDATE {TABLE} SET detail = %s, mac = %s WHERE id = %s",
            [json.dumps(event.detail), macs.compute_mac(event), event.pk],
        )
        previous = AuditSeal.objects.get(sequence=1).hash
        for seal in AuditSeal.objects.filter(sequence__gte=2).order_by("sequence"):
            seal.previous_hash = previous
            chain.close(seal, reading.rows_in(list(chain.sealed_ranges(seal))))
            cursor.execute(
                f"UPDATE {SEALS} SET previous_hash = %s, hash = %s, prints = %s, mac = %s WHERE sequence = %s",
                [seal.previous_hash, seal.hash, seal.prints, seal.mac, seal.sequence],
            )
            previous = seal.hash
    assert sealed.check(anchor_files=[]).findings == []
    assert first(sealed.check()) == (sealed.ids[10], "seal changed")


def test_a_changed_and_a_missing_anchor_are_found(sealed):
    lines = sealed.files.anchors.read_text().splitlines()
    later = timezone.now() + timedelta(minutes=30)
    with time_machine.travel(later):
        sealed.files.anchors.write_text("\n".join([lines[0], lines[2]]) + "\n")
        assert first(sealed.check()) == (sealed.ids[10], "anchor missing")
        sealed.files.anchors.write_text("\n".join([lines[0], lines[1].replace("2026", "2025"), lines[2]]) + "\n")
        assert "anchor changed" in {finding.kind for finding in sealed.check().findings}
        sealed.files.anchors.unlink()
        assert first(sealed.check(anchor_files=[sealed.files.anchors])) == (1, "anchor missing")


def test_rows_of_the_first_format_still_verify(log):
    """Rows written before results and browsers were recorded."""
    with log.unguarded() as cursor:
        log.write(1)
        event = AuditEvent.objects.get()
        event.format = 1
        cursor.execute(
            f"UPDATE {TABLE} SET format = 1, browser = '', mac = %s WHERE id = %s", [macs.compute_mac(event), event.pk]
        )
    log.seal()
    assert log.check().findings == []
    with log.unguarded() as cursor:  # a column that the old digest does not cover
        cursor.execute(f"UPDATE {TABLE} SET result = 'refused' WHERE id = %s", [event.pk])
    assert first(log.check()) == (event.pk, "changed")


def test_rows_and_seals_under_an_older_key_still_verify(sealed, settings):
    import dataclasses

    settings.KEYS = dataclasses.replace(
        settings.KEYS, audit_seal_key=b"n" * 32, older_audit_keys=(settings.KEYS.audit_seal_key,)
    )
    sealed.write(3)
    sealed.seal()
    assert sealed.check().findings == []
    settings.KEYS = dataclasses.replace(settings.KEYS, older_audit_keys=())
    assert first(sealed.check())[1] in {"seal changed", "anchor changed"}


def test_the_check_may_begin_in_the_middle(sealed):
    with sealed.unguarded() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET action = 'x' WHERE id = %s", [sealed.ids[3]])
    report = sealed.check(start=2)
    assert report.findings == []
    assert (report.events, report.seals) == (22, 2)
    assert first(sealed.check(start=9)) == (0, "seal missing")


def test_the_command_ends_with_1_and_names_the_first(sealed, capsys):
    call_command("verify_audit")
    assert "complete and unchanged" in capsys.readouterr().out
    with sealed.unguarded() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET action = 'x' WHERE id = %s", [sealed.ids[14]])
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit")
    assert ended.value.code == 1
    assert f"FIRST BAD EVENT: {sealed.ids[14]} (changed)" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("verify_audit", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["first"]["event_id"], report["first"]["kind"]) == (False, sealed.ids[14], "changed")
    assert report["events"] == 32


def test_a_log_longer_than_a_batch_is_read_whole(log, monkeypatch):
    from audit import reading, verifying

    log.write(23)
    log.seal(batch=4)
    monkeypatch.setattr(reading.Stream.__init__, "__defaults__", (reading.BEFORE_ALL, 5))
    monkeypatch.setattr(verifying, "SEAL_BATCH", 2)
    report = log.check()
    assert report.findings == []
    assert (report.events, report.seals) == (23, 6)
