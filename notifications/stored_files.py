"""The daily look at stored files: leftovers go, and who looks after the records is told what is missing."""

from __future__ import annotations

import logging

from accounts.access import Capability
from core import files
from notifications.services import notify_capability

log = logging.getLogger(__name__)


def sweep_files() -> None:
    """Delete blobs without a row; tell about rows without a blob, and about a storage that is not ours. Safe to repeat.

    Raises:
        OSError: the storage does not answer; the next round tries again.
    """
    try:
        swept = files.sweep_orphans()
    except files.WrongStorage as error:
        log.error("%s", error)
        notify_capability(Capability.CHECK_INTEGRITY, kind="files_wrong_storage", unless_unread=True)
        return
    if swept.missing:
        notify_capability(
            Capability.CHECK_INTEGRITY, kind="files_missing", params={"count": swept.missing}, unless_unread=True
        )
