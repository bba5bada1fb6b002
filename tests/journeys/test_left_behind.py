"""What is left after all journeys: nothing readable about people, no violation, and the headers of a safe site.

Runs last (see `pytest_collection_modifyitems` in conftest), on the clinic that the other journeys used.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.clinic import Clinic, Mailbox

pytestmark = pytest.mark.journey

# What must not be readable anywhere, asked from the running product, which can decrypt it.
CANARIES = """
from accounts.models import TotpDevice, User
from core import indonesia
from patients.models import (
    Patient, PatientAddress, PatientContact, PatientDocument, PatientIdentifier, PolicyCoverage, PortalRegistration,
)
answer = {"name": set(), "NIK": set(), "phone": set(), "address": set(), "secret": set(), "contact": set(), "number": set(),
          "document": set()}
accounts = set(User.objects.values_list("email", flat=True))
staff = set(user.full_name for user in User.objects.filter(kind="staff"))
for row in [*Patient.objects.all(), *PortalRegistration.objects.all()]:
    if " " in row.full_name and row.full_name not in staff:
        answer["name"].add(row.full_name)
    if row.nik and row.nik != indonesia.NIK_PLACEHOLDER:
        answer["NIK"].add(row.nik)
    if row.phone:
        local = "0" + row.phone.removeprefix("+62")
        answer["phone"] |= {row.phone, row.phone.lstrip("+"), indonesia.format_phone(row.phone), local}
    if getattr(row, "address", ""):
        answer["address"].add(row.address)
    if getattr(row, "email", "") and row.email not in accounts:
        answer["contact"].add(row.email)
    if " " in getattr(row, "mother_name", "") and row.mother_name not in staff:
        answer["name"].add(row.mother_name)
    if getattr(row, "bpjs_number", ""):
        answer["number"].add(row.bpjs_number)
for row in PatientAddress.objects.all():
    answer["address"].add(row.line)
for row in PatientContact.objects.all():
    if " " in row.name and row.name not in staff:
        answer["name"].add(row.name)
    answer["phone"].add(row.phone)
for row in [*PatientIdentifier.objects.all(), *PolicyCoverage.objects.all()]:
    answer["number"].add(getattr(row, "value", "") or getattr(row, "number", ""))
for row in PatientDocument.objects.all():
    answer["document"] |= {row.title, row.note, row.file_name}
for device in TotpDevice.objects.all():
    answer["secret"] |= {device.key_hex, device.secret_base32}
