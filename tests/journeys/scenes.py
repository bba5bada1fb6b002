"""What the demo clinic has not got and some pages are about: waiting requests, alerts, an account without record, a list
that is imported, a failure, records past their time."""

from __future__ import annotations

import json

from tests.journeys.clinic import Clinic

NEWCOMER = "ns.baru"  # has a password and no second step yet
NEWCOMER_PASSWORD = "Empat kata baru di pintu 9"
PATIENT_SHEET = (
    "no_rkm_medis,nm_pasien,tgl_lahir,no_ktp,jk\n"
    "A-0077,Lama Sekali Dikenal,1985-03-12,,P\n"
    "A-0078,Lama Keliru Tanggal,1985-02-30,,L\n"
    "A-0079,,1990-01-01,2171,L\n"
)

PREPARE = f"""
from datetime import timedelta
from accounts import factor_resets
from accounts.models import RoleAssignment, User
from core.ids import uuid7
from consultations.models import Note
from core import clock
from patients import services as patients
from patients.guardians import is_minor
from patients.models import GuardianLink, Patient, PortalRegistration, RetentionProposal
from patients.services import breaches, drafts, imports
from patients.services.emergency import start_emergency_access
from reports.models import AccessAlert
from scheduling import services as scheduling
from scheduling.models import Appointment, Service, Slot

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

    service = Service.objects.filter(practice_sessions__slots__in=Slot.objects.bookable(clock.now())).first()
    booked = Appointment.objects.filter(patient=guardian.patient, slot__starts_at__gt=clock.now())
    after = max([clock.local(row.slot.starts_at).date() for row in booked], default=clock.today())
    for far in (1, 40):  # one that is offered a time after those that are booked, one that waits
        first = after + timedelta(days=far)
        scheduling.join_waitlist(
            patient_id=guardian.patient.pk, service_id=service.pk, actor=guardian, first_on=first,
            last_on=first + timedelta(days=14),
        )
    scheduling.offer_free_times(clock.now())

    drafts.save_draft(user=who("resepsionis"), draft_id=uuid7(), fields={{"full_name": "Setengah Jadi"}})
    source = imports.upload(data={PATIENT_SHEET!r}.encode(), name="pasien-lama.csv", actor=who("admin"))
    columns = {{0: "old_record", 1: "full_name", 2: "birth_date", 3: "nik", 4: "sex"}}
    imports.set_mapping(import_id=source.pk, actor=who("admin"), mapping=columns, has_heading=True)
    imports.upload(data={PATIENT_SHEET!r}.replace("Lama", "Baru").encode(), name="pasien-baru.csv", actor=who("admin"))

    lost = breaches.record_breach(
        actor=who("admin"), title="Laptop pendaftaran hilang", discovered_at=now - timedelta(hours=20),
        data_kinds=["identity"], course="Dicuri dari mobil di parkiran", measures="Sandi diganti, kunci ditarik", risk="high",
    )
    known = list(Patient.objects.order_by("record_number")[:5])
    breaches.add_affected(
        breach_id=lost.pk, actor=who("admin"), patient_ids=[one.pk for one in known], source="numbers"
    )
    RetentionProposal.objects.create(
        patient=known[-1], last_used_on=clock.today() - timedelta(days=9200), due_on=clock.today() - timedelta(days=60),
        proposed_at=now,
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
