"""Screens of sessions, series, time off and holidays: wrong person, what is shown, what is sent against what was shown."""

import re
from datetime import time, timedelta

import pytest
from django.urls import reverse

from core import clock
from scheduling import services
from scheduling.models import (
    Appointment,
    ClinicHours,
    Holiday,
    PracticeSession,
    SessionSeries,
    Stage,
    Station,
    TimeOff,
)
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, session_at

pytestmark = pytest.mark.django_db

Booking, Status = Appointment.Status, PracticeSession.Status


def url(name, *args):
    return reverse(f"scheduling:{name}", args=args)


def tomorrow():
    return clock.today() + timedelta(days=1)  # a Friday


def proposal(service, **fields):
    return {
        "service": service.pk, "practice_on": tomorrow().isoformat(), "start_time": "11:00", "slot_minutes": "30",
        "gap_minutes": "0", "slot_count": "4", **fields,
    }  # fmt: skip


def change(session, start="09:15", **fields):
    return {
        "practice_on": session.practice_on.isoformat(), "start_time": start, "slot_minutes": "30", "gap_minutes": "0",
        "slot_count": "3", "version": str(session.version), "reason": "Dokter terlambat", **fields,
    }  # fmt: skip


def weekly(service, **fields):
    return {
        "service": service.pk, "weekdays": ["1", "4"], "every_weeks": "1", "first_on": "2026-03-09",
        "until": "2026-03-22", "except_on": "", "start_time": "08:00", "slot_minutes": "30", "gap_minutes": "0",
        "slot_count": "2", **fields,
    }  # fmt: skip


def shown_of(page):
    return re.search(r'name="shown" value="([^"]+)"', page.content.decode())[1]


def decide(appointment, value):
    return {f"decide-{appointment.pk}": value, f"at-{appointment.pk}": str(appointment.slot_id)}


def booked(slot, **fields):
    return AppointmentFactory(slot=slot, patient=PatientFactory(full_name="Wulan Ningsih"), **fields)


# --- Proposing ------------------------------------------------------------------------------------------------------
def test_hours_that_change_after_the_preview_show_a_new_one(cast, client_for):
    client, data = client_for(cast.doctor), proposal(ServiceFactory())
    shown = shown_of(client.post(url("session-preview-panel"), data))
    ClinicHours.objects.create(name="Jumat", weekdays=[5], break_starts_at=time(11, 30), break_ends_at=time(13))
    answer = client.post(url("session-propose"), {**data, "shown": shown})
    assert answer.status_code == 409
    assert PracticeSession.objects.count() == 0
    again = {**data, "shown": shown_of(answer)}
    assert client.post(url("session-propose"), again).status_code == 302
    starts = [f"{clock.local(slot.starts_at):%H:%M}" for slot in PracticeSession.objects.get().slots.all()]
    assert starts == ["11:00", "13:00", "13:30", "14:00"]


def test_a_preview_of_other_values_hinders_nothing(cast, client_for):
    client, data = client_for(cast.doctor), proposal(ServiceFactory())
    shown = shown_of(client.post(url("session-preview-panel"), data))
    answer = client.post(url("session-propose"), {**data, "slot_count": "5", "shown": shown})
    assert (answer.status_code, PracticeSession.objects.get().slot_count) == (302, 5)


def test_an_own_length_and_a_room(cast, client_for):
    room = Station.objects.create(name="Ruang 2", stage=Stage.DOCTOR, spoken=Station.Spoken.ROOM)
    desk = Station.objects.create(name="Loket 1", stage=Stage.REGISTRATION, spoken=Station.Spoken.COUNTER)
    client = client_for(cast.doctor)
    data = proposal(ServiceFactory(), slot_minutes="custom", custom_slot_minutes="20", station=str(room.pk))
    assert client.post(url("session-propose"), {**data, "station": str(desk.pk)}).status_code == 422
    assert client.post(url("session-propose"), {**data, "custom_slot_minutes": ""}).status_code == 422
    assert client.post(url("session-propose"), {**data, "custom_slot_minutes": "4"}).status_code == 422
    answer = client.post(url("session-propose"), data)
    session = PracticeSession.objects.get()
    assert (session.slot_minutes, session.station) == (20, room)
    assert "Ruang 2" in client.get(answer["Location"]).content.decode()


