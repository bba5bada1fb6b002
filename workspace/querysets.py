"""What the screens of a visit read, each in a fixed number of queries and never more than the reader may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypedDict, cast
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from billing.models import Charge, Invoice
from consultations.models import Diagnosis, Note, VitalSigns
from consultations.vitals import MEASUREMENTS, Reading, flag, readings
from core import clock
from core.numbers import format_quantity
from patients.models import Allergy, Patient
from pharmacy.models import Prescription, PrescriptionItem
from scheduling.models import Appointment, Visit

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Clinical(TypedDict):
        shown_notes: list[Note]
        shown_vitals: list[VitalSigns]

    ClinicalVisit = WithAnnotations[Visit, _Clinical]

HISTORY_PAGE = 10


@dataclass(frozen=True)
class Entry:
    """One visit of a patient's history as the reader may see it."""

    visit: Visit
    note: Note | None
    diagnoses: list[Diagnosis]
    readings: list[Reading]
    remark: str
    prescription: Prescription | None
    items: list[PrescriptionItem]


@dataclass(frozen=True)
class Bill:
    """What a visit costs, as its bill stands."""

    invoice: Invoice
    charges: list[Charge]

    @property
    def medicine_idr(self) -> int:
        return sum(charge.amount_idr for charge in self.charges if charge.category == Charge.Category.MEDICINE)

    @property
    def received_idr(self) -> int:
        return self.invoice.paid_idr - self.invoice.refunded_idr

    @property
    def refund_idr(self) -> int:
        """What must go back to the patient."""
        return max(-self.invoice.balance_idr, 0)

    @property
    def without_medicine_idr(self) -> int:
        """What would still be to pay without the medicines; negative when money would go back."""
        return self.invoice.balance_idr - self.medicine_idr


