"""Who is reminded, on which way, once; and what staff send by hand."""

import os
import re
import time
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput, NotPermitted
from notifications import delivery
from notifications.models import Email, Notice
from patients.errors import PatientNotFound
from scheduling import services, tasks
from scheduling.errors import ReminderNotOpen
from scheduling.models import Appointment, Channel, Reminder, ReminderPreference
from scheduling.services import reminders
from tests.factories.accounts import PatientUserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, session_at
from tests.patients.test_consents import MESSAGES, give_choice

pytestmark = pytest.mark.django_db

TODAY, TOMORROW = date(2026, 11, 20), date(2026, 11, 21)


def at(clock_time: str, day: date = TODAY, zone: str = "+07:00"):
    return time_machine.travel(f"{day.isoformat()}T{clock_time}:00{zone}", tick=False)


@pytest.fixture
def tomorrow(cast):
    with at("07:00", TODAY - timedelta(days=3)):
        yield session_at(TOMORROW, 9, doctor=cast.doctor, count=6)


def of(slot, **patient):
    patient = {"email": "siti@surat.example", **patient}
    return AppointmentFactory(slot=slot, patient=PatientFactory(**patient))


def by_hand(slot, **patient):
    """A reminder on the list of those whom staff write to."""
    appointment = of(slot, **{"email": "", "phone": "+6281234567890", **patient})
    with at("08:00"):
        tasks.remind_tomorrow()
    return Reminder.objects.get(appointment=appointment)


def rows() -> list[tuple]:
    return list(Reminder.objects.order_by("id").values_list("appointment_id", "channel"))


# --- once ---------------------------------------------------------------------------------------------------------------


def test_a_booking_is_reminded_once_and_again_after_it_was_moved(cast, tomorrow):
    appointment = of(tomorrow.slots.first())
    with at("08:00"):
        assert tasks.remind_tomorrow() == 1
        assert tasks.remind_tomorrow() == 0
    with at("09:00"):
        services.reschedule_appointment(
            appointment_id=appointment.pk, slot_id=tomorrow.slots.last().pk, actor=cast.receptionist, reason="Rapat"
        )
        assert tasks.remind_tomorrow() == 1
        assert tasks.remind_tomorrow() == 0
    sent = Email.objects.filter(template="appointment_reminder")
    assert sent.count() == 2
    starts = list(Reminder.objects.order_by("id").values_list("starts_at", flat=True))
    assert starts == [tomorrow.slots.first().starts_at, tomorrow.slots.last().starts_at]


def test_a_reminder_that_waited_until_the_booking_was_moved_or_cancelled_is_not_sent(cast, tomorrow, mailoutbox):
    moved, cancelled, kept = (of(slot) for slot in tomorrow.slots.all()[:3])
    with at("08:00"):
        assert tasks.remind_tomorrow() == 3
        late = {row.dedupe_key.split(":")[1]: row for row in Email.objects.filter(template="appointment_reminder")}
        services.reschedule_appointment(
            appointment_id=moved.pk, slot_id=tomorrow.slots.last().pk, actor=cast.receptionist, reason="Rapat"
        )
        services.cancel_appointment(appointment_id=cancelled.pk, actor=cast.receptionist, reason="Sakit")
        sent = [delivery.deliver(late[str(row.pk)].pk) for row in (moved, cancelled, kept)]
    assert sent == [False, False, True]
    assert len(mailoutbox) == 1
    assert Email.objects.get(pk=late[str(moved.pk)].pk).status == Email.Status.WITHDRAWN


def test_a_reminder_that_waited_two_days_is_not_sent(cast, tomorrow, mailoutbox):
    of(tomorrow.slots.first())
    with at("08:00"):
        tasks.remind_tomorrow()
    email = Email.objects.get(template="appointment_reminder")
    with at("08:00", TODAY + timedelta(days=2)):
        assert not delivery.deliver(email.pk)
    email.refresh_from_db()
    assert email.status == Email.Status.WITHDRAWN
    assert mailoutbox == []


def test_a_guardians_reminder_is_checked_as_well(cast, tomorrow, mailoutbox):
    appointment = of(tomorrow.slots.first())
    with at("08:00"):
        tasks.remind_tomorrow()
        email = Email.objects.get(template="appointment_reminder")
        Email.objects.filter(pk=email.pk).update(dedupe_key=f"{email.dedupe_key}:g:{uuid4().hex}")
        assert delivery.deliver(email.pk)
        Appointment.objects.filter(pk=appointment.pk).update(status="cancelled")
        Email.objects.filter(pk=email.pk).update(status="queued")
        assert not delivery.deliver(email.pk)


