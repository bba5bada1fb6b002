"""Leave, blocked hours, holidays and the clinic's hours: what they do to plans, slots and bookings."""

import json
from datetime import date, time, timedelta

import pytest
import tablib
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput
from notifications.models import Email, Notice
from scheduling import services
from scheduling.admin import HolidayResource
from scheduling.errors import InvalidPlan, NotOwnTimeOff, PlanChanged, SessionNotOpen, TimeOffNotOpen, UndecidedBookings
from scheduling.models import Appointment, ClinicHours, Holiday, PracticeSession, Slot, TimeOff
from scheduling.services import Absence, Choice, Decision, Feast
from scheduling.services.closures import closed_slots
from scheduling.tasks import refresh_closed_slots
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, session_at

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 6)  # tomorrow, a Friday
Booking = Appointment.Status


def at(text, day=DAY):
    return clock.at(day, time.fromisoformat(text))


def leave(doctor, first="00:00", last="23:59", kind=TimeOff.Kind.LEAVE, **fields):
    return Absence(doctor_id=doctor.pk, kind=kind, starts_at=at(first), ends_at=at(last), **fields)


def feast(day=DAY, closes=True):
    return Feast(date=day, name="Contoh libur", kind=Holiday.Kind.LOCAL, closes_clinic=closes)


def plan(doctor, start="08:00", **fields):
    values = {"slot_minutes": 30, "gap_minutes": 0, "slot_count": 4, **fields}
    return services.plan_session(doctor=doctor, practice_on=DAY, start_time=time.fromisoformat(start), **values)


def starts(found):
    return [f"{clock.local(start):%H:%M}" for start, _end in found.slots]


def closed(session):
    return [slot.is_closed for slot in session.slots.all()]


def cancel(appointment):
    return {appointment.pk: Decision(Choice.CANCEL, appointment.slot_id)}


def friday(**fields):
    values = {"name": "Jumat", "weekdays": [5], "break_starts_at": time(11, 30), "break_ends_at": time(13)}
    return ClinicHours.objects.create(**(values | fields))


# --- Plans ----------------------------------------------------------------------------------------------------------
def test_the_break_of_friday_is_skipped(cast):
    friday()
    found = plan(cast.doctor, "11:00")
    assert starts(found) == ["11:00", "13:00", "13:30", "14:00"]
    assert [row.number for row in found.skipped] == [2]


@pytest.mark.parametrize(
    "fields",
    [{"weekdays": [4]}, {"is_active": False}, {"first_on": date(2026, 3, 7)}, {"last_on": date(2026, 3, 5)}],
)
def test_hours_of_other_days_change_nothing(cast, fields):
    friday(**fields)
    assert starts(plan(cast.doctor, "11:00")) == ["11:00", "11:30", "12:00", "12:30"]


@pytest.mark.parametrize("days", [[0], [8], ["5"], [True], "5", {"5": 1}, 5, None])
def test_days_of_the_week_that_are_none_are_refused(cast, client_for, days):
    with pytest.raises(InvalidInput):
        services.save_hours(hours=ClinicHours(name="Jumat", weekdays=days), actor=cast.admin)
    data = {"name": "Jumat", "weekdays": json.dumps(days), "is_active": "on"}
    answer = client_for(cast.admin).post(reverse("admin:scheduling_clinichours_add"), data)
    assert (answer.status_code, ClinicHours.objects.count()) == (200, 0)


def test_of_several_hours_the_strictest_counts(cast):
    ClinicHours.objects.create(name="Biasa", opens_at=time(8), closes_at=time(20))
    ClinicHours.objects.create(
        name="Ramadan", first_on=DAY, last_on=DAY, opens_at=time(9), closes_at=time(15), weekdays=[]
    )
    friday()
    found = plan(cast.doctor, "08:30", slot_count=20)
    assert (starts(found)[0], starts(found)[-1], len(found.slots)) == ("09:00", "14:30", 9)
    assert len(found.warnings) == 1


