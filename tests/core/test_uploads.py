"""Files from outside: what is kept of the good ones, and one sentence for each bad one."""

from __future__ import annotations

import io
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ArrayObject, NameObject, NumberObject, TextStringObject

from core import pdf as papers
from core import uploads
from core.decoding import child
from core.decoding.kinds import kind_of
from core.decoding.refusals import Refused
from tests.core import hostile_files as made


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.fixture
def in_process(monkeypatch):
    """Open files here and not in another process: a thousand of them in seconds."""

    def run(order, data, options):
        try:
            facts, written = child.work(order, data, options)
        except Refused as refused:
            return {"code": refused.code, "facts": refused.facts}, b""
        return {"facts": facts}, written

    monkeypatch.setattr(uploads, "_run", run)


def refused(data, name="", check=uploads.check_document):
    with pytest.raises(uploads.UploadRefused) as caught:
        check(data, name=name)
    return caught.value.reason, str(caught.value)


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def colour(image, at):
    return tuple(round(part / 50) * 50 for part in image.convert("RGB").getpixel(at))


# --- good pictures


@pytest.mark.parametrize(
    ("data", "name", "kept_as", "kept_name"),
    [
        (made.jpeg(), "foto.JPG", "image/jpeg", "foto.JPG"),
        (made.jpeg(), "foto.jpeg", "image/jpeg", "foto.jpeg"),
        (made.png(), "foto.png", "image/png", "foto.png"),
        (made.gif(), "foto.gif", "image/png", "foto.png"),
        (made.gif(frames=300), "foto.gif", "image/png", "foto.png"),
        (made.jpeg(), "", "image/jpeg", "file.jpg"),
        (made.jpeg(), "blob", "image/jpeg", "blob.jpg"),
        (made.jpeg(), "hasil 12.03.2026", "image/jpeg", "hasil 12.03.2026.jpg"),
        (made.png(), "WhatsApp Image.jpg", "image/png", "WhatsApp Image.png"),
        (made.jpeg(), "IMG_0001.HEIC", "image/jpeg", "IMG_0001.jpg"),
    ],
)
def test_a_picture_is_written_anew(data, name, kept_as, kept_name):
    upload = uploads.check_image(data, name=name)
    assert (upload.kind, upload.content_type, upload.width, upload.height) == ("image", kept_as, 64, 48)
    assert (upload.name, upload.pages, upload.is_image) == (kept_name, None, True)
    image = opened(upload.data)
    assert image.size == (64, 48)
    assert getattr(image, "n_frames", 1) == 1
    assert colour(image, (5, 5)) == (250, 0, 0)
    assert colour(image, (50, 5)) == (0, 250, 0)


def test_place_camera_comment_and_profile_are_gone_and_the_picture_is_upright():
    data = made.photo_with_place(orientation=6)
    assert data.count(b"CANARY") == 4
    upload = uploads.check_image(data)
    assert b"CANARY" not in upload.data
    assert (upload.width, upload.height) == (48, 64)
    image = opened(upload.data)
    assert dict(image.getexif()) == {}
    assert "icc_profile" not in image.info
    assert colour(image, (40, 5)) == (250, 0, 0), "turned to the right: what was left on top is right on top now"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_turn_of_a_camera_is_undone(orientation, in_process):
    """The turned picture, turned as its EXIF says, is the upright one."""
    from PIL import ImageOps

    data = made.photo_with_place(orientation)
    expected = ImageOps.exif_transpose(opened(data))
    upload = uploads.check_image(data)
    kept = opened(upload.data)
    assert kept.size == expected.size
    for at in ((5, 5), (5, kept.height - 5), (kept.width - 5, 5)):
        assert colour(kept, at) == colour(expected, at)


