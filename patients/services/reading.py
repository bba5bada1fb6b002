"""The traces of reading about patients that is not opening the record: searches, papers, single parts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models

import audit
from audit.models import AuditEvent
from core import clock
from core.db import retry_transaction
from core.digests import keyed_digest
from core.search.queries import parse_query

SEARCHED = "patients.patient.searched"
LATEST_EVENTS = 10
TYPING_SECONDS = 10  # a search that goes on with the words of one written so recently is the same act


@retry_transaction
def record_search(*, actor: Any, query: str, hits: int) -> None:
    """Write that `actor` searched patients and how many were found; 21 stands for more than 20.

    What was typed is identity data and is not written. A keyed digest of its words tells whether the same was sought
    again; `by` says what kind of words they were.
    """
    parsed = parse_query(query)
    kinds = [name for name in ("nik", "phone", "number", "birth_date") if getattr(parsed, name, None)]
    kinds += ["name"] if parsed.words else []
    audit.record(SEARCHED, actor=actor, detail={"hits": hits, "by": kinds, "query": _digest(_tidy(query))})


def record_typed_search(*, actor: Any, query: str, hits: int) -> None:
    """Write a search of somebody who is still typing, unless it goes on with one that was written just now.

    What was written first covers everybody the longer words can show. It counts for `TYPING_SECONDS`, so whoever goes
    on for longer leaves further events; the words as they end are written when the typing stops. One statement more.
    """
    text = _tidy(query)
    last = _last_search(actor)
    if last is None or last not in {_digest(text[:end]) for end in range(1, len(text) + 1)}:
        record_search(actor=actor, query=query, hits=hits)


def is_search_recorded(*, actor: Any, query: str) -> bool:
    """True when the last search `actor` left in the log, a moment ago, was this one. One statement."""
    return _last_search(actor) == _digest(_tidy(query))


def _last_search(actor: Any) -> str | None:
    """Return the digest of what `actor` searched last, when that was a moment ago."""
    since = clock.now() - timedelta(seconds=TYPING_SECONDS)
    # The newest events of the person, whatever they are: the index ends there, and nobody does more in a moment.
    events = AuditEvent.objects.filter(actor_id=actor.pk).order_by("-id").values_list("action", "at", "detail")
    for action, at, detail in events[:LATEST_EVENTS]:
        if action == SEARCHED:
            return str(detail.get("query")) if at >= since else None
    return None


def _tidy(query: str) -> str:
    return " ".join(query.lower().split())


def _digest(text: str) -> str:
    return keyed_digest(settings.KEYS.audit_seal_key, "audit/query/v1", text)[:16]


@retry_transaction
def record_print(*, patient_id: UUID, actor: Any, what: str, target: models.Model, purpose: str = "") -> None:
    """Write that a paper about a patient was made: "bill", "receipt", "prescription", "labels", "ticket", "record".

    `purpose` is a code that says what for, when that was asked.
    """
    detail = {"what": what, **({"purpose": purpose} if purpose else {})}
    audit.record("patients.paper.printed", actor=actor, patient=patient_id, target=target, detail=detail)


@retry_transaction
def record_part_read(*, patient_id: UUID, actor: Any, what: str, target: models.Model | None = None) -> None:
    """Write that one part of a record was opened where the patient's row itself is not at hand: "bill", "appointment"."""
    audit.record("patients.chart.read", actor=actor, patient=patient_id, target=target, detail={"what": what})