def test_a_day_without_a_scheduler_is_caught_up_once_and_only_for_what_is_ahead(cast, tomorrow):
    """Nothing ran on the 20th; on the 21st it is back at 10.00."""
    past, ahead = of(tomorrow.slots.all()[0]), of(tomorrow.slots.all()[4])  # 09.00 and 11.00
    with at("10:00", TOMORROW):
        assert tasks.remind_tomorrow() == 1
        assert tasks.remind_tomorrow() == 0
    assert rows() == [(ahead.pk, Channel.EMAIL)]
    assert str(past.pk) not in str(list(Email.objects.values_list("dedupe_key", flat=True)))


def test_after_two_days_nothing_is_sent_for_the_past(cast, tomorrow):
    of(tomorrow.slots.first())
    with at("08:00", TODAY + timedelta(days=2)):
        assert tasks.remind_tomorrow() == 0
    assert rows() == []
    assert not Email.objects.exists()


def test_catching_up_leaves_out_who_booked_or_was_moved_today(cast, tomorrow):
    with at("07:00", TOMORROW):
        of(tomorrow.slots.all()[1])
    moved = of(tomorrow.slots.all()[2])
    with at("08:00", TOMORROW):
        services.reschedule_appointment(
            appointment_id=moved.pk, slot_id=tomorrow.slots.all()[4].pk, actor=cast.receptionist, reason="Rapat"
        )
        assert tasks.remind_tomorrow() == 0, "their confirmation says the same, a moment ago"


def test_a_booking_of_the_afternoon_is_reminded_by_the_next_round(cast, tomorrow):
    with at("08:00"):
        assert tasks.remind_tomorrow() == 0
    with at("16:20"):
        appointment = of(tomorrow.slots.first())
    with at("16:30"):
        assert tasks.remind_tomorrow() == 1
    assert rows() == [(appointment.pk, Channel.EMAIL)]


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_at_once_one_reminds(race):
    with at("07:00"):
        session = session_at(TOMORROW, 9)
        for slot in session.slots.all():
            of(slot)
    with at("08:00"):
        results = race(tasks.remind_tomorrow, [()] * 6)
    assert all(isinstance(count, int) for count in results), results
    assert sum(results) == 3
    assert Reminder.objects.count() == 3
    assert Email.objects.filter(template="appointment_reminder").count() == 3
    assert AuditEvent.objects.filter(action="scheduling.appointment.reminded").count() == 3


# --- whose day it is ----------------------------------------------------------------------------------------------------

ZONES = {"Asia/Jakarta": "+07:00", "Asia/Jayapura": "+09:00", "America/New_York": "-05:00"}


@pytest.fixture
def process_zone(request, settings, monkeypatch):
    """The clinic's zone in the settings, and another one as the zone of the server."""
    clinic, server = request.param
    settings.TIME_ZONE = clinic
    monkeypatch.setenv("TZ", server)
    time.tzset()
    yield clinic
    monkeypatch.undo()
    os.environ["TZ"] = "Asia/Jakarta"
    time.tzset()


@pytest.mark.parametrize(
    "process_zone",
    [(clinic, server) for clinic in ZONES for server in ("UTC", "Asia/Jayapura", "America/New_York")],
    indirect=True,
)
def test_the_clinics_day_counts_wherever_the_server_stands(process_zone, cast):
    offset = ZONES[process_zone]
    with at("07:00", TODAY - timedelta(days=1), offset):
        of_today_late = of(session_at(TODAY, 23, doctor=cast.doctor, count=2).slots.last())
        early, late = (
            of(session_at(TOMORROW, hour, doctor=cast.doctor, count=2).slots.last()) for hour in (0, 23)
        )  # 00.30 and 23.30
        after = of(session_at(TOMORROW + timedelta(days=1), 0, doctor=cast.doctor, count=2).slots.last())
    with at("07:59", TODAY, offset):
        assert tasks.remind_tomorrow() == 0
    with at("23:30", TODAY - timedelta(days=1), offset):
        assert tasks.remind_tomorrow() == 1, "the 20th is tomorrow then"
    assert rows() == [(of_today_late.pk, "email")]
    for moment in ("08:00", "23:20"):
        with at(moment, TODAY, offset):
            tasks.remind_tomorrow()
    assert {pk for pk, _channel in rows()} == {of_today_late.pk, early.pk, late.pk}
    with at("00:30", TOMORROW, offset):
        assert tasks.remind_tomorrow() == 0, "nobody is written to at night"
    with at("23:30", TOMORROW, offset):
        tasks.remind_tomorrow()
    assert {pk for pk, _channel in rows()} == {of_today_late.pk, early.pk, late.pk, after.pk}
    assert Reminder.objects.count() == 4
    assert Email.objects.filter(template="appointment_reminder").count() == 4


