"""Appointments and visits in the copy of a patient's data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from patients.personal_data import Resource, Section, Table, register
from patients.personal_sections import CLINICAL, reference
from scheduling.models import Appointment, Visit


def _encounter(visit: Visit) -> Iterator[Resource]:
    """Give one visit (FHIR Encounter)."""
    status = {"finished": "finished", "cancelled": "cancelled", "arrived": "arrived"}.get(visit.status, "in-progress")
    period = {"start": visit.arrived_at, "end": visit.finished_at}
    yield {
        "resourceType": "Encounter", "id": str(visit.pk), "status": status, "subject": reference(visit.patient_id),
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {name: moment.isoformat() for name, moment in period.items() if moment},
        "participant": [{"individual": {"display": visit.doctor.full_name}}] if visit.doctor is not None else [],
    }  # fmt: skip


def _booked_for(appointment: Appointment) -> dict[str, Any]:
    return {"starts_at": appointment.slot.starts_at}


def register_own() -> None:
    """Make the section of this app known; called once."""
    tables = (
        Table("scheduling.Appointment", hidden=frozenset({"slot", "active"}), adds=_booked_for),
        Table("scheduling.AppointmentLine", "appointment__patient"),
        Table("scheduling.AppointmentMove", "appointment__patient"),
        Table("scheduling.WaitlistEntry"),
        Table("scheduling.Reminder", "appointment__patient"),
        Table("scheduling.ReminderPreference"),
        Table("scheduling.Visit", resources=_encounter),
        Table("scheduling.VisitLine", "visit__patient"),
        Table("scheduling.QueueTicket", "visit__patient"),
        Table("scheduling.QueueStep", "visit__patient", hidden=frozenset({"open"})),
        Table("scheduling.QueueEvent", "step__visit__patient", hidden=frozenset({"before"})),
    )
    register(Section("visits", _("Appointments and visits"), CLINICAL, tables))
