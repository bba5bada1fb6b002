"""Stored files of tests: in memory, and otherwise as on a disk."""

from __future__ import annotations

from django.core.files.storage import InMemoryStorage


class MemoryFiles(InMemoryStorage):
    """Django's storage in memory that can tell what lies in it."""

    def blobs(self):
        def walk(folder):
            folders, names = self.listdir(folder)
            for name in names:
                path = f"{folder}/{name}".lstrip("/")
                yield path, self.get_modified_time(path)
            for name in folders:
                yield from walk(f"{folder}/{name}".lstrip("/"))

        yield from walk("")
