"""Vital signs: what can be entered at all, and what is marked as out of range."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import clock
from core.numbers import format_quantity

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from consultations.models import VitalSigns

HIGH, LOW = "high", "low"


@dataclass(frozen=True)
class Measurement:
    """One vital sign: its field, LOINC code, unit as shown and in UCUM, and the limits of what may be entered."""

    field: str
    label: _StrPromise
    loinc: str
    unit: str | Promise
    ucum: str
    minimum: Decimal
    maximum: Decimal
    decimals: int = 0

    def limits_sentence(self) -> str:
        """What may be entered, in words: "Weight must be between 0,3 and 400 kg."."""
        values = {
            "label": self.label,
            "minimum": format_quantity(self.minimum),
            "maximum": format_quantity(self.maximum),
            "unit": self.unit,
        }
        if not self.decimals:
            return gettext("%(label)s must be a whole number between %(minimum)s and %(maximum)s %(unit)s.") % values
        return gettext("%(label)s must be between %(minimum)s and %(maximum)s %(unit)s.") % values


MEASUREMENTS = (
    Measurement("systolic_mmhg", _("Systolic blood pressure"), "8480-6", "mmHg", "mm[Hg]", Decimal(40), Decimal(300)),
    Measurement("diastolic_mmhg", _("Diastolic blood pressure"), "8462-4", "mmHg", "mm[Hg]", Decimal(20), Decimal(200)),
    Measurement("heart_rate_bpm", _("Pulse"), "8867-4", _("/min"), "/min", Decimal(20), Decimal(300)),
    Measurement("respiratory_rate_bpm", _("Breathing rate"), "9279-1", _("/min"), "/min", Decimal(4), Decimal(120)),
    Measurement("temperature_c", _("Temperature"), "8310-5", "°C", "Cel", Decimal("25.0"), Decimal("45.0"), 1),
    Measurement("oxygen_saturation_percent", _("Oxygen saturation"), "59408-5", "%", "%", Decimal(30), Decimal(100)),
    Measurement("weight_kg", _("Weight"), "29463-7", "kg", "kg", Decimal("0.3"), Decimal(400), 2),
    Measurement("height_cm", _("Height"), "8302-2", "cm", "cm", Decimal(20), Decimal(260), 1),
    Measurement("pain_score", _("Pain (0 to 10)"), "72514-3", "/10", "{score}", Decimal(0), Decimal(10)),
)
BY_FIELD = {measurement.field: measurement for measurement in MEASUREMENTS}

# Upper bounds of age in years (exclusive) with normal breathing rate and pulse at rest.
# Source: American Heart Association, Pediatric Advanced Life Support provider manual, 2020, vital signs in children;
# adults: Royal College of Physicians, National Early Warning Score 2, 2017 (score 0 range).
_RATES_BY_AGE = (
    (1, (30, 53), (100, 180)),
    (3, (22, 37), (98, 140)),
    (6, (20, 28), (80, 120)),
    (12, (18, 25), (75, 118)),
    (18, (12, 20), (60, 100)),
    (200, (12, 20), (51, 90)),
)


def flag(field: str, value: Decimal | int | None, *, age_years: int) -> str:
    """Return "high", "low" or "" for a measurement, at an age in completed years.

    Blood pressure is judged from 18 years on. Weight and height are never flagged.

    Source: NEWS2 (RCP 2017) score-0 ranges for saturation (96 and more) and temperature (36.1 to 38.0 °C);
    hypertension from 140/90 mmHg (PERHI consensus 2019); rates by age as above.
    """
    if value is None:
        return ""
    ranges: dict[str, tuple[Decimal | int, Decimal | int]] = {
        "temperature_c": (Decimal("36.1"), Decimal("38.0")),
        "oxygen_saturation_percent": (96, 100),
        "pain_score": (0, 6),
    }
    if age_years >= 18:
        ranges["systolic_mmhg"] = (91, 139)
        ranges["diastolic_mmhg"] = (60, 89)
    for below, breathing, pulse in _RATES_BY_AGE:
        if age_years < below:
            ranges["respiratory_rate_bpm"] = breathing
            ranges["heart_rate_bpm"] = pulse
            break
    if field not in ranges:
        return ""
    low, high = ranges[field]
    if value < low:
        return LOW
    return HIGH if value > high else ""


def body_mass_index(*, weight_kg: Decimal | None, height_cm: Decimal | None) -> Decimal | None:
    """Return weight over height squared in kg/m², to one decimal, or None when one of them is missing.

    Source: WHO Technical Report Series 894, 2000.
    """
    if not weight_kg or not height_cm:
        return None
    metres = height_cm / 100
    return (weight_kg / (metres * metres)).quantize(Decimal("0.1"))


@dataclass(frozen=True)
class Reading:
    """One measurement as screens show it: blood pressure is one reading of two values."""

    field: str
    label: str | Promise
    value: str
    unit: str | Promise
    flag: str


def readings(vitals: VitalSigns, birth_date: date | None) -> list[Reading]:
    """Return what a set of vital signs has, in the order of the form, flagged for the age at the time of measuring."""
    measured_on = clock.local(vitals.recorded_at).date()
    # Without a birth date an adult is assumed, so that nothing stays unflagged.
    age_years = clock.age_parts(birth_date, measured_on)[0] if birth_date else 18
    found = []
    for rule in MEASUREMENTS:
        value = getattr(vitals, rule.field)
        if value is None or rule.field == "diastolic_mmhg":
            continue
        label, text = rule.label, format_quantity(value)
        mark = flag(rule.field, value, age_years=age_years)
        if rule.field == "systolic_mmhg":
            label = _("Blood pressure")
            text = f"{text}/{format_quantity(vitals.diastolic_mmhg)}"
            mark = mark or flag("diastolic_mmhg", vitals.diastolic_mmhg, age_years=age_years)
        found.append(Reading(rule.field, label, text, rule.unit, mark))
    index = body_mass_index(weight_kg=vitals.weight_kg, height_cm=vitals.height_cm)
    if index is not None:
        found.append(Reading("body_mass_index", _("Body mass index"), format_quantity(index), "kg/m²", ""))
    return found
