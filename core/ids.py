"""Row ids."""

from uuid import UUID

import uuid6


def uuid7() -> UUID:
    """Return a new time-ordered UUID (version 7); the primary key of every row that people or systems refer to.

    Source: RFC 9562, section 5.7.
    """
    return UUID(int=uuid6.uuid7().int)
