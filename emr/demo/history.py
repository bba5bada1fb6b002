"""Twelve months of finished visits, written in bulk: appointments, notes, prescriptions, bills and payments that add up."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import uuid4

from django.db import models

from accounts.access import Role
from accounts.models import User
from billing.models import Charge, Invoice, Payment
from consultations.models import Diagnosis, DiagnosisCode, Note, VitalSigns
from core import clock
from core.ids import uuid7
from core.money import line_total
from emr.demo.content import document
from emr.demo.shelves import Shelves
from patients.models import CareTeamMember, Patient
from pharmacy.models import Dispense, Medicine, Prescription, PrescriptionItem
from scheduling.models import NURSE_CARE, Appointment, PracticeSession, QueueTicket, Service, Slot, Visit

# Days of practice by specialty (Monday is 0) and the start of the session.
TIMETABLE = {
    "umum": ((0, 1, 2, 3, 4, 5), time(8, 0)),
    "tht": ((0, 2, 4), time(9, 0)),
    "gigi": ((1, 3, 5), time(9, 0)),
    "anak": ((0, 1, 3, 4), time(10, 0)),
    "kandungan": ((1, 2, 4), time(13, 0)),
    "penyakit_dalam": ((0, 2, 3, 5), time(14, 0)),
}
VISITS_A_DAY = {
    "umum": (2, 4),
    "tht": (1, 2),
    "gigi": (1, 2),
    "anak": (1, 3),
    "kandungan": (1, 2),
    "penyakit_dalam": (1, 2),
}
SLOTS = 8
SLOT_MINUTES = 30
MISSED_SHARE, CANCELLED_SHARE, WALK_IN_SHARE, UNPAID_SHARE, COMPOUND_SHARE = 0.05, 0.05, 0.35, 0.015, 0.88
METHODS = (("cash", 62), ("qris", 22), ("transfer", 9), ("debit", 7))


@dataclass
class Team:
    """The people of the clinic by what they do."""

    doctors: dict[str, User]
    nurse: User
    receptionist: User
    cashier: User
    pharmacist: User
    admin: User


@dataclass
class Rows:
    """Everything history writes, in the order it is stored."""

    by_model: dict[type[models.Model], list[Any]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: Any) -> Any:
        self.by_model[type(row)].append(row)
        return row

    def store(self) -> None:
        order = (
            PracticeSession, Slot, Appointment, Visit, QueueTicket, VitalSigns, Note, Diagnosis, Prescription,
            PrescriptionItem, Dispense, Invoice, Charge, Payment,
        )  # fmt: skip
        for model in order:
            model._default_manager.bulk_create(self.by_model[model], batch_size=400)


class History:
    """Builds the past day by day, so that numbers, stock and ids follow time."""

    def __init__(
        self,
        *,
        random: Random,
        team: Team,
        patients: list[Patient],
        services: dict[str, list[Service]],
        codes: dict[str, DiagnosisCode],
        medicines: dict[str, Medicine],
        allergies: dict[Any, set[str]],
        shelves: Shelves,
    ) -> None:
        self.random = random
        self.team = team
        self.patients = patients
        self.services = services
        self.codes = codes
        self.medicines = medicines
        self.allergies = allergies
        self.shelves = shelves
        self.rows = Rows()
        self.numbers: Tally[str] = Tally()
        self.care: dict[tuple[Any, str], CareTeamMember] = {}
        self.known: set[Any] = set()
        self.scenarios: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for scenario in document("templates_soap")["scenarios"]:
            self.scenarios[scenario["specialty"]].append(scenario)
        self.weights: list[dict[str, Any]] = document("templates_soap")["weight_by_age"]

    def build(self, first: date, last: date) -> None:
        """Fill every working day from `first` to `last`."""
        day = first
        while day <= last:
            if day.weekday() != 6:
                self._day(day, is_recent=(last - day).days < 20)
            day += timedelta(days=1)

    def store(self) -> None:
        """Write all rows, the stock behind them and who cares for whom."""
        self.shelves.store()
        self.rows.store()
        CareTeamMember.objects.bulk_create(self.care.values(), batch_size=500)

    def _cares(
        self, patient_id: Any, member: str, source: str, source_id: Any, ends_at: datetime | None = None
    ) -> None:
        """Keep the latest reason why somebody takes part in a patient's care; one is enough for history."""
        self.known.add(patient_id)
        self.care[patient_id, member] = CareTeamMember(
            patient_id=patient_id, member=member, source=source, source_id=source_id, since=clock.now(), ends_at=ends_at
        )

    # --- one day ----------------------------------------------------------------------------------------------------

    def _day(self, day: date, *, is_recent: bool) -> None:
        visits: list[tuple[datetime, Any]] = []
        for specialty, (weekdays, start) in TIMETABLE.items():
            if day.weekday() not in weekdays or self.random.random() < 0.04:
                continue
            session = self._session(day, specialty, start)
            low, high = VISITS_A_DAY[specialty]
            slots = self.random.sample(self._slots(session), k=min(SLOTS, self.random.randint(low, high)))
            for slot in sorted(slots, key=lambda row: row.starts_at):
                visits.append((slot.starts_at, (specialty, session, slot)))
        for _start, (specialty, session, slot) in sorted(visits, key=lambda pair: pair[0]):
            self._booking(specialty, session, slot, is_recent=is_recent)

    def _session(self, day: date, specialty: str, start: time) -> PracticeSession:
        starts_at = clock.at(day, start)
        asked = starts_at - timedelta(days=10)
        session = PracticeSession(
            doctor=self.team.doctors[specialty],
            service=self.services[specialty][0],
            practice_on=day,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=SLOTS * SLOT_MINUTES),
            slot_minutes=SLOT_MINUTES,
            slot_count=SLOTS,
            status=PracticeSession.Status.COMPLETED,
            proposed_at=asked,
            decided_at=asked + timedelta(hours=4),
            decided_by=self.team.admin,
            completed_at=starts_at + timedelta(hours=9),
        )
        return self.rows.add(session)

    def _slots(self, session: PracticeSession) -> list[Slot]:
        return [
            self.rows.add(
                Slot(
                    session=session,
                    number=number + 1,
                    starts_at=session.starts_at + timedelta(minutes=SLOT_MINUTES * number),
                    ends_at=session.starts_at + timedelta(minutes=SLOT_MINUTES * (number + 1)),
                )
            )
            for number in range(SLOTS)
        ]

    def _booking(self, specialty: str, session: PracticeSession, slot: Slot, *, is_recent: bool) -> None:
        scenario, patient = self.match(specialty, session.practice_on)
        service = session.service
        appointment = None
        if self.random.random() >= WALK_IN_SHARE:
            fate = self.random.random()
            status = Appointment.Status.FINISHED
            if fate < MISSED_SHARE:
                status = Appointment.Status.NO_SHOW
            elif fate < MISSED_SHARE + CANCELLED_SHARE:
                status = Appointment.Status.CANCELLED
            booked_at = slot.starts_at - timedelta(days=self.random.randint(1, 6), hours=self.random.randint(0, 8))
            appointment = self.rows.add(
                Appointment(
                    patient=patient,
                    slot=slot,
                    doctor=session.doctor,
                    service=service,
                    price_idr=service.price_idr,
                    complaint=scenario["complaint"],
                    status=status,
                    source=self.random.choice([Appointment.Source.PORTAL, Appointment.Source.RECEPTION]),
                    booked_at=booked_at,
                    booked_by=patient.user or self.team.receptionist,
                    reason="Berhalangan hadir" if status == Appointment.Status.CANCELLED else "",
                    decided_at=booked_at + timedelta(minutes=40),
                    decided_by=self.team.admin,
                    idempotency_key=uuid4(),
                )
            )
            if status != Appointment.Status.FINISHED:
                return
        self._visit(scenario, patient, session, slot, appointment, is_recent=is_recent)

    def match(self, specialty: str, day: date) -> tuple[dict[str, Any], Patient]:
        """Return a scenario and a patient whose age and sex fit it."""
        while True:
            scenario = self.random.choice(self.scenarios[specialty])
            months = scenario.get("age_months")
            fitting = []
            for patient in self.random.sample(self.patients, k=60):
                if scenario["sex"] not in ("any", patient.sex) or patient.birth_date > day - timedelta(days=30):
                    continue
                years, rest, _days = clock.age_parts(patient.birth_date, day)
                if months and not months[0] <= years * 12 + rest <= months[1]:
                    continue
                if scenario["age_min"] <= years <= scenario["age_max"]:
                    fitting.append(patient)
            if fitting:
                # People come back: somebody who was here before is preferred most of the time.
                known = [patient for patient in fitting if patient.pk in self.known]
                return scenario, self.random.choice(known if known and self.random.random() < 0.55 else fitting)

    # --- one visit --------------------------------------------------------------------------------------------------

    def _visit(
        self,
        scenario: dict[str, Any],
        patient: Patient,
        session: PracticeSession,
        slot: Slot,
        appointment: Appointment | None,
        *,
        is_recent: bool,
    ) -> None:
        arrived = slot.starts_at - timedelta(minutes=self.random.randint(5, 25))
        started = slot.starts_at + timedelta(minutes=self.random.randint(0, 12))
        consulted = started + timedelta(minutes=self.random.randint(9, 24))
        done = consulted + timedelta(minutes=self.random.randint(8, 30))
        day = session.practice_on
        visit = self.rows.add(
            Visit(
                number=f"RJ/{day:%Y%m%d}/{self._next(f'visit:{day}'):04d}",
                patient=patient,
                appointment=appointment,
                doctor=session.doctor,
                service=session.service,
                price_idr=session.service.price_idr,
                complaint=scenario["complaint"],
                visit_on=day,
                status=Visit.Status.FINISHED,
                arrived_at=arrived,
                triaged_at=arrived + timedelta(minutes=6),
                started_at=started,
                consulted_at=consulted,
                finished_at=done,
                patient_confirmed_at=done if patient.user_id and self.random.random() < 0.5 else None,
                checked_in_by=self.team.receptionist,
            )
        )
        prefix = session.service.queue_prefix
        number = self._next(f"queue:{day}:{prefix}")
        self.rows.add(
            QueueTicket(visit=visit, issued_on=day, prefix=prefix, number=number, called_at=started, call_count=1)
        )
        self._cares(patient.pk, CareTeamMember.of_user(session.doctor.pk), "visit", visit.pk)
        nurses_until = clock.day_bounds(visit.visit_on + NURSE_CARE)[1]
        if nurses_until > clock.now():
            self._cares(patient.pk, CareTeamMember.of_role(Role.NURSE), "visit", visit.pk, nurses_until)
        self._vitals(scenario, visit)
        note = self._note(scenario, visit)
        self._bill(visit, note, self._prescription(scenario, visit), is_recent=is_recent)

    def _vitals(self, scenario: dict[str, Any], visit: Visit) -> None:
        ranges = scenario["vitals"]

        def whole(name: str) -> int | None:
            return self.random.randint(*ranges[name]) if ranges.get(name) else None

        temperature = ranges.get("temperature_c")
        self.rows.add(
            VitalSigns(
                visit=visit,
                patient=visit.patient,
                systolic_mmhg=whole("systolic"),
                diastolic_mmhg=whole("diastolic"),
                heart_rate_bpm=whole("heart_rate"),
                respiratory_rate_bpm=whole("respiratory_rate"),
                temperature_c=Decimal(str(round(self.random.uniform(*temperature), 1))) if temperature else None,
                oxygen_saturation_percent=whole("oxygen_saturation"),
                weight_kg=self.weight(scenario, visit),
                recorded_at=visit.triaged_at,
                recorded_by=self.team.nurse,
            )
        )

    def weight(self, scenario: dict[str, Any], visit: Visit) -> Decimal:
        """Return kilograms; a person keeps much the same weight from visit to visit."""
        years, months, _days = clock.age_parts(visit.patient.birth_date, visit.visit_on)
        if scenario["vitals"].get("weight_kg") and years >= 18:
            low, high = scenario["vitals"]["weight_kg"]
        else:
            sex = "male" if visit.patient.sex == "male" else "female"
            low, high = [row for row in self.weights if row["age_months"] <= years * 12 + months][-1][sex]
        own = Random(visit.patient.pk.int).random()  # noqa: S311 - demo content
        return Decimal(str(round(low + (high - low) * own + self.random.uniform(-0.4, 0.4), 1)))

    def _note(self, scenario: dict[str, Any], visit: Visit) -> Note:
        note = self.rows.add(
            Note(
                visit=visit,
                patient=visit.patient,
                author=visit.doctor,
                subjective=scenario["subjective"],
                objective=scenario["objective"],
                assessment=scenario["assessment"],
                plan=scenario["plan"],
                consultation_fee_idr=max(scenario["fee_idr"], visit.price_idr),
                status=Note.Status.SIGNED,
                version=self.random.randint(1, 6),
                created_at=visit.started_at,
                updated_at=visit.consulted_at,
                signed_at=visit.consulted_at,
            )
        )
        for position, code in enumerate(scenario["icd10"]):
            row = self.codes[code]
            self.rows.add(
                Diagnosis(
                    note=note,
                    patient=visit.patient,
                    system=row.system,
                    edition=row.edition,
                    code=row.code,
                    display=row.display_id,
                    rank="secondary" if position else "primary",
                    position=position,
                )
            )
        return note

    def safe_lines(self, scenario: dict[str, Any], patient: Patient) -> list[tuple[Medicine, Decimal, str]]:
        """Return the scenario's medicines without those the patient is allergic to."""
        groups = self.allergies.get(patient.pk, set())
        lines = []
        for line in scenario["medicines"]:
            medicine = self.medicines[line["code"]]
            if not groups & set(medicine.allergen_groups):
                lines.append((medicine, Decimal(str(line["quantity"])), line["signa"]))
        return lines

    def _prescription(self, scenario: dict[str, Any], visit: Visit) -> list[PrescriptionItem]:
        lines = self.safe_lines(scenario, visit.patient)
        if not lines or self.random.random() > COMPOUND_SHARE:
            return []
        month = f"{visit.visit_on:%Y%m}"
        consulted_at, finished_at = _moments(visit)
        prescription = self.rows.add(
            Prescription(
                number=f"R/{month}/{self._next(f'pharmacy.prescription:{month}'):05d}",
                visit=visit,
                patient=visit.patient,
                prescriber=visit.doctor,
                status=Prescription.Status.DISPENSED,
                prescribed_at=consulted_at,
                priced_at=consulted_at + timedelta(minutes=4),
                priced_by=self.team.pharmacist,
                dispensed_at=finished_at,
                dispensed_by=self.team.pharmacist,
            )
        )
        self._cares(visit.patient_id, CareTeamMember.of_role(Role.PHARMACIST), "prescription", prescription.pk)
        items = []
        for position, (medicine, quantity, signa) in enumerate(lines, start=1):
            item = self.rows.add(
                PrescriptionItem(
                    pk=uuid7(),
                    prescription=prescription,
                    position=position,
                    medicine=medicine,
                    label=medicine.label,
                    quantity=quantity,
                    unit=medicine.unit,
                    signa=signa,
                    list_price_idr=medicine.price_idr,
                    unit_price_idr=medicine.price_idr,
                )
            )
            items.append(item)
            for batch, units in self.shelves.take(medicine, quantity, finished_at, item.pk):
                self.rows.add(
                    Dispense(
                        item=item,
                        batch=batch,
                        quantity=units,
                        dispensed_at=finished_at,
                        dispensed_by=self.team.pharmacist,
                    )
                )
        return items

    def _bill(self, visit: Visit, note: Note, items: list[PrescriptionItem], *, is_recent: bool) -> None:
        month = f"{visit.visit_on:%Y%m}"
        consulted_at, _finished_at = _moments(visit)
        issued = consulted_at + timedelta(minutes=5)
        number = self._next(f"billing.invoice:{month}")
        invoice = Invoice(
            encounter_id=visit.pk,
            patient=visit.patient,
            number=f"INV/{visit.visit_on:%Y/%m}/{number:06d}",
            created_at=consulted_at,
            issued_at=issued,
        )
        lines = [
            (
                "consultation",
                visit.service.name_id,
                Decimal(1),
                note.consultation_fee_idr,
                "consultations.note",
                note.pk,
            ),
            *(("medicine", item.label, item.quantity, item.list_price_idr, "pharmacy.item", item.pk) for item in items),
        ]
        charges = [
            Charge(
                invoice=invoice,
                category=category,
                description=text[:200],
                quantity=quantity,
                unit_price_idr=price,
                amount_idr=line_total(quantity, price),
                source_type=source,
                source_id=source_id,
                created_at=issued,
                created_by=visit.doctor if category == "consultation" else self.team.pharmacist,
            )
            for category, text, quantity, price, source, source_id in lines
        ]
        invoice.total_idr = sum(charge.amount_idr for charge in charges)
        self.rows.add(invoice)
        for charge in charges:
            self.rows.add(charge)
        # Only bills without medicines stay open: medicines are handed over after payment.
        if not items and is_recent and self.random.random() < UNPAID_SHARE * 12:
            invoice.status = Invoice.Status.UNPAID
            return
        self._payment(invoice, visit, month)

    def _payment(self, invoice: Invoice, visit: Visit, month: str) -> None:
        paid_at = _moments(visit)[1] - timedelta(minutes=2)
        method = self.random.choices([name for name, _w in METHODS], weights=[weight for _n, weight in METHODS])[0]
        tendered = -(-invoice.total_idr // 50_000) * 50_000 if method == "cash" else None
        number = self._next(f"billing.receipt:{month}")
        self.rows.add(
            Payment(
                invoice=invoice,
                receipt_number=f"KW/{visit.visit_on:%Y/%m}/{number:06d}",
                idempotency_key=uuid4(),
                method=method,
                amount_idr=invoice.total_idr,
                tendered_idr=tendered,
                change_idr=(tendered - invoice.total_idr) if tendered is not None else 0,
                reference="" if method == "cash" else f"{method[:2].upper()}{self.random.randint(10**9, 10**10 - 1)}",
                received_at=paid_at,
                received_by=self.team.cashier,
            )
        )
        invoice.paid_idr, invoice.paid_at, invoice.status = invoice.total_idr, paid_at, Invoice.Status.PAID

    def _next(self, counter: str) -> int:
        self.numbers[counter] += 1
        return self.numbers[counter]


def _moments(visit: Visit) -> tuple[datetime, datetime]:
    """Return when a visit of the past was with the doctor, and when it ended."""
    assert visit.consulted_at is not None
    assert visit.finished_at is not None
    return visit.consulted_at, visit.finished_at