@pytest.mark.parametrize("process_zone", [("America/New_York", "UTC")], indirect=True)
@pytest.mark.parametrize("change", [date(2026, 3, 8), date(2026, 11, 1)])
def test_the_day_of_the_clocks_change_is_a_day(process_zone, cast, change):
    before = change - timedelta(days=1)
    with time_machine.travel(clock.at(before - timedelta(days=2), reminders.REMIND_FROM), tick=False):
        late = of(session_at(change, 21, doctor=cast.doctor, count=2).slots.last())
        of(session_at(change + timedelta(days=1), 1, doctor=cast.doctor, count=1).slots.last())
    with time_machine.travel(clock.at(before, reminders.REMIND_FROM), tick=False):
        assert tasks.remind_tomorrow() == 1
    assert rows() == [(late.pk, "email")]


# --- the way ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "phone", "chosen", "way"),
    [
        ("a@surat.example", "+6281234567890", "", Channel.EMAIL),
        ("a@surat.example", None, "whatsapp", Channel.WHATSAPP),
        ("a@surat.example", "+6281234567890", "none", Channel.NONE),
        ("", "+6281234567890", "", Channel.WHATSAPP),
        ("", "+6281234567890", "email", Channel.WHATSAPP),
        ("", None, "", Channel.WHATSAPP),
        ("", None, "none", Channel.NONE),
    ],
)
def test_the_way_follows_the_choice_as_far_as_it_leads(cast, email, phone, chosen, way):
    patient = PatientFactory(email=email, phone=phone)
    if chosen:
        services.set_reminder_preference(patient_id=patient.pk, channel=chosen, actor=cast.receptionist)
    assert reminders.channel_of(patient) == way


def test_who_wants_none_or_refuses_messages_gets_nothing_of_any_kind(cast, tomorrow):
    slots = list(tomorrow.slots.all())
    silent, refusing, none = of(slots[0]), of(slots[1], email=""), AppointmentFactory(
        slot=slots[2], patient=cast.patient_user.patient
    )  # fmt: skip
    give_choice(silent.patient, cast.receptionist, MESSAGES, permit=False)
    give_choice(refusing.patient, cast.receptionist, MESSAGES, permit=False)
    services.set_reminder_preference(patient_id=none.patient_id, channel="none", actor=cast.patient_user)
    with at("08:00"):
        assert tasks.remind_tomorrow() == 0
        services.set_reminder_preference(patient_id=none.patient_id, channel="", actor=cast.patient_user)
        assert tasks.remind_tomorrow() == 1
    assert rows() == [(none.pk, "email")] or rows() == [(none.pk, "whatsapp")]
    assert Notice.objects.filter(kind="appointment_reminder").count() == 1


def test_the_preference_is_written_by_whom_it_may_be_and_once(cast):
    patient = cast.patient_user.patient
    assert services.set_reminder_preference(patient_id=patient.pk, channel="whatsapp", actor=cast.patient_user)
    services.set_reminder_preference(patient_id=patient.pk, channel="whatsapp", actor=cast.receptionist)
    assert AuditEvent.objects.filter(action="scheduling.reminder_preference.changed").count() == 1
    with pytest.raises(NotPermitted):
        services.set_reminder_preference(patient_id=patient.pk, channel="none", actor=cast.other_patient_user)
    for wrong in ("sms", "EMAIL", "x" * 5000):
        with pytest.raises(InvalidInput):
            services.set_reminder_preference(patient_id=patient.pk, channel=wrong, actor=cast.patient_user)
    with pytest.raises(PatientNotFound):
        services.set_reminder_preference(patient_id=uuid4(), channel="none", actor=cast.receptionist)
    assert ReminderPreference.objects.get().channel == "whatsapp"
    services.set_reminder_preference(patient_id=patient.pk, channel="", actor=cast.patient_user)
    assert not ReminderPreference.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_preferences_written_at_once_leave_one(cast, race):
    patient, desk = PatientFactory(), cast.receptionist
    results = race(
        lambda channel: services.set_reminder_preference(patient_id=patient.pk, channel=channel, actor=desk),
        [(channel,) for channel in ("email", "whatsapp", "none", "email", "whatsapp", "none")],
    )
    assert all(isinstance(result, str) for result in results), results
    assert ReminderPreference.objects.count() == 1


