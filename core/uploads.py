"""Files from outside, judged by their content before anything keeps them.

A picture is written anew, so that nothing but what is seen is left; a PDF is looked through and kept as it is. Both are
opened in a process of their own (`core.decoding`), one at a time, with limits of memory and time. Every refusal is one
sentence that says what is wrong and what to do.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.decoding.kinds import kind_of
from core.errors import InvalidInput, TooManyRequests
from core.filenames import clean_filename

MEGABYTE = 1024 * 1024
MAX_BYTES = 5 * MEGABYTE  # design.md, decision 7
SECONDS = 30  # for one file, start of the process included
WAIT_SECONDS = 20  # for those before it
IMAGE, PDF = "image", "pdf"
PICTURES = {"jpeg", "png", "gif"}
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}

_OF_PICTURES = {"jpg", "jpeg", "jpe", "jfif", "png", "gif"}
# Cameras and browsers turn these into JPEG on the way and sometimes leave the name.
_OF_CAMERAS = {"heic", "heif", "webp", "avif", "bmp", "tif", "tiff"}
# Endings by which systems and web servers start something, wherever in the name they stand.
_STARTING = {
    "exe", "scr", "bat", "cmd", "pif", "msi", "msp", "hta", "cpl", "jar", "js", "jse", "vbs", "vbe", "wsf", "wsh", "ps1",
    "lnk", "reg", "dll", "apk", "app", "sh", "cgi", "php", "php3", "php4", "php5", "php7", "phtml", "phar", "asp", "aspx",
    "ashx", "jsp", "jspx", "shtml", "htm", "html", "xhtml", "svg", "svgz", "xml", "swf", "htaccess",
}  # fmt: skip
_OTHER = {
    "doc", "docx", "docm", "xls", "xlsx", "xlsm", "ppt", "pptx", "odt", "ods", "rtf", "txt", "csv", "zip", "rar", "7z",
    "gz", "tar", "mp4", "mov", "avi", "mp3", "dcm", "com", "eml", "msg", "psd", "iso",
}  # fmt: skip

_NOT_IN_ENDINGS = re.compile(r"[^a-z0-9]")

_FOUND: dict[str, str | Promise] = {
    "jpeg": gettext_lazy("a JPG picture"),
    "png": gettext_lazy("a PNG picture"),
    "gif": gettext_lazy("a GIF picture"),
    "pdf": gettext_lazy("a PDF file"),
    "program": gettext_lazy("a program"),
    "tiff": gettext_lazy("a TIFF picture"),
    "bmp": gettext_lazy("a BMP picture"),
    "webp": gettext_lazy("a WebP picture"),
    "avif": gettext_lazy("an AVIF picture"),
    "heic": gettext_lazy("an iPhone photo (HEIC)"),
    "svg": gettext_lazy("an SVG drawing"),
    "markup": gettext_lazy("a web page"),
    "office": gettext_lazy("an Office file"),
    "archive": gettext_lazy("an archive (ZIP, RAR or the like)"),
    "video": gettext_lazy("a video or a sound"),
    "dicom": gettext_lazy("a DICOM picture"),
    "unknown": gettext_lazy("something else"),
}
_ACTIVE: dict[str, str | Promise] = {
    "script": gettext_lazy("This PDF holds scripts. Print it into a new PDF and choose that one."),
    "program": gettext_lazy("This PDF can start programs. Print it into a new PDF and choose that one."),
    "send": gettext_lazy("This PDF can send data to other places. Print it into a new PDF and choose that one."),
    "media": gettext_lazy("This PDF plays media. Print it into a new PDF and choose that one."),
    "attachment": gettext_lazy("Other files are attached inside this PDF. Print it into a new PDF and choose that one."),
    "start": gettext_lazy("This PDF does something by itself when it is opened. Print it into a new PDF and choose that one."),
}  # fmt: skip

log = logging.getLogger(__name__)
_one_at_a_time = threading.BoundedSemaphore(1)  # a big picture takes half a gigabyte while it is open


class UploadRefused(InvalidInput):
    """The file is not one that can be kept; the sentence says why and what to do."""

    code = "core.upload_refused"

    def __init__(self, reason: str, message: str | Promise) -> None:
        super().__init__(message)
        self.reason = reason  # a word for tests and counts, such as "too_big"


class DecoderBusy(TooManyRequests):
    """Too many files are being opened at the moment."""

    code = "core.decoder_busy"


@dataclass(frozen=True)
class Upload:
    """A file that may be kept. `data` is what to store: of a picture, the one written anew."""

    kind: str  # IMAGE or PDF
    content_type: str
    data: bytes
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    name: str = ""  # as the sender called it, made harmless, with the ending of what it is now

    @property
    def is_image(self) -> bool:
        return self.kind == IMAGE


# --- judging


def bytes_of(uploaded: UploadedFile, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the bytes of a file of a form.

    Raises:
        UploadRefused: it is empty or too big; then it is not read.
    """
    _check_size(uploaded.size or 0, max_bytes)
    uploaded.seek(0)
    data = uploaded.read(max_bytes + 1)
    _check_size(len(data), max_bytes)
    return data


