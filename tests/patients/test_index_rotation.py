"""The index key changes while people search, register and rename: nobody notices, at no moment."""

from __future__ import annotations

import ast
import os
import re
from datetime import date
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings

from audit.models import AuditEvent
from core import keys, keys_index
from core.keys_check import KeysMismatch, verify_sentinel
from core.keys_index import IndexKeyMissing, RotationRefused
from core.models import SearchIndex
from core.search import blind
from patients import index_rotation
from patients.errors import DuplicateNik
from patients.models import Patient, PatientToken, Sex
from patients.search import find_patients, with_nik, with_phone
from patients.services import register_patient, update_patient
from patients.services.duplicates import find_duplicates
from tests.factories.patients import PatientFactory

OLD = settings.KEYS.search_master_key
NEW = bytes(range(32))
NEWER = bytes(range(1, 33))
Phase = SearchIndex.Phase
FAST = {"rest_seconds": 0.0, "grace_seconds": 0.0}

PEOPLE = (
    ("Siti Aminah", "2171015203850001", date(1985, 3, 12), "+6281234567001"),
    ("Siti Nurhaliza", "2171015203850002", date(1990, 1, 1), "+6281234567002"),
    ("Budi Tambunan", "2171015203850003", date(1985, 3, 12), "+6281234567001"),
    ("Muhammad Rizki Alfarizi", "2171015203850004", date(2001, 12, 31), "+6281234567004"),
    ("Soerjadi", "2171015203850005", date(1950, 8, 17), "+6281234567005"),
    ("dr. H. Ma'ruf Tambunan, Sp.PD", "2171015203850006", date(1960, 2, 29), None),
    ("Maria Kusumawardhani", None, date(1988, 8, 8), "+6281234567008"),
    ("Li Wei", "9999999999999999", date(1977, 7, 7), None),
    ("Nur Aini Sitorus", "2171015203850009", date(1992, 4, 4), "+6581234567"),
    ("Made Wayan", "2171015203850010", date(1971, 5, 5), None),
)
QUERIES = (
    "2171015203850003", "081234567001", "900003", "12-03-1985", "siti", "siti aminah", "tambunan", "tambunna", "sit",
    "suryadi", "muhamad riski", "made wayan", "li wei", "kusumawardani", "siti 12-03-1985", "nobody",
)  # fmt: skip


def keys_with(*search_keys: bytes) -> keys.Keys:
    values = {name: getattr(settings.KEYS, name) for name in keys.Keys.__dataclass_fields__}
    return keys.Keys(**{**values, "search_master_key": search_keys[0], "older_search_keys": search_keys[1:]})


def id_of(key: bytes) -> str:
    return keys.public_id(keys.SEARCH_KEY, key)


@pytest.fixture
def both_keys():
    with override_settings(KEYS=keys_with(NEW, OLD)):
        yield


@pytest.fixture
def people(cast) -> list[Patient]:
    found = [
        PatientFactory(full_name=name, nik=nik, birth_date=born, phone=phone, record_number=f"{900000 + at}")
        for at, (name, nik, born, phone) in enumerate(PEOPLE, start=1)
    ]
    cast.receptionist
    return found


def answers(user) -> dict[str, list[str]]:
    """What every way of looking somebody up gives."""
    found = {query: [row.record_number for row in find_patients(user=user, query=query)] for query in QUERIES}
    found["with_nik"] = [row.record_number for row in with_nik(Patient.objects.all(), "2171015203850001")]
    found["with_phone"] = sorted(row.record_number for row in with_phone(Patient.objects.all(), "+6281234567001"))
    for name, nik, born, phone in PEOPLE:
        alike = find_duplicates(user=user, full_name=name, birth_date=born, nik=nik, phone=phone)
        found[f"like {name}"] = [f"{row.record_number} {row.signs}" for row in alike]
    return found


def rotate(**changes) -> SearchIndex:
    return index_rotation.rotate(**{"batch_size": 1, "told": lambda state: None, **FAST, **changes})


def expected_tokens(*index_keys: bytes) -> set[tuple[int, object]]:
    return {
        (token, row.pk)
        for row in Patient.objects.all()
        for key in index_keys
        for token in blind.tokens(blind.name_terms(row.full_name, row.birth_date), key=key)
    }


def stored_tokens() -> set[tuple[int, object]]:
    return set(PatientToken.objects.values_list("token", "patient_id"))


def numbers() -> list[tuple[int | None, ...]]:
    return list(Patient.objects.order_by("pk").values_list("nik_bidx", "phone_bidx", "nik_bidx_b", "phone_bidx_b"))


