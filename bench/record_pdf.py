"""How long the record of one patient takes as PDF, and how much memory, by the number of visits.

    python bench/record_pdf.py --database sqlite:////tmp/emr-record-bench.sqlite3 --visits 40,500,5000

Uses a database of its own, whose name must contain "bench". Each visit has a complaint, vital signs, a note with two
diagnoses and two hundred words. Time is wall and CPU of this process, memory the highest resident size so far, so sizes are
measured from small to large.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WORDS = (
    "Keluhan dirasakan sejak beberapa hari, hilang timbul, tidak disertai demam; pemeriksaan fisik dalam batas normal. "
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--visits", default="40,500,5000")
    options = parser.parse_args()
    if "bench" not in options.database:
        parser.error("the name of the database must contain 'bench'")
    os.environ["DATABASE_URL"] = options.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "emr.settings.test"
    import django

    django.setup()
    from django.core.management import call_command

    from patients.models import Patient
    from workspace.record_pdf import RecordWish, record_pdf

    call_command("migrate", verbosity=0)
    reader = admin()
    print(f"{'visits':>8} {'wall s':>8} {'cpu s':>8} {'ms/visit':>9} {'pages kB':>9} {'peak MB':>8}")
    for count in sorted(int(part) for part in options.visits.split(",")):
        made = make(count)
        patient = Patient.objects.for_header().get(pk=made.pk)
        wall, cpu = time.monotonic(), time.process_time()
        content = record_pdf(patient=patient, reader=reader, wish=RecordWish())
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{count:8} {wall:8.2f} {cpu:8.2f} {cpu / count * 1000:9.1f} {len(content) / 1024:9.0f} {peak:8.0f}")
    return 0


def admin():
    from accounts.access import Role
    from accounts.models import User
    from tests.factories.accounts import UserFactory

    return User.objects.filter(username="bench.admin").first() or UserFactory(
        username="bench.admin", roles=[Role.ADMIN], full_name="Admin Bench"
    )


def make(count: int):
    """Return a patient with so many visits, written in bulk."""
    from accounts.models import User
    from consultations.models import Diagnosis, Note, VitalSigns
    from core import clock
    from core.ids import uuid7
    from scheduling.models import Service, Visit
    from tests.factories.accounts import DoctorFactory
    from tests.factories.patients import PatientFactory
    from tests.factories.scheduling import ServiceFactory

    patient = PatientFactory(full_name=f"Pasien {count} Kunjungan")
    doctor = User.objects.filter(username="bench.doctor").first() or DoctorFactory(username="bench.doctor")
    service = Service.objects.first() or ServiceFactory()
    now = clock.now()
    visits, notes, diagnoses, vitals = [], [], [], []
    for at in range(count):
        when = now - timedelta(days=at)
        visit = Visit(
            id=uuid7(), number=f"B{count}/{at:06d}", patient=patient, doctor=doctor, service=service, price_idr=100_000,
            complaint="Batuk pilek", visit_on=clock.local(when).date(), status="finished", arrived_at=when,
            finished_at=when, checked_in_by=doctor,
        )  # fmt: skip
        note = Note(
            id=uuid7(), visit=visit, patient=patient, author=doctor, subjective=WORDS * 4, objective=WORDS * 4,
            assessment=WORDS, plan=WORDS * 2, status="signed", created_at=when, updated_at=when, signed_at=when,
        )  # fmt: skip
        visits.append(visit)
        notes.append(note)
        diagnoses += [
            Diagnosis(id=uuid7(), note=note, patient=patient, system="icd10", edition="2010", code=code, display=name,
                      rank="primary", position=place)
            for place, (code, name) in enumerate((("J06.9", "Infeksi saluran napas atas akut"), ("R05", "Batuk")))
        ]  # fmt: skip
        vitals.append(
            VitalSigns(id=uuid7(), visit=visit, patient=patient, systolic_mmhg=120, diastolic_mmhg=80, heart_rate_bpm=80,
                       weight_kg=60, recorded_at=when, recorded_by=doctor)
        )  # fmt: skip
    for model, rows in ((Visit, visits), (Note, notes), (Diagnosis, diagnoses), (VitalSigns, vitals)):
        model.objects.bulk_create(rows, batch_size=500)
    return patient


if __name__ == "__main__":
    raise SystemExit(main())
