"""The nightly look for pairs, and the decisions about them."""

from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from notifications.models import DailyDuty
from patients import tasks
from patients.errors import CannotMerge, PairDecided, ReasonMissing
from patients.models import DuplicatePair, Patient
from patients.services import duplicate_scan, pairs
from patients.services.merging import merge_patients
from tests.factories.patients import PatientFactory

pytestmark = pytest.mark.django_db

BORN = date(1990, 5, 3)


def person(full_name="Siti Aminah", birth_date=BORN, phone=None, **fields) -> Patient:
    return PatientFactory(full_name=full_name, birth_date=birth_date, phone=phone, **fields)


def found() -> dict[frozenset, tuple]:
    return {
        frozenset((pair.first_id, pair.second_id)): (pair.score, *pair.signs) for pair in DuplicatePair.objects.all()
    }


def test_each_sign_brings_a_pair_together():
    base = person()
    same = person("Sitti Aminah", mother_name="Rohana")
    swapped = person(birth_date=date(1990, 3, 5))
    slip = person(birth_date=date(1990, 5, 4))
    card = [
        person(name, date(1970 + 13 * at, 1, 1), bpjs_number="0001234567890")
        for at, name in enumerate(("Wati", "Joko"))
    ]
    named = [person("Rudi Hartono", date(1971 + 9 * at, 2, 2), phone="+6281234567891") for at in range(2)]
    family = [person(name, date(1955 + at, 4, 9), phone="+6281234567892") for at, name in enumerate(("Anton", "Dewi"))]
    born = clock.today() - timedelta(days=20)
    twins = [person(name, born, mother_name="Rina Hartati") for name in ("By. Ny. Rina", "Fauzan")]
    assert duplicate_scan.scan_part(0) == len(found())
    result = found()
    for one, other, score in (
        (base, same, 75), (base, swapped, 60), (base, slip, 60), (*card, 85), (*named, 50), (*twins, 70),
    ):  # fmt: skip
        assert result[frozenset((one.pk, other.pk))][0] == score, (one.full_name, other.full_name)
    assert frozenset(row.pk for row in family) not in result
    pair = DuplicatePair.objects.first()
    assert pair.first_id < pair.second_id


def test_a_second_night_changes_nothing_and_keeps_decisions(cast):
    for _n in range(3):
        person()
    duplicate_scan.scan_part(0)
    assert DuplicatePair.objects.count() == 3
    decided = DuplicatePair.objects.first()
    pairs.decide_distinct(pair_id=decided.pk, reason="Kembar", actor=cast.admin)
    before = list(DuplicatePair.objects.order_by("pk").values_list("pk", "state", "score", "found_at"))
    duplicate_scan.scan_part(0)
    assert duplicate_scan.tidy() == 0
    assert list(DuplicatePair.objects.order_by("pk").values_list("pk", "state", "score", "found_at")) == before


def test_a_changed_name_changes_or_takes_away_the_pair():
    first, second = person(), person()
    duplicate_scan.scan_part(0)
    Patient.objects.filter(pk=second.pk).update(mother_name="Sumiati")
    Patient.objects.filter(pk=first.pk).update(mother_name="Sumiyati")
    duplicate_scan.scan_part(0)
    assert DuplicatePair.objects.get().score == 95
    Patient.objects.filter(pk=second.pk).update(full_name="Budi", mother_name="")
    assert duplicate_scan.tidy() == 1
    assert not DuplicatePair.objects.exists()


def test_records_out_of_use_are_left_out(cast):
    first, second = person(), person()
    archived = person(status=Patient.Status.ARCHIVED)
    merge_patients(survivor_id=first.pk, merged_id=second.pk, values={}, reason="KTP", actor=cast.admin)
    duplicate_scan.scan_part(0)
    assert not DuplicatePair.objects.exists()
    third = person()
    duplicate_scan.scan_part(0)
    assert set(found()) == {frozenset((first.pk, third.pk))}
    Patient.objects.filter(pk=archived.pk).update(status=Patient.Status.ACTIVE)
    assert duplicate_scan.scan_part(0) == 3


def test_parts_cover_everybody_once(monkeypatch):
    monkeypatch.setattr(duplicate_scan, "PART", 3)
    monkeypatch.setattr(duplicate_scan, "BATCH", 2)
    for _n in range(8):
        person()
    assert duplicate_scan.part_count() == 3
    for number in range(4):
        duplicate_scan.scan_part(number)
    assert DuplicatePair.objects.count() == 28


