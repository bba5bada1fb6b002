"""Proposing, deciding and completing practice sessions."""

from datetime import date, time, timedelta

import pytest
import time_machine

from audit.models import AuditEvent
from core import clock
from notifications.models import Notice
from scheduling import services
from scheduling.errors import (
    InvalidPlan,
    NotOwnSession,
    ReasonMissing,
    ServiceNotOffered,
    SessionNotOpen,
    SessionOverlap,
)
from scheduling.models import PracticeSession, Slot
from tests.factories.accounts import DoctorFactory
from tests.factories.scheduling import ServiceFactory, SessionFactory, session_at

pytestmark = pytest.mark.django_db

Status = PracticeSession.Status
NOON = "2026-11-20T05:00:00+00:00"  # 12.00 WIB


def propose(doctor, service, **fields):
    values = {
        "practice_on": clock.today() + timedelta(days=1), "start_time": time(8), "slot_minutes": 30, "gap_minutes": 0,
        "slot_count": 4, "breaks": [], **fields,
    }  # fmt: skip
    return services.propose_session(actor=doctor, service_id=service.pk, **values)


def test_another_doctor_cannot_complete_my_session(cast):
    session = SessionFactory(doctor=cast.doctor, practice_on=clock.today() - timedelta(days=1))
    with pytest.raises(NotOwnSession):
        services.request_completion(session_id=session.pk, actor=cast.other_doctor)
    session.refresh_from_db()
    assert session.status == Status.APPROVED


def test_proposing_makes_the_planned_slots_and_tells_the_admins(cast):
    cast.admin
    service = ServiceFactory()
    session = propose(cast.doctor, service, slot_count=3, breaks=[(time(8, 30), time(9))])
    assert session.status == Status.PENDING
    assert [(f"{clock.local(slot.starts_at):%H:%M}", slot.number) for slot in session.slots.all()] == [
        ("08:00", 1), ("09:00", 2), ("09:30", 3),
    ]  # fmt: skip
    assert f"{clock.local(session.ends_at):%H:%M}" == "10:00"
    assert session.breaks == [["08:30", "09:00"]]
    assert Slot.objects.bookable(clock.now()).count() == 0, "a session that waits cannot be booked"
    assert list(Notice.objects.values_list("kind", "recipient_id")) == [("session_proposed", cast.admin.pk)]
    event = AuditEvent.objects.get(action="scheduling.session.proposed")
    assert (event.actor_id, event.detail["slots"]) == (cast.doctor.pk, 3)


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    "fields",
    [
        {"practice_on": date(2026, 11, 19)},
        {"practice_on": date(2026, 11, 20), "start_time": time(12)},
        {"practice_on": date(2027, 11, 21)},
        {"start_time": time(23, 45)},
        {"slot_count": 21},
        {"slot_minutes": 4},
        {"slot_minutes": 241},
        {"gap_minutes": 300},
    ],
)
def test_values_outside_the_rules_create_nothing(cast, fields):
    service = ServiceFactory()
    with pytest.raises(InvalidPlan):
        propose(cast.doctor, service, **fields)
    assert (PracticeSession.objects.count(), Slot.objects.count(), AuditEvent.objects.count()) == (0, 0, 0)


def test_only_services_of_the_own_specialty_by_a_verified_doctor(cast):
    foreign, closed = ServiceFactory(specialty="gigi"), ServiceFactory(is_active=False)
    for service in (foreign, closed):
        with pytest.raises(ServiceNotOffered):
            propose(cast.doctor, service)
    unverified = DoctorFactory(profile={"verified_at": None})
    with pytest.raises(ServiceNotOffered):
        propose(unverified, ServiceFactory())
    assert PracticeSession.objects.count() == 0


def test_late_session_keeps_only_what_fits_before_midnight(cast):
    session = propose(cast.doctor, ServiceFactory(), start_time=time(22), slot_count=10)
    assert (session.slot_count, session.slots.count()) == (4, 4)
    assert session.ends_at == clock.day_bounds(session.practice_on)[1]