def test_text_in_a_png_is_gone(in_process):
    from PIL import PngImagePlugin

    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "CANARY-TEXT")
    exif = Image.Exif()
    exif[made.EXIF_MAKER] = "CANARY"
    data = made.png(pnginfo=notes, exif=exif, icc_profile=b"CANARY")
    assert b"CANARY-TEXT" in data
    kept = opened(uploads.check_image(data).data)
    assert kept.info == {}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_keeps_its_depth_and_what_is_see_through(mode, in_process):
    image = made.pattern(64, 48, "L").convert("I").point(lambda v: v * 256).convert("I;16") if mode == "I;16" else None
    data = made.saved(image, "PNG") if image else made.png(mode=mode)
    kept = opened(uploads.check_image(data).data)
    assert kept.mode == mode
    assert kept.getpixel((5, 5)) == opened(data).getpixel((5, 5))


def test_16_bits_of_grey_are_still_seen_in_the_thumbnail(in_process):
    grey = made.pattern(64, 48, "L").convert("I").point(lambda v: v * 256).convert("I;16")
    small = opened(uploads.thumbnail(made.saved(grey, "PNG"), content_type="image/png", side=32))
    assert abs(small.convert("L").getpixel((2, 2)) - made.pattern(64, 48, "L").getpixel((5, 5))) < 12


def test_a_palette_with_a_hole_stays_see_through(in_process):
    image = made.pattern(64, 48, "P")
    data = made.saved(image, "PNG", transparency=image.getpixel((5, 5)))
    kept = opened(uploads.check_image(data).data)
    assert kept.convert("RGBA").getpixel((5, 5))[3] == 0
    assert kept.convert("RGBA").getpixel((50, 5))[3] == 255


def test_colours_for_printing_become_colours_for_screens(in_process):
    data = made.saved(made.pattern(64, 48, "CMYK"), "JPEG")
    kept = opened(uploads.check_image(data).data)
    assert kept.mode == "RGB"
    assert colour(kept, (5, 5)) == colour(opened(data), (5, 5))


def test_colours_are_turned_into_those_of_screens(in_process):
    """A profile that says red where others say blue: what is kept shows the colours that were meant."""
    data = made.jpeg(icc_profile=made.profile_with_red_and_blue_changed())
    kept = opened(uploads.check_image(data).data)
    assert "icc_profile" not in kept.info
    assert colour(kept, (5, 5))[2] > 200 > 100 > colour(kept, (5, 5))[0]
    assert colour(kept, (5, 40))[0] > 200 > 100 > colour(kept, (5, 40))[2]


def test_writing_anew_keeps_what_a_doctor_reads():
    """Thin black lines on white, as in a scan: the difference to the original stays invisible."""
    image = Image.new("L", (600, 400), 255)
    for x in range(0, 600, 7):
        image.paste(0, (x, 0, x + 2, 400))
    original = made.saved(image, "JPEG", quality=95)
    kept = opened(uploads.check_image(original).data)
    from PIL import ImageChops, ImageStat

    assert kept.size == (600, 400)
    assert ImageStat.Stat(ImageChops.difference(image, kept)).rms[0] < 8


# --- bad pictures


def test_nothing_is_said_to_be_empty():
    assert refused(b"") == ("empty", "This file is empty (0 bytes). Choose it again.")


@pytest.mark.parametrize(
    ("size", "shown"), [(5 * 1024 * 1024 + 1, "5.1"), (5_347_737, "5.1"), (30 * 1024 * 1024, "30")]
)
def test_too_big_says_how_big(size, shown):
    assert refused(made.jpeg() + b"\0" * (size - len(made.jpeg()))) == (
        "too_big",
        f"This file has {shown} MB; 5 MB are the most. Make it smaller and choose it again.",
    )


def test_exactly_five_megabytes_are_fine(in_process):
    data = made.jpeg()
    assert uploads.check_image(data + b"\0" * (uploads.MAX_BYTES - len(data))).is_image


