"""What people at the clinic do, click by click. Each step ends with what its screen must show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from tests.journeys.browsing import LIVE_WITHIN, Person, listening, path, pk_in, row, words

TICKET = re.compile(r"^[A-Z]\d{3}$|^[A-Z]-?\d+$")


@dataclass
class Case:
    """One visit as the journey knows it."""

    name: str
    patient_id: str = ""
    visit_id: str = ""
    ticket: str = ""
    prescription_id: str = ""
    invoice_id: str = ""
    medicines: list[str] = field(default_factory=list)


def rupiah(text: str) -> int:
    """Return the amount in a text such as "Rp 215.000"."""
    found = re.search(r"Rp\s*([\d.]+)", text.replace("\xa0", " "))
    assert found, text
    return int(found[1].replace(".", ""))


# --- Reception ------------------------------------------------------------------------------------------------------


def register(reception: Person, case: Case, *, birth_date: str, sex: str, phone: str) -> None:
    """Reception registers somebody who stands at the desk; the allergy question is left for the nurse."""
    page = reception.go("patients:register")
    page.fill("input[name=full_name]", case.name)
    page.fill("input[name=birth_date]", birth_date)
    page.check(f"input[name=sex][value={sex}]")
    page.fill("input[name=phone]", phone)
    page.select_option("select[name=nik_missing]", "not_shown")
    page.locator("[data-register-button]").click()
    page.wait_for_url("**/registered/")
    case.patient_id = pk_in(page.url)
    expect(page.locator("main")).to_contain_text(case.name)
    expect(page.locator(".registered-number")).to_have_text(re.compile(r"^\d{6}$"))


def find(somebody: Person, typed: str, case: Case) -> None:
    """Search a patient by typing, as staff do, and open the record by keyboard."""
    page = somebody.go("patients:search")
    page.locator("#patient-q").press_sequentially(typed, delay=15)
    expect(page.locator(".patient-new input[name=q]")).to_have_value(typed)  # no longer the people opened lately
    found = page.locator("[data-result]").filter(has_text=case.name)
    expect(found).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/patients/[0-9a-f-]{36}/$"))
    case.patient_id = pk_in(page.url)


def walk_in(reception: Person, case: Case, *, doctor: str, complaint: str) -> None:
    """Reception gives somebody without an appointment a queue number."""
    page = reception.go("scheduling:walk-in", case.patient_id)
    choice = page.locator("select[name=choice]")
    choice.select_option(choice.locator("option").filter(has_text=doctor).first.get_attribute("value"))
    page.fill("textarea[name=complaint]", complaint)
    page.locator("form.card button[type=submit]").click()
    _take_slip(page, case)


def check_in(reception: Person, case: Case, *, doctor: str) -> None:
    """Reception notes that the patient of today's appointment is here."""
    page = reception.go("scheduling:appointment-list", query="?view=today")
    filters = page.locator("form.filter-bar:has(select[name=doctor])")
    doctors = filters.locator("select[name=doctor]")
    doctors.select_option(doctors.locator("option").filter(has_text=doctor).get_attribute("value"))
    filters.locator("button[type=submit]").click()
    page.wait_for_url("**doctor=*")
    expect(page.locator("nav.tabs a[href$='view=today'][aria-current]")).to_have_count(1)
    row(page, case.name).locator("form[action$='/check-in/'] button").click()
    _take_slip(page, case)


def _take_slip(page: Page, case: Case) -> None:
    page.wait_for_url("**/ticket/")
    case.visit_id = pk_in(page.url)
    case.ticket = page.locator(".slip-number").inner_text().strip()
    assert TICKET.match(case.ticket), case.ticket
    assert case.name not in page.locator("main").inner_text(), "the slip with the number shows no name"


# --- Nurse ----------------------------------------------------------------------------------------------------------


