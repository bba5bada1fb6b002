"""Insurance policies of patients: recorded, changed, ended, or marked as wrong. Nothing is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import retry_transaction
from core.text import clean_line
from patients.coverage_errors import PolicyChanged, PolicyClosed, PolicyExists
from patients.errors import InvalidPatientData
from patients.identity import clean_bpjs_number
from patients.models import Insurer, Patient, PatientDocument, PolicyCoverage
from patients.search import write_tokens
from patients.services.documents import ReadyFile, add_document
from patients.services.identity import lock_patient, require_reason
from patients.services.payer import active_policies, payer_of

MAX_NUMBER = 60
LIMITS = {"plan_class": 30, "plan_name": 80, "holder_name": 200, "facility_name": 120, "note": 300}
SOON_DAYS = 30  # a policy that ends within this time of the visit is worth a word
EDITABLE = ("number", *LIMITS, "holder", "valid_from", "valid_until")
Status = PolicyCoverage.Status


@dataclass(frozen=True)
class CoverageLine:
    """One sentence about a policy on the day of a visit. It warns and never blocks."""

    tone: str  # info or warning
    text: str


# --- Questions


def coverage_lines(patient: Patient, day: date) -> list[CoverageLine]:
    """Return what the desk should know about the patient's policies for a visit on `day`; empty for who pays alone.

    One statement, none for who pays alone.
    """
    if patient.guarantor == Patient.Guarantor.SELF:
        return []
    policies = active_policies(patient)
    if not policies:
        sentence = _("The payer is %(payer)s, but no policy is recorded. Ask for the card.")
        return [CoverageLine("warning", sentence % {"payer": patient.guarantor_label})]
    first = policies[0]
    lines = [_line(first, day)]
    if not first.is_valid_on(day):
        others = [row for row in policies[1:] if row.is_valid_on(day)]
        sentence = _("%(insurer)s: another policy of the patient is valid on the day of the visit.")
        lines += [CoverageLine("info", sentence % {"insurer": row.insurer.name}) for row in others]
    return lines


def _line(policy: PolicyCoverage, day: date) -> CoverageLine:
    words = {"insurer": policy.insurer.name}
    if policy.valid_from is not None and day < policy.valid_from:
        sentence = _("%(insurer)s: the policy begins on %(day)s and is not valid yet on the day of the visit.")
        return CoverageLine("warning", sentence % {**words, "day": _in_words(policy.valid_from)})
    if policy.valid_until is None:
        return CoverageLine("info", _("%(insurer)s: no end of the policy is recorded.") % words)
    words["day"] = _in_words(policy.valid_until)
    if day > policy.valid_until:
        sentence = _("%(insurer)s: the policy ended on %(day)s and is not valid on the day of the visit.")
        return CoverageLine("warning", sentence % words)
    if (policy.valid_until - day).days < SOON_DAYS:
        return CoverageLine("info", _("%(insurer)s: the policy is valid until %(day)s. Ask for the new card.") % words)
    return CoverageLine("info", _("%(insurer)s: the policy is valid until %(day)s.") % words)


def _in_words(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")


# --- Acts


@retry_transaction
def add_policy(
    *, patient_id: UUID, insurer_id: UUID, number: str, actor: Any, is_primary: bool = False, **fields: Any
) -> PolicyCoverage:
    """Record one policy; `fields` are those of `EDITABLE`. A BPJS number becomes the patient's and is found by search.

    The first policy of a patient whose payer is of its kind pays first without being told to.

    Raises:
        InvalidPatientData: a value cannot be.
        PolicyExists: the same policy, or another BPJS policy, is active.
    """
    patient = lock_patient(patient_id)
    insurer = _insurer(insurer_id)
    policies = active_policies(patient)
    cleaned = _clean(insurer, number=number, **fields)
    _refuse_twins(policies, insurer, cleaned["number"])
    policy = PolicyCoverage(patient=patient, insurer=insurer, created_at=clock.now(), created_by=actor, **cleaned)
    is_first = not any(row.is_primary for row in policies) and payer_of(policy) == patient.guarantor
    policy.save(force_insert=True)
    audit.record(
        "patients.coverage.recorded", actor=actor, patient=patient.pk, target=policy, detail={"kind": insurer.kind}
    )
    _follow_number(patient, policy, actor)
    if is_primary or is_first:
        _put_first(patient, [*policies, policy], policy, actor)
    return policy


@retry_transaction
def change_policy(*, policy_id: UUID, version: int, actor: Any, **fields: Any) -> PolicyCoverage:
    """Correct a policy; `fields` are those of `EDITABLE`. The same values again write nothing.

    Raises:
        PolicyClosed: it was ended or marked as wrong.
        PolicyChanged: somebody else saved it after the form was opened.
        InvalidPatientData: a value cannot be.
        PolicyExists: another active policy has this number.
    """
    patient, policy = _lock(policy_id)
    if policy.version != version:
        sentence = _("Somebody else changed this policy meanwhile. Nothing was saved; open it again.")
        raise PolicyChanged(sentence)
    cleaned = _clean(policy.insurer, **{name: getattr(policy, name) for name in EDITABLE} | fields)
    others = [row for row in active_policies(patient) if row.pk != policy.pk]
    _refuse_twins(others, policy.insurer, cleaned["number"])
    changed = sorted(name for name, value in cleaned.items() if getattr(policy, name) != value)
    if changed:
        for name in changed:
            setattr(policy, name, cleaned[name])
        policy.version += 1
        policy.save(update_fields=[*changed, "version"])
        audit.record(
            "patients.coverage.changed", actor=actor, patient=patient.pk, target=policy, detail={"fields": changed}
        )
        _follow_number(patient, policy, actor)
    return policy


@retry_transaction
def put_policy_first(*, policy_id: UUID, actor: Any) -> PolicyCoverage:
    """Let this policy pay first; the patient's payer follows. Safe to repeat.

    Raises:
        PolicyClosed: it was ended or marked as wrong.
    """
    patient, policy = _lock(policy_id)
    _put_first(patient, active_policies(patient), policy, actor)
    policy.is_primary = True
    return policy


@retry_transaction
def end_policy(*, policy_id: UUID, actor: Any, reason: str) -> PolicyCoverage:
    """End a policy from now on. When it paid first, the patient pays from now on, until another one is put first.

    Raises:
        ReasonMissing: no reason was given.
        PolicyClosed: it was ended or marked as wrong before.
    """
    why = require_reason(reason, _("Write why the policy ends."))
    return _close(policy_id, Status.ENDED, "patients.coverage.ended", why, actor)


@retry_transaction
def mark_policy_in_error(*, policy_id: UUID, actor: Any, reason: str) -> PolicyCoverage:
    """Mark a policy that never was the patient's; it stays readable. Effects as `end_policy`.

    Raises:
        ReasonMissing: no reason was given.
        PolicyClosed: it was ended or marked as wrong before.
    """
    why = require_reason(reason, _("Write why this entry is wrong."))
    return _close(policy_id, Status.ENTERED_IN_ERROR, "patients.coverage.marked_in_error", why, actor)


@retry_transaction
def attach_card(*, policy_id: UUID, ready: ReadyFile, actor: Any) -> PolicyCoverage:
    """Keep a picture of the card as a document of the patient. The one before stays among the documents.

    Raises:
        PolicyClosed: the policy was ended or marked as wrong.
    """
    patient, policy = _lock(policy_id)
    policy.card = add_document(
        patient_id=patient.pk, ready=ready, category=PatientDocument.Category.INSURANCE, actor=actor,
        title=policy.insurer.name,
    )  # fmt: skip
    policy.save(update_fields=["card"])
    audit.record(
        "patients.coverage.changed", actor=actor, patient=patient.pk, target=policy, detail={"fields": ["card"]}
    )
    return policy


# --- Parts


def _lock(policy_id: UUID) -> tuple[Patient, PolicyCoverage]:
    """Return patient (locked, which covers the policies) and active policy.

    Raises:
        PolicyClosed: it is not active.
    """
    patient = lock_patient(PolicyCoverage.objects.values_list("patient_id", flat=True).get(pk=policy_id))
    policy = PolicyCoverage.objects.select_related("insurer").get(pk=policy_id)
    if policy.status != Status.ACTIVE:
        raise PolicyClosed(_("This policy was ended or marked as wrong before."))
    return patient, policy


def _close(policy_id: UUID, status: str, action: str, reason: str, actor: Any) -> PolicyCoverage:
    patient, policy = _lock(policy_id)
    was_first = policy.is_primary
    policy.status, policy.is_primary = status, False
    policy.ended_at, policy.ended_by, policy.end_reason = clock.now(), actor, reason
    policy.save(update_fields=["status", "is_primary", "ended_at", "ended_by", "end_reason"])
    audit.record(action, actor=actor, patient=patient.pk, target=policy, detail={"was_first": was_first})
    changed: dict[str, str] = {}
    if policy.insurer.kind == Insurer.Kind.BPJS and patient.bpjs_number == policy.number:
        changed["bpjs_number"] = ""
    if was_first:
        changed["guarantor"] = Patient.Guarantor.SELF
    _write_patient(patient, changed, actor)
    return policy


def _insurer(insurer_id: UUID) -> Insurer:
    insurer = Insurer.objects.filter(pk=insurer_id, is_active=True).first()
    if insurer is None:
        raise InvalidPatientData(_("Choose an insurer from the list."), "insurer")
    return insurer


def _clean(insurer: Insurer, *, number: str, **fields: Any) -> dict[str, Any]:
    if unknown := set(fields) - set(EDITABLE):
        raise TypeError(f"not part of a policy: {sorted(unknown)}")
    cleaned: dict[str, Any] = {"number": _clean_number(insurer, number)}
    for name, limit in LIMITS.items():
        if name in fields:
            cleaned[name] = clean_line(fields[name])
            if len(cleaned[name]) > limit:
                sentence = _("This is too long: at most %(limit)d characters.") % {"limit": limit}
                raise InvalidPatientData(sentence, name)
    cleaned |= {name: fields[name] for name in ("valid_from", "valid_until", "holder") if name in fields}
    if cleaned.get("holder", PolicyCoverage.Holder.SELF) not in PolicyCoverage.Holder.values:
        raise InvalidPatientData(_("Choose one of the options."), "holder")
    starts, ends = cleaned.get("valid_from"), cleaned.get("valid_until")
    if starts is not None and ends is not None and ends < starts:
        raise InvalidPatientData(_("The policy ends before it begins. Check the two dates."), "valid_until")
    return cleaned


def _clean_number(insurer: Insurer, number: str) -> str:
    if insurer.kind == Insurer.Kind.BPJS:
        try:
            tidy = clean_bpjs_number(number)
        except ValidationError as error:
            raise InvalidPatientData(" ".join(error.messages), "number") from error
    else:
        tidy = clean_line(number)
    if not any(letter.isalnum() for letter in tidy):
        raise InvalidPatientData(_("Enter the number on the card."), "number")
    if len(tidy) > MAX_NUMBER:
        sentence = _("This is too long: at most %(limit)d characters.") % {"limit": MAX_NUMBER}
        raise InvalidPatientData(sentence, "number")
    return tidy


def _refuse_twins(policies: list[PolicyCoverage], insurer: Insurer, number: str) -> None:
    """Raise PolicyExists for the same number with the same insurer, and for a second BPJS policy: a person has one."""
    for row in policies:
        if insurer.kind == Insurer.Kind.BPJS == row.insurer.kind:
            raise PolicyExists(_("A BPJS number is recorded already. Open that policy and correct it."))
        if row.insurer_id == insurer.pk and row.number.casefold() == number.casefold():
            raise PolicyExists(_("This policy is recorded already."))


def _follow_number(patient: Patient, policy: PolicyCoverage, actor: Any) -> None:
    if policy.insurer.kind == Insurer.Kind.BPJS and patient.bpjs_number != policy.number:
        _write_patient(patient, {"bpjs_number": policy.number}, actor)


def _put_first(patient: Patient, policies: list[PolicyCoverage], first: PolicyCoverage, actor: Any) -> None:
    moved = False
    for row in policies:
        if row.is_primary != (row.pk == first.pk):
            row.is_primary = row.pk == first.pk
            row.save(update_fields=["is_primary"])
            moved = True
    if moved:
        audit.record("patients.coverage.put_first", actor=actor, patient=patient.pk, target=first)
    first.is_primary = True
    _write_patient(patient, {"guarantor": payer_of(first)}, actor)


def _write_patient(patient: Patient, values: dict[str, str], actor: Any) -> None:
    """Write the identity columns that follow the policies; the search finds a new BPJS number at once."""
    changed = sorted(name for name, value in values.items() if getattr(patient, name) != value)
    if not changed:
        return
    for name in changed:
        setattr(patient, name, values[name])
    patient.version += 1
    patient.save(update_fields=[*changed, "version"])
    if "bpjs_number" in changed:
        write_tokens(patient)
    audit.record(
        "patients.patient.updated", actor=actor, patient=patient.pk, target=patient, detail={"fields": changed}
    )
