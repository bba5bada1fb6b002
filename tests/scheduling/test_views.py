"""Staff screens: wrong person, forged forms, what is shown, and what it costs."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from core import clock
from patients.models import CareTeamMember
from scheduling import services
from scheduling.models import Appointment, PracticeSession, Slot, Visit
from tests.factories.patients import AllergyFactory, PatientFactory
from tests.factories.scheduling import (
    AppointmentFactory,
    ServiceFactory,
    SessionFactory,
    VisitFactory,
    booking,
    session_at,
)

pytestmark = pytest.mark.django_db

FORBIDDEN_COMPLAINT = "Keluhan yang sangat pribadi"


def url(name, *args):
    return reverse(f"scheduling:{name}", args=args)


def proposal(offered, /, **fields):
    return {
        "service": offered.pk, "practice_on": (clock.today() + timedelta(days=1)).isoformat(), "start_time": "08:00",
        "slot_minutes": "30", "gap_minutes": "15", "slot_count": "6", "break1_from": "09:00", "break1_to": "09:40",
        **fields,
    }  # fmt: skip


# --- Wrong person -------------------------------------------------------------------------------------------------
def test_a_doctor_does_not_see_another_doctors_sessions_appointments_or_visits(cast, client_for):
    session = SessionFactory(doctor=cast.doctor)
    appointment = AppointmentFactory(slot=session.slots.first())
    visit = VisitFactory(doctor=cast.doctor)
    client = client_for(cast.other_doctor)
    assert client.get(url("session-detail", session.pk)).status_code == 404
    assert client.post(url("session-request-completion", session.pk)).status_code == 404
    assert client.get(url("appointment-detail", appointment.pk)).status_code == 404
    assert client.post(url("visit-call", visit.pk)).status_code == 404
    for name in ("session-list", "appointment-list", "calendar", "queue", "doctor-queue-panel"):
        page = client.get(url(name), {"day": session.practice_on.isoformat()}).content.decode()
        assert str(session.pk) not in page
        assert str(appointment.pk) not in page
        assert visit.patient.full_name not in page


def test_a_doctor_of_the_care_team_may_see_but_not_call_another_doctors_patient(cast, client_for):
    visit = VisitFactory(doctor=cast.doctor)
    CareTeamMember.objects.create(
        patient=visit.patient, member=CareTeamMember.of_user(cast.other_doctor.pk), since=clock.now()
    )
    assert client_for(cast.other_doctor).post(url("visit-call", visit.pk)).status_code == 403
    visit.ticket.refresh_from_db()
    assert visit.ticket.call_count == 0


def test_the_owner_and_the_nurse_see_no_names_in_the_calendar_of_bookings(cast, client_for):
    session = SessionFactory(doctor=cast.doctor)
    appointment = AppointmentFactory(slot=session.slots.first())
    for person in (cast.owner, cast.nurse):
        client = client_for(person)
        calendar = client.get(url("calendar"), {"day": session.practice_on.isoformat()}).content.decode()
        detail = client.get(url("session-detail", session.pk)).content.decode()
        assert appointment.patient.full_name not in calendar + detail
        assert "is-booked" in calendar


# --- Sessions -----------------------------------------------------------------------------------------------------
def times_of(page):
    return re.findall(r"data-slot-time>([^<]+)<", page)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"break2_from": "11:00", "break2_to": "11:05", "break3_from": "11:05", "break3_to": "12:00"},
        {"gap_minutes": "custom", "custom_gap_minutes": "7", "slot_count": "20"},
        {"start_time": "21:10", "slot_minutes": "60"},
    ],
)
def test_the_preview_is_what_is_created(cast, client_for, fields):
    client, service = client_for(cast.doctor), ServiceFactory()
    data = proposal(service, **fields)
    panel = client.post(url("session-preview-panel"), data).content.decode()
    whole = client.post(url("session-propose"), {**data, "preview": "1"}).content.decode()
    assert PracticeSession.objects.count() == 0
    answer = client.post(url("session-propose"), data)
    assert answer.status_code == 302
    session = PracticeSession.objects.get()
    detail = client.get(answer["Location"]).content.decode()
    rows = [f"{clock.local(slot.starts_at):%H.%M}–{clock.local(slot.ends_at):%H.%M}" for slot in session.slots.all()]
    assert len(rows) >= 2
    assert times_of(panel) == times_of(whole) == times_of(detail) == rows


def test_the_first_preview_is_what_the_untouched_form_creates(cast, client_for):
    ServiceFactory()
    client = client_for(cast.doctor)
    page = client.get(url("session-propose"))
    form = page.context["form"]
    data = {name: str(form[name].value() or "") for name in form.fields}
    data["service"] = str(form.fields["service"].queryset.get().pk)
    data["start_time"] = "08:00"
    client.post(url("session-propose"), data)
    assert len(times_of(page.content.decode())) == Slot.objects.count() == 8


@pytest.mark.parametrize(
    "fields",
    [
        {"service": str(uuid4())},
        {"slot_minutes": "45"},
        {"slot_count": "21"},
        {"slot_count": "0"},
        {"slot_count": "9" * 30},
        {"gap_minutes": "7"},
        {"gap_minutes": "custom", "custom_gap_minutes": "241"},
        {"gap_minutes": "custom", "custom_gap_minutes": ""},
        {"break1_from": "10:00", "break1_to": ""},
        {"break1_from": "10:00", "break1_to": "09:00"},
        {"practice_on": "2020-01-01"},
        {"practice_on": "02/25/2026"},
        {"start_time": "25:00"},
        {"practice_on": "9999-12-31"},
        {"practice_on": "0001-01-01"},
    ],
)
def test_forged_proposals_are_refused_with_422(cast, client_for, fields):
    client, service = client_for(cast.doctor), ServiceFactory()
    answer = client.post(url("session-propose"), proposal(service, **fields))
    assert answer.status_code == 422
    assert client.post(url("session-preview-panel"), proposal(service, **fields)).status_code == 200
    assert PracticeSession.objects.count() == 0


def test_forged_status_doctor_and_price_in_a_proposal_are_ignored(cast, client_for):
    service = ServiceFactory()
    foreign = ServiceFactory(specialty="gigi")
    client = client_for(cast.doctor)
    client.post(url("session-propose"), proposal(service, status="approved", doctor=cast.other_doctor.pk, price_idr=1))
    session = PracticeSession.objects.get()
    assert (session.status, session.doctor_id) == ("pending", cast.doctor.pk)
    assert client.post(url("session-propose"), proposal(foreign)).status_code == 422
    assert PracticeSession.objects.count() == 1


def test_pending_sessions_stand_first_and_reject_needs_a_reason(cast, client_for):
    SessionFactory(doctor=cast.doctor)
    waiting = session_at(clock.today() + timedelta(days=9), 9, doctor=cast.other_doctor, status="pending")
    client = client_for(cast.admin)
    page = client.get(url("session-list")).content.decode()
    rows = re.findall(r"/practice-sessions/([0-9a-f-]{36})/\"", page)
    assert rows[0] == str(waiting.pk)
    assert client.post(url("session-reject", waiting.pk), {"reason": " "}).status_code == 422
    client.post(url("session-reject", waiting.pk), {"reason": "Ruang dipakai"})
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("rejected", "Ruang dipakai")
    assert "Ruang dipakai" in client.get(url("session-list"), {"status": "rejected"}).content.decode()


def test_reason_comes_as_dialog_with_htmx_and_as_page_without(cast, client_for):
    session = SessionFactory(doctor=cast.doctor, status="pending")
    client = client_for(cast.admin)
    page = client.get(url("session-reject", session.pk)).content.decode()
    dialog = client.get(url("session-reject", session.pk), headers={"HX-Request": "true"}).content.decode()
    assert "<html" in page
    assert "<html" not in dialog
    assert "data-dialog-auto" in dialog


def test_session_list_filters_by_dates(cast, client_for):
    near = session_at(clock.today() + timedelta(days=1), 9, doctor=cast.doctor)
    far = session_at(clock.today() + timedelta(days=30), 9, doctor=cast.doctor)
    past = session_at(clock.today() - timedelta(days=5), 9, doctor=cast.doctor)
    client = client_for(cast.doctor)
    until = (clock.today() + timedelta(days=2)).isoformat()
    page = client.get(url("session-list"), {"first": clock.today().isoformat(), "last": until}).content.decode()
    assert str(near.pk) in page
    assert str(far.pk) not in page
    page = client.get(url("session-list"), {"view": "past"}).content.decode()
    assert str(past.pk) in page
    assert url("session-request-completion", past.pk) in page
    assert client.get(url("session-list"), {"first": "kemarin", "status": "x", "after": "x"}).status_code == 200


@pytest.mark.parametrize("view", ["", "past"])
@pytest.mark.parametrize("name", ["session-list", "appointment-list"])
def test_lists_lead_forth_and_back(cast, client_for, name, view):
    for number in range(28):
        day = clock.today() + timedelta(days=(-1 if view else 1) * (number // 4 + 1))
        status = "pending" if number % 3 else "approved"
        session = session_at(day, 8 + number % 2, count=1, status=status)
        AppointmentFactory(slot=session.slots.first(), status=status)
    client, address = client_for(cast.admin), url(name)
    first = client.get(address, {"view": view}).context["page"]
    last = client.get(address + first.next_url).context["page"]
    rows = [*first, *last]
    assert (len(first.rows), len(last.rows), len({row.pk for row in rows}), last.next_url) == (25, 3, 28, "")
    assert [row.rank for row in rows] == sorted(row.rank for row in rows)
    assert client.get(address + last.previous_url).context["page"] == first


# --- Calendar -----------------------------------------------------------------------------------------------------
def test_calendar_draws_every_slot_once_in_the_table_with_breaks(cast, client_for):
    day = clock.today() + timedelta(days=1)
    session_at(day, 9, doctor=cast.doctor, count=4, gap_minutes=15)
    session_at(day, 8, doctor=cast.other_doctor, count=2, slot_minutes=60)
    session = session_at(day, 13, doctor=cast.doctor, count=2, gap_minutes=60)
    session.breaks = [["13:30", "14:30"]]
    session.save()
    page = client_for(cast.receptionist).get(url("calendar"), {"day": day.isoformat()})
    table = page.context["table"]
    assert {column.doctor: column.slot_count for column in table.columns} == {cast.doctor: 6, cast.other_doctor: 2}
    assert sum(cell.kind == "break" for column in table.columns for cell in column.cells) == 1
    for index, column in enumerate(table.columns):
        covered = sum(cell.rowspan for row in table.rows for owner, cell in row.cells if owner is column)
        assert covered == len(table.rows), f"column {index} is as high as the table"


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "x", "2026-02-30"])
def test_days_that_are_none_show_today(cast, client_for, day):
    client = client_for(cast.admin)
    assert client.get(url("calendar"), {"day": day}).context["day"] == clock.today()
    assert client.get(url("appointment-list"), {"day": day}).status_code == 200
    assert client.get(url("session-list"), {"first": day, "last": day}).status_code == 200


def test_calendar_shows_walk_ins_and_marks_now_but_no_complaint(cast, client_for):
    today = clock.today()
    with time_machine.travel(clock.day_bounds(today)[0] + timedelta(hours=9, minutes=40), tick=False):
        session = session_at(today, 9, doctor=cast.doctor)
        AppointmentFactory(slot=session.slots.first(), complaint=FORBIDDEN_COMPLAINT)
        visit = VisitFactory(doctor=cast.doctor, complaint=FORBIDDEN_COMPLAINT)
        page = client_for(cast.receptionist).get(url("calendar")).content.decode()
    assert visit.ticket.label in page
    assert page.count('class="is-now"') == 1
    assert FORBIDDEN_COMPLAINT not in page


# --- Appointments -------------------------------------------------------------------------------------------------
def test_list_shows_pending_first_filters_and_hides_complaints(cast, client_for):
    session = session_at(clock.today() + timedelta(days=1), 9, doctor=cast.doctor)
    approved = AppointmentFactory(slot=session.slots.first(), complaint=FORBIDDEN_COMPLAINT)
    other = session_at(clock.today() + timedelta(days=3), 9, doctor=cast.other_doctor)
    pending = AppointmentFactory(slot=other.slots.first(), status="pending", complaint=FORBIDDEN_COMPLAINT)
    client = client_for(cast.admin)
    page = client.get(url("appointment-list")).content.decode()
    assert page.index(str(pending.pk)) < page.index(str(approved.pk))
    assert FORBIDDEN_COMPLAINT not in page
    for query, shown, hidden in (
        ({"status": "approved"}, approved, pending),
        ({"doctor": str(cast.other_doctor.pk)}, pending, approved),
        ({"day": session.practice_on.isoformat()}, approved, pending),
    ):
        for name in ("appointment-list", "appointment-list-panel"):
            page = client.get(url(name), query).content.decode()
            assert str(shown.pk) in page
            assert str(hidden.pk) not in page
    assert client.get(url("appointment-list"), {"doctor": "x", "day": "32-13-2026", "status": "?"}).status_code == 200


def test_decisions_ignore_forged_fields_and_foreign_next(cast, client_for, session):
    appointment = AppointmentFactory(slot=session.slots.first(), status="pending")
    client = client_for(cast.admin)
    answer = client.post(
        url("appointment-approve", appointment.pk),
        {"status": "finished", "price_idr": "1", "next": "https://evil.example/"},
    )
    assert answer["Location"] == url("appointment-list")
    appointment.refresh_from_db()
    assert (appointment.status, appointment.price_idr) == ("approved", 100_000)
    assert client.post(url("appointment-approve", uuid4())).status_code == 404


def test_reject_and_cancel_need_reasons(cast, client_for, session):
    appointment = AppointmentFactory(slot=session.slots.first(), status="pending")
    client = client_for(cast.admin)
    for name in ("appointment-reject", "appointment-cancel"):
        assert client.post(url(name, appointment.pk), {"reason": ""}).status_code == 422
        assert client.post(url(name, appointment.pk), {"reason": "x" * 301}).status_code == 422
    client.post(url("appointment-reject", appointment.pk), {"reason": "Penuh"})
    assert client.post(url("appointment-reject", appointment.pk), {"reason": "Penuh"}).status_code == 409
    appointment.refresh_from_db()
    assert (appointment.status, appointment.reason) == ("rejected", "Penuh")


def test_check_in_leads_to_the_slip_without_name_and_complaint(cast, client_for):
    slot = session_at(clock.today(), 23, doctor=cast.doctor, count=1).slots.first()
    appointment = AppointmentFactory(slot=slot, complaint=FORBIDDEN_COMPLAINT)
    client = client_for(cast.receptionist)
    answer = client.post(url("appointment-check-in", appointment.pk), {"priority": "elderly"})
    visit = Visit.objects.get()
    assert answer["Location"] == url("ticket-slip", visit.pk)
    assert visit.is_priority is True
    page = client.get(answer["Location"]).content.decode()
    assert visit.ticket.label in page
    assert FORBIDDEN_COMPLAINT not in page
    assert appointment.patient.full_name not in page
    assert client.post(url("appointment-check-in", appointment.pk))["Location"] == url("appointment-list")
    assert Visit.objects.count() == 1


# --- Desk ---------------------------------------------------------------------------------------------------------
def test_search_is_posted_and_carries_the_chosen_time(cast, client_for, session):
    patient, slot = PatientFactory(full_name="Rahmawati Kusuma"), session.slots.first()
    client = client_for(cast.receptionist)
    page = client.post(f"{url('appointment-book')}?slot={slot.pk}", {"q": "rahmawati"}).content.decode()
    assert f"{url('patient-book', patient.pk)}?slot={slot.pk}" in page
    assert client.post(url("appointment-book"), {"q": ""}).status_code == 422


def test_desk_books_and_a_lost_time_is_a_409_with_the_others(cast, client_for, session):
    patient, slot = PatientFactory(), session.slots.first()
    client = client_for(cast.receptionist)
    assert str(slot.pk) in client.get(url("patient-book", patient.pk)).content.decode()
    data = {"slot": slot.pk, "complaint": "Demam", "idempotency_key": uuid4(), "price_idr": "1", "doctor": "x"}
    client.post(url("patient-book", patient.pk), data)
    client.post(url("patient-book", patient.pk), data)
    appointment = Appointment.objects.get()
    assert (appointment.source, appointment.price_idr, appointment.doctor_id) == ("reception", 100_000, cast.doctor.pk)
    lost = client.post(
        url("patient-book", PatientFactory().pk), {"slot": slot.pk, "complaint": "Demam", "idempotency_key": uuid4()}
    )
    assert lost.status_code == 409
    assert str(session.slots.last().pk) in lost.content.decode()
    for fields in ({"slot": ""}, {"complaint": ""}, {"idempotency_key": "x"}):
        answer = client.post(url("patient-book", patient.pk), {**data, **fields})
        assert answer.status_code == 422
    assert Appointment.objects.count() == 1


def test_walk_in_and_its_forged_choices(cast, client_for):
    service, foreign, patient = ServiceFactory(), ServiceFactory(specialty="gigi"), PatientFactory()
    client = client_for(cast.receptionist)
    good = f"{cast.doctor.pk}:{service.pk}"
    for choice in (
        "",
        "x",
        f"{cast.doctor.pk}:{foreign.pk}",
        f"{cast.nurse.pk}:{service.pk}",
        f"{uuid4()}:{service.pk}",
    ):
        assert client.post(url("walk-in", patient.pk), {"choice": choice, "complaint": "Demam"}).status_code == 422
    assert client.post(url("walk-in", patient.pk), {"choice": good, "complaint": " "}).status_code == 422
    assert Visit.objects.count() == 0
    answer = client.post(
        url("walk-in", patient.pk), {"choice": good, "complaint": "Demam", "price_idr": "5", "status": "finished"}
    )
    visit = Visit.objects.get()
    assert answer["Location"] == url("ticket-slip", visit.pk)
    assert (visit.price_idr, visit.status) == (100_000, "arrived")
    again = client.post(url("walk-in", patient.pk), {"choice": good, "complaint": "Demam"})
    assert again.status_code == 409


# --- Queue --------------------------------------------------------------------------------------------------------
def test_board_groups_by_place_orders_priority_first_and_hides_complaints(cast, client_for):
    ordinary = VisitFactory(doctor=cast.doctor, complaint=FORBIDDEN_COMPLAINT)
    priority = VisitFactory(doctor=cast.doctor, priority="pregnant")
    elsewhere = VisitFactory(doctor=cast.other_doctor, status=Visit.Status.PHARMACY)
    day = timedelta(days=1)
    yesterday = VisitFactory(doctor=cast.doctor, visit_on=clock.today() - day, arrived_at=clock.now() - day)
    client = client_for(cast.receptionist)
    for name in ("queue", "queue-panel"):
        answer = client.get(url(name))
        lanes = [[row["visit"].pk for row in lane["rows"]] for lane in answer.context["lanes"]]
        assert lanes == [[], [], [priority.pk, ordinary.pk], [], [], [elsewhere.pk]]
        page = answer.content.decode()
        assert FORBIDDEN_COMPLAINT not in page
        assert str(yesterday.pk) not in page
    filtered = client.get(url("queue"), {"doctor": str(cast.doctor.pk)})
    assert str(elsewhere.pk) not in filtered.content.decode()


def test_call_again_and_cancel_with_reason(cast, client_for):
    visit = VisitFactory(doctor=cast.doctor)
    nurse, desk = client_for(cast.nurse), client_for(cast.receptionist)
    nurse.post(url("visit-call", visit.pk))
    desk.post(url("visit-call", visit.pk))
    visit.ticket.refresh_from_db()
    assert visit.ticket.call_count == 2
    assert desk.post(url("visit-cancel", visit.pk), {"reason": ""}).status_code == 422
    desk.post(url("visit-cancel", visit.pk), {"reason": "Pulang", "status": "finished"})
    visit.refresh_from_db()
    assert (visit.status, visit.reason) == ("cancelled", "Pulang")
    assert desk.post(url("visit-cancel", visit.pk), {"reason": "Pulang"}).status_code == 409


def test_doctor_panel_shows_age_allergy_and_vitals_flag(cast, client_for):
    visit = VisitFactory(doctor=cast.doctor, patient__allergy_status="known")
    AllergyFactory(patient=visit.patient, recorded_by=cast.nurse)
    VisitFactory(doctor=cast.doctor, status=Visit.Status.FINISHED)
    page = client_for(cast.doctor).get(url("doctor-queue-panel"))
    assert [row["visit"].pk for row in page.context["rows"]] == [visit.pk]
    html = page.content.decode()
    assert "tag-danger" in html
    assert "tag-success" in html
    assert visit.ticket.label in html


# --- Hostile names and cost ---------------------------------------------------------------------------------------
def test_hostile_names_are_text_on_every_page(cast, client_for):
    name = "<script>alert('x')</script> \"O'Neil\" 🤒" + "a" * 150
    patient = PatientFactory(full_name=name)
    day = clock.today()
    slot = session_at(day, 23, doctor=cast.doctor, count=1).slots.first()
    appointment = services.book_appointment(**booking(patient, slot, cast.receptionist, complaint=name))
    visit = VisitFactory(patient=patient, doctor=cast.doctor)
    client = client_for(cast.admin)
    pages = [
        url("appointment-list"), url("calendar"), url("queue"), url("appointment-detail", appointment.pk),
        url("session-detail", slot.session_id), url("visit-cancel", visit.pk), url("walk-in", patient.pk),
        url("patient-book", patient.pk), url("appointment-cancel", appointment.pk), url("ticket-slip", visit.pk),
        url("patient-appointments-panel", patient.pk),
    ]  # fmt: skip
    for address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "<script>alert" not in answer.content.decode(), address


@pytest.mark.parametrize("count", [3, 30])
def test_query_counts(cast, client_for, count, django_assert_max_num_queries):
    day = clock.today()
    for number in range(count):
        session = session_at(day + timedelta(days=number % 2), number % 20, count=1)
        AppointmentFactory(slot=session.slots.first(), status="pending" if number % 2 else "approved")
        VisitFactory(doctor=session.doctor)
        SessionFactory(doctor=cast.doctor, practice_on=day + timedelta(days=number + 1))
        VisitFactory(doctor=cast.doctor)
    patient = Appointment.objects.first().patient
    admin, doctor = client_for(cast.admin), client_for(cast.doctor)
    pages = [
        (admin, url("session-list"), 9),
        (admin, url("appointment-list"), 11),
        (admin, url("appointment-list-panel"), 9),
        (admin, url("calendar"), 15),
        (admin, url("queue"), 11),
        (admin, url("queue-panel"), 9),
        (admin, url("patient-book", patient.pk), 15),
        (admin, url("walk-in", patient.pk), 15),
        (admin, url("patient-appointments-panel", patient.pk), 7),
        (doctor, url("doctor-queue-panel"), 7),
        (doctor, url("session-list"), 9),
    ]
    for client, address, most in pages:
        client.get(address)
        with django_assert_max_num_queries(most):
            assert client.get(address).status_code == 200


def test_lengths_and_gaps_are_named_in_the_readers_language(cast, client_for):
    ServiceFactory()
    pages = {}
    for language in ("id", "en"):
        cast.doctor.language = language
        cast.doctor.save()
        pages[language] = client_for(cast.doctor).get(url("session-propose")).content.decode()
    assert "90 minutes" in pages["en"]
    assert "90 minutes" not in pages["id"]