def test_a_holiday_warns_in_the_preview_and_refuses_the_proposal(cast):
    Holiday.objects.create(date=DAY, name="Contoh libur", kind=Holiday.Kind.NATIONAL)
    found = plan(cast.doctor)
    assert (len(found.slots), len(found.warnings)) == (4, 1)
    assert "Contoh libur" in found.warnings[0]
    values = {"practice_on": DAY, "start_time": time(8), "slot_minutes": 30, "gap_minutes": 0, "slot_count": 2}
    service = ServiceFactory()
    with pytest.raises(InvalidPlan):
        services.propose_session(actor=cast.doctor, service_id=service.pk, **values)
    Holiday.objects.update(closes_clinic=False)
    services.propose_session(actor=cast.doctor, service_id=service.pk, **values)


def test_time_off_is_skipped_for_its_doctor_until_it_is_taken_back(cast):
    row = services.add_time_off(absence=leave(cast.doctor, "08:30", "10:00"), actor=cast.doctor)
    assert starts(plan(cast.doctor)) == ["08:00", "10:00", "10:30", "11:00"]
    assert starts(plan(cast.other_doctor))[1] == "08:30"
    services.cancel_time_off(time_off_id=row.pk, actor=cast.doctor)
    assert starts(plan(cast.doctor))[1] == "08:30"


def test_hours_that_change_between_preview_and_proposal_are_noticed(cast):
    shown = plan(cast.doctor, "11:00").fingerprint
    friday()
    service = ServiceFactory()
    values = {"practice_on": DAY, "start_time": time(11), "slot_minutes": 30, "gap_minutes": 0, "slot_count": 4}
    with pytest.raises(PlanChanged):
        services.propose_session(actor=cast.doctor, service_id=service.pk, shown=shown, **values)
    assert PracticeSession.objects.count() == 0
    shown = plan(cast.doctor, "11:00").fingerprint
    services.propose_session(actor=cast.doctor, service_id=service.pk, shown=shown, **values)


# --- Slots ----------------------------------------------------------------------------------------------------------
def test_slots_close_and_open_again_with_time_off(cast, session):
    assert session.practice_on == DAY
    other = SessionFactory(doctor=cast.other_doctor)
    row = services.add_time_off(absence=leave(cast.doctor, "09:15", "10:00"), actor=cast.doctor)
    assert (closed(session), closed(other)) == ([True, True, False], [False] * 3)
    assert Slot.objects.bookable(clock.now()).filter(session=session).count() == 1
    assert services.refresh_closed(doctor_id=None, first=DAY, last=DAY) == 0, "safe to repeat"
    services.cancel_time_off(time_off_id=row.pk, actor=cast.admin)
    assert closed(session) == [False] * 3


def test_what_two_things_close_opens_when_both_are_gone(cast, session):
    row = services.add_time_off(absence=leave(cast.doctor), actor=cast.doctor)
    holiday = services.save_holiday(feast=feast(), actor=cast.admin)
    services.cancel_time_off(time_off_id=row.pk, actor=cast.doctor)
    assert closed(session) == [True] * 3
    services.delete_holiday(holiday_id=holiday.pk, actor=cast.admin)
    assert closed(session) == [False] * 3
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert actions >= {"scheduling.time_off.added", "scheduling.time_off.cancelled", "scheduling.holiday.deleted"}


def test_a_session_approved_after_the_leave_is_closed_or_refused(cast):
    waits = SessionFactory(doctor=cast.doctor, status=PracticeSession.Status.PENDING)
    services.add_time_off(absence=leave(cast.doctor, "09:00", "10:00"), actor=cast.doctor)
    services.approve_session(session_id=waits.pk, actor=cast.admin)
    assert closed(waits) == [True, True, False]
    whole = session_at(DAY, 14, doctor=cast.doctor, status=PracticeSession.Status.PENDING)
    services.add_time_off(absence=leave(cast.doctor, "13:00", "18:00"), actor=cast.doctor)
    with pytest.raises(SessionNotOpen):
        services.approve_session(session_id=whole.pk, actor=cast.admin)


def test_the_nightly_repair_closes_what_was_missed(cast, session):
    Holiday.objects.create(date=DAY, name="Contoh libur", kind=Holiday.Kind.LOCAL)  # as an import does
    assert refresh_closed_slots() == 3
    assert (closed(session), refresh_closed_slots()) == ([True] * 3, 0)