def check_image(data: bytes, *, name: str = "", max_bytes: int = MAX_BYTES) -> Upload:
    """Return a JPG, PNG or GIF as it may be kept: upright, in sRGB, without EXIF, place or anything behind the picture.

    Raises:
        UploadRefused: empty, too big, something else, a name that says otherwise, too many pixels, damaged.
        DecoderBusy: try again.
    """
    return _check(data, name, max_bytes, PICTURES, gettext_lazy("JPG, PNG and GIF"))


def check_document(data: bytes, *, name: str = "", max_bytes: int = MAX_BYTES) -> Upload:
    """Return a picture as `check_image` does, or a PDF as it is.

    Raises:
        UploadRefused: as `check_image`; a PDF that is protected, damaged, too long, or more than a document.
        DecoderBusy: try again.
    """
    return _check(data, name, max_bytes, PICTURES | {"pdf"}, gettext_lazy("JPG, PNG, GIF and PDF"))


def _check(data: bytes, name: str, max_bytes: int, accepted: set[str], words: str | Promise) -> Upload:
    _check_size(len(data), max_bytes)
    kind = kind_of(data)
    if kind == "packed_pdf" and "pdf" in accepted:
        raise refusal("pdf_packed")
    _check_name(name, kind)
    if kind not in accepted:
        raise refusal("heic") if kind == "heic" else refusal("kind", kind=kind, accepted=words)
    if kind == "pdf":
        facts, _nothing = _open("paper", data)
        return Upload(PDF, "application/pdf", data, pages=facts["pages"], name=_named(name, "application/pdf"))
    facts, written = _open("picture", data)
    return Upload(
        IMAGE, facts["content_type"], written, facts["width"], facts["height"], name=_named(name, facts["content_type"])
    )


def _check_size(size: int, max_bytes: int) -> None:
    if size == 0:
        raise refusal("empty")
    if size > max_bytes:
        raise refusal("too_big", size=size, limit=max_bytes)


def _check_name(name: str, kind: str) -> None:
    """Refuse a name that starts something, or says another kind than the content; no ending says nothing."""
    endings = [_NOT_IN_ENDINGS.sub("", part) for part in clean_filename(name).lower().split(".")[1:]]
    starting = [ending for ending in endings if ending in _STARTING]
    if starting and kind in PICTURES | {"pdf"}:
        raise refusal("name", ending=starting[-1])
    last = endings[-1] if endings else ""
    says_otherwise = (
        (last in _OF_PICTURES and kind == "pdf")
        or (last == "pdf" and kind in PICTURES)
        or (last in _OF_CAMERAS and kind == "pdf")
        or (last in _OTHER and kind in PICTURES | {"pdf"})
    )
    if says_otherwise:
        raise refusal("mismatch", ending=last, kind=kind)


def _named(name: str, content_type: str) -> str:
    """Return the sender's name with the ending of what is kept."""
    cleaned, ending = clean_filename(name), ENDINGS[content_type]
    stem, dot, last = cleaned.rpartition(".")
    if not dot or last.lower() not in _OF_PICTURES | _OF_CAMERAS | {"pdf"}:
        return clean_filename(f"{cleaned}.{ending}")
    same = {"jpg": {"jpg", "jpeg", "jpe", "jfif"}}.get(ending, {ending})
    return cleaned if last.lower() in same else f"{stem}.{ending}"


# --- scaling


def crop_square(data: bytes, *, box: tuple[int, int, int] | None = None, size: int = 512) -> bytes:
    """Return a square of a checked picture as JPEG, `size` pixels wide or less.

    `box` is left, top and side in pixels of the upright picture, and is moved inside it; without one, the middle.

    Raises:
        UploadRefused, DecoderBusy: as `check_image`.
    """
    return _open("crop", data, box=box, size=size)[1]


