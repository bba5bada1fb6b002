"""Keep locale/id complete: `extract` refreshes the catalogue, `missing` lists what waits, `fill FILE` takes translations.

FILE has one line an entry: the number that `missing` printed, a bar, the Indonesian text. Needs the gettext tools for
`extract` only.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "id" / "LC_MESSAGES" / "django.po"
IGNORED = (".venv*", "var", "tests", "bench", "tools")


def extract() -> None:
    """Bring the catalogue up to date with the sources; changed texts lose their translation instead of turning fuzzy."""
    ignore = [part for pattern in IGNORED for part in ("-i", pattern)]
    command = [
        sys.executable,
        "manage.py",
        "makemessages",
        "-l",
        "id",
        "--no-location",
        "--no-wrap",
        "--no-obsolete",
        *ignore,
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    catalogue = polib.pofile(str(CATALOGUE), wrapwidth=0)
    for entry in catalogue:
        if entry.fuzzy:
            entry.flags.remove("fuzzy")
            entry.msgstr, entry.msgstr_plural = "", dict.fromkeys(entry.msgstr_plural, "")
            entry.previous_msgid = entry.previous_msgid_plural = entry.previous_msgctxt = None
    catalogue.metadata = {
        "Project-Id-Version": "EMR Batam Sehat", "MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit", "Language": "id", "Plural-Forms": "nplurals=1; plural=0;",
    }  # fmt: skip
    catalogue.save(str(CATALOGUE))


def missing() -> list[polib.POEntry]:
    """Return entries without a translation, in catalogue order."""
    return polib.pofile(str(CATALOGUE), wrapwidth=0).untranslated_entries()


def fill(path: Path) -> int:
    """Put the translations of `path` into the catalogue; returns how many."""
    catalogue = polib.pofile(str(CATALOGUE), wrapwidth=0)
    waiting = catalogue.untranslated_entries()
    filled = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        number, bar, text = line.partition("|")
        if not bar:
            continue
        entry = waiting[int(number)]
        text = text.replace("\\n", "\n")
        if entry.msgid_plural:
            entry.msgstr_plural = {0: text}
        else:
            entry.msgstr = text
        filled += 1
    catalogue.save(str(CATALOGUE))
    return filled


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["extract"]:
            extract()
        case ["missing"]:
            for number, entry in enumerate(missing()):
                plural = f" || {entry.msgid_plural}" if entry.msgid_plural else ""
                context = f"[{entry.msgctxt}] " if entry.msgctxt else ""
                print(f"{number} {context}{entry.msgid}{plural}".replace("\n", "\\n"))
        case ["fill", name]:
            print(fill(Path(name)), "filled,", len(missing()), "missing")
        case _:
            raise SystemExit(__doc__)