def test_crowded_blocks_are_bounded(monkeypatch):
    monkeypatch.setattr(duplicate_scan, "BLOCK_CAP", 3)
    for _n in range(12):
        person()
    duplicate_scan.scan_part(0)
    assert 12 <= DuplicatePair.objects.count() < 66


def test_the_statements_do_not_grow_with_the_records():
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            duplicate_scan.scan_part(0)
        return len(queries)

    for _n in range(3):
        person()
    few = statements()
    for at in range(12):
        person(f"Orang {chr(65 + at) * 4}", date(1950 + at, 3, 7))
    assert statements() <= few


def test_the_daily_duty_runs_each_part_once(time_machine_night):
    person(), person()
    assert tasks.look_for_duplicates() is True
    assert tasks.look_for_duplicates() is False
    assert DuplicatePair.objects.count() == 1
    assert DailyDuty.objects.filter(duty__startswith="patients.duplicates.", done_at__isnull=False).count() == 2


def test_before_the_hour_nothing_runs():
    import time_machine

    with time_machine.travel("2026-03-04T17:30:00Z"):  # 00.30 in the clinic
        assert tasks.look_for_duplicates() is False


@pytest.fixture
def time_machine_night():
    import time_machine

    with time_machine.travel("2026-03-04T18:30:00Z"):
        yield


def test_no_time_is_left_for_a_part(monkeypatch):
    person(), person()
    assert duplicate_scan.run_due(clock.today(), seconds=-1) == 0
    assert not DuplicatePair.objects.exists()


def test_the_command_looks_at_once(capsys):
    person(), person()
    call_command("find_duplicates")
    assert "1 pairs" in capsys.readouterr().out


# --- Decisions -------------------------------------------------------------------------------------------------------


def test_a_decision_needs_a_reason_and_is_made_once(cast):
    first, second = person(), person()
    pair = pairs.pair_by_hand(one_id=second.pk, other_id=first.pk, actor=cast.admin)
    assert (pair.first_id, pair.second_id) == tuple(sorted((first.pk, second.pk)))
    assert pair.score == 75
    with pytest.raises(ReasonMissing):
        pairs.decide_distinct(pair_id=pair.pk, reason=" ", actor=cast.admin)
    pairs.decide_distinct(pair_id=pair.pk, reason="Kembar", actor=cast.admin)
    with pytest.raises(PairDecided):
        pairs.decide_distinct(pair_id=pair.pk, reason="Kembar", actor=cast.admin)
    again = pairs.pair_by_hand(one_id=first.pk, other_id=second.pk, actor=cast.admin)
    assert (again.pk, again.state, again.reason) == (pair.pk, "open", "")
    with pytest.raises(PairDecided):
        pairs.reopen_pair(pair_id=pair.pk, actor=cast.admin)


def test_pairs_by_hand_are_of_two_records_in_use(cast):
    first, second = person(), person()
    with pytest.raises(CannotMerge):
        pairs.pair_by_hand(one_id=first.pk, other_id=first.pk, actor=cast.admin)
    merge_patients(survivor_id=first.pk, merged_id=second.pk, values={}, reason="KTP", actor=cast.admin)
    with pytest.raises(CannotMerge):
        pairs.pair_by_hand(one_id=first.pk, other_id=second.pk, actor=cast.admin)
    assert not DuplicatePair.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_put_the_same_records_beside_each_other_at_once(cast, race):
    first, second, admin = person(), person(), cast.admin
    results = race(
        lambda one, other: pairs.pair_by_hand(one_id=one, other_id=other, actor=admin),
        [(first.pk, second.pk), (second.pk, first.pk)] * 3,
    )
    assert {result.pk for result in results} == {DuplicatePair.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_distinct_against_merging_leaves_one_truth(cast, race):
    first, second, admin = person(), person(), cast.admin
    pair = pairs.pair_by_hand(one_id=first.pk, other_id=second.pk, actor=admin)
    race(
        lambda act: act(),
        [
            (lambda: pairs.decide_distinct(pair_id=pair.pk, reason="Kembar", actor=admin),),
            (lambda: merge_patients(survivor_id=first.pk, merged_id=second.pk, values={}, reason="KTP", actor=admin),),
        ],
    )
    state = DuplicatePair.objects.get(pk=pair.pk).state
    assert (Patient.objects.get(pk=second.pk).status == "merged") == (state == "merged")
