"""What a second attack on the clinic's day found: each of these was possible once."""

import io
import zipfile
from datetime import date, timedelta

import openpyxl
import pytest
import time_machine
from django.apps import apps
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.services import deactivate_user
from audit.models import AuditEvent
from core import clock
from notifications.models import Email
from scheduling import services, tasks
from scheduling.errors import AlreadyWaiting, CannotUndo, StationInUse, StepNotOpen
from scheduling.models import DeviceLink, Holiday, QueueEvent, Reminder, Visit
from scheduling.services import arrivals, detours, devices, feeds, serving, stations
from tests.factories.accounts import DoctorFactory, UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, StationFactory, VisitFactory, session_at
from tests.matrix import all_rows, person
from tests.scheduling.screens import screen
from tests.scheduling.test_races import outcomes
from tests.scheduling.test_reminders import ZONES, process_zone  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

Status = Visit.Status
REASON = "Dokter dipanggil ke rumah sakit"


def open_visits(patient, doctor) -> int:
    return Visit.objects.filter(patient=patient, doctor=doctor).exclude(status__in=services.CLOSED_STATUSES).count()


def walk_in(visit, doctor, actor) -> Visit:
    return services.register_walk_in(
        patient_id=visit.patient_id, service_id=visit.service_id, doctor_id=doctor.pk, complaint="Batuk", actor=actor
    )


# --- one open visit with one doctor -------------------------------------------------------------------------------------


@pytest.fixture
def transferred(cast):
    """A visit that went from the cast's doctor to the other one, and the act that did it."""
    visit = VisitFactory(doctor=cast.doctor)
    cast.other_doctor.staff_profile.specialty = cast.doctor.staff_profile.specialty
    cast.other_doctor.staff_profile.save()
    detours.transfer_to_doctor(
        visit_id=visit.pk, doctor_id=cast.other_doctor.pk, actor=cast.receptionist, reason=REASON
    )
    return visit, QueueEvent.objects.get(kind=QueueEvent.Kind.TRANSFER)


def test_a_transfer_is_not_taken_back_onto_a_second_visit_with_the_doctor_before(cast, transferred):
    visit, event = transferred
    walk_in(visit, cast.doctor, cast.receptionist)
    with pytest.raises(CannotUndo, match="Rina"):
        serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    event.refresh_from_db()
    assert (visit.doctor, event.undone_at) == (cast.other_doctor, None)
    assert open_visits(visit.patient, cast.doctor) == open_visits(visit.patient, cast.other_doctor) == 1


def test_a_transfer_is_taken_back_when_the_other_visit_is_over(cast, transferred):
    visit, event = transferred
    second = walk_in(visit, cast.doctor, cast.receptionist)
    services.cancel_visit(visit_id=second.pk, actor=cast.receptionist, reason="Salah daftar")
    serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    assert (visit.doctor, open_visits(visit.patient, cast.doctor)) == (cast.doctor, 1)


def test_a_transfer_is_not_taken_back_to_a_doctor_who_left(cast, transferred):
    visit, event = transferred
    deactivate_user(user_id=cast.doctor.pk, actor=cast.admin)
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    assert visit.doctor == cast.other_doctor


@pytest.mark.django_db(transaction=True)
def test_taking_back_against_arriving_leaves_one_visit(race, cast, transferred):
    visit, event = transferred
    desks = [UserFactory(roles=["receptionist"]) for _ in range(4)]
    acts = [lambda: serving.undo_act(event_id=event.pk, actor=cast.receptionist)]
    acts += [lambda desk=desk: walk_in(visit, cast.doctor, desk) for desk in desks]
    results = race(lambda act: act(), [(act,) for act in acts])
    assert {type(row).__name__ for row in results} <= {"QueueStep", "Visit", "CannotUndo", "AlreadyWaiting"}, results
    assert open_visits(visit.patient, cast.doctor) == 1, outcomes(results)


