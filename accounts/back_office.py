"""Base classes of the back office. The site registers nothing that is not built on one of them.

Rights come from capabilities, not from Django's permissions. Nothing is deleted here: reference rows are switched off.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from typing import Any

import openpyxl
import tablib
from django.contrib import admin, messages
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from import_export import resources, widgets
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import CSV, XLSX, Format
from import_export.resources import Diff
from import_export.results import Result, RowResult
from import_export.tmp_storages import CacheStorage

import audit
from accounts.access import Capability, has_capability
from core.encryption import StrictEncryption
from core.sheets import escape_formula, unescape_formula
from core.text import INVISIBLE

MOST_LOGGED_LETTERS = 120
MOST_LOGGED_ROWS = 50
MOST_ROWS = 20_000  # of one sheet: all of ICD-10
MOST_COLUMNS = 100
MOST_UNPACKED_BYTES = 64 * 1024 * 1024  # of a workbook, which is a zip archive
CLAIM_SECONDS = 3600  # longer than any import runs


class SheetRefused(Exception):
    """A file that is no sheet, or too big a one; the sentence says which."""


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

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        """Say what to do, and no name of an exception."""
        form.add_error("import_file", str(e) if isinstance(e, SheetRefused) else _unreadable())

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Import what the preview showed, once: a second click finds that it is done."""
        form = self.create_confirm_form(request) if request.method == "POST" else None
        if form is not None and form.is_valid():
            name = form.cleaned_data["import_file_name"]
            is_known = form.cleaned_data["format"] in {str(index) for index in range(len(self.formats))}
            if not is_known or self.tmp_storage_class(name=name).read() is None or not _claimed(name):
                messages.warning(request, _("This file was imported already, or waited too long. Look at the list."))
                return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        try:
            return super().process_import(request, **kwargs)
        except SheetRefused as error:
            messages.error(request, str(error))
            return self._to_import()

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        """Say that nothing was imported when a row failed meanwhile, for instance since somebody else added the same."""
        if result.has_errors() or result.has_validation_errors():
            messages.error(request, _("Nothing was imported: the list was changed meanwhile. Choose the file again."))
            return self._to_import()
        return super().process_result(result, request)

    def _to_import(self) -> HttpResponse:
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_import")

    def process_dataset(self, dataset: Any, form: Any, request: HttpRequest, **kwargs: Any) -> Result:
        with transaction.atomic():
            result = super().process_dataset(dataset, form, request, rollback_on_validation_errors=True, **kwargs)
            if not result.has_errors() and not result.has_validation_errors():
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
    """UTF-8, separated by commas, or by semicolons as Indonesian spreadsheets do."""

    def create_dataset(self, in_stream: Any, **kwargs: Any) -> Any:
        try:
            text = in_stream.decode(self.encoding or "utf-8-sig") if isinstance(in_stream, bytes) else in_stream
            head = text.partition("\n")[0]
            separator = ";" if head.count(";") > head.count(",") else ","
            dataset = super().create_dataset(text, delimiter=separator, **kwargs)
        except Exception as error:
            raise SheetRefused(_unreadable()) from error
        return _checked(dataset)


class SafeXLSX(_NoFormulas, XLSX):
    """The first sheet of a workbook; as wide as its heading."""

    def create_dataset(self, in_stream: Any) -> Any:
        try:
            with zipfile.ZipFile(io.BytesIO(in_stream)) as archive:
                if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED_BYTES:
                    raise SheetRefused(_too_big())
            book = openpyxl.load_workbook(io.BytesIO(in_stream), read_only=True, data_only=True)
            rows = book.worksheets[0].iter_rows(values_only=True, max_col=MOST_COLUMNS, max_row=MOST_ROWS + 2)
            head = next(rows)
            width = max(index for index, cell in enumerate(head, start=1) if cell is not None)
            table = [(*row[:width], *[None] * (width - len(row))) for row in rows]
            while table and not any(cell is not None for cell in table[-1]):
                table.pop()  # rows that only have a format
            dataset = tablib.Dataset(*table, headers=list(head[:width]))
        except SheetRefused:
            raise
        except Exception as error:  # whatever a broken workbook makes of its reader
            raise SheetRefused(_unreadable()) from error
        return _checked(dataset)


def _checked(dataset: Any) -> Any:
    if len(dataset) > MOST_ROWS or dataset.width > MOST_COLUMNS:
        raise SheetRefused(_too_big())
    return dataset


def _claimed(name: str) -> bool:
    """True for one of all who confirm the same file."""
    return cache.add(f"accounts:import:{name}", "", CLAIM_SECONDS)


def _unreadable() -> str:
    return _("This file cannot be read. Save the list as XLSX, or as CSV in UTF-8, and choose its kind.")


def _too_big() -> str:
    return _("This list is too long: at most %(rows)d rows and %(columns)d columns. Split it.") % {
        "rows": MOST_ROWS, "columns": MOST_COLUMNS,
    }  # fmt: skip


class YesNoWidget(widgets.BooleanWidget):
    """Yes or no in the words of both languages; anything else is refused, since it would count as no."""

    YES, NO = frozenset({"1", "true", "yes", "ya", "benar"}), frozenset({"0", "false", "no", "tidak", "salah"})

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool | None:
        text = str(value).strip().lower() if value is not None else ""
        if text and text not in self.YES | self.NO:
            raise ValueError(_("Write 1 for yes or 0 for no."))
        return text in self.YES if text else None


class DayWidget(widgets.DateWidget):
    """A date as spreadsheets and people write it."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        try:
            return super().clean(value, row=row, **kwargs)
        except ValueError as error:
            raise ValueError(_("Write the date like 2026-12-31.")) from error


class PlainDiff(Diff):
    """The preview of an import without inline styles, which our pages forbid."""

    def as_html(self) -> list[str]:
        return [re.sub(r' style="[^"]*"', "", html) for html in super().as_html()]


class ReferenceResource(resources.ModelResource):
    """How reference rows are read from and written to files. Subclasses name `model`, `fields` and `import_id_fields`.

    A row that a sheet has twice is refused: which of the two is meant, nobody but its author knows.
    """

    WIDGETS_MAP = resources.ModelResource.WIDGETS_MAP | {"BooleanField": YesNoWidget, "DateField": DayWidget}

    class Meta:
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = False
        use_bulk = False

    @classmethod
    def get_diff_class(cls) -> type[Diff]:
        return PlainDiff

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        super().before_import(dataset, **kwargs)
        self._met: set[Any] = set()

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        for name, cell in row.items():
            text = unescape_formula(cell)
            row[name] = INVISIBLE.sub("", text) if isinstance(text, str) else text

    def get_or_init_instance(self, instance_loader: Any, row: Any) -> tuple[Any, bool]:
        instance, is_new = super().get_or_init_instance(instance_loader, row)
        if not is_new:
            if instance.pk in self._met:
                raise ValidationError(_("The sheet has this row twice. Leave one of them."))
            self._met.add(instance.pk)
        return instance, is_new

    def after_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        super().after_save_instance(instance, row, **kwargs)
        self._met.add(instance.pk)
