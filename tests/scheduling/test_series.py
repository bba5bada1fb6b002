"""Weekly series: the dates of a pattern, proposing and deciding as a whole, ending early."""

from datetime import date, time, timedelta

import pytest

from audit.models import AuditEvent
from core import clock
from notifications.models import Notice
from scheduling import services
from scheduling.errors import InvalidPlan, NotOwnSession, PlanChanged, ReasonMissing, SeriesNotOpen, ServiceNotOffered
from scheduling.models import Appointment, Holiday, PracticeSession, SessionSeries, Slot, Stage, Station
from scheduling.services import Pattern
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, session_at

pytestmark = pytest.mark.django_db

Status, Session = SessionSeries.Status, PracticeSession.Status
FIRST = date(2026, 3, 9)  # a Monday; today is Thursday the 5th


def pattern(**fields):
    values = {
        "weekdays": [1, 4], "every_weeks": 1, "first_on": FIRST, "until": date(2026, 3, 22), "start_time": time(8),
        "slot_minutes": 30, "gap_minutes": 0, "slot_count": 2, **fields,
    }  # fmt: skip
    return Pattern(**values)


def propose(cast, **fields):
    return services.propose_series(actor=cast.doctor, service_id=ServiceFactory().pk, pattern=pattern(**fields))


def days_of(rows):
    return [row.day.isoformat()[5:] for row in rows]


def statuses(series):
    return list(series.sessions.order_by("starts_at").values_list("status", flat=True))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["03-09", "03-12", "03-16", "03-19"]),
        ({"every_weeks": 2}, ["03-09", "03-12"]),
        ({"every_weeks": 2, "until": date(2026, 3, 23)}, ["03-09", "03-12", "03-23"]),
        # Weeks count from Monday: from a Wednesday, the Monday of that week is not there.
        ({"first_on": date(2026, 3, 11), "every_weeks": 2, "until": date(2026, 3, 26)}, ["03-12", "03-23", "03-26"]),
        ({"weekdays": [7, 7, 6], "until": date(2026, 3, 15)}, ["03-14", "03-15"]),
        ({"until": FIRST}, ["03-09"]),
    ],
)
def test_dates_of_a_pattern(cast, fields, expected):
    assert days_of(services.plan_series(doctor=cast.doctor, pattern=pattern(**fields)).kept) == expected


def test_what_is_left_out_is_listed_with_its_reason(cast):
    Holiday.objects.create(date=date(2026, 3, 12), name="Contoh libur", kind=Holiday.Kind.LOCAL)
    Holiday.objects.create(date=date(2026, 3, 9), name="Buka", kind=Holiday.Kind.LOCAL, closes_clinic=False)
    session_at(date(2026, 3, 16), 8, doctor=cast.doctor)
    session_at(date(2026, 3, 19), 8, doctor=cast.other_doctor)
    plan = services.plan_series(doctor=cast.doctor, pattern=pattern(except_on=[date(2026, 3, 19)]))
    assert days_of(plan.kept) == ["03-09"]
    assert days_of(plan.left_out) == ["03-12", "03-16", "03-19"]
    assert plan.left_out[0].left_out == "Contoh libur"
    assert plan.slot_count == 2


def test_the_preview_is_what_is_proposed(cast):
    cast.admin
    Holiday.objects.create(date=date(2026, 3, 12), name="Contoh libur", kind=Holiday.Kind.LOCAL)
    plan = services.plan_series(doctor=cast.doctor, pattern=pattern())
    series = propose(cast)
    rows = Slot.objects.filter(session__series=series).order_by("starts_at").values_list("starts_at", "ends_at")
    assert list(rows) == [slot for row in plan.kept for slot in row.plan.slots]
    assert statuses(series) == [Session.PENDING] * 3
    assert Slot.objects.bookable(clock.now()).count() == 0
    assert Notice.objects.get().kind == "series_proposed"
    assert AuditEvent.objects.get(action="scheduling.series.proposed").detail["sessions"] == 3


def test_a_preview_that_is_no_longer_true_is_refused(cast):
    service = ServiceFactory()
    shown = services.plan_series(doctor=cast.doctor, pattern=pattern()).fingerprint
    Holiday.objects.create(date=date(2026, 3, 12), name="Contoh libur", kind=Holiday.Kind.LOCAL)
    with pytest.raises(PlanChanged):
        services.propose_series(actor=cast.doctor, service_id=service.pk, pattern=pattern(), shown=shown)
    assert SessionSeries.objects.count() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"weekdays": []},
        {"weekdays": [0]},
        {"weekdays": [8]},
        {"every_weeks": 0},
        {"every_weeks": 13},
        {"first_on": date(2026, 3, 4)},
        {"until": date(2026, 3, 8)},
        {"until": date(2027, 3, 6)},
        {"weekdays": [5], "until": date(2026, 3, 11)},
        {"slot_minutes": 4},
        {"start_time": time(23, 50)},
        {"except_on": [date(2026, 3, day) for day in (9, 12, 16, 19)]},
    ],
)
def test_patterns_outside_the_rules_create_nothing(cast, fields):
    with pytest.raises(InvalidPlan):
        propose(cast, **fields)
    assert (SessionSeries.objects.count(), PracticeSession.objects.count()) == (0, 0)


