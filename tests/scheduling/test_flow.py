"""The station's page and the board of the path: who sees what, in which order, and with how many queries."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from core import clock
from scheduling import flow, services
from scheduling.models import QueueEvent, QueueStep, Station, Visit
from scheduling.services import arrivals, detours
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import StationFactory, VisitFactory

pytestmark = pytest.mark.django_db

Status, State = Visit.Status, QueueStep.State


def url(name, *args):
    return reverse(f"scheduling:{name}", args=args)


def sit(client, station):
    client.post(url("station-choose"), {"station": str(station.pk)})
    return client


def step_of(visit):
    return QueueStep.objects.get(visit=visit, open=1)


@pytest.fixture
def nurse_room():
    return StationFactory(stage="nurse", spoken="perawat", name="Ruang Perawat")


def test_a_person_chooses_among_the_stations_of_the_own_work(cast, client_for, nurse_room):
    cashier = StationFactory(stage="cashier", name="Loket Kasir")
    closed = StationFactory(stage="nurse", is_active=False, name="Ruang Lama")
    nurse = client_for(cast.nurse)
    page = nurse.get(url("station")).content.decode()
    assert nurse_room.name in page
    assert cashier.name not in page
    assert closed.name not in page
    for wrong in (str(cashier.pk), str(closed.pk), "x", ""):
        nurse.post(url("station-choose"), {"station": wrong})
        assert nurse.get(url("station")).context["place"] is None
    assert sit(nurse, nurse_room).get(url("station")).context["place"] == nurse_room
    nurse_room.is_active = False
    nurse_room.save()
    assert nurse.get(url("station")).context["place"] is None
    assert nurse.post(url("station-call-next"), follow=True).status_code == 200
    assert not QueueEvent.objects.exists()


def test_a_day_at_the_nurses_station(cast, client_for, nurse_room):
    visit = VisitFactory(doctor=cast.doctor, status=Status.ARRIVED, patient=PatientFactory(full_name="Siti Rahmah"))
    nurse = sit(client_for(cast.nurse), nurse_room)
    assert "Siti Rahmah" in nurse.get(url("station")).content.decode()
    nurse.post(url("station-call-next"))
    step = step_of(visit)
    assert (step.state, step.station) == (State.CALLED, nurse_room)
    nurse.post(url("step-skip", step.pk))
    assert step_of(visit).state == State.SKIPPED
    view = nurse.get(url("station-panel")).context["view"]
    assert [row.step.pk for row in view.skipped] == [step.pk]
    nurse.post(url("queue-undo", view.undo.pk))
    assert step_of(visit).state == State.CALLED
    nurse.post(url("step-start", step.pk))
    nurse.post(url("step-finish", step.pk))
    visit.refresh_from_db()
    assert (visit.status, step_of(visit).stage) == (Status.WAITING, "doctor")


def test_the_doctor_begins_sends_to_the_laboratory_and_the_officer_sees_who_comes(cast, client_for):
    room, laboratory = StationFactory(stage="doctor"), StationFactory(stage="laboratory")
    visit = VisitFactory(doctor=cast.doctor, patient=PatientFactory(full_name="Siti Rahmah"))
    other = VisitFactory(doctor=cast.other_doctor, patient=PatientFactory(full_name="Budi Lain"))
    doctor, officer = sit(client_for(cast.doctor), room), sit(client_for(cast.lab_officer), laboratory)
    page = doctor.get(url("station")).content.decode()
    assert "Siti Rahmah" in page
    assert "Budi Lain" not in page
    assert doctor.post(url("step-call", step_of(other).pk)).status_code in (403, 404)
    answer = doctor.post(url("step-start", step_of(visit).pk))
    assert answer["Location"] == reverse("workspace:consultation", args=[visit.pk])
    assert "Siti Rahmah" not in officer.get(url("station")).content.decode()
    assert doctor.post(url("step-examine", step_of(visit).pk, "cashier")).status_code == 404
    doctor.post(url("step-examine", step_of(visit).pk, "laboratory"))
    assert "Siti Rahmah" in officer.get(url("station")).content.decode()
    officer.post(url("station-call-next"))
    officer.post(url("step-finish", step_of(visit).pk))
    visit.refresh_from_db()
    assert visit.status == Status.WAITING


def test_a_call_from_the_queue_names_the_own_station_of_that_stage(cast, client_for, nurse_room):
    visit = VisitFactory(doctor=cast.doctor, status=Status.ARRIVED)
    sit(client_for(cast.nurse), nurse_room).post(url("visit-call", visit.pk))
    assert QueueEvent.objects.get(step__visit=visit).station == nurse_room
    StationFactory(stage="nurse")
    waiting = VisitFactory(doctor=cast.doctor)
    sit(client_for(cast.nurse), nurse_room).post(url("visit-call", waiting.pk))
    assert QueueEvent.objects.get(step__visit=waiting).station is None, "a nurse's room is no room of the doctor"


def test_transfer_and_sending_back_by_form(cast, client_for):
    visit = VisitFactory(doctor=cast.doctor, status=Status.ARRIVED)
    desk, doctor = client_for(cast.receptionist), client_for(cast.doctor)
    address = url("step-transfer", step_of(visit).pk)
    assert desk.get(address).status_code == 200
    for data in ({}, {"target": "doctor:x", "reason": "ya"}, {"target": "stage:doctor", "reason": " "}):
        assert desk.post(address, data).status_code == 422
    assert desk.post(address, {"target": "stage:doctor", "reason": "Perawat penuh"}).status_code == 302
    visit.refresh_from_db()
    assert visit.status == Status.WAITING
    back = url("step-send-back", step_of(visit).pk)
    assert doctor.post(back, {"reason": ""}).status_code == 422
    assert desk.post(back, {"reason": "Ukur ulang"}).status_code == 403, "only who serves the patient sends back"
    assert doctor.post(back, {"reason": "Ukur ulang"}).status_code == 302
    assert doctor.post(back, {"reason": "Ukur ulang"}).status_code == 409, "a page of before"
    assert desk.post(address, {"target": "stage:doctor", "reason": "Perawat penuh"}).status_code == 409
    visit.refresh_from_db()
    assert visit.status == Status.ARRIVED


def test_the_flow_shows_numbers_to_all_and_names_to_those_who_may_see_them(cast, client_for):
    mine = VisitFactory(doctor=cast.doctor, patient=PatientFactory(full_name="Siti Rahmah"))
    theirs = VisitFactory(doctor=cast.other_doctor, patient=PatientFactory(full_name="Budi Lain"))
    ticket = arrivals.take_number()
    names = {"doctor": ["Siti Rahmah"], "receptionist": ["Siti Rahmah", "Budi Lain"], "owner": [], "lab_officer": []}
    for role, seen in names.items():
        page = client_for(getattr(cast, role)).get(url("flow")).content.decode()
        for visit in (mine, theirs):
            assert visit.ticket.label in page, role
        assert ticket.label in page
        assert [name for name in ("Siti Rahmah", "Budi Lain") if name in page] == seen, role
    filtered = client_for(cast.owner).get(url("flow"), {"doctor": str(cast.doctor.pk)}).content.decode()
    assert mine.ticket.label in filtered
    assert theirs.ticket.label not in filtered
    assert client_for(cast.owner).get(url("flow"), {"doctor": "x", "stage": "<b>"}).status_code == 200


def test_the_flow_puts_everybody_where_they_are(cast):
    places = {
        "nurse": VisitFactory(doctor=cast.doctor, status=Status.ARRIVED), "doctor": VisitFactory(doctor=cast.doctor),
        "pharmacy": VisitFactory(status=Status.PHARMACY), "cashier": VisitFactory(status=Status.CASHIER),
        "laboratory": VisitFactory(status=Status.LABORATORY),
    }  # fmt: skip
    radiology = VisitFactory(status=Status.RADIOLOGY)
    VisitFactory(status=Status.FINISHED)
    finished = VisitFactory(status=Status.CASHIER)
    services.finish_visit(visit_id=finished.pk, actor=cast.cashier)
    columns, done = flow.board(cast.owner)
    found = {column.stage: [place.number for place in column.places] for column in columns}
    expected = {"registration": [], **{stage: [visit.ticket.label] for stage, visit in places.items()}}
    expected["laboratory"].append(radiology.ticket.label)
    assert found == expected, "laboratory and radiology are one column"
    assert [place.number for place in done] == [finished.ticket.label]


def test_the_flow_after_midnight(cast):
    with time_machine.travel("2026-11-20T23:30:00+07:00", tick=False):
        late = VisitFactory(doctor=cast.doctor)
    with time_machine.travel("2026-11-21T00:30:00+07:00", tick=False):
        columns, _done = flow.board(cast.owner)
        assert [place.number for column in columns for place in column.places] == [late.ticket.label]
        assert list(Visit.objects.under_way()) == [late]
    with time_machine.travel("2026-11-21T08:00:00+07:00", tick=False):
        assert not any(column.places for column in flow.board(cast.owner)[0])
        assert not Visit.objects.under_way().exists()


@pytest.mark.parametrize("count", [5, 200])
def test_the_flow_takes_six_queries_however_many_are_in_the_house(cast, count, django_assert_max_num_queries):
    VisitFactory.create_batch(count, doctor=cast.doctor, service=VisitFactory().service)
    cast.receptionist.roles
    with django_assert_max_num_queries(6):
        columns, _done = flow.board(cast.receptionist)
    assert sum(len(column.places) for column in columns) == count + 1


@pytest.mark.parametrize("count", [3, 30])
def test_the_station_takes_the_same_queries_however_many_wait(
    cast, client_for, nurse_room, count, django_assert_max_num_queries
):
    VisitFactory.create_batch(count, doctor=cast.doctor, status=Status.ARRIVED)
    nurse = sit(client_for(cast.nurse), nurse_room)
    nurse.get(url("station-panel"))
    with django_assert_max_num_queries(14):
        assert nurse.get(url("station-panel")).status_code == 200


@pytest.mark.parametrize(
    ("minutes", "tone", "has_word"),
    [(0, "neutral", False), (30, "neutral", False), (31, "warning", True), (60, "warning", True), (61, "danger", True)],
)
def test_long_waits_have_a_word_beside_the_colour(minutes, tone, has_word):
    now = clock.now()
    wait = flow.wait_since(now - timedelta(minutes=minutes), now)
    assert (wait.minutes, wait.tone, bool(wait.word)) == (minutes, tone, has_word)
    assert flow.wait_since(now + timedelta(minutes=5), now).minutes == 0
    assert flow.wait_since(now - timedelta(minutes=90), now, is_waiting=False).tone == "neutral", "inside"


def test_the_admin_keeps_the_stations(cast, client_for):
    admin = client_for(cast.admin)
    values = {
        "name": "Ruang 1",
        "stage": "doctor",
        "spoken": "ruang",
        "spoken_number": "1",
        "order": "1",
        "is_active": "on",
    }
    assert admin.post(url("station-add"), values).status_code == 302
    assert admin.post(url("station-add"), values).status_code == 422, "a name is there once"
    station = Station.objects.get()
    for wrong in ({"spoken_number": "100"}, {"stage": "nowhere"}, {"name": ""}, {"spoken": "x"}, {"order": "-1"}):
        assert admin.post(url("station-edit", station.pk), {**values, **wrong}).status_code == 422
    assert (
        admin.post(url("station-edit", station.pk), {**values, "name": "Ruang Satu", "is_active": ""}).status_code
        == 302
    )
    station.refresh_from_db()
    assert (station.name, station.is_active) == ("Ruang Satu", False)
    assert admin.get(url("station-edit", cast.admin.pk)).status_code == 404


def test_the_report(cast, client_for):
    visit = VisitFactory(doctor=cast.doctor)
    now = clock.now()
    QueueStep.objects.filter(visit=visit).update(
        state="done", estimated_at=now, called_at=now + timedelta(minutes=4), started_at=now + timedelta(minutes=5),
        ended_at=now + timedelta(minutes=20),
    )  # fmt: skip
    owner = client_for(cast.owner)
    page = owner.get(url("queue-report"))
    assert (page.context["total"].count, page.context["total"].median_minutes) == (1, 4)
    assert cast.doctor.display_name in page.content.decode()
    for days in ("30", "90", "x", "-1"):
        assert owner.get(url("queue-report"), {"days": days}).status_code == 200


def test_the_slip_tells_the_place_and_the_estimate(cast, client_for):
    VisitFactory(doctor=cast.doctor)
    visit = VisitFactory(doctor=cast.doctor)
    answer = client_for(cast.receptionist).get(url("ticket-slip", visit.pk))
    assert answer.context["estimate"].ahead == 1
    detours.send_back(visit_id=visit.pk, actor=cast.doctor, reason="Ukur ulang")
    assert client_for(cast.receptionist).get(url("ticket-slip", visit.pk)).status_code == 200
