"""Typed reads of the environment.

Every setting is declared once, with its meaning; a bad value stops the start with a sentence that names the variable.
`docs/settings.md` and `.env.example` are generated from these declarations (`manage.py write_settings_docs`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Setting:
    """One declared environment variable."""

    name: str
    kind: str
    default: str
    help: str
    secret: bool = False


class Env:
    """Reads declared variables from a mapping and remembers what was declared."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.declared: dict[str, Setting] = {}

    def _read(
        self,
        name: str,
        kind: str,
        default: T,
        parse: Callable[[str], T],
        help: str,
        *,
        secret: bool = False,
        shown: str = "",
    ) -> T:
        self.declared.setdefault(name, Setting(name, kind, shown or _shown(default), help, secret))
        raw = self.environ.get(name)
        file_name = self.environ.get(f"{name}_FILE")
        if raw is None and secret and file_name:
            try:
                raw = Path(file_name).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}.") from error
        if raw is None or raw.strip() == "":
            return default
        try:
            return parse(raw.strip())
        except (ValueError, KeyError) as error:
            value = "the value given" if secret else repr(raw)
            raise ImproperlyConfigured(f"{name} must be {kind}; {value} is not.") from error

    def declare(self, name: str, kind: str, default: str, help: str, *, secret: bool = False) -> None:
        """Note a variable that another module reads, so that it is documented."""
        self.declared.setdefault(name, Setting(name, kind, default, help, secret))

    def text(self, name: str, default: str, help: str, *, secret: bool = False, shown: str = "") -> str:
        """Return text."""
        return self._read(name, "text", default, lambda raw: raw, help, secret=secret, shown=shown)

    def flag(self, name: str, default: bool, help: str) -> bool:
        """Return a switch: 1/0, true/false, yes/no, on/off."""

        def parse(raw: str) -> bool:
            if raw.lower() in _TRUE:
                return True
            if raw.lower() in _FALSE:
                return False
            raise ValueError(raw)

        return self._read(name, "1 or 0", default, parse, help)

    def number(self, name: str, default: int, help: str, *, minimum: int = 0, maximum: int = 2**31 - 1) -> int:
        """Return a whole number between `minimum` and `maximum`."""

        def parse(raw: str) -> int:
            number = int(raw)
            if not minimum <= number <= maximum:
                raise ValueError(raw)
            return number

        return self._read(name, f"a whole number from {minimum} to {maximum}", default, parse, help)

    def words(self, name: str, default: list[str], help: str) -> list[str]:
        """Return comma-separated words, empty ones dropped."""
        return self._read(
            name,
            "a comma-separated list",
            default,
            lambda raw: [part.strip() for part in raw.split(",") if part.strip()],
            help,
        )

    def choice(self, name: str, default: str, choices: tuple[str, ...], help: str) -> str:
        """Return one of `choices`."""

        def parse(raw: str) -> str:
            if raw not in choices:
                raise ValueError(raw)
            return raw

        return self._read(name, "one of " + ", ".join(choices), default, parse, help)

    def path(self, name: str, default: Path, help: str, *, shown: str = "") -> Path:
        """Return a file system path."""
        return self._read(name, "a path", default, lambda raw: Path(raw).expanduser(), help, shown=shown)

    def zone(self, name: str, default: str, help: str) -> str:
        """Return the name of an IANA time zone that exists."""

        def parse(raw: str) -> str:
            ZoneInfo(raw)
            return raw

        return self._read(name, "an IANA time zone such as Asia/Jakarta", default, parse, help)


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "1" if default else "0"
    if isinstance(default, list):
        return ",".join(default)
    return str(default)


def load_dotenv(path: Path) -> None:
    """Put NAME=value lines of a file into the environment; variables that are already set win."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ImproperlyConfigured(f"{path.name} line {number} is not NAME=value.")
        os.environ.setdefault(name.strip(), value.strip().strip("\"'"))