# --- Bookings -------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_leave_wants_a_decision_for_each_booking(cast, session):
    appointment = AppointmentFactory(slot=session.slots.first(), patient=PatientFactory(email="siti@surat.example"))
    keep = {appointment.pk: Decision(Choice.KEEP, appointment.slot_id)}
    for decisions in ({}, keep):
        with pytest.raises(UndecidedBookings):
            services.add_time_off(absence=leave(cast.doctor), actor=cast.doctor, reason="Cuti", decisions=decisions)
    assert (TimeOff.objects.count(), closed(session)) == (0, [False] * 3)
    services.add_time_off(
        absence=leave(cast.doctor), actor=cast.doctor, reason="Dokter cuti", decisions=cancel(appointment)
    )
    appointment.refresh_from_db()
    assert (appointment.status, appointment.reason) == (Booking.CANCELLED, "Dokter cuti")
    assert Email.objects.get().template == "appointment_cancelled"


def test_blocked_hours_may_keep_a_booking(cast, session):
    appointment = AppointmentFactory(slot=session.slots.first())
    keep = {appointment.pk: Decision(Choice.KEEP, appointment.slot_id)}
    services.add_time_off(absence=leave(cast.doctor, kind=TimeOff.Kind.BLOCKED), actor=cast.doctor, decisions=keep)
    appointment.refresh_from_db()
    assert (appointment.status, closed(session)) == (Booking.APPROVED, [True] * 3)
    assert not closed_slots().exists()


def test_a_closing_holiday_wants_decisions_and_an_open_one_does_not(cast, session):
    appointment = AppointmentFactory(slot=session.slots.first())
    holiday = services.save_holiday(feast=feast(closes=False), actor=cast.admin)
    with pytest.raises(UndecidedBookings):
        services.save_holiday(feast=feast(), actor=cast.admin, holiday_id=holiday.pk)
    services.save_holiday(
        feast=feast(), actor=cast.admin, holiday_id=holiday.pk, reason="Libur", decisions=cancel(appointment)
    )
    appointment.refresh_from_db()
    assert (appointment.status, closed(session)) == (Booking.CANCELLED, [True] * 3)


def test_moving_a_holiday_opens_its_old_day(cast, session):
    holiday = services.save_holiday(feast=feast(), actor=cast.admin)
    services.save_holiday(feast=feast(DAY + timedelta(days=1)), actor=cast.admin, holiday_id=holiday.pk)
    assert closed(session) == [False] * 3


@pytest.mark.django_db(transaction=True)
def test_two_holidays_on_one_date_are_refused(cast):
    services.save_holiday(feast=feast(), actor=cast.admin)
    with pytest.raises(InvalidInput):
        services.save_holiday(feast=feast(), actor=cast.admin)
    assert Holiday.objects.count() == 1


def test_bookings_that_an_import_left_in_closed_times_are_decided_one_by_one(cast, session):
    first, second = (AppointmentFactory(slot=slot) for slot in session.slots.all()[:2])
    Holiday.objects.create(date=DAY, name="Contoh libur", kind=Holiday.Kind.LOCAL)
    services.refresh_closed(doctor_id=None, first=DAY, last=DAY)
    counts = services.decide_closed(actor=cast.admin, reason="Libur", decisions=cancel(first))
    first.refresh_from_db(), second.refresh_from_db()
    assert (counts["cancel"], first.status, second.status) == (1, Booking.CANCELLED, Booking.APPROVED)
    elsewhere = AppointmentFactory()
    assert services.decide_closed(actor=cast.admin, reason="Libur", decisions=cancel(elsewhere))["cancel"] == 0
    elsewhere.refresh_from_db()
    assert elsewhere.status == Booking.APPROVED


