"""The lock of a session that is left alone: when it comes, what it hides, and that nothing typed is lost."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from accounts import held, idle, services, sessions
from accounts.models import AccountSession
from audit.models import AuditEvent
from consultations.models import Note
from core import clock
from scheduling.models import Visit
from tests.conftest import sign_in
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import VisitFactory

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "rahasia-klinik-2026"
HOME = reverse("accounts:password-change")
STYLE = reverse("accounts:styleguide")
STATE, ACTIVE = reverse("accounts:session-state"), reverse("accounts:session-active")
UNLOCK, LOCK = reverse("accounts:session-unlock"), reverse("accounts:session-lock")
LOGIN, PORTAL = reverse("accounts:login"), reverse("accounts:portal-login")
JSON = {"Accept": "application/json"}
HTMX = {"HX-Request": "true"}


class Page(HTMLParser):
    """The form of a page, as a browser without script would send it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[tuple[str, list[tuple[str, str]]]] = []
        self._area = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag == "form":
            self.forms.append((named.get("action", ""), []))
        elif tag == "input" and named.get("name") and self.forms:
            self.forms[-1][1].append((named["name"], named.get("value", "")))
        elif tag == "textarea" and self.forms:
            self._area = [named["name"], ""]

    def handle_data(self, data):
        if self._area is not None:
            self._area[1] += data

    def handle_endtag(self, tag):
        if tag == "textarea" and self._area is not None:
            name, value = self._area
            self.forms[-1][1].append((name, value.removeprefix("\n")))
            self._area = None

    def fields_of(self, action: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in next(fields for address, fields in self.forms if address == action):
            found.setdefault(name, []).append(value)
        return found


def form_in(answer, action: str) -> dict[str, list[str]]:
    return Page(answer.content.decode()).fields_of(action)


@pytest.fixture
def at():
    """Return move(minutes, seconds) on a clock that stands still."""
    start = clock.now()
    with time_machine.travel(start, tick=False) as traveller:

        def move(minutes: float = 0, seconds: float = 0) -> None:
            traveller.move_to(start + timedelta(minutes=minutes, seconds=seconds))

        yield move


@pytest.fixture
def locked(cast, client_for, at):
    """Return a client of somebody whose session has just locked."""

    def make(user=None) -> Client:
        client = client_for(user or cast.nurse)
        at(15)
        return client

    return make


class TestWhen:
    @pytest.mark.parametrize("who", ["nurse", "patient_user"])
    def test_after_fifteen_minutes_not_before(self, cast, client_for, at, who):
        client = client_for(getattr(cast, who))
        at(14, 59)
        assert client.get(STATE).json()["state"] == "open"
        assert client.get(HOME).status_code == 200
        at(14 + 15, 58)
        assert client.get(HOME).status_code == 200, "what is done moves the end"
        at(14 + 30, 59)
        assert client.get(HOME).status_code == 423

    def test_one_second_after(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(15, 1)
        answer = client.get(HOME)
        assert answer.status_code == 423
        assert answer["Cache-Control"] == "no-store, private"
        assert AuditEvent.objects.filter(action="accounts.session.locked").count() == 1
        assert client.get(HOME).status_code == 423
        assert AuditEvent.objects.filter(action="accounts.session.locked").count() == 1

    @pytest.mark.parametrize(
        ("how", "counts"),
        [
            ({"path": HOME}, True),
            ({"path": HOME, "headers": {"Sec-Fetch-Mode": "navigate"}}, True),
            ({"path": ACTIVE, "method": "POST"}, True),
            ({"path": ACTIVE, "method": "POST", "headers": {"Sec-Fetch-Mode": "cors", "X-Passive": "1"}}, True),
            ({"path": reverse("accounts:preferences"), "method": "POST"}, True),
            ({"path": reverse("accounts:preferences"), "method": "POST", "headers": HTMX}, True),
            ({"path": reverse("notifications:notice-bell"), "headers": HTMX}, False),
            ({"path": reverse("notifications:notice-bell"), "headers": {"Sec-Fetch-Mode": "cors"}}, False),
            ({"path": STATE, "headers": {"X-Passive": "1"}}, False),
            ({"path": "/no-such-page/", "headers": {"Sec-Fetch-Mode": "no-cors"}}, False),
        ],
    )
    def test_what_counts_as_doing_something(self, cast, client_for, at, how, counts):
        client = client_for(cast.nurse)
        at(10)
        how = dict(how)
        path, method = how.pop("path"), how.pop("method", "GET")
        client.generic(method, path, **how)
        at(20)
        assert client.get(STATE, headers={"X-Passive": "1"}).json()["state"] == ("open" if counts else "locked")

    def test_typing_some_seconds_ago(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(10)
        assert client.post(ACTIVE, {"ago": "30"}, headers={"X-Passive": "1"}).json()["left"] == 15 * 60 - 30
        for ago in ("-5", "9999", "x", "", "1e9", "٣"):
            left = client.post(ACTIVE, {"ago": ago}, headers={"X-Passive": "1"}).json()["left"]
            assert 14 * 60 <= left <= 15 * 60

    def test_being_active_never_shortens(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(5)
        client.get(HOME)
        assert client.post(ACTIVE, {"ago": "60"}, headers={"X-Passive": "1"}).json()["left"] == 900

    def test_a_clock_set_forward_locks_and_one_set_back_does_not_open(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(60)
        assert client.get(HOME).status_code == 423
        at(1)
        assert client.get(HOME).status_code == 423, "locked stays locked"

    def test_a_clock_set_back_locks(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(10)
        client.get(HOME)
        at(5)
        assert client.get(HOME).status_code == 423

    @override_settings(IDLE_LOCK_MINUTES=0)
    def test_it_can_be_switched_off(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(11 * 60)
        answer = client.get(HOME)
        assert answer.status_code == 200
        assert client.get(STATE).json()["left"] is None
        client.post(LOCK)
        assert client.get(HOME).status_code == 423, "locking by hand still works"

    @override_settings(IDLE_LOCK_MINUTES=5)
    def test_it_can_be_shorter(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(5)
        assert client.get(HOME).status_code == 423

    def test_a_lost_cache_neither_opens_nor_throws_out(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(4)
        client.get(HOME)
        cache.clear()
        at(14)
        assert client.get(HOME).status_code == 200
        at(29, 1)
        assert client.get(HOME).status_code == 423
        cache.clear()
        assert client.get(HOME).status_code == 423

    def test_a_cache_that_is_down(self, cast, client_for, at, monkeypatch):
        client = client_for(cast.nurse)

        def down(*args, **kwargs):
            raise ConnectionError

        for name in ("get_many", "set", "delete"):
            monkeypatch.setattr(idle.cache, name, down, raising=False)
        at(10)
        assert client.get(HOME).status_code == 200
        at(20)
        assert client.get(HOME).status_code == 200, "the row was told"
        at(35)
        assert client.get(HOME).status_code == 423


class TestHidden:
    @pytest.mark.parametrize(
        "path",
        [HOME, "/", STYLE, "/no-such-page/", reverse("admin:index"), LOGIN, PORTAL, reverse("accounts:session-list")],
    )
    def test_every_page_is_the_lock(self, locked, path):
        answer = locked().get(path)
        assert answer.status_code == 423
        text = answer.content.decode()
        assert 'name="password"' in text
        assert "data-live-url" not in text
        assert "sidebar" not in text
        assert form_in(answer, UNLOCK)["next"] == [path]

    def test_no_page_of_a_patient_shines_through(self, cast, client_for, at):
        patient = PatientFactory(full_name="Siti Rahmawati", care_team=[cast.doctor])
        client = client_for(cast.doctor)
        path = f"/patients/{patient.pk}/"
        assert "Siti Rahmawati" in client.get(path).content.decode()
        at(15)
        assert "Siti Rahmawati" not in client.get(path).content.decode()
        assert client.get("/patients/00000000-0000-0000-0000-000000000000/").status_code == 423, (
            "no telling what exists"
        )

    def test_messages_wait_until_after(self, cast, client_for, at):
        client = client_for(cast.nurse)
        client.post(reverse("accounts:session-end-others"))  # leaves a message
        at(15)
        assert "messages" not in client.get(HOME).content.decode() or client.get(HOME).context["messages"] == []
        client.post(UNLOCK, {"password": PASSWORD, "next": HOME})
        assert len(client.get(HOME).context["messages"]) == 1

    @pytest.mark.parametrize("headers", [HTMX, JSON, {"Sec-Fetch-Mode": "cors"}])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_fragments_and_scripts_get_no_content(self, locked, headers, method):
        answer = locked().generic(method, reverse("notifications:notice-bell"), headers=headers)
        assert answer.status_code == 423
        assert set(answer.json()) == {"state", "left", "person", "csrf", "error"}
        assert "Location" not in answer
        assert "HX-Redirect" not in answer

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
    def test_other_methods_too(self, locked, method):
        assert locked().generic(method, HOME).status_code == 423

    def test_leaving_is_possible(self, locked):
        client = locked()
        assert client.post(reverse("accounts:logout"))["Location"] == LOGIN
        assert SESSION_KEY not in client.session

    def test_nothing_is_written_while_locked(self, cast, locked):
        client = locked()
        client.post(HOME, {"current_password": PASSWORD, "new_password": "Empat-kata-acak-99"})
        client.post(reverse("accounts:session-end-others"))
        cast.nurse.refresh_from_db()
        assert cast.nurse.check_password(PASSWORD)

    def test_the_state_says_no_more_than_it_must(self, cast, locked):
        assert Client().get(STATE).json()["state"] == "ended"
        told = locked().get(STATE).json()
        assert (told["state"], told["left"]) == ("locked", 0)
        assert cast.nurse.username not in json.dumps(told)
        assert str(cast.nurse.pk) not in json.dumps(told)

    def test_people_are_told_apart(self, cast, client_for):
        marks = {client_for(user).get(STATE).json()["person"] for user in (cast.nurse, cast.doctor)}
        assert len(marks) == 2


class TestUnlock:
    def test_somebody_elses_password_does_not(self, cast, locked):
        client = locked()
        cast.doctor.set_password("Kata-sandi-dokter-1")
        cast.doctor.save()
        answer = client.post(UNLOCK, {"password": "Kata-sandi-dokter-1", "next": HOME})
        assert answer.status_code == 422
        assert client.get(HOME).status_code == 423

    def test_the_password_opens_the_same_address(self, locked):
        client = locked()
        answer = client.post(UNLOCK, {"password": PASSWORD, "next": f"{HOME}?a=1"})
        assert (answer.status_code, answer["Location"]) == (302, f"{HOME}?a=1")
        assert client.get(HOME).status_code == 200
        assert AuditEvent.objects.filter(action="accounts.session.unlocked").count() == 1

    def test_by_script(self, locked):
        client = locked()
        wrong = client.post(UNLOCK, {"password": "salah"}, headers=JSON)
        assert (wrong.status_code, wrong.json()["state"]) == (422, "locked")
        assert wrong.json()["error"]
        told = client.post(UNLOCK, {"password": PASSWORD}, headers=JSON).json()
        assert (told["state"], told["left"]) == ("open", 900)

    def test_five_wrong_ones_end_the_session_and_the_same_address_opens_after_the_door(self, cast, locked):
        client = locked(cast.patient_user)
        page = reverse("patients:portal-profile")
        statuses = [client.post(UNLOCK, {"password": f"x{n}", "next": page}).status_code for n in range(4)]
        assert statuses == [422] * 4
        answer = client.post(UNLOCK, {"password": "x5", "next": page})
        assert (answer.status_code, answer["Location"]) == (302, f"{PORTAL}?next={page.replace('/', '%2F')}")
        assert SESSION_KEY not in client.session
        assert AccountSession.objects.get().ended_at is not None
        assert client.post(PORTAL, {"login": "siti", "password": PASSWORD}).status_code == 429, "one counter for all"
        with time_machine.travel(clock.now() + timedelta(minutes=15, seconds=1)):
            answer = client.post(answer["Location"], {"login": "siti", "password": PASSWORD, "next": page})
            assert answer["Location"] == page

    def test_wrong_ones_by_script_end_it_too(self, locked):
        client = locked()
        told = [client.post(UNLOCK, {"password": "x", "next": STYLE}, headers=JSON).json() for _index in range(5)]
        assert told[-1]["state"] == "ended"
        assert told[-1]["address"] == f"{LOGIN}?next=%2Fstyleguide%2F"

    @pytest.mark.parametrize(
        "target",
        ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "x" * 9000, "/" + "x" * 5000,
         "http://testserver.evil.example/", "\r\nSet-Cookie: a=b", "/a\r\nSet-Cookie: a=b"],
    )  # fmt: skip
    def test_it_leads_nowhere_else(self, locked, target):
        answer = locked().post(UNLOCK, {"password": PASSWORD, "next": target})
        assert (answer.status_code, answer["Location"]) == (302, "/")

    @pytest.mark.parametrize("password", ["", " ", "\0", "x" * 5000, "😀", "' or 1=1 --", "<script>alert(1)</script>"])
    def test_any_text(self, locked, password):
        answer = locked().post(UNLOCK, {"password": password, "next": "<script>"})
        assert answer.status_code == 422
        assert "<script>alert" not in answer.content.decode()

    def test_a_stranger_is_sent_to_the_door(self):
        answer = Client().post(UNLOCK, {"password": PASSWORD, "next": STYLE})
        assert answer["Location"] == f"{LOGIN}?next=%2Fstyleguide%2F"
        assert Client().post(UNLOCK, {"password": "x"}, headers=JSON).json()["state"] == "ended"

    def test_without_a_token_it_is_refused(self, cast, at):
        client = sign_in(Client(enforce_csrf_checks=True), cast.nurse)
        at(15)
        assert client.post(UNLOCK, {"password": PASSWORD, "next": HOME}).status_code == 423
        assert client.get(HOME).status_code == 423

    def test_two_tabs(self, cast, locked):
        client = locked()
        tab = Client()
        tab.cookies = client.cookies
        assert tab.get(STYLE).status_code == 423
        client.post(UNLOCK, {"password": PASSWORD, "next": HOME})
        assert tab.get(STYLE).status_code == 200
        answer = tab.post(UNLOCK, {"password": "anything", "next": STYLE})
        assert answer["Location"] == STYLE, "open already: nothing to prove, nothing counted"
        tab.post(LOCK, {"next": STYLE})
        assert client.get(HOME).status_code == 423

    @pytest.mark.parametrize("change", ["roles", "closed", "password"])
    def test_a_changed_account_cannot_be_unlocked(self, cast, locked, change):
        client = locked()
        if change == "roles":
            services.set_roles(user_id=cast.nurse.pk, actor=cast.admin, roles=["cashier"])
        elif change == "closed":
            services.deactivate_user(user_id=cast.nurse.pk, actor=cast.admin)
        else:
            services.change_own_password(user_id=cast.nurse.pk, new_password="Empat-kata-acak-99")
        for password in (PASSWORD, "Empat-kata-acak-99"):
            assert client.post(UNLOCK, {"password": password, "next": HOME})["Location"].startswith(LOGIN)
        assert client.get(HOME).status_code == 302

    def test_the_end_of_the_day_comes_to_locked_ones_too(self, cast, client_for, at):
        client = client_for(cast.nurse)
        at(15)
        assert client.get(HOME).status_code == 423
        at(12 * 60, 1)
        assert client.post(UNLOCK, {"password": PASSWORD, "next": HOME})["Location"].startswith(LOGIN)

    def test_lock_and_activity_at_once(self, cast, client_for, race):
        """A page that is fetched while "lock now" is pressed does not undo it."""
        client = client_for(cast.nurse)

        def fetch():
            other = Client()
            other.cookies = client.cookies
            return other.get(HOME).status_code

        for _round in range(3):
            race(lambda function: function(), [(lambda: client.post(LOCK).status_code,), *[(fetch,)] * 5])
            assert client.get(HOME).status_code == 423
            client.post(UNLOCK, {"password": PASSWORD})
            assert client.get(HOME).status_code == 200

    def test_forty_guesses_at_once(self, cast, locked, race):
        client = locked()

        def guess(number):
            other = Client()
            other.cookies = client.cookies
            return other.post(UNLOCK, {"password": f"x{number}"}, headers=JSON).json()["state"]

        race(guess, [(number,) for number in range(12)])
        assert client.get(HOME).status_code == 302, "the session is over"


class TestLockNow:
    def test_strangers(self):
        assert Client().post(LOCK)["Location"].startswith(LOGIN)

    def test_goes_back_to_the_page_and_hides_it(self, cast, client_for):
        client = client_for(cast.nurse)
        assert client.post(LOCK, {"next": STYLE})["Location"] == STYLE
        assert client.get(STYLE).status_code == 423
        assert AuditEvent.objects.get(action="accounts.session.locked").detail == {"why": "asked"}

    def test_by_script(self, cast, client_for):
        assert client_for(cast.nurse).post(LOCK, headers=JSON).status_code == 204

    def test_only_this_session(self, cast, client_for):
        here, there = client_for(cast.nurse), client_for(cast.nurse)
        here.post(LOCK)
        assert there.get(HOME).status_code == 200

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:x"])
    def test_leads_nowhere_else(self, cast, client_for, target):
        assert client_for(cast.nurse).post(LOCK, {"next": target})["Location"] == "/"

    def test_the_menu_offers_it(self, cast, client_for):
        for user, path in ((cast.nurse, STYLE), (cast.patient_user, reverse("patients:portal-profile"))):
            page = client_for(user).get(path).content.decode()
            assert LOCK in page
            assert reverse("accounts:session-list") in page


SOAP = {
    "version": "0",
    "objective": "Faring merah",
    "assessment": "ISPA",
    "plan": "Istirahat",
    "consultation_fee": "150.000",
}
NOTE = "Batuk tiga hari\r\n\r\n  «demam» <b>&amp; 'pilek'\r\nbaris \"empat\""


class TestHeldForms:
    @pytest.fixture
    def visit(self, cast):
        patient = PatientFactory(full_name="Rahmat Hidayat", care_team=[cast.doctor])
        return VisitFactory(doctor=cast.doctor, patient=patient, status=Visit.Status.IN_CONSULTATION)

    def test_a_note_sent_to_a_locked_session_is_saved_once_after_the_password(self, cast, client_for, at, visit):
        save = reverse("workspace:consultation-save", args=[visit.pk])
        client = client_for(cast.doctor)
        client.get(reverse("workspace:consultation", args=[visit.pk]))
        at(16)
        answer = client.post(save, {**SOAP, "subjective": NOTE})
        assert answer.status_code == 423
        assert not any(note.subjective for note in Note.objects.all())
        page = answer.content.decode()
        for word in ("Batuk", "Faring", "ISPA", "Istirahat", "Rahmat"):
            assert word not in page, "whoever stands before the lock reads nothing"
        form = form_in(answer, UNLOCK)
        assert client.post(UNLOCK, {**form, "password": "salah"}).status_code == 422
        wrong = form_in(client.post(UNLOCK, {**form, "password": "salah juga"}), UNLOCK)
        assert wrong["held"] == form["held"], "a wrong password loses nothing"
        first = client.post(UNLOCK, {**wrong, "password": PASSWORD})
        second = client.post(UNLOCK, {**wrong, "password": PASSWORD})  # a double click
        assert (first.status_code, second.status_code) == (200, 200)
        on = form_in(first, save)
        assert on["subjective"] == [NOTE]
        assert client.post(save, on).status_code in (200, 302)
        assert client.post(save, form_in(second, save)).status_code in (302, 409)
        notes = list(Note.objects.all())
        assert [note.subjective.replace("\r\n", "\n") for note in notes] == [NOTE.replace("\r\n", "\n")]
        assert notes[0].version == 1

    def test_nothing_of_it_is_kept_on_the_server(self, cast, client_for, at, visit):
        client = client_for(cast.doctor)
        at(16)
        client.post(reverse("workspace:consultation-save", args=[visit.pk]), {**SOAP, "subjective": "Batuk-tiga-hari"})
        assert "Batuk-tiga-hari" not in str(dict(client.session.items()))
        assert not [event for event in AuditEvent.objects.all() if "Batuk" in str(event.__dict__)]

    def test_values_in_order_and_hostile_ones(self, locked):
        client = locked()
        data = {
            "a": ["1", "2", "1"],
            "<script>alert(1)</script>": ['"><img src=x onerror=alert(1)>'],
            "x" * 300: ["ü\0😀"],
        }
        answer = client.post(HOME, data)
        on = client.post(UNLOCK, {**form_in(answer, UNLOCK), "password": PASSWORD})
        text = on.content.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        fields = form_in(on, HOME)
        assert fields["a"] == ["1", "2", "1"]
        assert fields["<script>alert(1)</script>"] == ['"><img src=x onerror=alert(1)>']

    def test_passwords_and_codes_are_not_carried(self, locked):
        client = locked()
        answer = client.post(
            HOME, {"current_password": "lama-sekali", "new_password": "baru-sekali", "code": "123456", "q": "x"}
        )
        on = client.post(UNLOCK, {**form_in(answer, UNLOCK), "password": PASSWORD})
        assert set(form_in(on, HOME)) == {"csrfmiddlewaretoken", "q"}

    def test_files_are_not_carried_and_that_is_said(self, locked):
        client = locked()
        answer = client.post(HOME, {"q": "x", "photo": SimpleUploadedFile("a.png", b"\x89PNG" * 10)})
        assert answer.context["waiting"].has_files is True
        assert form_in(client.post(UNLOCK, {**form_in(answer, UNLOCK), "password": PASSWORD}), HOME)["q"] == ["x"]

    def test_a_large_text_fits(self, locked):
        client = locked()
        text = "panjang " * 100_000
        answer = client.post(HOME, {"q": text})
        on = client.post(UNLOCK, {**form_in(answer, UNLOCK), "password": PASSWORD})
        assert form_in(on, HOME)["q"] == [text]

    @pytest.mark.parametrize("data", [{"q": "x" * 1_100_000}, {f"f{n}": "" for n in range(1001)}])
    def test_too_much_is_said(self, locked, data):
        answer = locked().post(HOME, data)
        assert answer.status_code == 423
        assert (answer.context["form_held"], answer.context["is_lost"]) == ("", True)

    def test_a_form_without_fields_is_no_loss_worth_a_fault(self, locked):
        assert locked().post(HOME).status_code == 423

    @pytest.mark.parametrize("text", ["", "x", "s1.AAAA", "s1." + "A" * 3000, "{}", "é"])
    def test_forged_ones_are_ignored(self, locked, text):
        answer = locked().post(UNLOCK, {"password": PASSWORD, "next": STYLE, "held": text})
        assert answer["Location"] == STYLE

    def test_one_of_somebody_else_is_ignored(self, cast, client_for, at):
        mine, theirs = client_for(cast.nurse), client_for(cast.doctor)
        at(15)
        form = form_in(theirs.post(HOME, {"q": "punya dokter"}), UNLOCK)
        answer = mine.post(UNLOCK, {**form, "password": PASSWORD})
        assert answer.status_code == 302

    def test_an_old_one_is_ignored(self, cast, client_for, at, rf):
        request = rf.post(HOME, {"q": "x"})
        request.user = cast.nurse
        text = held.hold(request)
        assert held.release(text, cast.nurse).fields == (("q", "x"),)
        at(12 * 60, 1)
        assert held.release(text, cast.nurse) is None

    def test_the_back_address_is_the_page_of_the_form(self, locked):
        client = locked()
        referer = f"http://testserver{STYLE}?a=1"
        assert form_in(client.post(HOME, {"q": "x"}, headers={"Referer": referer}), UNLOCK)["next"] == [f"{STYLE}?a=1"]
        foreign = client.post(HOME, {"q": "x"}, headers={"Referer": "https://evil.example/a"})
        assert form_in(foreign, UNLOCK)["next"] == ["/"]


class TestFrame:
    def test_a_page_knows_how_long_it_stays_open(self, cast, client_for, at):
        client = client_for(cast.nurse)
        page = client.get(STYLE)
        assert page.context["session_page"]["left"] == 900
        assert 'data-session-left="900"' in page.content.decode()

    def test_strangers_pages_have_no_lock(self):
        page = Client().get(LOGIN).content.decode()
        assert "session-lock-template" not in page
        assert "data-session-person" not in page

    def test_locking_in_the_service_is_once(self, cast, client_for):
        client_for(cast.nurse)
        row = AccountSession.objects.get()
        assert [sessions.lock(row_id=row.pk, actor=cast.nurse, why="idle") for _index in range(2)] == [True, False]
        assert idle.standing(row.pk).status is idle.Status.LOCKED
        assert sessions.unlock(row_id=row.pk, actor=cast.nurse)
        assert idle.standing(row.pk).is_open


def test_the_setting_has_a_sane_default():
    assert settings.IDLE_LOCK_MINUTES == 15
