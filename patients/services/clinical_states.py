"""Pregnancy and blood type: one state at a time, with who said so. Older and wrong rows stay readable."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import retry_transaction
from core.text import clean_line
from patients import pregnancy
from patients.errors import BloodTypeProven, HistoryClosed, InvalidPatientData, NotPregnancyAge, ReasonMissing
from patients.models import BloodTyping, Patient, PregnancyStatus
from patients.services.identity import lock_patient

MAX_NOTE = 300
MAX_REASON = 300
MOST_PREGNANCIES = 25

State = PregnancyStatus.State


@retry_transaction
def record_pregnancy(
    *,
    patient_id: UUID,
    actor: Any,
    state: str,
    last_period_on: date | None = None,
    due_on: date | None = None,
    gravida: int | None = None,
    para: int | None = None,
    abortus: int | None = None,
    note: str = "",
) -> PregnancyStatus:
    """Record what is known about a pregnancy now; it replaces what was known before.

    Without `due_on` (from an ultrasound) it is counted from the last period. The dates are kept for a pregnancy only.

    Raises:
        NotPregnancyAge: not a woman of 10 to 55 years.
        InvalidPatientData: a date or number that cannot be; `field` names it.
    """
    patient = lock_patient(patient_id)
    if not pregnancy.is_offered(patient):
        raise NotPregnancyAge(_("Pregnancy is recorded for women of 10 to 55 years. Check sex and date of birth."))
    if state not in State.values:
        raise InvalidPatientData(_("Choose one of the options."), "state")
    is_pregnant = state == State.PREGNANT
    if is_pregnant:
        _check_dates(last_period_on, due_on)
    _check_counts(gravida, para, abortus, is_pregnant=is_pregnant)
    if is_pregnant and due_on is None and last_period_on is not None:
        due_on = pregnancy.due_date(last_period_on)
    row = PregnancyStatus.objects.create(
        patient=patient,
        state=state,
        last_period_on=last_period_on if is_pregnant else None,
        due_on=due_on if is_pregnant else None,
        gravida=gravida,
        para=para,
        abortus=abortus,
        note=_note(note),
        recorded_at=clock.now(),
        recorded_by=actor,
    )
    audit.record("patients.pregnancy.recorded", actor=actor, patient=patient.pk, target=row)
    return row


@retry_transaction
def mark_pregnancy_in_error(*, row_id: UUID, actor: Any, reason: str) -> PregnancyStatus:
    """Mark a wrong row; what was known before it counts again.

    Raises:
        ReasonMissing: no reason was given.
        HistoryClosed: it was marked before.
    """
    row = _mark(PregnancyStatus, row_id, actor, reason)
    audit.record("patients.pregnancy.marked_in_error", actor=actor, patient=row.patient_id, target=row)
    return row


@retry_transaction
def record_blood_type(
    *, patient_id: UUID, actor: Any, blood_type: str, source: str, rhesus: str = "", note: str = ""
) -> BloodTyping:
    """Record a blood type with where it is known from; the patient's own columns follow.

    What a laboratory found is not replaced by anything else: a difference may be two people under one record.

    Raises:
        InvalidPatientData: no type, or a value outside its list.
        BloodTypeProven: a laboratory found another type, or this would be weaker evidence for it.
    """
    patient = lock_patient(patient_id)
    values = (("blood_type", blood_type, Patient.BloodType.values), ("rhesus", rhesus, Patient.Rhesus.values),
              ("source", source, BloodTyping.Source.values))  # fmt: skip
    for field, value, choices in values:
        if value not in choices or (field == "blood_type" and not value):
            raise InvalidPatientData(_("Choose one of the options."), field)
    current = current_blood_typing(patient)
    if current is not None and current.source == BloodTyping.Source.LAB:
        _require_agreement(current, blood_type, rhesus, source)
    row = BloodTyping.objects.create(
        patient=patient, blood_type=blood_type, rhesus=rhesus, source=source, note=_note(note),
        recorded_at=clock.now(), recorded_by=actor,
    )  # fmt: skip
    _follow(patient, row)
    audit.record("patients.blood_type.recorded", actor=actor, patient=patient.pk, target=row, detail={"source": source})
    return row


@retry_transaction
def mark_blood_type_in_error(*, row_id: UUID, actor: Any, reason: str) -> BloodTyping:
    """Mark a wrong row; the patient's columns follow what was known before it, or become unknown.

    Raises:
        ReasonMissing: no reason was given.
        HistoryClosed: it was marked before.
    """
    row = _mark(BloodTyping, row_id, actor, reason)
    _follow(row.patient, current_blood_typing(row.patient))
    audit.record("patients.blood_type.marked_in_error", actor=actor, patient=row.patient_id, target=row)
    return row


def current_blood_typing(patient: Patient) -> BloodTyping | None:
    """Return the row that counts: the newest that is not wrong."""
    return BloodTyping.objects.filter(patient=patient, is_in_error=False).order_by("-id").first()


def _require_agreement(current: BloodTyping, blood_type: str, rhesus: str, source: str) -> None:
    differs = current.blood_type != blood_type or (current.rhesus and rhesus and current.rhesus != rhesus)
    loses_rhesus = current.rhesus and not rhesus
    if differs or loses_rhesus or source != BloodTyping.Source.LAB:
        found = f"{current.blood_type}{current.rhesus}"
        raise BloodTypeProven(
            _("A laboratory found %(type)s. Check that this is the same person; mark that result as wrong first.")
            % {"type": found}
        )


def _follow(patient: Patient, row: BloodTyping | None) -> None:
    blood_type, rhesus = (row.blood_type, row.rhesus) if row is not None else ("", "")
    if (patient.blood_type, patient.rhesus) != (blood_type, rhesus):
        patient.blood_type, patient.rhesus, patient.version = blood_type, rhesus, patient.version + 1
        patient.save(update_fields=["blood_type", "rhesus", "version"])


def _mark(model: Any, row_id: UUID, actor: Any, reason: str) -> Any:
    why = clean_line(reason)[:MAX_REASON]
    if not why:
        raise ReasonMissing(_("Write why this entry is wrong."))
    patient_id = model.objects.filter(pk=row_id).values_list("patient_id", flat=True).first()
    patient = lock_patient(patient_id)
    row = model.objects.get(pk=row_id)  # the patient's lock covers the rows below it
    if row.is_in_error:
        raise HistoryClosed(_("This entry was marked as wrong before."))
    row.patient = patient
    row.is_in_error, row.error_reason, row.marked_at, row.marked_by = True, why, clock.now(), actor
    row.save(update_fields=["is_in_error", "error_reason", "marked_at", "marked_by"])
    return row


def _check_dates(last_period_on: date | None, due_on: date | None) -> None:
    today = clock.today()
    if last_period_on is not None and not today - pregnancy.LONGEST <= last_period_on <= today:
        raise InvalidPatientData(
            _(
                "The last period must begin within the last 43 weeks. Check the date, or record that she is not pregnant."
            ),
            "last_period_on",
        )
    latest = today + pregnancy.GESTATION
    if due_on is not None and not today - timedelta(weeks=3) <= due_on <= latest:
        raise InvalidPatientData(
            _("The expected day of birth must lie between 3 weeks ago and 40 weeks from now."), "due_on"
        )


def _check_counts(gravida: int | None, para: int | None, abortus: int | None, *, is_pregnant: bool) -> None:
    """Raise when the numbers contradict each other: G counts every pregnancy, also the present one."""
    for field, value in (("gravida", gravida), ("para", para), ("abortus", abortus)):
        if value is not None and not 0 <= value <= MOST_PREGNANCIES:
            raise InvalidPatientData(_("Enter a number between 0 and %(most)d.") % {"most": MOST_PREGNANCIES}, field)
    if gravida is None:
        return
    least = (para or 0) + (abortus or 0) + (1 if is_pregnant else 0)
    if gravida < least:
        raise InvalidPatientData(
            _("Pregnancies (G) count every pregnancy, also the present one: at least %(least)d here.")
            % {"least": least},
            "gravida",
        )


def _note(text: str) -> str:
    line = clean_line(text)
    if len(line) > MAX_NOTE:
        raise InvalidPatientData(
            _("This is too long: at most %(limit)d characters, you typed %(count)d.")
            % {"limit": MAX_NOTE, "count": len(line)},
            "note",
        )
    return line
