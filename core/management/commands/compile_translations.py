"""Compile the translation catalogues, without the gettext tools."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|(?<!%)%[sd]")


class Command(BaseCommand):
    help = "Compile locale/*/LC_MESSAGES/*.po that changed; with --check, only say what is missing, fuzzy or broken."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="compile nothing; fail on an incomplete catalogue")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        catalogues = sorted(
            path for folder in settings.LOCALE_PATHS for path in Path(folder).glob("*/LC_MESSAGES/*.po")
        )
        if check:
            self._check(catalogues)
            return
        compiled = sum(compile_catalogue(path) for path in catalogues)
        if options["verbosity"] > 0 and compiled:
            self.stdout.write(f"{compiled} translation file(s) compiled.")

    def _check(self, catalogues: list[Path]) -> None:
        languages = {path.parent.parent.name for path in catalogues}
        problems = [
            f"There is no catalogue for {code}. Make one with makemessages."
            for code, _name in settings.LANGUAGES
            if code != "en" and code not in languages  # source strings are English
        ]
        for path in catalogues:
            problems += [f"{path.parent.parent.name}/{path.name}: {problem}" for problem in problems_of(path)]
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write(f"{len(catalogues)} translation file(s) are complete.")


def compile_catalogue(path: Path) -> bool:
    """Write the .mo beside a .po; False when it is newer than its source already."""
    target = path.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime >= path.stat().st_mtime:
        return False
    polib.pofile(str(path)).save_as_mofile(str(target))
    return True


def problems_of(path: Path) -> list[str]:
    """Return one sentence for each entry that is untranslated, fuzzy, or loses or invents a placeholder."""
    found = []
    for entry in polib.pofile(str(path)):
        if entry.obsolete:
            continue
        shown = entry.msgid[:60].replace("\n", " ")
        if entry.fuzzy:
            found.append(f"fuzzy: {shown}")
        elif not entry.translated():
            found.append(f"not translated: {shown}")
        elif not _placeholders_match(entry):
            found.append(f"other placeholders than the source: {shown}")
    return found


def _placeholders_match(entry: polib.POEntry) -> bool:
    """The singular of a source may leave the number out, so the plural's placeholders are the most there may be."""
    allowed = set(_PLACEHOLDER.findall(entry.msgid_plural or entry.msgid)) | set(_PLACEHOLDER.findall(entry.msgid))
    texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if entry.msgid_plural:
        return all(set(_PLACEHOLDER.findall(text)) <= allowed for text in texts)
    return all(set(_PLACEHOLDER.findall(text)) == allowed for text in texts)
