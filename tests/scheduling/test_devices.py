"""Links of screens: made, shown once, found by their secret only, ended; and what a proof of place is worth."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from scheduling.models import DeviceLink
from scheduling.services import devices
from scheduling.views import screens
from tests.scheduling.screens import address, screen, station

pytestmark = pytest.mark.django_db
LIST = "scheduling:device-list"
Kind = DeviceLink.Kind


def make(client, **data):
    return client.post(reverse(LIST), {"kind": "board", "name": "Ruang tunggu", "speaks": "on", **data})


def test_a_link_is_shown_once_and_its_secret_is_stored_nowhere(cast, client_for):
    client, room = client_for(cast.admin), station()
    answer = make(client, stations=[str(room.pk)])
    assert answer.status_code == 200
    token = re.search(r"/board/([\w-]{43})/", answer.content.decode()).group(1)
    row = DeviceLink.objects.get()
    assert (row.kind, row.name, row.speaks, list(row.stations.all())) == ("board", "Ruang tunggu", True, [room])
    assert token not in str(DeviceLink.objects.values().get())
    assert not AuditEvent.objects.filter(detail__icontains=token).exists()
    assert AuditEvent.objects.get(action="scheduling.device.made").actor_id == cast.admin.pk
    assert token not in client.get(reverse(LIST)).content.decode()
    assert Client().get(address("board", token)).status_code == 200


def test_a_screen_without_a_name_is_not_made(cast, client_for):
    assert make(client_for(cast.admin), name=" ").status_code == 422
    assert make(client_for(cast.admin), kind="telescope").status_code == 422
    assert not DeviceLink.objects.exists()


@pytest.mark.parametrize("what", ["forged", "revoked", "of a kiosk", "cut off", "long"])
def test_wrong_links_get_one_and_the_same_page(what):
    link, token = screen(Kind.KIOSK if what == "of a kiosk" else Kind.BOARD)
    if what == "revoked":
        devices.revoke_device(link_id=link.pk, actor=link.created_by)
    wrong = {"forged": "x" * 43, "cut off": token[:-1], "long": "a" * 2000}.get(what, token)
    for page in ("board", "board-panel"):
        answer = Client().get(address(page, wrong))
        assert answer.status_code == 404
        assert answer.content == Client().get(address(page, "nothing")).content


def test_a_board_link_opens_no_kiosk():
    _link, token = screen(Kind.BOARD)
    for page in ("kiosk", "kiosk-phone-code"):
        assert Client().get(address(page, token)).status_code == 404
    for page in ("kiosk-check-in", "kiosk-take-number"):
        assert Client().post(address(page, token)).status_code == 404


@pytest.mark.parametrize(("kind", "page"), [(Kind.BOARD, "board"), (Kind.KIOSK, "kiosk")])
def test_a_screen_gets_no_cookie_and_its_address_goes_nowhere(kind, page):
    client = Client()
    _link, token = screen(kind)
    answer = client.get(address(page, token))
    assert not client.cookies
    assert "Set-Cookie" not in answer
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text = answer.content.decode()
    assert not re.search(r"<script(?![^>]*(src=|application/json))| style=|https?://(?!www\.w3\.org)", text)


def test_revoking_ends_it_at_once_and_twice_changes_nothing(cast, client_for):
    link, token = screen()
    client = client_for(cast.admin)
    assert Client().get(address("board-panel", token)).status_code == 200
    for _time in range(2):
        assert client.post(reverse("scheduling:device-revoke", args=[link.pk])).status_code == 302
        assert Client().get(address("board-panel", token)).status_code == 404
    link.refresh_from_db()
    assert link.revoked_by == cast.admin
    assert AuditEvent.objects.filter(action="scheduling.device.revoked").count() == 1


def test_last_seen_is_written_once_a_minute(django_assert_num_queries):
    link, token = screen()
    with time_machine.travel(clock.now(), tick=False) as traveller:
        first = clock.now()
        Client().get(address("board-panel", token))
        traveller.shift(timedelta(seconds=59))
        Client().get(address("board-panel", token))
        link.refresh_from_db()
        assert link.last_seen_at == first
        traveller.shift(timedelta(seconds=2))
        Client().get(address("board-panel", token))
        link.refresh_from_db()
        assert link.last_seen_at == first + timedelta(seconds=61)


def test_guessing_links_and_asking_too_often_is_stopped(monkeypatch):
    monkeypatch.setattr(screens, "WRONG_LINKS", 10)
    monkeypatch.setattr(screens, "ASKED_PER_MINUTE", 20)
    for _try in range(10):
        assert Client().get(address("board", "x" * 43)).status_code == 404
    assert Client().get(address("board", "y" * 43)).status_code == 429
    _link, token = screen()
    client = Client()
    statuses = [client.get(address("board-panel", token)).status_code for _time in range(21)]
    assert statuses == [200] * 20 + [429], "the board at the same address is not locked out by who guesses there"


def test_a_proof_counts_ninety_seconds_and_for_an_open_kiosk_only():
    kiosk, _token = screen(Kind.KIOSK)
    board, _token = screen(Kind.BOARD)
    with time_machine.travel(clock.now(), tick=False) as traveller:
        proof = devices.on_site_proof(kiosk)
        assert devices.device_of_proof(proof) == kiosk
        traveller.shift(timedelta(seconds=89))
        assert devices.device_of_proof(proof) == kiosk, "several phones, one code"
        traveller.shift(timedelta(seconds=2))
        assert devices.device_of_proof(proof) is None
        assert devices.device_of_proof(devices.on_site_proof(board)) is None
        assert devices.device_of_proof(proof[:-1] + ("A" if proof[-1] != "A" else "B")) is None
        again = devices.on_site_proof(kiosk)
        devices.revoke_device(link_id=kiosk.pk, actor=kiosk.created_by)
        assert devices.device_of_proof(again) is None
