from decimal import Decimal

import pytest
import time_machine

from audit.models import AuditEvent
from core.errors import NotPermitted
from notifications.models import Notice
from patients.models import Patient
from pharmacy.errors import AllergyStop, AlreadyPrescribed, InvalidLine, OutOfStock, WrongState
from pharmacy.models import Medicine, Prescription, PrescriptionItem
from pharmacy.reconcile import differences
from pharmacy.services.prescribing import PrescriptionLine, check_lines, create_prescription
from scheduling.models import Visit
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.pharmacy import MedicineFactory, visit_at_pharmacy

pytestmark = pytest.mark.django_db


def line(medicine, quantity="10", signa="3 x sehari 1 tablet", override=""):
    return PrescriptionLine(medicine.pk, Decimal(quantity), signa, override)


def amoxicillin(**fields):
    return MedicineFactory(
        generic_name="Amoksisilin", ingredients=["amoksisilin 500 mg"], allergen_groups=["penisilin"], **fields
    )


def nothing_happened(medicine, reserved=0):
    medicine.refresh_from_db()
    assert medicine.reserved == reserved
    assert not Prescription.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="pharmacy").exists()


def test_another_doctor_cannot_prescribe(cast):
    visit, medicine = visit_at_pharmacy(doctor=cast.doctor), MedicineFactory()
    for person in (cast.other_doctor, cast.pharmacist, cast.admin):
        with pytest.raises(NotPermitted):
            create_prescription(visit_id=visit.pk, actor=person, lines=[line(medicine)])
    nothing_happened(medicine)


def test_prescribing_promises_stock_and_tells_pharmacists(cast):
    visit, medicine, syrup = (
        visit_at_pharmacy(doctor=cast.doctor),
        MedicineFactory(price_idr=750),
        MedicineFactory(unit="botol"),
    )
    pharmacist = cast.pharmacist
    rx = create_prescription(
        visit_id=visit.pk, actor=cast.doctor, lines=[line(medicine, "7.5", "  2 x sehari  "), line(syrup, "1")]
    )
    medicine.refresh_from_db()
    assert (medicine.on_hand, medicine.reserved, medicine.available) == (100, Decimal("7.50"), Decimal("92.50"))
    assert (rx.status, rx.patient_id, rx.prescriber) == ("new", visit.patient_id, cast.doctor)
    first = rx.items.get(position=1)
    assert (first.label, first.quantity, first.signa, first.list_price_idr, first.unit_price_idr) == (
        medicine.label, Decimal("7.50"), "2 x sehari", 750, None,
    )  # fmt: skip
    assert rx.items.get(position=2).unit == "botol"
    assert Prescription.objects.visible_to(pharmacist).get() == rx
    notice = Notice.objects.get(recipient=pharmacist)
    assert (notice.kind, notice.params) == ("prescription_new", {"queue": visit.ticket.label})
    assert notice.path == f"/prescriptions/{rx.pk}/"
    assert AuditEvent.objects.get(action="pharmacy.prescription.created").detail == {"number": rx.number, "lines": 2}
    assert differences() == []


def test_pharmacists_see_nothing_before(cast):
    visit_at_pharmacy(doctor=cast.doctor)
    assert not Patient.objects.visible_to(cast.pharmacist).exists()


def test_numbers_run_by_month_of_the_clinic(cast):
    medicine = MedicineFactory()
    with time_machine.travel("2026-11-30 16:59:00+00:00", tick=False):  # still 30 November in Batam
        first = create_prescription(
            visit_id=(visit := visit_at_pharmacy()).pk, actor=visit.doctor, lines=[line(medicine)]
        )
    with time_machine.travel("2026-11-30 17:01:00+00:00", tick=False):
        second = create_prescription(
            visit_id=(visit := visit_at_pharmacy()).pk, actor=visit.doctor, lines=[line(medicine)]
        )
    assert (first.number, second.number) == ("R/202611/00001", "R/202612/00001")


def test_a_second_prescription_on_the_visit_is_refused(cast):
    visit, medicine = visit_at_pharmacy(), MedicineFactory()
    create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=[line(medicine)])
    with pytest.raises(AlreadyPrescribed):
        create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=[line(medicine)])
    medicine.refresh_from_db()
    assert medicine.reserved == 10


@pytest.mark.parametrize("status", [Visit.Status.FINISHED, Visit.Status.CANCELLED])
def test_a_closed_visit_takes_no_prescription(status):
    visit, medicine = visit_at_pharmacy(), MedicineFactory()
    Visit.objects.filter(pk=visit.pk).update(status=status)
    with pytest.raises(WrongState):
        create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=[line(medicine)])
    nothing_happened(medicine)


@pytest.mark.parametrize(
    "wrong",
    [{"quantity": "0"}, {"quantity": "-1"}, {"quantity": "10000"}, {"quantity": "1.005"}, {"quantity": "NaN"},
     {"quantity": "Infinity"}, {"signa": "   "}, {"signa": "x" * 201}, {"override": "x" * 301}],
    ids=str,
)  # fmt: skip
def test_impossible_lines(wrong):
    visit, medicine = visit_at_pharmacy(), MedicineFactory()
    with pytest.raises(InvalidLine):
        create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=[line(medicine), line(medicine, **wrong)])
    nothing_happened(medicine)


