"""Accounts from invitation to the end: mailed links, the first second step, and two browsers of one person."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsing import Person, path, second_step, words
from tests.journeys.clinic import Clinic, Mailbox

pytestmark = pytest.mark.journey

MakePerson = Callable[..., Person]

FIRST_PASSWORD = "Melati putih di beranda 31"
NEXT_PASSWORD = "Jembatan Barelang 6 pulau"
MAKE = """
from accounts.models import RoleAssignment, TotpDevice, User
user = User.objects.create_user("{name}", "{name}@klinik.example", "{password}", full_name="Dua {name}", kind="staff")
RoleAssignment.objects.create(user=user, role="nurse")
answer = [str(user.pk), TotpDevice.objects.create(user=user, name="Ponsel").secret_base32]
"""
CODES = """
from accounts import factors
answer = factors.make_backup_codes(user_id="{pk}")
"""


def link_in(mail: str) -> str:
    """Return the path of the link in a mail about an account."""
    found = re.search(r"https?://localhost:\d+(/account/link/[\w-]+/)", mail)
    assert found, mail
    return found[1]


def send(page: Page) -> None:
    """Send the first form of the page and wait for what comes."""
    with page.expect_navigation():
        page.locator("main form button.btn-primary").first.click()


def choose_password(page: Page, clinic: Clinic, password: str) -> None:
    clinic.typed_secrets.add(password)
    page.fill("input[name=new_password]", password)
    send(page)


def is_at(page: Page, name: str) -> bool:
    return urlsplit(page.url).path == path(name)


def expect_out(person: Person, name: str = "accounts:session-list") -> None:
    """The next click of this browser leads to the door."""
    person.go(name)
    expect(person.page.locator("main input[name=password]").first).to_be_visible()
    assert "/masuk/" in person.page.url


def expect_in(person: Person, name: str = "accounts:session-list") -> None:
    person.go(name)
    assert is_at(person.page, name), person.page.url


@pytest.fixture
def staff(clinic: Clinic) -> Callable[[str], str]:
    """Return a function that makes a nurse with an authenticator app; gives the account's id."""

    def make(name: str) -> str:
        pk, key = clinic.read(MAKE.format(name=name, password=FIRST_PASSWORD))
        clinic.typed_secrets.add(FIRST_PASSWORD)
        clinic.learn_key(name, key)
        return str(pk)

    return make


def enter(who: Person, password: str, codes: list[str]) -> None:
    """Sign in with the next backup code: an app shows a new one only every 30 seconds."""
    give_password(who, password)
    enter_backup_code(who.page, codes.pop())
    expect_in(who)


# --- From the invitation to the first page --------------------------------------------------------------------------


def test_an_invitation_becomes_an_account(person: MakePerson, clinic: Clinic, mailbox: Mailbox) -> None:
    address = "melati@klinik.example"
    admin = person("admin")
    admin.sign_in()
    page = admin.go("accounts:user-create")
    page.fill("input[name=username]", "ns.melati")
    page.fill("input[name=full_name]", "Melati Anggraini")
    page.fill("input[name=email]", address)
    page.check("input[name=roles][value=nurse]")
    send(page)
    expect(page.locator(".messages .banner")).to_be_visible()
    assert "/users/" in page.url
    link = link_in(mailbox.wait(address, words("Your staff account")))

    nurse = person("ns.melati", phone=True)
    page = nurse.page
    page.goto(link)
    assert is_at(page, "accounts:link-use"), "the secret left the address"
    nurse.allow(422, f"^{path('accounts:link-use')}$")
    choose_password(page, clinic, "melati123")
    expect(page.locator("[data-error-summary]")).to_be_visible()
    choose_password(page, clinic, FIRST_PASSWORD)
    assert is_at(page, "accounts:login"), "a new password signs nobody in"

    give_password(nurse, FIRST_PASSWORD)
    assert is_at(page, "accounts:factor-enrol")
    stranger = page.context.request.get(path("patients:search"), max_redirects=0)
    assert stranger.status == 302, "without the second step nothing opens"
    send(page)
    page.locator(".setup-steps summary").click()
    key = page.locator("#setup-key").inner_text().replace(" ", "")
    clinic.learn_key("ns.melati", key)
    page.fill("input[name=code]", clinic.code("ns.melati"))
    send(page)
    assert is_at(page, "accounts:backup-codes")
    codes = show_codes(page, clinic)
    page.check("main input[type=checkbox]")
    send(page)
    expect(page.locator("[data-sidebar-toggle]")).to_be_visible()
    expect_in(nurse, "consultations:vitals-list")

    other = person("ns.melati")
    other.allow(410, f"^{path('accounts:link-use')}$")
    other.page.goto(link)
    expect(other.page.locator("h1")).to_have_text(words("This link does not work any more"))
    give_password(other, FIRST_PASSWORD)
    other.allow(422, f"^{path('accounts:factor-verify')}")
    enter_backup_code(other.page, "aaaa-bbbb-cccc-dddd")
    assert is_at(other.page, "accounts:factor-verify")
    other.page.wait_for_timeout(2_500)  # after a wrong code even the right one is not looked at for a moment
    enter_backup_code(other.page, codes[0])
    expect_in(other)
    other.page.locator(f"main form[action='{path('accounts:logout')}'] button").first.click()
    give_password(other, FIRST_PASSWORD)
    enter_backup_code(other.page, codes[0])
    assert is_at(other.page, "accounts:factor-verify"), "a backup code works once"


def give_password(who: Person, password: str, *, login: str = "") -> None:
    page = who.go("accounts:login")
    page.locator("main input[name=login]").first.fill(login or who.username)
    page.locator("main input[name=password]").first.fill(password)
    send(page)


