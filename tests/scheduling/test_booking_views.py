"""The desk's and the doctor's pages of bookings: the wrong person first, then what they write."""

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from patients.services import add_to_care_team
from scheduling import services
from scheduling.models import Appointment, Service, Visit, WaitlistEntry
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, session_at

pytestmark = pytest.mark.django_db

Status = Appointment.Status


def url(name, *args):
    return reverse(f"scheduling:{name}", args=args)


def typed(slot, **fields):
    return {"slot": slot.pk, "complaint": "Kontrol rutin", "idempotency_key": uuid4(), **fields}


@pytest.fixture
def own(cast):
    """A patient of the doctor's care team."""
    patient = cast.patient_user.patient
    add_to_care_team(patient_id=patient.pk, user_id=cast.doctor.pk)
    return patient


# --- follow-ups ----------------------------------------------------------------------------------------------------


def test_a_doctor_follows_up_own_patients_only(cast, client_for, session):
    stranger = PatientFactory()
    client = client_for(cast.doctor)
    for name in ("follow-up", "follow-up-ask"):
        assert client.get(url(name, stranger.pk)).status_code == 404
        assert client.post(url(name, stranger.pk), typed(session.slots.first())).status_code == 404
    assert not Appointment.objects.exists()


def test_a_follow_up_goes_into_an_own_session_and_needs_no_approval(cast, client_for, session, own):
    client = client_for(cast.doctor)
    colleague = session_at(session.practice_on, 13, doctor=cast.other_doctor)
    page = client.get(url("follow-up", own.pk))
    assert [offer.doctor for offer in page.context["offers"]] == [cast.doctor]
    answer = client.post(url("follow-up", own.pk), typed(colleague.slots.first()))
    assert answer.status_code == 403
    assert not Appointment.objects.exists()
    client.post(url("follow-up", own.pk), typed(session.slots.first()))
    booked = Appointment.objects.get()
    assert (booked.source, booked.status, booked.booked_by_id) == ("follow_up", Status.APPROVED, cast.doctor.pk)


def test_a_doctor_without_a_fitting_time_leaves_a_wish(cast, client_for, session, own):
    today = clock.today()
    data = {
        "service": session.service_id, "doctor": cast.doctor.pk, "part": "morning",
        "first_on": today.isoformat(), "last_on": (today + timedelta(days=30)).isoformat(),
    }  # fmt: skip
    assert client_for(cast.doctor).post(url("follow-up-ask", own.pk), data).status_code == 302
    entry = WaitlistEntry.objects.get()
    assert (entry.patient_id, entry.doctor_id, entry.created_by_id) == (own.pk, cast.doctor.pk, cast.doctor.pk)
    assert entry.part == "morning"


# --- the desk ------------------------------------------------------------------------------------------------------


def test_a_booking_by_telephone_with_two_services(cast, client_for, session):
    session.service.duration_minutes = 20
    session.service.save()
    extra, elsewhere = ServiceFactory(duration_minutes=10, price_idr=45_500), ServiceFactory(specialty="tht")
    patient, client = PatientFactory(), client_for(cast.receptionist)
    slot = session.slots.first()
    page = client.get(f"{url('patient-book', patient.pk)}?slot={slot.pk}&source=phone")
    assert [value for value, _label in page.context["form"].fields["extra"].choices] == [str(extra.pk)]
    assert page.context["form"].initial["source"] == "phone"
    refused = client.post(url("patient-book", patient.pk), typed(slot, extra=[elsewhere.pk]))
    assert refused.status_code == 422
    assert not Appointment.objects.exists()
    client.post(url("patient-book", patient.pk), typed(slot, extra=[extra.pk], source="phone"))
    booked = Appointment.objects.get()
    assert (booked.source, booked.price_idr, booked.lines.count()) == ("phone", 145_500, 2)
    detail = client.get(url("appointment-detail", booked.pk)).content.decode()
    assert booked.code in detail
    assert "45.500" in detail