# --- Cancelling and changing ----------------------------------------------------------------------------------------
def test_cancelling_asks_for_each_booking_and_carries_it_out(cast, client_for, session):
    first, second = (booked(slot) for slot in session.slots.all()[:2])
    free = session_at(tomorrow(), 14, doctor=cast.doctor, service=session.service).slots.first()
    client = client_for(cast.admin)
    page = client.get(url("session-cancel", session.pk)).content.decode()
    assert page.count("Wulan Ningsih") == 2
    assert page.count(f'value="slot:{free.pk}"') == 2
    assert 'value="keep"' not in page
    data = {"reason": "Sakit", "version": "0", **decide(first, f"slot:{free.pk}")}
    answer = client.post(url("session-cancel", session.pk), data)
    assert answer.status_code == 409
    assert f'value="slot:{free.pk}" selected' in answer.content.decode(), "what was chosen stays chosen"
    late = booked(session.slots.last())
    data |= decide(second, "cancel")
    answer = client.post(url("session-cancel", session.pk), data)
    assert answer.status_code == 409
    assert f"decide-{late.pk}" in answer.content.decode(), "a booking made meanwhile comes back as undecided"
    answer = client.post(url("session-cancel", session.pk), data | decide(late, "cancel"))
    assert answer.status_code == 302
    for row in (first, second, late, session):
        row.refresh_from_db()
    assert (first.slot_id, first.status) == (free.pk, Booking.APPROVED)
    assert (second.status, late.status, session.status) == (Booking.CANCELLED, Booking.CANCELLED, Status.CANCELLED)


def test_changing_offers_the_new_slots_of_the_session(cast, client_for, session):
    appointment = booked(session.slots.first())
    client = client_for(cast.admin)
    assert client.get(url("session-change", session.pk)).status_code == 200
    panel = client.post(url("session-change-preview-panel", session.pk), change(session)).content.decode()
    assert "09.15" in panel
    answer = client.post(url("session-change", session.pk), change(session))
    assert answer.status_code == 409
    values = re.findall(r'value="(start:\d+)"', answer.content.decode())
    assert len(values) == 3
    data = change(session) | decide(appointment, values[0])
    assert client.post(url("session-change", session.pk), data).status_code == 302
    appointment.refresh_from_db()
    assert f"{clock.local(appointment.slot.starts_at):%H:%M}" == "09:15"
    answer = client.post(url("session-change", session.pk), data)
    assert answer.status_code == 409, "an old form is refused"


@pytest.mark.parametrize(
    "value", ["slot:", "slot:x", "start:", "start:9999999999999", "start:x", "keep", "move", "x" * 999]
)
def test_forged_decisions_count_as_none(cast, client_for, session, value):
    appointment = booked(session.slots.first())
    data = {"reason": "Sakit", "version": "0", **decide(appointment, value)}
    assert client_for(cast.admin).post(url("session-cancel", session.pk), data).status_code == 409
    session.refresh_from_db()
    assert session.status == Status.APPROVED


def test_a_doctor_withdraws_but_does_not_cancel(cast, client_for, session):
    waits = session_at(tomorrow(), 15, doctor=cast.doctor, status=Status.PENDING)
    client = client_for(cast.doctor)
    assert client.post(url("session-cancel", waits.pk), {"reason": "Salah"}).status_code == 302
    assert client.post(url("session-cancel", session.pk), {"reason": "Salah"}).status_code == 403
    assert client_for(cast.other_doctor).get(url("session-cancel", session.pk)).status_code == 404
    session.refresh_from_db(), waits.refresh_from_db()
    assert (session.status, waits.status) == (Status.APPROVED, Status.CANCELLED)
    assert url("session-change", session.pk) not in client.get(url("session-detail", session.pk)).content.decode()


def test_a_delay_is_told_on_the_page_of_the_session(cast, client_for):
    today = session_at(clock.today(), 9, doctor=cast.doctor, count=6)
    client = client_for(cast.doctor)
    assert (
        "session-delay" not in client.get(url("session-detail", SessionFactory(doctor=cast.doctor).pk)).content.decode()
    )
    assert url("session-delay", today.pk) in client.get(url("session-detail", today.pk)).content.decode()
    for value, expected in (("25", 25), ("-3", 25), ("999", 25), ("x", 25), ("0", 0)):
        assert client.post(url("session-delay", today.pk), {"minutes": value}).status_code == 302
        today.refresh_from_db()
        assert today.delay_minutes == expected
    assert client_for(cast.other_doctor).post(url("session-delay", today.pk), {"minutes": "5"}).status_code == 404