# --- Rules ----------------------------------------------------------------------------------------------------------
def test_doctors_enter_their_own_time_off_admins_everybodys(cast):
    with pytest.raises(NotOwnTimeOff):
        services.add_time_off(absence=leave(cast.other_doctor), actor=cast.doctor)
    row = services.add_time_off(absence=leave(cast.other_doctor), actor=cast.admin)
    assert Notice.objects.get(recipient=cast.other_doctor).kind == "time_off_entered"
    with pytest.raises(NotOwnTimeOff):
        services.cancel_time_off(time_off_id=row.pk, actor=cast.doctor)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (at("10:00"), at("10:00")),
        (at("10:00"), at("09:00")),
        (at("08:00", date(2026, 3, 4)), at("09:00", date(2026, 3, 4))),
        (at("08:00", date(2027, 3, 8)), at("09:00", date(2027, 3, 8))),
        (at("08:00"), at("08:00", date(2027, 3, 9))),
    ],
)
def test_time_off_outside_the_rules_is_refused(cast, first, last):
    absence = Absence(doctor_id=cast.doctor.pk, kind=TimeOff.Kind.LEAVE, starts_at=first, ends_at=last)
    with pytest.raises(InvalidInput):
        services.add_time_off(absence=absence, actor=cast.doctor)
    nobody = Absence(doctor_id=cast.nurse.pk, kind=TimeOff.Kind.LEAVE, starts_at=at("08:00"), ends_at=at("09:00"))
    with pytest.raises(InvalidInput):
        services.add_time_off(absence=nobody, actor=cast.admin)
    assert TimeOff.objects.count() == 0


def test_time_off_is_taken_back_once(cast):
    row = services.add_time_off(absence=leave(cast.doctor), actor=cast.doctor)
    services.cancel_time_off(time_off_id=row.pk, actor=cast.doctor)
    with pytest.raises(TimeOffNotOpen):
        services.cancel_time_off(time_off_id=row.pk, actor=cast.doctor)


def test_leave_over_several_days_closes_each_of_them(cast):
    sessions = [session_at(DAY + timedelta(days=days), 9, doctor=cast.doctor) for days in range(4)]
    absence = Absence(
        doctor_id=cast.doctor.pk, kind=TimeOff.Kind.LEAVE, starts_at=at("00:00"),
        ends_at=at("00:00", DAY + timedelta(days=3)),
    )  # fmt: skip
    services.add_time_off(absence=absence, actor=cast.doctor)
    assert [all(closed(session)) for session in sessions] == [True, True, True, False]


def test_a_sheet_of_holidays_adds_changes_and_closes(cast, session):
    sheet = "date,name,kind,closes_clinic\n{day},{name},national,{closed}\n2026-12-24,Contoh lain,joint_leave,0\n"
    before = tablib.Dataset().load(sheet.format(day=DAY, name="Contoh libur", closed=1), format="csv")
    after = tablib.Dataset().load(sheet.format(day=DAY, name="Contoh baru", closed=0), format="csv")
    HolidayResource().import_data(before, dry_run=True)
    assert (Holiday.objects.count(), closed(session)) == (0, [False] * 3)
    HolidayResource().import_data(before, dry_run=False, raise_errors=True)
    assert closed(session) == [True] * 3
    HolidayResource().import_data(after, dry_run=False, raise_errors=True)
    assert list(Holiday.objects.values_list("name", "closes_clinic")) == [
        ("Contoh baru", False),
        ("Contoh lain", False),
    ]
    assert closed(session) == [False] * 3


def test_whole_days_name_the_last_day_and_not_midnight(cast):
    bounds = clock.day_bounds(DAY)
    whole = TimeOff(doctor=cast.doctor, starts_at=bounds[0], ends_at=bounds[1])
    part = TimeOff(doctor=cast.doctor, starts_at=at("10:00"), ends_at=bounds[1])
    assert (whole.first_on, whole.last_on, whole.is_whole_days) == (DAY, DAY, True)
    assert (part.last_on, part.is_whole_days) == (DAY, False)


@pytest.mark.parametrize("zone", ["Asia/Jayapura", "America/New_York", "UTC"])
def test_absences_belong_to_the_clinics_day_in_every_zone(cast, settings, zone):
    settings.TIME_ZONE = zone
    late = SessionFactory(doctor=cast.doctor, practice_on=DAY, starts_at=at("22:30"), slot_count=2)  # 23.30 at the end
    early = SessionFactory(
        doctor=cast.doctor, practice_on=DAY + timedelta(days=1), starts_at=at("00:30", DAY + timedelta(days=1))
    )
    services.save_holiday(feast=feast(), actor=cast.admin)
    assert (all(closed(late)), any(closed(early))) == (True, False)
    assert services.rules_for(doctor_id=None, days=[DAY])[DAY].closed_by == "Contoh libur"
