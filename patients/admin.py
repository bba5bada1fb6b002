"""Back office: that records exist, not whose they are. Identity is read on the staff pages, where reading is audited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.access import Capability, has_capability
from accounts.back_office import ImportExportReferenceAdmin, ReadOnlyAdmin, ReferenceResource
from patients.models import Insurer, Patient, Region
from patients.regions import CODE_LENGTHS, clean_code, codes_above, fold

COLUMNS = ("record_number", "status", "allergy_status", "guarantor", "created_at")


@admin.register(Patient)
class PatientAdmin(ReadOnlyAdmin):
    """Lists come and go by the pages of imports: a row of the back office's own import would know no rule of ours."""

    change_list_template = "admin/patients/patient/change_list.html"
    list_display = COLUMNS
    list_filter = ("status", "allergy_status", "guarantor")
    search_fields = ("record_number",)
    fields = (*COLUMNS, "version")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        # Identity columns are not read at all, so nothing of them can be shown by mistake.
        return super().get_queryset(request).only("id", *self.fields)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        may_import = has_capability(request.user, Capability.IMPORT_PATIENTS)
        return super().changelist_view(request, {**(extra_context or {}), "may_import_patients": may_import})


class RegionResource(ReferenceResource):
    class Meta(ReferenceResource.Meta):
        model = Region
        fields = ("code", "name", "postal_code", "bps_code", "is_active")
        import_id_fields = ("code",)

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        super().before_import_row(row, **kwargs)
        row["code"] = clean_code(str(row.get("code") or ""))

    def import_instance(self, instance: Region, row: Any, **kwargs: Any) -> None:
        """Level and place in the tree follow from the code."""
        super().import_instance(instance, row, **kwargs)
        above = codes_above(instance.code)
        if len(instance.code) not in CODE_LENGTHS or not instance.code.isdigit():
            raise ValidationError({"code": _("A region's code has 2, 4, 6 or 10 digits.")})
        if above and not Region.objects.filter(code=above[-1]).exists():
            raise ValidationError({"code": _("The region above this one is not in the list.")})
        instance.level, instance.search_name = CODE_LENGTHS[len(instance.code)], fold(instance.name)
        instance.parent_id = above[-1] if above else None  # type: ignore[misc]


class InsurerResource(ReferenceResource):
    class Meta(ReferenceResource.Meta):
        model = Insurer
        fields = ("name", "kind", "phone", "note", "is_active")
        import_id_fields = ("name",)


@admin.register(Region)
class RegionAdmin(ImportExportReferenceAdmin):
    """Names and postal codes may be corrected, regions added by a file; the list of the whole country by `import_regions`."""

    resource_classes = [RegionResource]
    list_display = ("code", "name", "level", "postal_code", "is_active")
    list_filter = ("level", "is_active")
    search_fields = ("code", "search_name")
    fields = ("code", "name", "level", "parent", "postal_code", "bps_code", "is_active")
    readonly_fields = ("code", "level", "parent")
    ordering = ("code",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: models.Model, form: ModelForm, change: bool) -> None:
        assert isinstance(obj, Region)
        obj.search_name = fold(obj.name)
        super().save_model(request, obj, form, change)


@admin.register(Insurer)
class InsurerAdmin(ImportExportReferenceAdmin):
    resource_classes = [InsurerResource]
    list_display = ("name", "kind", "phone", "is_active")
    list_filter = ("kind", "is_active")
    search_fields = ("name",)
    fields = ("name", "kind", "phone", "note", "is_active")
    ordering = ("name",)
