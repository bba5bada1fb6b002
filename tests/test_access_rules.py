"""All ten roles walk the product with the id of a patient who is not theirs: nobody learns a name or a clinical word."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.access import ROLE_CAPABILITIES, Capability, Role
from accounts.models import RoleAssignment
from billing.models import Charge, Invoice, Payment, Refund
from consultations.models import Diagnosis, Note, VitalSigns
from core import clock
from patients.models import Allergy, Patient
from pharmacy.models import Prescription, PrescriptionItem
from scheduling.models import Appointment, QueueTicket, Visit
from tests.factories.billing import InvoiceFactory
from tests.factories.consultations import DiagnosisCodeFactory, SignedNoteFactory, VitalsFactory
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.pharmacy import PrescriptionFactory, PrescriptionItemFactory
from tests.factories.scheduling import AppointmentFactory, VisitFactory

pytestmark = pytest.mark.django_db

NAME, NIK, PHONE = "Wulandari Sukmawati", "2171015705900001", "+6281377778888"
NOTE, COMPLAINT, REMARK, SIGNA = (
    "Catatan amat rahasia",
    "Keluhan amat rahasia",
    "Tampak amat pucat",
    "habiskan semuanya",
)
DISEASE, MEDICINE, ALLERGY, SYSTOLIC = "Penyakit amat rahasia", "Obat Uji 5 mg", "Kacang uji", "187"

IDENTITY = {NAME}
CHANCE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9_-]{32,}|\b[0-9a-f]{16}\b")
CLINICAL = {NOTE, COMPLAINT, REMARK, SIGNA, DISEASE, SYSTOLIC}
STAFF = ("admin", "doctor", "nurse", "receptionist", "cashier", "pharmacist", "lab_officer", "radiographer", "owner")
WHO = {role.value: {"owner": "owner", "patient": "other_patient_user"}.get(role.value, role.value) for role in Role}


@pytest.fixture
def record(cast):
    """A full record in the care of another doctor, from more than a week ago, and a booking that waits for this doctor."""
    patient = PatientFactory(full_name=NAME, nik=NIK, phone=PHONE, record_number="777777")
    day = clock.today() - timedelta(days=30)
    visit = VisitFactory(
        patient=patient, doctor=cast.other_doctor, visit_on=day, complaint=COMPLAINT, status=Visit.Status.CASHIER,
        consulted_at=clock.now(),
    )  # fmt: skip
    code = DiagnosisCodeFactory(code="Z99.9", display_id=DISEASE, display_en=DISEASE, search_text="z99")
    note = SignedNoteFactory(visit=visit, subjective=NOTE, code=code)
    vitals = VitalsFactory(visit=visit, systolic_mmhg=187, remark=REMARK)
    prescription = PrescriptionFactory(visit=visit, prescriber=cast.other_doctor)
    PrescriptionItemFactory(prescription=prescription, label=MEDICINE, signa=SIGNA)
    invoice = InvoiceFactory(encounter_id=visit.pk, patient=patient)
    allergy = AllergyFactory(patient=patient, substance=ALLERGY)
    waiting = AppointmentFactory(patient=patient, status=Appointment.Status.PENDING, complaint=COMPLAINT)
    Appointment.objects.filter(pk=waiting.pk).update(doctor=cast.doctor)
    return {
        "patient": patient, "visit": visit, "note": note, "vitals": vitals, "prescription": prescription,
        "invoice": invoice, "allergy": allergy, "waiting": waiting,
    }  # fmt: skip


def pages(record) -> list[str]:
    """Every page and fragment of one row, and every list, that shows patients."""
    patient, visit, rx, bill = (record[name].pk for name in ("patient", "visit", "prescription", "invoice"))
    of_patient = (
        "patients:detail", "patients:registered", "patients:edit", "patients:allergies", "workspace:patient-chart",
        "workspace:history-panel", "scheduling:patient-book", "scheduling:walk-in", "scheduling:patient-appointments-panel",
    )  # fmt: skip
    return [
        *(reverse(name, args=[patient]) for name in of_patient),
        *(
            reverse(name, args=[visit])
            for name in ("workspace:visit-detail", "consultations:vitals-record", "workspace:consultation",
                         "workspace:consultation-review", "scheduling:ticket-slip", "scheduling:visit-cancel")
        ),
        *(
            reverse(name, args=[rx])
            for name in ("pharmacy:prescription-detail", "pharmacy:prescription-pdf", "pharmacy:prescription-labels")
        ),
        *(reverse(name, args=[bill]) for name in ("workspace:bill-detail", "billing:invoice-pdf")),
        reverse("scheduling:appointment-detail", args=[record["waiting"].pk]),
        reverse("consultations:vitals-mark-error", args=[record["vitals"].pk]),
        *(
            reverse(name)
            for name in (
                "patients:search", "scheduling:queue", "scheduling:queue-panel", "scheduling:calendar",
                "scheduling:appointment-list", "scheduling:appointment-list-panel", "scheduling:session-list",
                "consultations:vitals-list", "consultations:vitals-panel", "workspace:consultation-list",
                "workspace:consultation-panel", "workspace:consultation-all", "scheduling:doctor-queue-panel",
                "pharmacy:queue", "pharmacy:queue-panel", "pharmacy:prescription-list", "workspace:cashier",
                "workspace:cashier-panel", "reports:dashboard", "reports:dashboard-panel", "patients:emergency-list",
                "notifications:notice-list", "support:message-list",
            )
        ),
    ]  # fmt: skip


def everything(client, record) -> str:
    """Return all that a person reads on their walk; nothing answers with a fault."""
    seen = []
    for url in pages(record):
        answer = client.get(url)
        assert answer.status_code < 500, url
        if answer.status_code == 200 and "pdf" not in answer["Content-Type"]:
            seen.append(answer.content.decode())
    for query in ("wulandari", "777777", NIK, PHONE, "Wulandari 17-05-1990"):
        answer = client.post(reverse("patients:search"), {"q": query}, headers={"HX-Request": "true"})
        # What was typed comes back in the box and in "register as new"; that tells nobody anything.
        seen.append(answer.content.decode().replace("wulandari", "").replace("Wulandari 17-05-1990", ""))
    # Ids and tokens are chance: any number may stand in one.
    return CHANCE.sub("", "\n".join(seen))


@pytest.mark.parametrize("who", ["doctor", "nurse", "pharmacist", "lab_officer", "radiographer", "owner"])
def test_who_has_no_part_in_the_care_learns_nothing(cast, client_for, record, who):
    text = everything(client_for(getattr(cast, who)), record)
    for word in (*IDENTITY, *CLINICAL, MEDICINE, ALLERGY, NIK, "777777"):
        assert word not in text, f"{who} reads {word}"


@pytest.mark.parametrize(
    "who, status", [("doctor", 404), ("nurse", 404), ("pharmacist", 404), ("owner", 403), ("lab_officer", 404)]
)
def test_a_foreign_id_is_not_there(cast, client_for, record, who, status):
    client = client_for(getattr(cast, who))
    assert client.get(reverse("patients:detail", args=[record["patient"].pk])).status_code == status
    for name, key in (("pharmacy:prescription-pdf", "prescription"), ("workspace:visit-detail", "visit")):
        assert client.get(reverse(name, args=[record[key].pk])).status_code in (403, 404)


@pytest.mark.parametrize("who", ["receptionist", "cashier"])
def test_the_desk_knows_people_and_reads_nothing_clinical(cast, client_for, record, who):
    text = everything(client_for(getattr(cast, who)), record)
    assert NAME in text
    assert ALLERGY in text, "the safety strip is on every screen about a patient"
    for word in CLINICAL:
        assert word not in text, f"{who} reads {word}"
    if who == "cashier":
        assert NIK not in text, "only who changes the identity has the whole number before them"


def test_the_desk_reads_no_medicines_and_the_cashier_no_directions(cast, client_for, record):
    assert MEDICINE not in everything(client_for(cast.receptionist), record)
    assert SIGNA not in everything(client_for(cast.cashier), record)


def test_the_owner_sees_numbers_and_no_names(cast, client_for, record):
    client = client_for(cast.owner)
    Payment.objects.create(
        invoice=record["invoice"], method=Payment.Method.CASH, amount_idr=150_000, receipt_number="KW/1",
        received_at=clock.now(), received_by=cast.cashier, idempotency_key=record["visit"].pk,
    )  # fmt: skip
    dashboard = client.get(reverse("reports:dashboard")).content.decode()
    assert "Rp150.000" in dashboard
    assert NAME not in everything(client, record)


def test_admins_read_what_the_design_gives_them(cast, client_for, record, settings):
    text = everything(client_for(cast.admin), record)
    for word in (NAME, NOTE, DISEASE, MEDICINE):
        assert word in text
    settings.ADMIN_READS_NOTES = False
    text = everything(client_for(cast.admin), record)
    for word in (NOTE, DISEASE, REMARK, SYSTOLIC):
        assert word not in text


def test_another_patient_learns_nothing(cast, client_for, record):
    text = everything(client_for(cast.other_patient_user), record)
    for word in (*IDENTITY, *CLINICAL, MEDICINE, ALLERGY, "777777"):
        assert word not in text


@pytest.mark.parametrize("role", list(Role))
def test_rows_of_a_stranger_by_role(cast, record, role):
    """What each role's `visible_to` gives of this record, model by model."""
    user = getattr(cast, WHO[role.value])
    rows = {
        model.__name__: model.objects.visible_to(user).filter(pk=row.pk).exists()
        for model, row in (
            (Patient, record["patient"]), (Visit, record["visit"]), (Appointment, record["waiting"]),
            (Note, record["note"]), (Diagnosis, record["note"].diagnoses.get()), (VitalSigns, record["vitals"]),
            (Prescription, record["prescription"]), (PrescriptionItem, record["prescription"].items.get()),
            (Invoice, record["invoice"]), (Charge, record["invoice"].charges.get()), (Allergy, record["allergy"]),
            (QueueTicket, record["visit"].ticket),
        )
    }  # fmt: skip
    assert not Refund.objects.visible_to(user).exists()
    seen = {name for name, found in rows.items() if found}
    desk = {"Patient", "Allergy", "Visit", "Appointment", "QueueTicket"}
    assert seen == {
        Role.ADMIN: set(rows),
        Role.RECEPTIONIST: desk,
        Role.CASHIER: {"Patient", "Allergy", "Invoice", "Charge"},
    }.get(role, set())


