"""The day under way: every stage of the path has people in it, put there by the services themselves."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import uuid4

from billing.models import Invoice, Payment
from consultations import services as consultations
from consultations.models import DiagnosisCode
from consultations.services import ChosenDiagnosis
from core import clock
from core.ids import uuid7
from emr.demo.history import TIMETABLE, History, Team
from patients.models import Patient
from pharmacy.models import Prescription
from pharmacy.services import dispensing, pricing
from pharmacy.services.prescribing import PrescriptionLine
from scheduling import services as scheduling
from scheduling.models import Appointment, PracticeSession, Service, Slot, Visit
from workspace import services as workspace

AHEAD_DAYS = 14


class Today:
    """Makes today's and the coming sessions, bookings that wait, and patients at every stage."""

    def __init__(self, *, random: Random, team: Team, history: History, services: dict[str, list[Service]]) -> None:
        self.random = random
        self.team = team
        self.history = history
        self.services = services
        self.used: set[Any] = set()
        self.today = clock.today()

    def build(self, *, demo_patient: Patient) -> None:
        """Everything of today and the coming two weeks."""
        self.used.add(demo_patient.pk)
        self._sessions()
        self._bookings(demo_patient)
        self._arrivals()

    # --- sessions and bookings --------------------------------------------------------------------------------------

    def _sessions(self) -> None:
        rows: list[PracticeSession] = []
        slots: list[Slot] = []
        for offset in range(AHEAD_DAYS):
            day = self.today + timedelta(days=offset)
            for specialty, (weekdays, start) in TIMETABLE.items():
                # Today every doctor is in, whatever the weekday: a demo is shown on any day.
                if offset and day.weekday() not in weekdays:
                    continue
                pending = offset >= 9
                rows.append(self._session(day, specialty, start, pending=pending))
                slots += self._slots_of(rows[-1])
                if offset == 0:
                    evening = self._session(day, specialty, time(17, 0), pending=False)
                    rows.append(evening)
                    slots += self._slots_of(evening)
        PracticeSession.objects.bulk_create(rows)
        Slot.objects.bulk_create(slots)

    def _session(self, day: date, specialty: str, start: time, *, pending: bool) -> PracticeSession:
        starts_at = clock.at(day, start)
        evening = start >= time(17, 0)
        count = 6 if evening else 8 if start < time(13, 0) else 6 if start < time(14, 0) else 5
        asked = clock.now() - timedelta(days=3)
        return PracticeSession(
            pk=uuid7(),
            doctor=self.team.doctors[specialty],
            service=self.services[specialty][0],
            practice_on=day,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30 * count),
            slot_minutes=30,
            slot_count=count,
            status=PracticeSession.Status.PENDING if pending else PracticeSession.Status.APPROVED,
            proposed_at=asked,
            decided_at=None if pending else asked + timedelta(hours=2),
            decided_by=None if pending else self.team.admin,
        )

    def _slots_of(self, session: PracticeSession) -> list[Slot]:
        return [
            Slot(
                session=session,
                number=number + 1,
                starts_at=session.starts_at + timedelta(minutes=30 * number),
                ends_at=session.starts_at + timedelta(minutes=30 * (number + 1)),
            )
            for number in range(session.slot_count)
        ]

    def _bookings(self, demo_patient: Patient) -> None:
        """Tomorrow and later: approved ones to be reminded, pending ones to be decided; today's to be checked in."""
        coming = list(Slot.objects.bookable(clock.now()).select_related("session__service").order_by("starts_at"))
        later = [slot for slot in coming if slot.session.practice_on > self.today]
        for index, slot in enumerate(self.random.sample(later, k=min(22, len(later)))):
            specialty = slot.session.service.specialty
            scenario, patient = self._somebody(specialty)
            appointment = scheduling.book_appointment(
                patient_id=patient.pk, slot_id=slot.pk, complaint=scenario["complaint"], actor=self.team.receptionist,
                source=Appointment.Source.RECEPTION, idempotency_key=uuid4(),
            )  # fmt: skip
            if appointment.status == Appointment.Status.PENDING and index % 3:
                scheduling.approve_appointment(appointment_id=appointment.pk, actor=self.team.admin)
        own = next(slot for slot in later if slot.session.service.specialty == "tht" and not slot.appointments.exists())
        assert demo_patient.user is not None
        scheduling.book_appointment(
            patient_id=demo_patient.pk, slot_id=own.pk, complaint="Telinga kanan berdenging sejak seminggu.",
            actor=demo_patient.user, source=Appointment.Source.PORTAL, idempotency_key=uuid4(),
        )  # fmt: skip
        rows = []
        for slot in Slot.objects.filter(session__practice_on=self.today).select_related("session__service")[::3]:
            scenario, patient = self._somebody(slot.session.service.specialty)
            rows.append(
                Appointment(
                    patient=patient,
                    slot=slot,
                    doctor_id=slot.session.doctor_id,
                    service=slot.session.service,
                    price_idr=slot.session.service.price_idr,
                    complaint=scenario["complaint"],
                    status=Appointment.Status.APPROVED,
                    source=Appointment.Source.PORTAL,
                    booked_at=clock.now() - timedelta(days=2),
                    booked_by=self.team.receptionist,
                    decided_at=clock.now() - timedelta(days=1),
                    decided_by=self.team.admin,
                    idempotency_key=uuid4(),
                )
            )
        Appointment.objects.bulk_create(rows)

    # --- people in the house ----------------------------------------------------------------------------------------

    def _arrivals(self) -> None:
        """Walk-ins at each stage, two or more for the doctors a demo is mostly shown with."""
        plan: list[tuple[str, str]] = []
        for specialty in TIMETABLE:
            plan += [(specialty, stage) for stage in ("arrived", "waiting")]
        plan += [("umum", stage) for stage in ("waiting", "consulting", "new", "priced", "ready", "dispensed", "done")]
        plan += [
            ("tht", "new"),
            ("anak", "priced"),
            ("penyakit_dalam", "ready"),
            ("gigi", "cashier"),
            ("kandungan", "done"),
        ]
        plan += [("anak", "consulting"), ("penyakit_dalam", "dispensed"), ("umum", "dispensed"), ("umum", "cashier")]
        for specialty, stage in plan:
            scenario, patient = self._somebody(
                specialty, wants_medicine=stage in ("new", "priced", "ready", "dispensed")
            )
            self._bring_to(stage, specialty, scenario, patient)
        self._spread_arrivals()

    def _bring_to(self, stage: str, specialty: str, scenario: dict[str, Any], patient: Patient) -> None:
        doctor = self.team.doctors[specialty]
        visit = scheduling.register_walk_in(
            patient_id=patient.pk, service_id=self.services[specialty][0].pk, doctor_id=doctor.pk,
            complaint=scenario["complaint"], actor=self.team.receptionist,
            priority="elderly" if patient.birth_date.year < 1966 else "",
        )  # fmt: skip
        if stage == "arrived":
            return
        self._vitals(visit, scenario)
        if stage == "waiting":
            return
        scheduling.call_ticket(visit_id=visit.pk, actor=doctor)
        scheduling.start_consultation(visit_id=visit.pk, actor=doctor)
        if stage == "consulting":
            consultations.save_draft(
                visit_id=visit.pk, actor=doctor, version=0, consultation_fee_idr=visit.price_idr,
                subjective=scenario["subjective"], objective="", assessment="", plan="",
            )  # fmt: skip
            return
        wants_medicine = stage in ("new", "priced", "ready", "dispensed")
        self._finish(visit, scenario, doctor, wants_medicine=wants_medicine)
        if wants_medicine:
            self._through_pharmacy(stage, visit)
        elif stage == "done":
            self._pay(visit)

    def _vitals(self, visit: Visit, scenario: dict[str, Any]) -> None:
        ranges = scenario["vitals"]
        names = {
            "systolic": "systolic_mmhg", "diastolic": "diastolic_mmhg", "heart_rate": "heart_rate_bpm",
            "respiratory_rate": "respiratory_rate_bpm", "oxygen_saturation": "oxygen_saturation_percent",
        }  # fmt: skip
        measured: dict[str, Any] = {
            field: self.random.randint(*ranges[name]) for name, field in names.items() if ranges.get(name)
        }
        if ranges.get("temperature_c"):
            measured["temperature_c"] = Decimal(str(round(self.random.uniform(*ranges["temperature_c"]), 1)))
        measured["weight_kg"] = self.history.weight(scenario, visit)
        consultations.record_vitals(visit_id=visit.pk, actor=self.team.nurse, **measured)

    def _finish(self, visit: Visit, scenario: dict[str, Any], doctor: Any, *, wants_medicine: bool) -> None:
        codes = {row.code: row.pk for row in DiagnosisCode.objects.filter(code__in=scenario["icd10"])}
        lines = [
            PrescriptionLine(medicine_id=medicine.pk, quantity=quantity, signa=signa)
            for medicine, quantity, signa in self.history.safe_lines(scenario, visit.patient)
        ]
        workspace.finish_consultation(
            visit_id=visit.pk,
            actor=doctor,
            version=0,
            consultation_fee_idr=max(scenario["fee_idr"], visit.price_idr),
            diagnoses=[
                ChosenDiagnosis(codes[code], "secondary" if position else "primary")
                for position, code in enumerate(scenario["icd10"])
            ],
            lines=lines if wants_medicine else [],
            subjective=scenario["subjective"],
            objective=scenario["objective"],
            assessment=scenario["assessment"],
            plan=scenario["plan"],
        )

    def _through_pharmacy(self, stage: str, visit: Visit) -> None:
        if stage == "new":
            return
        prescription = Prescription.objects.get(visit=visit)
        prices = {item.pk: (item.list_price_idr, "") for item in prescription.items.all()}
        pricing.confirm_prices(prescription_id=prescription.pk, actor=self.team.pharmacist, prices=prices)
        if stage in ("ready", "dispensed"):
            self._pay(visit)
        if stage == "dispensed":
            dispensing.dispense_prescription(prescription_id=prescription.pk, actor=self.team.pharmacist)

    def _pay(self, visit: Visit) -> None:
        invoice = Invoice.objects.get(encounter_id=visit.pk)
        workspace.receive_payment(
            invoice_id=invoice.pk, method=Payment.Method.CASH, amount_idr=invoice.balance_idr,
            tendered_idr=-(-invoice.balance_idr // 50_000) * 50_000, idempotency_key=uuid4(), actor=self.team.cashier,
        )  # fmt: skip

    def _spread_arrivals(self) -> None:
        """Let the waiting times of today's list differ, as they do at the desk."""
        visits = list(Visit.objects.filter(visit_on=self.today).order_by("pk"))
        start, _end = clock.day_bounds(self.today)
        for index, visit in enumerate(visits):
            arrived: datetime = clock.now() - timedelta(minutes=3 * (len(visits) - index) + self.random.randint(0, 2))
            visit.arrived_at = max(arrived, start)
        Visit.objects.bulk_update(visits, ["arrived_at"])

    def _somebody(self, specialty: str, *, wants_medicine: bool = False) -> tuple[dict[str, Any], Patient]:
        """Return a scenario and a fitting patient who is not in the house yet."""
        for _try in range(500):
            scenario, patient = self.history.match(specialty, self.today)
            if patient.pk in self.used or (wants_medicine and not self.history.safe_lines(scenario, patient)):
                continue
            self.used.add(patient.pk)
            return scenario, patient
        raise RuntimeError(f"the demo has too few patients for {specialty}")
