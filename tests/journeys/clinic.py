"""A running clinic for the journeys: the real server with its worker and scheduler, the demo data, and a mail server.

Nothing here touches a database of this process. What a journey needs to know about rows it asks a process beside the server.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b32decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiosmtpd.controller import Controller
from django_otp.oath import TOTP

from tests.snapshots import Snapshot

ROOT = Path(__file__).resolve().parent.parent.parent
ZONE = ZoneInfo("Asia/Jakarta")
# Values of the process that runs the tests (`emr.settings.test` puts some there) are not those of the server.
NOT_INHERITED = (
    "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "SEARCH_MASTER_KEY",
    "AUDIT_SEAL_KEY", "SESSION_HASH_KEY", "KEY_DIR", "EMBEDDED", "DEMO_MODE", "DEBUG", "SITE_URL", "ALLOWED_HOSTS",
)  # fmt: skip
START_WITHIN = 60
TOTP_SECONDS = 30
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "nginx"
STOP_WITHIN = 20
LINES_AFTER = 30  # of a log after an error
MARK, FAILED = "journey-answer:", "journey-failure"
NUMBERS = itertools.count(1)  # of the clinics of this run: each has its own database, also in Redis

# Runs each script in a process of its own that has all code loaded already.
ASKED = f"""
import json, os, sys
import django
django.setup()
for line in sys.stdin:
    child = os.fork()
    if not child:
        names = {{}}
        exec(json.loads(line), names)
        print({MARK!r} + json.dumps(names["answer"], default=str), flush=True)
        break
    if os.waitpid(child, 0)[1]:
        print({FAILED!r}, flush=True)
"""
APPS = """
from accounts.models import TotpDevice
rows = TotpDevice.objects.filter(confirmed=True).select_related("user").order_by("pk")
answer = [[row.user.username, row.key_hex, row.last_t] for row in rows]
"""
ONE_MORE_APP = """
from accounts.models import TotpDevice, User
answer = TotpDevice.objects.create(user=User.objects.get(username="{username}"), name="Ponsel lain").key_hex
"""


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def now() -> datetime:
    """Return the clinic's wall clock."""
    return datetime.now(ZONE)


class Mailbox:
    """A mail server on this machine that keeps what it took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        message["X-Journey-To"] = ", ".join(envelope.rcpt_tos)
        self.mails.append(message)
        return "250 taken"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def to(self, address: str) -> list[EmailMessage]:
        """Return the mails to one address, oldest first."""
        return [mail for mail in list(self.mails) if mail["X-Journey-To"] == address]

    def wait(self, address: str, subject: str, *, count: int = 1, within: float = 30) -> str:
        """Return the text of the latest mail to `address` with `subject` in its subject, once there are `count` of them."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            found = [mail for mail in self.to(address) if subject in mail["Subject"]]
            if len(found) >= count:
                assert len(found) == count, f"{len(found)} mails “{subject}” to {address}, not {count}"
                assert found[-1]["Content-Language"] == "id"
                return text_of(found[-1])
            time.sleep(0.1)
        there = [mail["Subject"] for mail in self.to(address)]
        raise AssertionError(f"no mail “{subject}” ({count}) to {address} within {within} s; there are {there}")


def text_of(mail: EmailMessage) -> str:
    """Return the plain text of a mail, and check that the HTML part says nothing less about numbers."""
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    text, marked_up = plain.get_content(), html.get_content()
    for number in re.findall(r"\b\d{6}\b|INV/[\d/]+", text):
        assert number in marked_up, f"{number} stands in the text of the mail and not in its HTML"
    return str(text)


