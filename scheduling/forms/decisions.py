"""The choice for each booking whose time goes away, as it is shown and as it comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.http import QueryDict

from core.ids import uuid_or_none
from scheduling.models import Slot
from scheduling.services import Choice, Decision
from scheduling.services.decisions import Affected

FIELD, SHOWN = "decide-", "at-"
MOST_DECISIONS = 200


@dataclass(frozen=True)
class DecisionRow:
    """One booking on the page: its names of fields, what it may become, and what was chosen."""

    affected: Affected
    new_starts: Sequence[datetime]
    suggested: Sequence[Slot]
    others: Sequence[Slot]
    value: str

    @property
    def field(self) -> str:
        return f"{FIELD}{self.affected.appointment.pk}"

    @property
    def shown_field(self) -> str:
        return f"{SHOWN}{self.affected.appointment.pk}"


def decision_rows(
    found: Sequence[Affected], free: Mapping[UUID, Sequence[Slot]], *, new_starts: Sequence[datetime] = ()
) -> list[DecisionRow]:
    """Return the rows of the page. Times that are suggested stand once; new slots of the same session stand first."""
    rows = []
    for affected in found:
        ids = {slot.pk for slot in affected.suggested}
        others = [slot for slot in free.get(affected.appointment.service_id, ()) if slot.pk not in ids]
        rows.append(DecisionRow(affected, new_starts, affected.suggested, others, _value(affected)))
    return rows


def read_decisions(data: QueryDict) -> dict[UUID, Decision]:
    """Return appointment id -> decision; what cannot be read counts as undecided."""
    found: dict[UUID, Decision] = {}
    names = [name for name in data if name.startswith(FIELD)]
    for name in names[:MOST_DECISIONS]:
        appointment_id = uuid_or_none(name.removeprefix(FIELD))
        if appointment_id is None:
            continue
        shown = uuid_or_none(data.get(f"{SHOWN}{appointment_id}", ""))
        decision = _decision(data.get(name, ""), shown) if shown is not None else None
        if decision is not None:
            found[appointment_id] = decision
    return found


def _decision(value: str, shown: UUID) -> Decision | None:
    kind, _colon, target = value.partition(":")
    if kind in (Choice.KEEP, Choice.CANCEL) and not target:
        return Decision(Choice(kind), shown)
    if kind == "slot":
        slot_id = uuid_or_none(target)
        return Decision(Choice.MOVE, shown, slot_id=slot_id) if slot_id is not None else None
    if kind == "start":
        try:
            start = datetime.fromtimestamp(int(target), UTC) if len(target) <= 12 else None
        except (ValueError, OverflowError, OSError):
            return None
        return Decision(Choice.MOVE, shown, start=start) if start is not None else None
    return None


def _value(affected: Affected) -> str:
    chosen = affected.chosen
    if chosen is None:
        return str(Choice.KEEP) if affected.may_keep else ""
    if chosen.slot_id is not None:
        return f"slot:{chosen.slot_id}"
    if chosen.start is not None:
        return f"start:{chosen.start.timestamp():.0f}"
    return str(chosen.choice)
