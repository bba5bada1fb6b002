"""The doctor's consultation page: what was typed is read, judged and drawn again. Nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from consultations import services as consultations
from consultations.errors import DiagnosisMissing, UnknownDiagnosis
from consultations.models import DiagnosisCode, Note
from consultations.services import ChosenDiagnosis
from consultations.vitals import readings
from core.errors import DomainError
from patients.models import Patient
from pharmacy.errors import AllergyStop, InvalidLine, OutOfStock
from pharmacy.forms import parse_lines
from pharmacy.services import prescribing
from pharmacy.services.prescribing import PrescriptionLine
from scheduling.models import Visit
from scheduling.services import first_price_idr, further_lines
from workspace import querysets
from workspace.forms import ConsultationForm, Typed, initial_of, typed_in_draft

DIAGNOSES, PRESCRIPTION = "diagnoses", "prescription"


@dataclass(frozen=True)
class Problem:
    """One thing to put right, and the id of the element where it is; empty when it is about the whole."""

    text: str
    target: str = ""


@dataclass
class Judged:
    """A posted or kept consultation after reading: what the services take, and what is wrong with it."""

    lines: list[PrescriptionLine] = field(default_factory=list)
    diagnoses: list[ChosenDiagnosis] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def judge(form: ConsultationForm, typed: Typed) -> Judged:
    """Read lines and codes of a consultation and gather everything that is wrong with it, the form's errors first."""
    judged = Judged(problems=form_problems(form))
    try:
        judged.diagnoses = consultations.choose_diagnoses(typed.codes)
        if not judged.diagnoses:
            raise DiagnosisMissing(consultations.primary_missing())
    except (UnknownDiagnosis, DiagnosisMissing) as error:
        judged.problems.append(problem_of(error))
    judged.lines, line_errors = parse_lines(typed.line_fields)
    judged.problems += [Problem(error.message, f"line-{error.line}-{error.field}") for error in line_errors]
    return judged


def form_problems(form: ConsultationForm) -> list[Problem]:
    """Return the errors of the form's own fields with the fields they stand at."""
    found = []
    for name, errors in form.errors.items():
        bound = form[name] if name in form.fields else None
        is_shown = bound is not None and not bound.is_hidden
        for error in errors:
            text = f"{bound.label}: {error}" if bound is not None and is_shown else str(error)
            found.append(Problem(text, bound.target_id if bound is not None and is_shown else ""))
    return found


def problem_of(error: DomainError) -> Problem:
    """Return a broken rule as a problem at the part of the page that it is about."""
    if isinstance(error, UnknownDiagnosis | DiagnosisMissing):
        return Problem(str(error), DIAGNOSES)
    if isinstance(error, AllergyStop | OutOfStock | InvalidLine):
        return Problem(str(error), PRESCRIPTION)
    return Problem(str(error))


@dataclass(frozen=True)
class CodeRow:
    """One diagnosis as the page draws it; without a row of the list it is shown as unknown."""

    code: str
    entry: DiagnosisCode | None


def code_rows(codes: list[str]) -> list[CodeRow]:
    """Return codes with their names. One query."""
    found = consultations.find_codes(codes)
    return [CodeRow(code, found.get(code)) for code in codes]


def draft_of(user: Any, visit: Visit) -> Note | None:
    """Return the visit's current note, draft or signed, when the reader may see it. One query."""
    return Note.objects.visible_to(user).filter(visit=visit, current=1).first()


def page_context(
    user: Any,
    visit: Visit,
    patient: Patient,
    *,
    form: ConsultationForm,
    typed: Typed,
    problems: list[Problem] | None = None,
) -> dict[str, Any]:
    """Return everything the consultation page shows."""
    entries, more = querysets.patient_history(user, patient, limit=5, other_than=visit.pk)
    vitals, weight = querysets.vitals_and_weight(user, visit)
    return {
        "visit": visit,
        **_prices(visit),
        "patient": patient,
        "form": form,
        "typed": typed,
        "rows": typed.rows,
        "codes": code_rows(typed.codes),
        "problems": problems or [],
        "entries": entries,
        "has_more_history": more is not None,
        "weight": weight,
        "vitals": vitals,
        "readings": readings(vitals, patient.birth_date) if vitals else [],
    }


def review_context(user: Any, visit: Visit, patient: Patient, note: Note) -> dict[str, Any]:
    """Return the summary of a kept draft before it is signed: what will be written, what is wrong, what to think of."""
    typed = typed_in_draft(note)
    values = {**initial_of(note, visit), "consultation_fee": str(note.consultation_fee_idr)}
    form = ConsultationForm(values)
    judged = judge(form, typed)
    if form.is_valid() and not (note.subjective or note.assessment):
        judged.problems.append(Problem(consultations.nothing_written(), form["subjective"].target_id))
    warnings = prescribing.check_lines(patient, judged.lines)
    judged.problems += [Problem(warning.message, PRESCRIPTION) for warning in warnings if warning.stops]
    return {
        "visit": visit,
        **_prices(visit),
        "patient": patient,
        "note": note,
        "typed": typed,
        "codes": code_rows(typed.codes),
        "rows": typed.rows,
        "line_fields": typed.line_fields,
        "problems": judged.problems,
        "warnings": [warning for warning in warnings if not warning.stops],
        "copied": [form[name].label for name in typed.copied],
    }


def _prices(visit: Visit) -> dict[str, Any]:
    further = further_lines(visit)
    return {"first_price_idr": first_price_idr(visit, further), "further": further}
