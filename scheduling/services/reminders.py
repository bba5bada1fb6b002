"""Reminders of the day before: who gets one, on which way, and that nobody gets two.

The table `Reminder` is the truth: a row says that an appointment was reminded at the time it then had, or stands on the
list of those whom staff write to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core import clock, live
from core.db import locked, retry_transaction
from core.errors import InvalidInput
from core.ids import uuid_or_none
from core.indonesia import phone_or_none
from notifications.models import Email
from patients.consents import may, refusing
from patients.guardians import guardians_of, may_act_for
from patients.models import ConsentKind, Patient
from patients.services.locks import lock_patient, require_right
from scheduling.errors import ReminderNotOpen
from scheduling.models import Appointment, AppointmentMove, Channel, Reminder, ReminderPreference
from scheduling.services.absences import closed_slots
from scheduling.services.telling import mail, tell_patient

TEMPLATE = "appointment_reminder"
REMIND_FROM = time(8, 0)  # of the clinic's day
SHORT_NOTICE = timedelta(hours=2)  # who comes so soon after it is caught up with before it, even at night
MOBILE_PREFIX = "+628"  # WhatsApp has no landlines of Indonesia


def remind_for_day(day: date, *, with_missed: bool = False) -> int:
    """Remind each approved appointment of a clinic day that is still ahead, once; return how many were new.

    By mail, or by putting it on the list of those whom staff write to. Safe to run again and again, by several workers at
    once: UNIQUE (appointment, time) decides. What was approved or moved since the last run is reminded by the next one.
    `with_missed` adds the rest of the day before `day`, for bookings that stood when their own reminder was due: a day
    on which nothing ran is caught up, and nothing is ever sent for a time that has passed. Patients who want no reminders
    or refuse messages are left out. One statement when nothing is due.
    """
    start, end = clock.day_bounds(day)
    wanted = Q(slot__starts_at__gte=start, slot__starts_at__lt=end)
    return _remind_all(_due(wanted | _missed(day - timedelta(days=1)) if with_missed else wanted, clock.now()))


def remind_early(today: date) -> int:
    """Before `REMIND_FROM`: remind those of today whom nothing reminded the day before and who come before, or soon after,
    `REMIND_FROM`, when the day's round would be too late for them; return how many. As `remind_for_day`."""
    until = clock.at(today, REMIND_FROM) + SHORT_NOTICE
    return _remind_all(_due(_missed(today) & Q(slot__starts_at__lt=until), clock.now()))


def _remind_all(appointments: QuerySet[Appointment]) -> int:
    due = list(appointments.values_list("pk", "patient_id"))
    silent = refusing({patient_id for _pk, patient_id in due}, ConsentKind.MESSAGES) if due else set()
    return sum(_remind(pk) for pk, patient_id in due if patient_id not in silent)


def _missed(day: date) -> Q:
    """Return the filter of bookings of a day that stood, at the time they have, when their own reminder was due."""
    start, end = clock.day_bounds(day)
    moved_since = AppointmentMove.objects.filter(appointment=OuterRef("pk"), moved_at__gte=start)
    return Q(~Exists(moved_since), slot__starts_at__gte=start, slot__starts_at__lt=end, standing_since__lt=start)


def _due(wanted: Q, now: datetime) -> QuerySet[Appointment]:
    done = Reminder.objects.filter(appointment=OuterRef("pk"), starts_at=OuterRef("slot__starts_at"))
    unwanted = ReminderPreference.objects.filter(patient=OuterRef("patient"), channel=Channel.NONE)
    return (
        Appointment.objects.filter(status=Appointment.Status.APPROVED, slot__starts_at__gt=now)
        .annotate(standing_since=Coalesce("decided_at", "booked_at"))
        .filter(wanted, ~Exists(done), ~Exists(unwanted))
        .exclude(slot__in=closed_slots())  # staff have still to move or cancel these
        .order_by("slot__starts_at", "pk")
    )


@retry_transaction
def _remind(appointment_id: UUID) -> bool:
    """Remind one appointment as it is now; False when it was cancelled, moved away or reminded meanwhile.

    Locks the appointment alone.
    """
    appointment = _standing(locked(Appointment.objects.filter(pk=appointment_id)))
    if appointment is None:
        return False
    starts_at, now = appointment.slot.starts_at, clock.now()
    reminder = Reminder(appointment=appointment, starts_at=starts_at, created_at=now)
    channel = channel_of(appointment.patient)
    if starts_at <= now or channel == Channel.NONE:
        return False
    reminder.channel, reminder.done_at = channel, now if channel == Channel.EMAIL else None
    try:
        with transaction.atomic():
            reminder.save(force_insert=True)
    except IntegrityError:
        return False
    if channel == Channel.EMAIL:
        mail(appointment, template=TEMPLATE, dedupe_key=mail_key(appointment))
    else:
        live.changed(live.APPOINTMENTS)
    tell_patient(appointment, kind=TEMPLATE)
    action = "reminded" if channel == Channel.EMAIL else "listed_for_reminder"
    audit.record(
        f"scheduling.appointment.{action}", actor=None, patient=appointment.patient_id, target=appointment,
        detail={"channel": channel},
    )  # fmt: skip
    return True


