"""Several services in one booking, for whom it is, the card with the code, reminders, and who may not."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from core import clock
from scheduling import services
from scheduling.models import Appointment, ReminderPreference, Service
from tests.factories.patients import GuardianLinkFactory, PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, VisitFactory, booking

pytestmark = pytest.mark.django_db


def url(name, *args, **query):
    address = reverse(f"scheduling:portal-{name}", args=args)
    return address + "".join(
        f"{'&' if number else '?'}{key}={value}" for number, (key, value) in enumerate(query.items())
    )


@pytest.fixture
def client(cast, client_for):
    return client_for(cast.patient_user)


@pytest.fixture
def long_session(cast):
    """Two slots of an hour, the day after tomorrow, for a service of 30 minutes."""
    return SessionFactory(
        doctor=cast.doctor, service=ServiceFactory(duration_minutes=30, price_idr=100_000), slot_minutes=60, slot_count=2,
        practice_on=clock.today() + timedelta(days=2),
    )  # fmt: skip


@pytest.fixture
def extra():
    return ServiceFactory(name_id="Suntik vitamin", duration_minutes=20, price_idr=75_000)


def book(client, slot, *extras, **fields):
    data = {
        "slot": slot.pk, "plus": [service.pk for service in extras], "complaint": "Batuk", "idempotency_key": uuid4(),
        **fields,
    }  # fmt: skip
    return client.post(url("book-confirm"), data)


def test_the_sum_of_price_and_minutes_goes_through_all_steps(client, long_session, extra):
    slot = long_session.slots.first()
    offered = client.get(url("book-times", slot=slot.pk)).content.decode()
    assert f'name="plus" value="{extra.pk}"' in offered
    times = client.get(url("book-times", slot=slot.pk, plus=extra.pk))
    assert (times.context["choice"].price_idr, times.context["choice"].minutes) == (175_000, 50)
    step = url("book-complaint", slot=slot.pk, plus=extra.pk)
    assert step.replace("&", "&amp;") in times.content.decode() or step in times.content.decode()
    asked = client.get(step)
    target = re.search(r'action="(/portal/book/check/[^"]+)"', asked.content.decode()).group(1).replace("&amp;", "&")
    check = client.post(target, {"complaint": "Batuk"})
    assert f'name="plus" value="{extra.pk}"' in check.content.decode()
    assert "Rp175.000" in check.content.decode()
    assert book(client, slot, extra).status_code == 302
    made = Appointment.objects.get()
    assert [line.price_idr for line in made.lines.all()] == [100_000, 75_000]
    assert made.price_idr == 175_000
    page = client.get(services.portal_path(made)).content.decode()
    assert "Suntik vitamin" in page
    extra.price_idr = 999_000
    extra.save()
    assert "Rp75.000" in client.get(services.portal_path(made)).content.decode()


def test_times_that_are_too_short_are_not_offered(cast, client, session, extra):
    slot = session.slots.first()
    page = client.get(url("book-times", slot=slot.pk, plus=extra.pk))
    assert page.context["times"].days == []
    assert "banner-warning" in page.content.decode()
    longer = SessionFactory(
        doctor=cast.doctor, service=session.service, slot_minutes=60, practice_on=clock.today() + timedelta(days=3)
    )
    page = client.get(url("book-times", slot=slot.pk, plus=extra.pk))
    assert [day.slot_id for day in page.context["times"].days] == [longer.slots.first().pk]


def test_a_forged_short_time_is_refused_in_words(client, session, extra):
    answer = book(client, session.slots.first(), extra)
    assert answer.status_code == 422
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize("forged", ["x", "00000000-0000-0000-0000-000000000000", "' OR 1=1", ""])
def test_forged_services_are_left_out(client, session, forged):
    slot = session.slots.first()
    for step in ("book-times", "book-complaint"):
        assert client.get(url(step), {"slot": slot.pk, "plus": [forged] * 50}).context["choice"].extras == ()


def test_services_of_other_doctors_or_closed_ones_are_not_added(cast, client, long_session, extra):
    Service.objects.filter(pk=extra.pk).update(is_active=False)
    others = ServiceFactory(specialty="tht")
    book(client, long_session.slots.first(), extra, others)
    assert Appointment.objects.get().lines.count() == 1


def test_a_lost_time_keeps_the_services(cast, client, long_session, extra):
    first, second = long_session.slots.all()
    services.book_appointment(**booking(PatientFactory(), first, cast.receptionist))
    page = book(client, first, extra).content.decode()
    assert f'name="plus" value="{extra.pk}"' in page
    assert f'value="{second.pk}"' in page


def test_the_nearest_times_come_first_even_with_another_doctor(cast, client, session):
    for slot in session.slots.all():
        services.book_appointment(**booking(PatientFactory(), slot, cast.receptionist))
    other = SessionFactory(service=session.service)
    answer = book(client, session.slots.first())
    assert answer.status_code == 409
    assert [slot.session for slot in answer.context["nearest"]] == [other] * 3


# --- For whom -----------------------------------------------------------------------------------------------------
def test_choosing_the_child_on_the_way_keeps_the_time(cast, client, session):
    link, slot = GuardianLinkFactory(guardian=cast.patient_user), session.slots.first()
    asked = client.get(url("book-complaint", slot=slot.pk)).content.decode()
    assert f'name="person" value="{link.dependant_id}"' in asked
    answer = client.post(url("book-for"), {"person": link.dependant_id, "slot": slot.pk})
    assert answer["Location"] == url("book-complaint", slot=slot.pk)
    book(client, slot, person=link.dependant_id)
    assert Appointment.objects.get().patient == link.dependant
    assert Appointment.objects.get().booked_by == cast.patient_user


def test_nobody_is_chosen_who_may_not_be(cast, client, session):
    stranger = PatientFactory()
    client.post(url("book-for"), {"person": stranger.pk, "slot": session.slots.first().pk})
    book(client, session.slots.first())
    assert Appointment.objects.get().patient == cast.patient_user.patient


def test_a_form_for_a_former_dependant_books_nobody(cast, client, session):
    link = GuardianLinkFactory(guardian=cast.patient_user)
    client.post(url("book-for"), {"person": link.dependant_id})
    link.status = "ended"
    link.save()
    answer = book(client, session.slots.first(), person=link.dependant_id)
    assert answer.status_code == 409
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize("status", ["archived", "merged"])
def test_a_closed_record_books_nothing(cast, client, session, status):
    patient = cast.patient_user.patient
    patient.status = status
    patient.save(update_fields=["status"])
    assert book(client, session.slots.first()).status_code in (404, 409)
    assert Appointment.objects.count() == 0


# --- The card -----------------------------------------------------------------------------------------------------
def test_the_card_shows_the_code_while_it_is_of_use(cast, client, client_for, session):
    mine = AppointmentFactory(patient=cast.patient_user.patient, slot=session.slots.first())
    page = client.get(services.portal_path(mine)).content.decode()
    assert mine.code in page
    assert '<svg class="qr"' in page
    assert reverse("scheduling:appointment-ics", args=[mine.pk]) in page
    with time_machine.travel(session.ends_at + timedelta(hours=1)):
        late = client_for(cast.patient_user).get(services.portal_path(mine)).content.decode()
    Appointment.objects.filter(pk=mine.pk).update(status="cancelled")
    for text in (late, client.get(services.portal_path(mine)).content.decode()):
        assert mine.code not in text


def test_a_waiting_booking_says_until_when_it_is_held(client, session):
    book(client, session.slots.first())
    made = Appointment.objects.get()
    assert made.held_until is not None
    page = client.get(services.portal_path(made)).content.decode()
    assert clock.local(made.held_until).strftime("%H.%M") in page


def test_who_waits_sees_the_estimate(cast, client):
    mine = AppointmentFactory(patient=cast.patient_user.patient, status="arrived")
    VisitFactory(patient=mine.patient, appointment=mine, doctor=mine.doctor, service=mine.service)
    page = client.get(services.portal_path(mine))
    assert page.context["estimate"].ahead == 0
    assert 'class="estimate"' in page.content.decode()
    home = client.get(reverse("workspace:portal-home")).content.decode()
    assert 'class="estimate"' in home


def test_on_the_day_the_home_page_leads_to_check_in(cast, client):
    today = SessionFactory(doctor=cast.doctor, practice_on=clock.today(), starts_at=clock.now() + timedelta(hours=1))
    AppointmentFactory(patient=cast.patient_user.patient, slot=today.slots.first(), status="pending")
    assert reverse("scheduling:onsite") not in client.get(reverse("workspace:portal-home")).content.decode()
    Appointment.objects.update(status="approved")
    assert reverse("scheduling:onsite") in client.get(reverse("workspace:portal-home")).content.decode()


def test_the_family_list_is_one_for_all_and_ends_with_the_link(cast, client):
    link = GuardianLinkFactory(guardian=cast.patient_user)
    own, childs = AppointmentFactory(patient=cast.patient_user.patient), AppointmentFactory(patient=link.dependant)
    strangers = AppointmentFactory()
    shown = client.get(url("family-list")).content.decode()
    assert [str(row.pk) in shown for row in (own, childs, strangers)] == [True, True, False]
    link.status = "ended"
    link.save()
    assert str(childs.pk) not in client.get(url("family-list")).content.decode()


# --- Reminders ----------------------------------------------------------------------------------------------------
def test_the_way_of_reminders(cast, client):
    assert client.get(url("reminders")).context["form"].initial == {"channel": "fitting"}
    assert client.post(url("reminders"), {"channel": "whatsapp"})["Location"] == url("reminders")
    assert ReminderPreference.objects.get().channel == "whatsapp"
    assert client.get(url("reminders")).context["form"].initial == {"channel": "whatsapp"}
    client.post(url("reminders"), {"channel": "fitting"})
    assert not ReminderPreference.objects.exists()


@pytest.mark.parametrize("channel", ["", "pigeon", "' OR 1=1"])
def test_no_other_way_of_reminders(client, channel):
    assert client.post(url("reminders"), {"channel": channel}).status_code == 422
    assert not ReminderPreference.objects.exists()