@pytest.mark.django_db(transaction=True)
def test_transfers_against_arriving_leave_one_visit(race, cast):
    patient, doctors = PatientFactory(), [DoctorFactory() for _ in range(3)]
    visits = [VisitFactory(doctor=doctor, patient=patient) for doctor in doctors]
    desk, target = cast.receptionist, cast.doctor
    acts = [
        lambda visit=visit: detours.transfer_to_doctor(
            visit_id=visit.pk, doctor_id=target.pk, actor=desk, reason=REASON
        )
        for visit in visits
    ]
    acts += [lambda: walk_in(visits[0], target, desk)] * 2
    results = race(lambda act: act(), [(act,) for act in acts])
    assert outcomes(results) == {"Visit": 1, AlreadyWaiting.__name__: 4}, results
    assert open_visits(patient, target) == 1


# --- who calls whom -----------------------------------------------------------------------------------------------------

CALLERS = {
    Status.ARRIVED: {"nurse", "receptionist", "admin", "doctor"},
    Status.WAITING: {"nurse", "receptionist", "admin", "doctor"},
    Status.LABORATORY: set(),
    Status.PHARMACY: set(),
    Status.CASHIER: {"admin"},
}


@pytest.mark.parametrize("status", CALLERS, ids=str)
def test_a_number_is_called_by_who_works_where_it_waits(cast, client_for, status):
    """Officers of the later stages call from their stations."""
    visit = VisitFactory(doctor=cast.doctor, status=status)
    for name in ("nurse", "receptionist", "admin", "doctor"):
        client, may = client_for(getattr(cast, name)), name in CALLERS[status]
        assert client.post(reverse("scheduling:visit-call", args=[visit.pk])).status_code == (302 if may else 403), name
        page = client.get(reverse("scheduling:queue")).content.decode()
        assert (reverse("scheduling:visit-call", args=[visit.pk]) in page) is may, name
    assert QueueEvent.objects.filter(kind__in=("call", "recall")).count() == len(CALLERS[status])


def test_a_number_that_went_on_is_not_called_to_the_place_it_left(cast):
    visit, room = VisitFactory(doctor=cast.doctor, status=Status.ARRIVED), StationFactory(stage="nurse")
    services.finish_triage(visit_id=visit.pk, actor=cast.nurse)
    with pytest.raises(StepNotOpen):
        services.call_ticket(visit_id=visit.pk, actor=cast.nurse, station_id=room.pk, stage="nurse")
    assert not QueueEvent.objects.filter(kind="call").exists()


# --- reminders after an outage ------------------------------------------------------------------------------------------

DAY = date(2026, 11, 21)


def at(moment: str, day: date = DAY):
    return time_machine.travel(f"{day.isoformat()}T{moment}:00+07:00", tick=False)


@pytest.fixture
def early(cast):
    """Bookings of the 21st at 06.00, 07.00 and 09.00, and of the 22nd at 07.00, made days before."""
    with at("10:00", DAY - timedelta(days=3)):
        slots = [session_at(DAY, hour, doctor=cast.doctor, count=1).slots.get() for hour in (6, 7, 9, 12)]
        slots.append(session_at(DAY + timedelta(days=1), 7, doctor=cast.doctor, count=1).slots.get())
        return [AppointmentFactory(slot=slot, patient=PatientFactory(email="siti@surat.example")) for slot in slots]


def reminded() -> set:
    return set(Reminder.objects.values_list("appointment_id", flat=True))


def test_after_a_day_without_a_scheduler_who_comes_early_is_reminded_before_eight(early):
    """Nothing ran on the 20th. On the 21st it is back at 06.30."""
    _past, seven, nine, noon, next_day = (row.pk for row in early)
    with at("06:30"):
        assert [tasks.remind_tomorrow(), tasks.remind_tomorrow()] == [2, 0]
    assert reminded() == {seven, nine}
    assert Email.objects.filter(template="appointment_reminder").count() == 2
    with at("08:00"):
        assert [tasks.remind_tomorrow(), tasks.remind_tomorrow()] == [2, 0]
    assert reminded() == {seven, nine, noon, next_day}


def test_before_eight_nobody_is_reminded_who_booked_in_the_night(cast, early):
    with at("05:00"):
        assert tasks.remind_tomorrow() == 3
        AppointmentFactory(slot=session_at(DAY, 7, doctor=cast.other_doctor).slots.first())
    with at("06:00"):
        assert tasks.remind_tomorrow() == 0, "the confirmation says the same, a moment ago"


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_before_eight_one_reminds(race, early):
    with at("05:00"):
        assert sum(race(tasks.remind_tomorrow, [()] * 4)) == 3
    assert Email.objects.filter(template="appointment_reminder").count() == 3