def measure(nurse: Person, case: Case, *, allergy: str = "", group: str = "", reaction: str = "") -> None:
    """The nurse asks about allergies and takes the vital signs."""
    page = nurse.go("consultations:vitals-list")
    row(page, case.name).locator(f"a[href='{path('consultations:vitals-record', case.visit_id)}']").click()
    expect(page.locator("h1")).to_contain_text(case.name)
    if allergy:
        page.goto(page.locator(f"a[href$='{path('patients:allergies', case.patient_id)}']").first.get_attribute("href"))
        form = page.locator(f"form[action='{path('patients:allergy-add', case.patient_id)}']")
        if not form.is_visible():
            page.locator("details:has(form[action$='/allergies/add/']) > summary").click()
        form.locator("[name=substance] + .ts-wrapper input").fill(allergy)
        form.locator("[name=substance] + .ts-wrapper input").press("Enter")
        if not form.locator("select[name=group]").is_visible():
            form.locator("[data-more] > summary").click()
        form.locator("select[name=group]").select_option(group)
        form.locator("input[name=reaction]").fill(reaction)
        form.locator("button[type=submit]").click()
        expect(page.locator("#allergies-panel .allergy-list")).to_contain_text(allergy)
        expect(page.locator("#patient-allergy-strip")).to_contain_text(allergy)
        page.goto(path("consultations:vitals-record", case.visit_id))
    values = {
        "systolic_mmhg": "118", "diastolic_mmhg": "76", "heart_rate_bpm": "82", "respiratory_rate_bpm": "18",
        "temperature_c": "37,9", "oxygen_saturation_percent": "98", "weight_kg": "54,5", "height_cm": "158",
    }  # fmt: skip
    for name, value in values.items():
        page.fill(f"input[name={name}]", value)
    page.locator("form:has(input[name=weight_kg]) button[type=submit]").click()
    page.wait_for_url(f"**{path('consultations:vitals-list')}")
    expect(page.locator("#vitals-panel")).to_contain_text(case.ticket)


# --- Doctor ---------------------------------------------------------------------------------------------------------


def take_in(doctor: Person, case: Case) -> Page:
    """The doctor opens the patient from the own list and starts."""
    page = doctor.go("workspace:consultation-list")
    page.locator("#doctor-queue-panel").get_by_role("link", name=case.name).click()
    page.locator(f"form[action='{path('workspace:consultation-start', case.visit_id)}'] button").click()
    page.wait_for_url(f"**{path('workspace:consultation', case.visit_id)}")
    expect(page.locator("h1")).to_contain_text(case.name)
    return page


def write(doctor: Person, *, fee: str, search: str, code: str, **soap: str) -> None:
    """The doctor writes the note, picks a diagnosis by search and sets the fee."""
    page = doctor.page
    for name, text in soap.items():
        page.fill(f"textarea[name={name}]", text)
    doctor.choose("diagnosis-search", search, code)
    expect(page.locator("[data-diagnosis-list] [data-diagnosis]").filter(has_text=code)).to_have_count(1)
    page.fill("input[name=consultation_fee]", fee)


def prescribe(doctor: Person, *, search: str, medicine: str, quantity: str = "") -> str:
    """The doctor adds one medicine by search; returns the number of the line in the form."""
    page = doctor.page
    page.locator("[data-line-add]").click()
    line = page.locator("[data-lines] [data-line]").last
    number = line.get_attribute("data-line")
    doctor.choose(f"line-{number}-medicine", search, re.compile(re.escape(medicine), re.IGNORECASE))
    expect(line.locator("input[name$=-signa]")).not_to_have_value("")
    if quantity:
        line.locator("input[name$=-quantity]").fill(quantity)
    return number


def sign(doctor: Person, case: Case) -> None:
    """The doctor reviews and signs, with a double click."""
    page = doctor.page
    page.locator(f"button[formaction='{path('workspace:consultation-review', case.visit_id)}']").click()
    page.wait_for_url(f"**{path('workspace:consultation-review', case.visit_id)}")
    form = page.locator(f"form[action='{path('workspace:consultation-finish', case.visit_id)}']")
    form.locator("button[type=submit]").dblclick()
    page.wait_for_url(f"**{path('workspace:visit-detail', case.visit_id)}")
    expect(page.locator("#note-title")).to_be_visible()


# --- Pharmacist -----------------------------------------------------------------------------------------------------


