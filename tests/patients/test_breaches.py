"""The register of data failures: its clock, the list of people, who was told, what a complete entry needs."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from django.urls import reverse
from pypdf import PdfReader

from audit.models import AuditEvent
from core import clock
from jobs import runner
from jobs import services as job_services
from notifications.models import Email, Notice
from patients import breach_papers
from patients.errors import BreachClosed, BreachIncomplete, InvalidPatientData, PatientChanged
from patients.models import AffectedPatient, Breach
from patients.services import breaches, record_chart_read
from tests.conftest import sign_in
from tests.factories.patients import PatientFactory

pytestmark = pytest.mark.django_db
FACTS = {"course": "Laptop dicuri dari mobil", "measures": "Kunci diganti", "data_kinds": ["identity", "health"]}


def make(cast, **fields):
    given = {"title": "Laptop hilang", "discovered_at": clock.now() - timedelta(hours=1), **fields}
    return breaches.record_breach(actor=cast.admin, **given)


def add(cast, breach, *patients):
    ids = [patient.pk for patient in patients]
    return breaches.add_affected(breach_id=breach.pk, actor=cast.admin, patient_ids=ids, source="hand")


class TestEntry:
    def test_the_clock_is_three_times_24_hours_from_the_discovery(self, cast):
        assert cast.owner.is_active
        breach = make(cast)
        assert breach.due_at - breach.discovered_at == timedelta(hours=72)
        assert breach.number == "PDP-I/2026/0001"
        assert make(cast).number == "PDP-I/2026/0002"
        told = set(Notice.objects.filter(kind="breach_recorded").values_list("recipient__username", flat=True))
        assert told == {cast.admin.username, cast.owner.username}

    @pytest.mark.parametrize(
        "fields",
        [
            {"title": "  "},
            {"title": "x" * 161},
            {"discovered_at": "later"},
            {"began_at": "later"},
            {"data_kinds": ["everything"]},
            {"risk": "huge"},
            {"course": "x" * 5001},
        ],
    )
    def test_what_cannot_be_is_refused(self, cast, fields):
        later = clock.now() + timedelta(hours=1)
        with pytest.raises(InvalidPatientData):
            make(cast, **{name: later if value == "later" else value for name, value in fields.items()})
        assert not Breach.objects.exists()

    def test_two_people_do_not_overwrite_each_other(self, cast):
        breach = make(cast)
        change = {"breach_id": breach.pk, "actor": cast.admin, "version": 1}
        breaches.update_breach(**change, course="Satu")
        with pytest.raises(PatientChanged):
            breaches.update_breach(**change, course="Dua")
        breach.refresh_from_db()
        assert (breach.course, breach.version) == ("Satu", 2)

    def test_what_was_changed_meanwhile_stays_until_it_is_opened_again(self, cast, client):
        breach = make(cast)
        sign_in(client, cast.admin)
        address = reverse("patients:breach-edit", args=[breach.pk])
        page = client.get(address)
        typed = {"title": "Laptop hilang", "discovered_at": "2026-03-04T10:00", "risk": "medium", "course": "Dua"}
        typed["version"] = str(page.context["version"])
        breaches.update_breach(breach_id=breach.pk, actor=cast.admin, version=1, course="Satu")
        for changed, status in (({"title": ""}, 422), ({}, 409), ({}, 409)):
            answer = client.post(address, {**typed, **changed})
            assert (answer.status_code, answer.context["version"]) == (status, 1)
        breach.refresh_from_db()
        assert breach.course == "Satu"

    def test_a_later_discovery_moves_the_clock(self, cast):
        breach = make(cast)
        when = breach.discovered_at - timedelta(hours=10)
        moved = breaches.update_breach(breach_id=breach.pk, actor=cast.admin, version=1, discovered_at=when)
        assert moved.due_at == when + timedelta(hours=72)


class TestPeople:
    def test_by_pasted_numbers(self, cast):
        one, two = PatientFactory(record_number="000011"), PatientFactory(record_number="000012")
        found, unknown = breaches.patients_of_numbers("000011, 00-00-12;\n000011 999999")
        assert (set(found), unknown) == ({one.pk, two.pk}, ["999999"])

    def test_by_what_an_account_opened(self, cast):
        seen, before, other = PatientFactory(), PatientFactory(), PatientFactory()
        since = clock.now()
        record_chart_read(patient=seen, actor=cast.doctor, what="chart")
        record_chart_read(patient=other, actor=cast.nurse, what="chart")
        until = clock.now() + timedelta(seconds=1)
        found = breaches.patients_opened_by(actor_id=cast.doctor.pk, since=since, until=until)
        assert found == [seen.pk]
        assert before.pk not in found
        assert breaches.patients_opened_by(actor_id=cast.doctor.pk, since=until, until=until + timedelta(days=1)) == []

    def test_a_merged_record_counts_as_the_one_that_stayed(self, cast):
        stayed = PatientFactory(record_number="000021")
        old = PatientFactory(record_number="000022", status="merged", merged_into=stayed)
        assert breaches.patients_of_numbers("000021 000022") == ([stayed.pk], [])
        record_chart_read(patient=old, actor=cast.doctor, what="chart")
        record_chart_read(patient=stayed, actor=cast.doctor, what="chart")
        window = {"since": clock.now() - timedelta(hours=1), "until": clock.now() + timedelta(hours=1)}
        assert breaches.patients_opened_by(actor_id=cast.doctor.pk, **window) == [stayed.pk]

    def test_nobody_stands_twice_on_the_list(self, cast):
        breach, patient = make(cast), PatientFactory()
        assert add(cast, breach, patient) == 1
        assert add(cast, breach, patient, PatientFactory()) == 1
        assert AffectedPatient.objects.count() == 2

    def test_two_at_once_put_somebody_on_once(self, race, cast):
        breach, patient, admin = make(cast), PatientFactory(), cast.admin

        def go():
            return breaches.add_affected(breach_id=breach.pk, actor=admin, patient_ids=[patient.pk], source="hand")

        assert sorted(race(go, [(), (), ()])) == [0, 0, 1]

    def test_who_was_told_stays_on_the_list(self, cast):
        breach = make(cast)
        add(cast, breach, PatientFactory(), PatientFactory())
        first, second = AffectedPatient.objects.all()
        assert breaches.mark_told(breach_id=breach.pk, actor=cast.admin, affected_ids=[first.pk], how="letter") == 1
        assert breaches.mark_told(breach_id=breach.pk, actor=cast.admin, affected_ids=[first.pk], how="phone") == 0
        with pytest.raises(BreachClosed):
            breaches.remove_affected(affected_id=first.pk, actor=cast.admin)
        breaches.remove_affected(affected_id=second.pk, actor=cast.admin)
        assert [row.told_how for row in AffectedPatient.objects.all()] == ["letter"]


class TestMails:
    def test_everybody_with_an_address_is_written_to_once(self, cast):
        breach = make(cast, **FACTS)
        people = [PatientFactory(email=f"orang{n}@contoh.id") for n in range(3)]
        add(cast, breach, *people, PatientFactory(email=""))
        for _again in range(2):
            job = job_services.request(kind=breaches.MAIL_KIND, actor=cast.admin,
                                       parameters={"breach": str(breach.pk), "again": _again})  # fmt: skip
            assert runner.work(job.pk) == "done"
        mails = Email.objects.filter(template="data_breach")
        assert mails.count() == 3
        assert sorted(AffectedPatient.objects.values_list("told_how", flat=True)) == ["", "email", "email", "email"]
        body = mails[0].body_text
        assert "Laptop dicuri dari mobil" in body
        assert "Kunci diganti" in body
        assert people[0].full_name not in mails[0].subject
        job.refresh_from_db()
        assert job.outcome == {"told": 3, "left": 1}

    def test_no_mail_before_the_entry_says_what_happened(self, client, cast):
        breach = make(cast)
        sign_in(client, cast.admin)
        answer = client.post(reverse("patients:breach-mails", args=[breach.pk]))
        assert answer.headers["Location"] == reverse("patients:breach-edit", args=[breach.pk])
        assert not Email.objects.exists()


class TestEnd:
    def test_an_incomplete_entry_needs_a_reason(self, cast):
        breach = make(cast)
        add(cast, breach, PatientFactory())
        with pytest.raises(BreachIncomplete):
            breaches.close_breach(breach_id=breach.pk, actor=cast.admin)
        closed = breaches.close_breach(breach_id=breach.pk, actor=cast.admin, reason="Hanya latihan")
        assert closed.status == "closed"
        assert "Hanya latihan" in closed.measures

    def test_a_complete_one_closes_and_changes_no_more(self, cast):
        breach = make(cast, **FACTS)
        add(cast, breach, PatientFactory())
        row = AffectedPatient.objects.get()
        breaches.mark_told(breach_id=breach.pk, actor=cast.admin, affected_ids=[row.pk], how="person")
        breaches.note_notice(breach_id=breach.pk, actor=cast.admin, to="agency", at=clock.now())
        closed = breaches.close_breach(breach_id=breach.pk, actor=cast.admin)
        assert closed.measures == FACTS["measures"]
        with pytest.raises(BreachClosed):
            add(cast, breach, PatientFactory())
        with pytest.raises(BreachClosed):
            breaches.update_breach(breach_id=breach.pk, actor=cast.admin, version=closed.version, title="Lain")

    def test_a_notice_lies_between_discovery_and_now(self, cast):
        breach = make(cast)
        for at in (breach.discovered_at - timedelta(minutes=1), clock.now() + timedelta(minutes=5)):
            with pytest.raises(InvalidPatientData):
                breaches.note_notice(breach_id=breach.pk, actor=cast.admin, to="agency", at=at)

    def test_who_keeps_the_register_is_warned_within_a_day(self, cast):
        make(cast, discovered_at=clock.now() - timedelta(hours=40))
        breaches.warn_due()
        assert not Notice.objects.filter(kind="breach_due").exists()
        make(cast, discovered_at=clock.now() - timedelta(hours=50))
        breaches.warn_due()
        assert Notice.objects.filter(kind="breach_due").exists()


class TestPages:
    def test_the_list_as_csv_runs_nothing(self, client, cast):
        breach = make(cast)
        add(cast, breach, PatientFactory(full_name="=cmd|' /C calc'!A0 Budi", record_number="000042"))
        sign_in(client, cast.admin)
        answer = client.post(reverse("patients:breach-export", args=[breach.pk]))
        text = answer.content.decode("utf-8-sig")
        assert "'=cmd" in text
        assert AuditEvent.objects.get(action="patients.breach.exported").detail == {"rows": 1}

    def test_the_owner_sees_numbers_and_no_names(self, client, cast):
        breach = make(cast)
        add(cast, breach, PatientFactory(full_name="Nama Rahasia", record_number="000043"))
        sign_in(client, cast.owner)
        page = client.get(reverse("patients:breach", args=[breach.pk])).content.decode()
        assert "000043" in page
        assert "Rahasia" not in page
        text = client.post(reverse("patients:breach-export", args=[breach.pk])).content.decode()
        assert "Rahasia" not in text

    @pytest.mark.parametrize("many", [3, 30])
    def test_the_page_costs_the_same_whatever_the_list(self, client, cast, many, django_assert_max_num_queries):
        breach = make(cast)
        add(cast, breach, *[PatientFactory() for _ in range(many)])
        sign_in(client, cast.admin)
        with django_assert_max_num_queries(16):
            assert client.get(reverse("patients:breach", args=[breach.pk])).status_code == 200


def test_the_notice_says_what_the_law_asks(cast):
    breach = make(cast, **FACTS)
    text = " ".join(
        page.extract_text()
        for page in PdfReader(BytesIO(breach_papers.notice_pdf(breach, affected=7, language="en"))).pages
    )
    for part in (breach.number, "Laptop dicuri", "Kunci diganti", "Health data", "7", "Klinik Batam Sehat"):
        assert part in text, part
