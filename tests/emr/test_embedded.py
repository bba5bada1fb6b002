"""The embedded product, for real: one command, a second one refused, a kill survived."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from emr import embedded, processes, schedules

DEVELOPMENT = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "emr.settings.development"}


def test_only_one_process_and_the_lock_goes_with_it(tmp_path):
    words = f"already running here \\(process {os.getpid()}\\)"
    with embedded.only_process(tmp_path), pytest.raises(embedded.CannotServe, match=words):
        embedded.only_process(tmp_path).__enter__()
    with embedded.only_process(tmp_path):
        pass


def test_a_taken_port_is_a_sentence():
    with embedded.bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(embedded.CannotServe, match=f"Port {port} is used by another program"):
            embedded.bind("127.0.0.1", port)


def test_serve_is_refused_outside_the_embedded_product(settings):
    settings.EMBEDDED = False
    with pytest.raises(CommandError, match="EMBEDDED is 0"):
        call_command("serve")


def test_in_memory_queues_outside_the_embedded_product_are_an_error(settings):
    settings.EMBEDDED = False
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": processes.IN_MEMORY_LAYER}}
    assert [found.id for found in processes.check_shared_services(None)] == ["emr.E200"]
    settings.SILENCED_SYSTEM_CHECKS = []
    with pytest.raises(processes.ImproperlyConfigured, match="Set REDIS_URL"):
        processes.refuse_lonely_process()
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}}
    assert [found.id for found in processes.check_shared_services(None)] == ["emr.E200"], "the broker still is"
    settings.CELERY_BROKER_URL = "redis://127.0.0.1/0"
    assert processes.check_shared_services(None) == []
    settings.EMBEDDED, settings.CELERY_BROKER_URL = True, "memory://localhost/"
    assert processes.check_shared_services(None) == []


def test_a_worker_of_its_own_needs_a_broker(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "emr", "worker"],
        cwd=settings.BASE_DIR,
        env={**DEVELOPMENT, "VAR_DIR": str(tmp_path), "CELERY_SKIP_CHECKS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert processes.SENTENCE in done.stderr


def test_schedules_are_seeded_once_and_follow_the_code(db):
    from django_celery_beat.models import PeriodicTask

    schedules.seed()
    rows = {row.name: row for row in PeriodicTask.objects.all()}
    assert {row.task for row in rows.values()} == {schedule.task for schedule in schedules.SCHEDULES}
    PeriodicTask.objects.filter(name="emr: mail outbox").update(enabled=False, task="old.name")
    PeriodicTask.objects.create(name="emr: gone", task="x.y", interval=rows["emr: mail outbox"].interval)
    PeriodicTask.objects.create(name="the clinic's own", task="x.y", interval=rows["emr: mail outbox"].interval)
    schedules.seed()
    row = PeriodicTask.objects.get(name="emr: mail outbox")
    assert (row.task, row.enabled) == ("notifications.tasks.sweep_outbox", False)
    assert not PeriodicTask.objects.filter(name="emr: gone").exists()
    assert PeriodicTask.objects.filter(name="the clinic's own").exists()
    assert PeriodicTask.objects.count() == len(schedules.SCHEDULES) + 1


def test_every_scheduled_task_exists():
    from emr.celery import app

    app.loader.import_default_modules()
    assert {schedule.task for schedule in schedules.SCHEDULES} <= set(app.tasks)


class Installation:
    """A fresh embedded installation in a directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.running = None

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        return self.run("manage.py", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=300,
        )

    @property
    def environ(self) -> dict[str, str]:
        return {**DEVELOPMENT, "VAR_DIR": str(self.directory), "PYTHONUNBUFFERED": "1"}

    def serve(self) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(self.port)],
            cwd=settings.BASE_DIR,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.wait_for(self.answers)

    def answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/static/css/tokens.css", headers={"Host": "localhost"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def order_mail(self, key: str) -> None:
        code = (
            "from notifications.services import queue_email; queue_email(template='account_activated', "
            f"to='siti@surat.example', language='id', context={{'name': 'Siti', 'record_number': '1'}}, dedupe_key='{key}')"
        )
        done = self.manage("shell", "-c", code)
        assert done.returncode == 0, done.stderr

    def mails(self) -> int:
        return sum(
            file.read_text(encoding="utf-8").count("Message-ID:") for file in (self.directory / "mail").glob("*")
        )

    def wait_for(self, condition) -> None:
        deadline = time.monotonic() + 150
        while not condition():
            assert self.running.poll() is None, self.running.stdout.read()
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.1)


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path / "var")
    yield made
    if made.running is not None and made.running.poll() is None:
        made.running.kill()
        made.running.communicate()


def test_serve_refuses_a_database_that_was_not_migrated(installation):
    refused = installation.manage("serve", "--port", str(installation.port))
    assert refused.returncode == 1
    assert refused.stderr.strip() == "CommandError: The database is not up to date. Run: python manage.py migrate"


def test_one_command_serves_pages_and_works_survives_a_kill_and_stops_cleanly(installation):
    assert installation.manage("migrate").returncode == 0
    beat = installation.run("-m", "celery", "-A", "emr", "beat")
    assert beat.returncode == 1
    assert beat.stderr.strip().endswith(processes.SENTENCE)

    installation.order_mail("before the start")
    installation.serve()
    installation.wait_for(lambda: installation.mails() == 1)

    second = installation.manage("serve", "--port", str(installation.port + 1))
    assert second.returncode == 1
    assert "already running here" in second.stderr

    installation.running.kill()
    installation.running.communicate()
    installation.order_mail("while nobody works")
    installation.serve()
    installation.wait_for(lambda: installation.mails() == 2)

    installation.running.send_signal(signal.SIGTERM)
    output, _errors = installation.running.communicate(timeout=90)
    assert installation.running.returncode == 0
    assert f"is open at http://localhost:{installation.port}/" in output
    assert output.rstrip().endswith("Stopped.")
    assert "Traceback" not in output
    assert installation.mails() == 2