def test_what_a_form_sends_is_not_read_when_it_is_too_big():
    sent = SimpleUploadedFile("a.jpg", made.jpeg())
    assert uploads.bytes_of(sent) == made.jpeg()
    assert uploads.bytes_of(sent) == made.jpeg(), "also when it was read before"
    sent.size, sent.file = uploads.MAX_BYTES + 1, None  # reading it would fail
    with pytest.raises(uploads.UploadRefused, match="are the most"):
        uploads.bytes_of(sent)
    with pytest.raises(uploads.UploadRefused) as caught:
        uploads.bytes_of(SimpleUploadedFile("a.jpg", b""))
    assert caught.value.reason == "empty"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "an SVG drawing"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><svg onload='x'/>", "an SVG drawing"),
        ("<svg onload='x'/>".encode("utf-16"), "an SVG drawing"),
        (b"<!DOCTYPE html><html><script>", "a web page"),
        (b"  \n<script>alert(1)</script>", "a web page"),
        (b"MZ\x90\x00" + b"\0" * 100, "a program"),
        (b"\x7fELF" + b"\0" * 100, "a program"),
        (b"#!/bin/sh\nrm -rf /", "a program"),
        (b"<?php system($_GET['c']); ?>", "a program"),
        (made.zip_of(), "an archive (ZIP, RAR or the like)"),
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "an Office file"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a WebP picture"),
        (b"II*\x00" + b"\0" * 40, "a TIFF picture"),
        (b"BM" + b"\0" * 40, "a BMP picture"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 40, "a video or a sound"),
        (b"\0" * 128 + b"DICM" + b"\0" * 40, "a DICOM picture"),
        (b"just text", "something else"),
        (b"\0" * 64, "something else"),
        (b"\xff\xd8", "something else"),
    ],
)
def test_what_is_no_picture_is_named(data, found):
    for name in ("foto.jpg", "foto.png", ""):
        reason, sentence = refused(data, name, uploads.check_image)
        assert (reason, sentence) == ("kind", f"This is {found}. Choose a file of these kinds: JPG, PNG and GIF.")


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"hevc"])
def test_an_iphone_photo_gets_advice(brand):
    reason, sentence = refused(b"\0\0\0\x18ftyp" + brand + b"\0" * 40, "IMG_1.HEIC")
    assert reason == "heic"
    assert "Most Compatible" in sentence


def test_a_pdf_is_no_photo_but_a_document():
    assert refused(made.pdf(), "a.pdf", uploads.check_image) == (
        "kind",
        "This is a PDF file. Choose a file of these kinds: JPG, PNG and GIF.",
    )


@pytest.mark.parametrize(
    "name",
    ["foto.jpg.exe", "foto.exe", "shell.php.jpg", "x.phtml.png", "a.html.jpg", "a.svg", "a.jpg.JS ", "foto\u202egpj.exe",
     "shell.php\x00.jpg", "../../shell.php.jpg", "a.aspx;.jpg", "A.PHP.JPG"],
)  # fmt: skip
def test_names_that_hide_something_are_refused(name):
    reason, sentence = refused(made.jpeg(), name)
    assert reason in ("name", "mismatch")
    assert "name of this file" in sentence


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (made.pdf(), "a.jpg"),
        (made.jpeg(), "a.pdf"),
        (made.jpeg(), "a.docx"),
        (made.pdf(), "a.zip"),
        (made.png(), "a.txt"),
    ],
)
def test_a_name_that_says_another_kind_is_refused(data, name):
    reason, sentence = refused(data, name)
    assert reason == "mismatch"
    assert f"ends in .{name[2:]}" in sentence


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\Users\\siti\\foto.jpg", "foto.jpg"),
        ("a\u202eb\u0000c\n.jpg", "abc .jpg"),
        ("x" * 300 + ".jpg", "x" * 116 + ".jpg"),
        ("/", "file.jpg"),
        ("....", "file.jpg"),
        ("prodia.co.id hasil.jpg", "prodia.co.id hasil.jpg"),
    ],
)
def test_a_name_is_a_label_and_never_a_place(sent, kept, in_process):
    assert uploads.check_image(made.jpeg(), name=sent).name == kept


@pytest.mark.parametrize("extra", [made.zip_of(), b"<html><script>CANARY</script></html>", b"%PDF-1.4 CANARY"])
@pytest.mark.parametrize("picture", [made.jpeg(), made.png(), made.gif()], ids=["jpeg", "png", "gif"])
def test_what_hangs_behind_a_picture_is_dropped(picture, extra):
    upload = uploads.check_image(picture + extra)
    assert b"CANARY" not in upload.data
    assert b"PK\x05\x06" not in upload.data
    assert b"%PDF" not in upload.data