def thumbnail(data: bytes, *, content_type: str, side: int = 320) -> bytes:
    """Return a checked picture, or the first page of a checked PDF, as JPEG of which no side is longer than `side`.

    Raises:
        UploadRefused, DecoderBusy: as `check_document`.
    """
    return _open("first_page" if content_type == "application/pdf" else "thumbnail", data, side=side)[1]


# --- the process that opens files


_START = "import sys; sys.path.insert(0, sys.argv[1]); from core.decoding.child import main; main()"


def _open(order: str, data: bytes, **options: Any) -> tuple[dict[str, Any], bytes]:
    """Have another process open `data`; return facts and bytes.

    Raises:
        UploadRefused, DecoderBusy
    """
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise DecoderBusy(_("Many files are being added at the moment. Try again in a minute."), retry_after_seconds=60)
    try:
        answer, written = _run(order, data, options)
    finally:
        _one_at_a_time.release()
    if "code" in answer:
        raise refusal(answer["code"], **answer["facts"])
    return answer["facts"], written


def _run(order: str, data: bytes, options: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    head = json.dumps({"order": order, "options": options}).encode() + b"\n"
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-I", "-c", _START, str(settings.BASE_DIR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ},
    )
    with process:
        try:
            output, _errors = process.communicate(head + data, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return {"code": "too_slow", "facts": {}}, b""
    line, _newline, written = output.partition(b"\n")
    if process.returncode != 0:
        log.warning("A file could not be opened: %s ended with %d.", order, process.returncode)
        return {"code": "failed", "facts": {}}, b""
    return json.loads(line), written


# --- sentences


def refusal(reason: str, **facts: Any) -> UploadRefused:
    """Return the refusal of a file for one reason, in the reader's language."""
    return UploadRefused(reason, _SENTENCES.get(reason, _failed)(facts))


def _megabytes(size: int) -> str:
    """Return a size rounded up, so that what is too big never reads like the limit."""
    return _tenths(size / MEGABYTE)


def _tenths(value: float) -> str:
    tenths = math.ceil(value * 10)
    return formats.number_format(tenths / 10, 1 if tenths % 10 else 0)


def _failed(facts: dict[str, Any]) -> str:
    return _("This file cannot be read. Save it again in its program, or take the picture again.")


_SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "empty": lambda facts: _("This file is empty (0 bytes). Choose it again."),
    "too_big": lambda facts: _("This file has %(size)s MB; %(limit)s MB are the most. Make it smaller and choose it again.")
    % {"size": _megabytes(facts["size"]), "limit": _megabytes(facts["limit"])},
    "kind": lambda facts: _("This is %(found)s. Choose a file of these kinds: %(accepted)s.")
    % {"found": _FOUND[facts["kind"]], "accepted": facts["accepted"]},
    "heic": lambda facts: _(
        "This is an iPhone photo (HEIC). On the iPhone open Settings > Camera > Formats, choose Most Compatible, and take "
        "it again."
    ),
    "name": lambda facts: _("The name of this file hides another kind of file (.%(ending)s). Rename it and choose it again.")
    % {"ending": facts["ending"]},
    "mismatch": lambda facts: _(
        "The name of this file ends in .%(ending)s, but inside is %(found)s. Save it again and choose it again."
    )
    % {"ending": facts["ending"], "found": _FOUND[facts["kind"]]},
    "picture_pixels": lambda facts: _(
        "This picture has %(pixels)s megapixels; 40 are the most. Make it smaller and choose it again."
    )
    % {"pixels": _tenths(facts["pixels"] / 1_000_000)},
    "picture_broken": lambda facts: _("This picture is damaged or not complete. Save it or take it again."),
    "pdf_packed": lambda facts: _(
        "Something else is packed into this file before or behind the PDF. Print it into a new PDF and choose that one."
    ),
    "pdf_locked": lambda facts: _(
        "This PDF is protected. Open it, print it into a new PDF without a password and choose that one."
    ),
    "pdf_active": lambda facts: str(_ACTIVE[facts["what"]]),
    "pdf_pages": lambda facts: _("This PDF has %(pages)s pages; %(limit)s are the most. Split it into parts.")
    % {"pages": facts["pages"], "limit": facts["limit"]},
    "pdf_broken": lambda facts: _("This PDF is damaged and cannot be read. Save it again and choose it again."),
    "too_slow": lambda facts: _("Reading this file takes too long. Save it in a simpler form and choose it again."),
    "too_much": lambda facts: _("Reading this file needs too much memory. Save it in a simpler form and choose it again."),
}  # fmt: skip
