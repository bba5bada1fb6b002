"""Live connections: who may listen, to what, and when they end."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts.access import Role
from accounts.models import RoleAssignment, User
from core import clock, live
from core.ids import uuid7
from notifications import consumers
from notifications.services import notify
from tests.conftest import sign_in

SessionStore = import_module(django_settings.SESSION_ENGINE).SessionStore
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _in_memory(request, settings):
    if "redis_layer" in request.fixturenames:
        return
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def cookies_of(client: Client) -> str:
    return "; ".join(f"{name}={client.cookies[name].value}" for name in ("emr_session", "emr_bind"))


def cookie_of(user: User) -> str:
    return cookies_of(sign_in(Client(), user))


def session_in(cookie: str) -> SessionStore:
    return SessionStore(cookie.split("; ")[0].removeprefix("emr_session="))


class Page(ApplicationCommunicator):
    """A page's side of the socket. (channels.testing needs daphne, which the product does not use.)"""

    async def connect(self) -> tuple[bool, object]:
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout=5)
        return answer["type"] == "websocket.accept", answer

    async def send_to(self, text_data=None, bytes_data=None):
        await self.send_input({"type": "websocket.receive", "text": text_data, "bytes": bytes_data})

    async def receive_from(self) -> str:
        answer = await self.receive_output(timeout=2)
        assert answer["type"] == "websocket.send"
        return answer["text"]

    async def receive_json_from(self):
        return json.loads(await self.receive_from())

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=2)


def socket(
    cookie: str | None, origin: str = "http://localhost", agent: str = "", kind: type[Page] | None = None
) -> Page:
    from emr.asgi import application

    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    if cookie:
        headers.append((b"cookie", cookie.encode()))
    if agent:
        headers.append((b"user-agent", agent.encode()))
    scope = {"type": "websocket", "path": "/ws/live/", "query_string": b"", "headers": headers, "subprotocols": []}
    return (kind or Page)(application, scope)


async def topics_heard(page: Page) -> list[str]:
    """Tell every topic, and return those that arrive."""
    for topic in live.TOPICS:
        await sync_to_async(live.changed)(topic)
    heard = []
    while not await page.receive_nothing(timeout=0.05):
        heard.append((await page.receive_json_from())["topic"])
    return heard


@pytest.mark.parametrize(
    "who", ["anonymous", "deactivated", "one-time password", "no role", "forged", "foreign origin"]
)
def test_others_are_refused(cast, who):
    user = cast.nurse
    cookie, origin = cookie_of(user), "http://localhost"
    if who == "anonymous":
        cookie = None
    elif who == "forged":
        cookie = f"emr_session={'x' * 32}; emr_bind=x"
    elif who == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif who == "one-time password":
        User.objects.filter(pk=user.pk).update(must_change_password=True)
    elif who == "no role":
        RoleAssignment.objects.filter(user=user).delete()
    else:
        origin = "https://evil.example"

    async def run():
        page = socket(cookie, origin)
        connected, _code = await page.connect()
        assert not connected

    async_to_sync(run)()


@pytest.mark.parametrize(
    ("who", "topics"),
    [
        ("nurse", ["queue", "appointments", "pharmacy", "flow"]),
        ("receptionist", ["queue", "appointments", "flow"]),
        ("cashier", ["billing", "flow"]),
        ("pharmacist", ["pharmacy", "flow"]),
        ("admin", ["queue", "appointments", "pharmacy", "billing", "accounts", "flow"]),
        ("lab_officer", ["flow"]),
        ("patient_user", []),
    ],
)
def test_a_page_hears_the_topics_of_its_rights_and_nothing_else(cast, who, topics):
    cookie = cookie_of(getattr(cast, who))

    async def run():
        page = socket(cookie)
        connected, _protocol = await page.connect()
        assert connected
        assert await topics_heard(page) == topics
        await page.disconnect()

    async_to_sync(run)()


def test_a_message_for_one_person_reaches_that_person_only_and_carries_a_topic_only(cast):
    mine, theirs, patient = cookie_of(cast.nurse), cookie_of(cast.other_patient_user), cookie_of(cast.patient_user)

    async def run():
        pages = [socket(cookie) for cookie in (mine, theirs, patient)]
        for page in pages:
            assert (await page.connect())[0]
        await sync_to_async(notify)(recipients=[cast.patient_user], kind="prescription_ready")
        await sync_to_async(live.changed)(live.BILLING, user_ids=(cast.patient_user.pk,))
        assert await pages[2].receive_from() == '{"topic": "notices"}'
        assert await pages[2].receive_from() == '{"topic": "billing"}'
        for page in pages:
            assert await page.receive_nothing(timeout=0.05)
            await page.disconnect()

    async_to_sync(run)()


