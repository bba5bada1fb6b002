"""Row ids."""

from uuid import UUID

import uuid6


def uuid7() -> UUID:
    """Return a new time-ordered UUID (version 7); the primary key of every row that people or systems refer to.

    Source: RFC 9562, section 5.7.
    """
    return UUID(int=uuid6.uuid7().int)


def uuid_or_none(text: str | None) -> UUID | None:
    """Return the id that a parameter from outside names, or None when it is missing or no id."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
