"""Short-lived text that must be unreadable and unforgeable outside this process: sessions, forms that wait for a password.

AES-256-GCM under a key of its own for each purpose, derived from the session key. Not for columns: see `core.encryption`.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from core import keys

VERSION = "s1."
NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits


class CannotOpen(ValueError):
    """The text was not sealed here for this purpose and place, or under another key."""


@lru_cache(maxsize=16)
def _cipher(master: bytes, purpose: str) -> AESGCM:
    return AESGCM(keys.derive(master, f"core/sealed/{purpose}/v1"))


def seal(purpose: str, plain: bytes, *, place: str) -> str:
    """Return `plain` sealed for one purpose and one place (a session, an account); it opens only with the same two."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = _cipher(settings.KEYS.session_hash_key, purpose)
    return VERSION + urlsafe_b64encode(nonce + cipher.encrypt(nonce, plain, place.encode())).decode("ascii")


def unseal(purpose: str, sealed: str, *, place: str) -> bytes:
    """Return what `seal` was given.

    Raises:
        CannotOpen: it was changed, made elsewhere, or sealed for another purpose, place or key.
    """
    if not sealed.startswith(VERSION):
        raise CannotOpen("not sealed")
    try:
        raw = urlsafe_b64decode(sealed[len(VERSION) :].encode("ascii"))
        return _cipher(settings.KEYS.session_hash_key, purpose).decrypt(
            raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()
        )
    except (InvalidTag, Base64Error, UnicodeError, ValueError) as error:
        raise CannotOpen("cannot be opened") from error
