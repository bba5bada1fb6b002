"""Back office of the pharmacy: the medicine list is kept here; stock is only looked at, it changes on the stock pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export import fields, widgets

from accounts.back_office import ImportExportReferenceAdmin, ReadOnlyAdmin, ReferenceResource
from core.text import clean_line
from patients.models import Allergy
from pharmacy.models import Batch, Medicine, StockMovement

ALLERGEN_GROUPS = [(value, label) for value, label in Allergy.Group.choices if value]
IMPORTED = (
    "code", "generic_name", "brand", "strength", "form", "unit", "route", "medicine_class", "category", "atc_code",
    "kfa_code", "ingredients", "allergen_groups", "price_idr", "typical_quantity", "typical_signa", "minimum_stock",
    "is_lasa", "is_high_alert", "is_active",
)  # fmt: skip


class LinesField(forms.CharField):
    """A list of texts, one on each line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = (clean_line(line) for line in str(super().clean(value)).splitlines())
        return [line for line in lines if line]


class MedicineForm(forms.ModelForm):
    ingredients = LinesField(
        label=gettext_lazy("ingredients"),
        required=False,
        help_text=gettext_lazy("One on each line with its amount, for example: amoksisilin 500 mg"),
    )
    allergen_groups = forms.MultipleChoiceField(
        label=gettext_lazy("allergen groups"),
        choices=ALLERGEN_GROUPS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Patients allergic to one of these are stopped when this medicine is prescribed."),
    )

    class Meta:
        model = Medicine
        fields = IMPORTED


class ListWidget(widgets.Widget):
    """A list of texts in one cell, separated by "|"."""

    def __init__(self, allowed: frozenset[str] | None = None) -> None:
        super().__init__()
        self.allowed = allowed

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[str]:
        texts = [clean_line(text) for text in str(value or "").split("|")]
        texts = [text for text in texts if text]
        unknown = [text for text in texts if self.allowed is not None and text not in self.allowed]
        if unknown:
            raise ValidationError(_("Unknown allergen group: %(group)s") % {"group": unknown[0]})
        return texts

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "|".join(value or [])


class MedicineResource(ReferenceResource):
    ingredients = fields.Field("ingredients", "ingredients", widget=ListWidget())
    allergen_groups = fields.Field(
        "allergen_groups", "allergen_groups", widget=ListWidget(frozenset(value for value, _label in ALLERGEN_GROUPS))
    )

    class Meta(ReferenceResource.Meta):
        model = Medicine
        fields = IMPORTED
        import_id_fields = ("code",)


@admin.register(Medicine)
class MedicineAdmin(ImportExportReferenceAdmin):
    """The medicine list. Quantities are shown and never typed: they follow the ledger."""

    resource_classes = [MedicineResource]
    form = MedicineForm
    list_display = (
        "code",
        "generic_name",
        "brand",
        "strength",
        "form",
        "price_idr",
        "on_hand",
        "reserved",
        "is_active",
    )
    list_filter = ("is_active", "category", "route", "is_high_alert", "is_lasa")
    search_fields = ("code", "generic_name", "brand", "medicine_class")
    readonly_fields = ("on_hand", "reserved")


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("lot_number", "medicine", "expires_on", "quantity", "unit_cost_idr", "received_at")
    list_select_related = ("medicine",)
    search_fields = ("lot_number", "medicine__generic_name", "medicine__code")


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    list_display = ("moved_at", "kind", "medicine", "batch", "quantity", "reason")
    list_select_related = ("medicine", "batch")
    list_filter = ("kind",)
    search_fields = ("batch__lot_number", "medicine__generic_name", "medicine__code")
