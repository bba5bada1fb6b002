"""Reminders of the demo: somebody is booked for tomorrow whatever day it is, and some of them want WhatsApp."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import uuid4

from accounts.models import Specialty
from core import clock
from emr.demo.history import Team
from patients.models import Patient
from scheduling import services as scheduling
from scheduling.models import Appointment, Channel, PracticeSession, Reminder, Service, Slot

BOOKED = 4  # at least, of whom every second one wants WhatsApp
MINUTES = 30


class Reminders:
    """Bookings of tomorrow, how their patients want to be reminded, and the desk that has begun with its list."""

    def __init__(self, team: Team, services: dict[str, list[Service]]) -> None:
        self.team, self.services = team, services
        self.tomorrow = clock.today() + timedelta(days=1)

    def build(self, people: list[Patient]) -> None:
        self._book(people)
        for appointment in self._booked()[::2]:
            scheduling.set_reminder_preference(
                patient_id=appointment.patient_id, channel=Channel.WHATSAPP, actor=self.team.receptionist
            )
        scheduling.remind_for_day(self.tomorrow)
        first = Reminder.objects.filter(channel=Channel.WHATSAPP).order_by("starts_at", "pk").first()
        if first is not None:
            scheduling.mark_sent_by_hand(reminder_id=first.pk, actor=self.team.receptionist)

    def _booked(self) -> list[Appointment]:
        start, end = clock.day_bounds(self.tomorrow)
        booked = Appointment.objects.filter(
            status=Appointment.Status.APPROVED, slot__starts_at__gte=start, slot__starts_at__lt=end
        )
        return list(booked.order_by("slot__starts_at", "pk"))

    def _book(self, people: list[Patient]) -> None:
        missing = BOOKED - len(self._booked())
        if missing <= 0:
            return
        busy = set(Appointment.objects.filter(slot__ends_at__gt=clock.now()).values_list("patient_id", flat=True))
        free = [person for person in people if person.pk not in busy and person.status == Patient.Status.ACTIVE]
        for slot, patient in zip(self._free_slots()[:missing], free, strict=False):
            appointment = scheduling.book_appointment(
                patient_id=patient.pk, slot_id=slot.pk, complaint="Kontrol tekanan darah.",
                actor=self.team.receptionist, source=Appointment.Source.PHONE, idempotency_key=uuid4(),
            )  # fmt: skip
            if appointment.status == Appointment.Status.PENDING:
                scheduling.approve_appointment(appointment_id=appointment.pk, actor=self.team.admin)

    def _free_slots(self) -> list[Slot]:
        """The free times of tomorrow; of a session made for it when the clinic has none, as on Sundays."""
        start, end = clock.day_bounds(self.tomorrow)
        free = Slot.objects.bookable(clock.now()).filter(starts_at__gte=start, starts_at__lt=end)
        if not free.exists():
            self._open_a_session()
        return list(free.order_by("starts_at", "pk"))

    def _open_a_session(self) -> None:
        starts_at, asked = clock.at(self.tomorrow, time(9)), clock.now() - timedelta(days=3)
        session = PracticeSession.objects.create(
            doctor=self.team.doctors[Specialty.GENERAL], service=self.services[Specialty.GENERAL][0], practice_on=self.tomorrow,
            starts_at=starts_at, ends_at=starts_at + timedelta(minutes=MINUTES * BOOKED * 2), slot_minutes=MINUTES,
            slot_count=BOOKED * 2, status=PracticeSession.Status.APPROVED, proposed_at=asked, decided_at=asked,
            decided_by=self.team.admin,
        )  # fmt: skip
        Slot.objects.bulk_create(
            Slot(
                session=session, number=number + 1, starts_at=starts_at + timedelta(minutes=MINUTES * number),
                ends_at=starts_at + timedelta(minutes=MINUTES * (number + 1)),
            )
            for number in range(session.slot_count)
        )  # fmt: skip
