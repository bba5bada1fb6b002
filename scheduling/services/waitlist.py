"""The waiting list: wishes for times that are taken, and offers of times that became free, oldest wish first.

Lock order: patient, slot, appointment, wish. A wish is never offered the same slot twice: the key of the offer says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core import clock
from core.db import locked, retry_transaction
from core.errors import DomainError, InvalidInput
from core.ids import uuid_or_none
from notifications.models import Email
from patients.models import CareTeamMember, Patient
from patients.services import end_care, notify_patient
from patients.services.locks import lock_patient
from scheduling.errors import OfferEnded, ServiceNotOffered, SlotTaken, WishNotOpen
from scheduling.models import Appointment, Service, Slot, WaitlistEntry
from scheduling.querysets import HORIZON_DAYS, PARTS
from scheduling.services import claims
from scheduling.services.catalogue import offered_service
from scheduling.services.mails import mail_waitlist_ended
from scheduling.services.telling import mail, tell_booked, tell_patient, tick

MAX_WISHES = 3  # of one patient at once
MAX_LAPSES = 2  # offers without an answer, after which the wish ends
SHORTEST_ANSWER = timedelta(minutes=20)  # an offer that leaves less time is not made
BEFORE_TIME = timedelta(minutes=30)  # an answer is due this long before the time that is offered
WISHES_AT_ONCE = 200  # of one sweep
OFFER_MAIL = "waitlist_offered"

Status = WaitlistEntry.Status
_PART_HOURS = dict(zip((Part.value for Part in list(WaitlistEntry.Part)[1:]), PARTS, strict=True))


@retry_transaction
def join_waitlist(
    *,
    patient_id: UUID,
    service_id: UUID,
    actor: User,
    first_on: date,
    last_on: date,
    doctor_id: UUID | None = None,
    part: str = WaitlistEntry.Part.ANY,
) -> WaitlistEntry:
    """Put a wish on the waiting list; the same wish again gives the one that is there. Locks the patient row.

    Raises:
        InvalidInput: days in the past, in the wrong order or too far ahead, or more than `MAX_WISHES` wishes.
        ServiceNotOffered: nobody gives the service, or this doctor does not.
        NotYourAppointment, PatientNotActive, PatientNotFound, PatientMerged: see `book_appointment`.
    """
    patient = lock_patient(patient_id)
    claims.require_may_act(actor, patient.pk)
    claims.require_active(patient)
    _check_days(first_on, last_on)
    if part not in WaitlistEntry.Part.values:
        raise InvalidInput(_("Choose a time of day from the list."))
    if doctor_id is not None:
        offered_service(service_id=service_id, doctor_id=doctor_id)
    elif not Service.objects.filter(pk=service_id, is_active=True).exists():
        raise ServiceNotOffered(_("This service is not offered at present. Choose another one."))
    wish = {
        "service_id": service_id, "doctor_id": doctor_id, "first_on": first_on, "last_on": last_on, "part": part
    }  # fmt: skip
    mine = WaitlistEntry.objects.filter(patient=patient, status__in=(Status.WAITING, Status.OFFERED))
    same = mine.filter(**wish).first()
    if same is not None:
        return same
    if mine.count() >= MAX_WISHES:
        raise InvalidInput(
            _("There are already %(most)d wishes on the waiting list. Withdraw one first.") % {"most": MAX_WISHES}
        )
    entry = WaitlistEntry.objects.create(patient=patient, created_at=clock.now(), created_by=actor, **wish)
    audit.record("scheduling.waitlist.joined", actor=actor, patient=patient.pk, target=entry)
    tick(patient)
    return entry


@retry_transaction
def withdraw_wish(*, entry_id: UUID, actor: User) -> WaitlistEntry:
    """Take a wish off the list: WAITING or OFFERED -> WITHDRAWN; a time that was offered is given back.

    Raises:
        WishNotOpen: it is booked, withdrawn or over.
        NotYourAppointment: a portal account may not act for the patient.
    """
    entry = WaitlistEntry.objects.get(pk=entry_id)
    patient = lock_patient(entry.patient_id)
    claims.require_may_act(actor, patient.pk)
    offer = claims.lock_appointment(entry.offer_id) if entry.offer_id else None
    entry = locked(WaitlistEntry.objects.all()).get(pk=entry_id)
    if entry.status not in (Status.WAITING, Status.OFFERED) or entry.offer_id != (offer.pk if offer else None):
        raise WishNotOpen(
            _("This wish is already marked: %(status)s. Reload the page to see it.")
            % {"status": entry.get_status_display()}
        )
    if offer is not None and offer.status == Appointment.Status.OFFERED:
        _give_back(offer, actor)
    _end(entry, Status.WITHDRAWN)
    audit.record("scheduling.waitlist.withdrawn", actor=actor, patient=patient.pk, target=entry)
    tick(patient)
    return entry


@retry_transaction
def accept_offer(*, appointment_id: UUID, actor: User, complaint: str) -> Appointment:
    """Take the time that was offered: OFFERED -> APPROVED when the service is booked at once, else PENDING. Once.

    Locks patient, appointment, wish; whoever of an answer and the end of the offer is first, has it.

    Raises:
        OfferEnded: it was not answered in time, declined, or taken already; or its time was closed meanwhile.
        TooManyAppointments: a patient above `BOOKINGS_AHEAD`.
        InvalidInput: no complaint, or a too long one.
        NotYourAppointment, PatientNotActive, PatientNotFound, PatientMerged: see `book_appointment`.
    """
    complaint = claims.checked_complaint(complaint)
    appointment, patient = _lock_offer(appointment_id, actor)
    claims.require_active(patient)
    if appointment.slot.starts_at <= clock.now():
        raise OfferEnded(_("The time that was offered has passed."))
    if not claims.is_offered(appointment.slot):
        raise OfferEnded(
            _("The clinic closed the time that was offered. You stay on the waiting list for another time.")
        )
    if not actor.is_staff_member:
        claims.require_below_limit(patient, but=appointment.pk)
    now = clock.now()
    appointment.status = claims.first_status(appointment.slot, actor=actor, source=appointment.source)
    approved = appointment.status == Appointment.Status.APPROVED
    appointment.complaint, appointment.booked_at, appointment.booked_by = complaint, now, actor
    appointment.held_until = claims.held_until(appointment.slot, appointment.status)
    appointment.decided_at = now if approved else None
    appointment.save(update_fields=["status", "complaint", "booked_at", "booked_by", "held_until", "decided_at"])
    entry = locked(WaitlistEntry.objects.all()).filter(offer=appointment).first()
    if entry is not None:
        _end(entry, Status.BOOKED)
    if approved:
        claims.begin_care(appointment)
    audit.record(
        "scheduling.waitlist.accepted", actor=actor, patient=patient.pk, target=appointment,
        detail={"status": appointment.status},
    )  # fmt: skip
    tell_booked(appointment)
    return appointment


@retry_transaction
def decline_offer(*, appointment_id: UUID, actor: User) -> Appointment:
    """Leave the time that was offered to the next one: OFFERED -> CANCELLED. The wish waits on, for another time.

    Raises:
        OfferEnded: it was not answered in time, declined, or taken already.
        NotYourAppointment: a portal account may not act for the patient.
    """
    appointment, patient = _lock_offer(appointment_id, actor)
    _give_back(appointment, actor)
    entry = locked(WaitlistEntry.objects.all()).filter(offer=appointment).first()
    if entry is not None:
        _wait_on(entry)
    audit.record("scheduling.waitlist.declined", actor=actor, patient=patient.pk, target=appointment)
    tick(patient)
    return appointment


def offer_freed_slot(slot_id: UUID) -> Appointment | None:
    """Offer a slot to the oldest wish that it fits; return the offer, or None when nobody waits for it or it is taken.

    Each try is a transaction of its own. Safe to repeat and to run at once: a slot has one offer at a time.
    """
    now = clock.now()
    slot = Slot.objects.bookable(now).filter(pk=slot_id).select_related("session").first()
    if slot is None or answer_by(slot, now) is None:
        return None
    for entry in _waiting(now).filter(service_id=slot.session.service_id):
        if fits(entry, slot):
            try:
                return _offer(entry.pk, slot_id)
            except SlotTaken:
                return None
            except DomainError:
                continue  # this one cannot take it any more; the next may
    return None


def offer_free_times(now: datetime) -> int:
    """Offer every free time that a wish fits, oldest wish first; return how many. Heals what an offer on the spot missed."""
    made = 0
    for entry in list(_waiting(now)[:WISHES_AT_ONCE]):
        for slot in _fitting(entry, now):
            try:
                _offer(entry.pk, slot.pk)
            except SlotTaken:
                continue
            except DomainError:
                break
            made += 1
            break
    return made


def end_old_wishes(today: date) -> int:
    """End the wishes whose last day is over: WAITING -> EXPIRED; the patients are told. Return how many."""
    old = WaitlistEntry.objects.filter(status=Status.WAITING, last_on__lt=today).order_by("id")
    return sum(_end_old(pk, today) for pk in list(old.values_list("pk", flat=True)))


def let_offer_lapse(appointment: Appointment) -> None:
    """After an offer got no answer: the wish waits for another time, or ends after `MAX_LAPSES`. Under the offer's lock."""
    entry = locked(WaitlistEntry.objects.all()).filter(offer=appointment).first()
    if entry is None:
        return
    lapsed = Appointment.objects.filter(
        patient_id=entry.patient_id, source=Appointment.Source.WAITLIST, status=Appointment.Status.EXPIRED
    ).values_list("slot_id", "idempotency_key")
    if sum(key == offer_key(entry.pk, slot_id) for slot_id, key in lapsed) < MAX_LAPSES:
        _wait_on(entry)
        return
    _end(entry, Status.EXPIRED)
    _tell_ended(entry, appointment.patient)