class Certificate:
    """A certificate for localhost, made for one run. Browsers are told to trust its key and nothing else."""

    def __init__(self, directory: Path) -> None:
        self.file, self.key_file = directory / "tls.pem", directory / "tls-key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:TRUE",
             "-keyout", str(self.key_file), "-out", str(self.file)],
            check=True, capture_output=True,
        )  # fmt: skip
        public = subprocess.run(
            ["openssl", "x509", "-in", str(self.file), "-pubkey", "-noout"], check=True, capture_output=True
        ).stdout
        der = subprocess.run(
            ["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True, capture_output=True
        ).stdout
        self.fingerprint = b64encode(hashlib.sha256(der).digest()).decode()


@dataclass
class App:
    """An authenticator app on somebody's telephone: its key, and the last step whose code was used."""

    key: str
    used: int

    def next_code(self) -> str:
        """Return the code of the present step, or of the next one, which is taken too; "" when both were used."""
        now = int(time.time()) // TOTP_SECONDS
        step = max(now, self.used + 1)
        if step > now + 1:
            return ""
        self.used = step
        totp = TOTP(bytes.fromhex(self.key), TOTP_SECONDS, 0, 6)
        totp.time = step * TOTP_SECONDS
        return f"{totp.token():06d}"


class Clinic:
    """The server under test with its own folder, database and port."""

    _loaded: Snapshot | None = None  # the demo clinic before anybody came

    def __init__(
        self, directory: Path, mailbox: Mailbox, *, database_url: str = "", redis_url: str = "",
        certificate: Certificate | None = None,
    ) -> None:  # fmt: skip
        self.directory = directory
        self.mailbox = mailbox
        self.port = free_port()
        self.is_embedded = not database_url.startswith("mysql")
        self.url = f"{'http' if self.is_embedded else 'https'}://localhost:{self.port}"
        self.certificate = certificate  # of a clinic that the browser trusts already; else one is made
        self._pages_port, self._live_port = free_port(), free_port()
        number = next(NUMBERS)
        self.database_url = "" if self.is_embedded else _beside(database_url, number)
        self.redis_url = "" if self.is_embedded else _next_redis(redis_url, number)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._asked: subprocess.Popen[str] | None = None  # answers scripts
        self._passwords: dict[str, str] = {}
        self._apps: dict[str, list[App]] = {}
        self.typed_secrets: set[str] = (
            set()
        )  # passwords that journeys chose, backup codes and keys that they were shown

    # --- start and stop ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Load the demo clinic, start the processes, and wait until the sign-in page answers."""
        self._not_over_midnight()
        with self._server() as cursor:
            if cursor:
                _create(cursor, self.database_url)
            if Clinic._loaded is None:
                self._load()
                Clinic._loaded = Snapshot(self.directory, cursor)
            else:
                Clinic._loaded.restore(self.directory, cursor)
        if not self.is_embedded:
            self.certificate = self.certificate or Certificate(self.directory)
        for name, command in self._commands().items():
            log = (self.directory / f"{name}.log").open("wb")
            self._processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self._environment(served=True), stdout=log, stderr=subprocess.STDOUT
            )
            log.close()
        self._wait_until_open()

    def _load(self) -> None:
        """Make keys and static files, migrate, and load the demo clinic."""
        if not self.is_embedded:
            subprocess.run(
                [sys.executable, "-m", "core.keys", str(self.directory / "keys")],
                cwd=ROOT, env=self._environment(), check=True, capture_output=True,
            )  # fmt: skip
            self.manage("collectstatic", "--noinput", "-v", "0", served=True)
        self.manage("migrate", "-v", "0")
        self.manage("load_demo")

    def stop(self) -> None:
        """End every process started here, and drop the database that was made for it."""
        if self._asked is not None:
            self._asked.communicate()  # it ends with its input
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        with self._server() as cursor:
            if cursor:
                cursor.execute(f"DROP DATABASE IF EXISTS {_name(self.database_url)}")

    @contextmanager
    def _server(self) -> Iterator[Any]:
        """Give a cursor on the server of the database; None where the database is a file."""
        if self.is_embedded:
            yield None
            return
        connection = _connect(self.database_url)
        try:
            yield connection.cursor()
        finally:
            connection.close()

    def _commands(self) -> dict[str, list[str]]:
        """Embedded: one process. Else production as docs/running.md describes it, nginx with TLS in front."""
        if self.is_embedded:
            return {"serve": [sys.executable, "manage.py", "serve", "--port", str(self.port)]}
        python, pages, live = sys.executable, f"127.0.0.1:{self._pages_port}", str(self._live_port)
        return {
            "pages": [python, "-m", "gunicorn", "emr.wsgi:application", "--worker-class", "gthread", "--workers", "2",
                      "--threads", "4", "--bind", pages],
            "live": [python, "-m", "uvicorn", "emr.asgi:application", "--host", "127.0.0.1", "--port", live,
                     "--lifespan", "on", "--ws", "websockets-sansio", "--ws-max-size", "4096", "--no-access-log"],
            "worker": [python, "-m", "celery", "-A", "emr", "worker", "--loglevel", "WARNING", "--concurrency", "1"],
            "beat": [python, "-m", "celery", "-A", "emr", "beat", "--loglevel", "WARNING"],
            "nginx": [NGINX, "-p", str(self.directory), "-c", str(self._nginx_conf()), "-g", "daemon off;"],
        }  # fmt: skip

    def _nginx_conf(self) -> Path:
        """Write the shipped configuration with the ports, host and files of this run around it."""
        assert self.certificate is not None
        text = (ROOT / "deploy/nginx/emr.conf").read_text(encoding="utf-8")
        text = text[: text.rindex("server {")]  # port 80 belongs to somebody else on this machine
        for shipped, own in (
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("emr.clinic.example", "localhost"),
            ("/etc/emr/tls/fullchain.pem", str(self.certificate.file)),
            ("/etc/emr/tls/privkey.pem", str(self.certificate.key_file)),
            ("/var/log/nginx/emr.log", str(self.directory / "nginx-access.log")),
            ("127.0.0.1:8001", f"127.0.0.1:{self._pages_port}"),
            ("127.0.0.1:8002", f"127.0.0.1:{self._live_port}"),
        ):
            assert shipped in text, f"{shipped} is not in the shipped configuration any more"
            text = text.replace(shipped, own)
        temporary = "".join(
            f"{name}_temp_path {self.directory / name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        path = self.directory / "nginx.conf"
        path.write_text(
            f"pid {self.directory / 'nginx.pid'};\nerror_log stderr warn;\nworker_processes 1;\n"
            f"events {{ worker_connections 512; }}\nhttp {{\n{temporary}{text}}}\n",
            encoding="utf-8",
        )
        return path

    def _environment(self, *, served: bool = False) -> dict[str, str]:
        """Return the environment of a command, or of what serves people: production refuses demo mode, so the demo
        clinic is loaded by commands in development settings on the same database."""
        is_production = served and not self.is_embedded
        own = {
            "DJANGO_SETTINGS_MODULE": f"emr.settings.{'production' if is_production else 'development'}",
            "VAR_DIR": str(self.directory),
            "KEY_DIR": str(self.directory / "keys"),
            "EMBEDDED": "1" if self.is_embedded else "0",
            "DEMO_MODE": "0" if is_production else "1",
            "DEBUG": "0",
            "SITE_URL": self.url,
            "ALLOWED_HOSTS": "localhost",
            "TRUSTED_PROXY_COUNT": "1" if is_production else "0",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.mailbox.port),
            "EMAIL_USE_TLS": "0",
            "DATABASE_URL": self.database_url or f"sqlite:///{self.directory / 'emr.sqlite3'}",
            "REDIS_URL": self.redis_url,
            "PYTHONUNBUFFERED": "1",
        }
        return {**{name: value for name, value in os.environ.items() if name not in NOT_INHERITED}, **own}

    def _wait_until_open(self) -> None:
        end = time.monotonic() + START_WITHIN
        while time.monotonic() < end:
            for name, process in self._processes.items():
                assert process.poll() is None, f"{name} ended:\n{self.log(name)}"
            try:
                with self.ask("/masuk/") as answer:
                    assert answer.status == 200
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        raise AssertionError("the server did not open:\n" + "\n".join(self.log(name) for name in self._processes))

    @staticmethod
    def _not_over_midnight() -> None:
        """The demo's "today" must still be today at the end: wait for the new day when the old one is nearly over."""
        start = now()
        if (start + timedelta(minutes=8)).date() != start.date():
            midnight = (start + timedelta(days=1)).replace(hour=0, minute=0, second=5, microsecond=0)
            time.sleep((midnight - start).total_seconds())

    # --- asking -----------------------------------------------------------------------------------------------------

    def ask(self, path: str) -> Any:
        """Open an address without a browser."""
        trust = ssl.create_default_context(cafile=str(self.certificate.file)) if self.certificate else None
        return urllib.request.urlopen(f"{self.url}{path}", timeout=20, context=trust)

    def log(self, name: str, lines: int = 40) -> str:
        """Return the last lines that a process wrote."""
        text = (self.directory / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def errors_in_logs(self) -> list[str]:
        """Return what the processes wrote about failures, each with the lines after it: there stands the traceback."""
        found = []
        for name in self._processes:
            lines = self.log(name, 10_000).splitlines()
            found += [
                "\n".join(lines[place : place + 1 + LINES_AFTER])
                for place, line in enumerate(lines)
                if re.search(r"\b(?:ERROR|CRITICAL)\b|Internal Server Error", line)
            ]
        return found

    def manage(self, *arguments: str, served: bool = False) -> str:
        """Run one management command beside the server and return what it wrote."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self._environment(served=served),
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"manage.py {arguments[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def read(self, script: str) -> Any:
        """Run a script on the server's database; it leaves its answer in `answer`, which comes back through JSON."""
        if self._asked is None:
            with (self.directory / "asked.log").open("wb") as log:
                self._asked = subprocess.Popen(
                    [sys.executable, "-c", ASKED], cwd=ROOT, env=self._environment(), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=log, text=True,
                )  # fmt: skip
        assert self._asked.stdin is not None
        assert self._asked.stdout is not None
        self._asked.stdin.write(json.dumps(script) + "\n")
        self._asked.stdin.flush()
        for line in self._asked.stdout:
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))
            assert not line.startswith(FAILED), f"a script failed:\n{self.log('asked')}"
        raise AssertionError(f"nobody answers scripts:\n{self.log('asked')}")

    def code(self, username: str) -> str:
        """Return a code of one of the person's authenticator apps that was not used here before.

        A code works once, so somebody who signs in again within half a minute takes out another telephone.
        """
        if username not in self._apps:  # also of people that a test has made meanwhile
            for name, key, used in self.read(APPS):
                if name not in self._apps or all(key != app.key for app in self._apps[name]):
                    self._apps.setdefault(name, []).append(App(key, used))
        for app in self._apps[username]:
            if code := app.next_code():
                return code
        key = self.read(ONE_MORE_APP.format(username=username))
        self._apps[username].append(App(key, -1))
        return self._apps[username][-1].next_code()

    def learn_key(self, username: str, base32: str) -> None:
        """Keep the key of an authenticator app that was set up just now, as a telephone does."""
        self.typed_secrets.add(base32)
        key = b32decode(base32 + "=" * (-len(base32) % 8)).hex()
        self._apps.setdefault(username, []).append(App(key, int(time.time()) // TOTP_SECONDS - 1))

    def password(self, username: str) -> str:
        """Return the password that the sign-in page shows for a demo person."""
        if not self._passwords:
            rows = json.loads((self.directory / "demo-sign-ins.json").read_text(encoding="utf-8"))
            self._passwords = {row["username"]: row["password"] for row in rows}
        return self._passwords[username]


def _beside(database_url: str, clinic: int) -> str:
    """Return the address of a database of our own beside the given one."""
    parts = urlsplit(database_url)
    return parts._replace(path=f"{parts.path.rstrip('/') or '/emr'}_journey_{os.getpid()}_{clinic}").geturl()


def _next_redis(redis_url: str, clinic: int) -> str:
    """Return one of the next databases of the same Redis: other tests empty theirs."""
    assert redis_url, "REDIS_URL is needed beside a DATABASE_URL of MariaDB or MySQL"
    parts = urlsplit(redis_url)
    number = parts.path.strip("/")
    return parts._replace(path=f"/{(int(number) if number.isdigit() else 0) + clinic}").geturl()


def _name(database_url: str) -> str:
    """Return the name of a database as statements write it."""
    return f"`{urlsplit(database_url).path.strip('/')}`"


def _create(cursor: Any, database_url: str) -> None:
    """Make an empty database, which the cursor then uses."""
    name = _name(database_url)
    for statement in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {} CHARACTER SET utf8mb4", "USE {}"):
        cursor.execute(statement.format(name))


def _connect(database_url: str) -> Any:
    """Connect to the server of a database address."""
    import dj_database_url
    import MySQLdb

    config = dj_database_url.parse(database_url)
    options = {
        "host": config["HOST"], "user": config["USER"], "passwd": config["PASSWORD"], "port": int(config["PORT"] or 3306),
        "charset": "utf8mb4",
    }  # fmt: skip
    options |= {name: config["OPTIONS"][name] for name in ("unix_socket",) if name in config.get("OPTIONS", {})}
    return MySQLdb.connect(**{name: value for name, value in options.items() if value})