def test_inactive_and_unknown_medicines_and_wrong_counts():
    visit, medicine, old = visit_at_pharmacy(), MedicineFactory(), MedicineFactory(is_active=False)
    unknown = PrescriptionLine(visit.pk, Decimal(1), "1 x")
    for lines in ([], [line(old)], [unknown], [line(medicine, "1")] * 21):
        with pytest.raises(InvalidLine):
            create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=lines)
    nothing_happened(medicine)


@pytest.mark.django_db(transaction=True)
def test_one_line_without_stock_takes_all_lines_back():
    visit, plenty, little = visit_at_pharmacy(), MedicineFactory(), MedicineFactory(generic_name="Sedikit", stock=3)
    with pytest.raises(OutOfStock, match="Sedikit 500 mg tablet: 3 tablet left"):
        create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=[line(plenty), line(little, "4")])
    nothing_happened(plenty)
    nothing_happened(little)


def test_a_medicine_on_two_lines_counts_together():
    visit, medicine = visit_at_pharmacy(), MedicineFactory(stock=15)
    with pytest.raises(OutOfStock):
        create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=[line(medicine, "8"), line(medicine, "8")])
    nothing_happened(medicine)


# --- Checks -----------------------------------------------------------------------------------------------------
def allergic(**fields):
    patient = PatientFactory()
    AllergyFactory(patient=patient, recorded_by=visit_at_pharmacy().doctor, **fields)
    return patient


@pytest.mark.parametrize(
    "allergy",
    [{"substance": "Obat lama", "group": "penisilin"}, {"substance": "Amoxicillin", "group": ""},
     {"substance": "amoksisilin sirup", "group": ""}, {"substance": "Penicillin", "group": ""}],
    ids=str,
)  # fmt: skip
def test_an_allergy_is_a_hard_stop(allergy):
    patient, medicine = allergic(**allergy), amoxicillin()
    visit = visit_at_pharmacy(patient=patient)
    [warning] = check_lines(patient, [line(MedicineFactory()), line(medicine)])
    assert (warning.line, warning.kind, warning.stops) == (1, "allergy", True)
    for override in ("", "boleh", "         x"):
        with pytest.raises(AllergyStop, match="allergic"):
            create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=[line(medicine, override=override)])
    nothing_happened(medicine)


def test_a_reason_overrides_and_is_audited():
    patient, medicine = allergic(group="penisilin"), amoxicillin()
    visit = visit_at_pharmacy(patient=patient)
    reason = "Sudah pernah minum tanpa reaksi"
    harmless = MedicineFactory()
    lines = [line(medicine, override=reason), line(harmless, override=reason)]
    rx = create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=lines)
    assert [item.allergy_override_reason for item in rx.items.all()] == [reason, ""]
    event = AuditEvent.objects.get(action="pharmacy.allergy_stop.overridden")
    assert (event.actor, event.patient_id, event.detail) == (
        visit.doctor, patient.pk, {"position": 1, "medicine": str(medicine.pk)},
    )  # fmt: skip


def test_other_groups_and_wrong_entries_do_not_stop():
    patient = allergic(substance="Sefadroksil", group="sefalosporin")
    AllergyFactory(
        patient=patient, group="penisilin", status="entered_in_error", recorded_by=visit_at_pharmacy().doctor
    )
    assert check_lines(patient, [line(amoxicillin())]) == []


def test_the_same_ingredient_twice_warns_and_does_not_stop():
    patient = PatientFactory()
    tablet = MedicineFactory(generic_name="Parasetamol", ingredients=["parasetamol 500 mg"])
    flu = MedicineFactory(generic_name="Obat flu", ingredients=["Paracetamol 250 mg", "pseudoefedrin 30 mg"])
    [warning] = check_lines(patient, [line(tablet), line(flu)])
    assert (warning.line, warning.kind, warning.stops) == (1, "duplicate", False)
    assert f"as {tablet.label}." in warning.message
    visit = visit_at_pharmacy(patient=patient)
    assert create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=[line(tablet), line(flu)]).pk


def test_search_text_is_kept_by_every_way_of_saving():
    medicine = amoxicillin(brand="Amoxsan", medicine_class="Antibiotik")
    Medicine.objects.bulk_create(
        [Medicine(code="OB-X", generic_name="Cetirizine", form="tablet", unit="tablet", price_idr=1)]
    )
    assert list(Medicine.objects.search("amoxi")) == [medicine]
    assert list(Medicine.objects.search("AMOKSAN")) == [medicine]
    assert Medicine.objects.search("setirizin").get().code == "OB-X"
    medicine.generic_name = "Lain"
    medicine.ingredients = []
    medicine.save()
    assert not Medicine.objects.search("amoksisilin").exists()


def test_items_fail_closed(cast):
    visit = visit_at_pharmacy(patient=cast.patient_user.patient, doctor=cast.doctor)
    create_prescription(visit_id=visit.pk, actor=cast.doctor, lines=[line(MedicineFactory())])
    for person in (cast.other_doctor, cast.cashier, cast.other_patient_user, cast.owner):
        assert not Prescription.objects.visible_to(person).exists()
        assert not PrescriptionItem.objects.visible_to(person).exists()
        assert not Medicine.objects.visible_to(cast.cashier).exists()
    for person in (cast.doctor, cast.pharmacist, cast.patient_user, cast.nurse):
        assert Prescription.objects.visible_to(person).count() == 1
