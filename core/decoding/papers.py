"""PDFs: looked through for what may run, lead elsewhere or hide, by two readers; never changed."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from core.decoding import pictures
from core.decoding.refusals import Refused

MAX_PAGES = 300
MAX_OBJECTS = 100_000
MAX_DEPTH = 60  # of arrays and dictionaries inside each other
ZIP_END, ZIP_END_BYTES = b"PK\x05\x06", 22

# ISO 32000-2, 12.6.4: kinds of actions. These run, start or send something.
ACTIONS = {
    "/JavaScript": "script",
    "/Launch": "program",
    "/SubmitForm": "send",
    "/ImportData": "send",
    "/Rendition": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/RichMediaExecute": "media",
    "/GoToE": "attachment",
}
KEYS = {
    "/JS": "script",
    "/JavaScript": "script",
    "/XFA": "script",
    "/EmbeddedFiles": "attachment",
    "/EF": "attachment",
}
TYPES = {"/EmbeddedFile": "attachment", "/RichMedia": "media", "/Screen": "media", "/3D": "media", "/Movie": "media"}
# What a page may do by itself when it is opened: go somewhere inside the document.
HARMLESS = {"/GoTo", "/Named", "/Trans", "/SetOCGState", "/Hide"}
_NAME = re.compile(rb"/[^\x00\t\n\f\r ()<>\[\]{}/%]+")

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def check(data: bytes, *, max_pages: int = MAX_PAGES) -> int:
    """Return the number of pages.

    Raises:
        Refused: pdf_packed (something before or behind it), pdf_locked, pdf_active (with `what`), pdf_pages, pdf_broken.
    """
    _check_edges(data)
    try:
        reader = PdfReader(BytesIO(data), strict=False)
        if reader.is_encrypted:
            raise Refused("pdf_locked")
        for found in _objects(reader, data):
            _look_at(found, 0)
    except Refused:
        raise
    except Exception:  # parsers raise whatever they like on broken bytes, RecursionError and MemoryError included
        raise Refused("pdf_broken") from None
    return _second_opinion(data, max_pages)


def first_page(data: bytes, *, side: int) -> bytes:
    """Return the first page as JPEG of which no side is longer than `side` pixels.

    Raises:
        Refused: pdf_broken.
    """
    try:
        document = pypdfium2.PdfDocument(data)
        page = document[0]
        scale = side / max(*page.get_size(), 1)
        image = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
        image.thumbnail((side, side))
    except Exception:
        raise Refused("pdf_broken") from None
    return pictures._jpeg(image, pictures.SMALL_QUALITY)


def _check_edges(data: bytes) -> None:
    """Refuse a PDF that is something else as well: readers of ZIP look at the end, many others at the beginning."""
    if not data.startswith(b"%PDF-"):
        raise Refused("pdf_packed")
    end = data.rfind(b"%%EOF")
    if end < 0:
        raise Refused("pdf_broken")
    if data[end + 5 :].strip(b"\x00\t\n\f\r \x1a"):
        raise Refused("pdf_packed")
    at = data.rfind(ZIP_END)
    while at >= 0 and len(data) - at <= 65_535 + ZIP_END_BYTES:
        if at + ZIP_END_BYTES + int.from_bytes(data[at + 20 : at + 22], "little") <= len(data):
            raise Refused("pdf_packed")
        at = data.rfind(ZIP_END, 0, at)


def _objects(reader: PdfReader, data: bytes) -> Iterator[Any]:
    """Yield every object the document names, used or not; of one that cannot be read, its names as a dictionary."""
    places = [(number, generation) for generation, table in reader.xref.items() for number in table]
    places += [(number, 0) for number in reader.xref_objStm]
    if len(places) > MAX_OBJECTS:
        raise Refused("pdf_broken")
    for number, generation in places:
        try:
            yield reader.get_object(IndirectObject(number, generation, reader))
        except Refused:
            raise
        except Exception:
            start = reader.xref.get(generation, {}).get(number, -1)
            yield _names_only(data[start : data.find(b"endobj", start)] if 0 <= start < len(data) else b"")
    yield reader.trailer


def _names_only(raw: bytes) -> DictionaryObject:
    names = [
        re.sub(rb"#([0-9A-Fa-f]{2})", lambda pair: bytes([int(pair[1], 16)]), name).decode("latin-1")
        for name in _NAME.findall(raw)
    ]
    found = DictionaryObject({NameObject(name): NameObject("/?") for name in names})
    for name in names:
        if name in ACTIONS:
            found[NameObject("/S")] = NameObject(name)
    return found


def _look_at(found: Any, depth: int) -> None:
    """Refuse what acts; references are not followed, since every object comes by itself."""
    if depth > MAX_DEPTH:
        raise Refused("pdf_broken")
    if isinstance(found, DictionaryObject):
        _look_at_dictionary(found)
        for value in found.values():
            if isinstance(value, (DictionaryObject, ArrayObject)):
                _look_at(value, depth + 1)
    elif isinstance(found, ArrayObject):
        for value in found:
            if isinstance(value, (DictionaryObject, ArrayObject)):
                _look_at(value, depth + 1)


def _look_at_dictionary(found: DictionaryObject) -> None:
    for key, what in KEYS.items():
        if key in found:
            raise Refused("pdf_active", what=what)
    action, kind, subtype = (_text(found, key) for key in ("/S", "/Type", "/Subtype"))
    if action in ACTIONS and kind in ("", "/Action"):
        raise Refused("pdf_active", what=ACTIONS[action])
    for name in (kind, subtype):
        if name in TYPES:
            raise Refused("pdf_active", what=TYPES[name])
    _look_at_start(found.get("/OpenAction"))
    by_itself = found.get("/AA")
    by_itself = by_itself.get_object() if by_itself is not None else None
    if isinstance(by_itself, DictionaryObject):
        for value in by_itself.values():
            _look_at_start(value)


def _look_at_start(action: Any) -> None:
    """Refuse an action that happens without a click, unless it stays inside the document."""
    action = action.get_object() if action is not None else None
    kind = _text(action, "/S") if isinstance(action, DictionaryObject) else ""
    if kind and kind not in HARMLESS:
        raise Refused("pdf_active", what=ACTIONS.get(kind, "start"))


def _text(found: DictionaryObject, key: str) -> str:
    value = found.get(key)
    value = value.get_object() if value is not None else None
    return str(value) if isinstance(value, NameObject) else ""


def _second_opinion(data: bytes, max_pages: int) -> int:
    """Ask the reader that browsers use: it must open the document too, and find nothing that runs."""
    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
        scripts = pdfium.FPDFDoc_GetJavaScriptActionCount(document)
        attached = pdfium.FPDFDoc_GetAttachmentCount(document)
    except Exception:
        raise Refused("pdf_broken") from None
    if scripts > 0:
        raise Refused("pdf_active", what="script")
    if attached > 0:
        raise Refused("pdf_active", what="attachment")
    if pages < 1:
        raise Refused("pdf_broken")
    if pages > max_pages:
        raise Refused("pdf_pages", pages=pages, limit=max_pages)
    return pages
