"""Reports of browsers about what the Content-Security-Policy refused.

Anybody can send anything here, so a report is cut down to addresses without their variable parts, equal ones are
counted in one row, and the number of rows is bounded.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

from django.db.models import F

from core import clock
from core.db import retry_transaction
from core.models import CspReport

MOST_BYTES = 16 * 1024
MOST_ROWS = 500  # then only known ones are counted: a flood of made-up reports must not fill the disk
MOST_AT_ONCE = 20
OVERFLOW = "overflow"

# Row ids, numbers, and the secrets of links.
_IDS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4,}"
    r"|(?:(?<=/account/link/)|(?<=/calendar-feeds/)|(?<=/board/)|(?<=/kiosk/)|(?<=/on-site/))[^/?#]+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z-]{1,60}")


def parse(body: bytes) -> list[dict[str, str]]:
    """Return the reports in the body of a request; an empty list for what is none.

    Both forms are read: `application/csp-report` (one) and `application/reports+json` (a list).
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return []
    entries = data if isinstance(data, list) else [data]
    return [found for entry in entries[:MOST_AT_ONCE] if (found := _parse_one(entry)) is not None]


@retry_transaction
def keep(report: dict[str, str]) -> None:
    """Count one report."""
    fingerprint = hashlib.sha256("\n".join(report.values()).encode()).hexdigest()
    now = clock.now()
    rows = CspReport.objects.filter(pk=fingerprint)
    if rows.update(times=F("times") + 1, last_seen_at=now):
        return
    if CspReport.objects.count() >= MOST_ROWS:
        fingerprint, report = OVERFLOW, dict.fromkeys(("directive", "blocked", "page", "source"), OVERFLOW)
    CspReport.objects.bulk_create([CspReport(pk=fingerprint, **report)], ignore_conflicts=True)
    CspReport.objects.filter(pk=fingerprint).update(times=F("times") + 1, last_seen_at=now)


def _parse_one(entry: Any) -> dict[str, str] | None:
    if not isinstance(entry, dict):
        return None
    body = entry.get("csp-report", entry.get("body"))
    if not isinstance(body, dict):
        return None

    def value(*names: str) -> str:
        return next((text for name in names if isinstance(text := body.get(name), str) and text), "")

    directive = value("effective-directive", "effectiveDirective", "violated-directive").split(" ")[0].lower()
    if not _WORD.fullmatch(directive):
        return None
    line = next((n for name in ("line-number", "lineNumber") if isinstance(n := body.get(name), int) and n >= 0), 0)
    source = _plain(value("source-file", "sourceFile"))
    return {
        "directive": directive,
        "blocked": _plain(value("blocked-uri", "blockedURL")),
        "page": _plain(value("document-uri", "documentURL")),
        "source": f"{source}:{min(line, 999_999)}" if source else "",
    }


def _plain(address: str) -> str:
    """Return an address without query, fragment, names of people and numbers of records."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "?"
    text = (
        f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.netloc else address.split("?")[0].split("#")[0]
    )
    if parts.scheme in ("data", "blob"):
        text = f"{parts.scheme}:"
    return _IDS.sub("…", text.replace("\0", ""))[:200]
