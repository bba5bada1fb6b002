"""What the screens of this app read, each in a fixed number of queries."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, TypedDict, cast

from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When

from consultations.models import VitalSigns
from scheduling.models import Visit, urgency

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Measured(TypedDict):
        has_vitals: bool

    VisitToMeasure = WithAnnotations[Visit, _Measured]

TO_MEASURE = (Visit.Status.ARRIVED, Visit.Status.TRIAGE, Visit.Status.WAITING)


def visits_before_doctor(user: Any, day: date) -> QuerySet[VisitToMeasure]:
    """Return the visits of a day that have not reached the doctor: without vital signs first, then by urgency and arrival.

    `has_vitals` is true when a valid set was recorded on the visit. One query.
    """
    measured = VitalSigns.objects.filter(visit=OuterRef("pk"), status=VitalSigns.Status.FINAL)
    visits = (
        Visit.objects.visible_to(user)
        .on_day(day)
        .filter(status__in=TO_MEASURE)
        .annotate(has_vitals=Exists(measured))
        .annotate(order=Case(When(has_vitals=True, then=Value(1)), default=Value(0)))
        .for_list()
        .order_by("order", urgency(), "arrived_at", "id")
    )
    return cast("QuerySet[VisitToMeasure]", visits)


def vitals_of_patient(user: Any, patient_id: Any, *, limit: int = 10) -> list[VitalSigns]:
    """Return a patient's valid sets of vital signs, newest first. One query."""
    rows = VitalSigns.objects.visible_to(user).filter(patient_id=patient_id, status=VitalSigns.Status.FINAL)
    return list(rows.select_related("recorded_by", "visit").order_by("-recorded_at", "-id")[:limit])