def _standing(appointments: QuerySet[Appointment]) -> Appointment | None:
    """Return the one appointment with its slot, patient and doctor when it is approved. The lock is on its row alone."""
    appointment = appointments.filter(status=Appointment.Status.APPROVED).first()
    if appointment is None:
        return None
    return Appointment.objects.select_related("slot", "patient__user", "doctor__staff_profile").get(pk=appointment.pk)


def mail_key(appointment: Appointment) -> str:
    """Return what makes a reminder's mail one of its kind: the appointment and, after it was moved, its time."""
    local = clock.local(appointment.slot.starts_at)
    time = f"T{local:%H%M}" if appointment.sequence else ""
    return f"{TEMPLATE}:{appointment.pk}:{local:%Y-%m-%d}{time}"


def is_still_true(email: Email) -> bool:
    """True while the appointment that a waiting reminder mail is about still stands at the time it names, ahead of now,
    the patient still allows reminders, and who gets it may still act for the patient."""
    appointment_id = uuid_or_none(email.dedupe_key.split(":")[1])
    appointment = _standing(Appointment.objects.filter(pk=appointment_id))
    if appointment is None or appointment.slot.starts_at <= clock.now():
        return False
    patient_id = appointment.patient_id
    if chosen_channel(appointment.patient) == Channel.NONE or not may(patient_id, ConsentKind.MESSAGES):
        return False
    guardian = email.recipient_user if ":g:" in email.dedupe_key else None
    if guardian is not None and not may_act_for(guardian, patient_id):
        return False
    key = mail_key(appointment)
    return email.dedupe_key == key or email.dedupe_key.startswith(f"{key}:g:")


# --- the way a patient wants --------------------------------------------------------------------------------------------


def channel_of(patient: Patient) -> Channel:
    """Return the way this patient is reminded now: the chosen one, as far as it leads anywhere.

    Without a choice, or when mails are chosen and nobody has an address: by mail when the patient or a guardian has an
    address, else by staff. Two statements at most.
    """
    chosen = chosen_channel(patient)
    if chosen in (Channel.NONE, Channel.WHATSAPP):
        return Channel(chosen)
    has_address = bool(patient.mail_address) or any(user.email for user in guardians_of(patient.pk))
    return Channel.EMAIL if has_address else Channel.WHATSAPP


def chosen_channel(patient: Patient) -> str:
    """Return what was chosen for this patient; "" when nothing was. One statement."""
    return ReminderPreference.objects.filter(patient=patient).values_list("channel", flat=True).first() or ""


@retry_transaction
def set_reminder_preference(*, patient_id: UUID, channel: str, actor: User) -> str:
    """Write how a patient wants to be reminded; "" goes back to what fits. What is written already is left. Audited.

    The desk does it for everybody, a portal account for itself and those it may act for. Locks the patient.

    Raises:
        InvalidInput: there is no such way.
        NotPermitted: a portal account may not act for this patient (any more).
        PatientNotFound, PatientMerged: the record is not in use.
    """
    if channel and channel not in Channel.values:
        raise InvalidInput(_("Choose how to be reminded: by e-mail, by WhatsApp, or not at all."))
    patient = lock_patient(patient_id)
    require_right(patient, actor)
    was = chosen_channel(patient)
    if was == channel:
        return channel
    if channel:
        values = {"channel": channel, "changed_at": clock.now()}
        ReminderPreference.objects.update_or_create(patient=patient, defaults=values)
    else:
        ReminderPreference.objects.filter(patient=patient).delete()
    audit.record(
        "scheduling.reminder_preference.changed", actor=actor, patient=patient.pk, target=patient,
        detail={"from": was or "automatic", "to": channel or "automatic"},
    )  # fmt: skip
    return channel


# --- what staff send by hand --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HandReminder:
    """One line of the list of those whom staff write to."""

    reminder: Reminder
    number: str  # for wa.me, "" when there is none that WhatsApp may know
    phone: str  # as people read it, when they have to call

    @property
    def appointment(self) -> Appointment:
        return self.reminder.appointment


def by_hand(reminders: QuerySet[Reminder], day: date) -> list[HandReminder]:
    """Return whom of `reminders` staff write to for a clinic day, those not yet done first. Two statements.

    An appointment that was cancelled or moved, and a patient who since wants or allows no messages, is not among them.
    """
    start, end = clock.day_bounds(day)
    rows = _open(reminders.filter(starts_at__gte=start, starts_at__lt=end))
    unlisted = [f"appointment__{name}" for name in ("complaint", "reason")]
    unlisted += [f"appointment__patient__{name}" for name in ("nik", "address", "mother_name", "bpjs_number")]
    found = list(
        rows.select_related(
            "appointment__patient", "appointment__doctor__staff_profile", "appointment__slot", "done_by"
        )
        .defer(*unlisted)
        .order_by("starts_at", "pk")
    )
    silent = refusing({row.appointment.patient_id for row in found}, ConsentKind.MESSAGES) if found else set()
    lines = [_line(row) for row in found if row.appointment.patient_id not in silent]
    return sorted(lines, key=lambda line: line.reminder.done_at is not None)