def test_a_script_in_the_comment_of_a_picture_is_dropped(in_process):
    data = made.jpeg(comment=b"<?php CANARY ?>")
    assert b"CANARY" in data
    assert b"CANARY" not in uploads.check_image(data).data


@pytest.mark.parametrize(
    ("data", "megapixels"),
    [
        (made.declared_png(10_000, 10_000), "100"),
        (made.declared_png(50_000, 50_000), "2,500"),
        (made.declared_png(6_400, 6_400), "41"),
        (made.declared_png(2**31 - 1, 2**31 - 1), None),
        (made.declared_gif(65_535, 65_535), "4,294.9"),
    ],
)
def test_a_pixel_bomb_is_refused_before_it_is_decoded(data, megapixels):
    began = time.monotonic()
    reason, sentence = refused(data)
    assert time.monotonic() - began < 5
    assert reason == "picture_pixels"
    if megapixels:
        assert sentence.replace(",", "") == (
            f"This picture has {megapixels} megapixels; 40 are the most. Make it smaller and choose it again."
        ).replace(",", "")


def test_a_long_strip_is_refused(in_process):
    assert refused(made.declared_png(40_000, 10))[0] == "picture_pixels"


@pytest.mark.parametrize("data", [made.jpeg(400, 300), made.png(400, 300), made.gif()], ids=["jpeg", "png", "gif"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_off_picture_is_refused(data, share, in_process):
    assert refused(data[: int(len(data) * share)])[0] == "picture_broken"


# --- PDFs


def test_a_pdf_is_kept_as_it_is():
    data = papers.build(title="Hasil", story=[papers.text("Hemoglobin 13,2 g/dL")])
    upload = uploads.check_document(data, name="Hasil Lab.PDF")
    assert (upload.kind, upload.content_type, upload.pages, upload.name) == (
        "pdf",
        "application/pdf",
        1,
        "Hasil Lab.PDF",
    )
    assert upload.data is data
    assert (upload.width, upload.height, upload.is_image) == (None, None, False)


@pytest.mark.parametrize(
    "change",
    [
        made.at_start(ArrayObject([NumberObject(0), NameObject("/Fit")])),  # LibreOffice writes one
        made.at_start(made.action("GoTo", D=ArrayObject([NumberObject(0), NameObject("/Fit")]))),
        made.at_start(made.action("Named", N=NameObject("/FirstPage"))),
        made.annotation(
            Subtype=made.name("Link"), A=made.action("URI", URI=TextStringObject("https://prodia.example"))
        ),
    ],
    ids=["opens on a page", "goes to a page", "first page", "link"],
)
def test_what_harmless_pdfs_do_is_fine(change, in_process):
    assert uploads.check_document(made.pdf(2, change)).pages == 2


@pytest.mark.parametrize("password", [("secret", "owner"), ("", "owner")], ids=["to open", "to change"])
def test_a_protected_pdf_is_refused(password):
    reason, sentence = refused(made.pdf(password=password))
    assert reason == "pdf_locked"
    assert "without a password" in sentence


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (made.at_start(made.script()), "scripts"),
        (made.in_names, "scripts"),
        (made.on_page("AA", made.dictionary(O=made.script())), "scripts"),
        (made.annotation(Subtype=made.name("Link"), A=made.script()), "scripts"),
        (made.unused(made.script()), "scripts"),
        (made.unused(made.dictionary(XFA=ArrayObject())), "scripts"),
        (made.unused(made.dictionary(A=ArrayObject([made.dictionary(Next=made.script())]))), "scripts"),
        (made.annotation(Subtype=made.name("Link"), A=made.action("Launch", F=TextStringObject("cmd.exe"))), "programs"),
        (made.at_start(made.action("Launch", F=TextStringObject("cmd.exe"))), "programs"),
        (made.at_start(made.action("URI", URI=TextStringObject("https://evil.example"))), "by itself"),
        (made.on_page("AA", made.dictionary(O=made.action("URI", URI=TextStringObject("x")))), "by itself"),
        (made.at_start(made.action("GoToR", F=TextStringObject("\\\\evil\\share"))), "by itself"),
        (made.annotation(Subtype=made.name("Widget"), A=made.action("SubmitForm", F=TextStringObject("x"))), "send data"),
        (made.annotation(Subtype=made.name("RichMedia")), "media"),
        (made.annotation(Subtype=made.name("Link"), A=made.action("GoToE")), "attached"),
        (made.with_attachment, "attached"),
        (made.unused(made.stream(b"CANARY", Type=made.name("EmbeddedFile"))), "attached"),
    ],
)  # fmt: skip
def test_a_pdf_that_acts_is_refused(change, what, in_process):
    reason, sentence = refused(made.pdf(1, change), "a.pdf")
    assert reason == "pdf_active"
    assert what in sentence
    assert "new PDF" in sentence


