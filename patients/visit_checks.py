"""What the desk should know before a visit: is the policy valid on that day, is there a general consent. It never blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from accounts.access import Capability, has_capability
from patients.consents import has_older_general
from patients.models import Patient
from patients.services.coverage import CoverageLine, coverage_lines


@dataclass(frozen=True)
class VisitChecks:
    """Lines for a screen about one visit; `consent` is "missing", "older" or empty."""

    coverage: list[CoverageLine] = field(default_factory=list)
    consent: str = ""
    may_ask: bool = False


def visit_checks(patient: Patient, day: date, *, user: Any) -> VisitChecks:
    """Return what to say about a visit of `patient` on `day`. Two statements at most."""
    consent = "missing"
    if patient.consented_at is not None:
        consent = "older" if has_older_general(patient.pk) else ""
    return VisitChecks(coverage_lines(patient, day), consent, has_capability(user, Capability.RECORD_CONSENTS))