def patient_history(
    user: Any,
    patient: Patient,
    *,
    limit: int = HISTORY_PAGE,
    before: UUID | None = None,
    other_than: UUID | None = None,
) -> tuple[list[Entry], UUID | None]:
    """Return a page of a patient's visits, newest first, with what the reader may see of each; and where the next begins.

    Notes are the signed ones. Six queries, however many visits.
    """
    visits = with_clinical(Visit.objects.visible_to(user), user).filter(patient=patient)
    visits = visits.exclude(status=Visit.Status.CANCELLED)
    if before is not None:
        visits = visits.filter(pk__lt=before)
    if other_than is not None:
        visits = visits.exclude(pk=other_than)
    found = list(visits.order_by("-pk")[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    return [entry_of(visit, patient.birth_date) for visit in found], found[-1].pk if more else None


def with_clinical(visits: QuerySet[Visit], user: Any) -> QuerySet[ClinicalVisit]:
    """Return visits with signed notes, diagnoses, valid vital signs and prescriptions that `user` may read."""
    notes = Note.objects.visible_to(user).filter(status=Note.Status.SIGNED)
    vitals = VitalSigns.objects.visible_to(user).filter(status=VitalSigns.Status.FINAL).order_by("-recorded_at", "-id")
    prescriptions = Prescription.objects.visible_to(user).prefetch_related("items")
    clinical = visits.select_related("doctor__staff_profile", "service", "ticket").prefetch_related(
        Prefetch(
            "notes",
            queryset=notes.select_related("author__staff_profile").prefetch_related("diagnoses"),
            to_attr="shown_notes",
        ),
        Prefetch("vital_signs", queryset=vitals, to_attr="shown_vitals"),
        Prefetch("prescription", queryset=prescriptions, to_attr="shown_prescription"),
    )
    return cast("QuerySet[ClinicalVisit]", clinical)


def entry_of(visit: ClinicalVisit, birth_date: date | None) -> Entry:
    """Return a visit that came through `with_clinical` as an entry; no query."""
    note = visit.shown_notes[0] if visit.shown_notes else None
    vitals = visit.shown_vitals[0] if visit.shown_vitals else None
    prescription = getattr(visit, "shown_prescription", None)
    return Entry(
        visit=visit,
        note=note,
        diagnoses=list(note.diagnoses.all()) if note else [],
        readings=readings(vitals, birth_date) if vitals else [],
        remark=vitals.remark if vitals else "",
        prescription=prescription,
        items=list(prescription.items.all()) if prescription else [],
    )


def bill_of(user: Any, visit: Visit) -> Bill | None:
    """Return the visit's bill with its active lines, when the reader may see bills. Two queries."""
    invoice = (
        Invoice.objects.visible_to(user)
        .filter(encounter_id=visit.pk)
        .prefetch_related(Prefetch("charges", queryset=Charge.objects.active().order_by("id"), to_attr="shown_charges"))
        .first()
    )
    return Bill(invoice, invoice.shown_charges) if invoice is not None else None


def vitals_and_weight(user: Any, visit: Visit) -> tuple[VitalSigns | None, VitalSigns | None]:
    """Return the newest valid set of the visit, and the newest of the patient's last thirty that has a weight. One query."""
    rows = VitalSigns.objects.visible_to(user).filter(patient=visit.patient_id, status=VitalSigns.Status.FINAL)
    latest = list(rows.select_related("recorded_by").order_by("-recorded_at", "-id")[:30])
    return (
        next((vitals for vitals in latest if vitals.visit_id == visit.pk), None),
        next((vitals for vitals in latest if vitals.weight_kg is not None), None),
    )


def own_visits_of_doctor(user: Any) -> QuerySet[Visit]:
    """Return the doctor's own visits of patients they may read, with the patient's active allergies. Two queries."""
    allergies = Allergy.objects.filter(status=Allergy.Status.ACTIVE).order_by("id")
    return (
        Visit.objects.visible_to(user)
        .filter(doctor=user, patient__in=Patient.objects.visible_to(user))
        .for_list()
        .prefetch_related(Prefetch("patient__allergy_rows", queryset=allergies))
    )


@dataclass(frozen=True)
class TrendRow:
    """One moment of measuring in the trend table: a cell of (text, flag) for each column."""

    vitals: VitalSigns
    cells: list[tuple[str, str]]


@dataclass(frozen=True)
class Trend:
    """Vital signs over time, newest first, only with columns that hold anything; and the same for a line chart."""

    columns: list[tuple[str, Any, Any]]
    rows: list[TrendRow]

    def charts(self) -> list[dict[str, Any]]:
        """What static/js/charts.js draws, oldest first, for each measurement that was taken at least twice."""
        found = []
        for name, label, unit in self.columns:
            sets = [row.vitals for row in self.rows[::-1] if getattr(row.vitals, name) is not None]
            if name in CHARTED and len(sets) > 1:
                numbers = [getattr(vitals, name) for vitals in sets]
                found.append(
                    {
                        "key": f"trend-{name}",
                        "title": f"{label} ({unit})",
                        "data": {
                            "title": str(label),
                            "labels": [clock.local(vitals.recorded_at).strftime("%d-%m-%Y") for vitals in sets],
                            "values": [float(number) for number in numbers],
                            "shown": [f"{format_quantity(number)} {unit}" for number in numbers],
                        },
                    }
                )
        return found


CHARTED = ("systolic_mmhg", "weight_kg")


def vitals_trend(user: Any, patient: Patient, *, limit: int = 20) -> Trend:
    """Return the last valid sets of vital signs of a patient. One query."""
    rows = VitalSigns.objects.visible_to(user).filter(patient=patient, status=VitalSigns.Status.FINAL)
    sets = list(rows.order_by("-recorded_at", "-id")[:limit])
    rules = [rule for rule in MEASUREMENTS if any(getattr(vitals, rule.field) is not None for vitals in sets)]
    table = []
    for vitals in sets:
        measured_on = clock.local(vitals.recorded_at).date()
        age_years = clock.age_parts(patient.birth_date, measured_on)[0]
        cells = []
        for rule in rules:
            value = getattr(vitals, rule.field)
            cells.append((format_quantity(value), flag(rule.field, value, age_years=age_years)))
        table.append(TrendRow(vitals, cells))
    return Trend([(rule.field, rule.label, rule.unit) for rule in rules], table)


# --- The doctor's day ------------------------------------------------------------------------------------------------


def unsigned_drafts(user: Any) -> list[Note]:
    """Return the doctor's notes that are begun and not signed, oldest first; drafts of days gone by too. One query."""
    drafts = Note.objects.visible_to(user).filter(author=user, status=Note.Status.DRAFT, visit__doctor=user)
    return list(drafts.select_related("visit__patient", "visit__ticket").order_by("id")[:50])


def appointments_today(user: Any) -> list[Appointment]:
    """Return the doctor's approved bookings of today that have not arrived, by time. One query."""
    start, end = clock.day_bounds(clock.today())
    found = Appointment.objects.visible_to(user).filter(
        doctor=user,
        status=Appointment.Status.APPROVED,
        slot__starts_at__gte=start,
        slot__starts_at__lt=end,
    )
    return list(found.for_list().order_by("slot__starts_at"))


def done_today(user: Any) -> list[Visit]:
    """Return the doctor's visits of today whose consultation is over, latest first. One query."""
    visits = Visit.objects.visible_to(user).filter(doctor=user, consulted_at__isnull=False).on_day(clock.today())
    return list(visits.for_list().order_by("-consulted_at"))


# --- The admin's overview --------------------------------------------------------------------------------------------


def all_bookings(user: Any, filters: dict[str, Any]) -> QuerySet[Appointment]:
    """Return bookings by status, doctor and day of the appointment, ready for a page."""
    rows = Appointment.objects.visible_to(user).for_list()
    rows = _narrow(rows, filters)
    if filters.get("date_from"):
        rows = rows.filter(slot__starts_at__gte=clock.day_bounds(filters["date_from"])[0])
    if filters.get("date_to"):
        rows = rows.filter(slot__starts_at__lt=clock.day_bounds(filters["date_to"])[1])
    return rows


def all_visits(user: Any, filters: dict[str, Any]) -> QuerySet[Visit]:
    """Return visits by status, doctor and day, ready for a page."""
    rows = _narrow(Visit.objects.visible_to(user).for_list(), filters)
    if filters.get("date_from"):
        rows = rows.filter(visit_on__gte=filters["date_from"])
    if filters.get("date_to"):
        rows = rows.filter(visit_on__lte=filters["date_to"])
    return rows


def _narrow(rows: Any, filters: dict[str, Any]) -> Any:
    if filters.get("status"):
        rows = rows.filter(status=filters["status"])
    return rows.filter(doctor=filters["doctor"]) if filters.get("doctor") else rows


# --- The patient's own pages -----------------------------------------------------------------------------------------


def own_visits(user: Any) -> QuerySet[ClinicalVisit]:
    """Return the visits that a portal account may read and that were not cancelled, with signed notes and diagnoses."""
    return with_clinical(Visit.objects.visible_to(user).exclude(status=Visit.Status.CANCELLED), user)


def next_appointments(user: Any, patient: Patient) -> list[Appointment]:
    """Return a patient's bookings that are not over, by time. One query."""
    found = Appointment.objects.visible_to(user).filter(
        status__in=[Appointment.Status.PENDING, Appointment.Status.APPROVED, Appointment.Status.OFFERED],
        patient=patient,
        slot__ends_at__gte=clock.now(),
    )
    return list(found.for_list().order_by("slot__starts_at")[:3])


def open_visits(user: Any, patient: Patient) -> list[Visit]:
    """Return a patient's visits of today that are under way. One query."""
    closed = [Visit.Status.FINISHED, Visit.Status.CANCELLED]
    visits = Visit.objects.visible_to(user).filter(patient=patient).on_day(clock.today()).exclude(status__in=closed)
    return list(visits.for_list().order_by("-id"))


def own_unpaid_bills(user: Any, patient: Patient) -> list[Invoice]:
    """Return a patient's bills that wait for payment, oldest first. One query."""
    return list(Invoice.objects.visible_to(user).filter(patient=patient).unpaid().order_by("issued_at")[:5])


def own_waiting_prescriptions(user: Any, patient: Patient) -> list[Prescription]:
    """Return a patient's prescriptions that were neither handed over nor cancelled. One query."""
    states = [Prescription.Status.NEW, Prescription.Status.PRICED]
    rows = Prescription.objects.visible_to(user).filter(patient=patient, status__in=states)
    return list(rows.select_related("visit").order_by("-id")[:5])
