"""Bookings of the demo beyond the plain ones: several services at once, a move, a follow-up, and people who wait."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from core import clock
from emr.demo.history import Team
from patients.models import Patient
from scheduling import services as scheduling
from scheduling.models import Appointment, AppointmentLine, Service, Slot, Visit, VisitLine

BATCH = 500
FURTHER = (
    # code, Indonesian and English name, minutes, price
    ("LY-EKG", "Rekam Jantung (EKG)", "Electrocardiogram (ECG)", 10, 85_000),
)
CONSULTATION_MINUTES = 20  # of general practice, so that a further service fits a time of half an hour
WISHES = 3


class Bookings:
    """What the bookings of the demo have beside a patient and a time."""

    def __init__(self, team: Team, services: dict[str, list[Service]]) -> None:
        self.team, self.services, self.today = team, services, clock.today()

    def build(self, people: list[Patient]) -> None:
        self._lines()
        further = self._further_services()
        busy = set(Appointment.objects.filter(slot__ends_at__gt=clock.now()).values_list("patient_id", flat=True))
        idle = [row for row in people[1:] if row.pk not in busy and row.status == Patient.Status.ACTIVE]
        free = self._free("umum")
        if len(free) > WISHES + 2 and len(idle) > WISHES + 2:
            self._two_services(idle.pop(), free[1], further[0])
            self._moved(idle.pop(), free[2], free[3])
        self._follow_up(people)
        self._wishes(idle)

    def _lines(self) -> None:
        """The lines that a booking and a check-in would have written."""
        bare = Appointment.objects.filter(lines=None).select_related("service").defer("complaint", "reason")
        AppointmentLine.objects.bulk_create(
            [
                AppointmentLine(
                    appointment=row, service=row.service, position=1, price_idr=row.price_idr,
                    duration_minutes=row.service.duration_minutes,
                )
                for row in bare
            ],
            batch_size=BATCH,
        )  # fmt: skip
        VisitLine.objects.bulk_create(
            [
                VisitLine(visit=row, service_id=row.service_id, position=1, price_idr=row.price_idr)
                for row in Visit.objects.filter(lines=None).defer("complaint", "reason")
            ],
            batch_size=BATCH,
        )

    def _further_services(self) -> list[Service]:
        Service.objects.filter(code="LY-UMUM").update(duration_minutes=CONSULTATION_MINUTES)
        return [
            Service.objects.create(
                code=code, name_id=name_id, name_en=name_en, specialty="umum", duration_minutes=minutes, price_idr=price,
                booking_mode=Service.BookingMode.INSTANT, queue_prefix="A",
            )
            for code, name_id, name_en, minutes, price in FURTHER
        ]  # fmt: skip

    def _free(self, specialty: str) -> list[Slot]:
        end = clock.day_bounds(self.today)[1]
        free = Slot.objects.bookable(clock.now()).filter(session__service__specialty=specialty, starts_at__gte=end)
        return list(free.select_related("session").order_by("starts_at", "pk"))

    def _two_services(self, patient: Patient, slot: Slot, further: Service) -> None:
        scheduling.book_appointment(
            patient_id=patient.pk, slot_id=slot.pk, complaint="Kontrol jantung berdebar.", actor=self.team.receptionist,
            source=Appointment.Source.PHONE, idempotency_key=uuid4(), extra_service_ids=[further.pk],
        )  # fmt: skip

    def _moved(self, patient: Patient, first: Slot, then: Slot) -> None:
        appointment = scheduling.book_appointment(
            patient_id=patient.pk, slot_id=first.pk, complaint="Nyeri punggung.", actor=self.team.receptionist,
            source=Appointment.Source.RECEPTION, idempotency_key=uuid4(),
        )  # fmt: skip
        if then.session.service_id == appointment.service_id:
            scheduling.reschedule_appointment(
                appointment_id=appointment.pk, slot_id=then.pk, actor=self.team.receptionist, reason="Pasien menelepon."
            )

    def _follow_up(self, people: list[Patient]) -> None:
        """The next visit of somebody whom the doctor saw, in an own session."""
        for doctor in self.team.doctors.values():
            slots = Slot.objects.bookable(clock.now()).filter(session__doctor=doctor).order_by("-starts_at")
            slot, seen = slots.first(), Patient.objects.in_care_of(doctor).active().order_by("-pk").first()
            if slot is not None and seen is not None:
                scheduling.book_appointment(
                    patient_id=seen.pk, slot_id=slot.pk, complaint="Kontrol setelah pengobatan.", actor=doctor,
                    source=Appointment.Source.FOLLOW_UP, idempotency_key=uuid4(),
                )  # fmt: skip
                return

    def _wishes(self, idle: list[Patient]) -> None:
        """Two who wait for days without a free time, and one with an offer that waits for an answer."""
        service = next((row for row in self.services.get("gigi", []) if row.is_active), None)
        if service is None or len(idle) < WISHES:
            return
        sunday = self.today + timedelta(days=7 - self.today.isoweekday() or 7)  # nobody practises: these wait on
        days = ((sunday, sunday), (sunday, sunday), (self.today, self.today + timedelta(days=14)))
        for patient, part, (first, last) in zip(idle[:WISHES], ("any", "morning", "any"), days, strict=True):
            scheduling.join_waitlist(
                patient_id=patient.pk, service_id=service.pk, actor=self.team.receptionist, first_on=first, last_on=last,
                part=part,
            )  # fmt: skip
        free = self._free("gigi")
        if free:
            scheduling.offer_freed_slot(free[0].pk)
