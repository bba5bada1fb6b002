"""The form field for a picture or a document: what it gives has been judged by its content."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from core.errors import DomainError
from core.uploads import MAX_BYTES, DecoderBusy, Upload, UploadRefused, bytes_of, check_document, check_image

PICTURE_TYPES = "image/jpeg,image/png,image/gif"  # naming JPEG makes iPhones hand out JPEG instead of HEIC
DOCUMENT_TYPES = f"{PICTURE_TYPES},application/pdf"


class UploadField(forms.FileField):
    """A file of at most `max_bytes`; its value is an `Upload`, or None when an optional one is left empty.

    `documents` takes PDFs besides pictures. The browser is told types and size, so that it can say no before sending.
    """

    def __init__(self, *, documents: bool = False, max_bytes: int = MAX_BYTES, **kwargs: Any) -> None:
        self.documents, self.max_bytes = documents, max_bytes
        super().__init__(allow_empty_file=True, **kwargs)  # our sentence about empty files, not Django's

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {
            **super().widget_attrs(widget),
            "accept": DOCUMENT_TYPES if self.documents else PICTURE_TYPES,
            "data-max-bytes": str(self.max_bytes),
        }

    def clean(self, data: Any, initial: Any = None) -> Upload | None:
        sent = super().clean(data, initial)
        if not isinstance(sent, UploadedFile):
            return None
        check = check_document if self.documents else check_image
        try:
            return check(bytes_of(sent, max_bytes=self.max_bytes), name=sent.name or "", max_bytes=self.max_bytes)
        except (UploadRefused, DecoderBusy) as error:
            raise forms.ValidationError(str(error), code=_code(error)) from None


def _code(error: DomainError) -> str:
    return error.reason if isinstance(error, UploadRefused) else "busy"
