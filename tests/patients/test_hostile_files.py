"""Files as attackers and phones send them, through the real pages of staff and patients: each a clear sentence."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pypdf.generic import TextStringObject

from core import files
from core.models import StoredFile
from patients.models import PatientDocument, PatientImage
from tests.core import hostile_files as hostile
from tests.factories import documents as made
from tests.factories.patients import PatientFactory

HTML = b"<!doctype html><script>alert(document.cookie)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
PROGRAM = b"MZ\x90\x00" + b"\0" * 200
BIG = hostile.jpeg() + b"\0" * (5 * 1024 * 1024 + 100_000)


def launching(writer):
    hostile.at_start(hostile.action("Launch", F=TextStringObject("cmd.exe")))(writer)


REFUSED = {
    "zero bytes": ("a.jpg", b"", "empty"),
    "5.1 MB": ("a.jpg", BIG, "5 MB are the most"),
    "SVG": ("a.svg", SVG, "an SVG drawing"),
    "SVG as PNG": ("a.png", SVG, "an SVG drawing"),
    "HTML as JPG": ("a.jpg", HTML, "a web page"),
    "HTML as PDF": ("a.pdf", HTML, "a web page"),
    "program as JPG": ("a.jpg", PROGRAM, "a program"),
    "double ending": ("foto.php.jpg", hostile.jpeg(), "hides another kind"),
    "double ending in Windows": ("hasil.exe.png", hostile.png(), "hides another kind"),
    "pixel bomb": ("a.png", hostile.declared_png(50_000, 50_000), "megapixels"),
    "GIF bomb": ("a.gif", hostile.declared_gif(65_000, 65_000), "megapixels"),
    "cut off": ("a.jpg", hostile.jpeg(600, 600)[:900], "damaged"),
    "cut off PNG": ("a.png", hostile.png(600, 600)[:200], "damaged"),
    "iPhone": ("IMG_1.HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 50, "Most Compatible"),
    "ZIP": ("a.zip", hostile.zip_of(), "an archive"),
    "ZIP as PNG": ("a.png", hostile.zip_of(), "an archive"),
}
REFUSED_PAPERS = {
    "locked PDF": ("a.pdf", hostile.pdf(password=("user", "owner")), "protected"),
    "PDF with a script": ("a.pdf", hostile.pdf(change=hostile.at_start(hostile.script())), "scripts"),
    "PDF that starts a program": ("a.pdf", hostile.pdf(change=launching), "programs"),
    "PDF with an attachment": ("a.pdf", hostile.pdf(change=hostile.with_attachment), "attached"),
    "PDF behind a web page": ("a.pdf", HTML + hostile.pdf(), "packed into"),
    "ZIP behind a PDF": ("a.pdf", hostile.pdf() + hostile.zip_of(), "packed into"),
    "PDF cut off": ("a.pdf", hostile.pdf()[:300], "damaged"),
    "PDF named as a picture": ("a.jpg", hostile.pdf(), "inside is a PDF"),
}
ALL_REFUSED = {**REFUSED, **REFUSED_PAPERS}
# Kept, and nothing of what was hidden in them is.
DEFUSED = {
    "JPEG and ZIP": ("a.jpg", hostile.jpeg() + hostile.zip_of()),
    "GIFAR": ("a.gif", hostile.gif() + hostile.zip_of()),
    "PNG and HTML": ("a.png", hostile.png() + HTML + b"CANARY"),
    "GIF of 300 pictures": ("a.gif", hostile.gif(300)),
    "place of the photo": ("a.jpg", hostile.photo_with_place()),
}
NAMES = {
    "../../../etc/passwd.jpg": "passwd.jpg",
    "..\\..\\windows\\x.jpg": "x.jpg",
    "C:\\Users\\siti\\foto.jpg": "foto.jpg",
    "a\x00b.jpg": None,
    "foto\u202egpj.jpg": None,
    "a" * 300 + ".jpg": None,
    "<img src=x onerror=alert(1)>.jpg": None,
    ".jpg": None,
    "CON.jpg": None,
    "\r\nSet-Cookie: a=b.jpg": None,
}


@pytest.fixture(params=["staff", "portal"])
def side(request, cast, client_for):
    """A client and the address to which it sends documents."""
    if request.param == "staff":
        patient = PatientFactory(care_team=[cast.doctor])
        return client_for(english(cast.doctor)), reverse("patients:document-add", args=[patient.pk])
    return client_for(english(cast.patient_user)), reverse("patients:portal-document-add")


def english(user):
    user.language = "en"
    user.save(update_fields=["language"])
    return user


def send(side, name, data, content_type="image/jpeg"):
    client, url = side
    paper = made.Sent("x", data, content_type)
    paper._name = name  # as it comes; the class would tidy it
    with translation.override("en"):
        return client.post(url, {"papers": paper, "category": "laboratory", "documented_on": "2026-03-01"})


@pytest.mark.parametrize("case", ALL_REFUSED)
def test_bad_documents_are_refused_with_a_sentence(side, case):
    name, data, words = ALL_REFUSED[case]
    answer = send(side, name, data)
    assert answer.status_code == 422
    (refused,) = answer.context["refused"]
    assert words in refused.error
    assert refused.error.rstrip().endswith(".")
    assert not PatientDocument.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("case", [*REFUSED, "PDF as a photo"])
@pytest.mark.parametrize("kind", ["photo", "ktp"])
def test_bad_pictures_are_refused_with_a_sentence(cast, client_for, case, kind):
    name, data, words = {**REFUSED, "PDF as a photo": ("a.pdf", hostile.pdf(), "a PDF file")}[case]
    client = client_for(english(cast.patient_user))
    answer = client.post(reverse("patients:portal-image-set", args=[kind]), {f"{kind}-picture": made.Sent(name, data)})
    assert answer.status_code == 422
    form = next(part["form"] for part in answer.context["parts"] if part["kind"] == kind)
    assert words in form.errors["picture"][0]
    assert not PatientImage.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("case", DEFUSED)
def test_what_is_hidden_in_a_picture_is_not_kept(side, case):
    name, data = DEFUSED[case]
    assert send(side, name, data).status_code == 302
    kept = files.read(PatientDocument.objects.get().file)
    for word in (b"CANARY", b"<script", b"PK\x03\x04", b"GPS"):
        assert word not in kept
    assert kept[:3] in (b"\xff\xd8\xff", b"\x89PN")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_labels_and_nothing_else(side, name):
    answer = send(side, name, hostile.jpeg())
    if answer.status_code == 400:  # what no browser sends; Django refuses the form
        assert not PatientDocument.objects.exists()
        return
    assert answer.status_code == 302
    document = PatientDocument.objects.get()
    assert document.file_name == (NAMES[name] or document.file_name)
    assert len(document.file_name) <= 120
    assert document.file_name.isprintable()
    assert not set('/\\<>:"|?*\u202e\r\n\0') & set(document.file_name)
    assert document.file_name.endswith(".jpg")
    assert document.file_name not in document.file.name
    client, _url = side
    prefix = "patients:portal-" if "portal" in side[1] else "patients:"
    kept = client.get(reverse(f"{prefix}document-download", args=[document.pk]))
    assert kept["Content-Disposition"].startswith("attachment; ")
    assert "Set-Cookie" not in kept
    page = client.get(reverse(f"{prefix}document-detail", args=[document.pk])).content.decode()
    assert "<img src=x" not in page


@pytest.mark.parametrize("content_type", ["text/html", "application/x-sh", "image/svg+xml", ""])
def test_the_type_the_sender_names_says_nothing(side, content_type):
    assert send(side, "a.jpg", hostile.jpeg(), content_type).status_code == 302
    document = PatientDocument.objects.get()
    assert document.file.content_type == "image/jpeg"
    prefix = "patients:portal-" if "portal" in side[1] else "patients:"
    shown = side[0].get(reverse(f"{prefix}document-file", args=[document.pk]))
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")


def test_17_megabytes_get_a_sentence_before_they_are_read(side, settings):
    client, url = side
    parts = [made.Sent(f"{number}.jpg", BIG) for number in range(4)]
    with translation.override("en"):
        answer = client.post(url, {"papers": parts, "category": "laboratory", "documented_on": "2026-03-01"})
    assert answer.status_code == 413
    assert "16 MB" in answer.content.decode()
    told = client.post(url, {"papers": parts}, headers={"Accept": "application/json"})
    assert (told.status_code, "16 MB" in told.json()["error"]) == (413, True)
    assert not StoredFile.objects.exists()


def test_big_forms_of_strangers_are_refused_too(db, settings):
    settings.MAX_BODY_BYTES = 100
    answer = Client().post(reverse("accounts:login"), {"login": "x" * 200})
    assert answer.status_code == 413


def test_a_document_of_another_patient_is_not_shown_under_mine(cast, client_for):
    mine, theirs = cast.patient_user.patient, PatientFactory()
    document = made.document(theirs, cast.doctor)
    client = client_for(cast.patient_user)
    for name in ("detail", "file", "download", "preview"):
        assert client.get(reverse(f"patients:portal-document-{name}", args=[document.pk])).status_code == 404
    answer = client.post(
        reverse("patients:portal-document-add"),
        {"papers": made.paper(), "category": "laboratory", "documented_on": "2026-03-01", "patient": str(theirs.pk),
         "patient_id": str(theirs.pk), "source": "staff", "uploaded_by": str(cast.admin.pk)},
    )  # fmt: skip
    assert answer.status_code == 302
    added = PatientDocument.objects.exclude(pk=document.pk).get()
    assert (added.patient, added.source, added.uploaded_by) == (mine, "portal", cast.patient_user)