def fits(entry: WaitlistEntry, slot: Slot) -> bool:
    """True when a slot is what a wish asks for: service, doctor, day and part of the day. The slot comes with its session."""
    start = clock.local(slot.starts_at)
    part = _PART_HOURS.get(entry.part)
    return (
        slot.session.service_id == entry.service_id
        and entry.doctor_id in (None, slot.session.doctor_id)
        and entry.first_on <= start.date() <= entry.last_on
        and (part is None or part[1] <= start.time() < part[2])
    )


def answer_by(slot: Slot, now: datetime) -> datetime | None:
    """Return until when an offer of this slot waits for an answer; None when too little time is left for one.

    `WAITLIST_OFFER_HOURS`, counted from the next opening when the clinic is closed now: nobody has to answer at night.
    """
    today = clock.local(now).date()
    opens = clock.day_bounds(today)[0] + timedelta(hours=settings.CLINIC_OPENS_HOUR)
    closes = clock.day_bounds(today)[0] + timedelta(hours=settings.CLINIC_CLOSES_HOUR)
    begins = opens if now < opens else opens + timedelta(days=1) if now >= closes else now
    until = min(begins + timedelta(hours=settings.WAITLIST_OFFER_HOURS), slot.starts_at - BEFORE_TIME)
    return until if until >= now + SHORTEST_ANSWER else None


