"""The pages of background work: own jobs only, live while they run, whole without script."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from jobs import runner, services
from jobs.models import Job
from tests.jobs.sample import asked, failing, registered

pytestmark = pytest.mark.django_db


def url(name: str, job: Job | None = None) -> str:
    return reverse(f"jobs:{name}", args=[job.pk] if job else [])


def test_another_persons_job_does_not_exist(kind, person, cast, client_for):
    job = asked(person)
    runner.work(job.pk)
    client = client_for(cast.admin)
    for name in ("detail", "progress-panel", "result"):
        assert client.get(url(name, job)).status_code == 404
    for name in ("cancel", "resume"):
        assert client.post(url(name, job)).status_code == 404
    assert str(job.pk) not in client.get(url("list")).content.decode()
    assert not AuditEvent.objects.filter(action="jobs.result.downloaded").exists()


def test_a_running_job_asks_again_and_an_ended_one_stops(kind, person, client_for):
    job, client = asked(person), client_for(person)
    Job.objects.update(
        state="running", started_at=clock.now() - timedelta(minutes=2), done=40, total=120, phase="counting"
    )
    page = client.get(url("detail", job)).content.decode()
    assert 'hx-trigger="load delay:2s, every 30s"' in page
    assert '<progress max="100" value="33"' in page
    for words in ("Counting one by one", "40 of 120", "33 %", "about 4 minutes left", "Cancel the work", "Reload"):
        assert words in page
    panel = client.get(url("progress-panel", job), headers={"HX-Request": "true"})
    assert "hx-get" in panel.content.decode()
    assert "Cancel the work" not in panel.content.decode(), (
        "a button under the finger is not replaced every two seconds"
    )
    assert "HX-Trigger" not in panel

    Job.objects.update(state="queued", done=0, total=0)
    runner.work(job.pk)
    panel = client.get(url("progress-panel", job), headers={"HX-Request": "true"})
    body = panel.content.decode()
    assert "hx-get" not in body
    assert panel["HX-Trigger"] == "job-ended"
    assert f'hx-swap-oob="innerHTML:#job-said-{job.pk}"' in body
    assert "3 counted" in body
    assert url("result", job) in body


def test_the_page_of_a_job_that_waits_has_no_share_yet(kind, person, client_for):
    page = client_for(person).get(url("detail", asked(person))).content.decode()
    assert "Waits for its turn" in page
    assert '<progress max="100" aria-label="Counting">' in page


def test_the_file_is_loaded_once_per_event(kind, person, client_for):
    job, client = asked(person), client_for(person)
    runner.work(job.pk)
    answer = client.get(url("result", job))
    assert (answer.status_code, answer.content) == (200, b"1\n2\n3\n")
    assert answer["Content-Disposition"] == 'attachment; filename="hitungan.txt"'
    assert "no-store" in answer["Cache-Control"]
    assert AuditEvent.objects.filter(action="jobs.result.downloaded", actor_id=person.pk).count() == 1


def test_a_file_whose_time_is_over_is_a_sentence(kind, person, client_for):
    job, client = asked(person), client_for(person)
    runner.work(job.pk)
    Job.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    answer = client.get(url("result", job), follow=True)
    assert "no longer kept. Start the job once more." in answer.content.decode()
    assert not AuditEvent.objects.filter(action="jobs.result.downloaded").exists()


def test_cancel_returns_to_the_page_it_stood_on_and_to_no_other(kind, person, client_for):
    client = client_for(person)
    job = asked(person)
    answer = client.post(url("cancel", job), {"next": "/jobs/?after=x"})
    assert (answer.status_code, answer["Location"]) == (302, "/jobs/?after=x")
    assert "It was cancelled before anything was done." in client.get(url("detail", job)).content.decode()
    answer = client.post(url("resume", job), {"next": "//evil.example/"})
    assert answer["Location"] == url("detail", job)
    runner.work(job.pk)
    answer = client.post(url("cancel", job), follow=True)
    assert "This job has already ended." in answer.content.decode()


def test_a_failed_job_says_why_and_can_go_on(person, client_for):
    client = client_for(person)
    with registered(run=failing(lambda: ZeroDivisionError("secret"))):
        job = asked(person)
        runner.work(job.pk)
        page = client.get(url("detail", job)).content.decode()
        assert "The work failed because of a fault in the program." in page
        assert "It stopped at 1 of 9." in page
        assert "Go on from here" in page
        assert "secret" not in page


def test_hostile_words_are_text(person, client_for):
    with registered(run=failing(lambda: services.JobNotPermitted()), label="<b>Counting</b>"):
        job = asked(person)
        Job.objects.update(state="failed", error="<script>alert(1)</script>")
        page = client_for(person).get(url("detail", job)).content.decode()
        assert "&lt;b&gt;Counting" in page
        assert "<script>alert" not in page


def test_a_patient_sees_own_jobs_in_the_portal(kind, cast, client_for):
    job = asked(cast.patient_user)
    answer = client_for(cast.patient_user).get(url("detail", job))
    assert "base_portal.html" in [template.name for template in answer.templates]
    assert client_for(cast.other_patient_user).get(url("detail", job)).status_code == 404


def test_an_empty_list_says_what_will_be_there(person, client_for):
    assert "No background work yet" in client_for(person).get(url("list")).content.decode()


@pytest.mark.parametrize("name", ["list", "list-panel"])
def test_a_list_costs_the_same_for_3_and_30(kind, person, client_for, django_assert_max_num_queries, name):
    client = client_for(person)
    client.get(url(name))
    counts = []
    for total in (3, 22):
        Job.objects.bulk_create(
            Job(kind=kind.name, requested_by=person, created_at=clock.now(), state="done", outcome={"rows": 1})
            for _number in range(total)
        )
        with django_assert_max_num_queries(15) as queries:
            assert client.get(url(name)).content.decode().count("<tr>") == 1 + min(25, Job.objects.count())
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_watching_costs_few_statements(kind, person, client_for, django_assert_max_num_queries):
    client, job = client_for(person), asked(person)
    client.get(url("progress-panel", job))
    with django_assert_max_num_queries(6):
        client.get(url("progress-panel", job))


def test_an_unknown_id_is_404(kind, person, client_for):
    assert client_for(person).get(reverse("jobs:detail", args=[uuid4()])).status_code == 404
