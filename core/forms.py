"""How forms look: every form of the product is rendered by `ProductRenderer`, every field by `ProductBoundField`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import DjangoTemplates, TemplatesSetting

# Lists of choices would carry a class on their group too, so the style sheet reaches their inputs by `.choice-list`.
LISTS = (forms.RadioSelect, forms.CheckboxSelectMultiple)
PLAIN = (*LISTS, forms.HiddenInput, forms.MultipleHiddenInput, forms.MultiWidget, forms.SelectDateWidget)


def control_class(widget: forms.Widget) -> str:
    """Return the CSS class a widget needs; empty for hidden widgets, choice lists and composed widgets."""
    if isinstance(widget, PLAIN):
        return ""
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    if isinstance(widget, forms.Select):
        return "form-select"
    return "form-control"


class ProductBoundField(BoundField):
    """A field that brings its own CSS class, so `{{ form.name }}` looks right wherever it is written."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        built = super().build_widget_attrs(attrs, widget)
        widget = widget or self.field.widget
        own = f"{widget.attrs.get('class', '')} {built.get('class', '')}".split()
        name = control_class(widget)
        if name and name not in own:
            built["class"] = " ".join([name, *own])
        return built

    @property
    def control(self) -> str:
        """What the field template must build around the widget: check, choices, password, hidden or plain."""
        widget = self.field.widget
        if self.is_hidden:
            return "hidden"
        if isinstance(widget, forms.CheckboxInput):
            return "check"
        if isinstance(widget, LISTS):
            return "choices"
        if isinstance(widget, forms.PasswordInput):
            return "password"
        return "plain"

    @property
    def prefix_text(self) -> str:
        """Text in front of the input ("Rp"), from the widget attribute `data-prefix`."""
        return str(self.field.widget.attrs.get("data-prefix", ""))

    @property
    def suffix_text(self) -> str:
        """Text behind the input ("kg"), from the widget attribute `data-suffix`."""
        return str(self.field.widget.attrs.get("data-suffix", ""))

    @property
    def is_wide(self) -> bool:
        """True when the field takes a whole row of a form grid: long text, or the widget attribute `data-wide`."""
        widget = self.field.widget
        return isinstance(widget, forms.Textarea) or "data-wide" in widget.attrs

    @property
    def target_id(self) -> str:
        """The id an error summary links to: the control itself, or the group of a radio or checkbox list."""
        return str(self.id_for_label or self.auto_id)


class ProductRenderer(TemplatesSetting):
    """Forms and fields from `templates/components/`; Django's own widget templates come from Django.

    Only lists are written by a template of ours, as Django would but in one piece: Django takes two more templates for
    each option, which is most of the time of a page with long lists.
    """

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
    bound_field_class = ProductBoundField

    def __init__(self) -> None:
        super().__init__()
        self._stock = DjangoTemplates()

    def get_template(self, template_name: str) -> Any:
        if template_name == forms.Select.template_name:
            return super().get_template("components/select.html")
        if template_name.startswith("django/forms/"):
            return self._stock.get_template(template_name)
        return super().get_template(template_name)
