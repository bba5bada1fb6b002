"""Policies and consents of the demo patients: most signed, a few were never asked, some cards have run out."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from patients.consents import ANSWERS, PURPOSES, current_texts, digest_of
from patients.models import Consent, ConsentKind, Insurer, Patient, PolicyCoverage
from patients.search import write_tokens_of
from patients.services.payer import bpjs_insurer

INSURERS = (
    ("Asuransi Sehat Nusantara", Insurer.Kind.INSURANCE), ("Asuransi Jiwa Bahari", Insurer.Kind.INSURANCE),
    ("PT Galangan Batam Jaya", Insurer.Kind.EMPLOYER),
)  # fmt: skip
FACILITIES = ("Puskesmas Baloi Permai", "Klinik Batam Sehat", "Puskesmas Lubuk Baja", "Puskesmas Botania")
NEVER_ASKED = 0.12
Decision = Consent.Decision


class Agreements:
    """Writes the policies and consents of many patients at once."""

    def __init__(self, random: Random, officer: Any, today: date) -> None:
        self.random, self.officer, self.today = random, officer, today

    def build(self, people: list[Patient]) -> None:
        self._policies(people)
        self._consents(people)

    def _policies(self, people: list[Patient]) -> None:
        bpjs = bpjs_insurer()
        others = [Insurer.objects.get_or_create(name=name, defaults={"kind": kind})[0] for name, kind in INSURERS]
        rows, numbered = [], []
        for patient in people:
            is_bpjs = patient.guarantor == Patient.Guarantor.BPJS
            if is_bpjs or self.random.random() < 0.25:
                patient.bpjs_number = f"{self.random.randrange(10**9, 4 * 10**9):013d}"
                numbered.append(patient)
                rows.append(
                    self._policy(
                        patient,
                        bpjs,
                        patient.bpjs_number,
                        is_primary=is_bpjs,
                        plan_class=self.random.choice("1233"),
                        facility_name=self.random.choice(FACILITIES),
                    )
                )
            if patient.guarantor == Patient.Guarantor.INSURANCE:
                ends = self.today + timedelta(days=self.random.randint(-60, 400))
                number = f"{self.random.randrange(10**7, 10**8)}-{self.random.randrange(10):02d}"
                rows.append(
                    self._policy(
                        patient,
                        self.random.choice(others),
                        number,
                        is_primary=True,
                        plan_name="Rawat jalan",
                        valid_from=ends - timedelta(days=365),
                        valid_until=ends,
                    )
                )
        PolicyCoverage.objects.bulk_create(rows, batch_size=200)
        Patient.objects.bulk_update(numbered, ["bpjs_number"], batch_size=200)
        write_tokens_of(numbered)

    def _policy(self, patient: Patient, insurer: Insurer, number: str, **fields: Any) -> PolicyCoverage:
        return PolicyCoverage(
            patient=patient,
            insurer=insurer,
            number=number,
            created_at=patient.created_at,
            created_by=self.officer,
            **fields,
        )

    def _consents(self, people: list[Patient]) -> None:
        texts, rows = current_texts(), []
        for patient in people:
            is_asked = patient.record_number == "000001" or self.random.random() >= NEVER_ASKED
            patient.consented_at = patient.created_at if is_asked and texts else None
            if patient.consented_at is None:
                continue
            common = self._common(patient)
            answers = {name: name not in ("needs_interpreter", "needs_clergy") for name in ANSWERS}
            answers |= {"trainees_may_access": self.random.random() < 0.4}
            rows.append(
                Consent(
                    kind=ConsentKind.GENERAL,
                    text=texts[ConsentKind.GENERAL],
                    decision=Decision.PERMIT,
                    signature=self._signature(),
                    officer=self.officer,
                    officer_proof=Consent.OfficerProof.SIGNED_IN,
                    **answers,
                    **common,
                )
            )
            for kind in PURPOSES:
                share = {ConsentKind.EDUCATION: 0.4, ConsentKind.MESSAGES: 0.9}.get(kind, 0.8)
                agreed = (
                    answers["trainees_may_access"] if kind == ConsentKind.EDUCATION else self.random.random() < share
                )
                decision = Decision.PERMIT if agreed else Decision.DENY
                rows.append(Consent(kind=kind, text=texts[kind], decision=decision, **common))
        for row in rows:
            row.digest = digest_of(row)
        Consent.objects.bulk_create(rows, batch_size=200)
        Patient.objects.bulk_update(people, ["consented_at"], batch_size=200)

    def _common(self, patient: Patient) -> dict[str, Any]:
        is_child = (self.today - patient.birth_date).days < 18 * 365.25
        return {
            "patient": patient,
            "method": Consent.Method.TABLET,
            "given_at": patient.created_at,
            "recorded_at": patient.created_at,
            "recorded_by": self.officer,
            "signer_name": (patient.mother_name or "Orang tua") if is_child else patient.full_name,
            "signer_relation_code": "2" if is_child else "1",
            "signer_relation_label": "Orang tua" if is_child else "Diri sendiri",
        }

    def _signature(self) -> list[list[list[int]]]:
        """A scribble that looks like one."""
        x, loops = 150, []
        line = [[x, 220]]
        for _loop in range(self.random.randint(4, 7)):
            for dx, y in ((30, 120), (55, 160), (20, 270), (15, 240)):
                x += dx
                line.append([min(x, 960), y + self.random.randint(-35, 35)])
        loops.append(line)
        loops.append([[140, 310 + self.random.randint(-15, 15)], [min(x, 960), 300 + self.random.randint(-20, 20)]])
        return loops
