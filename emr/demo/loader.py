"""Builds the demo clinic from a fixed seed, without network: the same seed on the same day gives the same clinic."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

import audit
from accounts.access import Role
from accounts.models import RoleAssignment, StaffProfile, TotpDevice, User
from consultations.models import DiagnosisCode
from consultations.services import import_codes
from core import clock, keys_index
from core.models import Counter
from emr.demo.absences import Absences
from emr.demo.agreements import Agreements
from emr.demo.basics import Basics
from emr.demo.bookings import Bookings
from emr.demo.content import document, records
from emr.demo.doubles import Doubles
from emr.demo.history import History, Team
from emr.demo.papers import Papers
from emr.demo.people import Person, Population
from emr.demo.registration import Registration
from emr.demo.reminders import Reminders
from emr.demo.rights import Rights
from emr.demo.screens import Screens
from emr.demo.shelves import Shelves
from emr.demo.stations import Stations
from emr.demo.today import Today
from patients import substances
from patients.models import Allergy, Patient
from patients.search import fill_blind_columns, write_tokens_of
from patients.services import submit_registration
from pharmacy.models import Medicine
from scheduling.models import Service

SEED = 20260305
PATIENTS = 300
MONTHS = 12
PORTAL_SHARE = 0.15
PATIENTS_OF_TODAY = 6  # who may need the same medicine today
DEMO_PASSWORD_FILE = "demo-sign-ins.json"  # noqa: S105 - a file name
ROLE_LABELS = {
    "admin": "Admin", "owner": "Pemilik", "doctor": "Dokter", "nurse": "Perawat", "receptionist": "Resepsionis",
    "cashier": "Kasir", "pharmacist": "Apoteker", "lab_officer": "Petugas laboratorium", "patient": "Pasien",
}  # fmt: skip


class AlreadyLoaded(Exception):
    """There are patients in this database."""


def load(
    *, seed: int = SEED, patients: int = PATIENTS, months: int = MONTHS, say: Callable[[str], None] = print
) -> None:
    """Fill an empty database with Klinik Batam Sehat and write the sign-ins for the demo banner.

    One transaction: a load that is killed leaves nothing behind.

    Raises:
        AlreadyLoaded: there are patients already; nothing was changed.
    """
    if Patient.objects.exists():
        raise AlreadyLoaded
    with transaction.atomic():
        loader = Loader(seed, say)
        sign_ins = loader.run(patients, months)
    path = settings.VAR_DIR / DEMO_PASSWORD_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sign_ins, ensure_ascii=False, indent=1), encoding="utf-8")


class Loader:
    """One load, step by step."""

    def __init__(self, seed: int, say: Callable[[str], None]) -> None:
        self.random = Random(seed)  # noqa: S311 - demo content, no secrets
        self.say = say
        self.today = clock.today()
        self.sign_ins: list[dict[str, str]] = []
        # Known to everybody who sees the demo page, and different in each installation.
        self.password = f"Batam-Sehat-{secrets.randbelow(9000) + 1000}"
        self.password_hash = make_password(self.password)

    def run(self, patients: int, months: int) -> list[dict[str, str]]:
        team = self._staff()
        services = self._services()
        codes = self._codes()
        medicines, costs = self._medicines()
        people = self._patients(patients, team)
        allergies = self._allergies(people, team)
        Agreements(Random(SEED + 7), team.receptionist, self.today).build(people)  # noqa: S311 - demo content, no secrets
        Basics(Random(SEED + 5), team.nurse, self.today).build(people)  # noqa: S311 - demo content, no secrets
        Patient.objects.bulk_update(people, ["rhesus"], batch_size=200)
        Rights(team.admin, team.receptionist).build(people)
        Papers(Random(SEED + 11), team, self.today).build(people)  # noqa: S311 - demo content, no secrets
        self.say(f"{len(people)} patients, {len(medicines)} medicines, {len(codes)} diagnoses")
        shelves = Shelves(self.random, list(medicines.values()), costs, team.pharmacist)
        first = self.today - timedelta(days=round(months * 30.4))
        opening = clock.at(first, clock.local(clock.now()).time().min) - timedelta(days=2)
        for medicine in medicines.values():
            shelves.deliver(medicine, opening, max(medicine.minimum_stock * 3, 20))
        history = History(
            random=self.random, team=team, patients=people, services=services, codes=codes, medicines=medicines,
            allergies=allergies, shelves=shelves,
        )  # fmt: skip
        history.build(first, self.today - timedelta(days=1))
        self._shelf_notices(shelves, medicines)
        history.store()
        Counter.objects.bulk_create([Counter(name=name, value=value) for name, value in history.numbers.items()])
        self.say("a year of visits written")
        stations = Stations(Random(SEED + 17), team)  # noqa: S311 - demo content, no secrets
        stations.build()
        Today(random=self.random, team=team, history=history, services=services).build(demo_patient=people[0])
        stations.fill()
        Bookings(team, services).build(people)
        Screens(team.admin).build()
        Absences(team, services, self.today).build()
        Reminders(team, services).build(people)
        self._registrations()
        Doubles(Random(SEED + 13), team.receptionist, team.admin).build(people)  # noqa: S311 - demo content, no secrets
        audit.record("demo.clinic.loaded", actor=None, detail={"patients": len(people)})
        self.say("today's sessions and patients are in place")
        return self.sign_ins

    # --- reference data ---------------------------------------------------------------------------------------------

    def _staff(self) -> Team:
        people: dict[str, User] = {}
        by_role: dict[str, list[User]] = {}
        doctors: dict[str, User] = {}
        for row in document("staff")["staff"]:
            user = User.objects.create(
                username=row["username"], email=row["email"], full_name=row["full_name"], password=self.password_hash,
                is_staff="admin" in row["roles"],
            )  # fmt: skip
            RoleAssignment.objects.bulk_create([RoleAssignment(user=user, role=role) for role in row["roles"]])
            StaffProfile.objects.create(
                user=user, title_prefix=row["title_prefix"], title_suffix=row["title_suffix"], specialty=row["specialty"],
                sip_number=row["sip_number"], str_number=row["str_number"], phone=row["phone"], room=row["room"],
                verified_at=clock.now(),
            )  # fmt: skip
            TotpDevice.objects.create(user=user, name="Ponsel")
            people[user.username] = user
            for role in row["roles"]:
                by_role.setdefault(role, []).append(user)
            if "doctor" in row["roles"]:
                doctors[row["specialty"]] = user
            labels = ", ".join(ROLE_LABELS[role] for role in row["roles"])
            self._sign_in("staff", user, labels)
        return Team(
            doctors=doctors,
            nurse=by_role[Role.NURSE][0],
            receptionist=by_role[Role.RECEPTIONIST][0],
            cashier=by_role[Role.CASHIER][0],
            pharmacist=by_role[Role.PHARMACIST][0],
            admin=by_role[Role.ADMIN][0],
        )

    def _sign_in(self, door: str, user: User, role: str) -> None:
        self.sign_ins.append(
            {
                "door": door,
                "username": user.username,
                "password": self.password,
                "name": user.display_name,
                "role": role,
            }
        )

    def _services(self) -> dict[str, list[Service]]:
        found: dict[str, list[Service]] = {}
        for row in document("services")["services"]:
            found.setdefault(row["specialty"], []).append(Service.objects.create(**row))
        return found

    def _codes(self) -> dict[str, DiagnosisCode]:
        import_codes(records("icd10"), edition="2010")
        return {row.code: row for row in DiagnosisCode.objects.all()}

    def _medicines(self) -> tuple[dict[str, Medicine], dict[Any, int]]:
        rows = []
        costs = {}
        for row in records("medicines"):
            medicine = Medicine(
                code=row["code"], generic_name=row["generic_name"], brand=row["brand"], strength=row["strength"],
                form=row["form"], unit=row["unit"], route=row["route"], medicine_class=row["medicine_class"],
                category=row["drug_category"], atc_code=row["atc"], ingredients=_parts(row["ingredients"]),
                allergen_groups=_parts(row["allergen_groups"]), price_idr=int(row["price_idr"]),
                typical_quantity=int(row["typical_quantity"]), typical_signa=row["typical_signa"],
                minimum_stock=int(row["min_stock"]), is_lasa=row["is_lasa"] == "1", is_high_alert=row["is_high_alert"] == "1",
            )  # fmt: skip
            rows.append(medicine)
            costs[medicine.pk] = int(row["cost_idr"])
        Medicine.objects.bulk_create(rows)
        return {medicine.code: medicine for medicine in rows}, costs

    def _shelf_notices(self, shelves: Shelves, medicines: dict[str, Medicine]) -> None:
        """Something to notice at the pharmacy: a batch about to expire and a few medicines below their minimum.

        Never those that today's doctors prescribe: of these there is enough for everybody who comes.
        """
        now = clock.now()
        most: dict[str, Decimal] = {}
        for scenario in document("templates_soap")["scenarios"]:
            for line in scenario["medicines"]:
                most[line["code"]] = max(most.get(line["code"], Decimal(0)), Decimal(str(line["quantity"])))
        for code, quantity in sorted(most.items()):
            shelves.keep_ready(medicines[code], now, PATIENTS_OF_TODAY * quantity)
        chosen = self.random.sample(sorted(set(medicines) - set(most)), k=6)
        for code in chosen[:3]:
            shelves.deliver(medicines[code], now - timedelta(days=200), 30, shelf_days=225 + self.random.randint(0, 40))
        for code in chosen[3:]:
            for batch in shelves.batches[medicines[code].pk]:
                units = batch.quantity - 3 if batch.quantity > 3 else batch.quantity
                if units > 0:
                    shelves.dispose(batch, units, now - timedelta(days=1))

    # --- patients ---------------------------------------------------------------------------------------------------

    def _patients(self, count: int, team: Team) -> list[Patient]:
        population = Population(self.random, self.today)
        people = [*population.notable(), *(population.person() for _number in range(count - 5))]
        # The patient of the demo sign-in comes first: an adult woman with a portal account.
        people.sort(key=lambda person: person.full_name != "Tan Mei-Ling")
        registration = Registration(Random(SEED + 1), self.today)  # noqa: S311 - demo content, no secrets
        rows = [
            self._patient(number, person, team, registration.address_text(person.address))
            for number, person in enumerate(people, start=1)
        ]
        accounts = [row for row in rows if self._has_portal(row)]
        users = []
        for row in accounts:
            number = len(users)
            username = "pasien" if number == 0 else f"pasien{number + 1}"
            user = User(
                username=username, email=f"{username}@surat.example", full_name=row.full_name,
                password=self.password_hash, kind=User.Kind.PATIENT,
            )  # fmt: skip
            row.user, row.email, row.profile_completed_at = user, user.email, row.created_at
            users.append(user)
        User.objects.bulk_create(users)
        RoleAssignment.objects.bulk_create([RoleAssignment(user=user, role=Role.PATIENT) for user in users])
        index = keys_index.writing()
        for row in rows:
            fill_blind_columns(row, index=index)
        Patient.objects.bulk_create(rows, batch_size=200)
        Counter.objects.create(name="patients.record_number", value=len(rows))
        write_tokens_of(rows)
        registration.build(list(zip(rows, people, strict=True)))
        self._sign_in("patient", users[0], ROLE_LABELS["patient"])
        return rows

    def _has_portal(self, patient: Patient) -> bool:
        years = clock.age_parts(patient.birth_date, self.today)[0]
        return patient.record_number == "000001" or (years >= 18 and self.random.random() < PORTAL_SHARE)

    def _patient(self, number: int, person: Person, team: Team, address: str) -> Patient:
        registered = clock.now() - timedelta(days=self.random.randint(366, 900))
        return Patient(
            record_number=f"{number:06d}",
            full_name=person.full_name,
            nik=person.nik,
            birth_place=person.birth_place,
            birth_date=person.birth_date,
            sex=person.sex,
            phone=person.phone,
            address=address,
            mother_name=person.mother_name,
            blood_type=self.random.choice(["A", "B", "AB", "O", "O", "", ""]),
            guarantor=self.random.choices(["self", "bpjs", "insurance"], weights=[62, 28, 10])[0],
            consented_at=registered,
            created_at=registered,
            created_by=team.receptionist,
        )

    def _allergies(self, people: list[Patient], team: Team) -> dict[Any, set[str]]:
        """About one in seven has an allergy, half were asked and have none, the rest was not asked yet."""
        groups: dict[Any, set[str]] = {}
        rows = []
        choices = document("allergies")["allergies"]
        for patient in people:
            fate = self.random.random()
            if patient.record_number == "000001" or fate < 0.14:
                patient.allergy_status = Patient.AllergyStatus.KNOWN
                for row in self.random.sample(choices, k=1 if fate < 0.11 else 2):
                    listed = substances.named(row["substance"])
                    rows.append(
                        Allergy(
                            patient=patient,
                            substance=row["substance"],
                            category=row["category"],
                            group=row["allergen_group"],
                            code_system=substances.SYSTEM if listed else "",
                            code=listed.code if listed else "",
                            source=Allergy.Source.PATIENT,
                            reaction=row["reaction"],
                            severity=row["severity"],
                            recorded_at=patient.created_at,
                            recorded_by=team.nurse,
                        )
                    )
                    groups.setdefault(patient.pk, set()).add(row["allergen_group"])
            elif fate < 0.68:
                patient.allergy_status = Patient.AllergyStatus.NONE
            else:
                continue
            patient.allergy_asked_at, patient.allergy_asked_by = patient.created_at, team.nurse
        Allergy.objects.bulk_create(rows)
        changed = ["allergy_status", "allergy_asked_at", "allergy_asked_by"]
        Patient.objects.bulk_update(people, changed, batch_size=200)
        return {patient_id: found - {""} for patient_id, found in groups.items()}

    def _registrations(self) -> None:
        """Three people who signed up and wait for an admin, the first of them known to the clinic."""
        population = Population(self.random, self.today)
        known = next(row for row in Patient.objects.filter(user=None).order_by("pk") if row.nik)
        for number in range(3):
            person = population.person()
            while person.nik is None:
                person = population.person()
            same = known if number == 0 else None
            submit_registration(
                email=f"calon{number + 1}@surat.example",
                password=self.password,
                full_name=same.full_name if same else person.full_name,
                birth_date=same.birth_date if same else person.birth_date,
                sex=same.sex if same else person.sex,
                phone=(same.phone if same else None) or person.phone,
                nik=same.nik if same else person.nik,
            )


def _parts(text: str) -> list[str]:
    return [part for part in text.split("|") if part]