# --- Series ---------------------------------------------------------------------------------------------------------
def test_a_series_from_preview_to_end(cast, client_for):
    Holiday.objects.create(date="2026-03-12", name="Contoh libur", kind=Holiday.Kind.LOCAL)
    doctor, admin, data = client_for(cast.doctor), client_for(cast.admin), weekly(ServiceFactory())
    panel = doctor.post(url("series-preview-panel"), data)
    assert "Contoh libur" in panel.content.decode()
    answer = doctor.post(url("series-propose"), {**data, "shown": shown_of(panel)})
    series = SessionSeries.objects.get()
    assert (answer.status_code, series.sessions.count()) == (302, 3)
    page = admin.get(url("session-list")).content.decode()
    assert url("series-list") in page
    assert str(series.sessions.first().pk) not in page, "a series is decided as a whole"
    assert admin.post(url("series-approve", series.pk)).status_code == 302
    booked(series.sessions.order_by("starts_at").last().slots.first())
    answer = admin.post(url("series-end", series.pk), {"last_on": "2026-03-10", "reason": "Pindah"})
    assert answer.status_code == 302
    states = sorted(series.sessions.values_list("status", flat=True))
    assert states == [Status.APPROVED, Status.APPROVED, Status.CANCELLED]
    assert doctor.get(url("series-detail", series.pk)).status_code == 200
    assert client_for(cast.other_doctor).get(url("series-detail", series.pk)).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [{"weekdays": []}, {"weekdays": ["9"]}, {"except_on": "32/13/2026"}, {"except_on": "01/01/9999"}, {"until": "2025-01-01"},
     {"every_weeks": "0"}, {"except_on": ", ".join(f"{day:02d}/{month:02d}/2026" for month in (3, 4, 5) for day in range(1, 29))}],
)  # fmt: skip
def test_a_wrong_pattern_is_refused_with_its_input_kept(cast, client_for, fields):
    client = client_for(cast.doctor)
    data = weekly(ServiceFactory(), **fields)
    assert client.post(url("series-preview-panel"), data).status_code == 200
    answer = client.post(url("series-propose"), data)
    assert answer.status_code == 422
    assert SessionSeries.objects.count() == 0


# --- Time off, holidays, hours --------------------------------------------------------------------------------------
def leave(**fields):
    day = tomorrow().isoformat()
    return {"kind": "leave", "first_on": day, "last_on": day, "note": "Cuti", "reason": "", **fields}


def test_a_doctor_on_leave_decides_without_learning_who_asked(cast, client_for, session):
    approved = booked(session.slots.first())
    waiting = AppointmentFactory(
        slot=session.slots.last(), status=Booking.PENDING, patient=PatientFactory(full_name="Rahasia Sekali")
    )
    client = client_for(cast.doctor)
    answer = client.post(url("time-off-add"), leave())
    page = answer.content.decode()
    assert (answer.status_code, TimeOff.objects.count()) == (409, 0)
    assert "Wulan Ningsih" in page
    assert "Rahasia Sekali" not in page
    data = leave(reason="Dokter cuti") | decide(approved, "cancel") | decide(waiting, "cancel")
    assert client.post(url("time-off-add"), data).status_code == 302
    row = TimeOff.objects.get()
    assert (row.doctor, row.starts_at, row.ends_at) == (cast.doctor, *clock.day_bounds(tomorrow()))
    assert set(Appointment.objects.values_list("status", flat=True)) == {Booking.CANCELLED}
    assert client.post(url("time-off-cancel", row.pk)).status_code == 302
    assert not session.slots.filter(is_closed=True).exists()


def test_a_doctor_cannot_send_another_doctor_away(cast, client_for):
    client = client_for(cast.doctor)
    assert client.post(url("time-off-add"), leave(doctor=str(cast.other_doctor.pk))).status_code == 302
    assert TimeOff.objects.get().doctor == cast.doctor
    assert client_for(cast.other_doctor).post(url("time-off-cancel", TimeOff.objects.get().pk)).status_code == 404
    assert str(cast.doctor.display_name) not in client_for(cast.other_doctor).get(url("time-off-list")).content.decode()