def offer_key(entry_id: UUID, slot_id: UUID) -> UUID:
    """Return the idempotency key of the one offer that a wish can get of a slot."""
    return uuid5(entry_id, slot_id.hex)


@retry_transaction
def _offer(entry_id: UUID, slot_id: UUID) -> Appointment:
    """Hold a slot for a wish: an appointment in the state OFFERED.

    Raises:
        SlotTaken: somebody has it, or there is no time left for an answer.
        DomainError: the patient cannot take it: another appointment then, archived, merged, offered before.
    """
    patient = lock_patient(WaitlistEntry.objects.values_list("patient_id", flat=True).get(pk=entry_id))
    claims.require_active(patient)
    slot = claims.lock_slots([slot_id])[slot_id]
    claims.require_free(slot)
    until = answer_by(slot, clock.now())
    if until is None:
        raise SlotTaken(claims.slot_taken())
    claims.require_free_time(patient, slot)
    entry = locked(WaitlistEntry.objects.all()).get(pk=entry_id)
    key = offer_key(entry.pk, slot.pk)
    if entry.status != Status.WAITING or entry.patient_id != patient.pk or not fits(entry, slot):
        raise WishNotOpen(_("This wish is no longer waiting."))
    if Appointment.objects.filter(idempotency_key=key).exists():
        raise WishNotOpen(_("This time was offered before."))
    appointment = claims.insert(
        patient=patient, slot=slot, services=[slot.session.service], complaint="", actor=entry.created_by,
        source=Appointment.Source.WAITLIST, key=key, status=Appointment.Status.OFFERED, held_until=until,
    )  # fmt: skip
    entry.status, entry.offer = Status.OFFERED, appointment
    entry.save(update_fields=["status", "offer"])
    audit.record(
        "scheduling.waitlist.offered", actor=None, patient=patient.pk, target=appointment, detail={"slot": str(slot.pk)}
    )
    mail(appointment, template=OFFER_MAIL, dedupe_key=f"{OFFER_MAIL}:{appointment.pk}")
    tell_patient(appointment, kind="waitlist_offered", held_until_at=until)
    tick(patient)
    return appointment


