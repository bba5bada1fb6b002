"""Sessions in the database with a copy in the cache, both sealed."""

from __future__ import annotations

import contextlib
from typing import Any

from django.contrib.sessions.backends import cached_db

from core.session_store import SealedContents


class _SealedCopies:
    """The cache as Django's engine uses it: contents go in and come out sealed. What does not open was never there."""

    def __init__(self, cache: Any, store: SessionStore) -> None:
        self._cache = cache
        self._store = store

    def __contains__(self, key: str) -> bool:
        return key in self._cache

    def get(self, key: str) -> dict[str, Any] | None:
        return self._opened(self._cache.get(key))

    async def aget(self, key: str) -> dict[str, Any] | None:
        return self._opened(await self._cache.aget(key))

    def set(self, key: str, contents: dict[str, Any], timeout: int) -> None:
        self._cache.set(key, self._store.encode(contents), timeout)

    async def aset(self, key: str, contents: dict[str, Any], timeout: int) -> None:
        await self._cache.aset(key, self._store.encode(contents), timeout)

    def delete(self, key: str) -> None:
        self._cache.delete(key)

    async def adelete(self, key: str) -> None:
        await self._cache.adelete(key)

    def _opened(self, text: Any) -> dict[str, Any] | None:
        if text is not None:
            with contextlib.suppress(ValueError):
                return self._store.opened(text)
        return None


class SessionStore(SealedContents, cached_db.SessionStore):
    """Django's cached database sessions with sealed contents."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._cache: Any = _SealedCopies(self._cache, self)