def mailed_count(reminders: QuerySet[Reminder], day: date) -> int:
    """Return how many of `reminders` went out by mail for a clinic day. One statement."""
    start, end = clock.day_bounds(day)
    return reminders.filter(starts_at__gte=start, starts_at__lt=end, channel=Channel.EMAIL).count()


def _open(reminders: QuerySet[Reminder]) -> QuerySet[Reminder]:
    unwanted = ReminderPreference.objects.filter(patient=OuterRef("appointment__patient"), channel=Channel.NONE)
    return reminders.filter(
        ~Exists(unwanted),
        channel=Channel.WHATSAPP,
        appointment__status=Appointment.Status.APPROVED,
        appointment__slot__starts_at=F("starts_at"),
    )


def _line(reminder: Reminder) -> HandReminder:
    patient = reminder.appointment.patient
    number = whatsapp_number(patient.phone)
    return HandReminder(reminder, number, "" if number else patient.phone_label)


def whatsapp_number(phone: str | None) -> str:
    """Return a number as wa.me takes it (`6281234567890`); "" when it is none, or a landline."""
    number = phone_or_none(phone or "")
    if number is None or (number.startswith("+62") and not number.startswith(MOBILE_PREFIX)):
        return ""
    return number.removeprefix("+")


def whatsapp_text(appointment: Appointment) -> str:
    """Return the sentence staff send, in the patient's language: clinic, time, code, link. No name and nothing clinical:
    a telephone is often the family's."""
    patient, starts_at = appointment.patient, appointment.slot.starts_at
    user = patient.user
    with translation.override(user.language if user is not None else patient.language):
        local = clock.local(starts_at)
        return _(
            "Hello from %(clinic)s. We remind you of your booking on %(day)s at %(time)s %(zone)s. Booking code: %(code)s. "
            "Please come 15 minutes early and bring your identity card. If you cannot come, please cancel here: %(link)s "
            "or call %(phone)s."
        ) % {
            "clinic": settings.CLINIC_NAME,
            "day": formats.date_format(local, "l, j F Y"),
            "time": formats.time_format(local),
            "zone": clock.zone_label(),
            "code": appointment.code,
            "link": settings.SITE_URL + reverse("scheduling:portal-appointment-detail", args=[appointment.pk]),
            "phone": settings.CLINIC_PHONE,
        }


def whatsapp_link(reminder: Reminder) -> str:
    """Return the address that opens WhatsApp with the text written; "" without a number."""
    number = whatsapp_number(reminder.appointment.patient.phone)
    return f"https://wa.me/{number}?text={quote(whatsapp_text(reminder.appointment), safe='')}" if number else ""


@retry_transaction
def mark_sent_by_hand(*, reminder_id: UUID, actor: User) -> Reminder:
    """Note that `actor` wrote to or called the patient, once; a second click changes nothing. Audited.

    Locks the appointment, then the reminder.

    Raises:
        ReminderNotOpen: the appointment was cancelled or moved, its time has passed, or the patient wants no messages now.
    """
    reminder = _lock(reminder_id)
    appointment = reminder.appointment
    if reminder.done_at is not None:
        return reminder
    if (
        appointment.status != Appointment.Status.APPROVED
        or appointment.slot.starts_at != reminder.starts_at
        or reminder.starts_at <= clock.now()
    ):
        raise ReminderNotOpen(
            _("This booking was cancelled or moved, or its time has passed. Do not remind the patient.")
        )
    if chosen_channel(appointment.patient) == Channel.NONE or not may(appointment.patient_id, ConsentKind.MESSAGES):
        raise ReminderNotOpen(_("This patient wants no reminders any more. Do not remind them."))
    reminder.done_at, reminder.done_by = clock.now(), actor
    _save(reminder, "sent_by_hand", actor)
    return reminder


@retry_transaction
def undo_sent_by_hand(*, reminder_id: UUID, actor: User) -> Reminder:
    """Put a line back among those to write to; one that is there already stays. Audited. Locks as `mark_sent_by_hand`."""
    reminder = _lock(reminder_id)
    if reminder.done_at is None or reminder.channel != Channel.WHATSAPP:
        return reminder
    reminder.done_at, reminder.done_by = None, None
    _save(reminder, "reopened", actor)
    return reminder


def _lock(reminder_id: UUID) -> Reminder:
    appointment_id = Reminder.objects.values_list("appointment_id", flat=True).get(pk=reminder_id)
    locked(Appointment.objects.filter(pk=appointment_id)).only("pk").get()
    reminder = locked(Reminder.objects.filter(pk=reminder_id)).get()
    appointments: QuerySet[Any] = Appointment.objects.select_related("patient__user", "slot")
    reminder.appointment = appointments.get(pk=appointment_id)
    return reminder


def _save(reminder: Reminder, verb: str, actor: User) -> None:
    reminder.save(update_fields=["done_at", "done_by"])
    audit.record(f"scheduling.reminder.{verb}", actor=actor, patient=reminder.appointment.patient_id, target=reminder)
    live.changed(live.APPOINTMENTS)
