"""Prescribing: lines are checked against allergies and against one another, and stock is promised, not yet deducted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability, Role
from core import clock, live
from core.db import next_number, retry_transaction
from core.errors import NotPermitted
from notifications import services as notifications
from patients import services as patients
from patients.models import HistoryEntry, Patient
from patients.services.history import home_medicines
from patients.substances import BY_CODE
from pharmacy import substances
from pharmacy.errors import AllergyStop, AlreadyPrescribed, InvalidLine, WrongState
from pharmacy.models import Medicine, Prescription, PrescriptionItem
from pharmacy.services import stock
from scheduling import services as scheduling
from scheduling.models import Visit

MOST_LINES = 20
MOST_UNITS_A_LINE = Decimal(9999)
LONGEST_SIGNA = 200
SHORTEST_OVERRIDE = 10
LONGEST_OVERRIDE = 300


@dataclass(frozen=True)
class PrescriptionLine:
    """One line as the doctor wrote it; price, unit and label come from the medicine list."""

    medicine_id: UUID
    quantity: Decimal
    signa: str
    allergy_override_reason: str = ""


@dataclass(frozen=True)
class Warning:
    """What a check found on one line. A hard stop needs a reason to override before the line can be prescribed."""

    line: int
    kind: str
    message: str
    is_hard_stop: bool = False
    is_overridden: bool = False

    @property
    def stops(self) -> bool:
        return self.is_hard_stop and not self.is_overridden


def check_lines(patient: Patient, lines: Sequence[PrescriptionLine]) -> list[Warning]:
    """Return allergy stops, duplicate ingredients and what is taken at home already, in line order. Lines count from 0.

    An allergy meets a medicine when its group is one of the medicine's, or when its substance and an ingredient or the
    generic name contain one another in folded spelling. Lines whose medicine is unknown are passed over. Two queries.
    """
    medicines = Medicine.objects.in_bulk({line.medicine_id for line in lines})
    at_home = home_medicines(patient) if medicines else []
    found: list[Warning] = []
    first_with: dict[str, int] = {}
    for index, line in enumerate(lines):
        medicine = medicines.get(line.medicine_id)
        if medicine is None:
            continue
        names = substances.ingredient_names(medicine.ingredients) or [substances.fold(medicine.generic_name)]
        found += _allergy_warnings(patient, medicine, names, index, line.allergy_override_reason)
        found += _home_warnings(at_home, medicine, names, index)
        for name in dict.fromkeys(names):
            if name in first_with and first_with[name] != index:
                found.append(
                    Warning(
                        line=index,
                        kind="duplicate",
                        message=_("%(medicine)s has the same ingredient as %(other)s. Check the total dose.")
                        % {"medicine": medicine.label, "other": medicines[lines[first_with[name]].medicine_id].label},
                    )
                )
                break
        for name in names:
            first_with.setdefault(name, index)
    return found


def _allergy_warnings(
    patient: Patient, medicine: Medicine, names: list[str], index: int, override: str
) -> list[Warning]:
    everything = [*names, substances.fold(medicine.generic_name)]
    groups = set(medicine.allergen_groups)
    is_overridden = len(override.strip()) >= SHORTEST_OVERRIDE
    warnings = []
    for allergy in patient.allergies:
        allergy_groups = substances.groups_in(allergy.substance) | ({allergy.group} if allergy.group else set())
        if not (allergy_groups & groups or substances.is_same_substance(allergy.substance, everything)):
            continue
        values = {"medicine": medicine.label, "substance": allergy.substance, "reaction": allergy.reaction}
        message = (
            _(
                "The patient is allergic to %(substance)s (%(reaction)s). Do not prescribe %(medicine)s without a reason."
            )
            if allergy.reaction
            else _("The patient is allergic to %(substance)s. Do not prescribe %(medicine)s without a reason.")
        )
        warnings.append(
            Warning(
                line=index, kind="allergy", message=message % values, is_hard_stop=True, is_overridden=is_overridden
            )
        )
    return warnings


def _home_warnings(at_home: list[HistoryEntry], medicine: Medicine, names: list[str], index: int) -> list[Warning]:
    """Return a warning for each medicine that the patient takes at home with an ingredient of this one."""
    warnings = []
    for entry in at_home:
        known = BY_CODE.get(entry.code)
        words = [entry.what, *([known.label] if known is not None else [])]
        if any(substances.is_same_substance(word, names) for word in words):
            what = f"{entry.what}, {entry.dose}" if entry.dose else entry.what
            message = _("The patient takes %(what)s at home already. Check the total dose of %(medicine)s.")
            values = {"what": what, "medicine": medicine.label}
            warnings.append(Warning(line=index, kind="home", message=message % values))
    return warnings


@retry_transaction
def create_prescription(*, visit_id: UUID, actor: Any, lines: Sequence[PrescriptionLine]) -> Prescription:
    """Write the prescription of a visit and promise its stock: all lines or none.

    Part of finishing a consultation, which closes the consultation and so sends the visit to the pharmacy. Pharmacists
    join the care team and are told.

    Raises:
        NotPermitted: the visit is another doctor's.
        WrongState: the visit is finished or cancelled.
        AlreadyPrescribed: the visit has a prescription.
        InvalidLine: no line, too many, an unknown or inactive medicine, a bad quantity, or no directions.
        AllergyStop: a line meets an allergy and has no reason of at least 10 characters.
        OutOfStock: free stock does not cover a line.
    """
    visit = scheduling.lock_visit(visit_id)
    if visit.doctor_id != actor.pk:
        raise NotPermitted(_("Only the doctor of this visit can prescribe."))
    if visit.status in {Visit.Status.FINISHED, Visit.Status.CANCELLED}:
        raise WrongState(_("This visit is closed. Nothing can be prescribed on it."))
    if Prescription.objects.filter(visit=visit).exists():
        raise AlreadyPrescribed(_("This visit has a prescription. Cancel it first."))
    patient = Patient.objects.for_header().get(pk=visit.patient_id)
    medicines = _checked_medicines(lines)
    warnings = check_lines(patient, lines)
    for warning in warnings:
        if warning.stops:
            advice = _("Choose another medicine, or write the reason in at least 10 characters.")
            raise AllergyStop(f"{warning.message} {advice}")
    stock.reserve(quantities=totals((line.medicine_id, line.quantity) for line in lines))
    prescription = _write(visit, actor, lines, medicines, overridden={w.line for w in warnings if w.is_hard_stop})
    _record_creation(prescription, actor, lines, warnings)
    _tell_pharmacists(prescription, visit)
    return prescription


def totals(quantities: Iterable[tuple[UUID, Decimal]]) -> dict[UUID, Decimal]:
    """Return the sum of quantities for each medicine; a medicine may stand on several lines."""
    total: dict[UUID, Decimal] = {}
    for medicine_id, quantity in quantities:
        total[medicine_id] = total.get(medicine_id, Decimal(0)) + quantity
    return total


def _checked_medicines(lines: Sequence[PrescriptionLine]) -> dict[UUID, Medicine]:
    if not 1 <= len(lines) <= MOST_LINES:
        raise InvalidLine(_("Write between 1 and %(most)d lines.") % {"most": MOST_LINES})
    medicines = Medicine.objects.active().in_bulk({line.medicine_id for line in lines})
    for number, line in enumerate(lines, start=1):
        if line.medicine_id not in medicines:
            raise InvalidLine(_("Line %(line)d: choose a medicine of the list.") % {"line": number})
        exponent = line.quantity.as_tuple().exponent
        is_number = line.quantity.is_finite() and isinstance(exponent, int) and exponent >= -2
        if not is_number or not 0 < line.quantity <= MOST_UNITS_A_LINE:
            raise InvalidLine(_("Line %(line)d: enter a quantity above 0 and up to 9999.") % {"line": number})
        if not line.signa.strip() or len(line.signa.strip()) > LONGEST_SIGNA:
            raise InvalidLine(_("Line %(line)d: write directions of at most 200 characters.") % {"line": number})
        if len(line.allergy_override_reason.strip()) > LONGEST_OVERRIDE:
            raise InvalidLine(_("Line %(line)d: write a reason of at most 300 characters.") % {"line": number})
    return medicines


def _write(
    visit: Visit,
    actor: Any,
    lines: Sequence[PrescriptionLine],
    medicines: dict[UUID, Medicine],
    *,
    overridden: set[int],
) -> Prescription:
    """Store the prescription; a reason to override stays only on lines (from 0) that an allergy really stops."""
    month = clock.today().strftime("%Y%m")
    prescription = Prescription.objects.create(
        number=f"R/{month}/{next_number(f'pharmacy.prescription:{month}'):05d}",
        visit=visit, patient_id=visit.patient_id, prescriber=actor, prescribed_at=clock.now(),
    )  # fmt: skip
    items = []
    for position, line in enumerate(lines, start=1):
        medicine = medicines[line.medicine_id]
        override = line.allergy_override_reason.strip() if position - 1 in overridden else ""
        items.append(
            PrescriptionItem(
                prescription=prescription, position=position, medicine=medicine, label=medicine.label,
                quantity=line.quantity, unit=medicine.unit, signa=line.signa.strip(), allergy_override_reason=override,
                list_price_idr=medicine.price_idr,
            )
        )  # fmt: skip
    PrescriptionItem.objects.bulk_create(items)
    return prescription


def _record_creation(
    prescription: Prescription, actor: Any, lines: Sequence[PrescriptionLine], warnings: list[Warning]
) -> None:
    patient_id = prescription.patient_id
    detail = {"number": prescription.number, "lines": len(lines)}
    audit.record("pharmacy.prescription.created", actor=actor, patient=patient_id, target=prescription, detail=detail)
    for line in sorted({warning.line for warning in warnings if warning.is_hard_stop}):
        audit.record(
            "pharmacy.allergy_stop.overridden", actor=actor, patient=patient_id, target=prescription,
            detail={"position": line + 1, "medicine": str(lines[line].medicine_id)},
        )  # fmt: skip


def _tell_pharmacists(prescription: Prescription, visit: Visit) -> None:
    patients.add_to_care_team(
        patient_id=prescription.patient_id, role=Role.PHARMACIST, source="prescription", source_id=prescription.pk
    )
    notifications.notify_capability(
        Capability.DISPENSE,
        kind="prescription_new",
        params={"queue": visit.ticket.label if hasattr(visit, "ticket") else visit.number},
        path=reverse("pharmacy:prescription-detail", args=[prescription.pk]),
    )
    live.changed(live.PHARMACY)
