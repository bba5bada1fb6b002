"""The audit log as admin, owner and patient read it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.urls import reverse

import audit
from accounts.access import Role
from audit.models import AuditEvent
from core import clock
from patients.services import record_chart_read
from reports.audit_words import ACTIONS
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory

BROWSER = reverse("reports:audit-browser")
EXPORT = reverse("reports:audit-export")
MINE = reverse("reports:portal-record-access")
WRITERS = r"(?:audit\.record|audit\.record_many|record_refusal|_refuse|_record|_write|record)"


def note(action: str = "patients.chart.read", **event):
    with transaction.atomic():
        return audit.record(action, **event)


def shown(answer) -> list[AuditEvent]:
    return [line.event for line in answer.context["lines"]]


def test_every_action_in_the_code_has_words():
    """Also those that are put together from a name and a state."""
    apps = ("accounts", "audit", "billing", "consultations", "core", "emr", "jobs", "notifications", "patients", "pharmacy",
            "reports", "scheduling", "support", "workspace")  # fmt: skip
    text = "\n".join(path.read_text() for app in apps for path in sorted((Path(settings.BASE_DIR) / app).rglob("*.py")))
    calls = re.findall(WRITERS + r"\(\s*f?\"([a-z_]+\.[a-z_]+\.[a-z_{}.]+)\"", text)
    missing = sorted({action for action in calls if "{" not in action and action not in ACTIONS})
    assert len(calls) > 60
    assert not missing, f"add words to reports/audit_words.py for {missing}"


@pytest.mark.django_db
class TestBrowser:
    def test_reading_the_log_is_in_the_log_once_per_search(self, cast, client_for):
        client = client_for(cast.admin)
        client.get(BROWSER, {"result": "ok"})
        client.get(BROWSER, {"result": "ok", "after": "5"})
        event = AuditEvent.objects.get(action="reports.audit.viewed")
        assert (event.actor, event.detail) == (cast.admin, {"filters": ["result"]})

    def test_filters(self, cast, client_for):
        patient = PatientFactory()
        read = note(actor=cast.nurse, patient=patient.pk)
        other = note("patients.patient.updated", actor=cast.receptionist, patient=patient.pk)
        client = client_for(cast.admin)

        def found(**filters):
            return {event.pk for event in shown(client.get(BROWSER, filters))} & {read.pk, other.pk}

        assert found() == {read.pk, other.pk}
        assert found(actor=str(cast.nurse.pk)) == {read.pk}
        assert found(sort="change") == {other.pk}
        assert found(result="refused") == set()
        assert found(since=clock.today().isoformat()) == {read.pk, other.pk}
        assert found(until=(clock.today() - timedelta(days=1)).isoformat()) == set()

    def test_a_day_is_the_clinics_day(self, cast, client_for):
        with time_machine.travel(datetime(2026, 3, 3, 16, 30, tzinfo=UTC), tick=False):  # 23.30 WIB
            late = note(actor=cast.nurse)
        with time_machine.travel(datetime(2026, 3, 3, 17, 30, tzinfo=UTC), tick=False):  # 00.30 WIB of the next day
            early = note(actor=cast.nurse)
        client = client_for(cast.admin)
        day = {event.pk for event in shown(client.get(BROWSER, {"since": "2026-03-03", "until": "2026-03-03"}))}
        assert late.pk in day
        assert early.pk not in day

    def test_days_are_found_through_the_seals(self, cast, client_for):
        from audit.sealing import seal_once

        moments = [datetime(2026, 3, day, 3, 0, tzinfo=UTC) for day in (1, 2, 3)]
        events = []
        for moment in moments:
            with time_machine.travel(moment, tick=False):
                events.append(note(actor=cast.nurse))
            with time_machine.travel(moment + timedelta(hours=1), tick=False):
                seal_once()
        client = client_for(cast.admin)
        found = shown(client.get(BROWSER, {"since": "2026-03-02", "until": "2026-03-02", "actor": str(cast.nurse.pk)}))
        assert [event.pk for event in found] == [events[1].pk]

    @pytest.mark.parametrize("rows", [3, 30])
    def test_constant_statements(self, cast, client_for, django_assert_max_num_queries, rows):
        for _n in range(rows):
            note(actor=cast.nurse, patient=PatientFactory().pk)
        client = client_for(cast.admin)
        client.get(BROWSER)
        with django_assert_max_num_queries(15):
            client.get(BROWSER, {"since": "2026-03-01", "sort": "read"})

    def test_one_patient_by_number_and_the_number_is_not_in_the_log(self, cast, client_for):
        patient, other = PatientFactory(), PatientFactory()
        mine = note(actor=cast.nurse, patient=patient.pk)
        note(actor=cast.nurse, patient=other.pk)
        answer = client_for(cast.owner).post(BROWSER, {"record_number": patient.record_number})
        assert [event.pk for event in shown(answer)] == [mine.pk]
        assert patient.full_name not in answer.content.decode(), "the owner sees numbers, no names"
        event = AuditEvent.objects.get(action="reports.audit.viewed")
        assert patient.record_number not in str(event.detail)

    def test_leafing(self, cast, client_for):
        for _n in range(60):
            note(actor=cast.nurse)
        client = client_for(cast.admin)
        first = client.get(BROWSER, {"sort": "read"})
        second = client.get(BROWSER + first.context["next_url"])
        assert len(shown(first)) == 50
        assert len(shown(second)) == 10
        assert not {event.pk for event in shown(first)} & {event.pk for event in shown(second)}

    @pytest.mark.parametrize(
        "query",
        [
            {"after": "x"}, {"after": "9" * 40}, {"after": "-1"}, {"before": "²"}, {"actor": "nobody"}, {"since": "31/12"},
            {"since": "9999-12-31"}, {"since": "2026-03-05", "until": "2026-03-01"}, {"sort": "<b>"}, {"until": "0001-01-01"},
        ],
    )  # fmt: skip
    def test_any_query(self, cast, client_for, query):
        answer = client_for(cast.admin).get(BROWSER, query)
        assert answer.status_code in (200, 422)

    def test_hostile_text_in_the_log_is_text(self, cast, client_for):
        note(actor=cast.nurse, detail={"what": "<script>alert(1)</script>"})
        assert b"<script>alert" not in client_for(cast.admin).get(BROWSER).content


@pytest.mark.django_db
class TestExport:
    def rows(self, answer) -> list[list[str]]:
        text = b"".join(answer.streaming_content).decode("utf-8")
        assert text.startswith("\ufeff")
        return list(csv.reader(io.StringIO(text[1:])))

    def test_a_spreadsheet_runs_nothing_and_the_export_is_in_the_log(self, cast, client_for):
        nurse = UserFactory(full_name="=HYPERLINK(1)", roles=[Role.NURSE])
        note(actor=nurse)
        answer = client_for(cast.admin).post(EXPORT, {"actor": str(nurse.pk)})
        rows = self.rows(answer)
        assert len(rows) == 2
        assert rows[1][2] == "'=HYPERLINK(1)"
        event = AuditEvent.objects.get(action="reports.audit.exported")
        assert event.detail == {"rows": 1, "filters": ["actor_id"]}

    def test_too_much_is_refused_with_a_sentence(self, cast, client_for, monkeypatch):
        monkeypatch.setattr("reports.audit_views.MOST_EXPORTED", 2)
        for _n in range(5):
            note(actor=cast.nurse)
        answer = client_for(cast.admin).post(EXPORT, {"actor": str(cast.nurse.pk)})
        assert answer["Location"] == BROWSER
        assert not AuditEvent.objects.filter(action="reports.audit.exported").exists()

    def test_many_rows_come_in_batches(self, cast, client_for, monkeypatch):
        monkeypatch.setattr("reports.audit_browser.EXPORT_BATCH", 7)
        ids = [str(note(actor=cast.nurse).pk) for _n in range(20)]
        rows = self.rows(client_for(cast.admin).post(EXPORT, {"actor": str(cast.nurse.pk)}))
        assert [row[0] for row in rows[1:]] == ids[::-1]


@pytest.mark.django_db
class TestPatientsPage:
    def test_who_when_and_in_which_role(self, cast, client_for):
        patient = cast.patient_user.patient
        record_chart_read(patient=patient, actor=cast.nurse, what="history")
        note(actor=cast.doctor, patient=patient.pk, detail={"what": "chart", "emergency": "x"})
        first, second = client_for(cast.patient_user).get(MINE).context["entries"]
        assert (second.who, second.roles) == ("Dewi Anggraini", "Perawat")
        assert not second.is_emergency
        assert first.is_emergency

    def test_own_reading_is_left_out_and_own_changes_are_not(self, cast, client_for):
        patient = cast.patient_user.patient
        record_chart_read(patient=patient, actor=cast.patient_user, what="identity")
        note("patients.profile.completed", actor=cast.patient_user, patient=patient.pk)
        [entry] = client_for(cast.patient_user).get(MINE).context["entries"]
        assert entry.is_portal
        assert entry.part == ""

    def test_nothing_about_anybody_else(self, cast, client_for):
        record_chart_read(patient=cast.other_patient_user.patient, actor=cast.nurse)
        assert client_for(cast.patient_user).get(MINE).context["entries"] == []

    def test_refusals_and_jobs_are_not_shown(self, cast, client_for):
        patient = cast.patient_user.patient
        note(actor=None, patient=patient.pk)
        note(actor=cast.nurse, patient=patient.pk, result="refused")
        assert client_for(cast.patient_user).get(MINE).context["entries"] == []

    def test_looking_is_in_the_log(self, cast, client_for):
        client_for(cast.patient_user).get(MINE)
        event = AuditEvent.objects.get(action="reports.access_log.viewed")
        assert event.patient_id == cast.patient_user.patient.pk