# --- what opens without signing in --------------------------------------------------------------------------------------


def test_a_picture_of_the_kiosks_code_opens_for_six_phones(cast, client_for):
    kiosk, _token = screen(DeviceLink.Kind.KIOSK)
    url = reverse("scheduling:onsite-scan", args=[devices.on_site_proof(kiosk)])
    phones = [Client() for _ in range(8)]
    assert [phone.get(url).status_code for phone in phones] == [302] * 6 + [410] * 2
    assert "on_site" not in phones[-1].session
    assert phones[0].get(url).status_code == 302, "who is in may open it again"
    with time_machine.travel(clock.now() + timedelta(seconds=30)):
        fresh = reverse("scheduling:onsite-scan", args=[devices.on_site_proof(kiosk)])
        assert phones[-1].get(fresh).status_code == 302, "the next code lets in who stands there"


def answer_of(url: str) -> tuple:
    answer = Client().get(url)
    headers = {name: value for name, value in answer.items() if name.lower() != "x-request-id"}
    return answer.status_code, answer.content, headers


@time_machine.travel("2026-11-20T10:00:00+07:00", tick=False)
def test_unknown_revoked_and_expired_secrets_get_one_answer(cast):
    """Nobody learns from an answer whether a secret was ever one."""
    board, board_token = screen(DeviceLink.Kind.BOARD)
    kiosk, kiosk_token = screen(DeviceLink.Kind.KIOSK)
    proof, revoked_proof = devices.on_site_proof(kiosk), devices.on_site_proof(kiosk)
    feed = feeds.make_feed(doctor=cast.doctor)
    left = feeds.make_feed(doctor=cast.other_doctor)
    for link in (board, kiosk):
        devices.revoke_device(link_id=link.pk, actor=cast.admin)
    feeds.revoke_feeds(doctor=cast.doctor, actor=cast.doctor)
    deactivate_user(user_id=cast.other_doctor.pk, actor=cast.admin)
    unknown = "x" * len(board_token)
    for page, secrets in (
        ("board", [unknown, board_token, kiosk_token, "x", "x" * 300]),
        ("board-panel", [unknown, board_token]),
        ("kiosk", [unknown, kiosk_token, board_token]),
        ("calendar-feed", [unknown, feed, left, "x", "x" * 300]),
        ("onsite-scan", [proof[:-1] + "-", revoked_proof, "x", "x" * 300]),
    ):
        first, *others = [answer_of(reverse(f"scheduling:{page}", args=[secret])) for secret in secrets]
        assert first[0] == (410 if page == "onsite-scan" else 404), page
        for other in others:
            assert other == first, page


@pytest.mark.parametrize(("page", "limit", "refusal"), [
    ("board", 60, 404), ("kiosk", 60, 404), ("calendar-feed", 60, 404), ("onsite-scan", 60, 410),
])  # fmt: skip
def test_who_guesses_secrets_is_stopped(db, page, limit, refusal):
    client = Client()
    statuses = [client.get(reverse(f"scheduling:{page}", args=[f"guess{number}"])).status_code for number in range(62)]
    assert statuses == [refusal] * limit + [429] * 2


def test_secrets_are_looked_up_by_their_digest_alone(cast):
    """The database compares digests under a key: how long that takes says nothing about the secret."""
    _board, token = screen(DeviceLink.Kind.BOARD)
    feed = feeds.make_feed(doctor=cast.doctor)
    for find, secret in ((lambda text: devices.find_device(text, "board"), token), (feeds.find_feed, feed)):
        for tried in (secret, secret[:-1], secret[0] + "x" * (len(secret) - 1)):
            with CaptureQueriesContext(connection) as queries:
                find(tried)
            assert tried not in str(queries.captured_queries)
            assert len(queries) == (2 if tried == feed else 1), "nothing more is asked of one that is nearly right"


# --- hostile sheets of holidays -----------------------------------------------------------------------------------------

HEAD = ("date", "name", "kind", "closes_clinic")
GOOD = ("2026-12-24", "Cuti bersama", "joint_leave", "1")