def register(cast, name: str, nik: str | None, born: date = date(1999, 1, 2)) -> Patient:
    return register_patient(
        actor=cast.receptionist, full_name=name, birth_date=born, sex=Sex.FEMALE, nik=nik, phone="+6281299990000"
    )


class Killed(BaseException):
    """Stands for kill -9 between two batches."""


@pytest.mark.django_db
class TestSearchWhileTheKeyChanges:
    def test_every_answer_is_the_same_after_every_step(self, cast, people, both_keys):
        before = answers(cast.receptionist)
        assert before["siti"] == ["900002", "900001"]
        assert before["nobody"] == []
        seen = []

        def told(state):
            seen.append((state.phase, state.done))
            assert answers(cast.receptionist) == before, seen[-1]

        rotate(told=told)
        total = len(people)
        assert seen == [
            *((Phase.BUILDING, done) for done in range(total + 1)),
            *((Phase.CLEARING, done) for done in range(total + 1)),
            (Phase.READY, 0),
        ]
        assert stored_tokens() == expected_tokens(NEW)
        with override_settings(KEYS=keys_with(NEW)):  # the old key is needed no more
            verify_sentinel()
            assert answers(cast.receptionist) == before

    @pytest.mark.parametrize("share", [0, 30, 60, 100])
    def test_killed_and_taken_up_again(self, cast, people, both_keys, share):
        before = answers(cast.receptionist)
        stop_at = len(people) * share // 100

        def told(state):
            if state.phase == Phase.BUILDING and state.done == stop_at:
                raise Killed

        with pytest.raises(Killed):
            rotate(told=told)
        state = keys_index.state()
        assert (state.phase, state.done) == (Phase.BUILDING, stop_at)
        assert answers(cast.receptionist) == before
        rotate()
        assert stored_tokens() == expected_tokens(NEW)
        assert answers(cast.receptionist) == before

    def test_killed_while_clearing(self, cast, people, both_keys):
        before = answers(cast.receptionist)

        def told(state):
            if state.phase == Phase.CLEARING and state.done == 4:
                raise Killed

        with pytest.raises(Killed):
            rotate(told=told)
        assert stored_tokens() > expected_tokens(NEW)
        with override_settings(KEYS=keys_with(NEW)):  # the old names and the old key are not needed to clear
            rotate()
            assert answers(cast.receptionist) == before
        assert stored_tokens() == expected_tokens(NEW)
        assert keys_index.state().phase == Phase.READY

    def test_people_registered_renamed_and_renumbered_meanwhile(self, cast, people, both_keys):
        steps = iter(range(100))

        def told(state):
            step = next(steps)
            if state.phase == Phase.READY or step % 3:
                return
            # In every step somebody new is found, and the same NIK is refused, whatever the phase.
            nik = f"32{step:02}010101990001"
            name = f"Zubaidah Kelompok{chr(97 + step % 26)}"
            row = register(cast, name, nik, date(1940 + step, 1, 2))
            assert find_patients(user=cast.receptionist, query=name)[0].pk == row.pk
            assert [one.pk for one in find_patients(user=cast.receptionist, query=nik)] == [row.pk]
            for taken in (nik, "2171015203850001", "2171015203850010"):
                with pytest.raises(DuplicateNik):
                    register(cast, f"Orang Lain {step}", taken, date(1970 + step % 30, 1, 3))
            if step < len(people):
                row = Patient.objects.get(pk=people[-step - 1].pk)
                changed = f"Xaverius Ganti{chr(97 + step % 26)}"
                update_patient(patient_id=row.pk, actor=cast.receptionist, version=row.version, full_name=changed)
                assert find_patients(user=cast.receptionist, query=changed)[0].pk == row.pk

        rotate(told=told)
        assert stored_tokens() == expected_tokens(NEW)
        assert all(row[:2] == (None, None) for row in numbers())

    def test_both_columns_while_building_and_one_afterwards(self, cast, people, both_keys):
        before = numbers()
        assert all(row[2:] == (None, None) for row in before)
        middle: list = []

        def told(state):
            if state.phase == Phase.CLEARING and not middle:
                middle.extend(numbers())

        rotate(told=told)
        assert [row[:2] for row in middle] == [row[:2] for row in before]
        assert [row[2:] for row in numbers()] == [row[2:] for row in middle]
        assert all(row[:2] == (None, None) for row in numbers())
        assert all((new is None) == (old is None) for old, _phone, new, _other in middle)
        assert not {row[2] for row in middle if row[2]} & {row[0] for row in before}

    def test_there_and_back_again(self, cast, people, both_keys):
        before = answers(cast.receptionist)
        rotate()
        with override_settings(KEYS=keys_with(NEWER, NEW)):
            rotate()
            assert answers(cast.receptionist) == before
            assert stored_tokens() == expected_tokens(NEWER)
            assert keys_index.state().slot == 0
        assert all(row[2:] == (None, None) for row in numbers())

    def test_cancelled(self, cast, people, both_keys):
        before, index, columns = answers(cast.receptionist), stored_tokens(), numbers()

        def told(state):
            if state.done == 4:
                raise Killed

        with pytest.raises(Killed):
            rotate(told=told)
        assert stored_tokens() > index
        out = StringIO()
        call_command("rotate_index_key", "--cancel", "--grace", "0", stdout=out)
        assert (stored_tokens(), numbers()) == (index, columns)
        assert answers(cast.receptionist) == before
        assert keys_index.state().phase == Phase.READY
        with pytest.raises(CommandError, match="nothing to cancel"):
            call_command("rotate_index_key", "--cancel", stdout=out)
        with override_settings(KEYS=keys_with(OLD)):
            verify_sentinel()


