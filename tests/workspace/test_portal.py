"""The patient's own pages: other people first."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from billing.models import Invoice, Payment, Refund
from consultations.services import choose_diagnoses
from pharmacy.models import Prescription
from pharmacy.services import pricing
from pharmacy.services.prescribing import PrescriptionLine
from scheduling.models import Appointment, Visit
from tests.factories.consultations import DiagnosisCodeFactory, NoteFactory, SignedNoteFactory, VitalsFactory
from tests.factories.pharmacy import MedicineFactory
from tests.factories.scheduling import AppointmentFactory, VisitFactory
from workspace import services

pytestmark = pytest.mark.django_db
ACTIONS = ["portal-visit-confirm", "portal-visit-without-medicine"]


@pytest.fixture
def mine(cast):
    """The patient's visit, prescribed and waiting for its prices."""
    medicine = MedicineFactory(stock=30)
    from patients.services import add_to_care_team

    DiagnosisCodeFactory()
    patient = cast.patient_user.patient
    add_to_care_team(patient_id=patient.pk, user_id=cast.doctor.pk)
    visit = VisitFactory(doctor=cast.doctor, patient=patient, status=Visit.Status.IN_CONSULTATION)
    VitalsFactory(visit=visit)
    services.finish_consultation(
        visit_id=visit.pk, actor=cast.doctor, version=0, consultation_fee_idr=100_000,
        diagnoses=choose_diagnoses(["J06.9"]), lines=[PrescriptionLine(medicine.pk, Decimal(10), "3 x sehari 1 tablet")],
        subjective="Keluhan", objective="", assessment="Dugaan dokter", plan="Minum <b>air</b>",
    )  # fmt: skip
    visit.refresh_from_db()
    return visit


def url(name, visit):
    return reverse(f"workspace:{name}", args=[visit.pk])


def price(visit, pharmacist):
    prescription = visit.prescription
    prices = {item.pk: (item.list_price_idr, "") for item in prescription.items.all()}
    return pricing.confirm_prices(prescription_id=prescription.pk, actor=pharmacist, prices=prices)


def pay(visit, cashier, amount=None):
    invoice = Invoice.objects.get(encounter_id=visit.pk)
    amount = amount or invoice.balance_idr
    return services.receive_payment(
        invoice_id=invoice.pk, method=Payment.Method.CASH, amount_idr=amount, tendered_idr=amount,
        idempotency_key=uuid4(), actor=cashier,
    )  # fmt: skip


# --- The wrong person --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["portal-visit", "portal-visit-panel"])
@pytest.mark.parametrize("who", ["other_patient_user", "doctor", "nurse", "admin", "cashier", "pharmacist", "owner"])
def test_nobody_else_reads(cast, client_for, mine, name, who):
    assert client_for(getattr(cast, who)).get(url(name, mine)).status_code == 404


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("who", ["other_patient_user", "doctor", "admin"])
def test_nobody_else_confirms(cast, client_for, mine, name, who):
    assert client_for(getattr(cast, who)).post(url(name, mine)).status_code == 404
    mine.refresh_from_db()
    assert mine.patient_confirmed_at is None
    assert Prescription.objects.get().status == Prescription.Status.NEW


def test_the_services_check_the_patient_too(cast, mine):
    from core.errors import NotPermitted

    for service in (services.confirm_finished, services.finish_without_medicine):
        with pytest.raises(NotPermitted):
            service(visit_id=mine.pk, actor=cast.other_patient_user)


def test_lists_hold_own_visits_only(cast, client_for, mine):
    context = client_for(cast.other_patient_user).get(reverse("workspace:portal-visits")).context
    assert context["entries"] == []
    home = client_for(cast.other_patient_user).get(reverse("workspace:portal-home")).context
    assert home["open_visits"] == home["bills"] == home["prescriptions"] == home["appointments"] == []


def test_a_draft_is_not_shown(cast, client_for):
    visit = VisitFactory(patient=cast.patient_user.patient, status=Visit.Status.IN_CONSULTATION)
    NoteFactory(visit=visit, plan="Belum ditandatangani")
    assert "Belum ditandatangani" not in client_for(cast.patient_user).get(url("portal-visit", visit)).content.decode()


# --- Reading ------------------------------------------------------------------------------------------------------


def test_the_visit_says_what_was_found_in_plain_words(cast, client_for, mine):
    page = client_for(cast.patient_user).get(url("portal-visit", mine)).content.decode()
    for text in (
        "Infeksi saluran napas atas akut",
        "Minum &lt;b&gt;air&lt;/b&gt;",
        "3 x sehari 1 tablet",
        "120/80",
        "Rp100.000",
    ):
        assert text in page
    assert "Dugaan dokter" not in page
    assert AuditEvent.objects.filter(action="patients.chart.read", actor=cast.patient_user).count() == 1


