"""One account, several people: whose record each portal page is about, and that nothing is done for the wrong one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver, reverse

from audit.models import AuditEvent
from core import clock
from notifications.models import Email, Notice
from patients import services as patients
from patients.errors import IdentityLocked
from patients.models import Patient
from patients.persons import SESSION_KEY
from scheduling import services as scheduling
from scheduling.errors import NotYourAppointment
from scheduling.models import Appointment, Visit
from tests.factories.accounts import PatientUserFactory
from tests.factories.billing import InvoiceFactory
from tests.factories.consultations import SignedNoteFactory
from tests.factories.patients import GuardianLinkFactory, PatientFactory, RegistrationFactory
from tests.factories.pharmacy import PrescriptionFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, VisitFactory, session_at

pytestmark = pytest.mark.django_db

HOME = "workspace:portal-home"
STALE = 409


@pytest.fixture
def child(cast):
    return PatientFactory(full_name="Budi Kecil", birth_date=date(2018, 6, 2), email="", care_team=[cast.doctor])


@pytest.fixture
def link(cast, child):
    assert cast.patient_user.patient.full_name == "Siti Aminah"
    return GuardianLinkFactory(guardian=cast.patient_user, dependant=child)


@pytest.fixture
def client(cast, client_for, link):
    return client_for(cast.patient_user)


def switch(client, patient):
    return client.post(reverse("patients:portal-person"), {"person": str(patient.pk)})


def shown(answer) -> str:
    """The name in the strip at the top of a page, or ''."""
    found = re.search(r"person-strip-name.*?<strong>([^<]*)</strong>", answer.content.decode(), re.S)
    return found.group(1) if found else ""


def person_in(answer) -> str:
    found = re.search(r'type="hidden" name="person" value="([0-9a-f-]{36})"', answer.content.decode())
    return found.group(1) if found else ""


def everything_of(patient, doctor):
    """A visit with a note, a bill, a prescription and an appointment of one patient, and their read addresses."""
    visit = VisitFactory(patient=patient, doctor=doctor, status=Visit.Status.PHARMACY, consulted_at=clock.now())
    SignedNoteFactory(visit=visit)
    invoice = InvoiceFactory(patient=patient, encounter_id=visit.pk)
    prescription = PrescriptionFactory(visit=visit, patient=patient, prescriber=doctor)
    appointment = AppointmentFactory(patient=patient, doctor=doctor)
    return {
        "workspace:portal-visit": visit.pk,
        "workspace:portal-visit-panel": visit.pk,
        "billing:portal-bill": invoice.pk,
        "billing:portal-invoice-pdf": invoice.pk,
        "pharmacy:portal-prescription-pdf": prescription.pk,
        "scheduling:portal-appointment-detail": appointment.pk,
        "scheduling:portal-appointment-cancel": appointment.pk,
    }


ACTS = ["workspace:portal-visit-confirm", "workspace:portal-visit-without-medicine"]
LISTS = [HOME, "workspace:portal-home-panel", "workspace:portal-visits", "billing:portal-bills",
         "scheduling:portal-appointment-list", "scheduling:portal-book", "patients:portal-profile"]  # fmt: skip


# --- The wrong person -------------------------------------------------------------------------------------------


def test_the_guardian_of_one_child_does_not_reach_another(cast, client, child):
    other = PatientFactory(full_name="Anak Tetangga", birth_date=date(2018, 6, 2))
    addresses = everything_of(other, cast.doctor)
    for chosen in (cast.patient_user.patient, child):
        switch(client, chosen)
        for name, pk in addresses.items():
            assert client.get(reverse(name, args=[pk])).status_code == 404, name
            assert client.get(reverse(name, args=[pk]), headers={"HX-Request": "true"}).status_code == 404, name
        for name in ACTS:
            data = {"person": str(other.pk), "switch_person": str(other.pk)}
            assert client.post(reverse(name, args=[addresses["workspace:portal-visit"]]), data).status_code == STALE
            data = {"person": str(chosen.pk)}
            assert client.post(reverse(name, args=[addresses["workspace:portal-visit"]]), data).status_code == 404
        for name in LISTS:
            assert "Anak Tetangga" not in client.get(reverse(name)).content.decode()
    assert Visit.objects.get(patient=other).patient_confirmed_at is None


def test_choosing_a_stranger_chooses_nobody(cast, client, child):
    stranger = PatientFactory(full_name="Orang Lain")
    for value in (str(stranger.pk), "", "x", str(uuid4()), "\x00", "' OR 1=1"):
        client.post(reverse("patients:portal-person"), {"person": value})
        assert shown(client.get(reverse(HOME))) == "Siti Aminah"
    assert SESSION_KEY not in client.session


@pytest.mark.parametrize("value", ["stranger", "x", "", "00000000-0000-0000-0000-000000000000", 5])
def test_a_forged_session_falls_back_to_oneself(cast, client, child, value):
    session = client.session
    session[SESSION_KEY] = str(PatientFactory(full_name="Orang Lain").pk) if value == "stranger" else str(value)
    session.save()
    for name in LISTS:
        answer = client.get(reverse(name))
        assert answer.status_code == 200
        assert "Orang Lain" not in answer.content.decode()
    answer = client.get(reverse(HOME))
    assert shown(answer) == "Siti Aminah"


@pytest.mark.parametrize("status", ["requested", "rejected", "ended"])
def test_links_that_do_not_count_give_nothing(cast, client, child, link, status):
    addresses = everything_of(child, cast.doctor)
    switch(client, child)
    type(link).objects.filter(pk=link.pk).update(status=status)
    for name, pk in addresses.items():
        assert client.get(reverse(name, args=[pk])).status_code == 404
    answer = client.get(reverse(HOME))
    assert "Budi" not in answer.content.decode()
    assert shown(answer) == ""


def test_other_patients_and_staff_have_no_family_of_mine(cast, client_for, link, child):
    stranger = client_for(cast.other_patient_user)
    assert "Budi" not in stranger.get(reverse("patients:portal-family")).content.decode()
    assert stranger.post(reverse("patients:portal-family-end", args=[link.pk])).status_code == 404
    switch(stranger, child)
    assert stranger.session.get(SESSION_KEY) is None
    link.refresh_from_db()
    assert link.status == "active"


# --- Seeing and acting for somebody -----------------------------------------------------------------------------


def test_every_page_says_whose_record_it_is(cast, client, child):
    everything_of(child, cast.doctor)
    everything_of(cast.patient_user.patient, cast.doctor)
    for patient in (cast.patient_user.patient, child):
        switch(client, patient)
        for name in LISTS:
            if name.endswith("panel"):
                continue
            answer = client.get(reverse(name))
            assert shown(answer) == patient.full_name, name
            assert ("person-strip-other" in answer.content.decode()) is (patient == child), name


def test_pages_show_the_chosen_persons_rows_only(cast, client, child):
    mine = everything_of(cast.patient_user.patient, cast.doctor)
    theirs = everything_of(child, cast.doctor)
    for patient, own, other in ((cast.patient_user.patient, mine, theirs), (child, theirs, mine)):
        switch(client, patient)
        for name, row in (
            ("workspace:portal-visits", "workspace:portal-visit"),
            ("billing:portal-bills", "billing:portal-bill"),
            ("scheduling:portal-appointment-list", "scheduling:portal-appointment-detail"),
        ):
            page = client.get(reverse(name)).content.decode()
            assert str(own[row]) in page, name
            assert str(other[row]) not in page, name
        home = client.get(reverse(HOME)).content.decode()
        assert str(own["workspace:portal-visit"]) in home
        assert str(other["workspace:portal-visit"]) not in home


def test_a_link_from_a_mail_opens_with_the_right_person(cast, client, child):
    theirs = everything_of(child, cast.doctor)
    for name in ("workspace:portal-visit", "billing:portal-bill", "scheduling:portal-appointment-detail"):
        switch(client, cast.patient_user.patient)
        answer = client.get(reverse(name, args=[theirs[name]]))
        assert (answer.status_code, shown(answer)) == (200, "Budi Kecil"), name
        assert shown(client.get(reverse(HOME))) == "Budi Kecil", "the following pages are about the same person"


def test_files_open_without_changing_the_person(cast, client, child):
    theirs = everything_of(child, cast.doctor)
    for name in ("billing:portal-invoice-pdf", "pharmacy:portal-prescription-pdf"):
        answer = client.get(reverse(name, args=[theirs[name]]))
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf"), name
    assert shown(client.get(reverse(HOME))) == "Siti Aminah"


def test_booking_confirming_and_the_profile_work_for_a_child(cast, client, child):
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    switch(client, child)
    check = client.post(
        reverse("scheduling:portal-book-check") + f"?slot={slot.pk}", {"complaint": "Batuk", "person": str(child.pk)}
    )
    assert person_in(check) == str(child.pk)
    data = {"slot": slot.pk, "complaint": "Batuk", "idempotency_key": uuid4(), "person": str(child.pk)}
    assert client.post(reverse("scheduling:portal-book-confirm"), data).status_code == 302
    appointment = Appointment.objects.get()
    assert (appointment.patient, appointment.booked_by) == (child, cast.patient_user)

    page = reverse("scheduling:portal-appointment-cancel", args=[appointment.pk])
    assert person_in(client.get(page)) == str(child.pk)
    assert client.post(page, {"reason": "", "person": str(child.pk)}).status_code == 302
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"

    profile = client.get(reverse("patients:portal-profile"))
    assert person_in(profile) == str(child.pk)
    data = {"version": child.version, "phone": "081298765432", "address_line": "Jl. Anak 1", "guarantor": "self"}
    assert client.post(reverse("patients:portal-profile"), {**data, "person": str(child.pk)}).status_code == 302
    child.refresh_from_db()
    assert child.address == "Jl. Anak 1"
    assert Patient.objects.get(pk=cast.patient_user.patient.pk).address == ""


def test_the_log_names_account_patient_and_link(cast, client, child, link):
    theirs = everything_of(child, cast.doctor)
    mine = everything_of(cast.patient_user.patient, cast.doctor)
    for addresses in (theirs, mine):
        client.get(reverse("workspace:portal-visit", args=[addresses["workspace:portal-visit"]]))
    events = AuditEvent.objects.filter(action="patients.chart.read").order_by("at")
    assert [(event.actor_id, event.patient_id, event.detail.get("guardian_link")) for event in events] == [
        (cast.patient_user.pk, child.pk, str(link.pk)),
        (cast.patient_user.pk, cast.patient_user.patient.pk, None),
    ]
    switch(client, child)
    slot = session_at(clock.today() + timedelta(days=3), 14, doctor=cast.doctor).slots.first()
    data = {"slot": slot.pk, "complaint": "Batuk", "idempotency_key": uuid4(), "person": str(child.pk)}
    client.post(reverse("scheduling:portal-book-confirm"), data)
    event = AuditEvent.objects.get(action="scheduling.appointment.booked")
    assert (event.actor_id, event.patient_id, event.detail["guardian_link"]) == (
        cast.patient_user.pk, child.pk, str(link.pk),
    )  # fmt: skip


def test_the_way_of_a_visit_reaches_the_guardian(cast, link, child):
    visit = VisitFactory(patient=child, doctor=cast.doctor)
    scheduling.call_ticket(visit_id=visit.pk, actor=cast.nurse)
    notice = Notice.objects.get(kind="patient_called")
    assert (notice.recipient, notice.is_about_dependant) == (cast.patient_user, True)
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    appointment = scheduling.book_appointment(
        patient_id=child.pk, slot_id=slot.pk, complaint="Batuk", actor=cast.receptionist, source="reception",
        idempotency_key=uuid4(),
    )  # fmt: skip
    mail = Email.objects.get(template="appointment_requested")
    assert mail.to_address == cast.patient_user.email
    assert "Budi" not in mail.body_text + mail.subject
    assert str(appointment.pk) in mail.body_text, "its link opens with the right person"


# --- Two windows --------------------------------------------------------------------------------------------------


def visit_of(patient, doctor):
    return VisitFactory(patient=patient, doctor=doctor, status=Visit.Status.PHARMACY, consulted_at=clock.now())


def test_a_form_made_for_one_person_is_not_taken_for_another(cast, client, child):
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    switch(client, child)
    data = {"slot": str(slot.pk), "complaint": "Demam <b>", "idempotency_key": str(uuid4()), "person": str(child.pk)}
    switch(client, cast.patient_user.patient)  # in the other window
    answer = client.post(reverse("scheduling:portal-book-confirm"), data)
    assert answer.status_code == STALE
    assert not Appointment.objects.exists()
    page = answer.content.decode()
    assert "Budi Kecil" in page
    assert "Demam &lt;b&gt;" in page, "what was typed is kept"
    # the button of that page: said again, with the name
    answer = client.post(reverse("scheduling:portal-book-confirm"), {**data, "switch_person": str(child.pk)})
    assert answer.status_code == 302
    assert Appointment.objects.get().patient == child
    assert shown(client.get(reverse(HOME))) == "Budi Kecil"


def test_a_form_that_names_nobody_is_refused_when_there_is_a_choice(cast, client, child):
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    data = {"slot": slot.pk, "complaint": "Batuk", "idempotency_key": uuid4()}
    for name in (cast.patient_user.patient, child):
        switch(client, name)
        for extra in ({}, {"person": ""}, {"person": "x"}, {"person": str(uuid4()), "switch_person": str(uuid4())}):
            assert client.post(reverse("scheduling:portal-book-confirm"), {**data, **extra}).status_code == STALE
    assert not Appointment.objects.exists()


def test_a_form_of_a_link_that_ended_meanwhile_is_refused(cast, client, child, link):
    visit = visit_of(child, cast.doctor)
    switch(client, child)
    patients.end_link(link_id=link.pk, reason="x", actor=cast.receptionist)
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    booking = {"slot": slot.pk, "complaint": "Batuk", "idempotency_key": uuid4()}
    assert client.post(reverse("scheduling:portal-book-confirm"), booking).status_code == STALE, "names nobody"
    named = {**booking, "person": str(child.pk), "switch_person": str(child.pk)}
    assert client.post(reverse("scheduling:portal-book-confirm"), named).status_code == STALE
    for name in ACTS:
        assert client.post(reverse(name, args=[visit.pk]), {"person": str(child.pk)}).status_code == STALE
    assert not Appointment.objects.exists()
    visit.refresh_from_db()
    assert visit.patient_confirmed_at is None


def test_an_ended_link_says_so_once_and_shows_the_own_record(cast, client, child, link):
    switch(client, child)
    patients.end_link(link_id=link.pk, reason="x", actor=cast.receptionist)
    first, second = client.get(reverse(HOME)), client.get(reverse(HOME))
    texts = [" ".join(str(message) for message in answer.context["messages"]) for answer in (first, second)]
    assert [bool(text) for text in texts] == [True, False]
    assert "Siti Aminah" in first.content.decode()


def test_a_visit_of_one_child_is_not_confirmed_from_anothers_page(cast, client, child):
    brother = PatientFactory(full_name="Adik Budi", birth_date=date(2020, 1, 2))
    GuardianLinkFactory(guardian=cast.patient_user, dependant=brother)
    visit = visit_of(child, cast.doctor)
    switch(client, brother)
    for name in ACTS:
        assert client.post(reverse(name, args=[visit.pk]), {"person": str(brother.pk)}).status_code == 404
        assert client.post(reverse(name, args=[visit.pk]), {"person": str(child.pk)}).status_code == STALE
    visit.refresh_from_db()
    assert visit.patient_confirmed_at is None


def test_a_part_of_a_page_stays_with_its_page(cast, client, child, link):
    mine, theirs = visit_of(cast.patient_user.patient, cast.doctor), visit_of(child, cast.doctor)
    switch(client, cast.patient_user.patient)
    panel = reverse("workspace:portal-home-panel")
    headers = {"HX-Request": "true", "X-Portal-Person": str(child.pk)}
    answer = client.get(panel, headers=headers)
    assert str(theirs.pk) in answer.content.decode()
    assert str(mine.pk) not in answer.content.decode()
    assert shown(client.get(reverse(HOME))) == "Siti Aminah", "the choice itself stays"
    # opened in a window of the mother, whose person was switched in between
    answer = client.get(reverse("workspace:portal-visit-panel", args=[theirs.pk]), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    patients.end_link(link_id=link.pk, reason="x", actor=cast.receptionist)
    gone = client.get(panel, headers=headers)
    assert (gone.status_code, gone.content, gone["HX-Redirect"]) == (204, b"", "/")
    for forged in ("x", "", str(uuid4())):
        assert client.get(panel, headers={**headers, "X-Portal-Person": forged}).status_code == 204


def test_people_with_one_record_notice_nothing(cast, client_for):
    client = client_for(cast.other_patient_user)
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    data = {"slot": slot.pk, "complaint": "Batuk", "idempotency_key": uuid4()}
    assert shown(client.get(reverse(HOME))) == ""
    assert client.post(reverse("scheduling:portal-book-confirm"), data).status_code == 302


def test_messages_to_the_clinic_belong_to_the_account(cast, client, child):
    switch(client, child)
    data = {"subject": "Tanya", "body": "Kapan buka?"}
    assert client.post(reverse("support:portal-message-list"), data).status_code == 302


def views_by_name(patterns=None, namespace=""):
    found = {}
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            found |= views_by_name(pattern.url_patterns, inner)
        else:
            found[f"{namespace}{pattern.name}"] = pattern.callback
    return found


def test_every_portal_form_names_its_person():
    """A form for a page about a record would be refused for families without the field; account pages need none."""
    views, checked = views_by_name(), []
    for path in Path(settings.BASE_DIR, "templates").glob("**/*.html"):
        for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text(), re.S):
            for name in re.findall(
                r"{% url '([a-z-]+:[a-z-]+)'", form.split(">", 1)[0] + "".join(re.findall(r"formaction.*", form))
            ):
                view = views[name]
                if view.access[0] == "patient" and not view.is_account_page:
                    checked.append(name)
                    assert "components/person_field.html" in form, (path, name)
    assert set(checked) >= {
        "patients:portal-profile", "scheduling:portal-book-confirm", "scheduling:portal-book-check",
        "workspace:portal-visit-confirm", "workspace:portal-visit-without-medicine",
    }  # fmt: skip


# --- Time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "may"),
    [(datetime(2026, 3, 5, 16, 30, tzinfo=UTC), True), (datetime(2026, 3, 5, 17, 30, tzinfo=UTC), False)],
)
def test_the_portal_closes_at_the_clinics_midnight(cast, client_for, instant, may):
    child = PatientFactory(full_name="Hampir Dewasa", birth_date=date(2008, 3, 6))
    GuardianLinkFactory(guardian=cast.patient_user, dependant=child)
    visit = visit_of(child, cast.doctor)
    with time_machine.travel(instant, tick=True):
        client = client_for(cast.patient_user)
        switch(client, child)
        assert client.get(reverse("workspace:portal-visit", args=[visit.pk])).status_code == (200 if may else 404)
        assert shown(client.get(reverse(HOME))) == ("Hampir Dewasa" if may else "")


# --- The family page ------------------------------------------------------------------------------------------------


def test_asking_from_the_portal(cast, client):
    page = reverse("patients:portal-family-ask")
    assert client.get(page).status_code == 200
    data = {"full_name": "Ibu Tua", "birth_date": "1950-01-01", "relationship": "CHILD"}
    for wrong in ({"full_name": ""}, {"birth_date": "2090-01-01"}, {"relationship": "x"}, {"full_name": "x" * 5000}):
        assert client.post(page, {**data, **wrong}).status_code == 422
    known = PatientFactory(full_name="Ibu Tua", birth_date=date(1950, 1, 1), record_number="777001")
    answers = [client.post(page, data, follow=True), client.post(page, {**data, "full_name": "Tak Ada"}, follow=True)]
    for answer in answers:
        assert answer.status_code == 200
        assert known.record_number not in answer.content.decode()
    for letter in "ABC":
        assert client.post(page, {**data, "full_name": f"Anak {letter}"}).status_code == 302
    assert client.post(page, {**data, "full_name": "Anak D"}).status_code == 409


def test_a_guardian_and_an_adult_end_links_themselves(cast, client, client_for, link, child):
    family = reverse("patients:portal-family")
    assert "Budi Kecil" in client.get(family).content.decode()
    assert client.post(reverse("patients:portal-family-end", args=[link.pk])).status_code == 302
    link.refresh_from_db()
    assert (link.status, link.ended_by) == ("ended", cast.patient_user)

    me = cast.other_patient_user.patient
    second = GuardianLinkFactory(guardian=cast.patient_user, dependant=me, ends_on=None, is_for_child=False)
    mine = client_for(cast.other_patient_user)
    page = mine.get(family).content.decode()
    assert "Siti Aminah" in page
    assert reverse("patients:portal-family-end", args=[second.pk]) in page
    mine.post(reverse("patients:portal-family-end", args=[second.pk]))
    second.refresh_from_db()
    assert (second.status, second.ended_by) == ("ended", cast.other_patient_user)


def test_a_dependant_with_an_own_account_sees_the_same_record(cast, client, client_for, child):
    from tests.factories.accounts import PatientUserFactory

    child.user = PatientUserFactory(full_name="Budi Kecil")
    child.save(update_fields=["user"])
    visit = visit_of(child, cast.doctor)
    address = reverse("workspace:portal-visit", args=[visit.pk])
    assert client.get(address).status_code == 200
    own = client_for(child.user)
    assert own.get(address).status_code == 200
    page = own.get(reverse("patients:portal-family")).content.decode()
    assert "Siti Aminah" in page
    assert "portal-family-end" not in page
    assert "/end/" not in page, "a child cannot end it"


# --- Services -------------------------------------------------------------------------------------------------------


def test_services_ask_again(cast, child, link):
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    values = {
        "patient_id": child.pk, "slot_id": slot.pk, "complaint": "Batuk", "actor": cast.patient_user, "source": "portal",
        "idempotency_key": uuid4(),
    }  # fmt: skip
    appointment = scheduling.book_appointment(**values)
    patients.end_link(link_id=link.pk, reason="x", actor=cast.receptionist)
    with pytest.raises(NotYourAppointment):
        scheduling.book_appointment(**{**values, "idempotency_key": uuid4()})
    with pytest.raises(NotYourAppointment):
        scheduling.book_appointment(**values)
    with pytest.raises(NotYourAppointment):
        scheduling.cancel_appointment(appointment_id=appointment.pk, actor=cast.patient_user, reason="")
    assert Appointment.objects.get().status == "pending"


def test_ending_a_link_against_booking(cast, race):
    child = PatientFactory(full_name="Budi Kecil", birth_date=date(2018, 6, 2), email="")
    assert cast.patient_user.patient.pk
    link = GuardianLinkFactory(guardian=cast.patient_user, dependant=child)
    slots = list(SessionFactory(doctor=cast.doctor, slot_count=3).slots.all())
    receptionist, mother = cast.receptionist, cast.patient_user

    def book(slot):
        return scheduling.book_appointment(
            patient_id=child.pk, slot_id=slot.pk, complaint="Batuk", actor=mother, source="portal",
            idempotency_key=uuid4(),
        )  # fmt: skip

    def end(_nothing):
        return patients.end_link(link_id=link.pk, reason="x", actor=receptionist)

    def act(kind, argument):
        return book(argument) if kind == "book" else end(argument)

    results = race(act, [("book", slots[0]), ("end", None), ("book", slots[1]), ("book", slots[2])])
    link.refresh_from_db()
    assert link.status == "ended"
    booked = [one for one in results if isinstance(one, Appointment)]
    refused = [one for one in results if isinstance(one, NotYourAppointment)]
    assert len(booked) + len(refused) == 3, results
    assert Appointment.objects.count() == len(booked)
    ended_at = AuditEvent.objects.get(action="patients.guardian_link.ended").at
    for event in AuditEvent.objects.filter(action="scheduling.appointment.booked"):
        assert event.at <= ended_at, "nothing is booked after the end"


# --- Queries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
def test_queries_do_not_grow_with_rows_or_family(cast, client, child, name):
    counts = []
    for round_number in (3, 27):
        for _ in range(round_number):
            visit = VisitFactory(patient=child, doctor=cast.doctor, status=Visit.Status.FINISHED)
            SignedNoteFactory(visit=visit)
            InvoiceFactory(patient=child, encounter_id=visit.pk)
        GuardianLinkFactory(guardian=cast.patient_user)
        switch(client, child)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(name)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15, [query["sql"][:150] for query in queries]


def test_a_guardian_does_not_move_the_day_on_which_the_link_ends(cast, client, child, link):
    teenager = PatientUserFactory()
    RegistrationFactory(user=teenager, patient=child, made_record=True, status="activated")
    Patient.objects.filter(pk=child.pk).update(user=teenager)
    switch(client, child)
    form = {"person": str(child.pk), "version": "1", "phone": "0812-3456-7890", "address_line": "Jl. Merdeka 1",
            "guarantor": "self", "birth_date": "2024-06-02"}  # fmt: skip
    assert client.post(reverse("patients:portal-profile"), form).status_code == 302
    child.refresh_from_db()
    assert child.birth_date == date(2018, 6, 2)
    with pytest.raises(IdentityLocked):
        patients.complete_profile(
            patient_id=child.pk, actor=cast.patient_user, version=child.version, birth_date=date(2024, 6, 2)
        )
