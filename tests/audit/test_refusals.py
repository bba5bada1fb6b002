"""Refusals are events; a thousand of them are a number."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import audit
from audit import context
from audit.models import AuditEvent, RefusalCount
from audit.refusals import EACH_MINUTE, STRANGERS_EACH_MINUTE, flush_refusals
from tests.factories.patients import PatientFactory

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


def refusals(**filters):
    return AuditEvent.objects.filter(result="refused", **filters)


@pytest.fixture
def address():
    """Act as a browser at one address."""

    def be(name):
        return context.current.set(context.RequestInfo("r", name, CHROME))

    token = be("first")
    yield be
    context.current.reset(token)


@pytest.mark.django_db
def test_a_missing_right_is_an_event(cast, client_for):
    client = client_for(cast.cashier)
    page = reverse("accounts:user-list")
    assert client.get(page).status_code == 403
    event = refusals().get()
    assert (event.action, event.actor_id, event.result) == ("accounts.page.refused", cast.cashier.pk, "refused")
    assert event.detail == {"method": "GET", "page": "accounts:user-list", "needs": ["manage_users"]}
    assert event.actor_roles == "cashier"
    assert event.address_hash


@pytest.mark.django_db
def test_a_foreign_patients_page_is_an_event_and_names_the_row(cast, client_for):
    patient = PatientFactory()
    client = client_for(cast.doctor)
    assert client.get(reverse("patients:detail", args=[patient.pk])).status_code == 404
    event = refusals().get()
    assert event.action == "accounts.page.not_found"
    assert event.detail == {"method": "GET", "page": "patients:detail", "pk": str(patient.pk)}


@pytest.mark.django_db
def test_made_up_addresses_and_strangers_pages_are_none(cast, client_for):
    assert client_for(cast.doctor).get("/nothing/here/").status_code == 404
    assert Client().get("/nothing/here/").status_code == 404
    assert Client().get(reverse("patients:detail", args=[uuid4()])).status_code == 302
    assert not refusals().exists()


@pytest.mark.django_db
def test_a_form_from_elsewhere_is_an_event(cast):
    client = Client(enforce_csrf_checks=True)
    assert client.post(reverse("accounts:login"), {"login": "x", "password": "y"}).status_code == 403
    event = refusals().get()
    assert (event.action, event.actor_roles) == ("accounts.form.refused", "anonymous")


@pytest.mark.django_db
def test_a_thousand_refusals_are_ten_events_and_a_number(cast, address):
    for _turn in range(1000):
        audit.record_refusal("accounts.page.refused", actor=cast.nurse, detail={"page": "x"})
    assert refusals().count() == EACH_MINUTE
    assert RefusalCount.objects.get().count == 1000
    assert flush_refusals() == 0  # the minute is not over
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert flush_refusals() == 1
        assert flush_refusals() == 0
    last = refusals().order_by("-id").first()
    assert last.detail["more"] == 1000 - EACH_MINUTE
    assert (last.action, last.actor_id, last.actor_roles) == ("accounts.page.refused", cast.nurse.pk, "nurse")
    assert last.address_hash == "first"
    assert not RefusalCount.objects.exists()


@pytest.mark.django_db
def test_the_next_minute_counts_anew_and_actions_are_apart(cast, address):
    for _turn in range(EACH_MINUTE + 3):
        audit.record_refusal("accounts.page.refused", actor=cast.nurse)
        audit.record_refusal("accounts.page.not_found", actor=cast.nurse)
    assert refusals().count() == 2 * EACH_MINUTE
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        audit.record_refusal("accounts.page.refused", actor=cast.nurse)
    assert refusals().count() == 2 * EACH_MINUTE + 1


@pytest.mark.django_db
def test_strangers_with_ever_new_addresses_do_not_fill_the_log(cast, address):
    for turn in range(STRANGERS_EACH_MINUTE + 80):
        address(f"address {turn}")
        audit.record_refusal("accounts.sign_in.refused", actor=AnonymousUser())
    assert refusals().count() == STRANGERS_EACH_MINUTE
    assert RefusalCount.objects.count() == STRANGERS_EACH_MINUTE + 1
    audit.record_refusal("accounts.page.refused", actor=cast.nurse)  # is not lost behind them
    assert refusals(actor=cast.nurse).count() == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert flush_refusals() == 1
    last = refusals().order_by("-id").first()
    assert (last.action, last.detail["more"], last.detail["of"]) == ("audit.refusals.counted", 80, "strangers")


@pytest.mark.django_db
def test_one_strangers_rest_is_said_once(address):
    for _turn in range(30):
        audit.record_refusal("accounts.sign_in.refused", actor=None)
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        flush_refusals()
    assert [event.detail["more"] for event in refusals() if "more" in event.detail] == [30 - EACH_MINUTE]


def test_forty_at_once_are_ten_events_and_an_exact_count(race, cast):
    person = cast.nurse
    person.role_names

    results = race(lambda: audit.record_refusal("accounts.page.refused", actor=person), [() for _turn in range(40)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert refusals().count() == EACH_MINUTE
    assert RefusalCount.objects.get().count == 40


def test_two_flushes_at_once_write_one_event(race, cast):
    person = cast.nurse
    for _turn in range(EACH_MINUTE + 5):
        audit.record_refusal("accounts.page.refused", actor=person)
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        results = race(flush_refusals, [() for _turn in range(4)])
    assert sum(results) == 1
    assert [event.detail["more"] for event in refusals() if "more" in event.detail] == [5]


def test_a_refusal_survives_the_rolled_back_act(transactional_db, cast):
    from django.db import transaction

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    audit.record_refusal("accounts.page.refused", actor=cast.nurse)
    assert refusals().count() == 1


@pytest.mark.django_db
def test_the_browser_is_written_by_its_family_and_nonsense_as_other():
    client = Client(enforce_csrf_checks=True)
    hostile = ("<script>alert(1)</script>", "x" * 9000, "\ufffd", "Mozilla/5.0 (Siti)")
    for agent in (CHROME, *hostile):
        answer = client.post(reverse("accounts:login"), headers={"user-agent": agent, "x-forwarded-for": "1' OR 1=1"})
        assert answer.status_code == 403
    assert [event.browser for event in refusals().order_by("id")] == ["Chrome 142 · Windows", *["other"] * 4]
