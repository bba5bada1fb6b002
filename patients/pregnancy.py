"""Arithmetic of a pregnancy: due date, gestational age, and when what is recorded is too old to be believed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from core import clock
from patients.models import Patient, PregnancyStatus, Sex

GESTATION = timedelta(days=280)
LONGEST = timedelta(weeks=43)  # nobody is left pregnant this long: what is recorded is no longer true
LONGEST_BREASTFEEDING = timedelta(days=730)  # WHO recommends breastfeeding up to two years
YOUNGEST_YEARS, OLDEST_YEARS = 10, 55

State = PregnancyStatus.State


def is_offered(patient: Patient) -> bool:
    """True for women of 10 to 55 years: of them a pregnancy is asked.

    Source: WHO, women of reproductive age (15-49), with the margins that Indonesian antenatal registers use (10-55).
    """
    years = clock.age_parts(patient.birth_date, clock.today())[0]
    return patient.sex == Sex.FEMALE and YOUNGEST_YEARS <= years <= OLDEST_YEARS


def due_date(last_period_on: date) -> date:
    """Return the expected day of birth: 280 days after the first day of the last period.

    Naegele's rule in days. His calendar form (plus 7 days, minus 3 months, plus 1 year) gives the same day or up to 3
    days more or less, and would contradict the weeks counted below.

    Source: ACOG Committee Opinion 700 (2017), Methods for Estimating the Due Date.
    """
    return last_period_on + GESTATION


@dataclass(frozen=True)
class GestationalAge:
    """Completed weeks and days of a pregnancy."""

    weeks: int
    days: int

    @property
    def trimester(self) -> int:
        """1 until 13 weeks 6 days, 2 until 27 weeks 6 days, then 3. Source: ACOG, How your fetus grows during pregnancy."""
        return 1 if self.weeks < 14 else 2 if self.weeks < 28 else 3


def gestational_age(due_on: date, on: date) -> GestationalAge:
    """Return the age on a day, counted back from the due date, which an ultrasound may have corrected."""
    days = max(0, (on - (due_on - GESTATION)).days)
    return GestationalAge(days // 7, days % 7)


def began_on(row: PregnancyStatus) -> date | None:
    """Return the day from which the weeks are counted; None when neither date is known."""
    return row.due_on - GESTATION if row.due_on else row.last_period_on


def is_outdated(row: PregnancyStatus, on: date) -> bool:
    """True when what is recorded cannot be true any more and must be asked again.

    A pregnancy after 43 weeks (counted from the recording when no date is known), breastfeeding after two years.
    """
    recorded = clock.local(row.recorded_at).date()
    if row.state == State.PREGNANT:
        return on - (began_on(row) or recorded) > LONGEST
    return row.state == State.BREASTFEEDING and on - recorded > LONGEST_BREASTFEEDING
