"""Sessions at rest: nothing readable in the table or in the cache, and nothing that opens in another place."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import caches

from core import sealed

NAME, NIK = "Siti Aminah Rahayu", "2171014507850002"
ENGINES = ("core.session_store.db", "core.session_store.cached_db")


@pytest.fixture(params=ENGINES)
def engine(request, settings, db):
    """One engine, and what it left in the cache."""
    settings.SESSION_ENGINE = request.param
    return import_module(request.param).SessionStore


def stored(engine, **contents):
    session = engine()
    session.update(contents)
    session.save()
    return session


def in_cache(session):
    return caches["default"].get(f"django.contrib.sessions.cached_db{session.session_key}")


def test_contents_come_back(engine):
    session = stored(engine, message=NAME, number=7, nested={"a": [1, None, True]})
    again = engine(session.session_key)
    assert (again["message"], again["number"], again["nested"]) == (NAME, 7, {"a": [1, None, True]})


def test_nothing_readable_is_stored(engine):
    session = stored(engine, message=f"{NAME} {NIK}", login="siti@contoh.example")
    engine(session.session_key).load()
    row = Session.objects.get().session_data
    copy = in_cache(session)
    assert (copy is not None) == (engine.__module__ == ENGINES[1])
    for text in (row, str(copy)):
        for secret in (NAME, NIK, "message", "login", "siti@"):
            assert secret not in text
            assert secret.encode().hex() not in text
    assert row.startswith("s1.")


def test_contents_of_another_session_do_not_open(engine):
    mine, other = stored(engine, user=1), stored(engine, user=2)
    Session.objects.filter(pk=mine.session_key).update(
        session_data=Session.objects.get(pk=other.session_key).session_data
    )
    caches["default"].clear()
    assert dict(engine(mine.session_key).items()) == {}


@pytest.mark.parametrize(
    "text", ["", "s1.", "s1.####", "s1.YWJj", "eyJhIjoxfQ:1abc:def", "s1." + "A" * 5000, "s9.AAAA"]
)
def test_what_was_not_sealed_here_is_an_empty_session(engine, text):
    session = stored(engine, user=1)
    Session.objects.update(session_data=text)
    caches["default"].clear()
    assert dict(engine(session.session_key).items()) == {}


@pytest.mark.parametrize("copy", ["s1.YWJj", {"_auth_user_id": "1"}, 7, b"x"])
def test_a_forged_copy_in_the_cache_counts_for_nothing(settings, db, copy):
    engine = import_module(ENGINES[1]).SessionStore
    session = stored(engine, user=1)
    caches["default"].set(f"django.contrib.sessions.cached_db{session.session_key}", copy)
    assert engine(session.session_key)["user"] == 1, "the table has the truth"


def test_another_key_opens_nothing(engine, settings):
    from dataclasses import replace

    session = stored(engine, user=1)
    settings.KEYS = replace(settings.KEYS, session_hash_key=b"another-key-of-exactly-32-bytes!")
    assert dict(engine(session.session_key).items()) == {}


def test_renewing_and_ending(engine):
    session = stored(engine, user=1)
    old = session.session_key
    session.cycle_key()
    session.save()
    assert engine(session.session_key)["user"] == 1
    assert not engine().exists(old)
    session.flush()
    assert not Session.objects.exists()


def test_purposes_and_places_are_kept_apart():
    text = sealed.seal("form", b"x", place="a")
    assert sealed.unseal("form", text, place="a") == b"x"
    for purpose, place in (("session", "a"), ("form", "b")):
        with pytest.raises(sealed.CannotOpen):
            sealed.unseal(purpose, text, place=place)
    assert sealed.seal("form", b"x", place="a") != text, "equal contents do not look equal"