@pytest.mark.django_db
class TestKeysThatAreNotThere:
    def half_way(self):
        def told(state):
            if state.done == 4:
                raise Killed

        with pytest.raises(Killed):
            rotate(told=told)

    def test_a_process_without_the_coming_key_searches_but_does_not_write(self, cast, people, both_keys):
        self.half_way()
        with override_settings(KEYS=keys_with(OLD)):
            assert find_patients(user=cast.receptionist, query="tambunan")
            before = Patient.objects.count()
            with pytest.raises(IndexKeyMissing, match=id_of(NEW)):
                register(cast, "Zubaidah", None)
            assert Patient.objects.count() == before
            with pytest.raises(KeysMismatch, match="SEARCH_MASTER_KEY"):
                verify_sentinel()

    def test_a_process_without_the_current_key_finds_nobody_loudly(self, cast, people, both_keys):
        rotate()
        with override_settings(KEYS=keys_with(OLD)):
            for query in ("tambunan", "2171015203850001"):
                with pytest.raises(IndexKeyMissing, match=id_of(NEW)):
                    find_patients(user=cast.receptionist, query=query)
            with pytest.raises(KeysMismatch):
                verify_sentinel()

    def test_nothing_to_do(self, people):
        with pytest.raises(RotationRefused, match="nothing to do"):
            rotate()
        with pytest.raises(CommandError, match="nothing to do"):
            call_command("rotate_index_key", stdout=StringIO())

    def test_a_third_key_in_front_waits_for_its_turn(self, cast, people, both_keys):
        self.half_way()
        with override_settings(KEYS=keys_with(NEWER, NEW, OLD)):
            rotate()
            assert keys_index.state().current == id_of(NEW)
            rotate()
            assert keys_index.state().current == id_of(NEWER)
        assert stored_tokens() == expected_tokens(NEWER)

    def test_rows_written_past_the_services_hold_up_the_switch(self, cast, people, both_keys):
        def told(state):
            if state.done == 4:
                Patient.objects.filter(pk=people[0].pk).update(nik_bidx_b=None)

        with pytest.raises(RotationRefused, match="1 patient"):
            rotate(told=told)
        assert keys_index.state().phase == Phase.BUILDING
        call_command("reindex_patients", stdout=StringIO())
        rotate()
        assert stored_tokens() == expected_tokens(NEW)

    def test_the_state_is_never_guessed(self, people):
        SearchIndex.objects.all().delete()
        with pytest.raises(keys_index.IndexNotMade, match=r"manage\.py migrate"):
            register_patient(actor=people[0].created_by, full_name="X", birth_date=date(1990, 1, 1), sex=Sex.MALE)
        keys_index.ensure_row(using="default", proof=12345)  # a proof of none of our keys
        assert not SearchIndex.objects.exists()
        with override_settings(KEYS=keys_with(NEW, OLD)):
            keys_index.ensure_row(using="default", proof=keys_index.proof_of(OLD))
            assert keys_index.state().current == id_of(OLD)


