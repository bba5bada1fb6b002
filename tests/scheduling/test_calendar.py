"""The calendar: what stands in its table, who reads which names, how many queries it costs, what addresses cannot break."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from scheduling.calendars import Scope, agenda_of, day_of, month_of, week_of
from scheduling.calendars.layout import Cell, Column, rows_of
from scheduling.calendars.looks import LOOKS, look_of
from scheduling.models import Appointment, Holiday, QueueStep, Slot, Station, TimeOff, Visit
from tests.factories.accounts import DoctorFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, VisitFactory, session_at

DAY = timedelta(days=1)
COMPLAINT = "RAHASIA gatal di selangkangan"
FAR = (
    "9999-12-31",
    "0001-01-01",
    "2026-13-01",
    "2026-W60",
    "x",
    "2026-02-30",
    "99999999999999",
    "-1",
    "\x00",
    "2026-03-05' OR 1",
)


def url(name: str, *arguments) -> str:
    return reverse(f"scheduling:{name}", args=arguments)


def tomorrow():
    return clock.today() + DAY


def cell_of(calendar, slot) -> Cell:
    return next(cell for column in calendar.columns for cell in column.cells if cell.slot_id == slot.pk)


def room(name: str = "Ruang 7") -> Station:
    return Station.objects.create(name=name, stage="doctor", spoken="ruang", spoken_number=7)


def leave(doctor, starts_at, ends_at, by, **fields) -> TimeOff:
    return TimeOff.objects.create(
        doctor=doctor, kind=fields.pop("kind", "leave"), starts_at=starts_at, ends_at=ends_at, created_at=clock.now(),
        created_by=by, **fields,
    )  # fmt: skip


# --- The table ------------------------------------------------------------------------------------------------------
def heights(columns, rows) -> list[int]:
    return [sum(cell.rowspan for row in rows for owner, cell in row.cells if owner is column) for column in columns]


@pytest.mark.parametrize("count", [1, 3, 20])
def test_each_column_is_as_high_as_the_table_and_cells_stand_in_the_order_of_columns(cast, count):
    for number in range(count):
        session_at(
            tomorrow(), 8 + number % 3, doctor=DoctorFactory(), gap_minutes=5 * (number % 4), count=2 + number % 5
        )
    day = day_of(Scope(cast.admin), tomorrow(), clock.now())
    assert len(day.columns) == count
    assert heights(day.columns, day.rows) == [len(day.rows)] * count
    for row in day.rows:
        places = [day.columns.index(column) for column, _cell in row.cells]
        assert places == sorted(places)


def test_times_that_overlap_in_one_column_are_kept_below_each_other(cast):
    start = clock.at(tomorrow(), datetime(2026, 1, 1, 9).time())
    column = Column(cast.doctor)
    for minutes in (0, 15):
        begins = start + timedelta(minutes=minutes)
        column.cells.append(Cell("slot", begins, begins + timedelta(minutes=30)))
    rows = rows_of([column], clock.now())
    assert heights([column], rows) == [len(rows)]
    assert [len(cell.below) for cell in column.cells] == [1, 0]


def test_a_slot_until_midnight_ends_the_week_table(cast):
    session_at(tomorrow(), 23, doctor=cast.doctor, count=2)
    session_at(tomorrow() + DAY, 0, doctor=cast.doctor, count=2)
    week = week_of(Scope(cast.admin, doctor=cast.doctor), tomorrow(), clock.now())
    assert heights(week.columns, week.rows) == [len(week.rows)] * 7
    assert clock.local(week.rows[0].starts_at).hour == 0
    assert clock.local(week.rows[-1].starts_at).strftime("%H:%M") == "23:30"


@pytest.mark.parametrize(
    ("status", "visit_status", "called", "key"),
    [
        ("pending", None, False, "pending"),
        ("approved", None, False, "approved"),
        ("offered", None, False, "offered"),
        ("arrived", "arrived", False, "arrived"),
        ("arrived", "waiting", True, "called"),
        ("arrived", "in_consultation", False, "inside"),
        ("arrived", "cashier", True, "finished"),
        ("finished", "finished", False, "finished"),
        ("cancelled", None, False, "cancelled"),
        ("no_show", None, False, "no_show"),
    ],
)
def test_each_state_has_its_own_word_and_icon(status, visit_status, called, key):
    assert look_of(status, visit_status, is_called=called).key == key


def test_no_two_states_look_or_read_alike():
    assert set(Appointment.Status.values) <= set(LOOKS)
    assert len({(look.tone, look.icon) for look in LOOKS.values()}) == len(LOOKS)
    assert len({str(look.word) for look in LOOKS.values()}) == len(LOOKS)


def test_a_called_number_is_called_in_the_calendar(cast):
    today = clock.today()
    slot = session_at(today, 11, doctor=cast.doctor).slots.first()
    visit = VisitFactory(appointment=AppointmentFactory(slot=slot, status="arrived"), doctor=cast.doctor)
    QueueStep.objects.filter(visit=visit).delete()
    step = QueueStep.objects.create(
        ticket=visit.ticket, visit=visit, queue_on=today, stage="doctor", due_at=clock.now(), entered_at=clock.now()
    )
    now = clock.now()
    assert cell_of(day_of(Scope(cast.admin), today, now), slot).booking.look.key == "arrived"
    step.state = QueueStep.State.CALLED
    step.save()
    assert cell_of(day_of(Scope(cast.admin), today, now), slot).booking.look.key == "called"


def test_closed_slots_say_why_to_who_may_know(cast):
    session = session_at(tomorrow(), 9, doctor=cast.doctor)
    first, second, _third = session.slots.all()
    session.slots.filter(pk__in=[first.pk, second.pk]).update(is_closed=True)
    leave(cast.doctor, first.starts_at, first.ends_at, cast.admin, note="Operasi keluarga")
    now = clock.now()
    words = {
        who: cell_of(day_of(Scope(getattr(cast, who)), tomorrow(), now), first).why_closed for who in ("admin", "nurse")
    }
    assert words["admin"] == str(TimeOff.Kind.LEAVE.label)
    assert words["nurse"] not in ("", words["admin"])
    assert not cell_of(day_of(Scope(cast.admin), tomorrow(), now), first).is_free
    assert [row.doctor for row in day_of(Scope(cast.admin), tomorrow(), now).away] == [cast.doctor]
    assert day_of(Scope(cast.nurse), tomorrow(), now).away == []
    Holiday.objects.create(date=tomorrow(), name="Hari Raya Contoh", kind="national")
    assert cell_of(day_of(Scope(cast.nurse), tomorrow(), now), second).why_closed == "Hari Raya Contoh"


def test_a_cancelled_leave_closes_nothing_and_is_not_named(cast):
    session = session_at(tomorrow(), 9, doctor=cast.doctor)
    leave(
        cast.doctor, session.starts_at, session.ends_at, cast.admin, cancelled_at=clock.now(), cancelled_by=cast.admin
    )
    assert day_of(Scope(cast.admin), tomorrow(), clock.now()).away == []


def test_a_slot_that_was_given_back_is_free_and_says_by_whom(cast, client_for):
    slot = session_at(tomorrow(), 9, doctor=cast.doctor).slots.first()
    gone = AppointmentFactory(slot=slot, status="cancelled", patient=PatientFactory(full_name="Batal Sudah"))
    cell = cell_of(day_of(Scope(cast.receptionist), tomorrow(), clock.now()), slot)
    assert cell.is_free
    assert not cell.is_booked
    assert (cell.former.name, cell.former.look.key) == (gone.patient.full_name, "cancelled")
    assert cell_of(day_of(Scope(cast.doctor), tomorrow(), clock.now()), slot).former is None
    assert "Batal Sudah" not in client_for(cast.doctor).get(url("calendar-slot", slot.pk)).content.decode()


def test_filters_narrow_and_stay_in_every_address(cast, client_for):
    dental = ServiceFactory(code="GIGI", specialty="general")
    here = session_at(tomorrow(), 9, doctor=cast.doctor, station=room())
    session_at(tomorrow(), 9, doctor=cast.other_doctor, service=dental)
    client, base = client_for(cast.admin), {"day": tomorrow().isoformat()}
    everybody = client.get(url("calendar"), base).context["table"].columns
    assert [column.doctor for column in everybody] == [cast.other_doctor, cast.doctor]
    for name, value, left in (
        ("doctor", cast.other_doctor.pk, cast.other_doctor),
        ("station", here.station_id, cast.doctor),
        ("service", dental.pk, cast.other_doctor),
    ):
        page = client.get(url("calendar"), {**base, name: value})
        assert [column.doctor for column in page.context["table"].columns] == [left]
        assert f"{name}={value}" in page.context["on_query"]
        assert all(f"{name}={value}" in tab["url"] for tab in page.context["tabs"])
        assert f"{name}={value}" not in page.context["reset_query"]
    forged = client.get(url("calendar"), {**base, "doctor": cast.nurse.pk, "station": "x", "service": "1"})
    assert len(forged.context["table"].columns) == 2


# --- Week, month, list ----------------------------------------------------------------------------------------------
def test_one_doctors_week_shows_slots_and_all_doctors_show_how_full(cast, client_for):
    first = session_at(tomorrow(), 9, doctor=cast.doctor)
    AppointmentFactory(slot=first.slots.first())
    session_at(tomorrow(), 10, doctor=cast.other_doctor, count=5)
    now = clock.now()
    week = week_of(Scope(cast.admin), tomorrow(), now)
    assert week.first.weekday() == 0
    assert len(week.heads) == 7
    assert not week.columns
    at = tomorrow().weekday()
    assert [(row.doctor, row.days[at][0].booked_count, row.days[at][0].slot_count) for row in week.doctors] == [
        (cast.other_doctor, 0, 5), (cast.doctor, 1, 3),
    ]  # fmt: skip
    own = week_of(Scope(cast.doctor), tomorrow(), now)
    assert {column.doctor for column in own.columns} == {cast.doctor}
    assert not own.doctors
    page = client_for(cast.admin).get(
        url("calendar"), {"view": "week", "day": tomorrow().isoformat(), "doctor": cast.doctor.pk}
    )
    assert page.content.decode().count("data-calendar-grid") == 1


def test_the_month_counts_what_is_booked_free_and_closed(cast, client_for):
    session = session_at(tomorrow(), 9, doctor=cast.doctor, count=5)
    slots = list(session.slots.all())
    AppointmentFactory(slot=slots[0])
    AppointmentFactory(slot=slots[1], status="cancelled")
    AppointmentFactory(slot=slots[2])
    session.slots.filter(pk__in=[slots[2].pk, slots[3].pk]).update(is_closed=True)
    session_at(tomorrow(), 15, doctor=cast.doctor, status="pending")
    Holiday.objects.create(date=tomorrow(), name="Libur Contoh", kind="local", closes_clinic=False)
    month = month_of(Scope(cast.admin), tomorrow())
    day = next(one for week in month.weeks for one in week if one.day == tomorrow())
    assert (len(day.notes), day.booked_count, day.free_count) == (1, 2, 2)
    assert day.load[0] == "half"
    assert day.holiday.name == "Libur Contoh"
    assert all(len(week) == 7 for week in month.weeks)
    assert month.weeks[0][0].day.weekday() == 0
    assert month.waiting_count == 1
    page = (
        client_for(cast.admin).get(url("calendar"), {"view": "month", "day": tomorrow().isoformat()}).content.decode()
    )
    assert "Libur Contoh" in page
    assert str(day.load[1]) not in ("", "half")


def test_the_list_holds_bookings_in_order_and_ends_when_it_is_full(cast):
    for number in range(3):
        session = session_at(tomorrow() + DAY * number, 9, doctor=cast.doctor)
        for slot in session.slots.all()[:2]:
            AppointmentFactory(slot=slot)
    last = tomorrow() + DAY * 6
    agenda = agenda_of(Scope(cast.admin), tomorrow(), last, clock.now())
    assert [len(session.cells) for day in agenda.days for session in day.sessions] == [2, 2, 2]
    assert not agenda.is_cut
    assert agenda.last == last
    assert len(agenda.patient_ids()) == 6
    cut = agenda_of(Scope(cast.admin), tomorrow(), last, clock.now(), most=3)
    assert cut.is_cut
    assert cut.last == tomorrow() + DAY
    assert len(cut.days) == 2
    whole = agenda_of(Scope(cast.admin), tomorrow(), tomorrow(), clock.now(), only_booked=False)
    assert [cell.is_free for cell in whole.days[0].sessions[0].cells] == [False, False, True]


def test_a_cut_list_goes_on_where_it_ended(cast, client_for, monkeypatch):
    monkeypatch.setattr("scheduling.calendars.agenda.agenda_of.__kwdefaults__", {"only_booked": True, "most": 1})
    for number in range(2):
        AppointmentFactory(slot=session_at(tomorrow() + DAY * number, 9, doctor=cast.doctor).slots.first())
    page = client_for(cast.admin).get(url("calendar"), {"view": "list", "day": tomorrow().isoformat()})
    assert page.context["agenda"].is_cut
    assert f"day={(tomorrow() + DAY).isoformat()}" in page.context["on_query"]


# --- Who reads what -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("view", ["day", "week", "month", "list"])
@pytest.mark.parametrize("who", ["nurse", "owner", "other_doctor"])
def test_names_are_for_those_who_see_the_appointment(cast, client_for, view, who):
    slot = session_at(tomorrow(), 9, doctor=cast.doctor).slots.first()
    appointment = AppointmentFactory(
        slot=slot, complaint=COMPLAINT, patient=PatientFactory(full_name="Namanya Rahasia")
    )
    query = {"view": view, "day": tomorrow().isoformat(), "slot": str(slot.pk)}
    client = client_for(getattr(cast, who))
    pages = [client.get(url(name), query).content.decode() for name in ("calendar", "calendar-table", "calendar-print")]
    panel = client.get(url("calendar-slot", slot.pk))
    assert panel.status_code == (404 if who == "other_doctor" else 200)
    for page in (*pages, panel.content.decode()):
        assert "Namanya Rahasia" not in page
        assert appointment.code not in page
        assert appointment.patient.record_number not in page
        assert COMPLAINT not in page
    assert not AuditEvent.objects.filter(action="patients.paper.printed").exists()


def test_the_panel_shows_what_can_be_done_and_no_complaint(cast, client_for):
    slot, free, _last = session_at(tomorrow(), 9, doctor=cast.doctor, station=room(), delay_minutes=25).slots.all()
    appointment = AppointmentFactory(slot=slot, status="pending", complaint=COMPLAINT)
    desk = client_for(cast.receptionist)
    page = desk.get(url("calendar-slot", slot.pk)).content.decode()
    assert all(text in page for text in (appointment.patient.full_name, appointment.code, "Ruang 7", "25"))
    assert url("appointment-move", appointment.pk) in page
    assert url("appointment-approve", appointment.pk) not in page
    assert COMPLAINT not in page
    assert (
        url("appointment-approve", appointment.pk)
        in client_for(cast.admin).get(url("calendar-slot", slot.pk)).content.decode()
    )
    assert f"{url('appointment-book')}?slot={free.pk}" in desk.get(url("calendar-slot", free.pk)).content.decode()
    nurse = client_for(cast.nurse).get(url("calendar-slot", free.pk)).content.decode()
    assert url("appointment-book") not in nurse


def test_the_panel_stands_in_the_page_without_script(cast, client_for):
    slot = session_at(tomorrow(), 9, doctor=cast.doctor).slots.first()
    appointment = AppointmentFactory(slot=slot)
    query = {"day": tomorrow().isoformat(), "slot": str(slot.pk)}
    page = client_for(cast.receptionist).get(url("calendar"), query).content.decode()
    assert f'data-slot-panel="{slot.pk}"' in page
    assert appointment.code in page
    other = client_for(cast.other_doctor).get(url("calendar"), query).content.decode()
    assert "data-slot-panel" not in other


def test_a_booking_in_a_closed_slot_is_explained(cast, client_for):
    session = session_at(tomorrow(), 9, doctor=cast.doctor)
    slot = session.slots.first()
    AppointmentFactory(slot=slot)
    session.slots.filter(pk=slot.pk).update(is_closed=True)
    Holiday.objects.create(date=tomorrow(), name="Cuti Bersama Contoh", kind="joint_leave")
    page = client_for(cast.receptionist).get(url("calendar-slot", slot.pk)).content.decode()
    assert page.count("Cuti Bersama Contoh") == 1
    assert "calendar-conflict" in page


# --- Paper ----------------------------------------------------------------------------------------------------------
def test_each_name_on_paper_is_in_the_log_of_that_patient(cast, client_for):
    patients = [PatientFactory(full_name=f"Tercetak {number}") for number in range(3)]
    session = session_at(tomorrow(), 9, doctor=cast.doctor, count=4)
    for slot, patient in zip(session.slots.all(), [*patients, patients[0]], strict=True):
        AppointmentFactory(slot=slot, patient=patient)
    page = client_for(cast.receptionist).get(url("calendar-print"), {"day": tomorrow().isoformat()}).content.decode()
    assert all(patient.full_name in page for patient in patients)
    assert cast.receptionist.full_name in page
    events = AuditEvent.objects.filter(action="patients.paper.printed", actor_id=cast.receptionist.pk)
    assert sorted(events.values_list("patient_id", flat=True)) == sorted(patient.pk for patient in patients)
    assert {event.detail["what"] for event in events} == {"calendar"}


@pytest.mark.parametrize("view", ["week", "month", "list"])
def test_other_views_print_the_week(cast, client_for, view):
    AppointmentFactory(slot=session_at(tomorrow(), 9, doctor=cast.doctor).slots.first())
    page = client_for(cast.admin).get(url("calendar-print"), {"view": view, "day": tomorrow().isoformat()})
    assert page.context["first"].weekday() == 0
    assert (page.context["last"] - page.context["first"]).days == 6


# --- Cost -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("view", ["day", "week", "month", "list"])
def test_the_number_of_queries_does_not_grow(cast, client_for, view):
    client, query = client_for(cast.admin), {"view": view, "day": tomorrow().isoformat()}
    counts = []
    for doctors, slots in ((2, 3), (20, 8)):
        for _number in range(doctors):
            session = session_at(tomorrow(), 8, doctor=DoctorFactory(), count=slots)
            for slot in list(session.slots.all())[::4]:
                AppointmentFactory(slot=slot)
            VisitFactory(doctor=session.doctor, visit_on=tomorrow())
        client.get(url("calendar-table"), query)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url("calendar-table"), query).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert counts[1] <= {"day": 11, "week": 14, "month": 13, "list": 16}[view]


def test_only_names_and_numbers_of_patients_are_decrypted(cast, monkeypatch):
    from core import encryption

    opened: list[str] = []
    real = encryption.KeyRing.open
    monkeypatch.setattr(
        encryption.KeyRing, "open", lambda ring, stored, context: opened.append(context) or real(ring, stored, context)
    )
    for slot in session_at(tomorrow(), 9, doctor=cast.doctor).slots.all():
        AppointmentFactory(slot=slot, complaint=COMPLAINT)
    opened.clear()
    day_of(Scope(cast.admin), tomorrow(), clock.now())
    assert opened.count("patients_patient.full_name") == 3
    assert set(opened) == {"patients_patient.full_name", "accounts_user.full_name"}


# --- Addresses ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("day", FAR)
@pytest.mark.parametrize("view", ["day", "week", "month", "list", "year", ""])
def test_days_that_are_none_show_today(cast, client_for, day, view):
    client = client_for(cast.admin)
    for name in ("calendar", "calendar-table", "calendar-print"):
        page = client.get(url(name), {"day": day, "view": view, "slot": day, "doctor": day})
        assert page.status_code == 200
    assert client.get(url("calendar"), {"day": day, "view": view}).context["day"] == clock.today()


@pytest.mark.parametrize("view", ["day", "week", "month", "list"])
@pytest.mark.parametrize(("day", "ends"), [("2000-01-01", "back_query"), ("2200-12-31", "on_query")])
def test_the_calendar_has_two_ends(cast, client_for, view, day, ends):
    client = client_for(cast.admin)
    page = client.get(url("calendar"), {"view": view, "day": day})
    assert page.status_code == 200
    assert page.context[ends] == ""
    assert client.get(url("calendar-print"), {"view": view, "day": day}).status_code == 200


@pytest.mark.parametrize(
    ("day", "back", "on"), [("2026-01-31", "2025-12-01", "2026-02-01"), ("2026-12-15", "2026-11-01", "2027-01-01")]
)
def test_months_step_by_month(cast, client_for, day, back, on):
    page = client_for(cast.admin).get(url("calendar"), {"view": "month", "day": day})
    assert f"day={back}" in page.context["back_query"]
    assert f"day={on}" in page.context["on_query"]


@pytest.mark.parametrize(("clinic_hour", "day"), [((23, 30), 0), ((0, 30), 1)])
def test_today_is_the_clinics_day_around_midnight(cast, client_for, clinic_hour, day):
    base = clock.today()
    hour, minute = clinic_hour
    with time_machine.travel(clock.day_bounds(base)[0] + DAY * day + timedelta(hours=hour, minutes=minute), tick=False):
        session_at(base + DAY * day, hour, doctor=cast.doctor, count=2)
        page = client_for(cast.admin).get(url("calendar"))
        assert page.context["day"] == base + DAY * day
        assert page.content.decode().count('class="is-now"') == 1


def test_walk_ins_stand_below_their_doctor(cast, client_for):
    session_at(clock.today(), 9, doctor=cast.doctor)
    visit = VisitFactory(doctor=cast.doctor)
    VisitFactory(doctor=cast.doctor, status=Visit.Status.CANCELLED)
    day = day_of(Scope(cast.receptionist), clock.today(), clock.now())
    assert [row.pk for row in day.columns[0].walk_ins] == [visit.pk]


def test_times_after_midnight_of_a_late_session_stay_bookable(cast):
    """What narrows the search to sessions ahead must not lose the slots that reach into the next day."""
    session = session_at(clock.today(), 23, doctor=cast.doctor, count=5)
    late = list(session.slots.all())[3:]
    with time_machine.travel(late[0].starts_at - timedelta(minutes=5), tick=False):
        assert clock.today() == session.practice_on + DAY
        assert list(Slot.objects.bookable(clock.now()).order_by("starts_at")) == late