@pytest.mark.parametrize(("change", "what"), [(made.in_names, "scripts"), (made.with_attachment, "attached")])
def test_what_one_reader_overlooks_the_other_finds(change, what, in_process, monkeypatch):
    from core.decoding import papers as pdfs

    monkeypatch.setattr(pdfs, "_objects", lambda reader, data: iter(()))
    reason, sentence = refused(made.pdf(1, change))
    assert reason == "pdf_active"
    assert what in sentence


def test_names_written_in_codes_are_read(in_process):
    data = made.pdf(1, made.at_start(made.script()))
    hidden = data.replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/#4aS")
    assert b"/JavaScript" not in hidden
    assert refused(hidden)[0] == "pdf_active"


def test_a_script_inside_a_packed_stream_is_found(in_process):
    data = made.in_object_stream("<</Type/Action/S/JavaScript/JS(app.alert\\(1\\))>>")
    assert b"JavaScript" not in data
    assert refused(data)[0] == "pdf_active"
    assert uploads.check_document(made.in_object_stream("[3 0 R /Fit]")).pages == 1


def test_an_object_that_cannot_be_read_is_searched_for_names(in_process):
    data = made.pdf(1, made.unused(made.script()))
    at = data.index(b"/JavaScript")
    start = data.rindex(b"<<", 0, at)
    broken = data[:start] + b"<(" + data[start + 2 :]  # same length: the table of objects still fits
    assert refused(broken)[0] == "pdf_active"


@pytest.mark.parametrize(
    "data",
    [
        b"junk\n" + made.pdf(),
        b"GIF" + made.pdf(),
        made.pdf() + made.zip_of(),
        made.pdf() + b"<html><script>alert(1)</script></html>",
        made.pdf()[:-6] + b"%%EOF\n" + made.zip_of() + b"\n%%EOF",
    ],
    ids=["before", "almost gif", "zip behind", "html behind", "zip before the mark"],
)
def test_a_pdf_that_is_something_else_as_well_is_refused(data):
    assert refused(data, "a.pdf")[0] == "pdf_packed"


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.4",
        b"%PDF-1.4\n%%EOF",
        b"%PDF-1.4\n" + b"\0" * 1000 + b"%%EOF",
        made.pdf()[:200] + b"%%EOF",
        made.pdf(0),
    ],
)
def test_a_broken_pdf_is_refused(data):
    assert refused(data, "a.pdf") == (
        "pdf_broken",
        "This PDF is damaged and cannot be read. Save it again and choose it again.",
    )


def test_a_pdf_of_too_many_pages_says_how_many(in_process):
    assert uploads.check_document(made.pdf(300)).pages == 300
    assert refused(made.pdf(301)) == ("pdf_pages", "This PDF has 301 pages; 300 are the most. Split it into parts.")


def test_pages_that_lead_in_a_circle_end(in_process):
    def change(writer):
        pages = writer.root_object["/Pages"].get_object()
        pages[NameObject("/Kids")] = ArrayObject([pages.indirect_reference] * 3)

    began = time.monotonic()
    assert survive(made.pdf(1, change)) in ("kept", "pdf_broken", "pdf_pages")
    assert time.monotonic() - began < 10


