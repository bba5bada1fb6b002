"""What a file is, by its first bytes; names and what senders claim do not count."""

from __future__ import annotations

import re

LOOKED_AT = 1024  # bytes at the start in which readers of PDF accept its mark

_STARTS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"%PDF-", "pdf"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"#!", "program"),
    (b"<?php", "program"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"BM", "bmp"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (b"Rar!\x1a\x07", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"\x1aE\xdf\xa3", "video"),
)
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_MARKUP = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|\?xml|!--)", re.IGNORECASE)


def kind_of(data: bytes) -> str:
    """Return jpeg, png, gif or pdf, or a word for what else it is: "packed_pdf" has something before its beginning."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    head = data[:LOOKED_AT]
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return "office" if b"[Content_Types].xml" in head or b"mimetypeapplication/vnd" in head else "archive"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "heic" if brand in _HEIC else "avif" if brand in (b"avif", b"avis") else "video"
    if head.startswith(b"RIFF"):
        return "webp" if head[8:12] == b"WEBP" else "video"
    if head[128:132] == b"DICM":
        return "dicom"
    if b"%PDF-" in head:
        return "packed_pdf"
    found = _MARKUP.search(head.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b""))
    if found:
        return "svg" if b"<svg" in head.replace(b"\x00", b"").lower() else "markup"
    return "unknown"
