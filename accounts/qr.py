"""QR codes as SVG: drawn with attributes only, since our pages allow no inline style."""

from __future__ import annotations

import qrcode
from django.utils.html import format_html
from django.utils.safestring import SafeString

QUIET_ZONE = 4  # modules of white around it (ISO/IEC 18004)


def qr_svg(text: str, *, label: str) -> SafeString:
    """Return `text` as a QR code, black on white in both themes; `label` is read aloud instead of it."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return format_html(
        '<svg class="qr" role="img" aria-label="{}" viewBox="0 0 {} {}" shape-rendering="crispEdges" width="220" height="220">'
        '<rect width="100%" height="100%" fill="#ffffff"></rect><path fill="#000000" d="{}"></path></svg>',
        label, len(rows), len(rows), path,
    )  # fmt: skip