def as_csv(*rows, encoding="utf-8", separator=",") -> tuple[str, bytes]:
    return "1", "\n".join(separator.join(row) for row in (HEAD, *rows)).encode(encoding)


def as_book(*rows, merge="", stretch="") -> tuple[str, bytes]:
    book = openpyxl.Workbook()
    for row in (HEAD, *rows):
        book.active.append(row)
    if merge:
        book.active.merge_cells(merge)
    if stretch:
        book.active[stretch] = "x"
    out = io.BytesIO()
    book.save(out)
    return "0", out.getvalue()


def bomb() -> tuple[str, bytes]:
    out = io.BytesIO(as_book(GOOD)[1])
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(65 * 1024 * 1024))
    return "0", out.getvalue()


def show(client, sheet):
    kind, content = sheet
    upload = SimpleUploadedFile("libur", content)
    page = client.post(reverse("admin:scheduling_holiday_import"), {"format": kind, "import_file": upload})
    assert page.status_code == 200
    assert b"<script>alert" not in page.content
    return page


def confirm(client, page):
    return client.post(reverse("admin:scheduling_holiday_process_import"), page.context["confirm_form"].initial)


def words_of(answer) -> list[str]:
    return [message.level_tag for message in answer.context["messages"]]


HOSTILE_SHEETS = {
    "a formula instead of a date": as_book(("=TODAY()", "Libur", "local", "1")),
    "a formula instead of a name": as_book(("2026-12-24", '=HYPERLINK("http://x.example")', "local", "1")),
    "two rows of one day": as_csv(GOOD, ("2026-12-24", "Lain", "local", "0")),
    "two spellings of one day": as_book((date(2026, 12, 24), *GOOD[1:]), GOOD),
    "a day in the year 9999": as_csv(("9999-12-31", *GOOD[1:])),
    "a day in the year 1": as_csv(("0001-01-01", *GOOD[1:])),
    "no day of the calendar": as_csv(("2026-02-30", *GOOD[1:])),
    "a number for a day": as_book((46_000, *GOOD[1:])),
    "neither yes nor no": as_csv((*GOOD[:3], "mungkin")),
    "markup for a kind": as_csv(("2026-12-24", "Libur", "<script>alert(1)</script>", "1")),
    "a cell of 200,000 letters": as_csv(("2026-12-24", "a" * 200_000, "local", "1")),
    "a cell of 32,000 letters": as_book(("2026-12-24", "a" * 32_000, "local", "1")),
    "merged days": as_book(GOOD, ("2026-12-25", *GOOD[1:]), merge="A2:A3"),
    "20,001 rows": as_csv(*[GOOD] * 20_001),
    "a cell in the last column": as_csv(GOOD + ("x",) * 200),
    "a book that unpacks to 65 MB": bomb(),
    "another encoding": as_csv(("2026-12-24", "Natál", "local", "1"), encoding="latin-1"),
    "UTF-16": as_csv(GOOD, encoding="utf-16"),
    "a CSV file as XLSX": ("0", as_csv(GOOD)[1]),
    "an XLSX file as CSV": ("1", as_book(GOOD)[1]),
    "rows of other lengths": as_csv(GOOD[:2], GOOD),
    "no rows": as_csv(),
}  # fmt: skip


@pytest.mark.ignore_template_errors  # a template of import-export asks for a field that is not always there
@pytest.mark.parametrize("sheet", HOSTILE_SHEETS.values(), ids=list(HOSTILE_SHEETS))
def test_a_hostile_sheet_of_holidays_is_refused_before_anything_is_written(cast, client_for, sheet):
    page = show(client_for(cast.admin), sheet)
    assert "confirm_form" not in page.context
    form, result = page.context["form"], page.context.get("result")
    assert form.errors or result.has_errors() or result.has_validation_errors()
    assert "Error" not in str(form.errors), "no names of exceptions"
    assert not Holiday.objects.exists()