def test_preview_warns_of_past_midnight_and_other_sessions(cast):
    SessionFactory(doctor=cast.doctor)
    SessionFactory(doctor=cast.doctor, status=Status.REJECTED)
    SessionFactory(doctor=cast.other_doctor)
    values = {"slot_minutes": 30, "gap_minutes": 0, "slot_count": 2, "breaks": []}
    tomorrow = clock.today() + timedelta(days=1)
    assert (
        len(services.plan_session(doctor=cast.doctor, practice_on=tomorrow, start_time=time(9), **values).warnings) == 1
    )
    assert services.plan_session(doctor=cast.doctor, practice_on=tomorrow, start_time=time(8), **values).warnings == []
    late = services.plan_session(
        doctor=cast.doctor, practice_on=clock.today() - timedelta(days=3), start_time=time(23, 30), **values
    )
    assert len(late.warnings) == 2
    assert len(late.slots) == 1


def test_approval_opens_the_slots_once(cast):
    session = propose(cast.doctor, ServiceFactory())
    services.approve_session(session_id=session.pk, actor=cast.admin)
    session.refresh_from_db()
    assert (session.status, session.decided_by_id) == (Status.APPROVED, cast.admin.pk)
    assert Slot.objects.bookable(clock.now()).count() == 4
    assert Notice.objects.filter(recipient=cast.doctor, kind="session_approved").count() == 1
    with pytest.raises(SessionNotOpen):
        services.approve_session(session_id=session.pk, actor=cast.admin)
    assert AuditEvent.objects.filter(action="scheduling.session.approved").count() == 1


def test_approval_refuses_an_overlap_with_an_approved_session_but_not_a_touch(cast):
    service = ServiceFactory()
    SessionFactory(doctor=cast.doctor, service=service)  # 09.00-10.30
    before = propose(cast.doctor, service, start_time=time(8), slot_count=2)
    overlapping = session_at(
        clock.today() + timedelta(days=1), 10, count=1, doctor=cast.doctor, service=service, status=Status.PENDING
    )
    after = propose(cast.doctor, service, start_time=time(10, 30), slot_count=1)
    services.approve_session(session_id=before.pk, actor=cast.admin)
    services.approve_session(session_id=after.pk, actor=cast.admin)
    with pytest.raises(SessionOverlap):
        services.approve_session(session_id=overlapping.pk, actor=cast.admin)
    overlapping.refresh_from_db()
    assert overlapping.status == Status.PENDING


def test_approval_refuses_what_is_over(cast):
    session = SessionFactory(doctor=cast.doctor, status=Status.PENDING, practice_on=clock.today() - timedelta(days=1))
    with pytest.raises(SessionNotOpen):
        services.approve_session(session_id=session.pk, actor=cast.admin)


def test_rejection_needs_a_reason_and_tells_it(cast):
    session = SessionFactory(doctor=cast.doctor, status=Status.PENDING)
    for reason in ("", "   ", "x" * 301):
        with pytest.raises(ReasonMissing):
            services.reject_session(session_id=session.pk, actor=cast.admin, reason=reason)
    services.reject_session(session_id=session.pk, actor=cast.admin, reason=" Ruang dipakai ")
    session.refresh_from_db()
    assert (session.status, session.reason) == (Status.REJECTED, "Ruang dipakai")
    notice = Notice.objects.get(recipient=cast.doctor)
    assert notice.params == {"practice_on": session.practice_on.isoformat(), "reason": "Ruang dipakai"}


def test_completion_only_after_the_end_and_in_two_steps(cast):
    ahead = SessionFactory(doctor=cast.doctor)
    with pytest.raises(SessionNotOpen):
        services.request_completion(session_id=ahead.pk, actor=cast.doctor)
    past = SessionFactory(doctor=cast.doctor, practice_on=clock.today() - timedelta(days=1))
    with pytest.raises(SessionNotOpen):
        services.confirm_completion(session_id=past.pk, actor=cast.admin)
    services.request_completion(session_id=past.pk, actor=cast.doctor)
    services.confirm_completion(session_id=past.pk, actor=cast.admin)
    past.refresh_from_db()
    assert past.status == Status.COMPLETED
    assert past.completed_at is not None
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["scheduling.session.completion_requested", "scheduling.session.completed"]