def test_home_shows_what_waits(cast, client_for, mine):
    AppointmentFactory(patient=mine.patient, status=Appointment.Status.PENDING)
    price(mine, cast.pharmacist)
    home = client_for(cast.patient_user).get(reverse("workspace:portal-home"))
    assert [visit.pk for visit, _estimate in home.context["open_visits"]] == [mine.pk]
    assert len(home.context["appointments"]) == len(home.context["bills"]) == len(home.context["prescriptions"]) == 1
    assert mine.ticket.label in home.content.decode()
    assert "Rp105.000" in home.content.decode()


# --- Confirming ---------------------------------------------------------------------------------------------------


def test_confirming_waits_for_consultation_bill_and_medicines(cast, client_for, mine):
    client = client_for(cast.patient_user)
    running = VisitFactory(patient=mine.patient, status=Visit.Status.WAITING)
    for visit in (running, mine):
        assert client.post(url("portal-visit-confirm", visit)).status_code == 302
    price(mine, cast.pharmacist)
    pay(mine, cast.cashier)
    client.post(url("portal-visit-confirm", mine))  # paid, but the medicines still wait
    mine.refresh_from_db()
    assert mine.patient_confirmed_at is None
    from pharmacy.services import dispensing

    dispensing.dispense_prescription(prescription_id=mine.prescription.pk, actor=cast.pharmacist)
    assert "portal-visit-confirm" not in "".join(
        str(message) for message in client.get(url("portal-visit", mine)).context["messages"]
    )
    client.post(url("portal-visit-confirm", mine))
    mine.refresh_from_db()
    stamped = mine.patient_confirmed_at
    assert stamped is not None
    client.post(url("portal-visit-confirm", mine))
    mine.refresh_from_db()
    assert mine.patient_confirmed_at == stamped
    assert AuditEvent.objects.filter(action="workspace.visit.confirmed").count() == 1


def test_finishing_without_medicine_before_prices(cast, client_for, mine):
    client = client_for(cast.patient_user)
    assert "data-confirm-text" in client.get(url("portal-visit", mine)).content.decode()
    assert client.post(url("portal-visit-without-medicine", mine)).status_code == 302
    mine.refresh_from_db()
    invoice = Invoice.objects.get()
    assert (Prescription.objects.get().status, mine.status) == ("cancelled", Visit.Status.CASHIER)
    assert (invoice.status, invoice.total_idr) == (Invoice.Status.UNPAID, 100_000)
    assert mine.prescription.items.get().medicine.reserved == 0
    pay(mine, cast.cashier)
    mine.refresh_from_db()
    assert mine.status == Visit.Status.FINISHED


def test_finishing_without_medicine_says_and_does_what_it_costs(cast, client_for, mine):
    price(mine, cast.pharmacist)
    client = client_for(cast.patient_user)
    words = client.get(url("portal-visit", mine)).context["skip_words"]
    assert "Rp5.000" in words
    assert "Rp100.000" in words
    client.post(url("portal-visit-without-medicine", mine))
    assert Invoice.objects.get().total_idr == 100_000


def test_medicines_paid_for_come_back_as_a_refund(cast, client_for, mine):
    price(mine, cast.pharmacist)
    pay(mine, cast.cashier)
    client = client_for(cast.patient_user)
    assert "Rp5.000" in client.get(url("portal-visit", mine)).context["skip_words"]
    client.post(url("portal-visit-without-medicine", mine))
    assert [(refund.amount_idr, refund.status) for refund in Refund.objects.all()] == [(5_000, Refund.Status.DUE)]
    mine.refresh_from_db()
    assert (mine.status, Invoice.objects.get().status) == (Visit.Status.FINISHED, Invoice.Status.PAID)
    client.post(url("portal-visit-without-medicine", mine))  # again: nothing waits any more
    assert Refund.objects.count() == 1


def test_medicines_that_were_handed_over_stay(cast, client_for, mine):
    from pharmacy.services import dispensing

    price(mine, cast.pharmacist)
    pay(mine, cast.cashier)
    dispensing.dispense_prescription(prescription_id=mine.prescription.pk, actor=cast.pharmacist)
    client_for(cast.patient_user).post(url("portal-visit-without-medicine", mine))
    assert Prescription.objects.get().status == Prescription.Status.DISPENSED
    assert not Refund.objects.exists()


# --- Queries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["portal-home", "portal-visits"])
def test_the_portals_queries_do_not_grow(cast, client_for, name):
    patient, client, counts = cast.patient_user.patient, client_for(cast.patient_user), []
    for more in (3, 27):
        for _ in range(more):
            SignedNoteFactory(visit=VisitFactory(patient=patient, doctor=cast.doctor, status=Visit.Status.FINISHED))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(f"workspace:{name}")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15, [query["sql"][:150] for query in queries]
