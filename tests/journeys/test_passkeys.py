"""Passkeys in a real browser with an authenticator of its own: every ceremony, both doors, and the refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsing import Person, path, words
from tests.journeys.clinic import Clinic

pytestmark = pytest.mark.journey

PASSWORD = "empat kata yang panjang 7 Sekali"
MAKE = """
from accounts.models import RoleAssignment, User
user = User.objects.create_user("{name}", "{name}@klinik.example", "{password}", full_name="Kunci {name}", kind="{kind}")
RoleAssignment.objects.create(user=user, role="{role}")
if user.kind == "patient":
    from tests.factories.patients import PatientFactory
    PatientFactory(user=user, full_name=user.full_name)
answer = str(user.pk)
"""
NO_AUTOFILL = "if (window.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false;"

MakePerson = Callable[..., Person]


class Key:
    """The authenticator of one browser tab, as a telephone has: it stores passkeys and knows its owner."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("WebAuthn.enable")
        self._id = self.add()

    def add(self, **options: Any) -> str:
        shape = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        made = self._devtools.send("WebAuthn.addVirtualAuthenticator", {"options": {**shape, **options}})
        return str(made["authenticatorId"])

    def touch(self, on: bool) -> None:
        """Say whether the owner answers at once."""
        self._devtools.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self._id, "enabled": on})

    def knows_owner(self, on: bool) -> None:
        """Say whether finger, face or PIN fit."""
        self._devtools.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": on})

    def passkeys(self) -> list[dict[str, Any]]:
        found = self._devtools.send("WebAuthn.getCredentials", {"authenticatorId": self._id})
        return list(found["credentials"])

    def put(self, passkey: dict[str, Any]) -> None:
        """Store a passkey as if it had been made here."""
        self._devtools.send("WebAuthn.addCredential", {"authenticatorId": self._id, "credential": passkey})

    def forget(self) -> None:
        self._devtools.send("WebAuthn.clearCredentials", {"authenticatorId": self._id})


def make(clinic: Clinic, name: str, *, role: str = "nurse", kind: str = "staff") -> str:
    """Make an account without second factor; return its id."""
    clinic.typed_secrets.add(PASSWORD)
    return str(clinic.read(MAKE.format(name=name, password=PASSWORD, role=role, kind=kind)))


def give_password(who: Person, *, door: str = "accounts:login") -> Page:
    page = who.go(door)
    form = page.locator("main form").first
    form.locator("input[name=login]").fill(who.username)
    form.locator("input[name=password]").fill(PASSWORD)
    with page.expect_navigation():
        form.locator("button[type=submit]").click()
    return page


def use(page: Page) -> None:
    page.locator("[data-passkey-start]").click()


def arrive(page: Page, name: str = "") -> None:
    """Wait until the tab shows a page; without `name`, any page behind the doors."""
    if name:
        page.wait_for_url(lambda address: urlsplit(address).path == path(name))
    else:
        page.wait_for_url(lambda address: "/masuk/" not in urlsplit(address).path)


def enrol(who: Person) -> Page:
    """Sign in for the first time, make a passkey, keep the backup codes."""
    page = give_password(who)
    arrive(page, "accounts:factor-enrol")
    use(page)
    arrive(page, "accounts:backup-codes")
    return page


def is_signed_in(who: Person) -> bool:
    answer = who.context.request.get(path("accounts:password-change"), max_redirects=0)
    return answer.status == 200


def leave(who: Person) -> None:
    """Sign out, and stay away from the doors."""
    who.context.clear_cookies()
    who.page.goto("about:blank")


def devices(who: Person) -> Page:
    """Open the page of one's own devices; the factor was proven just now."""
    return who.go("accounts:device-list")


@pytest.fixture
def keyed(person: MakePerson, clinic: Clinic) -> Callable[..., tuple[Person, Key]]:
    """Return a function that gives a new person with an authenticator; passkeys are not offered in the field."""

    def build(name: str, *, autofill: bool = False, account: bool = True, **options: Any) -> tuple[Person, Key]:
        if account:
            make(clinic, name, **{key: options.pop(key) for key in ("role", "kind") if key in options})
        who = person(name, **options)
        if not autofill:
            who.context.add_init_script(NO_AUTOFILL)
        return who, Key(who.page)

    return build


def test_enrol_second_factor_and_step_up(keyed: Any, clinic: Clinic) -> None:
    nurse, key = keyed("kunci.satu", phone=True)
    page = enrol(nurse)
    assert is_signed_in(nurse)
    [passkey] = key.passkeys()
    assert passkey["isResidentCredential"]
    assert passkey["rpId"] == "localhost"

    leave(nurse)
    page = give_password(nurse)
    arrive(page, "accounts:factor-verify")
    assert not is_signed_in(nurse)
    key.knows_owner(False)  # after a password the key in the hand is enough
    use(page)
    arrive(page)
    assert is_signed_in(nurse)
    key.knows_owner(True)

    page.goto(f"{path('accounts:factor-confirm')}?next={path('accounts:password-change')}")
    use(page)
    arrive(page, "accounts:password-change")
    rows = clinic.read(
        "from audit.models import AuditEvent\n"
        "answer = [row.detail['purpose'] for row in AuditEvent.objects.filter(action='accounts.factor.proven',"
        " detail__kind='passkey', actor_name='Kunci kunci.satu').order_by('pk')]"
    )
    assert rows == ["verify", "confirm"]


