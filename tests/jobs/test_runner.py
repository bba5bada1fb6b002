"""One worker at a time, from the beginning to the end, through kills, pauses and faults."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connections

import jobs
from accounts.access import Capability
from audit.models import AuditEvent
from core import clock, files, workers
from core.errors import InvalidInput
from core.models import StoredFile
from jobs import runner, services, steps, tasks
from jobs.models import MAX_ATTEMPTS, Job
from notifications.models import Notice
from tests.factories.accounts import UserFactory
from tests.jobs.sample import asked, count, counted, failing, registered


def lapse(job: Job) -> None:
    """Let the lease end, as it does after its holder died."""
    Job.objects.filter(pk=job.pk).update(lease_until=clock.now() - timedelta(seconds=1))


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


@pytest.mark.django_db
class TestEnd:
    def test_from_the_request_to_the_file(self, kind, person):
        job = asked(person)
        assert runner.work(job.pk) == "done"
        job = fresh(job)
        assert (job.state, job.done, job.total, job.percent, job.phase_label) == (
            "done",
            3,
            3,
            100,
            "Counting one by one",
        )
        assert (job.summary, job.result_name, job.cursor, job.lease_until) == ("3 counted", "hitungan.txt", None, None)
        assert job.started_at is not None
        assert job.finished_at is not None
        assert timedelta(days=7) <= job.expires_at - job.finished_at < timedelta(days=7, seconds=1)
        assert counted(job) == [1, 2, 3]
        assert files.read(job.result) == b"1\n2\n3\n"
        assert Notice.objects.count() == 0, "nobody has gone away yet"
        assert runner.work(job.pk) is None, "delivered twice"
        assert AuditEvent.objects.filter(action="jobs.job.finished").count() == 1

    def test_a_result_is_no_must(self, person):
        with registered(run=lambda step: None):
            job = asked(person)
            assert runner.work(job.pk) == "done"
            assert (fresh(job).has_result, fresh(job).summary) == (False, "")

    def test_who_waited_gets_a_notice_that_leads_to_the_page(self, person, time_machine):
        with registered(link=lambda job: "/somewhere/"), registered("tests.other", run=failing(ZeroDivisionError)):
            job, other = asked(person), asked(person, kind="tests.other")
            time_machine.move_to(clock.now() + timedelta(seconds=6))
            runner.work(job.pk)
            runner.work(other.pk)
        assert list(Notice.objects.order_by("id").values_list("kind", "path", "recipient")) == [
            ("job_done", "/somewhere/", person.pk),
            ("job_failed", f"/jobs/{other.pk}/", person.pk),
        ]

    def test_a_broken_rule_ends_it_with_its_sentence(self, person):
        with registered(run=failing(lambda: InvalidInput("Row 7 has no name."))):
            job = asked(person)
            assert runner.work(job.pk) == "failed"
        job = fresh(job)
        assert (job.error, job.error_code, job.done) == ("Row 7 has no name.", "core.invalid_input", 1)
        event = AuditEvent.objects.get(action="jobs.job.failed")
        assert (event.result, event.detail["code"]) == ("failed", "core.invalid_input")

    def test_a_fault_says_nothing_of_what_it_saw(self, person, caplog):
        with (
            registered(run=failing(lambda: ValueError("Siti Aminah 2171015203880001"))),
            caplog.at_level(logging.DEBUG),
        ):
            job = asked(person)
            assert runner.work(job.pk) == "failed"
        job = fresh(job)
        assert job.error.startswith("The work failed because of a fault in the program.")
        assert "ValueError at" in caplog.text
        assert "sample.py" in caplog.text
        assert "Siti" not in caplog.text + str(list(AuditEvent.objects.values_list("detail", flat=True))) + job.error
        assert AuditEvent.objects.get(action="jobs.job.failed").detail["fault"] == "ValueError"

    def test_too_long_is_a_sentence(self, person):
        with registered(run=failing(SoftTimeLimitExceeded)):
            job = asked(person)
            assert runner.work(job.pk) == "failed"
        assert "took too long" in fresh(job).error

    def test_the_language_is_the_persons(self, person):
        from django.utils import translation

        seen = []
        with registered(run=lambda step: seen.append(translation.get_language())):
            runner.work(asked(person).pk)
            type(person).objects.update(language="id")
            runner.work(asked(person).pk)
        assert seen == ["en", "id"]

    @pytest.mark.parametrize("loss", ["role", "closed", "gone", "patient"])
    def test_without_the_right_nothing_begins(self, person, loss):
        allowed = True
        with registered(capability=Capability.RECORD_VITALS, allows=lambda user, job: allowed):
            job = asked(person)
            if loss == "role":
                person.roles.all().delete()
            elif loss == "closed":
                type(person).objects.filter(pk=person.pk).update(is_active=False)
            elif loss == "gone":
                Job.objects.update(requested_by=None)
            else:
                allowed = False
            assert runner.work(job.pk) == "failed"
        assert (fresh(job).error_code, counted(job)) == ("jobs.not_permitted", [])

    def test_a_kind_of_a_newer_version_is_left_alone(self, person, caplog):
        with registered():
            job = asked(person)
        assert runner.work(job.pk) is None
        assert fresh(job).state == "queued"
        assert "no worker of this version" in caplog.text


@pytest.mark.django_db
class TestGoingOn:
    def test_a_killed_worker_loses_nothing_and_repeats_nothing(self, person):
        def die(step):
            count(step, 1, 3)
            count(step, 2, 3)
            raise KeyboardInterrupt  # as a kill: nothing of ours runs after it

        with registered(run=die):
            job = asked(person)
            with pytest.raises(KeyboardInterrupt):
                runner.work(job.pk)
        with registered():
            assert (fresh(job).state, runner.sweep()) == ("running", [])
            assert runner.work(job.pk) is None, "its lease still holds"
            lapse(job)
            assert runner.sweep() == [job.pk]
            assert runner.work(job.pk) == "done"
        assert counted(job) == [1, 2, 3]
        assert fresh(job).turn == 2

    def test_begun_five_times_without_getting_further_is_the_end(self, person):
        def die(step):
            step.progress(1, 9)
            raise KeyboardInterrupt

        with registered(run=die):
            job = asked(person)
            for _time in range(MAX_ATTEMPTS):
                assert runner.sweep() == [job.pk]
                with pytest.raises(KeyboardInterrupt):
                    runner.work(job.pk)
                lapse(job)
            assert runner.work(job.pk) is None
            assert runner.sweep() == []
        job = fresh(job)
        assert (job.state, job.error_code, job.attempts) == ("failed", "jobs.given_up", MAX_ATTEMPTS)
        assert "stopped several times" in job.error

    def test_a_job_that_cannot_be_ended_keeps_no_other_back(self, kind, person, caplog):
        def link(job):
            raise ZeroDivisionError("Siti")

        with registered("tests.broken", link=link):
            broken, job = asked(person, kind="tests.broken"), asked(person)
            Job.objects.filter(pk=broken.pk).update(
                state="running", attempts=MAX_ATTEMPTS, created_at=clock.now() - timedelta(hours=1)
            )
            lapse(broken)
            assert runner.sweep() == [job.pk]
        assert "cannot be ended: ZeroDivisionError" in caplog.text
        assert "Siti" not in caplog.text

    def test_getting_further_counts_the_tries_anew(self, person):
        def die(step):
            count(step, step.done + 1, 9)
            raise KeyboardInterrupt

        with registered(run=die):
            job = asked(person, total=9)
            for _time in range(MAX_ATTEMPTS + 3):
                with pytest.raises(KeyboardInterrupt):
                    runner.work(job.pk)
                lapse(job)
            assert runner.sweep() == [job.pk]
        assert (fresh(job).done, fresh(job).attempts) == (8, 0)

    @pytest.mark.parametrize("error", [OperationalError(1213, "Deadlock"), OperationalError("database is locked"),
                                       files.StorageDown("Try again.")])  # fmt: skip
    def test_what_passes_is_tried_again_later(self, person, error):
        with registered(run=failing(lambda: error)):
            job = asked(person)
            assert runner.work(job.pk) == "running"
            assert runner.work(job.pk) is None, "not at once"
            assert fresh(job).lease_until > clock.now()
        lapse(job)
        with registered():
            assert runner.work(job.pk) == "done"
        assert counted(job) == [1, 2, 3]

    def test_what_does_not_pass_ends_it(self, person):
        def run(step):
            raise OperationalError(1213, "Deadlock")

        with registered(run=run):
            job = asked(person)
            for _time in range(MAX_ATTEMPTS - 1):
                assert runner.work(job.pk) == "running"
                lapse(job)
            assert runner.work(job.pk) == "failed"


@pytest.mark.django_db(transaction=True)
class TestTurns:
    def test_a_worker_that_was_given_up_writes_nothing_more(self, kind, person):
        slow = asked(person, total=4)

        def run(step):
            count(step, 1, 4)
            lapse(slow)
            runner.work(slow.pk)  # somebody else takes it meanwhile
            with pytest.raises(jobs.LeaseLost):
                count(step, 2, 4)
            return jobs.JobResult(data=b"late", name="late.txt")

        Job.objects.update(kind="tests.slow")
        with registered("tests.slow", run=lambda step: (run if step.turn == 1 else kind.run)(step)):
            assert runner.work(slow.pk) is None
        job = fresh(slow)
        assert (job.state, job.result_name, job.turn) == ("done", "hitungan.txt", 2)
        assert counted(job) == [1, 2, 3, 4]
        assert StoredFile.objects.count() == 1, "the late result is no row"

    def test_a_long_job_lets_others_have_their_turn(self, person, monkeypatch):
        monkeypatch.setattr(steps, "SLICE_SECONDS", 0)
        sent = []
        monkeypatch.setattr(workers.current_app, "send_task", lambda name, args, **more: sent.append(args[0]))
        with registered():
            job = asked(person)
            assert [runner.work(job.pk) for _time in range(4)] == ["running"] * 3 + ["done"]
        assert sent == [str(job.pk)] * 4
        assert counted(job) == [1, 2, 3]
        assert (fresh(job).turn, fresh(job).attempts) == (4, 1)

    def test_a_worker_that_was_given_up_moves_nothing_while_another_works(self, person):
        def run(step):
            count(step, 1, 4)
            lapse(job)
            assert runner._claim(job.pk).turn == 2
            with pytest.raises(jobs.LeaseLost):
                count(step, 2, 4)
            raise InvalidInput("Too late to say so.")

        with registered(run=run):
            job = asked(person, total=4)
            assert runner.work(job.pk) is None
        assert (fresh(job).state, fresh(job).done, fresh(job).error) == ("running", 1, "")
        assert counted(job) == [1]

    def test_a_batch_that_fails_leaves_no_progress(self, person):
        def run(step):
            count(step, 1, 9)
            count(step, 1, 9)  # its key is taken

        with registered(run=run):
            job = asked(person)
            assert runner.work(job.pk) == "failed"
        assert (fresh(job).done, counted(job)) == (1, [1])

    def test_to_the_end_in_one_process(self, person, monkeypatch):
        monkeypatch.setattr(steps, "SLICE_SECONDS", 0)
        with registered():
            assert runner.run_to_end(asked(person).pk).state == "done"

    def test_the_sweep_hands_out_and_tidies(self, kind, person, monkeypatch, time_machine):
        sent = []
        monkeypatch.setattr(tasks.run, "apply_async", lambda args: sent.append(args[0]))
        old, job = asked(person, total=1), asked(person, total=2)
        runner.work(old.pk)
        assert tasks.sweep() == 1
        assert sent == [str(job.pk)]
        assert tasks.run(str(job.pk)) == "done"
        time_machine.move_to(clock.now() + timedelta(days=8))
        assert tasks.sweep() == 0
        assert StoredFile.objects.count() == 0


def test_of_many_workers_exactly_one_works(race, cast):
    person = UserFactory(username="ns.sari", roles=["nurse"])
    with registered():
        made = [asked(person, total=number) for number in (20, 21, 22)]
        results = race(runner.work, [(job.pk,) for job in made for _worker in range(4)])
    assert sorted(str(result) for result in results) == ["None"] * 9 + ["done"] * 3
    assert [counted(job) for job in made] == [list(range(1, number + 1)) for number in (20, 21, 22)]
    assert AuditEvent.objects.filter(action="jobs.job.finished").count() == 3


def test_cancelling_against_working_leaves_one_truth(race, cast):
    person = UserFactory(username="ns.sari", roles=["nurse"])
    begun = threading.Event()

    def run(step):
        count(step, 1, 2)
        begun.set()
        count(step, 2, 2)

    def cancel(job):
        begun.wait(20)
        try:
            return services.cancel(job_id=job.pk, actor=person).state
        finally:
            connections.close_all()

    with registered(run=run):
        for total in range(5):
            begun.clear()
            job = asked(person, total=total)
            results = race(lambda part, job=job: runner.work(job.pk) if part == "work" else cancel(job),
                           [("work",), ("cancel",)])  # fmt: skip
            state = fresh(job).state
            assert state in ("done", "cancelled")
            assert (str(results[0]) == "done") == (state == "done"), results
            assert (str(results[1]) == "cancelled") == (state == "cancelled"), results
