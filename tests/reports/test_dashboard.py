"""The overview: only what one may see, numbers that match the lists behind, sums that add up, a fixed cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from accounts.access import Role
from accounts.models import RoleAssignment
from billing.models import Invoice, Payment, Refund
from core import clock
from notifications.models import Email
from patients.models import PortalRegistration
from pharmacy.models import Medicine, Prescription
from reports import figures
from scheduling import services as scheduling
from scheduling.models import Appointment, PracticeSession, Stage, Visit
from scheduling.services import detours, serving
from tests.factories.accounts import PatientUserFactory, UserFactory
from tests.factories.billing import InvoiceFactory
from tests.factories.consultations import NoteFactory
from tests.factories.patients import PatientFactory
from tests.factories.pharmacy import MedicineFactory, PrescriptionFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, StationFactory, VisitFactory
from tests.factories.support import SupportMessageFactory

URL = reverse("reports:dashboard")
NOON = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)  # Thursday 12.00 WIB


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


def numbers(user) -> dict[str, int]:
    return {stat.icon + "/" + stat.url: stat.value for section in figures.sections(user) for stat in section.stats}


def pay(amount: int, at: datetime, back: int = 0) -> Invoice:
    invoice = InvoiceFactory(
        total_idr=amount, paid_idr=amount, refunded_idr=back, status=Invoice.Status.PAID, issued_at=at, paid_at=at
    )
    cashier = UserFactory()
    Payment.objects.create(
        invoice=invoice, receipt_number=f"KW/{uuid4().hex[:20]}", idempotency_key=uuid4(), method="cash", amount_idr=amount,
        received_at=at,
        received_by=cashier,
    )  # fmt: skip
    if back:
        Refund.objects.create(
            invoice=invoice, amount_idr=back, reason="x", status="paid", created_at=at, paid_at=at, paid_by=cashier
        )
    return invoice


def an_email(status: str) -> None:
    Email.objects.create(
        template="x", language="id", dedupe_key=uuid4().hex, to_address="a@b.example", subject="x", body_text="x", body_html="x",
        status=status, next_attempt_at=clock.now(), created_at=clock.now(),
    )  # fmt: skip


@pytest.mark.django_db
class TestWrongPerson:
    def test_clinic_figures_are_for_admin_and_owner_only(self, cast, client_for):
        pay(150_000, NOON)
        for who in ("doctor", "nurse", "receptionist", "cashier", "pharmacist", "lab_officer", "patient_user"):
            assert figures.clinic_figures(getattr(cast, who)) is None
        assert figures.clinic_figures(AnonymousUser()) is None
        page = client_for(cast.cashier).get(URL)
        assert page.context["clinic_figures"] is None
        assert figures.clinic_figures(cast.owner) is not None

    def test_a_doctor_counts_only_their_own(self, cast):
        VisitFactory(doctor=cast.other_doctor)
        NoteFactory(visit__doctor=cast.other_doctor)
        AppointmentFactory(slot=SessionFactory(doctor=cast.other_doctor, practice_on=clock.today()).slots.last())
        assert set(numbers(cast.doctor).values()) == {0}

    def test_a_pharmacist_counts_only_the_care_teams_patients(self, cast):
        PrescriptionFactory()
        assert numbers(cast.pharmacist)[f"pill/{reverse('pharmacy:queue')}"] == 0
        PrescriptionFactory(visit=VisitFactory(patient=PatientFactory(care_team=["pharmacist"])))
        assert numbers(cast.pharmacist)[f"pill/{reverse('pharmacy:queue')}"] == 1

    def test_the_owner_sees_no_patient(self, cast, client_for):
        pay(150_000, NOON)
        VisitFactory(patient__full_name="Nama Rahasia")
        assert "Nama Rahasia" not in client_for(cast.owner).get(URL).content.decode()

    def test_money_taken_is_for_people_who_take_it(self, cast):
        pay(150_000, NOON)
        assert figures.taken_today(cast.owner) == []
        assert dict(figures.taken_today(cast.cashier))[str(Payment.Method.CASH.label)] == 150_000


@pytest.mark.django_db
class TestCounts:
    def test_admin(self, cast):
        PortalRegistration.objects.create(
            user=PatientUserFactory(is_active=False), full_name="A", birth_date=NOON.date(), phone="1", created_at=NOON
        )
        SessionFactory(status=PracticeSession.Status.PENDING)
        SessionFactory(status=PracticeSession.Status.COMPLETION_REQUESTED)
        AppointmentFactory(status=Appointment.Status.PENDING)
        InvoiceFactory()
        InvoiceFactory(status=Invoice.Status.PART_PAID, paid_idr=1000)
        InvoiceFactory(status=Invoice.Status.DRAFT)
        Refund.objects.create(invoice=InvoiceFactory(status="paid"), amount_idr=1, reason="x", created_at=NOON)
        for status in ("failed", "uncertain", "uncertain", "sent"):
            an_email(status)
        SupportMessageFactory()
        section = figures.sections(cast.admin)[0]
        assert [stat.value for stat in section.stats] == [1, 1, 1, 1, 2, 1, 1, 2, 1, 0]

    def test_receptionist(self, cast):
        session = SessionFactory(practice_on=clock.today(), slot_count=5)  # 09.00 to 11.30, all before noon
        late = SessionFactory(practice_on=clock.today(), starts_at=NOON + timedelta(hours=1))
        slots = list(session.slots.all())
        AppointmentFactory(slot=slots[0])
        AppointmentFactory(slot=slots[1], status=Appointment.Status.NO_SHOW)
        AppointmentFactory(slot=slots[2], status=Appointment.Status.CANCELLED)
        AppointmentFactory(slot=late.slots.first())
        AppointmentFactory()  # tomorrow
        VisitFactory()
        VisitFactory(status=Visit.Status.FINISHED)
        VisitFactory(visit_on=clock.today() - timedelta(days=1))
        section = figures.sections(cast.receptionist)[0]
        assert [stat.value for stat in section.stats] == [2, 1, 1, 1]

    def test_nurse_and_doctor(self, cast):
        VisitFactory(doctor=cast.doctor, status=Visit.Status.ARRIVED)
        VisitFactory(doctor=cast.doctor, status=Visit.Status.WAITING)
        VisitFactory(doctor=cast.doctor, status=Visit.Status.IN_CONSULTATION)
        assert [stat.value for stat in figures.sections(cast.nurse)[0].stats] == [2, 1]
        NoteFactory(visit__doctor=cast.doctor, visit__patient__care_team=[cast.doctor], author=cast.doctor)
        session = SessionFactory(doctor=cast.doctor, practice_on=clock.today())
        AppointmentFactory(slot=session.slots.first())
        assert [stat.value for stat in figures.sections(cast.doctor)[0].stats] == [2, 1, 1, 1]

    def test_pharmacist(self, cast):
        def rx(status: str, bill: str | None = None) -> None:
            visit = VisitFactory(patient=PatientFactory(care_team=["pharmacist"]))
            PrescriptionFactory(visit=visit, status=status)
            if bill:
                InvoiceFactory(encounter_id=visit.pk, patient=visit.patient, status=bill)

        rx(Prescription.Status.NEW)
        rx(Prescription.Status.PRICED, "unpaid")
        rx(Prescription.Status.PRICED, "unpaid")
        rx(Prescription.Status.PRICED, "paid")
        rx(Prescription.Status.DISPENSED, "paid")
        MedicineFactory(minimum_stock=200)
        soon = MedicineFactory()
        soon.batches.update(expires_on=clock.today() + timedelta(days=30))
        assert [stat.value for stat in figures.sections(cast.pharmacist)[0].stats] == [1, 2, 1, 1, 1]
        assert Medicine.objects.count() == 2

    def test_examinations(self, cast):
        laboratory = StationFactory(stage=Stage.LABORATORY, spoken="laboratorium")
        for stage in (Stage.LABORATORY, Stage.LABORATORY, Stage.RADIOLOGY):
            visit = VisitFactory(doctor=cast.doctor)
            scheduling.start_consultation(visit_id=visit.pk, actor=cast.doctor)
            detours.send_to_examination(visit_id=visit.pk, stage=stage, actor=cast.doctor)
        serving.call_next(station_id=laboratory.pk, actor=cast.lab_officer)
        assert [stat.value for stat in figures.sections(cast.lab_officer)[0].stats] == [1, 1]
        assert [stat.value for stat in figures.sections(cast.radiographer)[0].stats] == [1, 0]

    def test_cashier(self, cast):
        InvoiceFactory()
        InvoiceFactory(issued_at=NOON - timedelta(days=2))
        assert [stat.value for stat in figures.sections(cast.cashier)[0].stats] == [1, 2, 0]

    def test_roles_add_up(self, cast):
        for role in (Role.CASHIER, Role.RECEPTIONIST):
            RoleAssignment.objects.create(user=cast.nurse, role=role)
        cast.nurse.forget_roles()
        titles = [section.title for section in figures.sections(cast.nurse)]
        assert titles == [str(role.label) for role in (Role.NURSE, Role.RECEPTIONIST, Role.CASHIER)]

    def test_every_count_leads_to_a_page_its_reader_may_open(self, cast, client_for):
        for who in ("admin", "doctor", "nurse", "receptionist", "cashier", "pharmacist", "lab_officer", "radiographer"):
            user = getattr(cast, who)
            client = client_for(user)
            for section in figures.sections(user):
                for stat in section.stats:
                    assert stat.url, f"{who}: {stat.label}"
                    assert client.get(stat.url).status_code == 200, stat.url


@pytest.mark.django_db
class TestClinicFigures:
    def test_days_begin_at_midnight_in_the_clinic(self, cast):
        midnight = clock.day_bounds(clock.today())[0]
        pay(100_000, midnight)
        pay(7_000, midnight - timedelta(microseconds=1))
        found = figures.clinic_figures(cast.owner)
        assert found.today[1].value == "Rp100.000"
        assert found.revenue.values[-1] == 107_000

    def test_months_and_refunds(self, cast):
        pay(100_000, datetime(2026, 2, 28, 16, 59, 59, tzinfo=UTC))  # 28 February, 23.59 WIB
        pay(200_000, datetime(2026, 2, 28, 17, 0, tzinfo=UTC), back=50_000)  # 1 March, 00.00 WIB
        pay(900_000, datetime(2025, 9, 15, 3, 0, tzinfo=UTC))  # too old
        pay(300_000, datetime(2025, 10, 1, 3, 0, tzinfo=UTC))
        found = figures.clinic_figures(cast.admin).revenue
        assert found.values == [300_000, 0, 0, 0, 100_000, 150_000]
        assert found.shown[-1] == "Rp150.000"

    def test_visits_today_against_last_week(self, cast):
        VisitFactory.create_batch(3, arrived_at=NOON - timedelta(hours=1))
        VisitFactory(status=Visit.Status.CANCELLED)
        week = timedelta(days=7)
        VisitFactory.create_batch(2, visit_on=clock.today() - week, arrived_at=NOON - week - timedelta(hours=2))
        VisitFactory(visit_on=clock.today() - week, arrived_at=NOON - week + timedelta(hours=2))
        found = figures.clinic_figures(cast.owner)
        assert found.today[0].value == 3
        assert "2" in found.today[0].label
        assert found.visits.values == [0, 0, 0, 0, 0, 0, 3]

    def test_bills_of_the_month(self, cast):
        pay(150_000, NOON)
        InvoiceFactory(total_idr=80_000)
        InvoiceFactory(total_idr=50_000, status="part_paid", paid_idr=20_000)
        InvoiceFactory(total_idr=1_000, issued_at=NOON - timedelta(days=40))
        assert [row[1:] for row in figures.clinic_figures(cast.owner).bills] == [(1, "Rp150.000"), (2, "Rp110.000")]

    def test_five_doctors_at_most_by_number_of_visits(self, cast):
        VisitFactory.create_batch(2, doctor=cast.doctor)
        VisitFactory.create_batch(6)
        found = figures.clinic_figures(cast.owner).doctors
        assert found[0] == ("dr. Rina Hartati", 2)
        assert len(found) == 5

    def test_an_empty_clinic(self, cast, client_for):
        for who in ("admin", "owner"):
            assert client_for(getattr(cast, who)).get(URL).status_code == 200


@pytest.mark.django_db
class TestScreen:
    @pytest.mark.parametrize("who", ["admin", "doctor", "pharmacist"])
    def test_at_most_15_statements_whatever_the_rows(self, cast, client_for, django_assert_max_num_queries, who):
        client = client_for(getattr(cast, who))
        counts = []
        for rows in (3, 27):
            for _index in range(rows):
                VisitFactory(doctor=cast.doctor)
                PrescriptionFactory(visit=VisitFactory(patient=PatientFactory(care_team=["pharmacist"])))
                AppointmentFactory(status=Appointment.Status.PENDING)
                pay(1000, NOON)
            with django_assert_max_num_queries(15) as queries:
                assert client.get(URL).status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_the_panel_alone(self, cast, client_for, django_assert_max_num_queries):
        client = client_for(cast.admin)
        with django_assert_max_num_queries(5):
            page = client.get(reverse("reports:dashboard-panel"))
        assert 'hx-trigger="live:queue from:body' in page.content.decode().replace("\n", " ")

    def test_an_empty_list_says_what_to_do(self, cast, client_for):
        for who in ("admin", "doctor", "nurse", "receptionist", "pharmacist", "cashier"):
            section = client_for(getattr(cast, who)).get(URL).context["sections"][0]
            assert section.is_empty
            assert len(section.empty) > 30

    def test_charts_have_their_numbers_in_a_table(self, cast, client_for):
        page = client_for(cast.owner).get(URL).content.decode()
        assert page.count("<canvas data-chart=") == page.count('role="img" aria-label=') == 2
        assert page.count("<caption") == 2