def test_arrays_inside_each_other_without_end_are_refused(in_process):
    deep = b"[" * 5000 + b"]" * 5000
    data = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R/X " + deep + b">>\nendobj\n"
    data += b"2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
    assert refused(data)[0] == "pdf_broken"


# --- scaling


def test_a_square_is_cut_from_the_middle_or_where_it_was_asked_for():
    data = made.jpeg(400, 300)
    middle = opened(uploads.crop_square(data, size=100))
    assert (middle.size, middle.format) == ((100, 100), "JPEG")
    corner = opened(uploads.crop_square(data, box=(0, 0, 100), size=512))
    assert corner.size == (100, 100), "never bigger than it was"
    assert colour(corner, (50, 50)) == (250, 0, 0)


@pytest.mark.parametrize("box", [(-50, -50, 100), (5000, 5000, 5000), (0, 0, 0), (0, 0, -5), (399, 299, 1)])
def test_a_square_outside_the_picture_is_moved_inside(box, in_process):
    square = opened(uploads.crop_square(made.jpeg(400, 300), box=box, size=64))
    assert square.width == square.height
    assert 1 <= square.width <= 64


def test_a_thumbnail_fits_and_see_through_becomes_white(in_process):
    clear = made.saved(Image.new("RGBA", (800, 400), (0, 0, 0, 0)), "PNG")
    small = opened(uploads.thumbnail(clear, content_type="image/png", side=200))
    assert (small.size, small.format) == ((200, 100), "JPEG")
    assert colour(small, (100, 50)) == (250, 250, 250)


def test_the_first_page_of_a_pdf_becomes_a_thumbnail():
    data = papers.build(title="Hasil", story=[papers.text("Hemoglobin")])
    small = opened(uploads.thumbnail(data, content_type="application/pdf", side=320))
    assert (max(small.size), small.format) == (320, "JPEG")
    assert len(set(small.convert("L").tobytes())) > 20, "something is drawn"


@pytest.mark.parametrize("size", [(0.001, 0.001), (14_400, 0.001), (1_000_000, 1_000_000), (9, 14_400)])
def test_a_page_of_a_mad_size_is_no_bomb(size, in_process):
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(*size)
    out = io.BytesIO()
    writer.write(out)
    try:
        small = uploads.thumbnail(out.getvalue(), content_type="application/pdf", side=320)
    except uploads.UploadRefused:
        return
    assert max(opened(small).size) <= 320


# --- the process that opens files


def test_a_process_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(uploads, "SECONDS", 1)
    monkeypatch.setattr(uploads, "_START", "import time; time.sleep(60)")
    began = time.monotonic()
    assert refused(made.jpeg())[0] == "too_slow"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "program",
    ["raise SystemExit(3)", "import os; os.abort()", f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})"],
)
def test_a_process_that_dies_is_a_sentence(monkeypatch, caplog, program):
    monkeypatch.setattr(uploads, "_START", program)
    reason, sentence = refused(made.jpeg(), "Siti Aminah.jpg")
    assert (reason, sentence) == (
        "failed",
        "This file cannot be read. Save it again in its program, or take the picture again.",
    )
    assert "Siti" not in caplog.text


def test_the_process_has_no_keys_no_addresses_and_bounds():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from core.decoding import child; child.limit();"
        "import os, json, resource;"
        "print(json.dumps([sorted(os.environ), resource.getrlimit(resource.RLIMIT_AS)[0],"
        " resource.getrlimit(resource.RLIMIT_CPU)[0], resource.getrlimit(resource.RLIMIT_FSIZE)[0],"
        " sorted(name for name in sys.modules if name.split('.')[0] == 'django')]))"
    )
    from unittest import mock

    real = subprocess.Popen

    def spy(arguments, **options):
        return real([arguments[0], "-I", "-c", program, arguments[4]], **options)

    with mock.patch.object(uploads.subprocess, "Popen", spy):
        (names, memory, seconds, written, django), _rest = uploads._run("picture", b"", {})
    assert set(names) <= {"LD_LIBRARY_PATH", "SYSTEMROOT", "LC_CTYPE"}
    assert (memory, seconds, written) == (child.MEMORY_BYTES, child.CPU_SECONDS, 0)
    assert django == [], "the process that opens files holds no settings"


