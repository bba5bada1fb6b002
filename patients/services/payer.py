"""Payer and BPJS number stand on the patient and in the policies: what is written in one place is written in the other.

Callers hold the patient's row lock. The policies' own service is `services.coverage`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import audit
from core import clock
from patients.models import Insurer, Patient, PolicyCoverage

BPJS_NAME = "BPJS Kesehatan"
Guarantor = Patient.Guarantor
Status = PolicyCoverage.Status


def bpjs_insurer() -> Insurer:
    """Return the insurer that stands for the national health insurance; made when the table has none."""
    found = Insurer.objects.filter(kind=Insurer.Kind.BPJS).order_by("id").first()
    if found is None:
        found, _made = Insurer.objects.get_or_create(name=BPJS_NAME, defaults={"kind": Insurer.Kind.BPJS})
    return found


def payer_of(policy: PolicyCoverage) -> str:
    """Return the patient's payer when this policy pays first; an employer counts as insurance."""
    return Guarantor.BPJS if policy.insurer.kind == Insurer.Kind.BPJS else Guarantor.INSURANCE


def active_policies(patient: Patient) -> list[PolicyCoverage]:
    """Return the patient's active policies with their insurers, the one that pays first in front. One statement."""
    rows = PolicyCoverage.objects.current().filter(patient=patient).select_related("insurer")
    return sorted(rows, key=lambda row: (not row.is_primary, row.pk))


def follow_identity(patient: Patient, *, changed: Collection[str], actor: Any) -> None:
    """Make the policies agree with the BPJS number and the payer that `patient` was just saved with.

    `changed` are the names of the identity columns that were written. A new number opens a BPJS policy or corrects the one
    that is there; an emptied number ends it. Nothing is asked or written when neither column changed.
    """
    if not {"bpjs_number", "guarantor"} & set(changed):
        return
    policies = active_policies(patient)
    if "bpjs_number" in changed:
        policies = _follow_number(patient, policies, actor)
    _follow_payer(patient, policies)


def _follow_number(patient: Patient, policies: list[PolicyCoverage], actor: Any) -> list[PolicyCoverage]:
    own = [row for row in policies if row.insurer.kind == Insurer.Kind.BPJS]
    number = patient.bpjs_number
    if not number:
        for row in own:
            row.status, row.ended_at, row.ended_by, row.is_primary = Status.ENDED, clock.now(), actor, False
            row.save(update_fields=["status", "ended_at", "ended_by", "is_primary"])
            audit.record("patients.coverage.ended", actor=actor, patient=patient.pk, target=row)
        return [row for row in policies if row not in own]
    if not own:
        row = PolicyCoverage.objects.create(
            patient=patient, insurer=bpjs_insurer(), number=number, created_at=clock.now(), created_by=actor
        )
        audit.record(
            "patients.coverage.recorded",
            actor=actor,
            patient=patient.pk,
            target=row,
            detail={"kind": Insurer.Kind.BPJS},
        )
        return [*policies, row]
    if own[0].number != number:
        own[0].number, own[0].version = number, own[0].version + 1
        own[0].save(update_fields=["number", "version"])
        audit.record(
            "patients.coverage.changed", actor=actor, patient=patient.pk, target=own[0], detail={"fields": ["number"]}
        )
    return policies


def _follow_payer(patient: Patient, policies: list[PolicyCoverage]) -> None:
    """Let the policy pay first that the payer of the identity names; none, when the patient pays or it is not recorded."""
    today = clock.today()
    fitting = [row for row in policies if payer_of(row) == patient.guarantor]
    chosen = min(fitting, key=lambda row: (not row.is_primary, not row.is_valid_on(today), row.pk), default=None)
    for row in policies:
        if row.is_primary != (row is chosen):
            row.is_primary = row is chosen
            row.save(update_fields=["is_primary"])
