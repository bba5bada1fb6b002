"""Run the embedded product: pages, live connections, worker and scheduler in this one process."""

from __future__ import annotations

import signal
import socket
import warnings
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from accounts.demo import demo_sign_ins
from core.keys import KeysError
from core.keys_check import verify_sentinel
from emr import embedded, schedules


class Command(BaseCommand):
    help = "Run the embedded product: pages, live connections, worker and scheduler in this one process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port (default 8000)")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(
                "EMBEDDED is 0, so worker and scheduler are processes of their own. "
                "Run gunicorn for the pages, `uvicorn emr.asgi:application` for /ws/, and `celery -A emr worker` and `beat`."
            )
        try:
            with embedded.only_process(settings.VAR_DIR):
                self._check_database()
                settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
                listener = embedded.bind(host, port)
                schedules.seed()
                connection.close()
                self._serve(listener, host, port)
        except (embedded.CannotServe, KeysError) as error:
            raise CommandError(str(error)) from error

    def _check_database(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not up to date. Run: python manage.py migrate")
        verify_sentinel()

    def _serve(self, listener: socket.socket, host: str, port: int) -> None:
        # WhiteNoise answers with synchronous files, which Django reads into memory under ASGI and warns about: static
        # files are small here, and production serves pages under WSGI.
        warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
        config = uvicorn.Config(
            "emr.asgi:application",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=4096,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        background = embedded.Background()
        # Uvicorn raises the signal again when it is done; ours let the worker stop in order instead.
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, lambda *_: None)
        background.start()
        self._greet(host, port)
        try:
            server.run(sockets=[listener])
        finally:
            self.stdout.write("Stopping…")
            background.stop()
            self.stdout.write("Stopped.")

    def _greet(self, host: str, port: int) -> None:
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::1", "::") else host  # noqa: S104 - shown, not bound
        self.stdout.write("")
        self.stdout.write(self.style.SUCCESS(f"{settings.CLINIC_NAME} is open at http://{shown}:{port}/"))
        for door, path in (("staff", "accounts:login"), ("patient", "accounts:portal-login")):
            entries = demo_sign_ins(door) if settings.DEMO_MODE else []
            if entries:
                self.stdout.write(f"\nDemo sign-ins, {door} (http://{shown}:{port}{reverse(path)}):")
            for entry in entries:
                self.stdout.write("  {username:<16} {password:<24} {role}".format(**entry))
        self.stdout.write("")
        self.stdout.write("Stop with Ctrl+C.")
        self.stdout.flush()
