"""Shared set-up: the cast of people, clients signed in as them, and a clean database after each test."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.test import Client, TransactionTestCase
from django_otp import DEVICE_ID_SESSION_KEY

from accounts import binding, idle, limits
from accounts.access import Role
from accounts.models import Specialty, TotpDevice, User
from accounts.second_factor import FACTOR_AT
from tests import baseline
from tests.factories.accounts import DoctorFactory, PatientUserFactory, UserFactory
from tests.factories.patients import PatientFactory

MORNING = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)

TransactionTestCase._fixture_teardown = lambda test: baseline.restore()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """pytest-django's, and then the database is remembered as the migrations left it."""
    with django_db_blocker.unblock():
        baseline.remember()


@dataclass
class Cast:
    """One person per role, made when first asked for."""

    made: dict = field(default_factory=dict)

    def _staff(self, username: str, full_name: str, *roles: Role) -> User:
        return UserFactory(username=username, full_name=full_name, roles=roles)

    @cached_property
    def admin(self) -> User:
        return self._staff("ayu.admin", "Ayu Lestari", Role.ADMIN)

    @cached_property
    def doctor(self) -> User:
        return DoctorFactory(username="dr.rina", full_name="Rina Hartati")

    @cached_property
    def other_doctor(self) -> User:
        return DoctorFactory(
            username="dr.budi",
            full_name="Budi Santoso",
            profile={"specialty": Specialty.ENT, "title_suffix": "Sp.THT-KL"},
        )

    @cached_property
    def nurse(self) -> User:
        return self._staff("ns.dewi", "Dewi Anggraini", Role.NURSE)

    @cached_property
    def receptionist(self) -> User:
        return self._staff("fitri", "Fitri Handayani", Role.RECEPTIONIST)

    @cached_property
    def cashier(self) -> User:
        return self._staff("joko", "Joko Susilo", Role.CASHIER)

    @cached_property
    def pharmacist(self) -> User:
        return self._staff("apt.maya", "Maya Sari", Role.PHARMACIST)

    @cached_property
    def owner(self) -> User:
        return self._staff("hendra", "Hendra Wijaya", Role.OWNER)

    @cached_property
    def lab_officer(self) -> User:
        return self._staff("lab.tono", "Tono Prabowo", Role.LAB_OFFICER)

    @cached_property
    def radiographer(self) -> User:
        return self._staff("rad.yuni", "Yuni Astuti", Role.RADIOGRAPHER)

    @cached_property
    def patient_user(self) -> User:
        user = PatientUserFactory(username="siti", full_name="Siti Aminah")
        PatientFactory(user=user, full_name="Siti Aminah")
        return user

    @cached_property
    def other_patient_user(self) -> User:
        user = PatientUserFactory(username="agus", full_name="Agus")
        PatientFactory(user=user, full_name="Agus")
        return user


@pytest.fixture
def cast(db) -> Cast:
    return Cast()


def sign_in(client: Client, user: User, *, with_factor: bool = True) -> Client:
    """Give `client` the complete session of `user`, bound to it; staff have proven a second factor just now."""
    device = TotpDevice.objects.filter(user=user, confirmed=True).first() if with_factor else None
    if device is None and user.is_staff_member and with_factor:
        device = TotpDevice.objects.create(user=user, name="Telepon")
    user.refresh_from_db(fields=["session_epoch"])  # the test may hold a row from before all sessions ended
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    row_id = binding.guard_of(session).row_id
    client.cookies[settings.SESSION_BINDING_COOKIE_NAME] = binding.bind(session, row_id=row_id, user_agent="")
    if device is not None:
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session[FACTOR_AT] = int(time.time())
    session.save()
    idle.begin(row_id)
    return client


@pytest.fixture
def client_for():
    """Return a function that gives a client signed in as a user."""

    def make(user: User) -> Client:
        return sign_in(Client(), user)

    return make


@pytest.fixture(autouse=True)
def _clinic_morning(request):
    """Every test begins on a Thursday at 10.00 WIB and time runs on from there: none depends on when it is run.

    Journeys talk to a real server, which lives in the present.
    """
    if request.node.get_closest_marker("journey"):
        yield
        return
    with time_machine.travel(MORNING, tick=True):
        yield


@pytest.fixture(autouse=True)
def _quick_answers(monkeypatch):
    """Answers that are held back, so that they do not tell by their time, are not; tests of that put the time back."""
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 0)


@pytest.fixture(autouse=True)
def _clean_cache():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def race(transactional_db):
    """Return run(function, [args...]): every call in a thread with its own connection, all let go at once.

    Gives the list of results; a raised exception stands in its place.
    """
    from threading import Barrier, Thread

    def run(function, calls):
        barrier = Barrier(len(calls))
        results = [None] * len(calls)

        def work(index, args):
            try:
                barrier.wait(timeout=60)
                results[index] = function(*args)
            except Exception as error:
                results[index] = error
            finally:
                connections.close_all()

        threads = [Thread(target=work, args=(index, args)) for index, args in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
        return results

    return run


def pytest_configure(config):
    assert settings.SETTINGS_MODULE == "emr.settings.test", "tests run with emr.settings.test only"


def pytest_collection_modifyitems(items):
    """Begin with the tests that mostly wait: at the end they would keep one worker busy while the other has no work left."""
    items.sort(key=lambda item: item.path.name != "test_embedded.py")


def pytest_collection_finish(session):
    """Leave what is there now, all code and models, out of garbage collection, and collect the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
