"""Sessions in the database, sealed."""

from __future__ import annotations

from django.contrib.sessions.backends import db

from core.session_store import SealedContents


class SessionStore(SealedContents, db.SessionStore):
    """Django's database sessions with sealed contents."""