def test_no_role_but_admin_reads_all_charts_and_clinicians_alone_have_emergencies():
    holders = {
        capability: {role for role, held in ROLE_CAPABILITIES.items() if capability in held}
        for capability in (
            Capability.VIEW_ALL_CHARTS,
            Capability.USE_EMERGENCY_ACCESS,
            Capability.REVIEW_EMERGENCY_ACCESS,
        )
    }
    assert holders == {
        Capability.VIEW_ALL_CHARTS: {Role.ADMIN},
        Capability.USE_EMERGENCY_ACCESS: {Role.DOCTOR, Role.NURSE},
        Capability.REVIEW_EMERGENCY_ACCESS: {Role.ADMIN, Role.OWNER},
    }
    assert not ROLE_CAPABILITIES[Role.OWNER] & {
        Capability.VIEW_BILLS, Capability.SEARCH_PATIENTS, Capability.SEARCH_OWN_PATIENTS, Capability.VIEW_CHART,
    }  # fmt: skip
    assert not ROLE_CAPABILITIES[Role.LAB_OFFICER] & {Capability.SEARCH_PATIENTS, Capability.VIEW_CHART}


def test_a_role_that_was_taken_away_opens_nothing_at_the_next_request(cast, client_for, record):
    client = client_for(cast.receptionist)
    url = reverse("patients:detail", args=[record["patient"].pk])
    assert client.get(url).status_code == 200
    RoleAssignment.objects.filter(user=cast.receptionist).delete()
    assert client.get(url).status_code in (302, 404)