def is_offer_open(email: Email) -> bool:
    """True while the offer that a waiting mail is about can still be taken."""
    offer_id = uuid_or_none(email.dedupe_key.split(":")[1])
    open_ones = Appointment.objects.filter(status=Appointment.Status.OFFERED, held_until__gt=clock.now())
    return open_ones.filter(pk=offer_id, patient__status=Patient.Status.ACTIVE).exists()


def _check_days(first_on: date, last_on: date) -> None:
    today = clock.today()
    if first_on < today or last_on < first_on:
        raise InvalidInput(_("Choose days from today on, the first one before the last one."))
    if last_on > today + timedelta(days=HORIZON_DAYS):
        raise InvalidInput(_("Choose days within the next %(days)d days.") % {"days": HORIZON_DAYS})


def _waiting(now: datetime):
    return (
        WaitlistEntry.objects.filter(
            status=Status.WAITING, last_on__gte=clock.local(now).date(), patient__status=Patient.Status.ACTIVE
        )
        .order_by("id")
        .only("id", "service_id", "doctor_id", "first_on", "last_on", "part", "patient_id")
    )


def _fitting(entry: WaitlistEntry, now: datetime) -> Iterable[Slot]:
    first, _midnight = clock.day_bounds(entry.first_on)
    _midnight, end = clock.day_bounds(entry.last_on)
    free = Slot.objects.bookable(now).filter(
        session__service_id=entry.service_id, starts_at__gte=max(first, now), starts_at__lt=end
    )
    if entry.doctor_id is not None:
        free = free.filter(session__doctor_id=entry.doctor_id)
    rows = list(free.select_related("session").order_by("starts_at", "id"))
    before = set(
        Appointment.objects.filter(idempotency_key__in=[offer_key(entry.pk, slot.pk) for slot in rows]).values_list(
            "slot_id", flat=True
        )
    )
    return [slot for slot in rows if fits(entry, slot) and slot.pk not in before and answer_by(slot, now) is not None]


def _lock_offer(appointment_id: UUID, actor: User) -> tuple[Appointment, Patient]:
    patient = lock_patient(Appointment.objects.values_list("patient_id", flat=True).get(pk=appointment_id))
    claims.require_may_act(actor, patient.pk)
    appointment = claims.lock_appointment(appointment_id)
    ends = appointment.held_until
    if appointment.status != Appointment.Status.OFFERED or (ends is not None and ends <= clock.now()):
        raise OfferEnded(_("This offer is no longer open. You stay on the waiting list for another time."))
    return appointment, patient


def _give_back(appointment: Appointment, actor: User) -> None:
    appointment.status, appointment.held_until = Appointment.Status.CANCELLED, None
    appointment.decided_at, appointment.decided_by = clock.now(), actor
    appointment.save(update_fields=["status", "held_until", "decided_at", "decided_by"])
    end_care(source=CareTeamMember.Source.APPOINTMENT, source_id=appointment.pk)
    claims.free_slot(appointment.slot_id)


def _wait_on(entry: WaitlistEntry) -> None:
    entry.status, entry.offer = Status.WAITING, None
    entry.save(update_fields=["status", "offer"])


def _end(entry: WaitlistEntry, status: str) -> None:
    entry.status, entry.ended_at = status, clock.now()
    entry.save(update_fields=["status", "ended_at"])


@retry_transaction
def _end_old(entry_id: UUID, today: date) -> bool:
    entry = locked(WaitlistEntry.objects.all()).get(pk=entry_id)
    if entry.status != Status.WAITING or entry.last_on >= today:
        return False
    _end(entry, Status.EXPIRED)
    patient = Patient.objects.select_related("user").get(pk=entry.patient_id)
    _tell_ended(entry, patient)
    audit.record("scheduling.waitlist.ended", actor=None, patient=patient.pk, target=entry)
    tick(patient)
    return True


def _tell_ended(entry: WaitlistEntry, patient: Patient) -> None:
    if patient.status != Patient.Status.ACTIVE:
        return  # a record is archived when its person died, too: the family gets no letter about a waiting list
    entry.patient = patient
    mail_waitlist_ended(entry, dedupe_key=f"waitlist_ended:{entry.pk}")
    notify_patient(patient=patient, kind="waitlist_ended", path=reverse("scheduling:portal-book"))
