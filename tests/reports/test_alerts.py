"""Unusual access: found once, told to the right people, reviewed by another person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.urls import reverse

import audit
from accounts.access import Role
from core import clock
from notifications.models import Email, Notice
from patients.services import record_chart_read
from reports import alerts
from reports.errors import AlertReviewed, NoteMissing
from reports.models import AccessAlert
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.reports import AccessAlertFactory

Kind = AccessAlert.Kind
NIGHT = datetime(2026, 3, 5, 16, 30, tzinfo=UTC)  # 23.30 WIB
LATER = timedelta(minutes=1)


def open_charts(user, number: int) -> None:
    for _n in range(number):
        record_chart_read(patient=PatientFactory(full_name="Wulan Pertiwi"), actor=user)


def kinds() -> list[str]:
    return sorted(AccessAlert.objects.values_list("kind", flat=True))


def note(action: str, **event) -> None:
    with transaction.atomic():
        audit.record(action, **event)


@pytest.mark.django_db
class TestFound:
    def test_an_ordinary_day_raises_nothing(self, cast, settings):
        open_charts(cast.nurse, settings.ALERT_CHARTS_PER_HOUR - 1)
        assert alerts.look(clock.now() + LATER) == 0

    def test_many_records_in_an_hour(self, cast, settings):
        settings.ALERT_CHARTS_PER_HOUR = 5
        open_charts(cast.nurse, 5)
        assert alerts.look(clock.now() + LATER) == 1
        alert = AccessAlert.objects.get()
        assert (alert.kind, alert.actor, alert.count) == (Kind.MANY_CHARTS, cast.nurse, 5)

    def test_one_record_many_times_is_one(self, cast, settings):
        settings.ALERT_CHARTS_PER_HOUR = 5
        patient = PatientFactory()
        for _n in range(9):
            record_chart_read(patient=patient, actor=cast.nurse)
        assert alerts.look(clock.now() + LATER) == 0

    def test_at_night_fewer_are_unusual(self, cast, settings):
        settings.ALERT_CHARTS_OFF_HOURS = 3
        with time_machine.travel(NIGHT, tick=False):
            open_charts(cast.doctor, 3)
            assert alerts.look(clock.now() + LATER) == 1
        assert kinds() == [Kind.OFF_HOURS]

    def test_a_night_is_counted_over_midnight(self, cast, settings):
        settings.ALERT_CHARTS_OFF_HOURS = 4
        with time_machine.travel(NIGHT, tick=False) as traveller:
            open_charts(cast.doctor, 2)
            alerts.look(clock.now() + LATER)
            traveller.shift(timedelta(hours=2))
            open_charts(cast.doctor, 2)
            alerts.look(clock.now() + LATER)
        assert AccessAlert.objects.get().count == 4

    def test_own_family_name_but_no_common_one(self, cast):
        doctor = UserFactory(full_name="Rina Simatupang", roles=[Role.DOCTOR])
        for name in ("Togar Simatupang", "Simatupang Rahayu", "Togar Siregar"):
            record_chart_read(patient=PatientFactory(full_name=name), actor=doctor)
        nurse = UserFactory(full_name="Dewi Siti", roles=[Role.NURSE])
        record_chart_read(patient=PatientFactory(full_name="Nur Siti"), actor=nurse)
        assert alerts.look(clock.now() + LATER) == 1
        assert AccessAlert.objects.get().kind == Kind.FAMILY_NAME

    def test_patients_reading_themselves_are_nobodys_business(self, cast):
        record_chart_read(patient=cast.patient_user.patient, actor=cast.patient_user)
        assert alerts.look(clock.now() + LATER) == 0

    def test_large_export(self, cast, settings):
        note("reports.audit.exported", actor=cast.admin, detail={"rows": settings.ALERT_EXPORT_ROWS})
        assert alerts.look(clock.now() + LATER) == 1
        assert kinds() == [Kind.BULK_EXPORT]

    def test_many_refusals_also_counted_ones(self, cast, settings):
        for _n in range(10):
            note("accounts.page.refused", actor=cast.cashier, result="refused")
        assert alerts.look(clock.now() + LATER) == 0
        note("accounts.page.refused", actor=cast.cashier, result="refused", detail={"more": 30})
        assert alerts.look(clock.now() + LATER) == 1
        assert kinds() == [Kind.REFUSALS]


@pytest.mark.django_db
class TestTold:
    def test_once_to_owner_and_admin_without_names(self, cast, settings):
        settings.ALERT_CHARTS_PER_HOUR = 3
        assert cast.owner
        assert cast.admin
        open_charts(cast.nurse, 3)
        for _n in range(3):
            alerts.look(clock.now() + LATER)
        assert {row.recipient for row in Notice.objects.filter(kind="unusual_access")} == {cast.owner, cast.admin}
        mails = Email.objects.filter(template="unusual_access")
        assert mails.count() == 2
        for mail in mails:
            assert "Wulan" not in mail.body_text + mail.subject
            assert cast.nurse.full_name not in mail.body_text + mail.subject

    def test_never_to_the_person_it_is_about(self, cast, settings):
        settings.ALERT_CHARTS_PER_HOUR = 3
        assert cast.owner
        open_charts(cast.admin, 3)
        alerts.look(clock.now() + LATER)
        assert [row.recipient for row in Notice.objects.filter(kind="unusual_access")] == [cast.owner]

    def test_a_scheduler_that_was_down_catches_up(self, cast, settings):
        settings.ALERT_CHARTS_PER_HOUR = 3
        alerts.look(clock.now())
        open_charts(cast.nurse, 3)
        assert alerts.look(clock.now() + timedelta(hours=20)) == 1


@pytest.mark.django_db
class TestReview:
    def test_not_by_the_person_themselves(self, cast, client_for):
        alert = AccessAlertFactory(actor=cast.admin)
        client = client_for(cast.admin)
        address = reverse("reports:alert-detail", args=[alert.pk])
        assert client.get(address).status_code == 404
        assert client.post(address, {"outcome": "explained", "note": "Tidak apa-apa"}).status_code == 404
        assert client.get(reverse("reports:alert-list")).context["alerts"] == []
        alert.refresh_from_db()
        assert alert.outcome == ""

    def test_once_with_a_reason(self, cast):
        alert = AccessAlertFactory(actor=cast.nurse)
        with pytest.raises(NoteMissing):
            alerts.review_alert(alert_id=alert.pk, actor=cast.owner, outcome="explained", note=" ok ")
        with pytest.raises(NoteMissing):
            alerts.review_alert(alert_id=alert.pk, actor=cast.owner, outcome="", note="Sudah ditanyakan")
        alerts.review_alert(alert_id=alert.pk, actor=cast.owner, outcome="explained", note="Sudah ditanyakan")
        with pytest.raises(AlertReviewed):
            alerts.review_alert(alert_id=alert.pk, actor=cast.admin, outcome="misuse", note="Terlambat sudah")
        alert.refresh_from_db()
        assert (alert.outcome, alert.reviewed_by) == ("explained", cast.owner)

    def test_the_page_shows_the_events_behind_it(self, cast, client_for):
        record_chart_read(patient=PatientFactory(), actor=cast.nurse)
        alert = AccessAlertFactory(actor=cast.nurse, until=clock.now() + LATER)
        answer = client_for(cast.owner).get(reverse("reports:alert-detail", args=[alert.pk]))
        assert len(answer.context["lines"]) == 1


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_raise_one(cast, race, settings):
    settings.ALERT_CHARTS_PER_HOUR = 3
    assert cast.owner
    open_charts(cast.nurse, 3)
    until = clock.now() + LATER
    raised = race(alerts.look, [(until,)] * 4)
    assert sorted(raised, key=str) == [0, 0, 0, 1], raised
    assert AccessAlert.objects.count() == 1
    assert Notice.objects.filter(kind="unusual_access").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_one_answer(cast, race):
    alert = AccessAlertFactory(actor=cast.nurse)

    def review(user, outcome):
        return alerts.review_alert(alert_id=alert.pk, actor=user, outcome=outcome, note="Sudah ditanyakan")

    answers = race(review, [(cast.owner, "explained"), (cast.admin, "misuse")])
    assert sorted(type(answer).__name__ for answer in answers) == ["AccessAlert", "AlertReviewed"]
