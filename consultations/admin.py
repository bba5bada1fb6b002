"""Back office: the diagnosis codes the clinic may choose from."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.back_office import ImportExportReferenceAdmin, ReferenceResource
from consultations.models import DiagnosisCode


class DiagnosisCodeResource(ReferenceResource):
    """Codes as a sheet; system, edition and code say which row a line is about."""

    class Meta(ReferenceResource.Meta):
        model = DiagnosisCode
        import_id_fields = ("system", "edition", "code")
        fields = (
            "system",
            "edition",
            "code",
            "display_en",
            "display_id",
            "chapter",
            "keywords",
            "is_primary_allowed",
            "is_active",
        )
        export_order = fields

    def before_save_instance(self, instance: DiagnosisCode, row: Any, **kwargs: Any) -> None:
        instance.fill_search_text()


@admin.register(DiagnosisCode)
class DiagnosisCodeAdmin(ImportExportReferenceAdmin):
    """A code that is switched off stays in old notes and can no longer be chosen."""

    resource_classes = [DiagnosisCodeResource]
    list_display = ("code", "display_id", "display_en", "chapter", "is_primary_allowed", "is_active")
    list_filter = ("chapter", "is_primary_allowed", "is_active")
    search_fields = ("code", "search_text")
    ordering = ("code",)

    def save_model(self, request: HttpRequest, obj: models.Model, form: ModelForm, change: bool) -> None:
        assert isinstance(obj, DiagnosisCode)
        obj.fill_search_text()
        super().save_model(request, obj, form, change)
