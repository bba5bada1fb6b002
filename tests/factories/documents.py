"""Files in forms, and rows of documents and photos made by the services, so that their content is really there."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile

from core import uploads
from patients.services import documents, images
from tests.core import hostile_files as made


class Sent(SimpleUploadedFile):
    """A file of a form that may be sent several times."""

    def read(self, *args):
        self.seek(0)
        return super().read(*args)


def picture(name="foto.jpg", width=64, height=48):
    return Sent(name, made.jpeg(width, height), "image/jpeg")


def paper(name="hasil.pdf", pages=1):
    return Sent(name, made.pdf(pages), "application/pdf")


def document(patient, actor, category="laboratory", data=None, name="hasil.pdf", **about):
    found = uploads.check_document(made.pdf() if data is None else data, name=name)
    return documents.add_document(
        patient_id=patient.pk, ready=documents.ready_upload(found), category=category, actor=actor, **about
    )


def image(patient, actor, kind="photo", data=None):
    upload = uploads.check_image(made.jpeg() if data is None else data)
    return images.set_image(patient_id=patient.pk, ready=images.ready_image(kind=kind, upload=upload), actor=actor)
