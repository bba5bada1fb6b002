"""Session engines that store sealed text only, in the table and in Redis: sessions hold messages with names of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import sealed

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase as Base
else:
    Base = object

PURPOSE = "session"


class SealedContents(Base):
    """Seals what a session holds, under the session's own key as its place: contents cannot be moved to another row."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        return sealed.seal(PURPOSE, self.serializer().dumps(session_dict), place=self._get_or_create_session_key())  # type: ignore[attr-defined]

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        """Return the contents; nothing at all when they were not sealed here, so that the person signs in again."""
        try:
            return self.opened(session_data)
        except ValueError:
            return {}

    def opened(self, session_data: str | bytes) -> dict[str, Any]:
        """Return the contents.

        Raises:
            ValueError: they were not sealed here for this session.
        """
        if not isinstance(session_data, str):
            raise sealed.CannotOpen("not text")
        contents = self.serializer().loads(sealed.unseal(PURPOSE, session_data, place=self.session_key or ""))
        return contents if isinstance(contents, dict) else {}
