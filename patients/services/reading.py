"""The traces of reading about patients that is not opening the record: searches, papers, single parts."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models

import audit
from core.db import retry_transaction
from core.keys import derive
from core.search import parse_query


@retry_transaction
def record_search(*, actor: Any, query: str, hits: int) -> None:
    """Write that `actor` searched patients and how many were found; 21 stands for more than 20.

    What was typed is identity data and is not written. A keyed digest of its words tells whether the same was sought
    again; `by` says what kind of words they were.
    """
    parsed = parse_query(query)
    kinds = [name for name in ("nik", "phone", "birth_date") if getattr(parsed, name, None)]
    kinds += ["name"] if parsed.words else []
    text = " ".join(query.lower().split())
    key = derive(settings.KEYS.audit_seal_key, "audit/query/v1")
    digest = hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:16]
    audit.record("patients.patient.searched", actor=actor, detail={"hits": hits, "by": kinds, "query": digest})


@retry_transaction
def record_print(*, patient_id: UUID, actor: Any, what: str, target: models.Model) -> None:
    """Write that a paper about a patient was made: "bill", "receipt", "prescription", "labels", "ticket"."""
    audit.record("patients.paper.printed", actor=actor, patient=patient_id, target=target, detail={"what": what})


@retry_transaction
def record_part_read(*, patient_id: UUID, actor: Any, what: str, target: models.Model | None = None) -> None:
    """Write that one part of a record was opened where the patient's row itself is not at hand: "bill", "appointment"."""
    audit.record("patients.chart.read", actor=actor, patient=patient_id, target=target, detail={"what": what})
