"""Rules of imports and exports that can be broken."""

from __future__ import annotations

from core.errors import Conflict, InvalidInput


class ImportNotPossible(Conflict):
    """The import is not in the state for this: read, mapped, checked, running or over."""

    code = "patients.import_not_possible"


class MappingIncomplete(InvalidInput):
    """A field that everybody needs has no column, or one field has two."""

    code = "patients.mapping_incomplete"


class ExportTooBig(InvalidInput):
    """More patients than one file may hold."""

    code = "patients.export_too_big"
