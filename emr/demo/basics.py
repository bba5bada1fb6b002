"""Clinical basics of the demo patients: conditions with their medicines, history, pregnancies, proven blood types."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from core import clock
from patients import conditions, pregnancy, substances
from patients.models import BloodTyping, HistoryEntry, HistorySection, Patient, PregnancyStatus, Section

# condition -> what is taken for it at home, with its dose
TREATED: dict[str, tuple[tuple[str, str], ...]] = {
    "hypertension": (("amlodipine", "5 mg, 1 x sehari pagi"), ("candesartan", "8 mg, 1 x sehari")),
    "diabetes-2": (("metformin", "500 mg, 2 x sehari sesudah makan"), ("glimepiride", "2 mg, 1 x sehari pagi")),
    "asthma": (("salbutamol", "semprot, bila sesak"),),
    "coronary-heart": (("aspirin", "80 mg, 1 x sehari"), ("bisoprolol", "2,5 mg, 1 x sehari")),
    "dyslipidaemia": (("simvastatin", "20 mg, malam"),),
    "gout": (("allopurinol", "100 mg, 1 x sehari"),),
    "copd": (("budesonide-formot", "hirup, 2 x sehari"),),
    "kidney-failure": (("furosemide", "40 mg, 1 x sehari"),),
    "stroke": (("clopidogrel", "75 mg, 1 x sehari"),),
    "hiv": (("antiretrovirals", "1 x sehari malam"),),
}
OF_AGE = ("hypertension", "hypertension", "hypertension", "diabetes-2", "diabetes-2", "dyslipidaemia", "gout",
          "coronary-heart", "stroke", "copd", "kidney-failure")  # fmt: skip
OF_YOUTH = ("asthma", "asthma", "thalassaemia", "epilepsy", "hepatitis-b")
PAST = (
    ("operation", "Operasi usus buntu"), ("operation", "Operasi sesar"), ("admission", "Dirawat karena demam berdarah"),
    ("illness", "Tifus"), ("illness", "Tuberkulosis paru, sudah sembuh"), ("admission", "Dirawat karena diare berat"),
    ("transfusion", "Transfusi 2 kantong"), ("operation", "Operasi amandel"), ("illness", "Cacar air"),
)  # fmt: skip
FAMILY = ("diabetes-2", "hypertension", "asthma", "coronary-heart", "stroke", "cancer")
FROM = ("pasien", "keluarga", "surat rumah sakit", "")


class Basics:
    """Writes the clinical basics of many patients at once; about a third was never asked."""

    def __init__(self, random: Random, nurse: Any, today: date) -> None:
        self.random, self.nurse, self.today = random, nurse, today
        self.entries: list[HistoryEntry] = []
        self.sections: list[HistorySection] = []
        self.pregnancies: list[PregnancyStatus] = []
        self.typings: list[BloodTyping] = []

    def build(self, people: list[Patient]) -> None:
        for patient in people:
            if patient.record_number == "000001":
                self._portal_patient(patient)
            elif self.random.random() < 0.66:
                self._person(patient)
            self._blood(patient)
        HistoryEntry.objects.bulk_create(self.entries)
        HistorySection.objects.bulk_create(self.sections)
        PregnancyStatus.objects.bulk_create(self.pregnancies)
        BloodTyping.objects.bulk_create(self.typings)

    def _person(self, patient: Patient) -> None:
        years = clock.age_parts(patient.birth_date, self.today)[0]
        chance = min(0.75, max(0.06, (years - 30) / 50))
        pool = OF_AGE if years >= 35 else OF_YOUTH
        chosen = sorted(set(self.random.choices(pool, k=2))) if self.random.random() < chance else []
        self._conditions(patient, chosen)
        if self.random.random() < 0.8:
            self._some(patient, Section.PAST, self._past)
        if self.random.random() < 0.7:
            self._some(patient, Section.FAMILY, self._family)
        if pregnancy.is_offered(patient) and 18 <= years <= 42 and self.random.random() < 0.25:
            self._pregnancy(patient)

    def _portal_patient(self, patient: Patient) -> None:
        """The patient of the demo sign-in and of today's consultation: something in every part."""
        self._conditions(patient, ["asthma", "hypertension"])
        self._some(patient, Section.PAST, self._past, at_least=1)
        self._some(patient, Section.FAMILY, self._family, at_least=1)

    def _conditions(self, patient: Patient, codes: list[str]) -> None:
        taken: list[tuple[str, str]] = []
        for code in codes:
            listed = conditions.BY_CODE[code]
            since = self._year(patient)
            self._entry(patient, Section.CHRONIC, listed.label, conditions.SYSTEM, code, onset_year=since)
            taken += [medicine for medicine in TREATED.get(code, ()) if self.random.random() < 0.8]
        for code, dose in taken:
            label = substances.BY_CODE[code].label
            self._entry(patient, Section.MEDICINES, label, substances.SYSTEM, code, dose=dose)
        self._asked(patient, Section.CHRONIC, is_none=not codes)
        if codes or self.random.random() < 0.8:
            self._asked(patient, Section.MEDICINES, is_none=not taken)

    def _some(self, patient: Patient, section: str, make: Any, at_least: int = 0) -> None:
        count = max(at_least, self.random.choice((0, 0, 1, 1, 2)))
        for _number in range(count):
            make(patient)
        self._asked(patient, section, is_none=not count)

    def _past(self, patient: Patient) -> None:
        choices = [row for row in PAST if patient.sex == "female" or "sesar" not in row[1]]
        kind, what = self.random.choice(choices)
        if any(row.patient_id == patient.pk and row.what == what for row in self.entries[-4:]):
            return
        self._entry(patient, Section.PAST, what, kind=kind, onset_year=self._year(patient))

    def _family(self, patient: Patient) -> None:
        code, relation = self.random.choice(FAMILY), self.random.choice(HistoryEntry.Relation.values[:4])
        label = conditions.BY_CODE[code].label
        if any(row.patient_id == patient.pk and row.code == code for row in self.entries[-4:]):
            return
        self._entry(
            patient, Section.FAMILY, label, conditions.SYSTEM, code, relation=relation,
            onset_age=self.random.choice((None, 45, 52, 60)), relation_died=self.random.random() < 0.15,
        )  # fmt: skip

    def _pregnancy(self, patient: Patient) -> None:
        is_pregnant = self.random.random() < 0.4
        began = self.today - timedelta(days=self.random.randint(40, 250)) if is_pregnant else None
        births = self.random.choice((0, 0, 1, 1, 2))
        self.pregnancies.append(
            PregnancyStatus(
                patient=patient, state="pregnant" if is_pregnant else "not_pregnant", last_period_on=began,
                due_on=pregnancy.due_date(began) if began else None, gravida=births + (1 if is_pregnant else 0),
                para=births, abortus=0, recorded_at=clock.now() - timedelta(days=self.random.randint(1, 30)),
                recorded_by=self.nurse,
            )
        )  # fmt: skip

    def _blood(self, patient: Patient) -> None:
        if not patient.blood_type or self.random.random() > 0.4:
            return
        source = self.random.choice(("lab", "lab", "card", "told"))
        if source == "lab":
            patient.rhesus = "-" if self.random.random() < 0.03 else "+"
        self.typings.append(
            BloodTyping(
                patient=patient, blood_type=patient.blood_type, rhesus=patient.rhesus, source=source,
                note="Laboratorium Batam Medika" if source == "lab" else "", recorded_at=patient.created_at,
                recorded_by=self.nurse,
            )
        )  # fmt: skip

    def _entry(
        self, patient: Patient, section: str, what: str, system: str = "", code: str = "", **values: Any
    ) -> None:
        self.entries.append(
            HistoryEntry(
                patient=patient, section=section, what=what, code_system=system, code=code, recorded_by=self.nurse,
                source=self.random.choice(FROM), recorded_at=patient.created_at, **values,
            )
        )  # fmt: skip

    def _asked(self, patient: Patient, section: str, *, is_none: bool) -> None:
        asked_at = patient.created_at + timedelta(days=self.random.randint(0, 300))
        self.sections.append(
            HistorySection(patient=patient, section=section, is_none=is_none, asked_at=asked_at, asked_by=self.nurse)
        )

    def _year(self, patient: Patient) -> int:
        first = max(patient.birth_date.year, self.today.year - 15)
        return self.random.randint(first, max(first, self.today.year - 1))
