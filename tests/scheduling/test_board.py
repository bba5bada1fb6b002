"""What a board shows and what it does not: numbers and places of today, no persons; and its live connection."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client

from core import clock, live
from notifications import consumers
from scheduling import services
from scheduling.board import panel_for
from scheduling.models import DeviceLink, PracticeSession, QueueEvent, Stage, Station, Visit
from scheduling.services import devices
from tests.factories.scheduling import ServiceFactory, SessionFactory, VisitFactory
from tests.notifications.test_live import Page
from tests.scheduling.screens import address, called, screen, station, waiting

Kind = QueueEvent.Kind


def shown(token):
    answer = Client().get(address("board-panel", token))
    assert answer.status_code == 200
    return answer.content.decode()


def labels(panel):
    return [call.label for call in [panel.current, *panel.last] if call]


@pytest.fixture
def noon():
    with time_machine.travel(datetime(2026, 3, 5, 12, tzinfo=ZoneInfo("Asia/Jakarta")), tick=False) as traveller:
        yield traveller


@pytest.mark.django_db
def test_the_newest_call_is_large_and_four_before_it_follow(noon):
    link, _token = screen()
    for number in range(1, 8):
        called("A", number)
        noon.shift(timedelta(seconds=40))
    panel = panel_for(link)
    assert labels(panel) == ["A-007", "A-006", "A-005", "A-004", "A-003"]
    assert panel.current.age_seconds == 40
    assert panel.current.clips == ("nomor-antrean", "huruf-a", "nol", "nol", "tujuh", "silakan-ke", "perawat")


@pytest.mark.django_db
def test_a_recall_comes_to_the_top_as_a_new_call_and_stands_there_once(noon):
    link, _token = screen()
    room = station("Ruang 3", number=3)
    first = called("A", 1, station=room)
    noon.shift(timedelta(seconds=5))
    called("A", 2, station=room)
    noon.shift(timedelta(seconds=5))
    again = called("A", 1, station=room, kind=Kind.RECALL, step=first.step)
    panel = panel_for(link)
    assert labels(panel) == ["A-001", "A-002"]
    assert panel.current.pk == again.pk != first.pk
    assert panel.current.place == "Ruang 3"
    assert panel.current.clips[-4:] == ("silakan-ke", "ruang", "nomor", "tiga")


@pytest.mark.django_db
def test_undone_calls_and_other_acts_are_not_shown(noon):
    link, _token = screen()
    called("A", 1)
    called("A", 2, undone_at=clock.now())
    for kind in (Kind.START, Kind.SKIP, Kind.REQUEUE, Kind.FINISH):
        called("A", 3 + list(Kind).index(kind), kind=kind)
    assert labels(panel_for(link)) == ["A-001"]


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Asia/Jayapura", "America/New_York"])
def test_a_board_that_is_open_over_midnight_forgets_yesterday(settings, zone):
    settings.TIME_ZONE = zone
    link, _token = screen()
    with time_machine.travel(datetime(2026, 3, 5, 23, 30, tzinfo=ZoneInfo(zone)), tick=False) as traveller:
        called("A", 1)
        assert labels(panel_for(link)) == ["A-001"]
        traveller.shift(timedelta(minutes=29, seconds=59))
        assert labels(panel_for(link)) == ["A-001"]
        traveller.shift(timedelta(seconds=1))
        assert labels(panel_for(link)) == []
        traveller.shift(timedelta(minutes=30))
        called("A", 2)
        assert labels(panel_for(link)) == ["A-002"]


@pytest.mark.django_db
def test_a_board_of_some_rooms_shows_their_calls_and_their_next_numbers(noon, cast):
    mine = station("Ruang 1")
    desk = station("Loket 1", stage=Stage.REGISTRATION, spoken=Station.Spoken.COUNTER, number=1)
    other = station("Ruang 2")
    link, _token = screen(stations=[mine, desk])
    SessionFactory(
        doctor=cast.doctor, practice_on=clock.today(), starts_at=clock.now() - timedelta(hours=1), slot_count=6,
        station=mine,
    )  # fmt: skip
    called("A", 1, station=mine)
    called("B", 1, station=other)
    called("C", 1)
    for number in (5, 6, 7, 8):
        waiting("A", number, stage=Stage.DOCTOR, doctor=cast.doctor, at=clock.now() + timedelta(seconds=number))
    waiting("D", 1, stage=Stage.DOCTOR, doctor=cast.other_doctor)
    panel = panel_for(link)
    assert labels(panel) == ["A-001"]
    rooms = {room.name: room.labels for room in panel.rooms}
    assert rooms == {"Ruang 1": ["A-005", "A-006", "A-007"], "Loket 1": []}
    everything, _token = screen()
    assert len(labels(panel_for(everything))) == 3
    assert panel_for(everything).rooms == []


@pytest.mark.django_db
def test_a_late_doctor_is_told_by_room_until_the_session_is_over(noon):
    link, _token = screen()
    room = station("Ruang 1")
    late = {"practice_on": clock.today(), "starts_at": clock.now() - timedelta(minutes=30), "delay_minutes": 20}
    SessionFactory(**late, station=room)
    SessionFactory(**late, service=ServiceFactory(name_id="Poli Gigi"))
    SessionFactory(**{**late, "delay_minutes": 0})
    SessionFactory(**late, status=PracticeSession.Status.CANCELLED)
    assert [(delay.place, delay.minutes) for delay in panel_for(link).delays] == [("Ruang 1", 20), ("Poli Gigi", 20)]
    noon.shift(timedelta(hours=1, minutes=1))
    assert panel_for(link).delays == []


@pytest.mark.django_db
def test_no_person_is_on_the_board(cast):
    _link, token = screen()
    visit = VisitFactory(patient=cast.patient_user.patient, doctor=cast.doctor, complaint="Demam berdarah")
    services.call_ticket(visit_id=visit.pk, actor=cast.nurse)
    text = shown(token) + Client().get(address("board", token)).content.decode()
    assert visit.ticket.label in text
    patient = visit.patient
    for secret in (
        patient.full_name, patient.full_name.split()[0], patient.record_number, visit.number, "Demam berdarah",
        cast.doctor.full_name, cast.nurse.full_name, str(patient.pk), str(visit.pk),
    ):  # fmt: skip
        assert secret not in text, secret


@pytest.mark.django_db
def test_markup_in_names_stays_text():
    evil = "<img src=x onerror=alert(1)>\"'"
    _link, token = screen(stations=[station(evil)], name=evil)
    room = Station.objects.get()
    called("A", 1, station=room)
    SessionFactory(practice_on=clock.today(), starts_at=clock.now(), delay_minutes=5, station=room)
    for text in (shown(token), Client().get(address("board", token)).content.decode()):
        assert "<img src=x" not in text
        assert "&lt;img src=x" in text


@pytest.mark.django_db
def test_the_panel_says_the_clinics_time_whatever_the_device_thinks(noon):
    _link, token = screen()
    text = shown(token)
    assert re.search(r'data-now="(\d+)"', text).group(1) == str(int(clock.now().timestamp() * 1000))
    assert 'data-zone="420"' in text


@pytest.mark.django_db
def test_a_quiet_board_carries_no_clips():
    _link, token = screen(speaks=False)
    text = Client().get(address("board", token)).content.decode()
    assert "data-sound" not in text
    assert "audio/" not in text
    _link, token = screen()
    assert "audio/chime" in Client().get(address("board", token)).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("calls", [3, 30])
def test_the_panel_takes_as_many_queries_for_many_calls_as_for_few(calls, django_assert_num_queries):
    link, _token = screen()
    for number in range(calls):
        called("A", number, station=station(f"Ruang {number}"))
    with django_assert_num_queries(3):
        panel_for(link)


# --- live ---------------------------------------------------------------------------------------------------------


def socket(token, origin="http://localhost", protocols=None):
    from emr.asgi import application

    protocols = ["board", token] if protocols is None else protocols
    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    scope = {
        "type": "websocket", "path": "/ws/board/", "query_string": b"", "headers": headers, "subprotocols": protocols,
    }  # fmt: skip
    return Page(application, scope)


@pytest.fixture
def in_memory(settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.mark.django_db(transaction=True)
def test_a_board_hears_of_calls_and_of_nothing_else(cast, in_memory):
    _link, token = screen()
    visit = VisitFactory(patient=cast.patient_user.patient, doctor=cast.doctor, status=Visit.Status.WAITING)

    async def run():
        page = socket(token)
        assert (await page.connect())[0]
        for topic in live.TOPICS:
            if topic != live.BOARD:
                await sync_to_async(live.changed)(topic, kind="visit", row_id=visit.pk)
        assert await page.receive_nothing(timeout=0.1)
        await sync_to_async(live.changed)(live.BOARD, kind="visit", row_id=visit.pk)
        assert await page.receive_from() == '{"topic": "board"}', "no id, whatever the caller gives"
        await sync_to_async(services.call_ticket)(visit_id=visit.pk, actor=cast.doctor)
        assert await page.receive_from() == '{"topic": "board"}'
        await page.disconnect()

    async_to_sync(run)()


@pytest.mark.django_db(transaction=True)
def test_a_revoked_link_closes_the_open_socket_at_once_and_others_stay(in_memory):
    link, token = screen()
    _other, other_token = screen()

    async def run():
        page, other = socket(token), socket(other_token)
        assert (await page.connect())[0]
        assert (await other.connect())[0]
        await sync_to_async(devices.revoke_device)(link_id=link.pk, actor=link.created_by)
        assert (await page.receive_output(timeout=2))["type"] == "websocket.close"
        assert await other.receive_nothing(timeout=0.1)
        assert not (await socket(token).connect())[0]
        await other.disconnect()

    async_to_sync(run)()


@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_gone_is_found_out_also_when_nobody_told(in_memory, monkeypatch):
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    link, token = screen()

    async def run():
        page = socket(token)
        assert (await page.connect())[0]
        await sync_to_async(DeviceLink.objects.filter(pk=link.pk).update)(revoked_at=clock.now())
        assert (await page.receive_output(timeout=2))["type"] == "websocket.close"

    async_to_sync(run)()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["forged", "of a kiosk", "foreign origin"])
def test_other_sockets_are_refused(in_memory, what):
    _link, token = screen(DeviceLink.Kind.KIOSK if what == "of a kiosk" else DeviceLink.Kind.BOARD)

    async def run():
        wrong = "x" * 43 if what == "forged" else token
        origin = "https://evil.example" if what == "foreign origin" else "http://localhost"
        assert not (await socket(wrong, origin).connect())[0]
        for protocols in ([], ["board"], [wrong], ["live", wrong], ["board", wrong, "more"]):
            assert not (await socket(wrong, origin, protocols).connect())[0]

    async_to_sync(run)()