def test_what_a_page_says_is_ignored_but_a_ping(cast):
    cookie = cookie_of(cast.nurse)

    async def run():
        page = socket(cookie)
        await page.connect()
        for said in ('{"type": "changed", "topic": "billing"}', "x" * 2000, "", "null"):
            await page.send_to(text_data=said)
        await page.send_to(bytes_data=b"\xff\x00")
        assert await page.receive_nothing(timeout=0.05)
        await page.send_to(text_data="ping")
        assert await page.receive_from() == "pong"
        await page.disconnect()

    async_to_sync(run)()


def test_signing_out_closes_the_socket(cast):
    client = sign_in(Client(), cast.nurse)
    cookie = cookies_of(client)

    async def run():
        page = socket(cookie)
        await page.connect()
        await sync_to_async(client.logout)()
        answer = await page.receive_output()
        assert (answer["type"], answer["code"]) == ("websocket.close", 4401)
        again = socket(cookie)
        assert not (await again.connect())[0]

    async_to_sync(run)()


@pytest.mark.parametrize("what", ["session gone", "deactivated", "password changed", "another person"])
def test_a_socket_is_checked_again_while_it_is_open(cast, monkeypatch, what):
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    user, cookie = cast.nurse, cookie_of(cast.nurse)

    def change():
        if what == "session gone":
            session_in(cookie).delete()
        elif what == "deactivated":
            User.objects.filter(pk=user.pk).update(is_active=False)
        elif what == "password changed":
            user.set_password("yang-lain-sekali-2026")
            user.save(update_fields=["password"])
        else:
            session = session_in(cookie)
            session[SESSION_KEY] = str(cast.doctor.pk)
            session[HASH_SESSION_KEY] = cast.doctor.get_session_auth_hash()
            assert session[BACKEND_SESSION_KEY]
            session.save()

    async def run():
        page = socket(cookie)
        await page.connect()
        await asyncio.sleep(0.15)
        assert await page.receive_nothing(timeout=0.01), "still allowed"
        await sync_to_async(change)()
        assert (await page.receive_output(timeout=2))["type"] == "websocket.close"

    async_to_sync(run)()


def test_new_roles_are_heard_after_the_next_check(cast, monkeypatch):
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    cookie = cookie_of(cast.cashier)

    def change():
        RoleAssignment.objects.filter(user=cast.cashier).delete()
        RoleAssignment.objects.create(user=cast.cashier, role=Role.PHARMACIST)

    async def run():
        page = socket(cookie)
        await page.connect()
        assert await topics_heard(page) == ["billing", "flow"]
        await sync_to_async(change)()
        await asyncio.sleep(0.3)
        assert await topics_heard(page) == ["pharmacy", "flow"]
        await page.disconnect()

    async_to_sync(run)()


def test_a_tick_waits_for_the_commit_and_a_broken_layer_does_no_harm(cast, settings, monkeypatch):
    from django.db import transaction

    sent = []
    monkeypatch.setattr(live, "_send", lambda groups, message: sent.append(groups))
    with transaction.atomic():
        live.changed(live.QUEUE)
        assert sent == []
    assert sent == [["topic.queue"]]
    with pytest.raises(ValueError, match="nonsense"):
        live.changed("nonsense")
    monkeypatch.undo()

    class Broken:
        async def group_send(self, group, message):
            raise ConnectionError

    monkeypatch.setattr(live, "get_channel_layer", Broken)
    live.changed(live.QUEUE)
    live._publisher.flush()


def test_the_publisher_uses_one_loop_for_all_messages(monkeypatch):
    loops = []

    class Layer:
        async def group_send(self, group, message):
            loops.append(asyncio.get_running_loop())

    layer = Layer()
    monkeypatch.setattr(live, "get_channel_layer", lambda: layer)
    for _message in range(5):
        live.changed(live.QUEUE)
    live._publisher.flush()
    assert len(loops) == 5
    assert len(set(loops)) == 1


@pytest.fixture
def redis_layer(settings):
    if not settings.REDIS_URL:
        pytest.skip("needs REDIS_URL")
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [settings.REDIS_URL]}}
    settings.CHANNEL_LAYERS = {"default": layer}