@pytest.mark.ignore_template_errors
@pytest.mark.parametrize(("sheet", "stored"), [
    (as_csv(GOOD, separator=";"), (GOOD[1], True)),
    (as_csv(GOOD, encoding="utf-8-sig"), (GOOD[1], True)),
    (as_csv((*GOOD[:3], "ya")), (GOOD[1], True)),
    (as_csv((*GOOD[:3], "Tidak")), (GOOD[1], False)),
    (as_csv(("2026-12-24", "Hari\x00 \u202eRaya", "local", "1")), ("Hari Raya", True)),
    (as_csv(("2026-12-24", "<script>alert(1)</script>", "local", "1")), ("<script>alert(1)</script>", True)),
    (as_csv(("2026-12-24", "=1+1", "local", "1")), ("=1+1", True)),
    (as_book((date(2026, 12, 24), "Natal", "local", True), stretch="XFD1048576"), ("Natal", True)),
], ids=["semicolons", "byte order mark", "ya", "tidak", "invisible letters", "markup", "formula", "workbook"])  # fmt: skip
def test_a_sheet_of_holidays_as_spreadsheets_write_it_is_taken(cast, client_for, sheet, stored):
    client = client_for(cast.admin)
    assert confirm(client, show(client, sheet)).status_code == 302
    assert [(row.name, row.closes_clinic) for row in Holiday.objects.all()] == [stored]
    assert b"<script>alert" not in client.get(reverse("admin:scheduling_holiday_changelist")).content
    assert b"<script>alert" not in client.get(reverse("scheduling:holiday-list")).content


@pytest.mark.ignore_template_errors
def test_a_sheet_is_imported_once_and_what_was_confirmed_is_not_chosen_by_the_form(cast, client_for):
    client = client_for(cast.admin)
    address = reverse("admin:scheduling_holiday_process_import")
    values = show(client, as_csv(GOOD)).context["confirm_form"].initial
    assert words_of(client.post(address, values, follow=True)) == ["success"]
    Holiday.objects.update(name="Diubah sesudahnya")
    for forged in ({}, {"format": "7"}, {"format": "0"}, {"import_file_name": "../../etc/passwd"}):
        assert words_of(client.post(address, values | forged, follow=True)) == ["warning"], forged
    other = show(client, as_csv(("2026-12-25", "Natal", "national", "1"))).context["confirm_form"].initial
    assert words_of(client.post(address, other | {"format": "0"}, follow=True)) == ["error"]
    assert [row.name for row in Holiday.objects.all()] == ["Diubah sesudahnya"]


@pytest.mark.ignore_template_errors
def test_two_sheets_of_one_day_are_imported_one_after_the_other(cast, client_for):
    first, second = client_for(cast.admin), client_for(UserFactory(roles=["admin"]))
    pages = [show(first, as_csv(GOOD)), show(second, as_csv(("2026-12-24", "Lain", "local", "0")))]
    for client, page in zip((first, second), pages, strict=True):
        assert confirm(client, page).status_code == 302
    assert [(row.name, row.closes_clinic) for row in Holiday.objects.all()] == [("Lain", False)]


@pytest.mark.ignore_template_errors
@pytest.mark.django_db(transaction=True)
def test_sheets_confirmed_at_once_leave_one_row_a_day(race, cast, client_for):
    clients = [client_for(UserFactory(roles=["admin"])) for _ in range(3)]
    pages = [show(client, as_csv((GOOD[0], f"Libur {n}", "local", "1"))) for n, client in enumerate(clients)]
    results = race(confirm, [(c, p) for c, p in zip(clients, pages, strict=True) for _twice in range(2)])
    assert [answer.status_code for answer in results] == [302] * 6, results
    assert Holiday.objects.count() == 1
    events = AuditEvent.objects.filter(action="scheduling.holiday.imported")
    assert 1 <= events.count() <= 3


# --- every form twice ---------------------------------------------------------------------------------------------------

POSTS = [row for row in all_rows() if row.method == "POST" and row.name.startswith("scheduling:")]
COUNTED = [model for model in apps.get_models() if model._meta.app_label in {"scheduling", "notifications", "patients"}]
REPEATS = {
    "scheduling:visit-call": "calling again is what the button does",
    "scheduling:step-call": "as visit-call",
    "scheduling:feed-make": "a new link ends the one before; the page shows the one that works",
    "scheduling:device-list": "as feed-make: test_of_screens_made_by_a_double_click_one_works",
    "scheduling:kiosk-take-number": "without the key of its form; test_kiosk.py sends it with one",
}
MAKERS = {
    "appointment-check-in", "follow-up", "follow-up-ask", "holiday-add", "hours-add", "patient-book",
    "patient-family-confirm", "patient-wish", "portal-book-confirm", "portal-family-confirm", "portal-waitlist-join",
    "series-propose", "service-add", "session-propose", "station-add", "time-off-add", "walk-in",
}  # fmt: skip