def show_codes(page: Page, clinic: Clinic) -> list[str]:
    send(page)
    codes = page.locator("#backup-codes code").all_inner_texts()
    assert len(codes) == len(set(codes)) == 10
    clinic.typed_secrets.update(codes, (code.replace("-", "").replace(" ", "") for code in codes))
    return codes


def enter_backup_code(page: Page, code: str) -> None:
    page.goto(f"{path('accounts:factor-verify')}?with=backup")
    page.fill("input[name=code]", code)
    send(page)


# --- Passwords and addresses ----------------------------------------------------------------------------------------


def test_a_forgotten_password(
    person: MakePerson, clinic: Clinic, mailbox: Mailbox, staff: Callable[[str], str]
) -> None:
    """By a mailed link, once; the second step is asked as before, and who was signed in is out."""
    staff("ns.lupa")
    before, now = person("ns.lupa"), person("ns.lupa", phone=True)
    before.may_lose_connection()
    before.sign_in("ns.lupa", FIRST_PASSWORD)
    page = now.go("accounts:login")
    page.locator(f"main a[href='{path('accounts:password-reset')}']").click()
    page.fill("input[name=login]", "siapa.pun")
    send(page)
    answer = page.locator("main").inner_text()
    page = now.go("accounts:password-reset")
    page.fill("input[name=login]", "ns.lupa")
    send(page)
    assert page.locator("main").inner_text() == answer, "the answer tells who has an account"
    link = link_in(mailbox.wait("ns.lupa@klinik.example", words("Choose a new password")))
    expect_in(before)
    page.goto(link)
    choose_password(page, clinic, NEXT_PASSWORD)
    assert is_at(page, "accounts:login")
    expect_out(before)
    now.allow(422, f"^{path('accounts:login')}")
    give_password(now, FIRST_PASSWORD)
    assert is_at(page, "accounts:login"), "the old password is over"
    give_password(now, NEXT_PASSWORD)
    assert is_at(page, "accounts:factor-verify")
    second_step(page, clinic, "ns.lupa")
    expect_in(now)
    mailbox.wait("ns.lupa@klinik.example", words("Your password was changed"))


def test_a_new_address(person: MakePerson, clinic: Clinic, mailbox: Mailbox, staff: Callable[[str], str]) -> None:
    """It counts once its link is opened; the old address is told at once."""
    staff("ns.surat")
    old, new = "ns.surat@klinik.example", "surat.baru@klinik.example"
    nurse = person("ns.surat", phone=True)
    nurse.sign_in("ns.surat", FIRST_PASSWORD)
    page = nurse.go("accounts:email-change")
    nurse.allow(422, f"^{path('accounts:email-change')}$")
    page.fill("input[name=new_email]", new)
    page.fill("input[name=current_password]", "bukan-ini-pasti")
    send(page)
    expect(page.locator("[data-error-summary]")).to_be_visible()
    page.fill("input[name=new_email]", new)
    page.fill("input[name=current_password]", FIRST_PASSWORD)
    send(page)
    expect(page.locator(".dl")).to_contain_text(old)
    link = link_in(mailbox.wait(new, words("Confirm your address")))
    assert "/account/link/" not in mailbox.wait(old, words("A new address was asked for"))
    page.goto(link)
    expect(page.locator("main")).to_contain_text(new)
    send(page)
    assert is_at(page, "accounts:email-change"), "the own session goes on"
    expect(page.locator(".dl")).to_contain_text(new)
    elsewhere = person("ns.surat")
    give_password(elsewhere, FIRST_PASSWORD, login=new)
    second_step(elsewhere.page, clinic, "ns.surat")
    expect_in(elsewhere)


# --- Two browsers of one person -------------------------------------------------------------------------------------


def test_what_ends_the_other_browser(person: MakePerson, clinic: Clinic, staff: Callable[[str], str]) -> None:
    """One ended session, a new password, new backup codes, and a closed account: out with the next click."""
    pk = staff("ns.dua")
    codes = clinic.read(CODES.format(pk=pk))
    here, there = person("ns.dua"), person("ns.dua")
    for one in (here, there):
        one.may_lose_connection()
    enter(here, FIRST_PASSWORD, codes)
    enter(there, FIRST_PASSWORD, codes)

    page = here.go("accounts:session-list")
    expect(page.locator(".session-row")).to_have_count(2)
    page.locator(".session-row form:not([action*='keluar']) button").click()
    expect(page.locator(".session-row")).to_have_count(1)
    expect_out(there)
    enter(there, FIRST_PASSWORD, codes)

    page = here.go("accounts:password-change")
    page.fill("input[name=current_password]", FIRST_PASSWORD)
    choose_password(page, clinic, NEXT_PASSWORD)
    expect_in(here)
    expect_out(there)
    enter(there, NEXT_PASSWORD, codes)

    codes = show_codes(here.go("accounts:backup-codes"), clinic)
    expect_in(here)
    expect_out(there)
    enter(there, NEXT_PASSWORD, codes)

    admin = person("admin")
    admin.sign_in()
    page = admin.go("accounts:user-edit", pk)
    page.locator(f"form[action='{path('accounts:user-deactivate', pk)}'] button").click()
    admin.confirm()
    expect(page.locator(".messages .banner")).to_be_visible()
    expect_out(here)
    expect_out(there)
    there.allow(403, "^/masuk/")
    give_password(there, NEXT_PASSWORD)
    assert "/masuk/" in there.page.url
    assert there.context.request.get(path("accounts:session-list"), max_redirects=0).status == 302
