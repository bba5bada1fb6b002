"""The keyed digests of audit rows: what they cover, how they are made, how a stored row is checked.

The content of a row is one canonical JSON text. Format 1 is what rows carried at first; format 2 added `result`, `browser`
and `origin`. A format stays readable for as long as rows of it exist, which is 25 years.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from core.keys import derive

FORMAT = 2
SEAL = "audit/seal/v1"
ANCHOR = "audit/anchor/v1"
ROW = "audit/row/v2"

# Stored columns in the order `Row` has them.
COLUMNS = (
    "id", "at", "action", "actor_id", "actor_name", "actor_roles", "patient_id", "target_type", "target_id", "detail",
    "request_id", "address_hash", "result", "browser", "origin", "format", "mac",
)  # fmt: skip

encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


@dataclass(slots=True, frozen=True)
class Row:
    """One stored event as the digests see it: every value as text, the same on every database."""

    id: int
    at: str
    content: bytes
    mac: str
    format: int
    is_plain: bool = True  # an old format holds nothing in the columns it does not cover


def row_keys() -> tuple[bytes, ...]:
    """Return the audit keys, newest first."""
    return settings.KEYS.audit_seal_keys


def digest(content: bytes, row_format: int, key: bytes) -> str:
    """Return the keyed digest of a row's content."""
    return hmac.digest(key if row_format == 1 else derive(key, ROW), content, "sha256").hex()


def is_genuine(row: Row) -> bool:
    """True when a row's digest was made with one of our keys over exactly this content."""
    return any(digest(row.content, row.format, key) == row.mac for key in row_keys()) and row.is_plain


def content_of(values: Sequence[Any], row_format: int) -> bytes:
    """Return the canonical text over `values`, which are ordered like COLUMNS[1:15] and already texts but for `detail`."""
    if row_format == 1:
        return encode(list(values[:11])).encode()
    return encode([row_format, *values]).encode()


def instant(value: datetime) -> str:
    """Return an instant as the digests write it; a database gives naive UTC."""
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat(timespec="microseconds")


def _uuid(value: Any) -> str:
    """Return an id in its usual form; SQLite stores 32 digits, MariaDB the usual form, the model an object."""
    if value is None:
        return ""
    text = str(value)
    return text if len(text) == 36 else f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def stored_row(record: Sequence[Any]) -> Row:
    """Return a raw database record, ordered like COLUMNS, as a `Row`."""
    (
        pk, at, action, actor_id, actor_name, actor_roles, patient_id, target_type, target_id, detail,
        request_id, address_hash, result, browser, origin, row_format, mac,
    ) = record  # fmt: skip
    shown_at = instant(at) if isinstance(at, datetime) else str(at)
    values = [
        shown_at, action, _uuid(actor_id), actor_name, actor_roles, _uuid(patient_id), target_type, target_id,
        {} if detail == "{}" else json.loads(detail), request_id, address_hash, result, browser, origin,
    ]  # fmt: skip
    is_plain = row_format != 1 or (result, browser, origin) == ("ok", "", "")
    return Row(pk, shown_at, content_of(values, row_format), mac, row_format, is_plain)


def event_values(event: Any) -> list[Any]:
    """Return the values of a model row that the digest covers, ordered like COLUMNS[1:15]."""
    return [
        instant(event.at), event.action, _uuid(event.actor_id), event.actor_name, event.actor_roles,
        _uuid(event.patient_id), event.target_type, event.target_id, event.detail, event.request_id, event.address_hash,
        event.result, event.browser, event.origin,
    ]  # fmt: skip


def compute_mac(event: Any) -> str:
    """Return the digest of a model row with the newest key."""
    return digest(content_of(event_values(event), event.format), event.format, row_keys()[0])


def sign(purpose: str, text: str, key: bytes | None = None) -> str:
    """Return the keyed digest of a seal or an anchor."""
    return hmac.new(derive(row_keys()[0] if key is None else key, purpose), text.encode(), hashlib.sha256).hexdigest()


def is_signed(purpose: str, text: str, mac: str) -> bool:
    """True when `mac` was made over `text` with one of our keys."""
    return any(hmac.compare_digest(sign(purpose, text, key).encode(), mac.encode()) for key in row_keys())