def rows_in_tables() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in COUNTED}


def more(before: dict, after: dict) -> dict:
    return {label: after[label] - count for label, count in before.items() if after[label] > count}


def test_every_form_sent_twice_makes_everything_once(cast, client_for):
    clients, faults, made_by = {None: Client()}, [], set()
    for who in {row.holder for row in POSTS} | {"patient", "other_patient", "nurse", "other_doctor"}:
        person(cast, who)
    for row in POSTS:
        cache.clear()
        who = None if row.public else person(cast, row.holder)
        if who not in clients:
            clients[who] = client_for(who)
        client, cast.made = clients[who], {}
        with transaction.atomic():
            url = reverse(row.name, kwargs=row.build(cast) if row.build else {})
            data = row.data(cast) if row.data else {}
            nothing, first, once = rows_in_tables(), client.post(url, data), rows_in_tables()
            second, twice = client.post(url, data), rows_in_tables()
            if second.status_code not in {first.status_code, 302, 409, 422}:
                faults.append(f"{row}: {first.status_code}, then {second.status_code}")
            if more(once, twice) and row.name not in REPEATS:
                faults.append(f"{row}: made again {more(once, twice)}")
            if more(nothing, once):
                made_by.add(row.name.removeprefix("scheduling:"))
            transaction.set_rollback(True)
    assert not faults, "\n".join(faults)
    assert made_by >= MAKERS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("row", [row for row in POSTS if row.name.removeprefix("scheduling:") in MAKERS], ids=str)
def test_a_double_click_makes_everything_once(race, cast, client_for, row):
    client = client_for(person(cast, row.holder))
    url = reverse(row.name, kwargs=row.build(cast) if row.build else {})
    data = row.data(cast) if row.data else {}
    nothing = rows_in_tables()
    connection.close()
    alone = {"patient-family-confirm": 2, "portal-family-confirm": 2, "series-propose": 3}
    results = race(lambda number: copy_of(client).post(url, data), [(number,) for number in range(3)])
    assert not [result for result in results if isinstance(result, Exception)], results
    assert {result.status_code for result in results} <= {200, 302, 409, 422}
    assert {result.status_code for result in results} & {200, 302}
    made = {label: count for label, count in more(nothing, rows_in_tables()).items() if label in SINGLE}
    assert made, "it makes something"
    assert set(made.values()) == {alone.get(row.name.removeprefix("scheduling:"), 1)}, made


SINGLE = {
    f"scheduling.{name}"
    for name in ("Appointment", "Visit", "QueueTicket", "WaitlistEntry", "PracticeSession", "Service", "Station", "Holiday",
                 "ClinicHours", "TimeOff")
}  # fmt: skip


def copy_of(client: Client) -> Client:
    """Another tab of the same browser."""
    other = Client()
    other.cookies = client.cookies.copy()
    return other


@pytest.mark.django_db(transaction=True)
def test_of_screens_made_by_a_double_click_one_works(race, cast, client_for):
    client, url = client_for(cast.admin), reverse("scheduling:device-list")
    data = {"kind": "board", "name": "Ruang tunggu", "speaks": "on"}
    results = race(lambda number: copy_of(client).post(url, data).status_code, [(number,) for number in range(3)])
    assert results == [200] * 3
    assert DeviceLink.objects.filter(revoked_at=None).count() == 1
    client.post(url, data | {"name": "Lobi"})
    DeviceLink.objects.update(last_seen_at=clock.now())
    client.post(url, data | {"name": "Lobi"})
    assert DeviceLink.objects.filter(revoked_at=None).count() == 3, "one that hangs somewhere is not touched"


# --- around midnight, wherever the server stands ------------------------------------------------------------------------

EVERYWHERE = pytest.mark.parametrize(
    "process_zone", [("Asia/Jakarta", "UTC"), ("Asia/Jayapura", "America/New_York"), ("America/New_York", "Asia/Jayapura")],
    indirect=True,
)  # fmt: skip
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def midnight(process_zone):  # noqa: F811
    """Return a function that stops the clock at a moment of the clinic's day."""
    return lambda moment, day=DAY: time_machine.travel(f"{day.isoformat()}T{moment}{ZONES[process_zone]}", tick=False)


