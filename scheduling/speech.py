"""What the voice of the board says: a called number and its place as a list of audio clips. Pure; no I/O."""

from __future__ import annotations

from scheduling.models import Stage, Station

UNITS = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")
PLACE_OF_STAGE = {
    Stage.REGISTRATION: Station.Spoken.REGISTRATION,
    Stage.NURSE: Station.Spoken.NURSE,
    Stage.DOCTOR: "ruang-dokter",
    Stage.LABORATORY: Station.Spoken.LABORATORY,
    Stage.RADIOLOGY: Station.Spoken.RADIOLOGY,
    Stage.PHARMACY: Station.Spoken.PHARMACY,
    Stage.CASHIER: Station.Spoken.CASHIER,
}
LETTERS = tuple(f"huruf-{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
CLIPS = (
    "chime",
    "nomor-antrean",
    "nomor",
    "silakan-ke",
    *UNITS,
    "sepuluh",
    "sebelas",
    "belas",
    "puluh",
    "seratus",
    "ratus",
    *dict.fromkeys(str(place) for place in (*Station.Spoken.values, *PLACE_OF_STAGE.values())),
    *LETTERS,
)


def number_words(number: int) -> list[str]:
    """Return 0 to 999 in Indonesian words, one clip a word: 112 is seratus, dua, belas.

    Raises:
        ValueError: any other number.
    """
    if not 0 <= number <= 999:
        raise ValueError(number)
    if number < 10:
        return [UNITS[number]]
    if number < 20:
        return {10: ["sepuluh"], 11: ["sebelas"]}.get(number) or [UNITS[number - 10], "belas"]
    if number < 100:
        tens, rest = divmod(number, 10)
        return [UNITS[tens], "puluh", *(number_words(rest) if rest else [])]
    hundreds, rest = divmod(number, 100)
    return [*(["seratus"] if hundreds == 1 else [UNITS[hundreds], "ratus"]), *(number_words(rest) if rest else [])]


def label_words(label: str) -> list[str]:
    """Return a queue number letter by letter, then its number with the zeros before it: A-012 is A, nol, dua belas.

    Above 999 the number is read digit by digit. Signs that have no clip are passed over.
    """
    prefix, _dash, digits = label.rpartition("-")
    words = [f"huruf-{letter}" for letter in prefix.lower() if "a" <= letter <= "z"]
    digits = "".join(digit for digit in digits if digit in "0123456789")
    if len(digits) > 3:
        return words + [UNITS[int(digit)] for digit in digits]
    significant = digits.lstrip("0")
    words += ["nol"] * (len(digits) - len(significant))
    return words + (number_words(int(significant)) if significant else [])


def call_clips(label: str, *, place: str = "", place_number: int | None = None) -> list[str]:
    """Return the clips of one call in their order: "nomor antrean A nol dua belas, silakan ke ruang nomor tiga".

    `place` is a `Station.Spoken` or a value of `PLACE_OF_STAGE`; without one the number alone is said.
    """
    clips = ["nomor-antrean", *label_words(label)]
    if place in CLIPS:
        clips += ["silakan-ke", str(place)]
        if place_number is not None and 0 < place_number <= 999:
            clips += ["nomor", *number_words(place_number)]
    return clips
