"""The process that opens files: one order on standard input, one answer on standard output, then it ends.

Both are a line of JSON and the bytes behind it. Limits are set before the first byte from outside is touched.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

from core.decoding.refusals import Refused

MEMORY_BYTES = 1024 * 1024 * 1024
CPU_SECONDS = 20


def work(order: str, data: bytes, options: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return facts and bytes for one order.

    Raises:
        Refused: the file is refused.
    """
    if order == "picture":
        from core.decoding import pictures

        written, content_type, width, height = pictures.check(data)
        return {"content_type": content_type, "width": width, "height": height}, written
    if order == "crop":
        from core.decoding import pictures

        return {}, pictures.crop_square(data, box=options["box"] and tuple(options["box"]), size=options["size"])
    if order == "thumbnail":
        from core.decoding import pictures

        return {}, pictures.thumbnail(data, side=options["side"])
    from core.decoding import papers

    if order == "paper":
        return {"pages": papers.check(data)}, b""
    if order == "first_page":
        return {}, papers.first_page(data, side=options["side"])
    raise ValueError(order)


def limit() -> None:
    """Bound memory and time of this process, and let it write no files; what the system cannot bound stays free."""
    try:
        import resource
    except ImportError:  # not on Windows; the parent's clock remains
        return
    wanted = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for what, value in wanted.items():
        try:
            resource.setrlimit(what, (value, value))
        except (ValueError, OSError):
            continue


def main() -> None:
    """Do the one order of this process."""
    limit()
    warnings.simplefilter("ignore")
    order = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    try:
        facts, written = work(order["order"], data, order["options"])
        answer: dict[str, Any] = {"facts": facts}
    except Refused as refused:
        answer, written = {"code": refused.code, "facts": refused.facts}, b""
    except MemoryError:
        answer, written = {"code": "too_much", "facts": {}}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + written)
    sys.stdout.buffer.flush()