# --- by hand ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "number"),
    [("+6281234567890", "6281234567890"), ("0812-3456-7890", "6281234567890"), ("62 812 3456 7890", "6281234567890"),
     ("+6560123456", "6560123456"), ("+62778555112", ""), ("0778-555-112", ""), ("", ""), (None, ""), ("12", ""),
     ("+62812<script>", "")],
)  # fmt: skip
def test_a_number_as_whatsapp_takes_it(phone, number):
    assert reminders.whatsapp_number(phone) == number


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_text_has_the_time_and_the_code_and_nothing_about_the_patient(cast, tomorrow, language, settings):
    reminder = by_hand(tomorrow.slots.first(), language=language, full_name="Siti Rahmawati")
    appointment = reminder.appointment
    link = urlsplit(reminders.whatsapp_link(reminder))
    assert (link.scheme, link.netloc, link.path) == ("https", "wa.me", "/6281234567890")
    text = parse_qs(link.query)["text"][0]
    assert settings.CLINIC_NAME in text
    assert appointment.code in text
    assert f"{settings.SITE_URL}/portal/appointments/{appointment.pk}/" in text
    assert ("09:00 WIB" if language == "en" else "09.00 WIB") in text
    for secret in ("Siti", "Rahmawati", appointment.complaint, appointment.patient.record_number,
                   appointment.service.name_id, appointment.service.name_en, appointment.doctor.full_name):  # fmt: skip
        assert secret not in text


def test_one_click_marks_and_leads_on_and_undo_brings_it_back(cast, tomorrow, client_for):
    reminder = by_hand(tomorrow.slots.first())
    send, undo = (reverse(f"scheduling:reminder-{verb}", args=[reminder.pk]) for verb in ("send", "undo"))
    with at("09:00"):
        client = client_for(cast.receptionist)
        answer = client.post(send)
        again = client.post(send)
        reminder.refresh_from_db()
        assert (reminder.done_at, reminder.done_by) == (clock.now(), cast.receptionist)
        for page in (answer, again):
            assert page.status_code == 200
            [target] = set(re.findall(r'content="0;url=([^"]+)"', page.content.decode()))
            assert target.replace("&amp;", "&") == reminders.whatsapp_link(reminder)
        assert client.post(undo).status_code == 302
        assert client.post(undo).status_code == 302
    reminder.refresh_from_db()
    assert (reminder.done_at, reminder.done_by) == (None, None)
    events = AuditEvent.objects.filter(action__startswith="scheduling.reminder.").order_by("id")
    assert list(events.values_list("action", flat=True)) == [
        "scheduling.reminder.sent_by_hand",
        "scheduling.reminder.reopened",
    ]
    assert "62812" not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_without_a_number_the_patient_is_called_and_marked(cast, tomorrow, client_for):
    landline = by_hand(tomorrow.slots.first(), phone="+62778555112")
    with at("09:00"):
        client = client_for(cast.receptionist)
        page = client.get(reverse("scheduling:reminder-list")).content.decode()
        assert "tel:+62778555112" in page
        assert "wa.me" not in page
        answer = client.post(reverse("scheduling:reminder-send", args=[landline.pk]))
        assert (answer.status_code, answer["Location"]) == (302, "/reminders/?day=tomorrow")
    landline.refresh_from_db()
    assert landline.done_by == cast.receptionist


