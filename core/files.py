"""Files that people give us or ask us for, sealed before they leave the process. Why so: docs/adr/0020-stored-files.md.

A file is sealed with AES-256-GCM under a random key of its own and kept under a random name in the storage "files" (a
directory or S3). Its row (`core.models.StoredFile`) holds that key, encrypted like every column. The row that points to
it says whose file it is; only a view that has checked a right may call `serve`.

Order of writing: `put` the bytes before the transaction, `keep` the row inside it. A blob whose row was never kept opens
for nobody and is swept after a day.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from core import clock, keys
from core.errors import DomainError, InvalidInput
from core.filenames import clean_filename
from core.models import StoredFile

ALIAS = "files"
MAX_BYTES = 64 * 1024 * 1024  # a file is sealed and opened whole, in memory
START = b"EMRF1"  # what every blob begins with: the form of the rest
NONCE_BYTES = 12  # NIST SP 800-38D: 96-bit nonces
KEY_BYTES = 32
NAME_BYTES = 20
ORPHAN_AGE = timedelta(days=1)
MOST_ORPHANS = 100  # more than this, and more than the share below, is no leftover but the wrong storage
ORPHAN_SHARE = 0.1
BATCH = 500
INLINE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "application/pdf"})

_OURS = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/(?:[0-9a-f]{40}|\.[0-9a-f]{40}\.new)")
log = logging.getLogger(__name__)


class FileUnreadable(DomainError):
    """The content of a stored file is gone, damaged, or sealed under another key."""

    code = "core.file_unreadable"


class FileTooBig(InvalidInput):
    """More bytes than one file may have."""

    code = "core.file_too_big"


class StorageDown(DomainError):
    """The storage takes or gives nothing: disk full, network, wrong rights."""

    code = "core.storage_down"


class WrongStorage(RuntimeError):
    """Most of what lies in the storage has no row: it belongs to another database, so nothing is swept."""


class Blobs(Protocol):
    """What our storages can do beyond Django's: tell what lies in them."""

    def blobs(self) -> Iterator[tuple[str, datetime]]:
        """Yield name and time of the last change of everything that lies there."""


@dataclass(frozen=True)
class Swept:
    """What a sweep found."""

    kept: int  # blobs with a row
    removed: int  # blobs without one, deleted
    missing: int  # rows whose blob is not there


# --- writing


def put(data: bytes, *, content_type: str) -> StoredFile:
    """Seal `data` into the storage and return its row, which is not saved yet: `keep` it inside the transaction.

    Call it before the transaction begins, since the storage may be on the network.

    Raises:
        FileTooBig: more than MAX_BYTES.
        StorageDown: the storage does not take it.
    """
    if len(data) > MAX_BYTES:
        raise FileTooBig(_("This file is too big to be kept."))
    key = secrets.token_bytes(KEY_BYTES)
    random = secrets.token_hex(NAME_BYTES)
    stored = StoredFile(
        name=f"{random[:2]}/{random[2:4]}/{random}",
        file_key=base64.urlsafe_b64encode(key).decode("ascii"),
        content_type=content_type,
        size=len(data),
        digest=digest_of(data),
    )
    nonce = os.urandom(NONCE_BYTES)
    blob = START + nonce + AESGCM(key).encrypt(nonce, data, _associated(stored))
    try:
        name = _storage().save(stored.name, ContentFile(blob))
    except OSError as error:
        log.error("The storage of files takes nothing (%s).", type(error).__name__)
        raise StorageDown(
            _("The file could not be kept. Try again in a few minutes; if it fails again, tell the administrator.")
        ) from error
    if name != stored.name:
        raise RuntimeError("The storage gave a file another name.")
    return stored


def keep(stored: StoredFile) -> StoredFile:
    """Save the row of what `put` returned, in the caller's transaction; may be repeated after a rollback."""
    stored.save(force_insert=True)
    return stored


def store(data: bytes, *, content_type: str) -> StoredFile:
    """`put` and `keep` in one, for work outside a transaction such as a task.

    Raises:
        FileTooBig: more than MAX_BYTES.
        StorageDown: the storage does not take it.
    """
    return keep(put(data, content_type=content_type))


