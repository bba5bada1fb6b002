"""What the two commands that rotate keys share: making a key for a run of its own, and taking the old one away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from django.conf import settings

from core import keys
from emr import embedded


@contextlib.contextmanager
def only_process() -> Iterator[None]:
    """Keep the embedded product from being started meanwhile. In production the operator has stopped the processes.

    Raises:
        CannotServe: it is running.
    """
    if not settings.EMBEDDED:
        yield
        return
    with embedded.only_process(settings.VAR_DIR):
        yield


def add_key(secret: keys.Secret) -> str:
    """Make a new key of a list in KEY_DIR, use it in this process, and return its public id.

    Raises:
        KeysError: the key does not come from KEY_DIR, so this process cannot change it for the others.
    """
    source = keys.source(secret, settings.KEY_DIR, os.environ)
    if source.kind != keys.FROM_DIRECTORY:
        raise keys.KeysError(
            f"{secret.name} comes from {source.shown}, which only you can change: put a new key in front there, restart "
            "every process, then run this command without --new-key. Make a key with: python -m core.keys --print"
        )
    name = keys.add_key(secret, settings.KEY_DIR)
    reload_keys()
    return name


def drop_older_keys(secret: keys.Secret) -> list[str]:
    """Move all but the newest key of a list in KEY_DIR to the file of retired keys; return their public ids."""
    gone = keys.drop_older_keys(secret, settings.KEY_DIR)
    reload_keys()
    return gone


def reload_keys() -> None:
    """Let this process use the keys as they are stored now."""
    settings.KEYS = keys.load(settings.KEY_DIR, os.environ, create=False)
    settings.FIELD_ENCRYPTION_KEY = settings.KEYS.field_keys
