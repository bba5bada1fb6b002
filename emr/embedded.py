"""The embedded product: web server, worker and scheduler as threads of one process, with in-memory queues between them.

The truth is in tables. What a kill loses is a nudge, and the first sweep after the next start finds the row.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from celery import current_app
from celery.beat import Service
from celery.worker import state as worker_state
from django.db import connections
from django_celery_beat.schedulers import DatabaseScheduler

from core.errors import DomainError
from emr.schedules import SCHEDULES

logger = logging.getLogger(__name__)

WORKER_THREADS = 2
BEAT_MAX_SLEEP_SECONDS = 2  # also the longest wait for a clean stop
RESTART_AFTER_SECONDS = 5
STOP_WITHIN_SECONDS = 10


class CannotServe(DomainError):
    """Another process is in the way."""

    code = "emr.cannot_serve"


@contextlib.contextmanager
def only_process(directory: Path) -> Iterator[None]:
    """Hold the lock file of this installation; the lock goes with the process, whatever ends it.

    Raises:
        CannotServe: another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "serve.lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip()
            raise CannotServe(
                f"EMR Batam Sehat is already running here{f' (process {holder})' if holder else ''}. "
                "Stop it first: press Ctrl+C in its window."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        CannotServe: the port is taken, not allowed, or the host is no address of this machine.
    """
    try:
        family, kind, _protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotServe(
                f"Port {port} is used by another program. Stop that program, or take another port: make run PORT={port + 1}"
            ) from error
        raise CannotServe(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
    return listener


class Background:
    """Worker and scheduler in threads that are started again should they fail."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._worker: Any = None
        self._beat: Any = None

    def start(self) -> None:
        """Start both, and ask at once for everything the schedule knows: a kill may have lost its nudges."""
        worker_state.should_stop = None
        for name, work in (("worker", self._run_worker), ("beat", self._run_beat)):
            thread = threading.Thread(target=self._keep_running, args=(name, work), name=f"emr-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)
        for schedule in SCHEDULES:
            current_app.send_task(schedule.task)

    def stop(self) -> None:
        """Let running tasks end, then both threads; give up waiting after a few seconds."""
        self._stopping.set()
        worker_state.should_stop = 0
        if self._beat is not None:
            self._beat.stop()
        for thread in self._threads:
            thread.join(STOP_WITHIN_SECONDS)

    def _keep_running(self, name: str, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except Exception:
                logger.exception("the %s stopped and is started again", name)
            finally:
                connections.close_all()
            self._stopping.wait(RESTART_AFTER_SECONDS)

    def _run_worker(self) -> None:
        self._worker = current_app.WorkController(
            pool="threads",
            concurrency=WORKER_THREADS,
            hostname="embedded",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            loglevel=logging.WARNING,
        )
        self._worker.start()

    def _run_beat(self) -> None:
        self._beat = Service(current_app, scheduler_cls=DatabaseScheduler, max_interval=BEAT_MAX_SLEEP_SECONDS)
        self._beat.is_embedded = True
        self._beat.start()