def test_without_a_password(keyed: Any) -> None:
    nurse, key = keyed("kunci.dua")
    enrol(nurse)
    leave(nurse)
    page = nurse.page
    page.goto(f"{path('accounts:login')}?next={path('accounts:password-change')}")
    use(page)
    arrive(page, "accounts:password-change")
    assert is_signed_in(nurse)

    leave(nurse)
    page = nurse.go("accounts:login")
    key.knows_owner(False)
    use(page)
    expect(page.locator("[data-passkey-error]")).to_be_visible()
    assert not is_signed_in(nurse)
    expect(page.locator("[data-passkey-start]")).to_be_enabled()


def test_offered_in_the_field(keyed: Any) -> None:
    nurse, key = keyed("kunci.tiga", autofill=True)
    enrol(nurse)
    leave(nurse)
    with nurse.page.expect_navigation(url=re.compile(r"^(?!.*/masuk/)")):
        nurse.page.goto(path("accounts:login"))  # the owner picks the passkey as soon as it is offered
    assert is_signed_in(nurse)

    leave(nurse)
    key.touch(False)
    with nurse.page.expect_response(f"**{path('accounts:passkey-sign-in-begin')}"):
        nurse.page.goto(path("accounts:login"))
    nurse.page.wait_for_timeout(300)
    key.touch(True)  # counts from the next question on
    with nurse.page.expect_response(f"**{path('accounts:passkey-sign-in-begin')}"):
        use(nurse.page)  # the button takes the place of the offer
    arrive(nurse.page)
    assert is_signed_in(nurse)


def test_the_wrong_door(keyed: Any, clinic: Clinic) -> None:
    nurse, _key = keyed("kunci.empat")
    enrol(nurse)
    leave(nurse)
    nurse.allow(422, path("accounts:passkey-sign-in"))
    page = nurse.go("accounts:portal-login")
    use(page)
    expect(page.locator("[data-passkey-error-text]")).to_have_text(
        words("This passkey was not accepted. Try again, or choose another way.")
    )
    assert not is_signed_in(nurse)

    patient, _patients_key = keyed("kunci.pasien", kind="patient", role="patient", phone=True)
    page = give_password(patient, door="accounts:portal-login")
    page = devices(patient)
    use(page)
    arrive(page, "accounts:factor-confirm")  # without a factor the password is asked again
    page.fill("input[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    arrive(page, "accounts:device-list")
    use(page)
    arrive(page, "accounts:backup-codes")
    expect(devices(patient).locator(".device-name")).to_have_count(1)
    leave(patient)
    patient.allow(422, path("accounts:passkey-sign-in"))
    page = patient.go("accounts:login")
    use(page)
    expect(page.locator("[data-passkey-error]")).to_be_visible()
    assert not is_signed_in(patient)
    page = patient.go("accounts:portal-login")
    use(page)
    arrive(page)
    assert is_signed_in(patient)


def test_a_second_device_and_a_removed_one(keyed: Any) -> None:
    nurse, key = keyed("kunci.lima")
    enrol(nurse)
    page = devices(nurse)
    expect(page.locator(".device-name")).to_have_text([re.compile(r"^Chrome")])
    use(page)  # this device has one already
    expect(page.locator("[data-passkey-error-text]")).to_have_text(
        words("This device has a passkey for your account already.")
    )
    [first] = key.passkeys()
    key.forget()  # another device
    use(page)
    arrive(page, "accounts:backup-codes")
    page = devices(nurse)
    expect(page.locator(".device-name")).to_have_count(2)
    assert is_signed_in(nurse), "the own session goes on"
    [second] = key.passkeys()

    page.locator(".device-actions a").filter(has_text=words("Remove")).first.click()
    page.locator("main form button[type=submit]").last.click()
    arrive(page, "accounts:device-list")
    expect(page.locator(".device-name")).to_have_count(1)

    leave(nurse)
    key.forget()
    key.put(first)
    nurse.allow(422, path("accounts:passkey-sign-in"))
    page = nurse.go("accounts:login")
    use(page)
    expect(page.locator("[data-passkey-error]")).to_be_visible()
    assert not is_signed_in(nurse)
    key.forget()
    key.put(second)
    use(page)
    arrive(page)
    assert is_signed_in(nurse)


def test_where_passkeys_cannot_work(person: MakePerson, clinic: Clinic) -> None:
    """The address of the machine instead of the site's own, an old browser, one without the newest helpers."""
    old = person("siapa")
    old.context.add_init_script("delete window.PublicKeyCredential;")
    page = old.go("accounts:login")
    expect(page.locator("[data-passkey-unable]")).to_be_visible()
    expect(page.locator("[data-passkey-start]")).to_be_hidden()
    elsewhere = person("lain")
    other = "https://rekam.klinik.example"

    def of_another_address(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, body=answer.text().replace(f'data-origin="{clinic.url}"', f'data-origin="{other}"')
        )

    elsewhere.page.route(f"**{path('accounts:login')}", of_another_address)
    page = elsewhere.go("accounts:login")
    expect(page.locator("[data-passkey-elsewhere]")).to_be_visible()
    expect(page.locator("[data-passkey-start]")).to_be_hidden()


def test_browsers_without_the_newest_helpers(keyed: Any) -> None:
    nurse, _key = keyed("kunci.enam")
    nurse.context.add_init_script(
        "for (const name of ['parseCreationOptionsFromJSON', 'parseRequestOptionsFromJSON'])"
        " delete window.PublicKeyCredential?.[name];"
    )
    enrol(nurse)
    leave(nurse)
    page = nurse.go("accounts:login")
    use(page)
    arrive(page)
    assert is_signed_in(nurse)


def test_a_session_that_ended_leads_to_the_door(keyed: Any) -> None:
    nurse, _key = keyed("kunci.tujuh")
    enrol(nurse)
    page = devices(nurse)
    nurse.context.clear_cookies(name=re.compile("session"))
    use(page)
    arrive(page, "accounts:login")