def test_a_holiday_over_bookings_asks_and_an_imported_one_is_caught_up(cast, client_for, session):
    appointment = booked(session.slots.first())
    client = client_for(cast.admin)
    data = {
        "date": tomorrow().isoformat(),
        "name": "Contoh libur",
        "kind": "local",
        "closes_clinic": "on",
        "reason": "",
    }
    answer = client.post(url("holiday-add"), data)
    assert (answer.status_code, Holiday.objects.count()) == (409, 0)
    assert "Wulan Ningsih" in answer.content.decode()
    Holiday.objects.create(date=tomorrow(), name="Dari berkas", kind=Holiday.Kind.NATIONAL)
    services.refresh_closed(doctor_id=None, first=tomorrow(), last=tomorrow())
    assert url("closed-bookings") in client.get(url("session-list")).content.decode()
    answer = client.post(url("closed-bookings"), {"reason": "Libur"} | decide(appointment, "cancel"))
    assert answer.status_code == 302
    appointment.refresh_from_db()
    assert appointment.status == Booking.CANCELLED
    assert "Wulan Ningsih" not in client.get(url("closed-bookings")).content.decode()


def test_holidays_by_year(cast, client_for):
    Holiday.objects.create(date="2027-01-01", name="Tahun baru contoh", kind=Holiday.Kind.NATIONAL)
    client = client_for(cast.nurse)
    assert "Tahun baru contoh" not in client.get(url("holiday-list")).content.decode()
    assert "Tahun baru contoh" in client.get(url("holiday-list"), {"year": "2027"}).content.decode()
    for year in ("0", "99999", "x", "-1", "२०२६", ""):
        assert client.get(url("holiday-list"), {"year": year}).status_code == 200


def test_presets_fill_the_form_and_hold_no_date(cast, client_for):
    client = client_for(cast.admin)
    for preset in ("friday", "ramadan", "unknown", ""):
        form = client.get(url("hours-add"), {"preset": preset}).context["form"]
        assert (form["first_on"].value(), form["last_on"].value()) == (None, None)
    data = {"name": "Jumat", "weekdays": ["5"], "break_starts_at": "13:00", "break_ends_at": "11:30", "is_active": "on"}
    assert client.post(url("hours-add"), data).status_code == 422
    data["break_starts_at"] = "11:00"
    assert client.post(url("hours-add"), data).status_code == 302
    hours = ClinicHours.objects.get()
    assert (hours.weekdays, hours.break_starts_at) == ([5], time(11))
    del data["is_active"]
    assert client.post(url("hours-edit", hours.pk), data).status_code == 302
    hours.refresh_from_db()
    assert not hours.is_active


def test_names_with_markup_are_text(cast, client_for):
    markup = "<b>libur</b>"
    Holiday.objects.create(date=tomorrow(), name=markup, kind=Holiday.Kind.LOCAL)
    ClinicHours.objects.create(name=markup)
    client = client_for(cast.admin)
    for name in ("holiday-list", "hours-list"):
        assert markup not in client.get(url(name)).content.decode()


@pytest.mark.parametrize("count", [3, 30])
def test_query_counts(cast, client_for, django_assert_max_num_queries, count):
    for number in range(count):
        day = clock.today() + timedelta(days=2 + number)
        Holiday.objects.create(date=day, name=f"Libur {number}", kind=Holiday.Kind.LOCAL)
        bounds = clock.day_bounds(day)
        TimeOff.objects.create(
            doctor=cast.doctor, kind="leave", starts_at=bounds[0], ends_at=bounds[1], created_at=clock.now(),
            created_by=cast.admin,
        )  # fmt: skip
    pattern = services.Pattern(
        weekdays=[1, 2, 3, 4, 5, 6, 7], every_weeks=1, first_on=clock.today() + timedelta(days=40),
        until=clock.today() + timedelta(days=39 + count), start_time=time(8), slot_minutes=30, gap_minutes=0,
        slot_count=2,
    )  # fmt: skip
    series = services.propose_series(actor=cast.doctor, service_id=ServiceFactory().pk, pattern=pattern)
    client = client_for(cast.admin)
    for address in (url("time-off-list"), url("holiday-list"), url("series-list"), url("series-detail", series.pk)):
        client.get(address)
        with django_assert_max_num_queries(20):
            client.get(address)