def test_a_service_of_others_is_refused(cast):
    with pytest.raises(ServiceNotOffered):
        services.propose_series(actor=cast.doctor, service_id=ServiceFactory(specialty="gigi").pk, pattern=pattern())


def test_approval_opens_what_fits_and_names_the_rest(cast):
    place = Station.objects.create(name="Ruang 1", stage=Stage.DOCTOR, spoken=Station.Spoken.ROOM)
    series = propose(cast, station=place)
    session_at(date(2026, 3, 12), 8, doctor=cast.doctor)
    session_at(date(2026, 3, 16), 8, doctor=cast.other_doctor, station=place)
    Holiday.objects.create(date=date(2026, 3, 19), name="Contoh libur", kind=Holiday.Kind.LOCAL)
    outcome = services.approve_series(series_id=series.pk, actor=cast.admin)
    assert outcome.done == 1
    assert [row.practice_on.day for row in outcome.left] == [12, 16, 19]
    assert statuses(series) == [Session.APPROVED, *[Session.PENDING] * 3]
    series.refresh_from_db()
    assert (series.status, series.decided_by_id) == (Status.APPROVED, cast.admin.pk)
    assert Notice.objects.get(recipient=cast.doctor).params["approved"] == 1
    with pytest.raises(SeriesNotOpen):
        services.approve_series(series_id=series.pk, actor=cast.admin)


def test_a_series_that_fits_nowhere_is_not_approved(cast):
    series = propose(cast, until=FIRST)
    session_at(FIRST, 8, doctor=cast.doctor)
    with pytest.raises(SeriesNotOpen):
        services.approve_series(series_id=series.pk, actor=cast.admin)


def test_rejection_is_whole_and_has_a_reason(cast):
    series = propose(cast)
    with pytest.raises(ReasonMissing):
        services.reject_series(series_id=series.pk, actor=cast.admin, reason="")
    services.reject_series(series_id=series.pk, actor=cast.admin, reason="Ruang penuh")
    assert statuses(series) == [Session.REJECTED] * 4
    assert series.sessions.first().reason == "Ruang penuh"
    assert Notice.objects.get(recipient=cast.doctor).kind == "series_rejected"


def test_ending_cancels_what_is_free_and_leaves_what_is_booked(cast):
    series = propose(cast)
    services.approve_series(series_id=series.pk, actor=cast.admin)
    third = series.sessions.order_by("starts_at")[2]
    appointment = AppointmentFactory(slot=third.slots.first())
    outcome = services.end_series(series_id=series.pk, actor=cast.admin, last_on=FIRST, reason="Pindah jadwal")
    assert (outcome.done, outcome.left) == (2, [third])
    assert statuses(series) == [Session.APPROVED, Session.CANCELLED, Session.APPROVED, Session.CANCELLED]
    appointment.refresh_from_db(), series.refresh_from_db()
    assert appointment.status == Appointment.Status.APPROVED
    assert (series.status, series.until) == (Status.ENDED, FIRST)
    services.cancel_session(
        session_id=third.pk, actor=cast.admin, reason="Pindah jadwal",
        decisions={appointment.pk: services.Decision(services.Choice.CANCEL, appointment.slot_id)},
    )  # fmt: skip
    assert statuses(series)[2] == Session.CANCELLED


def test_a_doctor_ends_the_own_series_only(cast):
    series = propose(cast)
    with pytest.raises(NotOwnSession):
        services.end_series(series_id=series.pk, actor=cast.other_doctor, last_on=FIRST, reason="Cuti")
    with pytest.raises(InvalidPlan):
        services.end_series(
            series_id=series.pk, actor=cast.doctor, last_on=clock.today() - timedelta(days=2), reason="Cuti"
        )
    assert services.end_series(series_id=series.pk, actor=cast.doctor, last_on=FIRST, reason="Cuti").done == 3


def test_a_year_of_every_day_costs_the_same_queries_as_a_week(cast, django_assert_max_num_queries):
    doctor = cast.doctor
    with django_assert_max_num_queries(5):
        plan = services.plan_series(
            doctor=doctor, pattern=pattern(weekdays=[1, 2, 3, 4, 5, 6, 7], until=date(2027, 3, 5))
        )
    assert len(plan.kept) == 362