def test_over_redis_a_tick_arrives_and_many_ticks_are_one_connection(cast, settings, redis_layer, request):
    import redis

    cookie = cookie_of(cast.nurse)
    server = redis.Redis.from_url(settings.REDIS_URL)
    request.addfinalizer(server.close)

    async def run():
        page = socket(cookie)
        assert (await page.connect())[0]
        await sync_to_async(live.changed)(live.QUEUE)
        assert await page.receive_json_from() == {"topic": "queue"}
        before = server.info("clients")["connected_clients"], server.info("stats")["total_connections_received"]
        for _tick in range(30):
            await sync_to_async(live.changed)(live.QUEUE)
            assert await page.receive_json_from() == {"topic": "queue"}
        after = server.info("clients")["connected_clients"], server.info("stats")["total_connections_received"]
        assert after[1] - before[1] < 10, "other programs may connect meanwhile, but not once per tick"
        await page.disconnect()

    async_to_sync(run)()


@pytest.mark.parametrize("what", ["session id alone", "another browser", "binding of another person"])
def test_a_stolen_session_opens_no_socket(cast, what):
    mine, theirs = sign_in(Client(), cast.nurse), sign_in(Client(), cast.doctor)
    cookie, agent = cookies_of(mine), ""
    if what == "session id alone":
        cookie = cookie.split("; ")[0]
    elif what == "another browser":
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    else:
        cookie = f"{cookie.split('; ')[0]}; {cookies_of(theirs).split('; ')[1]}"

    async def run():
        assert not (await socket(cookie, agent=agent).connect())[0]

    async_to_sync(run)()


def test_a_locked_session_hears_nothing(cast):
    client = sign_in(Client(), cast.nurse)
    cookie = cookies_of(client)

    async def run():
        page = socket(cookie)
        assert (await page.connect())[0]
        await sync_to_async(client.post)(reverse("accounts:session-lock"))
        assert (await page.receive_output(timeout=2))["type"] == "websocket.close"
        assert not (await socket(cookie).connect())[0]
        await sync_to_async(client.post)(reverse("accounts:session-unlock"), {"password": "rahasia-klinik-2026"})
        again = socket(cookie)
        assert (await again.connect())[0]
        await again.disconnect()

    async_to_sync(run)()


def test_a_session_left_alone_hears_nothing_although_its_socket_is_open(cast):
    cookie = cookie_of(cast.nurse)

    async def run():
        page = socket(cookie)
        assert (await page.connect())[0]
        with time_machine.travel(clock.now() + timedelta(minutes=15, seconds=1)):
            await sync_to_async(live.changed)(live.QUEUE)
            assert (await page.receive_output(timeout=2))["type"] == "websocket.close"

    async_to_sync(run)()


def test_a_message_may_name_a_row(cast):
    cookie = cookie_of(cast.nurse)
    row = uuid7()

    async def run():
        page = socket(cookie)
        await page.connect()
        await sync_to_async(live.changed)(live.QUEUE, kind="visit", row_id=row)
        assert await page.receive_json_from() == {"topic": "queue", "kind": "visit", "id": str(row)}
        await page.disconnect()

    async_to_sync(run)()


def test_a_lost_message_is_told_by_the_next_comparison_and_once_only(cast, monkeypatch):
    monkeypatch.setattr(consumers, "HEAL_SECONDS", 0.1)
    cookie = cookie_of(cast.nurse)

    def lose(topic):
        with monkeypatch.context() as patch:
            patch.setattr(live, "get_channel_layer", Deaf)
            live.changed(topic)
            live._publisher.flush()

    class Deaf:
        async def group_send(self, group, message):
            pass

    async def run():
        page = socket(cookie)
        await page.connect()
        await sync_to_async(live.changed)(live.QUEUE)
        assert await page.receive_json_from() == {"topic": "queue"}
        assert await page.receive_nothing(timeout=0.3), "heard in time: nothing to heal"
        await sync_to_async(lose)(live.QUEUE)
        assert await page.receive_json_from() == {"topic": "missed"}
        assert await page.receive_nothing(timeout=0.3), "told once"
        await sync_to_async(lose)(live.BILLING)
        assert await page.receive_nothing(timeout=0.3), "a topic of others"
        await page.disconnect()

    async_to_sync(run)()


