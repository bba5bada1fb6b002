from datetime import timedelta
from uuid import uuid4

import factory

from accounts.models import Specialty
from core import clock
from scheduling.models import Appointment, PracticeSession, QueueTicket, Service, Slot, Station, Visit
from scheduling.services import CLOSED_STATUSES, queue
from scheduling.services.lines import write_lines, write_visit_lines
from scheduling.services.visits import _begin_care
from tests.factories.accounts import DoctorFactory, UserFactory
from tests.factories.patients import PatientFactory


class ServiceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Service

    code = factory.Sequence(lambda n: f"SV-{n:03d}")
    name_id = "Konsultasi Dokter Umum"
    name_en = "General consultation"
    specialty = Specialty.GENERAL
    price_idr = 100_000


class StationFactory(factory.django.DjangoModelFactory):
    """An open room of a doctor."""

    class Meta:
        model = Station

    name = factory.Sequence(lambda n: f"Ruang {n}")
    stage = "doctor"
    spoken = Station.Spoken.ROOM
    spoken_number = factory.Sequence(lambda n: n % 99 + 1)


class SessionFactory(factory.django.DjangoModelFactory):
    """An approved session of tomorrow 09.00 with three 30-minute slots."""

    class Meta:
        model = PracticeSession
        skip_postgeneration_save = True

    doctor = factory.SubFactory(DoctorFactory)
    service = factory.SubFactory(ServiceFactory)
    practice_on = factory.LazyFunction(lambda: clock.today() + timedelta(days=1))
    starts_at = factory.LazyAttribute(lambda s: clock.day_bounds(s.practice_on)[0] + timedelta(hours=9))
    slot_minutes = 30
    gap_minutes = 0
    slot_count = 3
    ends_at = factory.LazyAttribute(
        lambda s: s.starts_at + timedelta(minutes=s.slot_minutes * s.slot_count + s.gap_minutes * (s.slot_count - 1))
    )
    status = PracticeSession.Status.APPROVED
    proposed_at = factory.LazyFunction(clock.now)

    @factory.post_generation
    def with_slots(self, create, extracted, **kwargs):
        step = timedelta(minutes=self.slot_minutes + self.gap_minutes)
        for number in range(1, self.slot_count + 1):
            start = self.starts_at + step * (number - 1)
            Slot.objects.create(
                session=self, number=number, starts_at=start, ends_at=start + timedelta(minutes=self.slot_minutes)
            )


class AppointmentFactory(factory.django.DjangoModelFactory):
    """An approved appointment on the first slot of a new session."""

    class Meta:
        model = Appointment
        skip_postgeneration_save = True

    patient = factory.SubFactory(PatientFactory)
    slot = factory.LazyFunction(lambda: SessionFactory().slots.first())
    doctor = factory.LazyAttribute(lambda a: a.slot.session.doctor)
    service = factory.LazyAttribute(lambda a: a.slot.session.service)
    price_idr = factory.LazyAttribute(lambda a: a.service.price_idr)
    complaint = "Batuk dan pilek tiga hari"
    status = Appointment.Status.APPROVED
    source = Appointment.Source.RECEPTION
    booked_at = factory.LazyFunction(clock.now)
    booked_by = factory.SubFactory(UserFactory)
    idempotency_key = factory.LazyFunction(uuid4)

    @factory.post_generation
    def lines(self, create, extracted, **kwargs):
        """The service of the slot, as a booking writes it; `lines=False` makes a bare row."""
        if extracted is not False:
            write_lines(self, [self.service])


class VisitFactory(factory.django.DjangoModelFactory):
    """A walk-in visit of today that waits for the doctor, with its queue ticket."""

    class Meta:
        model = Visit
        skip_postgeneration_save = True

    number = factory.Sequence(lambda n: f"RJ/T/{n:06d}")
    patient = factory.SubFactory(PatientFactory)
    doctor = factory.SubFactory(DoctorFactory)
    service = factory.SubFactory(ServiceFactory)
    price_idr = factory.LazyAttribute(lambda v: v.service.price_idr)
    complaint = "Demam sejak kemarin"
    visit_on = factory.LazyFunction(clock.today)
    status = Visit.Status.WAITING
    arrived_at = factory.LazyFunction(clock.now)
    checked_in_by = factory.SubFactory(UserFactory)

    @factory.post_generation
    def lines(self, create, extracted, **kwargs):
        """The service of the visit; `lines=False` makes a bare row."""
        if extracted is not False:
            write_visit_lines(self, [self.service])

    @factory.post_generation
    def with_ticket(self, create, extracted, **kwargs):
        last = QueueTicket.objects.filter(issued_on=self.visit_on, prefix="T").count()
        QueueTicket.objects.create(visit=self, issued_on=self.visit_on, prefix="T", number=last + 1)
        if self.status not in CLOSED_STATUSES:
            queue.follow(self, actor=None)

    @factory.post_generation
    def care(self, create, extracted, **kwargs):
        """Whom a check-in lets into the record: the doctor, and the nurses for a week; `care=False` makes a bare row."""
        if extracted is not False:
            _begin_care(self)


def session_at(day, hour: int, *, count: int = 3, **fields):
    """An approved session of a clinic day from a full hour, with `count` slots of 30 minutes."""
    return SessionFactory(
        practice_on=day, starts_at=clock.day_bounds(day)[0] + timedelta(hours=hour), slot_count=count, **fields
    )


def booking(patient, slot, actor, **fields):
    """Arguments of `book_appointment`, with a new key."""
    return {
        "patient_id": patient.pk,
        "slot_id": slot.pk,
        "complaint": "Batuk dan pilek tiga hari",
        "actor": actor,
        "source": Appointment.Source.RECEPTION,
        "idempotency_key": uuid4(),
        **fields,
    }