def test_the_list_has_those_of_the_day_who_are_still_to_be_written_to(cast, tomorrow, client_for):
    slots = list(tomorrow.slots.all())
    kept = by_hand(slots[0], full_name="Rahmat Hidayat")
    gone = by_hand(slots[1], full_name="Batal Sudah")
    quiet = by_hand(slots[2], full_name="Tenang Saja")
    refused = by_hand(slots[3], full_name="Tolak Pesan")
    with at("08:00"):
        of(slots[4], full_name="Lewat Surel")
        tasks.remind_tomorrow()
    url = reverse("scheduling:reminder-list")
    with at("09:00"):
        client = client_for(cast.receptionist)
        services.cancel_appointment(appointment_id=gone.appointment_id, actor=cast.admin, reason="Sakit")
        services.set_reminder_preference(patient_id=quiet.appointment.patient_id, channel="none", actor=cast.admin)
        give_choice(refused.appointment.patient, cast.receptionist, MESSAGES, permit=False)
        page = client.get(url).content.decode()
        for reminder in (gone, quiet, refused):
            with pytest.raises(ReminderNotOpen):
                services.mark_sent_by_hand(reminder_id=reminder.pk, actor=cast.receptionist)
            assert Reminder.objects.get(pk=reminder.pk).done_at is None
            assert reminder.appointment.patient.full_name not in page
        assert "Rahmat Hidayat" in page
        assert "Lewat Surel" not in page
        assert "Rahmat Hidayat" not in client.get(url, {"day": "today"}).content.decode()
        refusal = client.post(reverse("scheduling:reminder-send", args=[gone.pk]))
        assert (refusal.status_code, refusal["Location"]) == (302, "/reminders/?day=tomorrow")
    with at("09:30", TOMORROW):
        client = client_for(cast.receptionist)
        late = client.get(url, {"day": "today"})
        assert "Rahmat Hidayat" in late.content.decode()
        assert (late.context["open_count"], late.context["is_done"]) == (0, False)
        with pytest.raises(ReminderNotOpen):
            services.mark_sent_by_hand(reminder_id=kept.pk, actor=cast.receptionist)


def test_a_reminder_by_mail_is_none_of_the_list(cast, tomorrow, client_for):
    of(tomorrow.slots.first())
    with at("08:00"):
        tasks.remind_tomorrow()
    mailed = Reminder.objects.get()
    for verb in ("send", "undo"):
        answer = client_for(cast.receptionist).post(reverse(f"scheduling:reminder-{verb}", args=[mailed.pk]))
        assert answer.status_code == 404
    mailed.refresh_from_db()
    assert mailed.done_by is None


def test_the_list_costs_the_same_for_many(cast, client_for):
    with at("07:00"):
        sessions = [SessionFactory(practice_on=TOMORROW, slot_count=10) for _number in range(3)]
        for session in sessions[:1]:
            for slot in session.slots.all()[:3]:
                of(slot, email="")
    url = reverse("scheduling:reminder-list-panel")
    counts = []
    with at("08:00"):
        client = client_for(cast.receptionist)
        for _round in range(2):
            tasks.remind_tomorrow()
            client.get(url)
            with CaptureQueriesContext(connection) as seen:
                assert client.get(url).status_code == 200
            counts.append(len(seen))
            for session in sessions[1:]:
                for slot in session.slots.all():
                    if not Appointment.objects.filter(slot=slot).exists():
                        of(slot, email="")
    assert Reminder.objects.count() == 23
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_two_desks_send_one_reminder_at_once(race):
    with at("07:00"):
        reminder = by_hand(session_at(TOMORROW, 9).slots.first())
    desks = [PatientUserFactory(username=f"meja{number}") for number in range(4)]
    with at("09:00"):
        results = race(
            lambda desk: services.mark_sent_by_hand(reminder_id=reminder.pk, actor=desk), [(desk,) for desk in desks]
        )
    assert all(isinstance(row, Reminder) for row in results), results
    assert AuditEvent.objects.filter(action="scheduling.reminder.sent_by_hand").count() == 1


# --- the patient's page -------------------------------------------------------------------------------------------------


def test_the_desk_changes_the_way_on_the_patients_page(cast, client_for):
    patient = PatientFactory(email="siti@surat.example", phone=None)
    url = reverse("scheduling:patient-reminders", args=[patient.pk])
    client = client_for(cast.receptionist)
    assert url in client.get(reverse("patients:detail", args=[patient.pk])).content.decode()
    panel = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert panel.lstrip().startswith("<section")
    saved = client.post(url, {"channel": "whatsapp"}, headers={"HX-Request": "true"})
    assert saved.status_code == 200
    assert reminders.chosen_channel(patient) == "whatsapp"
    assert client.post(url, {"channel": "sms"}, headers={"HX-Request": "true"}).status_code == 422
    assert client.post(url, {"channel": ""}).status_code == 422
    plain = client.post(url, {"channel": "automatic"})
    assert (plain.status_code, plain["Location"]) == (302, reverse("patients:detail", args=[patient.pk]))
    assert reminders.chosen_channel(patient) == ""
    assert client.get(url).status_code == 200
    assert client_for(cast.nurse).get(url).status_code == 403