def test_too_much_memory_is_a_sentence():
    program = uploads._START.replace(
        "main()", "import core.decoding.child as c; c.work = lambda *a: bytearray(2_000_000_000); main()"
    )
    assert program != uploads._START
    ended = subprocess.run(
        [sys.executable, "-I", "-c", program, "."], input=b'{"order": "picture", "options": {}}\n', capture_output=True
    )
    assert b'"too_much"' in ended.stdout


def test_files_are_opened_one_at_a_time(monkeypatch):
    most, now, lock = [0], [0], threading.Lock()

    def slow(order, data, options):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return {"facts": {"content_type": "image/jpeg", "width": 1, "height": 1}}, b""

    monkeypatch.setattr(uploads, "_run", slow)
    threads = [threading.Thread(target=uploads.check_image, args=(made.jpeg(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_who_waits_too_long_is_asked_to_come_again(monkeypatch):
    monkeypatch.setattr(uploads, "WAIT_SECONDS", 0.05)
    with uploads._one_at_a_time, pytest.raises(uploads.DecoderBusy) as caught:
        uploads.check_image(made.jpeg())
    assert caught.value.retry_after_seconds == 60


def test_every_reason_has_a_sentence():
    """No code of the decoders lacks words."""
    import re
    from pathlib import Path

    codes = set()
    for path in Path(child.__file__).parent.glob("*.py"):
        codes |= set(re.findall(r'Refused\(\s*"(\w+)"', path.read_text()))
        codes |= set(re.findall(r'"code": "(\w+)"', path.read_text()))
    assert codes <= set(uploads._SENTENCES)
    assert len(codes) >= 8


# --- a thousand of each


def survive(data):
    try:
        upload = uploads.check_document(data)
    except uploads.UploadRefused as error:
        return error.reason
    assert upload.content_type in uploads.ENDINGS
    return "kept"


def test_random_bytes_are_refused_in_words(in_process):
    chance = random.Random(2026)
    starts = [
        b"",
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"%PDF-1.7\n",
        b"\0\0\0\x18ftyp",
        b"RIFF",
        b"PK\x03\x04",
    ]
    for _ in range(1000):
        data = chance.choice(starts) + chance.randbytes(chance.randint(1, 400)) + chance.choice([b"", b"%%EOF"])
        assert survive(data) != "kept"


@pytest.mark.parametrize(
    "data",
    [made.jpeg(), made.photo_with_place(), made.png(mode="RGBA"), made.gif(frames=3), made.pdf(3, made.with_attachment),
     made.in_object_stream("[3 0 R /Fit]")],
    ids=["jpeg", "photo", "png", "gif", "pdf", "packed pdf"],
)  # fmt: skip
def test_damaged_files_are_kept_or_refused_in_words(data, in_process):
    seen = {survive(made.mutated(data, seed)) for seed in range(1000)}
    assert len(seen) > 1, "some are kept or refused for different reasons"


def test_the_first_bytes_alone_never_break(in_process):
    chance = random.Random(7)
    for length in range(300):
        assert isinstance(kind_of(chance.randbytes(length)), str)


def test_what_is_kept_of_a_damaged_picture_is_whole(in_process):
    data = made.jpeg(200, 150)
    for seed in range(200):
        try:
            upload = uploads.check_image(made.mutated(data, seed))
        except uploads.UploadRefused:
            continue
        assert opened(upload.data).size == (upload.width, upload.height)


def test_a_kept_pdf_is_still_readable(in_process):
    data = papers.build(title="Hasil", story=[papers.text("Hemoglobin 13,2")])
    assert "Hemoglobin" in PdfReader(io.BytesIO(uploads.check_document(data).data)).pages[0].extract_text()