def open_queue(pharmacist: Person) -> None:
    """The pharmacist has the worklist in front of them, with a live connection."""
    listening(pharmacist.page, path("pharmacy:queue"))


def arrives_at_pharmacy(pharmacist: Person, case: Case) -> None:
    """The prescription stands in the open worklist by itself; the pharmacist opens it."""
    card = pharmacist.page.locator(".rx-card").filter(has_text=case.name)
    expect(card).to_have_count(1, timeout=LIVE_WITHIN)
    card.click()
    pharmacist.page.wait_for_url(re.compile(r"/prescriptions/[0-9a-f-]{36}/$"))
    case.prescription_id = pk_in(pharmacist.page.url)


def confirm_prices(pharmacist: Person, case: Case, *, changed: dict[int, tuple[str, str]] | None = None) -> None:
    """The pharmacist checks the prescription and confirms prices; `changed`: line position → price and reason."""
    page = pharmacist.page
    form = page.locator(f"form[action='{path('pharmacy:prescription-confirm-prices', case.prescription_id)}']")
    for position, (price, reason) in (changed or {}).items():
        line = form.locator(".rx-line").nth(position)
        line.locator("input[name^=price-]").fill(price)
        line.locator("input[name^=reason-]").fill(reason)
    for name in ("administrative", "pharmaceutical", "clinical"):
        form.locator(f"input[name={name}]").check()
    form.locator("button[type=submit]").click()
    pharmacist.confirm()
    expect(page.locator(".page-header-sub")).to_contain_text(words("Waiting for payment"))


def hand_over(pharmacist: Person, case: Case) -> None:
    """The pharmacist compares name and birth date and gives the medicines."""
    page = pharmacist.go("pharmacy:prescription-detail", case.prescription_id)
    form = page.locator(f"form[action='{path('pharmacy:prescription-dispense', case.prescription_id)}']")
    expect(form).to_contain_text(case.name)
    form.locator("input[name=is_identity_verified]").check()
    form.locator("button[type=submit]").click()
    pharmacist.confirm()
    expect(form).to_have_count(0)
    expect(page.locator("main")).to_contain_text(words("Handed over"))


# --- Cashier --------------------------------------------------------------------------------------------------------


def open_bill(cashier: Person, case: Case) -> int:
    """The cashier opens the patient's unpaid bill; returns what is to pay."""
    page = cashier.go("workspace:cashier")
    row(page, case.name).locator("td.actions a").click()
    page.wait_for_url(re.compile(r"/bills/[0-9a-f-]{36}/$"))
    case.invoice_id = pk_in(page.url)
    return int(page.locator("[data-money-change]").get_attribute("data-due"))


def pay_cash(cashier: Person, case: Case, *, tendered: int) -> None:
    """The cashier takes cash and sees the change; the form goes out three times, two of them at once."""
    page = cashier.page
    due = int(page.locator("[data-money-change]").get_attribute("data-due"))
    page.fill("input[name=tendered_idr]", str(tendered))
    expect(page.locator("[data-money-change]")).to_contain_text(f"{tendered - due:,}".replace(",", "."))
    answers = page.evaluate(
        """async () => {
          const form = document.querySelector("[data-payment-form]");
          const send = () => fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
          const answers = await Promise.all([send(), send()]);
          return answers.map((answer) => [answer.status, answer.url]);
        }"""
    )
    assert [status for status, _url in answers] == [200, 200], answers
    assert answers[0] == answers[1], "the two clicks made two payments"
    page.locator("[data-payment-form] button[type=submit]").dblclick()
    page.wait_for_url(answers[0][1])
    expect(page.locator("main")).to_contain_text(f"{tendered - due:,}".replace(",", "."))


def pay_by_reference(cashier: Person, case: Case, *, method: str, reference: str) -> None:
    """The cashier takes a payment with a reference number."""
    page = cashier.page
    page.check(f"input[name=method][value={method}]")
    page.fill("input[name=reference]", reference)
    page.locator("[data-payment-form] button[type=submit]").click()
    page.wait_for_url(re.compile(r"/payments/[0-9a-f-]{36}/$"))
    expect(page.locator("main")).to_contain_text(reference)
