"""Calendar files: valid when read back, the same entry through every change, nothing about patients in them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from audit.models import AuditEvent
from core import clock
from notifications.models import Email
from scheduling import services
from scheduling.ics import appointment_ics, attachment_for
from scheduling.models import Appointment
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, booking

pytestmark = pytest.mark.django_db


@pytest.fixture
def appointment(cast):
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    patient = PatientFactory(full_name="Siti Rahmawati", email="siti@surat.example")
    return AppointmentFactory(slot=slot, patient=patient, complaint="Telinga berdenging")


def entry_of(content: bytes):
    calendar = Calendar.from_ical(content)
    [entry] = calendar.walk("VEVENT")
    return calendar, entry


def test_an_entry_read_back_says_when_and_where_and_how_to_change_it(appointment, settings):
    settings.SITE_URL = "https://rekam.batamsehat.example"
    settings.CLINIC_ADDRESS = "Jl. Laksamana Bintan No. 12; Gedung B, Lt. 2\\3, Batam Kota"
    calendar, entry = entry_of(appointment_ics(appointment, attendee="siti@surat.example", language="id"))
    link = f"https://rekam.batamsehat.example/portal/appointments/{appointment.pk}/"
    assert (calendar["VERSION"], calendar["METHOD"], str(calendar["PRODID"])[:3]) == ("2.0", "REQUEST", "-//")
    assert entry["UID"] == f"appointment-{appointment.pk}@appointments.emr.invalid"
    assert entry["SEQUENCE"] == 0
    assert entry["STATUS"] == "CONFIRMED"
    assert entry["DTSTART"].dt == appointment.slot.starts_at == datetime(2026, 3, 6, 2, 0, tzinfo=UTC)
    assert entry["DTEND"].dt == appointment.slot.ends_at
    assert timedelta() <= clock.now() - entry["DTSTAMP"].dt < timedelta(minutes=1)
    assert entry["LOCATION"] == f"{settings.CLINIC_NAME}, {settings.CLINIC_ADDRESS}"
    assert settings.CLINIC_NAME in entry["SUMMARY"]
    assert appointment.code in entry["DESCRIPTION"]
    assert link in entry["DESCRIPTION"]
    assert entry["DESCRIPTION"].count("\n") == 3
    assert entry["URL"] == link
    assert entry["ORGANIZER"] == f"mailto:{settings.CLINIC_EMAIL}"
    assert entry["ORGANIZER"].params["CN"] == settings.CLINIC_NAME
    assert entry["ATTENDEE"] == "mailto:siti@surat.example"
    [alarm] = entry.walk("VALARM")
    assert alarm["TRIGGER"].dt == -timedelta(hours=2)
    assert alarm["ACTION"] == "DISPLAY"


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL", "PUBLISH"])
@pytest.mark.parametrize("language", ["id", "en"])
def test_lines_are_folded_and_nothing_about_the_patient_or_the_care_is_in_them(appointment, method, language):
    content = appointment_ics(appointment, method=method, language=language)
    assert content.endswith(b"END:VCALENDAR\r\n")
    lines = content.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75, "octets, RFC 5545 3.1"
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    text = content.replace(b"\r\n ", b"").decode()
    for secret in ("Siti", "Rahmawati", "berdenging", "surat.example", appointment.patient.record_number,
                   appointment.doctor.full_name, appointment.service.name_id, appointment.service.name_en):  # fmt: skip
        assert secret not in text


def test_a_name_of_the_clinic_with_signs_survives(appointment, settings):
    settings.CLINIC_NAME = 'Klinik "Sehat"; Batam, Ébène 🌸\\ ' + "Sejahtera " * 12
    _calendar, entry = entry_of(appointment_ics(appointment))
    assert entry["SUMMARY"].endswith(settings.CLINIC_NAME)
    assert entry["LOCATION"].startswith(settings.CLINIC_NAME)


@pytest.mark.parametrize(
    ("status", "shown"),
    [("pending", "TENTATIVE"), ("offered", "TENTATIVE"), ("approved", "CONFIRMED"), ("finished", "CONFIRMED"),
     ("cancelled", "CANCELLED"), ("rejected", "CANCELLED"), ("expired", "CANCELLED"), ("no_show", "CANCELLED")],
)  # fmt: skip
def test_the_state_of_the_entry_follows_the_booking(appointment, status, shown):
    appointment.status = status
    assert entry_of(appointment_ics(appointment, method="PUBLISH"))[1]["STATUS"] == shown


def test_cancelling_is_the_same_entry_without_an_alarm(appointment):
    _calendar, before = entry_of(appointment_ics(appointment))
    appointment.sequence = 3
    calendar, entry = entry_of(appointment_ics(appointment, method="CANCEL", attendee="siti@surat.example"))
    assert calendar["METHOD"] == "CANCEL"
    assert (entry["UID"], entry["SEQUENCE"], entry["STATUS"]) == (before["UID"], 3, "CANCELLED")
    assert entry.walk("VALARM") == []
    assert appointment.code not in entry["DESCRIPTION"]


def test_another_method_is_refused(appointment):
    with pytest.raises(ValueError, match="REPLY"):
        appointment_ics(appointment, method="REPLY")


@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Asia/Jayapura", "America/New_York"])
def test_the_instant_is_the_same_wherever_the_clinic_is(cast, settings, zone):
    settings.TIME_ZONE = zone
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    appointment = AppointmentFactory(slot=slot)
    entry = entry_of(appointment_ics(appointment))[1]
    assert clock.local(entry["DTSTART"].dt).hour == 9
    assert entry["DTSTART"].dt.tzinfo is not None
    assert b"DTSTART:" in entry.to_ical()
    assert entry.to_ical().split(b"DTSTART:")[1][:16].endswith(b"Z")


def files() -> list[tuple[str, str, int, datetime]]:
    """Template, method, sequence and start of the mails so far, in their order."""
    found = []
    for email in Email.objects.order_by("id"):
        if email.attachment:
            calendar, entry = entry_of(email.attachment.encode())
            found.append((email.template, str(calendar["METHOD"]), int(entry["SEQUENCE"]), entry["DTSTART"].dt))
        else:
            found.append((email.template, "", -1, email.created_at))
    return found


def test_the_mails_of_a_booking_carry_its_calendar_from_yes_to_no(cast, session):
    first, second = session.slots.all()[:2]
    patient = PatientFactory(email="siti@surat.example")
    appointment = services.book_appointment(**booking(patient, first, cast.receptionist))
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    services.reschedule_appointment(
        appointment_id=appointment.pk, slot_id=second.pk, actor=cast.receptionist, reason="Dokter rapat"
    )
    services.cancel_appointment(appointment_id=appointment.pk, actor=cast.receptionist, reason="Dokter sakit")
    sent = files()
    assert [(template, method) for template, method, _sequence, _start in sent] == [
        ("appointment_requested", ""),
        ("appointment_approved", "REQUEST"),
        ("appointment_moved", "REQUEST"),
        ("appointment_cancelled", "CANCEL"),
    ]
    sequences = [sequence for _template, _method, sequence, _start in sent[1:]]
    assert sequences[0] < sequences[1] < sequences[2]
    assert [start for *_rest, start in sent[1:]] == [first.starts_at, second.starts_at, second.starts_at]
    assert all("ATTENDEE" in email.attachment for email in Email.objects.exclude(attachment_kind=""))


def test_a_booking_the_patient_moved_is_tentative_until_it_is_approved_again(cast, session):
    first, second = session.slots.all()[:2]
    patient = cast.patient_user.patient
    values = booking(patient, first, cast.patient_user, source=Appointment.Source.PORTAL)
    appointment = services.book_appointment(**values)
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    services.reschedule_appointment(appointment_id=appointment.pk, slot_id=second.pk, actor=cast.patient_user)
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    sent = [
        (email.template, entry_of(email.attachment.encode())[1])
        for email in Email.objects.exclude(attachment_kind="").order_by("id")
    ]
    assert [(name, str(entry["STATUS"]), int(entry["SEQUENCE"])) for name, entry in sent] == [
        ("appointment_approved", "CONFIRMED", 0),
        ("appointment_moved", "TENTATIVE", 1),
        ("appointment_approved", "CONFIRMED", 1),
    ]
    assert [entry["DTSTART"].dt for _name, entry in sent] == [first.starts_at, second.starts_at, second.starts_at]


def test_a_request_that_was_never_confirmed_leaves_no_calendar_file(cast, session):
    patient = PatientFactory(email="siti@surat.example")
    appointment = services.book_appointment(**booking(patient, session.slots.first(), cast.receptionist))
    services.reject_appointment(appointment_id=appointment.pk, actor=cast.admin, reason="Penuh")
    assert [method for _template, method, *_rest in files()] == ["", ""]
    assert attachment_for(appointment, "appointment_expired") is None
    appointment.sequence = 1
    assert attachment_for(appointment, "appointment_expired")("a@b.example", "id").kind == "calendar_cancel"


def test_a_guardians_file_is_in_their_language_and_names_nobody(cast, appointment):
    id_file = attachment_for(appointment, "appointment_approved")("ibu@surat.example", "id")
    en_file = attachment_for(appointment, "appointment_approved")("ibu@surat.example", "en")
    assert "Visit to " in en_file.text
    assert "ibu@surat.example" in id_file.text.replace("\r\n ", "")
    assert "Siti" not in id_file.text + en_file.text


def test_whoever_may_see_the_booking_gets_the_file_and_it_is_in_the_log(cast, client_for):
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    appointment = AppointmentFactory(slot=slot, patient=cast.patient_user.patient)
    url = reverse("scheduling:appointment-ics", args=[appointment.pk])
    for person in (cast.patient_user, cast.receptionist, cast.doctor):
        answer = client_for(person).get(url)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert "no-store" in answer["Cache-Control"]
        calendar, entry = entry_of(answer.content)
        assert calendar["METHOD"] == "PUBLISH"
        assert "ATTENDEE" not in entry
        assert f"appointment-{appointment.pk}" in entry["UID"]
    assert AuditEvent.objects.filter(action="patients.chart.read", patient_id=appointment.patient_id).count() == 3
    for person in (cast.other_patient_user, cast.other_doctor, cast.nurse):
        assert client_for(person).get(url).status_code == 404
    assert Client().get(url).status_code == 302


def test_a_doctor_does_not_get_a_booking_that_was_never_theirs_to_read(cast, client_for):
    slot = SessionFactory(doctor=cast.doctor).slots.first()
    appointment = AppointmentFactory(slot=slot, status=Appointment.Status.PENDING)
    assert client_for(cast.doctor).get(reverse("scheduling:appointment-ics", args=[appointment.pk])).status_code == 404