def test_services_that_do_not_fit_are_a_sentence_and_keep_what_was_typed(cast, client_for, session):
    extra, patient = ServiceFactory(duration_minutes=60), PatientFactory()
    answer = client_for(cast.receptionist).post(
        url("patient-book", patient.pk), typed(session.slots.first(), extra=[extra.pk])
    )
    assert answer.status_code == 422
    assert "Kontrol rutin" in answer.content.decode()
    assert "90" in str(answer.context["form"].non_field_errors())


def test_a_walk_in_with_two_services(cast, client_for):
    service, extra = ServiceFactory(), ServiceFactory(price_idr=45_500)
    patient = PatientFactory()
    data = {"choice": f"{cast.doctor.pk}:{service.pk}", "extra": [extra.pk], "complaint": "Demam"}
    assert client_for(cast.receptionist).post(url("walk-in", patient.pk), data).status_code == 302
    visit = Visit.objects.get()
    assert (visit.price_idr, visit.lines.count()) == (145_500, 2)


def test_the_desk_is_told_how_often_a_patient_did_not_come(cast, client_for, session):
    patient = PatientFactory()
    for days in (10, 20, 400):
        slot = session_at(clock.today() - timedelta(days=days), 9).slots.first()
        AppointmentFactory(patient=patient, slot=slot, status="no_show")
    page = client_for(cast.receptionist).get(url("patient-book", patient.pk))
    assert page.context["no_shows"] == 2


def test_a_code_finds_its_booking_however_it_is_typed(cast, client_for, session):
    booked = AppointmentFactory(slot=session.slots.first())
    client = client_for(cast.receptionist)
    for code in (booked.code, booked.code.lower(), f" {booked.code[:4]}-{booked.code[4:]} "):
        answer = client.post(url("appointment-find"), {"code": code})
        assert answer["Location"] == url("appointment-detail", booked.pk)
    for code in ("", "x", "ABCD2345", "' OR 1=1 --", "\x00" * 8):
        assert client.post(url("appointment-find"), {"code": code})["Location"] == url("appointment-list")


def test_the_list_is_narrowed_by_service(cast, client_for, session):
    mine = AppointmentFactory(slot=session.slots.first())
    AppointmentFactory()
    page = client_for(cast.receptionist).get(url("appointment-list"), {"service": session.service_id})
    assert [row.pk for row in page.context["page"].rows] == [mine.pk]
    assert client_for(cast.receptionist).get(url("appointment-list"), {"service": "x", "room": "9"}).status_code == 200


# --- the waiting list ----------------------------------------------------------------------------------------------


@pytest.fixture
def offered(cast, session):
    """An offer of the first slot to the cast's patient."""
    services.join_waitlist(
        patient_id=cast.patient_user.patient.pk, service_id=session.service_id, actor=cast.receptionist,
        first_on=clock.today(), last_on=clock.today() + timedelta(days=7),
    )  # fmt: skip
    return services.offer_freed_slot(session.slots.first().pk)


def test_the_desk_answers_offers_and_withdraws(cast, client_for, session, offered):
    client = client_for(cast.receptionist)
    assert offered.patient.full_name in client.get(url("waitlist")).content.decode()
    assert client.post(url("offer-accept", offered.pk), {"complaint": " "}).status_code == 422
    assert client.post(url("offer-accept", offered.pk), {"complaint": "Batuk"}).status_code == 302
    offered.refresh_from_db()
    assert offered.status == Status.PENDING
    assert client.post(url("offer-accept", offered.pk), {"complaint": "Batuk"}).status_code == 409
    entry = WaitlistEntry.objects.get()
    client.post(url("waitlist-withdraw", entry.pk))
    entry.refresh_from_db()
    assert entry.status == "booked", "what is booked is cancelled as a booking"


