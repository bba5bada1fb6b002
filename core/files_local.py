"""The directory of stored files: outside the web root, readable by this account only, safe against power cuts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

FOLDER_MODE = 0o700
FILE_MODE = 0o600


@deconstructible(path="core.files_local.LocalFiles")
class LocalFiles(FileSystemStorage):
    """Django's storage in a directory, where a file is whole or not there, and has no address."""

    def blobs(self) -> Iterator[tuple[str, datetime]]:
        """Yield name and time of the last change of every file; what vanishes meanwhile is passed by."""
        root = Path(self.location)
        for folder, _folders, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                try:
                    changed = path.stat().st_mtime
                except FileNotFoundError:
                    continue
                yield path.relative_to(root).as_posix(), datetime.fromtimestamp(changed, tz=UTC)

    def url(self, name: str | None) -> str:
        raise ValueError("Stored files have no address; a view that checks a right serves them.")

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        self._make_folder(target.parent)
        temporary = target.parent / f".{secrets.token_hex(20)}.new"
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
        return name

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, down to the root of the files, each for this account only."""
        if folder.is_dir():
            return
        root = Path(self.location)
        if folder == root:
            folder.parent.mkdir(parents=True, exist_ok=True)
        else:
            self._make_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
