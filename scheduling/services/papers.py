"""Papers about several patients at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

import audit
from core.db import retry_transaction


@retry_transaction
def record_calendar_print(*, actor: Any, patient_ids: Iterable[UUID], first: date, last: date) -> None:
    """Write into the log of each patient on a printed calendar that their name went onto paper; nothing without names."""
    detail = {"what": "calendar", "first": first.isoformat(), "last": last.isoformat()}
    acts = [(patient_id, None, detail) for patient_id in sorted(patient_ids)]
    if acts:
        audit.record_many("patients.paper.printed", actor=actor, acts=acts)