def test_the_waiting_list_refreshes_itself_with_its_filters(cast, client_for, offered):
    client, name = client_for(cast.receptionist), offered.patient.full_name
    page = client.get(url("waitlist"), {"status": "offered"}).content.decode()
    tag = re.search(r'<div id="waitlist-panel"[^>]*>', page)[0]
    assert 'hx-trigger="live:appointments from:body"' in tag
    panel = unescape(re.search(r'hx-get="([^"]+)"', tag)[1])
    assert name in client.get(panel).content.decode()
    services.decline_offer(appointment_id=offered.pk, actor=cast.receptionist)
    assert name not in client.get(panel).content.decode()
    assert name in client.get(url("waitlist-panel")).content.decode()
    assert client_for(cast.doctor).get(panel).status_code == 403


def test_the_lists_queries_do_not_grow(cast, client_for, session):
    client, counts = client_for(cast.receptionist), []
    for more in (3, 12):
        for _ in range(more):
            services.join_waitlist(
                patient_id=PatientFactory().pk, service_id=session.service_id, actor=cast.receptionist,
                first_on=clock.today(), last_on=clock.today() + timedelta(days=7), doctor_id=cast.doctor.pk,
            )  # fmt: skip
        services.offer_free_times(clock.now())
        client.get(url("waitlist"))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url("waitlist")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- services ------------------------------------------------------------------------------------------------------


def service_data(**fields):
    return {
        "code": "EKG", "name_id": "Rekam jantung", "name_en": "Electrocardiogram", "specialty": "umum",
        "duration_minutes": "15", "price_idr": "85.000", "booking_mode": "instant", "queue_prefix": "e",
        "is_active": "on", **fields,
    }  # fmt: skip


def test_services_are_kept_with_their_doctors_and_logged(cast, client_for):
    client = client_for(cast.admin)
    assert client.post(url("service-add"), service_data(doctors=[cast.doctor.pk])).status_code == 302
    service = Service.objects.get(code="EKG")
    assert (service.price_idr, service.queue_prefix, list(service.doctors.all())) == (85_000, "E", [cast.doctor])
    assert client.post(url("service-edit", service.pk), service_data(price_idr="90000")).status_code == 302
    service.refresh_from_db()
    assert (service.price_idr, service.doctors.count()) == (90_000, 0)
    changed = AuditEvent.objects.filter(action="scheduling.service.saved").last()
    assert changed.detail["was"] == {"price_idr": 85_000, "duration_minutes": 15}


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": ""}, {"price_idr": "-1"}, {"price_idr": "gratis"}, {"duration_minutes": "0"}, {"duration_minutes": "999"},
        {"queue_prefix": "R"}, {"queue_prefix": "ABC"}, {"queue_prefix": "1"}, {"specialty": "sihir"},
        {"booking_mode": "x"}, {"doctors": ["x"]}, {"name_id": "x" * 121},
    ],
)  # fmt: skip
def test_wrong_values_of_a_service_are_refused(cast, client_for, wrong):
    assert client_for(cast.admin).post(url("service-add"), service_data(**wrong)).status_code == 422
    assert not Service.objects.exists()


def test_a_code_is_given_once(cast, client_for):
    ServiceFactory(code="EKG")
    assert client_for(cast.admin).post(url("service-add"), service_data()).status_code == 422


def test_no_show_taken_back_on_its_page(cast, client_for):
    slot = SessionFactory(practice_on=clock.today(), starts_at=clock.now() - timedelta(hours=1)).slots.first()
    booked = AppointmentFactory(slot=slot, status="no_show")
    client = client_for(cast.receptionist)
    assert (
        url("appointment-no-show-undo", booked.pk) in client.get(url("appointment-detail", booked.pk)).content.decode()
    )
    client.post(url("appointment-no-show-undo", booked.pk))
    booked.refresh_from_db()
    assert booked.status == Status.APPROVED


def test_the_back_office_offers_doctors_and_no_other_accounts(cast):
    from django.contrib import admin
    from django.test import RequestFactory

    cast.doctor, cast.patient_user, cast.nurse
    request = RequestFactory().get("/")
    request.user = cast.admin
    form = admin.site._registry[Service].get_form(request)()
    assert list(form.fields["doctors"].queryset) == [cast.doctor]
