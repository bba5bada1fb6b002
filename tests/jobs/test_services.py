"""Asking, limits, cancelling, going on, results and their end."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

import jobs
from accounts.access import Capability
from audit.models import AuditEvent
from core import clock, files, workers
from core.models import StoredFile
from jobs import kinds, runner, services
from jobs.errors import JobEnded, JobNotPermitted, JobNotResumable, ResultGone, TooManyJobs
from jobs.models import Job
from tests.factories.accounts import UserFactory
from tests.jobs.sample import NAME, asked, counted, failing, registered

pytestmark = pytest.mark.django_db
PATIENT = uuid4()


def told() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(action__startswith="jobs.").order_by("id").values_list("action", "result"))


def test_a_request_is_a_row_an_event_and_a_nudge_after_the_commit(
    kind, person, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(workers.current_app, "send_task", lambda name, args, **more: sent.append((name, args)))
    with django_capture_on_commit_callbacks(execute=True):
        job = asked(person, patient_id=PATIENT, words="Siti Aminah")
        assert sent == []
    assert sent == [("jobs.tasks.run", [str(job.pk)])]
    assert (job.state, job.requested_by, job.patient_id) == ("queued", person, PATIENT)
    event = AuditEvent.objects.get(action="jobs.job.requested")
    assert (event.actor_id, event.patient_id, event.detail) == (person.pk, PATIENT, {"kind": NAME})


def test_a_broker_that_is_away_costs_no_request(kind, person, monkeypatch, django_capture_on_commit_callbacks):
    def refuse(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr(workers.current_app, "send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        job = asked(person)
    assert services.due() == [job.pk]


def test_the_same_request_is_one_job_and_a_fourth_is_refused(kind, person, cast):
    first = asked(person, total=1)
    assert asked(person, total=1) == first
    assert asked(person, total=1, patient_id=PATIENT) != first
    asked(person, total=2)
    with pytest.raises(TooManyJobs, match="3 jobs of this kind"):
        asked(person, total=3)
    assert asked(person, total=2) in Job.objects.all(), "one that is there already is no fourth"
    assert Job.objects.count() == 3
    asked(cast.doctor, total=3)
    runner.work(first.pk)
    assert asked(person, total=1) != first, "an ended one is not given back"


def test_who_may_not_use_the_kind_gets_no_job(person, cast):
    with registered(capability=Capability.MANAGE_USERS):
        with pytest.raises(JobNotPermitted):
            asked(person)
        assert asked(cast.admin).state == "queued"
    with registered(allows=lambda user, job: job.patient_id == PATIENT):
        with pytest.raises(JobNotPermitted):
            asked(person)
        assert asked(person, patient_id=PATIENT).state == "queued"
    assert Job.objects.count() == 2
    with pytest.raises(ValueError, match="unknown kind"):
        asked(person)


def test_own_jobs_only_unless_the_kind_is_shared(person, cast):
    with registered(capability=Capability.VIEW_QUEUE), registered("tests.shared", capability=Capability.VIEW_QUEUE,
                                                                   is_shared=True):  # fmt: skip
        own, shared = asked(person), asked(person, kind="tests.shared")
        assert set(Job.objects.visible_to(person)) == {own, shared}
        assert set(Job.objects.visible_to(cast.doctor)) == {shared}
        assert set(Job.objects.visible_to(cast.cashier)) == set(), "without the right not even the shared one"
        person.roles.all().delete()
        person = type(person).objects.get(pk=person.pk)
        assert set(Job.objects.visible_to(person)) == set(), "nor one's own once the right is gone"
    assert set(Job.objects.visible_to(cast.doctor)) == set(), "a kind nobody knows is nobody's"


def test_a_kind_has_one_owner(kind):
    with pytest.raises(ValueError, match="already"):
        jobs.register(NAME, run=kind.run, label="Again")


def test_cancel_and_go_on_where_it_was(person):
    def run(step):
        kind.run(step)
        if step.parameters["total"] == 3 and step.turn == 1:
            services.cancel(job_id=step.job_id, actor=person)
        step.progress(4, 4, cursor={"number": 4})
        return None

    with registered() as kind, registered("tests.cancelled", run=run):
        job = asked(person, kind="tests.cancelled")
        assert runner.work(job.pk) is None
        job.refresh_from_db()
        assert (job.state, job.done, job.is_resumable) == ("cancelled", 3, True)
        assert counted(job) == [1, 2, 3]
        with pytest.raises(JobEnded):
            services.cancel(job_id=job.pk, actor=person)
        assert services.due() == []
        services.resume(job_id=job.pk, actor=person)
        assert runner.work(job.pk) == "done"
        job.refresh_from_db()
        assert (job.done, counted(job), job.turn) == (4, [1, 2, 3], 2)
        with pytest.raises(JobNotResumable):
            services.resume(job_id=job.pk, actor=person)
        with pytest.raises(JobEnded):
            services.cancel(job_id=job.pk, actor=person)
    assert [action for action, _result in told()] == [
        "jobs.job.requested", "jobs.job.cancelled", "jobs.job.resumed", "jobs.job.finished",
    ]  # fmt: skip


def test_going_on_asks_for_the_right_and_the_limit_again(person, cast):
    with registered(run=failing(ZeroDivisionError), capability=Capability.RECORD_VITALS):
        job = asked(person)
        assert runner.work(job.pk) == "failed"
        for number in range(4, 7):
            asked(person, total=number)
        with pytest.raises(TooManyJobs):
            services.resume(job_id=job.pk, actor=person)
        Job.objects.open().delete()
        with pytest.raises(JobNotPermitted):
            services.resume(job_id=job.pk, actor=cast.cashier)
        assert services.resume(job_id=job.pk, actor=person).state == "queued"
        assert runner.work(job.pk) == "failed"
        Job.objects.update(expires_at=clock.now())
        with pytest.raises(JobNotResumable):
            services.resume(job_id=job.pk, actor=person)


def test_a_result_is_loaded_audited_and_gone_after_its_time(person, time_machine):
    with registered(result_lifetime=timedelta(hours=24), allows=lambda user, job: allowed):
        allowed = True
        job = asked(person, patient_id=PATIENT, words="Siti")
        runner.work(job.pk)
        stored, name = services.open_result(job_id=job.pk, actor=person)
        assert (files.read(stored), name) == (b"1\n2\n3\n", "hitungan.txt")
        event = AuditEvent.objects.get(action="jobs.result.downloaded")
        assert (event.actor_id, event.patient_id, event.detail) == (person.pk, PATIENT, {"kind": NAME, "rows": 3})
        allowed = False
        with pytest.raises(JobNotPermitted):
            services.open_result(job_id=job.pk, actor=person)
        allowed = True
        assert services.remove_expired() == 0
        time_machine.move_to(clock.now() + timedelta(hours=24, minutes=1))
        with pytest.raises(ResultGone):
            services.open_result(job_id=job.pk, actor=person)
        assert StoredFile.objects.count() == 1
        assert services.remove_expired() == 1
        assert services.remove_expired() == 0
        job.refresh_from_db()
        assert (job.result_id, job.parameters, job.state, job.has_result) == (None, {}, "done", False)
        assert StoredFile.objects.count() == 0
        assert AuditEvent.objects.filter(action="jobs.result.removed", patient_id=PATIENT).count() == 1
        assert AuditEvent.objects.filter(action="jobs.result.downloaded").count() == 1


def test_results_of_one_patient_go_when_asked(kind, person):
    mine, other, waiting = asked(person, patient_id=PATIENT), asked(person), asked(person, patient_id=PATIENT, total=9)
    runner.work(mine.pk)
    runner.work(other.pk)
    assert services.remove_results_of(PATIENT) == 1
    assert [job.result_id is not None for job in Job.objects.order_by("pk")] == [False, True, False]
    waiting.refresh_from_db()
    assert waiting.parameters == {"total": 9}


def test_old_rows_go(kind, person, time_machine):
    job = asked(person)
    runner.work(job.pk)
    asked(person, total=9)
    time_machine.move_to(clock.now() + services.KEEP_ROWS + timedelta(days=1))
    assert services.remove_old() == 0, "its result comes first"
    services.remove_expired()
    assert services.remove_old() == 1
    assert Job.objects.get().state == "queued"


def test_of_many_requests_at_once_three_are_taken(race, cast):
    person = UserFactory(username="ns.sari", roles=["nurse"])
    with registered():
        results = race(lambda number: asked(person, total=number), [(number,) for number in range(8)])
        assert sum(isinstance(result, Job) for result in results) == 3
        assert sum(isinstance(result, TooManyJobs) for result in results) == 5
        Job.objects.all().delete()
        results = race(lambda: asked(person), [()] * 8)
        assert len({result.pk for result in results}) == 1
    assert Job.objects.count() == 1


def test_the_registry_is_left_as_it_was():
    assert kinds.get(NAME) is None or kinds.get(NAME).label == "Counting"
