"""The search box on every staff page, what typing leaves in the log, and how often one may search."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import override_settings
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from patients.models import Patient
from patients.services import record_search
from tests.factories.patients import AllergyFactory, PatientFactory

SEARCH = reverse("patients:search")
HTMX = {"HX-Request": "true"}
BOX = {**HTMX, "HX-Target": "search-panel"}
NIK = "2171015203850001"


def searches() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action="patients.patient.searched").order_by("id"))


# --- The box --------------------------------------------------------------------------------------------------------


def test_every_staff_page_has_the_box_and_its_own_page_has_one_only(cast, client_for):
    client = client_for(cast.receptionist)
    body = client.get(reverse("patients:register")).content.decode()
    assert body.count("data-patient-search") == 1
    assert 'hx-target="#search-panel"' in body
    assert "data-search-box" not in client.get(SEARCH).content.decode()
    assert "data-search-box" not in client_for(cast.owner).get(reverse("reports:dashboard")).content.decode()


def test_the_box_lists_options_with_masked_facts(cast, client_for):
    AllergyFactory(patient=PatientFactory(full_name="Halimah Tusadiah", nik=NIK, record_number="000123"))
    body = client_for(cast.receptionist).post(SEARCH, {"q": "hali"}, headers=BOX).content.decode()
    assert "<html" not in body
    assert 'role="listbox"' in body
    assert body.count('role="option"') == 1
    assert "2171••••••••0001" in body
    assert NIK not in body
    assert "alert-triangle" in body
    assert reverse("patients:register-start") in body


def test_an_empty_box_shows_who_was_opened_lately_and_writes_nothing(cast, client_for):
    patient = PatientFactory(full_name="Halimah Tusadiah")
    client = client_for(cast.receptionist)
    client.get(reverse("patients:detail", args=[patient.pk]))
    body = client.post(SEARCH, {"q": ""}, headers=BOX).content.decode()
    assert "Halimah Tusadiah" in body
    assert searches() == []


def test_the_box_says_when_there_are_more(cast, client_for):
    for _number in range(12):
        PatientFactory(full_name="Halimah Tusadiah")
    body = client_for(cast.receptionist).post(SEARCH, {"q": "halimah"}, headers=BOX).content.decode()
    assert body.count('role="option"') == 8
    assert "data-search-all" in body


def test_a_doctor_is_shown_the_own_patients_and_no_registration(cast, client_for):
    PatientFactory(full_name="Halimah Milik", care_team=[cast.doctor])
    PatientFactory(full_name="Halimah Lain")
    body = client_for(cast.doctor).post(SEARCH, {"q": "halimah"}, headers=BOX).content.decode()
    assert "Halimah Milik" in body
    assert "Halimah Lain" not in body
    assert reverse("patients:register-start") not in body


def test_a_scanned_number_opens_the_record(cast, client_for):
    patient = PatientFactory(full_name="Halimah", record_number="000123", nik=NIK)
    client = client_for(cast.receptionist)
    for typed in ("000123", "123", NIK):
        answer = client.post(SEARCH, {"q": typed})
        assert answer["Location"] == reverse("patients:detail", args=[patient.pk])
    assert client.post(SEARCH, {"q": "halimah"}).status_code == 200, "a name is only looked for"
    assert client.post(SEARCH, {"q": "999999"}).status_code == 200
    assert len(searches()) == 5


def test_a_former_number_is_named(cast, client_for):
    kept, gone = PatientFactory(record_number="000123"), PatientFactory(record_number="000099")
    Patient.objects.filter(pk=gone.pk).update(status=Patient.Status.MERGED, merged_into=kept)
    body = client_for(cast.receptionist).post(SEARCH, {"q": "000099"}, headers=HTMX).content.decode()
    assert re.search(r"patient-result-former\">[^<]*000099", body)


@pytest.mark.parametrize("count", [3, 8])
def test_the_box_costs_the_same_for_any_number_of_rows(cast, client_for, django_assert_max_num_queries, count):
    for _number in range(count):
        AllergyFactory(patient=PatientFactory(full_name="Halimah Tusadiah"))
    client = client_for(cast.receptionist)
    with django_assert_max_num_queries(8):
        client.post(SEARCH, {"q": "halimah"}, headers=BOX)


# --- What typing leaves ---------------------------------------------------------------------------------------------


def test_typing_on_is_one_event_and_the_words_at_rest_another(cast, client_for):
    PatientFactory(full_name="Halimah Tusadiah")
    client = client_for(cast.receptionist)
    for typed in ("hal", "halim", "halimah", "halimah t"):
        assert "Halimah Tusadiah" in client.post(SEARCH, {"q": typed}, headers=HTMX).content.decode()
    assert len(searches()) == 1
    for _again in range(2):
        answer = client.post(SEARCH, {"q": "halimah t", "settled": "1"})
        assert (answer.status_code, answer.content) == (204, b"")
    assert len(searches()) == 2
    assert searches()[1].detail["hits"] == 1
    client.post(SEARCH, {"q": "halimah t", "settled": "1"}, headers=BOX)
    assert len(searches()) == 2


def test_other_words_are_another_event(cast, client_for):
    client = client_for(cast.receptionist)
    for typed in ("halimah", "tusadiah", "hal"):
        client.post(SEARCH, {"q": typed}, headers=BOX)
    assert len(searches()) == 3


def test_typing_for_longer_leaves_further_events(cast, client_for):
    client = client_for(cast.receptionist)
    now = clock.now()
    for seconds, typed in ((0, "ha"), (4, "hal"), (8, "hali"), (12, "halim")):
        with time_machine.travel(now + timedelta(seconds=seconds)):
            client.post(SEARCH, {"q": typed}, headers=HTMX)
    assert len(searches()) == 2


def test_what_somebody_else_searched_does_not_count(cast, client_for):
    record_search(actor=cast.admin, query="hal", hits=1)
    client_for(cast.receptionist).post(SEARCH, {"q": "halimah"}, headers=HTMX)
    assert [event.actor_id for event in searches()] == [cast.admin.pk, cast.receptionist.pk]


def test_without_script_every_search_is_an_event(cast, client_for):
    client = client_for(cast.receptionist)
    for typed in ("hal", "halimah"):
        client.post(SEARCH, {"q": typed})
    assert len(searches()) == 2


def test_the_words_are_not_in_the_log(cast, client_for):
    client_for(cast.receptionist).post(SEARCH, {"q": "halimah tusadiah", "settled": "1"})
    (event,) = searches()
    assert "halimah" not in str(event.detail).lower()
    assert event.detail["by"] == ["name"]


# --- How often ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["SEARCHES_PER_MINUTE", "SEARCHES_PER_HOUR"])
@pytest.mark.parametrize("headers", [{}, HTMX, BOX])
def test_a_flood_is_refused_and_written(cast, client_for, limit, headers):
    PatientFactory(full_name="Halimah")
    client, other = client_for(cast.receptionist), client_for(cast.cashier)
    with override_settings(**{limit: 3}):
        assert [client.post(SEARCH, {"q": "halimah"}, headers=headers).status_code for _time in range(4)] == [
            200
        ] * 3 + [429]
        refused = client.post(SEARCH, {"q": "halimah"}, headers=headers)
        assert "Halimah" not in refused.content.decode()
        assert client.post(SEARCH, {"q": "", "x": "1"}, headers=headers).status_code == 200, (
            "an empty box searches nothing"
        )
        assert other.post(SEARCH, {"q": "halimah"}, headers=headers).status_code == 200
    events = AuditEvent.objects.filter(action="patients.search.refused")
    assert [(event.actor_id, event.result) for event in events] == [(cast.receptionist.pk, "refused")] * 2
    assert AuditEvent.objects.filter(action="accounts.try.locked_out").count() == 0


def test_the_settled_words_count_as_well(cast, client_for):
    client = client_for(cast.receptionist)
    with override_settings(SEARCHES_PER_MINUTE=2):
        statuses = [client.post(SEARCH, {"q": f"hal{at}a", "settled": "1"}).status_code for at in "abc"]
    assert statuses == [204, 204, 429]
