"""What a merge changed, as data: enough to put exactly that back, and to see what was changed by others since.

The journal of a `PatientMerge` is JSON, sealed in its column:

    {"format": 1,
     "moves":   [{"model": "scheduling.Visit", "field": "patient", "ids": ["…"]}],
     "changes": [{"model": "patients.Patient", "id": "…", "fields": {"phone": [old, new]}}],
     "created": [{"model": "patients.DuplicatePair", "id": "…"}]}

Values are texts as Django's fields write them, or null.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import models

from patients.merge_rules import field_of, model_of
from patients.models import Patient
from patients.search import BLIND_COLUMNS, fill_blind_columns, with_nik

FORMAT = 1
BATCH = 500  # ids in one statement


@dataclass
class Journal:
    """The journal of one merge, while it is written."""

    moves: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    created: list[dict[str, str]] = field(default_factory=list)

    def move(self, model: type[models.Model], column: models.Field[Any, Any], ids: list[Any], to: UUID) -> None:
        """Point rows at another patient, and note which."""
        if not ids:
            return
        for part in batches(ids):
            model._base_manager.filter(pk__in=part).update(**{column.attname: to})
        self.moves.append({"model": model._meta.label, "field": column.name, "ids": [str(pk) for pk in ids]})

    def change(self, row: models.Model, **values: Any) -> None:
        """Set columns of a row, and note what they were; columns that have the value already are left alone."""
        before = {name: as_text(row, name) for name in values}
        for name, value in values.items():
            setattr(row, name, value)
        self.changed(row, before)
        names = [name for name in before if as_text(row, name) != before[name]]
        if names:
            save(row, names)

    def changed(self, row: models.Model, before: dict[str, Any]) -> None:
        """Note columns of a row that somebody else sets and saves; `before` holds their texts."""
        fields = {name: [old, new] for name, old in before.items() if (new := as_text(row, name)) != old}
        if fields:
            self.changes.append({"model": row._meta.label, "id": str(row.pk), "fields": fields})

    def made(self, row: models.Model) -> None:
        """Note a row that the merge created."""
        self.created.append({"model": row._meta.label, "id": str(row.pk)})

    def as_data(self) -> dict[str, Any]:
        """Return what is stored."""
        return {"format": FORMAT, "moves": self.moves, "changes": self.changes, "created": self.created}


def as_text(row: models.Model, column: str) -> Any:
    """Return a column's value as the journal holds it."""
    found = field_of(type(row), column)
    value = getattr(row, found.attname)
    return None if value is None else found.value_to_string(row)


def set_text(row: models.Model, column: str, text: Any) -> None:
    """Set a column from the journal's text."""
    found = field_of(type(row), column)
    setattr(row, found.attname, None if text is None else found.to_python(text))


def put_back(journal: dict[str, Any]) -> list[tuple[str, str]]:
    """Undo the changes of a journal, newest first; return (model label, column) of those that others changed since.

    A column is put back only while it still has the value the merge gave it. Rows that are gone are passed over.
    """
    left: list[tuple[str, str]] = []
    for entry in reversed(journal["changes"]):
        model = model_of(entry["model"])
        row = model._base_manager.select_for_update().filter(pk=entry["id"]).first()
        if row is None:
            continue
        names = []
        for name, (old, new) in entry["fields"].items():
            if as_text(row, name) != new or _is_taken(row, name, old):
                left.append((entry["model"], name))
                continue
            set_text(row, name, old)
            names.append(name)
        if names:
            save(row, names)
    return left


def _is_taken(row: models.Model, column: str, text: Any) -> bool:
    """True when somebody else has by now what may belong to one patient only."""
    if not isinstance(row, Patient) or text is None or column not in ("nik", "user_id"):
        return False
    if column == "user_id":
        return Patient.objects.filter(user_id=text).exclude(pk=row.pk).exists()
    return with_nik(Patient.objects.exclude(pk=row.pk), text).exists()


def save(row: models.Model, names: list[str]) -> None:
    """Save these columns, for a patient together with the numbers that are kept beside NIK and phone."""
    columns = list(names)
    if isinstance(row, Patient) and {"nik", "phone"} & set(names):
        fill_blind_columns(row)
        columns += BLIND_COLUMNS
    row.save(update_fields=columns)


def changed_since(journal: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (model label, column) of what `put_back` would leave as it is. One statement for each kind of row."""
    by_model: dict[str, set[str]] = {}
    for entry in journal["changes"]:
        by_model.setdefault(entry["model"], set()).add(entry["id"])
    rows = {
        (label, str(row.pk)): row
        for label, ids in by_model.items()
        for row in model_of(label)._base_manager.filter(pk__in=ids)
    }
    left = []
    seen: dict[tuple[str, str, str], Any] = {}
    for entry in reversed(journal["changes"]):
        row = rows.get((entry["model"], entry["id"]))
        if row is None:
            continue
        for name, (old, new) in entry["fields"].items():
            place = (entry["model"], entry["id"], name)
            now = seen[place] if place in seen else as_text(row, name)
            if now != new:
                left.append((entry["model"], name))
            else:
                seen[place] = old
    return left


def batches(ids: Iterable[Any]) -> Iterable[list[Any]]:
    """Cut ids into lists that fit into one statement."""
    everything = list(ids)
    return [everything[at : at + BATCH] for at in range(0, len(everything), BATCH)]
