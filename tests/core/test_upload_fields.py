"""The form field of files."""

from __future__ import annotations

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from core import uploads
from core.upload_fields import UploadField
from tests.core import hostile_files as made


class Form(forms.Form):
    photo = UploadField(required=False)
    paper = UploadField(documents=True, required=False)


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def sent(**parts):
    return Form({}, {name: SimpleUploadedFile(*part) for name, part in parts.items()})


def test_good_files_come_out_judged():
    form = sent(photo=("Foto.JPG", made.jpeg(), "text/html"), paper=("hasil.pdf", made.pdf(2)))
    assert form.is_valid(), form.errors
    photo, paper = form.cleaned_data["photo"], form.cleaned_data["paper"]
    assert (photo.content_type, photo.name, photo.width) == ("image/jpeg", "Foto.JPG", 64)
    assert (paper.content_type, paper.pages) == ("application/pdf", 2)


def test_nothing_is_none():
    form = sent()
    assert form.is_valid()
    assert form.cleaned_data == {"photo": None, "paper": None}


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (("a.jpg", b""), "empty"),
        (("a.jpg", made.jpeg() + b"\0" * uploads.MAX_BYTES), "too_big"),
        (("a.svg", b"<svg onload='x'/>"), "kind"),
        (("a.php.jpg", made.jpeg()), "name"),
        (("a.pdf", made.pdf()), "kind"),
    ],
)
def test_a_bad_file_is_an_error_of_the_field(part, code):
    form = sent(photo=part)
    assert not form.is_valid()
    (error,) = form.errors.as_data()["photo"]
    assert error.code == code
    assert str(error.message).endswith(".")


def test_a_busy_moment_is_an_error_of_the_field(monkeypatch):
    monkeypatch.setattr(uploads, "WAIT_SECONDS", 0.05)
    with uploads._one_at_a_time:
        form = sent(photo=("a.jpg", made.jpeg()))
        assert not form.is_valid()
    assert form.errors.as_data()["photo"][0].code == "busy"


def test_text_in_place_of_a_file_is_no_file():
    form = Form({"photo": "../../etc/passwd"}, {})
    assert form.is_valid()
    assert form.cleaned_data["photo"] is None


def test_the_browser_is_told_types_and_size():
    form = Form()
    assert form["photo"].field.widget.attrs == {
        "accept": "image/jpeg,image/png,image/gif",
        "data-max-bytes": "5242880",
    }
    assert form["paper"].field.widget.attrs["accept"].endswith(",application/pdf")
