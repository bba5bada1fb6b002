"""Forms about photos and documents: they parse; files are judged by `core.uploads`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from core import clock
from core.fields import validate_year
from core.upload_fields import DOCUMENT_TYPES, UploadField
from core.uploads import MAX_BYTES
from patients.forms.patients import Line
from patients.models import PatientDocument, PatientImage
from patients.services.documents import MAX_NOTE, MAX_TITLE

Category = PatientDocument.Category
MOST_FILES = 10  # of one form; each is opened in a process of its own
# What patients send. Consents and letters about personal data have pages of their own.
FROM_PATIENTS = [choice for choice in Category.choices if choice[0] not in (Category.CONSENT, Category.REQUEST)]


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files as they came; each is judged by itself, so that a bad one does not lose the others."""

    widget = FilesInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_empty_file=True, **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "accept": DOCUMENT_TYPES, "data-max-bytes": str(MAX_BYTES)}

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:  # type: ignore[override]
        sent = [one for one in (data if isinstance(data, list | tuple) else [data]) if isinstance(one, UploadedFile)]
        if not sent:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        if len(sent) > MOST_FILES:
            raise forms.ValidationError(
                _("%(count)d files at once are too many. Choose %(most)d at the most, then the next ones."),
                code="too_many",
                params={"count": len(sent), "most": MOST_FILES},
            )
        return sent


class AboutDocumentForm(forms.Form):
    """What is written about a document."""

    category = forms.ChoiceField(label=_("Kind"), choices=[("", _("Choose")), *Category.choices])
    documented_on = forms.DateField(
        label=_("Date of the document"),
        validators=[validate_year],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("The day on the paper, or on which the picture was taken."),
    )
    title = Line(
        label=_("Title"), required=False, max_length=MAX_TITLE, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("For example: blood count, chest X-ray."),
    )  # fmt: skip
    note = Line(
        label=_("Note"), required=False, max_length=MAX_NOTE, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    is_internal = forms.BooleanField(
        label=_("For the clinic only"), required=False, help_text=_("The patient does not see it in the portal.")
    )

    def clean_documented_on(self) -> Any:
        day = self.cleaned_data["documented_on"]
        if day > clock.today():
            raise forms.ValidationError(_("The date of the document is in the future. Correct it."), code="future")
        return day


class DocumentsForm(AboutDocumentForm):
    """New documents of one kind and date."""

    papers = FilesField(
        label=_("Files"),
        help_text=_("JPG, PNG, GIF or PDF, 5 MB each at the most."),
        error_messages={"required": _("Choose at least one file."), "invalid": _("Choose at least one file.")},
    )
    field_order = ("papers", "category", "documented_on", "title", "note", "is_internal")

    def __init__(self, *args: Any, for_patient: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"documented_on": clock.today()})
        super().__init__(*args, **kwargs)
        if for_patient:
            del self.fields["is_internal"]
            self.fields["category"].choices = [("", _("Choose")), *FROM_PATIENTS]  # type: ignore[attr-defined]

    def about(self) -> dict[str, Any]:
        """Return what is written about each of the files."""
        return {name: value for name, value in self.cleaned_data.items() if name != "papers"}


class DocumentFilterForm(forms.Form):
    """What of the list is shown."""

    category = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All kinds")), *Category.choices],
        widget=forms.Select(attrs={"data-autosubmit": True}),
    )  # fmt: skip
    show = forms.ChoiceField(
        label=_("Show"), required=False, choices=[("", _("Current")), ("wrong", _("Marked as wrong"))],
        widget=forms.Select(attrs={"data-autosubmit": True}),
    )  # fmt: skip

    def chosen(self, name: str) -> str:
        """Return a valid choice, else ""."""
        self.full_clean()
        return str(self.cleaned_data.get(name) or "")


class ImageForm(forms.Form):
    """The photo or the identity card."""

    picture = UploadField(
        label=_("Picture"),
        help_text=_("JPG, PNG or GIF, 5 MB at the most."),
        error_messages={"required": _("Take or choose a picture."), "invalid": _("Take or choose a picture.")},
    )


HEADINGS = {PatientImage.Kind.PHOTO: _("Photo"), PatientImage.Kind.KTP: _("Identity card (KTP)")}