answer = {kind: sorted(values) for kind, values in answer.items()}
"""
SHORTEST = 8  # letters: shorter texts occur by chance in ciphertext


def database_of(clinic: Clinic) -> Iterator[tuple[str, bytes]]:
    """Give the whole content of the database, table by table; on SQLite its files as well, with what was deleted."""
    if clinic.is_embedded:
        path = clinic.directory / "emr.sqlite3"
        for file in path.parent.glob(f"{path.name}*"):
            yield file.name, file.read_bytes()
        with sqlite3.connect(path) as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                yield table, repr(connection.execute(f'SELECT * FROM "{table}"').fetchall()).encode()
        return
    import dj_database_url
    import MySQLdb

    config = dj_database_url.parse(clinic.database_url)
    connection = MySQLdb.connect(
        host=config["HOST"], port=int(config["PORT"]), user=config["USER"], passwd=config["PASSWORD"], db=config["NAME"]
    )
    cursor = connection.cursor()
    cursor.execute("SHOW TABLES")
    for (table,) in cursor.fetchall():
        cursor.execute(f"SELECT * FROM `{table}`")
        yield table, repr(cursor.fetchall()).encode()
    connection.close()


def redis_of(clinic: Clinic) -> Iterator[tuple[str, bytes]]:
    """Give every value that Redis holds."""
    if not clinic.redis_url:
        return
    import redis

    client = redis.Redis.from_url(clinic.redis_url)
    for key in client.scan_iter():
        value = {
            b"string": client.get,
            b"list": lambda name: client.lrange(name, 0, -1),
            b"set": client.smembers,
            b"hash": client.hgetall,
            b"zset": lambda name: client.zrange(name, 0, -1),
        }.get(client.type(key), lambda name: b"")(key)
        yield f"redis {key[:60]!r}", key + b" " + (value if isinstance(value, bytes) else repr(value).encode())


def files_of(clinic: Clinic) -> Iterator[tuple[str, bytes]]:
    """Give logs and stored files. Left out: static files, the keys, and the demo's sign-ins: their list, and the greeting
    of `manage.py serve` that shows it on the terminal."""
    for path in sorted(clinic.directory.rglob("*")):
        relative = path.relative_to(clinic.directory)
        if (
            not path.is_file()
            or relative.parts[0] in ("static", "keys")
            or path.name.startswith(("demo-", "emr.sqlite3", "tls"))
        ):
            continue
        content = path.read_bytes()
        if path.name == "serve.log":
            _greeting, mark, content = content.partition(b"Ctrl+C")
            assert mark
        yield str(relative), content


def links_of(mailbox: Mailbox) -> set[str]:
    """Return the secrets in the links that were mailed."""
    texts = [str(part.get_content()) for mail in mailbox.mails for part in mail.walk() if not part.is_multipart()]
    return {secret for text in texts for secret in re.findall(r"/account/link/([\w-]{20,})/", text)}


def test_nothing_readable_about_people_is_stored(clinic: Clinic, mailbox: Mailbox, tmp_path: Path) -> None:
    canaries: dict[str, list[str]] = clinic.read(CANARIES)
    demo = json.loads((clinic.directory / "demo-sign-ins.json").read_text(encoding="utf-8"))
    canaries["password"] = sorted({row["password"] for row in demo} | clinic.typed_secrets)
    canaries["link"] = sorted(links_of(mailbox))
    kinds = ("name", "NIK", "phone", "address", "number", "document", "secret", "password")
    assert all(canaries[kind] for kind in kinds), {kind: len(texts) for kind, texts in canaries.items()}
    wanted = {text: kind for kind, texts in canaries.items() for text in texts if len(text) >= SHORTEST}
    places = tmp_path / "left"
    places.mkdir()
    for source in (database_of, redis_of, files_of):
        for number, (place, content) in enumerate(source(clinic)):
            name = re.sub(r"[^\w.-]+", "_", place)[:100]
            (places / f"{source.__name__}-{number}-{name}").write_bytes(content)
    (tmp_path / "wanted").write_text("\n".join(sorted(wanted)) + "\n", encoding="utf-8")
    done = subprocess.run(
        ["grep", "-r", "-a", "-o", "-F", "-f", str(tmp_path / "wanted"), str(places)],
        capture_output=True, env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    found = {
        f"{wanted[hit.decode()]} in {place.decode().removeprefix(f'{places}/')}"
        for place, _colon, hit in (line.partition(b":") for line in done.stdout.splitlines())
    }
    assert not found, f"{len(found)} kinds of hits: {sorted(found)[:20]}"


def test_the_search_for_readable_text_can_find_something(clinic: Clinic) -> None:
    """Texts that are stored readable on purpose are found in each place that is searched."""
    table = next(content for name, content in database_of(clinic) if name == "accounts_user")
    assert b"@" in table
    assert any(b"/masuk/" in content or b"HTTP" in content for _name, content in files_of(clinic)) or clinic.is_embedded
    if clinic.redis_url:
        assert any(True for _row in redis_of(clinic))


def test_no_browser_reported_a_violation(clinic: Clinic) -> None:
    rows = clinic.read("from core.models import CspReport\nanswer = [str(row) for row in CspReport.objects.all()]")
    assert rows == []


def test_headers_and_cookies(clinic: Clinic) -> None:
    with clinic.ask("/masuk/") as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "report-uri"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    cookies = headers.get_all("Set-Cookie") or []
    assert cookies
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
    if clinic.is_embedded:
        return
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert headers["Server"] == "nginx", "no version"
    for cookie in cookies:
        assert cookie.startswith("__Host-"), cookie
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie


def test_only_tls_1_3_is_spoken(clinic: Clinic) -> None:
    if clinic.certificate is None:
        pytest.skip("no TLS in the embedded product")
    import socket
    import ssl

    context = ssl.create_default_context(cafile=str(clinic.certificate.file))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("localhost", clinic.port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    with (
        socket.create_connection(("localhost", clinic.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.version() == "TLSv1.3"


def test_the_servers_wrote_no_error(clinic: Clinic) -> None:
    errors = clinic.errors_in_logs()
    assert not errors, "\n\n".join(errors)