def remove(stored: StoredFile) -> None:
    """Delete the row in the caller's transaction, and the blob once it is committed.

    With the row goes the key, so the blob opens for nobody from then on, copies of it included. A blob that cannot be
    deleted now is swept later. Take the reference to the row away first: foreign keys to it protect it.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("remove needs a transaction")
    name = stored.name
    StoredFile.objects.filter(pk=stored.pk).delete()
    transaction.on_commit(lambda: _delete_blob(name), robust=True)


def _delete_blob(name: str) -> bool:
    try:
        _storage().delete(name)
    except OSError as error:
        log.warning("The content of a removed file stays until the next sweep (%s).", type(error).__name__)
        return False
    return True


# --- reading


def read(stored: StoredFile) -> bytes:
    """Return the clear bytes.

    Raises:
        FileUnreadable: they are gone or damaged.
        StorageDown: the storage does not answer.
    """
    try:
        with _storage().open(stored.name, "rb") as blob:
            sealed = blob.read()
    except FileNotFoundError as error:
        raise _unreadable(stored, "gone") from error
    except OSError as error:
        log.error("The storage of files gives nothing (%s).", type(error).__name__)
        raise StorageDown(_("The file cannot be fetched at the moment. Try again in a few minutes.")) from error
    nonce = sealed[len(START) : len(START) + NONCE_BYTES]
    try:
        if not sealed.startswith(START) or len(nonce) < NONCE_BYTES:
            raise ValueError("not sealed here")
        key = base64.urlsafe_b64decode(stored.file_key)
        return AESGCM(key).decrypt(nonce, memoryview(sealed)[len(START) + NONCE_BYTES :], _associated(stored))
    except (InvalidTag, ValueError) as error:
        raise _unreadable(stored, "damaged") from error


def serve(stored: StoredFile, *, filename: str, inline: bool = False) -> HttpResponse:
    """Return the file as an answer: right type, never stored by browsers, never guessed at, safe name.

    `inline` shows pictures and PDFs in the browser, PDFs also in a frame of our own pages; every other type is always a
    download. The caller has checked the right and written the audit event.

    Raises:
        FileUnreadable, StorageDown: as `read`.
    """
    shown = inline and stored.content_type in INLINE_TYPES
    response = HttpResponse(read(stored), content_type=stored.content_type)
    response["Content-Disposition"] = content_disposition_header(not shown, clean_filename(filename)) or "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store, private"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    if shown and stored.content_type == "application/pdf":
        # No `sandbox`: older Chrome shows no PDF under it. Its viewer is a page of its own without our origin.
        response["Content-Security-Policy"] = (
            "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
        )
        response["X-Frame-Options"] = "SAMEORIGIN"
    else:
        response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return response


def digest_of(data: bytes) -> str:
    """Return the keyed digest by which equal files are found; it tells nothing without the key."""
    key = keys.derive(settings.KEYS.session_hash_key, "core/files/digest/v1")
    return hmac.new(key, data, hashlib.sha256).hexdigest()


def _unreadable(stored: StoredFile, what: str) -> FileUnreadable:
    log.error("The content of stored file %s is %s.", stored.pk, what)
    return FileUnreadable(_("This file cannot be opened: its content is missing or damaged. Tell the administrator."))


# --- tidying


def sweep_orphans(*, older_than: timedelta = ORPHAN_AGE) -> Swept:
    """Delete blobs without a row that are older than a day, and count rows without a blob. Safe to repeat.

    Names that are not ours are left alone. Costs one listing of the storage and a statement for each 500 blobs.

    Raises:
        WrongStorage: too much has no row; nothing was deleted. The database is not the one of this storage, or an old
            backup of it.
        OSError: the storage does not answer.
    """
    before = clock.now() - older_than
    kept = counted = 0
    orphans: list[str] = []
    listed = (entry for entry in cast(Blobs, _storage()).blobs() if _OURS.fullmatch(entry[0]))
    while batch := list(islice(listed, BATCH)):
        rows = dict(
            StoredFile.objects.filter(name__in=[name for name, _changed in batch]).values_list("name", "created_at")
        )
        kept += len(rows)
        counted += sum(created < before for created in rows.values())
        orphans += [name for name, changed in batch if name not in rows and changed < before]
    missing = max(StoredFile.objects.filter(created_at__lt=before).count() - counted, 0)
    if missing:
        log.error("%d stored files have no content in the storage. Restore them from the backup of the files.", missing)
    if len(orphans) > MOST_ORPHANS and len(orphans) > ORPHAN_SHARE * (kept + len(orphans)):
        raise WrongStorage(
            f"{len(orphans)} of {kept + len(orphans)} files have no row, so this storage seems to belong to another "
            "database. Nothing was deleted."
        )
    removed = sum(_delete_blob(name) for name in orphans)
    return Swept(kept=kept, removed=removed, missing=missing)


def _storage() -> Storage:
    return storages[ALIAS]


def _associated(stored: StoredFile) -> bytes:
    return f"file|v1|{stored.pk}".encode()
