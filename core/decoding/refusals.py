"""Why a file is refused. `core.uploads` has the sentence for each code."""

from __future__ import annotations


class Refused(Exception):
    """The file is refused: a code, and what its sentence names."""

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
