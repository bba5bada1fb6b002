"""Lists of patients as other systems write them, for tests. Everybody in them is invented."""

from __future__ import annotations

import csv
import io
from typing import Any

KHANZA = ["no_rkm_medis", "nm_pasien", "no_ktp", "jk", "tmp_lahir", "tgl_lahir", "nm_ibu", "alamat", "gol_darah", "pekerjaan",
          "stts_nikah", "agama", "no_tlp", "pnd", "keluarga", "namakeluarga", "kd_pj", "no_peserta"]  # fmt: skip


def nik(number: int, *, born: str = "120385") -> str:
    return f"217101{born}{number:04d}"


def khanza(number: int, name: str, **changes: Any) -> dict[str, str]:
    """One row as SIMRS Khanza exports it."""
    row = {
        "no_rkm_medis": f"{number:06d}", "nm_pasien": name, "no_ktp": nik(number), "jk": "L", "tmp_lahir": "BATAM",
        "tgl_lahir": "1985-03-12", "nm_ibu": "ROHANI", "alamat": "Jl. Melati No. 3", "gol_darah": "O", "pekerjaan": "SWASTA",
        "stts_nikah": "MENIKAH", "agama": "ISLAM", "no_tlp": f"08123456{number:04d}", "pnd": "SMA", "keluarga": "ISTRI",
        "namakeluarga": "Rina", "kd_pj": "UMUM", "no_peserta": "",
    }  # fmt: skip
    return {**row, **{name: str(value) for name, value in changes.items()}}


def csv_bytes(rows: list[dict[str, str]], *, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_bytes(rows: list[list[Any]], **sheets: Any) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


NAMES = (
    "SITI AMINAH", "BUDI SANTOSO", "AGUS SETIAWAN", "DEWI LESTARI", "RINA MARLINA", "JOKO SUSILO", "MARIA TAMBUNAN",
    "HENDRA WIJAYA", "FITRI HANDAYANI", "YOHANES SITORUS", "NURUL HIDAYAH", "LIM MEI LING",
)  # fmt: skip


def people(count: int) -> list[dict[str, str]]:
    """Different people: another name, NIK, telephone and birth date each."""
    return [
        khanza(
            number,
            f"{NAMES[number % len(NAMES)]} {chr(65 + number // 26 % 26)}{chr(65 + number % 26)}PUTRA",
            no_ktp=nik(number, born=f"{number % 28 + 1:02d}{number % 12 + 1:02d}{number % 40 + 50:02d}"),
            tgl_lahir=f"{1950 + number % 40}-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        )
        for number in range(1, count + 1)
    ]
