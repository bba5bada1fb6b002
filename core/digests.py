"""Keyed digests: what is stored or compared in place of a secret or a name, and cannot be turned back without the key."""

from __future__ import annotations

import hmac

from core.keys import derive


def keyed_digest(secret: bytes, info: str, data: str | bytes) -> str:
    """Return HMAC-SHA256 of `data` in 64 hexadecimal digits, under the sub-key of `secret` for the purpose `info`.

    Text is taken as UTF-8; half of a surrogate pair, which no UTF-8 has, counts as "?".
    """
    message = data.encode(errors="replace") if isinstance(data, str) else data
    return hmac.new(derive(secret, info), message, "sha256").hexdigest()
