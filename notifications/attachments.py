"""Files that a mail may carry. Every kind is known beforehand: no caller chooses a type or a name of a file."""

from __future__ import annotations

from dataclasses import dataclass
from email.mime.text import MIMEText

MAX_LENGTH = 20_000  # characters; a calendar entry has about a thousand


@dataclass(frozen=True)
class Kind:
    """How a file of this kind is written into the mail."""

    filename: str
    subtype: str
    method: str


KINDS: dict[str, Kind] = {
    "calendar_request": Kind("kunjungan.ics", "calendar", "REQUEST"),
    "calendar_cancel": Kind("kunjungan-batal.ics", "calendar", "CANCEL"),
}


@dataclass(frozen=True)
class Attachment:
    """One text file of a known kind."""

    kind: str
    text: str


def checked(attachment: Attachment | None) -> Attachment:
    """Return the attachment, or an empty one for None.

    Raises:
        ValueError: its kind is unknown, or it is empty or longer than any of them is.
    """
    if attachment is None:
        return Attachment("", "")
    if attachment.kind not in KINDS or not 0 < len(attachment.text) <= MAX_LENGTH:
        raise ValueError(f"not an attachment of a mail: {attachment.kind!r}, {len(attachment.text)} characters")
    return attachment


def part_of(kind: str, text: str) -> MIMEText:
    """Return the part of the mail. The method stands in its header as well, as RFC 6047 asks."""
    known = KINDS[kind]
    part = MIMEText(text, known.subtype, "utf-8")
    part.set_param("method", known.method)
    part.add_header("Content-Disposition", "attachment", filename=known.filename)
    return part