@pytest.mark.django_db
class TestCommand:
    def test_says_what_it_does_and_is_audited(self, cast, people, both_keys):
        out = StringIO()
        call_command("rotate_index_key", "--batch-size", "3", "--grace", "0", stdout=out)
        text = out.getvalue()
        assert f"Building index {id_of(NEW)}: 10/10 rows, 100 %" in text
        assert f"Clearing the old index {id_of(OLD)}: 10/10 rows, 100 %" in text
        assert f"Take {id_of(OLD)} out of SEARCH_MASTER_KEY" in text
        event = AuditEvent.objects.get(action="core.index_key.rotated")
        assert event.detail == {"key": id_of(NEW)}
        for name, nik, _born, phone in PEOPLE:
            assert name not in text
            assert not nik or nik not in text
            assert not phone or phone not in text

    def test_status(self, people, both_keys):
        out = StringIO()
        call_command("rotate_index_key", "--status", stdout=out)
        assert out.getvalue().startswith("Phase: ready, since 20")
        assert f"Searches use key {id_of(OLD)}." in out.getvalue()

    @pytest.mark.parametrize("arguments", [("--batch-size", "0"), ("--rest", "-1"), ("--grace", "-0.5")])
    def test_nonsense_is_refused(self, people, arguments):
        with pytest.raises(CommandError, match="or more"):
            call_command("rotate_index_key", *arguments, stdout=StringIO())

    def test_wrong_keys_are_refused_first(self, people):
        with override_settings(KEYS=keys_with(os.urandom(32))), pytest.raises(CommandError, match="SEARCH_MASTER_KEY"):
            call_command("rotate_index_key", stdout=StringIO())
        assert keys_index.state().phase == Phase.READY


class TestTogether:
    def test_registrations_renames_and_two_rotations_at_once(self, cast, people, race):
        admin, receptionist = cast.admin, cast.receptionist

        def turn():
            try:
                return rotate(batch_size=2)
            except RotationRefused:  # the other one was done before this one began
                return keys_index.state()

        def enrol(number):
            rows = [register(cast, f"Zubaidah Kelompok{chr(97 + number)}{chr(97 + at)}", f"32{number:02}01010199000{at + 1}",
                             date(1990 + number, 1, at + 1))
                    for at in range(4)]  # fmt: skip
            return [row.pk for row in rows]

        def rename(number):
            row = Patient.objects.get(pk=people[number].pk)
            update_patient(
                patient_id=row.pk, actor=receptionist, version=row.version,
                full_name=f"Xaverius Ganti{chr(97 + number)}",
            )  # fmt: skip
            return row.pk

        def look(_number):
            return [[row.pk for row in find_patients(user=admin, query="soerjadi")] for _at in range(10)]

        with override_settings(KEYS=keys_with(NEW, OLD)):
            admin.capabilities, receptionist.capabilities
            calls = [
                (turn, ()), (turn, ()), *((enrol, (number,)) for number in range(4)),
                *((rename, (number,)) for number in (0, 2, 9)), *((look, (number,)) for number in range(3)),
            ]  # fmt: skip
            results = race(lambda function, arguments: function(*arguments), calls)
            assert not [found for found in results if isinstance(found, Exception)], results
            assert all(found == [people[4].pk] for looks in results[-3:] for found in looks)
            assert keys_index.state().phase == Phase.READY
            assert stored_tokens() == expected_tokens(NEW)
            assert all(row[:2] == (None, None) for row in numbers())
            assert Patient.objects.count() == len(people) + 16

    def test_a_phase_waits_for_whoever_writes_under_the_one_before(self, people, race):
        """A writer who saw "ready" commits before building begins; else the batches would miss their row."""
        import threading
        import time

        inside, order = threading.Event(), []

        def write():
            with transaction.atomic():
                keys_index.writing()
                inside.set()
                time.sleep(0.5)
                order.append("written")

        def begin():
            inside.wait(10)
            keys_index.begin(total=1)
            order.append("begun")

        with override_settings(KEYS=keys_with(NEW, OLD)):
            results = race(lambda function: function(), [(write,), (begin,)])
        assert results == [None, None]
        assert order == ["written", "begun"]


def test_the_columns_are_named_in_one_place():
    """Which of the two columns counts changes with the key: `with_nik` and `with_phone` know, nobody else guesses."""
    found = []
    for app in ("accounts", "billing", "consultations", "core", "emr", "notifications", "patients", "pharmacy",
                "reports", "scheduling", "support", "workspace"):  # fmt: skip
        for path in sorted((settings.BASE_DIR / app).glob("**/*.py")):
            if "migrations" in path.parts or path.name in ("search.py", "models.py"):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                name = getattr(node, "arg", None) or getattr(node, "attr", None)
                if isinstance(name, str) and re.match(r"(nik|phone)_bidx", name):
                    found.append(f"{path.relative_to(settings.BASE_DIR)}:{getattr(node, 'lineno', '?')}")
    assert found == []
