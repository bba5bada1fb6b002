"""Base classes of the back office. The site registers nothing that is not built on one of them.

Rights come from capabilities, not from Django's permissions. Nothing is deleted here: reference rows are switched off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db import models, transaction
from django.forms import ModelForm
from django.http import HttpRequest
from import_export import resources
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import CSV, XLSX, Format
from import_export.resources import Diff
from import_export.results import Result, RowResult
from import_export.tmp_storages import CacheStorage

import audit
from accounts.access import Capability, has_capability
from core.encryption import StrictEncryption
from core.sheets import escape_formula, unescape_formula

MOST_LOGGED_LETTERS = 120
MOST_LOGGED_ROWS = 50


class Guarded(admin.ModelAdmin):
    """A back-office page behind one capability."""

    needs: Capability = Capability.USE_BACK_OFFICE
    list_per_page = 50
    show_full_result_count = False

    def _may(self, request: HttpRequest) -> bool:
        return has_capability(request.user, Capability.USE_BACK_OFFICE) and has_capability(request.user, self.needs)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Narrow lists by the filters they show and by nothing else.

        Django lets an address ask about every column of the row, so `?password__startswith=` would read a hash.
        """
        shown = [getattr(one, "parameter_name", one) for one in self.list_filter]
        return any(lookup == name or lookup.startswith(f"{name}__") for name in shown)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(Guarded):
    """Rows that are looked at here and changed elsewhere, or never."""

    actions = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        rows = super().get_queryset(request)
        return rows.visible_to(request.user) if hasattr(rows, "visible_to") else rows


class ReferenceAdmin(Guarded):
    """Reference data: added and changed by whoever may use the back office, each change in the audit log."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request)

    def save_model(self, request: HttpRequest, obj: models.Model, form: ModelForm, change: bool) -> None:
        with transaction.atomic():
            before = self._stored(obj.pk, form.changed_data) if change else {}
            super().save_model(request, obj, form, change)
            audit.record(
                f"{audit_name(self.model)}.{'changed' if change else 'added'}",
                actor=request.user,
                target=obj,
                detail={
                    "fields": sorted(form.changed_data),
                    "before": before,
                    "after": self._stored(obj.pk, form.changed_data),
                },
            )

    def _stored(self, pk: Any, names: Iterable[str]) -> dict[str, Any]:
        """Return the stored values of changed columns for the log, shortened. Never those of an encrypted column."""
        columns = [
            name
            for name in names
            if name in self._columns and not isinstance(self.model._meta.get_field(name), StrictEncryption)
        ]
        row = (
            self.model._default_manager.select_for_update().filter(pk=pk).values(*columns).first() if columns else None
        )
        return {name: _for_log(value) for name, value in (row or {}).items()}

    @property
    def _columns(self) -> set[str]:
        return {field.name for field in self.model._meta.concrete_fields}


class ImportExportReferenceAdmin(ImportExportMixin, ReferenceAdmin):
    """Reference data that also comes and goes as CSV or XLSX. `resource_classes` hold subclasses of ReferenceResource."""

    # A second process confirms what the first received, so the file waits in the cache and not in a local folder.
    tmp_storage_class = CacheStorage

    @property
    def formats(self) -> list[type[Format]]:
        return [SafeXLSX, SafeCSV]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def process_dataset(self, dataset: Any, form: Any, request: HttpRequest, **kwargs: Any) -> Result:
        with transaction.atomic():
            result = super().process_dataset(dataset, form, request, **kwargs)
            if not result.has_errors():
                kinds = (RowResult.IMPORT_TYPE_NEW, RowResult.IMPORT_TYPE_UPDATE)
                detail: dict[str, Any] = {kind: result.totals[kind] for kind in kinds}
                written = [str(row.object_id) for row in result.rows if row.import_type in kinds]
                detail["first_ids"] = written[:MOST_LOGGED_ROWS]
                audit.record(f"{audit_name(self.model)}.imported", actor=request.user, detail=detail)
        return result

    def get_export_data(self, file_format: Format, request: HttpRequest, queryset: Any, **kwargs: Any) -> Any:
        data = super().get_export_data(file_format, request, queryset, **kwargs)
        with transaction.atomic():
            audit.record(f"{audit_name(self.model)}.exported", actor=request.user, detail={"rows": queryset.count()})
        return data


def _for_log(value: Any) -> Any:
    """Return a stored value as the log keeps it: plain, and short enough to read."""
    if value is None or isinstance(value, bool | int):
        return value
    text = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
    return text if len(text) <= MOST_LOGGED_LETTERS else f"{text[:MOST_LOGGED_LETTERS]}…"


def audit_name(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}.{model._meta.model_name}"


class _NoFormulas:
    def _escape_formulae(self, dataset: Any) -> None:
        rows = [dataset.lpop() for _index in range(len(dataset))]
        for row in rows:
            dataset.append([escape_formula(cell) for cell in row])


class SafeCSV(_NoFormulas, CSV):
    pass


class SafeXLSX(_NoFormulas, XLSX):
    pass


class PlainDiff(Diff):
    """The preview of an import without inline styles, which our pages forbid."""

    def as_html(self) -> list[str]:
        return [re.sub(r' style="[^"]*"', "", html) for html in super().as_html()]


class ReferenceResource(resources.ModelResource):
    """How reference rows are read from and written to files. Subclasses name `model`, `fields` and `import_id_fields`."""

    class Meta:
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = False
        use_bulk = False

    @classmethod
    def get_diff_class(cls) -> type[Diff]:
        return PlainDiff

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        for name, cell in row.items():
            row[name] = unescape_formula(cell)
