from collections import Counter
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import F, Sum
from django.test import TestCase, override_settings

from accounts.models import User
from audit.models import AuditEvent
from billing.models import Charge, Invoice, Payment
from consultations.models import Diagnosis, Note
from core import clock
from core.money import line_total
from emr.demo import loader
from notifications.models import Email
from patients.models import Patient, PatientToken, PortalRegistration
from patients.search import find_patients
from pharmacy.models import Batch, Medicine, Prescription, StockMovement
from scheduling.models import Appointment, PracticeSession, Stage, Visit
from scheduling.services.queue import in_queue
from scheduling.services.stations import stations_for
from tests.conftest import MORNING

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo(settings, tmp_path):
    settings.DEMO_MODE, settings.VAR_DIR = True, tmp_path


def load(**options):
    loader.load(**{"patients": 200, "months": 1, "say": lambda text: None, **options})


def test_never_outside_demo_mode(settings):
    settings.DEMO_MODE = False
    with pytest.raises(CommandError):
        call_command("load_demo")
    assert not Patient.objects.exists()


def test_a_load_that_fails_leaves_nothing(monkeypatch):
    monkeypatch.setattr(loader.Loader, "_registrations", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load()
    assert not Patient.objects.exists()
    assert not User.objects.exists()


class TestTheClinic(TestCase):
    """What was loaded. These tests only look, so one load serves them all."""

    @classmethod
    def setUpTestData(cls):
        directory = Path(cls.enterClassContext(TemporaryDirectory()))
        cls.enterClassContext(override_settings(DEMO_MODE=True, VAR_DIR=directory))
        with time_machine.travel(MORNING, tick=True):
            load()

    @pytest.fixture(autouse=True)
    def _demo(self):
        """Set for the class."""

    def test_money_adds_up(self):
        for invoice in Invoice.objects.prefetch_related("charges", "payments"):
            assert invoice.total_idr == sum(line.amount_idr for line in invoice.charges.all())
            assert invoice.paid_idr == sum(payment.amount_idr for payment in invoice.payments.all())
            assert (invoice.status == "paid") == (invoice.balance_idr == 0 and invoice.number is not None)
        for charge in Charge.objects.all():
            assert charge.amount_idr == line_total(charge.quantity, charge.unit_price_idr)
        for payment in Payment.objects.filter(method="cash"):
            assert payment.tendered_idr - payment.change_idr == payment.amount_idr

    def test_stock_adds_up(self):
        moved = dict(StockMovement.objects.values_list("batch_id").annotate(Sum("quantity")))
        for batch in Batch.objects.all():
            assert moved[batch.pk] == batch.quantity
        on_hand = dict(Batch.objects.values_list("medicine_id").annotate(Sum("quantity")))
        for medicine in Medicine.objects.all():
            assert medicine.on_hand == on_hand[medicine.pk]
            assert 0 <= medicine.reserved <= medicine.on_hand

    def test_people_stand_at_every_stage(self):
        today = Visit.objects.filter(visit_on=clock.today())
        stages = Counter(today.values_list("status", flat=True))
        assert {"arrived", "waiting", "in_consultation", "pharmacy", "cashier", "finished"} <= set(stages)
        assert set(Prescription.objects.filter(visit__in=today).values_list("status", flat=True)) == {
            "new",
            "priced",
            "dispensed",
        }
        assert PracticeSession.objects.filter(status="pending").exists()
        assert Appointment.objects.filter(status="pending").exists()
        assert PortalRegistration.objects.filter(status="pending").count() == 3
        assert Email.objects.filter(status="queued").exists()

    def test_every_finished_visit_has_its_papers(self):
        finished = Visit.objects.filter(status="finished")
        assert finished.count() > 50
        assert Note.objects.filter(visit__in=finished, status="signed").count() == finished.count()
        assert Invoice.objects.filter(encounter_id__in=finished.values("pk")).count() == finished.count()
        assert Diagnosis.objects.filter(rank="primary").count() == Note.objects.filter(status="signed").count()

    def test_nobody_gets_what_they_are_allergic_to(self):
        for prescription in Prescription.objects.prefetch_related("items__medicine", "patient__allergy_rows"):
            groups = {row.group for row in prescription.patient.allergies} - {""}
            for item in prescription.items.all():
                assert not groups & set(item.medicine.allergen_groups) or item.allergy_override_reason

    def test_patients_are_found_and_sign_ins_work(self):
        admin = User.objects.get(username="admin")
        assert "000001" in {patient.record_number for patient in find_patients(user=admin, query="tan mei-ling")}
        in_use = Patient.objects.exclude(status="merged")
        assert PatientToken.objects.values("patient").distinct().count() == in_use.count()
        from accounts.demo import demo_sign_ins

        staff, patients = demo_sign_ins("staff"), demo_sign_ins("patient")
        assert len(staff) >= 12
        for entry in (*staff, *patients):
            assert User.objects.get(username=entry["username"]).check_password(entry["password"])
        assert AuditEvent.objects.filter(action="demo.clinic.loaded").count() == 1

    def test_the_laboratory_has_somebody_to_call_and_somebody_who_calls(self):
        from accounts.demo import demo_code, demo_sign_ins

        [officer] = [entry for entry in demo_sign_ins("staff") if entry["role"] == "Petugas laboratorium"]
        user = User.objects.get(username=officer["username"])
        assert [station.name for station in stations_for(user)] == ["Laboratorium"]
        assert in_queue(Stage.LABORATORY, None, clock.now()).count() == 1
        assert demo_code(user).code

    def test_numbers_go_on_where_history_ends(self):
        numbers = list(Visit.objects.values_list("number", flat=True))
        assert len(numbers) == len(set(numbers))

    def test_the_same_seed_gives_the_same_clinic(self):
        people = loader.Population(loader.Random(loader.SEED), loader.clock.today()).notable()
        names = {person.full_name for person in people}
        assert names <= {patient.full_name for patient in Patient.objects.all()}
        again = loader.Loader(loader.SEED, lambda text: None)
        other = loader.Loader(loader.SEED, lambda text: None)
        people = [loader.Population(again.random, again.today).person() for _number in range(40)]
        assert people == [loader.Population(other.random, other.today).person() for _number in range(40)]

    def test_a_database_with_patients_is_left_alone(self):
        before, said = (Patient.objects.count(), Visit.objects.count()), StringIO()
        call_command("load_demo", stdout=said)
        assert "nothing was changed" in said.getvalue()
        assert (Patient.objects.count(), Visit.objects.count()) == before


@pytest.mark.parametrize(
    "instant",
    ["2026-03-07T17:05:00Z", "2026-03-08T16:55:00Z", "2026-12-31T16:30:00Z", "2028-02-28T18:00:00Z"],
    ids=["just after midnight to Sunday", "Sunday before midnight", "last minutes of the year", "leap day"],
)
def test_loads_at_any_hour(instant):
    with time_machine.travel(instant, tick=True):
        load()
        stages = set(Visit.objects.filter(visit_on=clock.today()).values_list("status", flat=True))
    assert {"arrived", "waiting", "in_consultation", "pharmacy", "cashier", "finished"} <= stages


@pytest.mark.parametrize("day", ["2026-11-21", "2026-12-24", "2027-02-28", "2028-02-29"])
def test_any_day_finds_medicines_for_the_patients_of_today(day):
    """What random numbers leave on the shelves differs from day to day."""
    with time_machine.travel(f"{day}T03:00:00+00:00", tick=False):
        load(patients=300, months=3)
    assert Prescription.objects.filter(status=Prescription.Status.NEW).exists()
    assert not Medicine.objects.filter(on_hand__lt=F("reserved")).exists()
