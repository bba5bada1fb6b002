"""What the columns of a file can mean, and how the headings of other systems are recognised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Column:
    """One thing a column can be. `heading` is what our own template and exports write: Indonesian, like the files."""

    code: str
    heading: str
    label: str | Promise
    also: str = ""  # further headings, divided by |
    example: str = ""
    note: str = ""  # what the template says about it, Indonesian
    is_needed: bool = False
    is_identity: bool = True  # shown masked
    width: int | None = None  # of its column in a workbook, in letters; None: as its heading


COLUMNS: tuple[Column, ...] = (
    Column(
        "old_record",
        "No. RM lama",
        _("Old record number"),
        "no rkm medis|norm|no rm|nomor rekam medis|nomor rm|no rekam medis|rm|mrn|record number|no mr|medical record number",
        "012345",
        "Nomor rekam medis di sistem atau kertas lama; tetap bisa dicari.",
    ),
    Column(
        "full_name",
        "Nama lengkap",
        _("Full name"),
        "nm pasien|nama|nama pasien|nama lengkap pasien|name|full name|pasien|nama sesuai ktp",
        "Siti Aminah",
        "Sesuai KTP. Gelar dipisahkan sendiri.",
        is_needed=True,
        width=36,
    ),
    Column(
        "nik",
        "NIK",
        _("NIK"),
        "no ktp|nomor ktp|ktp|no identitas|nomor induk kependudukan|no nik|nik pasien",
        "2171015203850001",
        "16 angka; format sel harus Teks.",
        width=20,
    ),
    Column(
        "birth_place",
        "Tempat lahir",
        _("Place of birth"),
        "tmp lahir|tempat|birth place|tmplahir|kota lahir",
        "Batam",
        width=20,
    ),
    Column(
        "birth_date",
        "Tanggal lahir",
        _("Date of birth"),
        "tgl lahir|tanggal lahir pasien|birth date|dob|date of birth|lahir",
        "12/03/1985",
        "DD/MM/YYYY.",
        is_needed=True,
    ),
    Column(
        "birth_accuracy",
        "Perkiraan",
        _("How far the date of birth is known"),
        "perkiraan tanggal lahir|ketepatan tanggal lahir|birth accuracy",
        "",
        "Kosong bila tanggal lahir pasti; bulan bila hanya bulan dan tahun, tahun bila hanya tahun, atau perkiraan.",
        is_identity=False,
    ),
    Column(
        "age",
        "Umur",
        _("Age in years (when the date of birth is not known)"),
        "usia|age|umur tahun",
        "",
        "Hanya bila tanggal lahir tidak diketahui.",
    ),
    Column(
        "sex",
        "Jenis kelamin",
        _("Sex"),
        "jk|jns kelamin|kelamin|sex|gender|l p|lp|j k",
        "P",
        "L atau P.",
        is_identity=False,
    ),
    Column(
        "mother_name",
        "Nama ibu kandung",
        _("Mother's name"),
        "nm ibu|ibu|nama ibu|ibu kandung|mother name|mother",
        "Rohani",
        width=30,
    ),
    Column(
        "phone",
        "No. HP",
        _("Phone"),
        "no tlp|no telp|telepon|telp|hp|no telepon|nomor hp|nomor telepon|phone|no wa|whatsapp|mobile|tlp",
        "081234567890",
        width=18,
    ),
    Column("home_phone", "Telepon rumah", _("Home phone"), "telp rumah|no telp rumah|home phone", width=18),
    Column("email", "Email", _("E-mail"), "surel|email pasien|alamat email", "siti@contoh.id", width=32),
    Column(
        "address",
        "Alamat",
        _("Address (street and number)"),
        "alamat pasien|alamat ktp|alamat lengkap|jalan|address|alamat rumah",
        "Jl. Melati No. 3",
        width=44,
    ),
    Column("rt", "RT", "RT", "no rt", "001"),
    Column("rw", "RW", "RW", "no rw", "002"),
    Column(
        "village",
        "Kelurahan/desa",
        _("Village"),
        "kelurahan|kelurahanpj|desa|nm kel|nama kelurahan|kel|village",
        "Baloi Permai",
        width=24,
    ),
    Column(
        "district",
        "Kecamatan",
        _("District"),
        "nm kec|nama kecamatan|kec|district|kecamatanpj",
        "Batam Kota",
        width=24,
    ),
    Column(
        "regency",
        "Kabupaten/kota",
        _("Regency or city"),
        "kabupaten|kota|nm kab|nama kabupaten|kab|city|kabupatenpj",
        "Kota Batam",
        width=24,
    ),
    Column(
        "province",
        "Provinsi",
        _("Province"),
        "nm prop|propinsi|prov|province|propinsipj",
        "Kepulauan Riau",
        width=22,
    ),
    Column(
        "region_code",
        "Kode wilayah",
        _("Region code (Home Affairs)"),
        "kode kelurahan|kode desa|region code|kode kemendagri",
        "",
        "Kode Kemendagri, dengan atau tanpa titik.",
        is_identity=False,
    ),
    Column("postal_code", "Kode pos", _("Postal code"), "kodepos|postal code|zip", "29463"),
    Column(
        "religion",
        "Agama",
        _("Religion"),
        "religion",
        "Islam",
        "Kode atau nama menurut KMK 1423/2022.",
        is_identity=False,
    ),
    Column(
        "marital",
        "Status perkawinan",
        _("Marital status"),
        "stts nikah|status nikah|status kawin|pernikahan|status pernikahan|marital status|nikah",
        "Kawin",
        is_identity=False,
    ),
    Column("education", "Pendidikan", _("Education"), "pnd|education|pendidikan terakhir", "SLTA", is_identity=False),
    Column(
        "occupation",
        "Pekerjaan",
        _("Occupation"),
        "pekerjaanpasien|kerja|occupation|job|pekerjaan pasien",
        "Karyawan swasta",
        is_identity=False,
        width=28,
    ),
    Column(
        "blood_type",
        "Golongan darah",
        _("Blood type"),
        "gol darah|goldar|gol drh|blood type|darah",
        "O+",
        is_identity=False,
    ),
    Column(
        "guarantor",
        "Penjamin",
        _("Payer"),
        "png jawab|penjamin pasien|cara bayar|jenis bayar|kd pj|asuransi|payer|penanggung",
        "BPJS",
        "Umum, BPJS atau nama asuransi.",
        is_identity=False,
    ),
    Column(
        "bpjs_number",
        "No. BPJS",
        _("BPJS number"),
        "no peserta|nomor bpjs|bpjs|no kartu bpjs|no jkn|nokartu|no kartu|nomor kartu bpjs",
        "0001234567890",
        "13 angka; format sel harus Teks.",
        width=18,
    ),
    Column(
        "nationality",
        "Kewarganegaraan",
        _("Nationality"),
        "kebangsaan|warga negara|nationality|negara",
        "ID",
        "ID, atau kode negara dua huruf.",
        is_identity=False,
    ),
    Column(
        "passport",
        "Paspor",
        _("Passport"),
        "no paspor|passport|passport number|nomor paspor",
        "",
        "Untuk warga negara asing.",
    ),
    Column("family_card", "No. KK", _("Family card (KK)"), "kk|nomor kk|kartu keluarga|no kartu keluarga"),
    Column("ethnicity", "Suku", _("Ethnic group"), "suku bangsa|ethnicity|nama suku bangsa", "", is_identity=False),
    Column(
        "spoken_languages",
        "Bahasa",
        _("Languages spoken"),
        "bahasa yang dikuasai|nama bahasa|language|languages",
        "",
        is_identity=False,
    ),
    Column(
        "contact_name",
        "Nama penanggung jawab",
        _("Person responsible: name"),
        "namakeluarga|nm keluarga|nama keluarga|penanggung jawab|nama pj|nama penanggungjawab",
        width=30,
    ),
    Column(
        "contact_relation",
        "Hubungan penanggung jawab",
        _("Person responsible: relation"),
        "keluarga|hubungan|hubungan keluarga",
        "",
        "Suami/istri, orang tua, anak, saudara.",
        is_identity=False,
    ),
    Column(
        "contact_phone",
        "HP penanggung jawab",
        _("Person responsible: phone"),
        "no telp pj|hp pj|telepon keluarga|hp keluarga",
    ),
)
BY_CODE = {column.code: column for column in COLUMNS}
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def folded(heading: str) -> str:
    """Return a heading as it is compared: "No_RKM-Medis" and "no rkm medis" are the same."""
    plain = unicodedata.normalize("NFKD", heading).lower()
    return _NOT_LETTERS.sub("", plain)


_KNOWN = {
    folded(name): column.code
    for column in reversed(COLUMNS)
    for name in (column.code, column.heading, *column.also.split("|"))
    if name
}


def recognise(headings: Sequence[str]) -> dict[int, str]:
    """Return which column is which field, as far as the headings say; each field once, the first column that says so."""
    found: dict[int, str] = {}
    for at, heading in enumerate(headings):
        code = _KNOWN.get(folded(heading))
        if code and code not in found.values():
            found[at] = code
    return found


def has_heading(first_row: Sequence[str]) -> bool:
    """True when the first row looks like names of columns and not like a person."""
    if len(recognise(first_row)) >= 2:
        return True
    return not any(any(letter.isdigit() for letter in cell) for cell in first_row)


def repeated(headings: Iterable[str]) -> list[str]:
    """Return the headings that stand over more than one column."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for heading in headings:
        name = folded(heading)
        if name and name in seen:
            twice[heading] = None
        seen.add(name)
    return list(twice)


def masked(value: str) -> str:
    """Return a value as a preview shows it: the first two signs of each word, the rest as dots."""
    return " ".join(word[:2] + "•" * min(8, max(0, len(word) - 2)) for word in value.split())