def test_a_gap_is_not_told_to_a_locked_session(cast, monkeypatch):
    monkeypatch.setattr(consumers, "HEAL_SECONDS", 0.1)
    cookie = cookie_of(cast.nurse)

    async def run():
        page = socket(cookie)
        await page.connect()
        with time_machine.travel(clock.now() + timedelta(minutes=15, seconds=1)):
            await live.cache.aset("live:topic.queue", 4711)
            assert (await page.receive_output(timeout=2))["type"] == "websocket.close"

    async_to_sync(run)()


def test_a_cache_that_is_gone_costs_no_message_and_no_connection(cast, monkeypatch):
    cookie = cookie_of(cast.nurse)

    class Gone:
        def __getattr__(self, name):
            raise ConnectionError(name)

    monkeypatch.setattr(live, "cache", Gone())

    async def run():
        page = socket(cookie)
        assert (await page.connect())[0]
        await sync_to_async(live.changed)(live.QUEUE)
        assert await page.receive_json_from() == {"topic": "queue"}
        await page.disconnect()

    async_to_sync(run)()


class Cut(Page):
    """A page whose line can break without a goodbye: whatever the server writes then fails, as servers report it."""

    def __init__(self, application, scope):
        self.is_broken = False

        async def over_the_line(scope, receive, send):
            async def write(message):
                if self.is_broken:
                    raise ConnectionResetError
                await send(message)

            await application(scope, receive, write)

        super().__init__(over_the_line, scope)


def watchers() -> list[asyncio.Task]:
    """The open connections' looks, in the order in which they were begun."""
    looks = [task for task in asyncio.all_tasks() if "_or_close" in getattr(task.get_coro(), "__qualname__", "")]
    return sorted(looks, key=lambda task: int(task.get_name().removeprefix("Task-")))


@pytest.fixture
def complaints(monkeypatch):
    """What the event loop has to say about errors that nobody looked at."""
    said = []
    monkeypatch.setattr(asyncio.BaseEventLoop, "call_exception_handler", lambda _loop, context: said.append(context))
    return said


def test_a_line_that_breaks_during_a_message_leaves_nothing_behind(cast, complaints):
    cookie = cookie_of(cast.nurse)

    async def run():
        page = socket(cookie, kind=Cut)
        assert (await page.connect())[0]
        assert len(watchers()) == 2
        page.is_broken = True
        await sync_to_async(live.changed)(live.QUEUE)
        with pytest.raises(ConnectionResetError):  # the server knows it and passes over it
            await page.wait(timeout=2)
        assert watchers() == []
        assert not get_channel_layer().groups, "nobody listens any more"
        gc.collect()

    async_to_sync(run)()
    assert complaints == []


def test_a_line_found_broken_by_a_look_is_given_up_in_silence(cast, monkeypatch, caplog):
    monkeypatch.setattr(consumers, "HEAL_SECONDS", 0.05)
    cookie = cookie_of(cast.nurse)

    async def run():
        page = socket(cookie, kind=Cut)
        assert (await page.connect())[0]
        looks = watchers()
        page.is_broken = True
        await live.cache.aset("live:topic.queue", 4711)
        await asyncio.wait(looks, timeout=2, return_when=asyncio.FIRST_COMPLETED)
        await page.disconnect()
        assert [task.cancelled() or task.exception() for task in looks] == [True, None], "rights looked at, gap told"

    async_to_sync(run)()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_look_that_fails_closes_the_page_and_is_written_down(cast, monkeypatch, complaints, caplog):
    """A page whose rights cannot be read again must not hear on."""
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.2)
    cookie = cookie_of(cast.nurse)

    def fail(_consumer):
        raise OperationalError("the database is gone")

    async def run():
        page = socket(cookie)
        assert (await page.connect())[0]
        monkeypatch.setattr(consumers.LiveConsumer, "_read_groups", fail)
        assert await page.receive_output(timeout=2) == {"type": "websocket.close", "code": consumers.LOOK_FAILED}
        await page.disconnect()
        gc.collect()

    async_to_sync(run)()
    assert complaints == []
    assert "a live connection could not be looked at again" in caplog.text


def test_nothing_is_said_after_the_connection_was_closed_from_here(cast):
    cookie = cookie_of(cast.nurse)

    async def run():
        page = socket(cookie)
        await page.connect()
        layer = get_channel_layer()
        for _twice in range(2):
            await layer.group_send(live.group_of_user(cast.nurse.pk), {"type": "live.close"})
        await page.send_to("ping")
        await sync_to_async(live.changed)(live.QUEUE)
        assert (await page.receive_output(timeout=2))["type"] == "websocket.close"
        assert await page.receive_nothing(timeout=0.2)
        await page.disconnect()

    async_to_sync(run)()