@EVERYWHERE
def test_numbers_begin_anew_at_the_clinics_midnight_and_those_before_are_still_called(midnight):
    with midnight("23:59:50"):
        late = arrivals.take_number()
    with midnight("00:00:10", NEXT):
        _kiosk, token = screen(DeviceLink.Kind.KIOSK)
        page = Client().get(reverse("scheduling:kiosk-number", args=[token, late.pk]))
        assert late.label in page.content.decode(), "the kiosk shows a number for 15 seconds"
    with midnight("00:30:00", NEXT):
        early = arrivals.take_number()
        desk, room = UserFactory(roles=["receptionist"]), StationFactory(stage="registration")
        called = [serving.call_next(station_id=room.pk, actor=desk).ticket for _ in range(2)]
    assert [(one.label, one.issued_on) for one in (late, early)] == [("R-001", DAY), ("R-001", NEXT)]
    assert called == [late, early]


@EVERYWHERE
def test_who_waits_since_last_night_does_not_get_a_second_visit_with_the_doctor(midnight, cast):
    with midnight("23:30:00"):
        visit = VisitFactory(doctor=cast.doctor)
        other = VisitFactory(doctor=cast.other_doctor, patient=visit.patient, service=visit.service)
    with midnight("00:30:00", NEXT):
        with pytest.raises(AlreadyWaiting):
            walk_in(visit, cast.doctor, cast.receptionist)
        services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="Salah daftar")
        walk_in(visit, cast.doctor, cast.receptionist)
        cast.other_doctor.staff_profile.specialty = cast.doctor.staff_profile.specialty
        with pytest.raises(AlreadyWaiting):
            detours.transfer_to_doctor(
                visit_id=other.pk, doctor_id=cast.doctor.pk, actor=cast.receptionist, reason=REASON
            )
    assert open_visits(visit.patient, cast.doctor) == 1


@EVERYWHERE
def test_a_room_in_which_somebody_sits_since_last_night_is_not_closed(midnight, cast):
    room = StationFactory(stage="nurse", name="Ruang perawat")
    with midnight("23:55:00"):
        VisitFactory(status=Status.ARRIVED)
        serving.call_next(station_id=room.pk, actor=cast.nurse)
    with midnight("00:05:00", NEXT), pytest.raises(StationInUse):
        stations.save_station(station_id=room.pk, actor=cast.admin, is_active=False)


@EVERYWHERE
def test_a_holiday_closes_the_clinics_day_from_midnight_to_midnight(midnight, cast):
    with midnight("23:30:00", DAY - timedelta(days=2)):
        days = [(DAY - timedelta(days=1), 23), (DAY, 0), (DAY, 23), (NEXT, 0)]
        slots = [session_at(day, hour, doctor=cast.doctor, count=2).slots.last() for day, hour in days]
    with midnight("00:30:00", DAY - timedelta(days=1)):
        feast = services.Feast(DAY, "Cuti bersama", Holiday.Kind.JOINT_LEAVE)
        services.save_holiday(feast=feast, actor=cast.admin)
        for slot in slots:
            slot.refresh_from_db()
        assert [slot.is_closed for slot in slots] == [False, True, True, False]


@EVERYWHERE
@pytest.mark.parametrize("moment", ["00:10:00", "07:50:00"])
def test_early_visits_are_caught_up_with_in_the_clinics_day(midnight, cast, moment):
    with midnight("12:00:00", DAY - timedelta(days=3)):
        days = [(DAY, 0), (DAY, 9), (DAY, 23), (NEXT, 0), (NEXT, 9)]
        slots = [session_at(day, hour, doctor=cast.doctor, count=2).slots.last() for day, hour in days]
        booked = [AppointmentFactory(slot=slot, patient=PatientFactory(email="siti@surat.example")) for slot in slots]
    with midnight(moment):
        tasks.remind_tomorrow()
    ahead = booked[:2] if moment == "00:10:00" else booked[1:2]
    assert reminded() == {row.pk for row in ahead}
