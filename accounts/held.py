"""A form that was sent while the session was locked: carried by the lock screen, sealed, and sent on after the password.

Nothing is kept on the server, and whoever looks into the lock screen reads nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from django.http import HttpRequest

from accounts.models import User
from core import clock, sealed

PURPOSE = "held-form"
LIMIT_BYTES = 1024 * 1024  # sealed and encoded it must fit into a request of 2 MiB
LIMIT_FIELDS = 1000
KEEP_SECONDS = 12 * 3600
SECRET = re.compile(r"passw|^(otp|code|token)$", re.IGNORECASE)  # asked again rather than written into a page


@dataclass(frozen=True)
class Held:
    """One form: where it goes, its fields in order, and what could not be carried along."""

    path: str
    fields: tuple[tuple[str, str], ...]
    has_files: bool = False
    has_secrets: bool = False


def hold(request: HttpRequest) -> str:
    """Return the sealed form of a POST; "" when there is nothing to carry, or too much."""
    fields, has_secrets = [], False
    for name, values in request.POST.lists():
        if name == "csrfmiddlewaretoken":
            continue
        if SECRET.search(name):
            has_secrets = True
            continue
        fields += [(name, str(value)) for value in values]
    size = sum(len(name.encode(errors="replace")) + len(value.encode(errors="replace")) for name, value in fields)
    if not fields or len(fields) > LIMIT_FIELDS or size > LIMIT_BYTES:
        return ""
    contents = {
        "path": request.get_full_path(),
        "fields": fields,
        "files": bool(request.FILES),
        "secrets": has_secrets,
        "at": int(clock.now().timestamp()),
    }
    return sealed.seal(PURPOSE, json.dumps(contents).encode(), place=str(request.user.pk))


def release(text: str, user: User) -> Held | None:
    """Return the form of this person again; None when there is none, it is somebody else's, forged or too old."""
    if not text:
        return None
    try:
        contents = json.loads(sealed.unseal(PURPOSE, text, place=str(user.pk)))
    except ValueError:
        return None
    if not 0 <= clock.now().timestamp() - contents["at"] < KEEP_SECONDS:
        return None
    fields = tuple((str(name), str(value)) for name, value in contents["fields"])
    return Held(contents["path"], fields, bool(contents["files"]), bool(contents["secrets"]))
