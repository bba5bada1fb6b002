"""What personal data there is of one patient, by section: for the copy, for whoever answers requests, and for tests.

Each app registers its own sections in `AppConfig.ready`; apps above this one are not imported. A model that reaches
`Patient` and stands in no section must stand in `INTERNAL` with a reason; a test walks all models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models
from django.utils.functional import Promise

from accounts.models import User
from core.models import StoredFile
from patients.models import Patient

# Columns without meaning for people: indexes, keys of forms, seals, places in storages.
TECHNICAL = frozenset(
    {
        "nik_bidx", "nik_bidx_b", "phone_bidx", "phone_bidx_b", "registration_key", "idempotency_key", "digest",
        "address_hash", "photo_key", "dedupe_key", "thumbnail_state",
    }
)  # fmt: skip
# Rows about a patient that are not in the copy, each with the reason.
INTERNAL: dict[str, str] = {
    "patients.PatientToken": "keyed search index, without meaning by itself",
    "patients.DuplicatePair": "compares two records; the other one is of somebody else",
    "patients.PatientMerge": "bookkeeping of merged records; their content is in the record that stayed",
    "patients.PatientImportRow": "protocol of an import; what was imported is in the record",
    "patients.IntegrityFinding": "technical check of the tables",
    "jobs.Job": "background work; requests for it are in the list of accesses",
    "reports.AccessAlert": "the clinic's control of its staff; each access is in the list of accesses",
}

Resource = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows of one model in the copy.

    `path` is the look-up from the model to the patient; one that ends in `_id` holds the bare id. `hidden` are columns
    left out beside `TECHNICAL`. `only` narrows the rows, `adds` gives further values to one, `resources` gives what it is in FHIR
    R4, `files` the stored files that belong to it with the beginning of their names.
    """

    model: str
    path: str = "patient"
    hidden: frozenset[str] = frozenset()
    only: Callable[[models.QuerySet[Any]], models.QuerySet[Any]] | None = None
    adds: Callable[[Any], Mapping[str, Any]] | None = None
    resources: Callable[[Any], Iterable[Resource]] | None = None
    files: Callable[[Any], Iterable[tuple[str, StoredFile]]] | None = None

    def rows(self, patient: Patient) -> Iterator[Any]:
        """Return the patient's rows, oldest first, with the rows they name. One statement."""
        model = apps.get_model(self.model)
        wanted: Any = patient.pk
        if self.path.endswith("_id"):
            wanted = [patient.pk, *Patient.objects.filter(merged_into=patient).values_list("pk", flat=True)]
        found = model._base_manager.filter(**{f"{self.path}__in" if isinstance(wanted, list) else self.path: wanted})
        if self.only is not None:
            found = self.only(found)
        joined = [one.name for one in model._meta.concrete_fields if one.is_relation and one.name not in self.hidden]
        return found.select_related(*joined).order_by("pk").iterator(chunk_size=500) if joined else found.order_by("pk")


@dataclass(frozen=True)
class Section:
    """One part of what the clinic knows: its words, on what ground it is kept and how long, and its tables.

    `listed` gives ready rows by a name, for what is no table of the patient, such as the accesses of the audit log.
    """

    name: str
    title: str | Promise
    ground: str | Promise
    tables: tuple[Table, ...] = ()
    listed: Mapping[str, Callable[[Patient], Iterable[Mapping[str, Any]]]] = field(default_factory=dict)
    covers: frozenset[str] = frozenset()  # models whose rows `listed` gives

    def models(self) -> set[str]:
        """Return the labels of the models in this section."""
        return {table.model for table in self.tables} | set(self.covers)


_sections: dict[str, Section] = {}


def register(section: Section) -> None:
    """Add a section to the copy; called once when the app is ready.

    Raises:
        ValueError: the name is taken.
    """
    if section.name in _sections:
        raise ValueError(f"there is a section {section.name} already")
    _sections[section.name] = section


def sections() -> list[Section]:
    """Return all sections, in the order of the apps from the patient's identity upwards."""
    return list(_sections.values())


def covered_models() -> set[str]:
    """Return the labels of all models that are in the copy."""
    return {label for section in _sections.values() for label in section.models()}


def values_of(table: Table, row: models.Model) -> dict[str, Any]:
    """Return the columns of a row as JSON values: choices also in words, people by name, other rows by their id.

    A row of a reference list (service, insurer, medicine) also by its words. Other patients are left out.
    """
    found: dict[str, Any] = {}
    for column in row._meta.concrete_fields:
        if column.name in table.hidden or column.name in TECHNICAL or column.generated:
            continue
        if column.is_relation:
            found |= _relation(column, row)
            continue
        value = getattr(row, column.attname)
        found[column.name] = json_value(value)
        if column.flatchoices and value not in (None, ""):
            found[f"{column.name}_text"] = str(dict(column.flatchoices).get(value, value))
    if table.adds is not None:
        found |= {name: json_value(value) for name, value in table.adds(row).items()}
    return found


def _relation(column: models.Field[Any, Any], row: models.Model) -> dict[str, Any]:
    target = column.related_model
    if target is Patient or target is StoredFile:
        return {}
    other = getattr(row, column.name)
    if other is None:
        return {column.name: None}
    if isinstance(other, User):
        return {column.name: other.full_name}
    known = json_value(getattr(row, column.attname))
    is_listed = other._meta.label in covered_models()
    return {column.name: known} if is_listed else {column.name: known, f"{column.name}_text": str(other)}


def json_value(value: Any) -> Any:
    """Return a value as JSON holds it: instants with their zone, decimals and ids as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | Promise):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): json_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_value(one) for one in value]
    return value
