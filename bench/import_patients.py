"""How long a list of patients takes to check and import, and to export again, and how much memory that needs.

    python bench/import_patients.py --database sqlite:////tmp/emr-bench-import.sqlite3 --rows 100000
    python bench/import_patients.py --database mysql://root@127.0.0.1:3306/emr_bench_import --rows 100000

Uses a database of its own, whose name must contain "bench"; it is emptied first. Each part runs in a process of its own, so
that its peak memory is its own. The people are those of `tests/factories/names.py`.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PARTS = ("write", "prepare", "upload", "check", "import", "export")
HEADINGS = ["no_rkm_medis", "nm_pasien", "no_ktp", "jk", "tmp_lahir", "tgl_lahir", "nm_ibu", "alamat", "rt", "rw", "kelurahan",
            "kecamatan", "kota", "gol_darah", "pekerjaan", "stts_nikah", "agama", "no_tlp", "pnd", "namakeluarga", "keluarga",
            "kd_pj", "no_peserta"]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--part", choices=PARTS, help="only this part, in this process")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/emr-bench-import"))
    options = parser.parse_args()
    if "bench" not in options.database:
        parser.error("the name of the database must contain 'bench'")
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.part is None:
        for part in PARTS:
            arguments = ["--database", options.database, "--rows", str(options.rows), "--folder", str(options.folder)]
            done = subprocess.run([sys.executable, __file__, *arguments, "--part", part], check=False)
            if done.returncode:
                return done.returncode
        return 0
    os.environ["DATABASE_URL"] = options.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "emr.settings.test"
    import django

    django.setup()
    from django.conf import settings

    settings.STORAGES["files"] = {
        "BACKEND": "core.files_local.LocalFiles", "OPTIONS": {"location": options.folder / "files"}
    }  # fmt: skip
    began, cpu = time.perf_counter(), time.process_time()
    said = globals()[f"do_{options.part}"](options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - began
    print(f"{options.part:8} {seconds:7.1f} s, {time.process_time() - cpu:7.1f} s CPU, peak {peak:5.0f} MB  {said or ''}",
          flush=True)  # fmt: skip
    return 0


def do_write(options: argparse.Namespace) -> str:
    """Write the list."""
    from tests.factories.names import person

    path = options.folder / "pasien.csv"
    villages = ["Baloi Permai", "Belian", "Sukajadi", "Tanjung Sengkuang", "Sungai Jodoh", "Tiban Lama"]
    districts = ["Batam Kota", "Batam Kota", "Batam Kota", "Batu Ampar", "Batu Ampar", "Sekupang"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for number in range(1, options.rows + 1):
            one, at = person(number), number % 6
            writer.writerow([
                f"{number:06d}", one.full_name.upper(), one.nik or "-", "LP"[number % 2], "BATAM", one.birth_date.isoformat(),
                person(number + 500_000).full_name, f"Jl. Melati No. {number % 200}", number % 20 + 1, number % 9 + 1,
                villages[at], districts[at], "Kota Batam", "OAB-"[number % 4], "SWASTA", "MENIKAH", "ISLAM", one.phone or "",
                "SMA", person(number + 700_000).full_name, "SAUDARA", "BPJS" if one.bpjs_number else "UMUM", one.bpjs_number,
            ])  # fmt: skip
    return f"{path.stat().st_size / 1e6:.1f} MB"


def do_prepare(options: argparse.Namespace) -> str:
    """Make an empty database."""
    from django.core.management import call_command
    from django.db import connection

    values = connection.settings_dict
    if connection.vendor == "mysql":
        import MySQLdb

        server = MySQLdb.connect(
            host=values["HOST"], port=int(values["PORT"] or 3306), user=values["USER"], password=values["PASSWORD"]
        )
        server.cursor().execute(f"DROP DATABASE IF EXISTS {values['NAME']}")
        server.cursor().execute(f"CREATE DATABASE {values['NAME']} CHARACTER SET utf8mb4")
        server.close()
    else:
        for ending in ("", "-wal", "-shm"):
            Path(f"{values['NAME']}{ending}").unlink(missing_ok=True)
    call_command("migrate", verbosity=0)
    from accounts.access import Role
    from accounts.models import RoleAssignment, User

    user = User.objects.create(username="bench", email="bench@klinik.example", full_name="Bench", language="en")
    RoleAssignment.objects.create(user=user, role=Role.ADMIN)
    return ""


def do_upload(options: argparse.Namespace) -> str:
    from patients.services import imports

    data = (options.folder / "pasien.csv").read_bytes()
    source = imports.upload(data=data, name="pasien.csv", actor=_user())
    mapping = {int(at): code for at, code in source.mapping.items()}
    imports.set_mapping(import_id=source.pk, actor=_user(), mapping=mapping, has_heading=True)
    return f"{len(mapping)} columns recognised"


def do_check(options: argparse.Namespace) -> str:
    from jobs import runner
    from patients.models import PatientImport

    source = PatientImport.objects.latest("pk")
    job = runner.run_to_end(source.check_job_id)
    return f"{job.state}: {job.summary or job.error}"


def do_import(options: argparse.Namespace) -> str:
    from jobs import runner
    from patients.models import Patient, PatientImport, PatientToken
    from patients.services import imports

    source = imports.start(import_id=PatientImport.objects.latest("pk").pk, actor=_user())
    job = runner.run_to_end(source.import_job_id)
    job.refresh_from_db()
    return f"{job.state}: {job.summary or job.error} {Patient.objects.count():,} patients, {PatientToken.objects.count():,} tokens"


def do_export(options: argparse.Namespace) -> str:
    from jobs import runner, services
    from patients.services import exports

    job = services.request(
        kind=exports.EXPORT, actor=_user(), parameters=exports.parameters(columns=list(exports.COLUMNS), reason="other")
    )
    job = runner.run_to_end(job.pk)
    return (
        f"{job.state}: {job.summary or job.error} {job.result.size / 1e6:.1f} MB"
        if job.result
        else f"{job.state} {job.error}"
    )


def _user():
    from accounts.models import User

    return User.objects.get(username="bench")


if __name__ == "__main__":
    raise SystemExit(main())
