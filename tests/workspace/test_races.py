"""Two hands on one consultation, on a real database with real transactions."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from billing.errors import NotPayable, WrongAmount
from billing.models import Charge, Invoice, Payment, Refund
from consultations import services as consultations
from consultations.errors import NoteChanged, NoteSigned
from consultations.models import Diagnosis, Note
from consultations.services import choose_diagnoses
from core.errors import DomainError
from pharmacy.models import Prescription
from pharmacy.services import pricing
from pharmacy.services.prescribing import PrescriptionLine
from scheduling.models import Visit
from tests.factories.consultations import DiagnosisCodeFactory
from tests.factories.patients import PatientFactory
from tests.factories.pharmacy import MedicineFactory
from tests.factories.scheduling import VisitFactory
from workspace import services
from workspace.errors import NothingToCancel

SOAP = {"objective": "", "assessment": "ISPA", "plan": ""}


@pytest.fixture
def running(race, cast):
    """A running consultation (needs the database of the race first)."""
    DiagnosisCodeFactory()
    patient = PatientFactory(care_team=[cast.doctor])
    return VisitFactory(doctor=cast.doctor, patient=patient, status=Visit.Status.IN_CONSULTATION)


def finish(visit_id: UUID, doctor, lines, text="Batuk"):
    return services.finish_consultation(
        visit_id=visit_id, actor=doctor, version=0, consultation_fee_idr=100_000, diagnoses=choose_diagnoses(["J06.9"]),
        lines=lines, subjective=text, **SOAP,
    )  # fmt: skip


def test_five_finishes_give_one_note_one_prescription_one_charge(race, cast, running):
    medicine = MedicineFactory(stock=30)
    lines = [PrescriptionLine(medicine.pk, Decimal(10), "3 x sehari 1 tablet")]
    results = race(finish, [(running.pk, cast.doctor, lines) for _ in range(5)])
    notes = [result for result in results if isinstance(result, Note)]
    assert len(notes) == 1, results
    assert all(isinstance(result, NoteSigned) for result in results if result not in notes), results
    medicine.refresh_from_db()
    assert (Note.objects.count(), Diagnosis.objects.count(), Prescription.objects.count()) == (1, 1, 1)
    assert (Charge.objects.count(), Invoice.objects.count(), medicine.reserved) == (1, 1, 10)
    running.refresh_from_db()
    assert running.status == Visit.Status.PHARMACY


def test_five_windows_save_one_draft(race, cast, running):
    def save(text):
        return consultations.save_draft(
            visit_id=running.pk, actor=cast.doctor, version=0, consultation_fee_idr=0, subjective=text
        )

    results = race(save, [(f"Jendela {number}",) for number in range(5)])
    saved = [result for result in results if isinstance(result, Note)]
    assert len(saved) == 1, results
    assert all(isinstance(result, NoteChanged) for result in results if result not in saved), results
    note = Note.objects.get()
    assert (note.version, note.subjective) == (1, saved[0].subjective)


def test_two_doctors_and_the_last_box(race, cast):
    DiagnosisCodeFactory()
    medicine = MedicineFactory(stock=10)
    calls = []
    for doctor in (cast.doctor, cast.other_doctor):
        visit = VisitFactory(
            doctor=doctor, patient=PatientFactory(care_team=[doctor]), status=Visit.Status.IN_CONSULTATION
        )
        calls.append((visit.pk, doctor, [PrescriptionLine(medicine.pk, Decimal(10), "3 x 1")]))
    results = race(finish, calls)
    assert sum(isinstance(result, Note) for result in results) == 1, results
    assert sum(isinstance(result, DomainError) for result in results) == 1, results
    assert Note.objects.count() == Prescription.objects.count() == Charge.objects.count() == 1
    medicine.refresh_from_db()
    assert medicine.reserved == 10


def test_paying_against_finishing_without_medicine(race, cast, running):
    """Whoever is first: the patient never pays for medicines that were cancelled, or gets the money back."""
    patient = cast.patient_user.patient
    Visit.objects.filter(pk=running.pk).update(patient=patient)
    medicine = MedicineFactory(stock=30, price_idr=1_000)
    finish(running.pk, cast.doctor, [PrescriptionLine(medicine.pk, Decimal(10), "3 x sehari 1 tablet")])
    prescription = Prescription.objects.get()
    prices = {item.pk: (item.list_price_idr, "") for item in prescription.items.all()}
    pricing.confirm_prices(prescription_id=prescription.pk, actor=cast.pharmacist, prices=prices)
    invoice = Invoice.objects.get()
    assert invoice.total_idr == 110_000

    def pay():
        return services.receive_payment(
            invoice_id=invoice.pk, method="cash", amount_idr=110_000, tendered_idr=110_000, idempotency_key=uuid4(),
            actor=cast.cashier,
        )  # fmt: skip

    def go_without():
        return services.finish_without_medicine(visit_id=running.pk, actor=cast.patient_user)

    results = race(lambda act: act(), [(pay,), (go_without,)] * 4)
    invoice.refresh_from_db()
    medicine.refresh_from_db()
    prescription.refresh_from_db()
    assert (prescription.status, medicine.reserved, invoice.total_idr) == ("cancelled", 0, 100_000)
    paid = [result for result in results if isinstance(result, Payment)]
    assert all(
        isinstance(result, Payment | Visit | WrongAmount | NotPayable | NothingToCancel) for result in results
    ), results
    owed_back = list(Refund.objects.values_list("amount_idr", flat=True))
    assert (invoice.paid_idr, owed_back) == ((110_000, [10_000]) if paid else (0, []))
    assert Visit.objects.get(pk=running.pk).status == (Visit.Status.FINISHED if paid else Visit.Status.CASHIER)
