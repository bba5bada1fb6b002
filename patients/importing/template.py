"""The empty list that a clinic fills by hand: headings, an example, notes, and choices for coded columns."""

from __future__ import annotations

import io

from patients import codes
from patients.importing.columns import COLUMNS
from patients.importing.values import ACCURACY_WORDS

ROWS = 5_000  # that get the text format and the choices
CHOICES = {
    "sex": ("L", "P"),
    "birth_accuracy": tuple(ACCURACY_WORDS),
    "guarantor": ("Umum", "BPJS", "Asuransi"),
    "blood_type": ("A", "B", "AB", "O", "A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"),
    **{name: tuple(row.label for row in codes.CODES[name]) for name in ("religion", "marital", "education")},
}


def template() -> bytes:
    """Return the workbook. All columns are text, so that a NIK keeps its digits; the example is in row 2 to be replaced."""
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Pasien"
    sheet.freeze_panes = "A2"
    choices = book.create_sheet("Pilihan")
    for at, column in enumerate(COLUMNS, start=1):
        letter = get_column_letter(at)
        sheet.column_dimensions[letter].width = column.width or max(14, len(column.heading) + 4)
        sheet.column_dimensions[letter].number_format = "@"
        head = sheet.cell(1, at, column.heading)
        head.font = Font(bold=True, color="FFFFFF")
        head.fill = PatternFill("solid", fgColor="B02A37" if column.is_needed else "0F6B66")
        head.alignment = Alignment(wrap_text=True, vertical="top")
        if column.note:
            head.comment = Comment(column.note, "EMR Batam Sehat")
        example = sheet.cell(2, at, column.example or None)
        example.number_format = "@"
        words = CHOICES.get(column.code)
        if words:
            for row, word in enumerate((column.heading, *words), start=1):
                choices.cell(row, at, word)
            rule = DataValidation(
                type="list", formula1=f"Pilihan!${letter}$2:${letter}${len(words) + 1}", allow_blank=True
            )
            rule.showErrorMessage = False
            rule.add(f"{letter}2:{letter}{ROWS}")
            sheet.add_data_validation(rule)
    notes = book.create_sheet("Petunjuk")
    for line in (
        ("Satu baris untuk satu pasien. Kolom merah wajib diisi; lainnya boleh kosong.",),
        ("Hapus contoh di baris 2 sebelum mengunggah.",),
        ("Jangan ubah format sel dari Teks: angka panjang seperti NIK akan dibulatkan oleh Excel.",),
        ("Judul kolom boleh diganti; artinya dapat dipilih sesudah berkas diunggah.",),
        (),
        ("Kolom", "Contoh", "Keterangan"),
        *((column.heading, column.example, column.note) for column in COLUMNS),
    ):
        notes.append(line)
    notes.column_dimensions["A"].width, notes.column_dimensions["C"].width = 30, 60
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
