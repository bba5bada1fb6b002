"""Visits and bookings that nobody ended. Part of the nightly check of all records."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from core import clock
from patients.integrity import MOST, Check, Fault, Looked, Severity, register
from scheduling.models import Appointment, QueueStep, Visit, WaitlistEntry

OPEN_DAYS = 2


def _open_visits(cursor: str, open_subjects: list[str]) -> Looked:
    ended = (Visit.Status.FINISHED, Visit.Status.CANCELLED)
    old = Visit.objects.filter(visit_on__lt=clock.today() - timedelta(days=OPEN_DAYS)).exclude(status__in=ended)
    found = old.order_by("pk").values_list("pk", "patient_id", "status")[:MOST]
    return Looked(
        [Fault(f"visit {pk}", patient, {"status": status}) for pk, patient, status in found], Visit.objects.count()
    )


def _undecided(cursor: str, open_subjects: list[str]) -> Looked:
    before, _end = clock.day_bounds(clock.today() - timedelta(days=OPEN_DAYS))
    undecided = (Appointment.Status.PENDING, Appointment.Status.APPROVED)
    old = Appointment.objects.filter(slot__starts_at__lt=before, status__in=undecided)
    found = old.order_by("pk").values_list("pk", "patient_id")[:MOST]
    return Looked([Fault(f"appointment {pk}", patient) for pk, patient in found], Appointment.objects.count())


def _waiting_list(cursor: str, open_subjects: list[str]) -> Looked:
    """Find offers that no wish knows of, and wishes that wait for the answer to an offer that is over."""
    offered = WaitlistEntry.Status.OFFERED
    known = WaitlistEntry.objects.filter(offer=OuterRef("pk"), status=offered)
    offers = Appointment.objects.filter(status=Appointment.Status.OFFERED)
    lost = offers.filter(~Exists(known)).order_by("pk").values_list("pk", "patient_id")[:MOST]
    wishes = WaitlistEntry.objects.filter(status=offered)
    over = wishes.filter(Q(offer=None) | ~Q(offer__status=Appointment.Status.OFFERED)).order_by("pk")
    faults = [Fault(f"appointment {pk}", patient, {"is": "offer without wish"}) for pk, patient in lost]
    faults += [
        Fault(f"waitlist {pk}", patient, {"is": "wish without offer"})
        for pk, patient in over.values_list("pk", "patient_id")[:MOST]
    ]
    return Looked(faults, offers.count() + wishes.count())


def _queue_stays(cursor: str, open_subjects: list[str]) -> Looked:
    """Find visits under way that no station sees, and numbers that stations still see after the visit."""
    ended = (Visit.Status.FINISHED, Visit.Status.CANCELLED)
    stays = QueueStep.objects.filter(open=1)
    under_way = Visit.objects.exclude(status__in=ended)
    unseen = under_way.filter(~Exists(stays.filter(visit=OuterRef("pk")))).order_by("pk")
    left = stays.filter(visit__status__in=ended).order_by("pk")
    faults = [
        Fault(f"visit {pk}", patient, {"status": status})
        for pk, patient, status in unseen.values_list("pk", "patient_id", "status")[:MOST]
    ]
    faults += [
        Fault(f"stay {pk}", patient, {"stage": stage})
        for pk, patient, stage in left.values_list("pk", "visit__patient_id", "stage")[:MOST]
    ]
    return Looked(faults, under_way.count() + stays.count())


def register_own() -> None:
    """Add the checks of this app; called once."""
    register(
        Check(
            "open_visits",
            _("Visits of days gone by that were never finished"),
            _("Open the visit and finish it: sign the note, take the payment, hand over the medicines, or cancel it."),
            Severity.WARNING,
            _open_visits,
        )
    )
    register(
        Check(
            "undecided_appointments",
            _("Bookings of days gone by without an outcome"),
            _("Open the list of appointments and decide."),
            Severity.WARNING,
            _undecided,
            "scheduling:appointment-list",
        )
    )
    register(
        Check(
            "waiting_list",
            _("Offers of the waiting list that do not fit their wish"),
            _("Open the waiting list: take the wish off the list, or decline the offer for the patient."),
            Severity.WARNING,
            _waiting_list,
            "scheduling:waitlist",
        )
    )
    register(
        Check(
            "queue_stays",
            _("Numbers of the queue that do not fit their visit"),
            _("Open the queue: call the number and go on, or finish or cancel the visit."),
            Severity.WARNING,
            _queue_stays,
            "scheduling:queue",
        )
    )
