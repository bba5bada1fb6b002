"""What the demo clinic has not got and the new pages are about: waiting requests, alerts, an account without record."""

from __future__ import annotations

import json

from tests.journeys.clinic import Clinic

NEWCOMER = "ns.baru"  # has a password and no second step yet
NEWCOMER_PASSWORD = "Empat kata baru di pintu 9"

PREPARE = f"""
from datetime import timedelta
from accounts import factor_resets
from accounts.models import RoleAssignment, User
from consultations.models import Note
from core import clock
from patients import services as patients
from patients.guardians import is_minor
from patients.models import GuardianLink, Patient, PortalRegistration
from patients.services.emergency import start_emergency_access
from reports.models import AccessAlert

def who(name):
    return User.objects.get(username=name)

if not User.objects.filter(username="{NEWCOMER}").exists():
    new = User.objects.create_user(
        "{NEWCOMER}", "baru@klinik.example", "{NEWCOMER_PASSWORD}", full_name="Baru Sekali", kind="staff"
    )
    RoleAssignment.objects.create(user=new, role="nurse")

    lost = User.objects.create_user("hilang", "hilang@surat.example", None, full_name="Hilang Rekamnya", kind="patient")
    RoleAssignment.objects.create(user=lost, role="patient")
    PortalRegistration.objects.create(
        user=lost, full_name="Hilang Rekamnya", birth_date=clock.today() - timedelta(days=12000), sex="female",
        phone="+6281270009999", status="activated", created_at=clock.now(),
    )

    factor_resets.request_reset(user_id=who("kasir").pk, actor=who("admin"), reason="Ponsel jatuh ke laut kemarin")

    fadli = who("dr.fadli")
    mine = Patient.objects.readable_by(fadli).values("pk")
    stranger = Patient.objects.filter(pk__in=Note.objects.filter(status="signed").values("patient")).exclude(pk__in=mine)
    start_emergency_access(
        patient_id=stranger.order_by("-record_number").first().pk, actor=fadli, reason_code="unconscious",
        reason_text="Pingsan di lobi, tidak ada yang mengantar",
    )

    now = clock.now()
    for kind, name, count in (("many_charts", "dr.rina", 61), ("off_hours", "ns.dewi", 12), ("refusals", "kasir", 9)):
        AccessAlert.objects.create(
            kind=kind, actor=who(name), window="scene", count=count, since=now - timedelta(hours=1), until=now
        )

    guardian = who("pasien")
    children = [one for one in Patient.objects.filter(user=None).order_by("record_number")[:150] if is_minor(one)]
    patients.add_link(
        guardian_id=guardian.pk, dependant_id=children[0].pk, relationship="PRN", proof="family_card",
        actor=who("resepsionis"),
    )
    patients.request_link(
        guardian=guardian, full_name=children[1].full_name, birth_date=children[1].birth_date, relationship="PRN"
    )
answer = str(GuardianLink.objects.count())
"""


def prepare(clinic: Clinic) -> None:
    """Set the scenes, once; the newcomer's sign-in stands on the page of the door like those of the demo."""
    clinic.read(PREPARE)
    path = clinic.directory / "demo-sign-ins.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    if all(row["username"] != NEWCOMER for row in rows):
        entry = {
            "door": "staff",
            "username": NEWCOMER,
            "password": NEWCOMER_PASSWORD,
            "name": "Baru Sekali",
            "role": "Perawat",
        }
        path.write_text(json.dumps([*rows, entry], ensure_ascii=False), encoding="utf-8")
