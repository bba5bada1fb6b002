"""The waiting list in the portal: wishes, offers with their end, and nobody else's."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from core import clock
from scheduling import services
from scheduling.models import Appointment, WaitlistEntry
from tests.factories.patients import GuardianLinkFactory, PatientFactory
from tests.factories.scheduling import ServiceFactory, SessionFactory, booking

pytestmark = pytest.mark.django_db


def url(name, *args):
    return reverse(f"scheduling:portal-{name}", args=args)


@pytest.fixture
def client(cast, client_for):
    return client_for(cast.patient_user)


def wish(offered, /, **fields):
    today = clock.today()
    return {
        "service": offered.pk, "doctor": "", "first_on": today.isoformat(),
        "last_on": (today + timedelta(days=10)).isoformat(), "part": "any", **fields,
    }  # fmt: skip


@pytest.fixture
def offered(cast, session):
    """A time that is offered to the cast's patient; answered by 12.00."""
    slot = session.slots.first()
    taken = services.book_appointment(**booking(PatientFactory(), slot, cast.receptionist))
    today = clock.today()
    entry = services.join_waitlist(
        patient_id=cast.patient_user.patient.pk, service_id=session.service_id, actor=cast.patient_user,
        first_on=today, last_on=today + timedelta(days=10),
    )  # fmt: skip
    services.cancel_appointment(appointment_id=taken.pk, actor=cast.receptionist, reason="Batal")
    services.offer_freed_slot(slot.pk)
    entry.refresh_from_db()
    return entry.offer


def test_joining_from_a_time_that_does_not_suit(cast, client, session):
    times = f"{url('book-times')}?slot={session.slots.first().pk}"
    join = f"{url('waitlist-join')}?slot={session.slots.first().pk}"
    assert join in client.get(times).content.decode()
    form = client.get(join).context["form"]
    assert (form.initial["service"], form.initial["doctor"]) == (session.service_id, session.doctor_id)
    answer = client.post(url("waitlist-join"), wish(session.service, doctor=session.doctor_id, part="morning"))
    assert answer["Location"] == url("waitlist")
    entry = WaitlistEntry.objects.get()
    assert (entry.patient, entry.doctor, entry.part, entry.created_by) == (
        cast.patient_user.patient, session.doctor, "morning", cast.patient_user,
    )  # fmt: skip
    assert session.service.name in client.get(url("waitlist")).content.decode()
    client.post(url("waitlist-join"), wish(session.service, doctor=session.doctor_id, part="morning"))
    assert WaitlistEntry.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"service": "x"},
        {"doctor": "00000000-0000-0000-0000-000000000000"},
        {"first_on": "2020-01-01", "last_on": "2020-01-02"},
        {"first_on": "9999-12-31", "last_on": "9999-12-31"},
        {"last_on": "2026-12-31"},
        {"part": "midnight"},
        {"first_on": ""},
    ],
)
def test_impossible_wishes_are_said_and_not_stored(client, session, fields):
    answer = client.post(url("waitlist-join"), wish(session.service, **fields))
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert WaitlistEntry.objects.count() == 0


def test_only_so_many_wishes(client, session):
    for _number in range(4):
        answer = client.post(url("waitlist-join"), wish(ServiceFactory()))
    assert (answer.status_code, WaitlistEntry.objects.count()) == (422, 3)


def test_withdrawing(cast, client, client_for, session):
    client.post(url("waitlist-join"), wish(session.service))
    entry = WaitlistEntry.objects.get()
    assert client_for(cast.other_patient_user).post(url("waitlist-withdraw", entry.pk)).status_code == 404
    entry.refresh_from_db()
    assert entry.status == "waiting"
    assert client.post(url("waitlist-withdraw", entry.pk))["Location"] == url("waitlist")
    entry.refresh_from_db()
    assert entry.status == "withdrawn"
    assert client.post(url("waitlist-withdraw", entry.pk)).status_code == 302


def test_an_offer_is_seen_with_its_end_and_taken_with_a_complaint(client, offered):
    assert services.portal_path(offered) in client.get(url("waitlist")).content.decode()
    page = client.get(services.portal_path(offered))
    assert page.context["offer_is_open"] is True
    assert url("offer-accept", offered.pk) in page.content.decode()
    empty = client.post(url("offer-accept", offered.pk), {"complaint": "  "})
    assert (empty.status_code, Appointment.objects.get(pk=offered.pk).status) == (422, "offered")
    answer = client.post(url("offer-accept", offered.pk), {"complaint": "Kontrol telinga"})
    assert answer["Location"] == f"{services.portal_path(offered)}?booked=1"
    offered.refresh_from_db()
    assert (offered.status, offered.complaint, offered.waitlist_entry.status) == (
        "pending",
        "Kontrol telinga",
        "booked",
    )
    again = client.post(url("offer-accept", offered.pk), {"complaint": "Kontrol telinga"})
    assert again.status_code == 409


def test_declining_gives_the_time_back_and_keeps_the_wish(client, offered):
    assert client.post(url("offer-decline", offered.pk))["Location"] == url("waitlist")
    offered.refresh_from_db()
    assert (offered.status, WaitlistEntry.objects.get().status) == ("cancelled", "waiting")


def test_an_ended_offer_says_so(cast, client_for, offered):
    with time_machine.travel(offered.held_until + timedelta(minutes=1)):
        client = client_for(cast.patient_user)
        services.expire_holds(clock.now())
        offered.refresh_from_db()
        assert offered.status == "expired"
        assert client.post(url("offer-accept", offered.pk), {"complaint": "Batuk"}).status_code == 409
        page = client.get(services.portal_path(offered)).content.decode()
        assert url("offer-accept", offered.pk) not in page


def test_an_offer_that_ran_out_a_moment_ago_shows_no_buttons(cast, client_for, offered):
    with time_machine.travel(offered.held_until + timedelta(seconds=1)):
        client = client_for(cast.patient_user)
        page = client.get(services.portal_path(offered))
        assert page.context["offer_is_open"] is False
        assert url("offer-accept", offered.pk) not in page.content.decode()


def test_nobody_answers_for_another(cast, client_for, offered):
    stranger = client_for(cast.other_patient_user)
    for name in ("offer-accept", "offer-decline"):
        assert stranger.post(url(name, offered.pk), {"complaint": "Batuk"}).status_code == 404
    offered.refresh_from_db()
    assert offered.status == "offered"


def test_a_wish_of_a_former_dependant_is_gone(cast, client_for, session):
    link = GuardianLinkFactory(guardian=cast.patient_user)
    today = clock.today()
    entry = services.join_waitlist(
        patient_id=link.dependant_id, service_id=session.service_id, actor=cast.patient_user, first_on=today,
        last_on=today,
    )  # fmt: skip
    link.status = "ended"
    link.save()
    client = client_for(cast.patient_user)
    assert client.post(url("waitlist-withdraw", entry.pk)).status_code == 404
    entry.refresh_from_db()
    assert entry.status == "waiting"


@pytest.mark.parametrize("count", [3, 15])
def test_query_count(cast, client, count, django_assert_max_num_queries):
    for number in range(count):
        WaitlistEntry.objects.create(
            patient=cast.patient_user.patient, service=ServiceFactory(), doctor=SessionFactory().doctor,
            first_on=clock.today(), last_on=clock.today(), created_at=clock.now(), created_by=cast.patient_user,
            status="withdrawn" if number else "waiting",
        )  # fmt: skip
    client.get(url("waitlist"))
    with django_assert_max_num_queries(8):
        client.get(url("waitlist"))
