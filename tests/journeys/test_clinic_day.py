"""The clinic's day through the real pages: one browser context per role, real mails, real PDF, the rows at the end."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from core.money import terbilang
from tests.journeys import steps
from tests.journeys.browsing import LIVE_WITHIN, Person, listening, path, pk_in, row, words
from tests.journeys.clinic import Clinic, Mailbox, now
from tests.journeys.steps import Case

pytestmark = pytest.mark.journey

DOCTOR, DOCTOR_NAME = "dr.fadli", "Fadli Chaniago"
PASSWORD = "Empat kata yang panjang 7 kali"
EMAIL = "wulan.pertiwi@surat.example"
MEDICINES = {"OB-0001": 15, "OB-0076": 9}  # paracetamol 500 mg; pseudoephedrine with triprolidine
LAST_HOUR = 22  # from then on a session of today makes no sense: the patient comes as a walk-in
HOSTILE = "<img src=x onerror=alert(1)>\"'😀"

MakePerson = Callable[..., Person]


def text_of_pdf(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


# --- The main journey -----------------------------------------------------------------------------------------------


def test_the_clinics_day(person: MakePerson, clinic: Clinic, mailbox: Mailbox) -> None:
    patient = person("wulan", phone=True)
    admin, doctor, list_of_doctor = person("admin"), person(DOCTOR), person(DOCTOR)
    reception, nurse = person("resepsionis"), person("ns.dewi")
    pharmacist, cashier = person("apt.asep"), person("kasir")
    case = Case("Wulan Sari Pertiwi")
    for staff in (admin, doctor, list_of_doctor, reception, nurse, pharmacist, cashier):
        staff.sign_in()

    sign_up(patient, case)
    record_number = activate(admin, case, mailbox)
    complete_profile(patient, record_number)
    future = book(patient, day=2)
    assert future.service
    approve_booking(admin, case, mailbox, count=1)

    listening(list_of_doctor.page, path("workspace:consultation-list"))
    expect(list_of_doctor.page.locator("#doctor-queue-panel")).to_be_visible()
    with list_of_doctor.lives():
        come_today(patient, doctor, admin, reception, case, mailbox)
        in_list = list_of_doctor.page.locator("#doctor-queue-panel li").filter(has_text=case.name)
        expect(in_list).to_have_count(1, timeout=LIVE_WITHIN)
        expect(in_list).to_contain_text(case.ticket)

    see_queue_number(patient, case)
    steps.measure(nurse, case, allergy="Amoksisilin", group="penisilin", reaction="Ruam seluruh badan")

    before = shelf(clinic, *MEDICINES)
    steps.open_queue(pharmacist)
    with pharmacist.lives():
        consult(doctor, case)
        expect(pharmacist.page.locator(".rx-card").filter(has_text=case.name)).to_have_count(1, timeout=LIVE_WITHIN)
    steps.arrives_at_pharmacy(pharmacist, case)
    promised = shelf(clinic, *MEDICINES)
    assert promised == {code: (units, reserved + MEDICINES[code]) for code, (units, reserved) in before.items()}
    steps.confirm_prices(pharmacist, case, changed={1: ("1.250", "Sesuai faktur terakhir")})
    mail = mailbox.wait(EMAIL, words("Your prescription is ready to collect"))
    assert re.search(r"INV/\d{4}/\d{2}/\d{6}", mail)

    due = steps.open_bill(cashier, case)
    assert due == 200_000 + 15 * 450 + 9 * 1_250
    steps.pay_cash(cashier, case, tendered=250_000)
    receipt = text_of_pdf(cashier.download(cashier.page.locator("a[href$='receipt.pdf']").get_attribute("href")))
    assert "Rp 250.000" in receipt.replace("Rp250", "Rp 250")
    assert case.name in receipt
    mailbox.wait(EMAIL, words("Thank you for your payment"))
    steps.hand_over(pharmacist, case)

    look_and_confirm(patient, case, due)
    refuse_the_wrong_people(person, cashier, patient, case)
    check_rows(clinic, mailbox, case, before, due)


def sign_up(patient: Person, case: Case) -> None:
    """Sign up on the phone; the door stays closed until the clinic has looked."""
    page = patient.go("accounts:home")
    page.locator(f"a[href='{path('patients:portal-sign-up')}']").click()
    page.fill("input[name=full_name]", case.name)
    page.fill("input[name=birth_date]", "1991-03-14")
    page.check("input[name=sex][value=female]")
    page.fill("input[name=phone]", "0812-7700-1234")
    page.fill("input[name=nik]", "2171015403910777")
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.check("input[name=consent]")
    page.locator(f"form[action='{path('patients:portal-sign-up')}'] button[type=submit]").dblclick()
    page.wait_for_url(f"**{path('patients:portal-sign-up-done')}")
    patient.allow(403, f"^{path('accounts:portal-login')}")
    patient.sign_in(EMAIL, PASSWORD, door="accounts:portal-login")
    expect(page.locator("h1")).to_have_text(words("This account is not active"))


def activate(admin: Person, case: Case, mailbox: Mailbox) -> str:
    """The admin opens the account; the mail names the record number."""
    page = admin.go("patients:registration-list")
    row(page, case.name).get_by_role("link").click()
    expect(page.locator("h1")).to_have_text(case.name)
    page.locator("form[action$='/activate/']:not(:has(input[name=existing_patient_id])) button").click()
    admin.confirm()
    page.wait_for_url(f"**{path('patients:registration-list')}")
    shown = re.search(r"\b\d{6}\b", page.locator("main .banner").first.inner_text())
    assert shown, "the record number is not shown to the admin"
    mail = mailbox.wait(EMAIL, words("Your account is active"))
    assert shown[0] in mail
    return shown[0]


def complete_profile(patient: Person, record_number: str) -> None:
    page = patient.sign_in(EMAIL, PASSWORD, door="accounts:portal-login")
    page.wait_for_url(f"**{path('workspace:portal-home')}")
    page.locator(f"nav a[href='{path('patients:portal-profile')}']").click()
    expect(page.locator("main")).to_contain_text(record_number)
    page.fill("input[name=birth_place]", "Batam")
    page.fill("input[name=address_line]", "Perumahan Mutiara Indah Blok C No. 7, Batam Kota")
    page.fill("input[name=mother_name]", "Rosmawati")
    page.locator(f"form[action='{path('patients:portal-profile')}'] button[type=submit]").click()
    expect(page.locator("main .banner-success")).to_be_visible()
    expect(page.locator("input[name=address_line]")).to_have_value(re.compile("Mutiara Indah"))


class Booked:
    """What the check page showed."""

    def __init__(self, pk: str, service: str) -> None:
        self.pk, self.service = pk, service


def book(patient: Person, *, day: int, at: str = "", service: str = "") -> Booked:
    """Book on the phone: doctor, day (0 is the first with free times), time, complaint, check page, pending."""
    page = patient.page
    page.goto(path("workspace:portal-home"))
    page.locator(f"nav a[href='{path('scheduling:portal-book')}']").click()
    offer = page.locator("a.row-link").filter(has_text=DOCTOR_NAME)
    (offer.filter(has_text=service) if service else offer).first.click()
    days = page.locator("nav.day-strip a")
    days.nth(day).click()
    expect(page.locator("nav.day-strip a[aria-current]")).to_have_count(1)
    times = page.locator(".slots a")
    (times.get_by_text(at, exact=True) if at else times.first).click()
    page.fill("textarea[name=complaint]", "Telinga kanan sakit dan berair sejak tiga hari.")
    page.locator("form:has(textarea[name=complaint]) button[type=submit]").click()
    page.wait_for_url(f"**{path('scheduling:portal-book-check')}*")
    sheet = page.locator("main").inner_text()
    assert DOCTOR_NAME in sheet
    assert "Telinga kanan sakit" in sheet
    if at:
        assert at in sheet
    page.locator(f"form[action='{path('scheduling:portal-book-confirm')}'] button.btn-primary").dblclick()
    page.wait_for_url("**/portal/appointments/*/?booked=1")
    expect(page.locator("h1")).to_have_text(words("Your booking is sent"))
    name = page.locator("dt", has_text=words("Service")).locator("+ dd").first.inner_text()
    return Booked(pk_in(page.url), name)


def approve_booking(admin: Person, case: Case, mailbox: Mailbox, *, count: int) -> None:
    page = admin.go("scheduling:appointment-list", query="?status=pending")
    expect(row(page, case.name)).to_have_count(1)
    row(page, case.name).locator("form[action$='/approve/'] button").click()
    expect(page.locator("main .banner-success")).to_be_visible()
    mail = mailbox.wait(EMAIL, words("Your booking is confirmed"), count=count)
    assert DOCTOR_NAME in mail


def come_today(patient: Person, doctor: Person, admin: Person, reception: Person, case: Case, mailbox: Mailbox) -> None:
    """Get the patient into the house today: through a session of today, or late in the evening as a walk-in."""
    steps.find(reception, "0812-7700-1234", case)
    if now().hour >= LAST_HOUR:
        steps.walk_in(reception, case, doctor=DOCTOR_NAME, complaint="Telinga kanan sakit dan berair sejak tiga hari.")
        return
    session = propose_session_today(doctor)
    page = admin.go("scheduling:session-list")
    line = page.locator(f"tr:has(a[href='{path('scheduling:session-detail', session.pk)}'])")
    line.locator("form[action$='/approve/'] button").click()
    expect(page.locator("main .banner-success")).to_be_visible()
    book(patient, day=0, at=session.first, service=session.service)
    appointment = patient.page.locator("#my-appointment")
    with patient.lives():
        approve_booking(admin, case, mailbox, count=2)
        expect(appointment.locator(".banner-success")).to_be_visible(timeout=LIVE_WITHIN)
    steps.check_in(reception, case, doctor=DOCTOR_NAME)


class Proposed:
    def __init__(self, pk: str, first: str, service: str) -> None:
        self.pk, self.first, self.service = pk, first, service


def propose_session_today(doctor: Person) -> Proposed:
    """Propose a session at the next full hour that is free; what the preview shows is what is made."""
    page = doctor.go("scheduling:session-propose")
    service = page.locator("select[name=service] option").first.inner_text().strip()
    page.fill("input[name=practice_on]", now().date().isoformat())
    page.check("input[name=slot_minutes][value='30']")
    page.fill("input[name=slot_count]", "1")
    preview = page.locator("#session-preview")
    start = (now() + timedelta(minutes=70)).replace(minute=0)  # ten minutes at least to book and approve
    for hour in range(start.hour, 24):
        with page.expect_response(f"**{path('scheduling:session-preview-panel')}"):
            page.fill("input[name=start_time]", f"{hour:02d}:00")
        expect(preview.locator("[data-slot-time]").first).to_contain_text(f"{hour:02d}.00")
        if preview.locator(".banner-warning").count() == 0:
            break
    shown = preview.locator("[data-slot-time]").all_inner_texts()
    assert len(shown) == 1
    page.locator("#session-form button.btn-primary").dblclick()
    page.wait_for_url(re.compile(r"/practice-sessions/[0-9a-f-]{36}/$"))
    assert page.locator("[data-slot-time]").all_inner_texts() == shown
    return Proposed(pk_in(page.url), shown[0].split("–")[0], service)


def see_queue_number(patient: Person, case: Case) -> None:
    page = patient.go("workspace:portal-home")
    expect(page.locator("main")).to_contain_text(case.ticket)


def consult(doctor: Person, case: Case) -> None:
    """The doctor sees the allergy first, writes, is stopped at the medicine that meets it, and signs."""
    page = steps.take_in(doctor, case)
    expect(page.locator(".patient-header")).to_contain_text("Amoksisilin")
    expect(page.locator(".patient-header")).to_contain_text("Ruam seluruh badan")
    expect(page.locator("textarea[name=subjective]")).to_have_value(re.compile("Telinga kanan sakit"))
    steps.write(
        doctor, fee="200.000", search="telinga nanah", code="H66.0",
        objective="Liang telinga kanan sekret mukopurulen, membran timpani hiperemis.",
        assessment="Otitis media supuratif akut dextra.",
        plan="Jangan kemasukan air. Kontrol lima hari lagi. <script>alert(2)</script>",
    )  # fmt: skip
    steps.prescribe(doctor, search="parasetamol", medicine="Parasetamol 500 mg", quantity="15")
    stopped = steps.prescribe(doctor, search="amoksisilin", medicine="Amoksisilin 500 mg")
    warning = page.locator(f"[data-line-warning='{stopped}'][data-needs-reason]")
    expect(warning).to_contain_text("Amoksisilin")
    page.locator(f"button[formaction='{path('workspace:consultation-review', case.visit_id)}']").click()
    expect(page.locator("[data-error-summary]")).to_contain_text("Amoksisilin")
    expect(page.locator(f"form[action='{path('workspace:consultation-finish', case.visit_id)}'] button")).to_have_count(
        0
    )
    page.locator("[data-error-summary] a").first.click()
    page.wait_for_url(f"**{path('workspace:consultation', case.visit_id)}*")
    expect(page.locator("[data-line]")).to_have_count(2)
    page.locator("[data-line].rx-row-stopped [data-line-remove]").click()
    steps.prescribe(doctor, search="pseudoefedrin", medicine="Pseudoefedrin + triprolidin", quantity="9")
    expect(page.locator("[data-line-warning]")).to_have_count(0)
    steps.sign(doctor, case)
    expect(page.locator("main")).to_contain_text("<script>alert(2)</script>")


def look_and_confirm(patient: Person, case: Case, due: int) -> None:
    """The patient reads visit, prescription and bill, keeps the invoice, and confirms."""
    page = patient.go("workspace:portal-home")
    page.locator(f"nav a[href='{path('workspace:portal-visits')}']").click()
    page.locator(f"a.row-link[href='{path('workspace:portal-visit', case.visit_id)}']").click()
    main = page.locator("main")
    for text in ("Otitis media supuratif akut", "Kontrol lima hari lagi", "Parasetamol", "Pseudoefedrin"):
        expect(main).to_contain_text(text)
    expect(main).to_contain_text(words("Paid"))
    address = page.locator("a[href$='invoice.pdf']").first.get_attribute("href")
    invoice = text_of_pdf(patient.download(address))
    flat = " ".join(invoice.split())
    assert re.search(r"INV/\d{4}/\d{2}/\d{6}", flat)
    assert f"{due:,}".replace(",", ".") in flat
    assert terbilang(due).casefold() in flat.casefold()
    assert case.name in flat
    page.locator("form[action$='/confirm/'] button").click()
    patient.confirm()
    expect(page.locator(".confirmed")).to_be_visible()
    expect(page.locator("form[action$='/confirm/']")).to_have_count(0)


def refuse_the_wrong_people(person: MakePerson, cashier: Person, patient: Person, case: Case) -> None:
    """Addresses of somebody else's work or record show the product's own refusal."""
    cashier.refused("workspace:consultation-list", status=403)
    cashier.refused("workspace:patient-chart", case.patient_id, status=403)
    patient.refused("workspace:cashier", status=404)
    patient.refused("patients:detail", case.patient_id, status=404)
    other = person("pasien", phone=True)
    other.sign_in(door="accounts:portal-login")
    other.refused("workspace:portal-visit", case.visit_id, status=404)
    other.refused("billing:portal-bill", case.invoice_id, status=404)
    other.refused("billing:portal-invoice-pdf", case.invoice_id, status=404)


# --- Two shorter journeys -------------------------------------------------------------------------------------------


def test_finished_without_medicine(person: MakePerson, clinic: Clinic, mailbox: Mailbox) -> None:
    """A patient goes without the medicines: the lines are cancelled, the bill is lower, the stock is free again."""
    patient = person("pasien", phone=True)
    doctor, reception = person("dr.rina"), person("resepsionis")
    pharmacist, cashier = person("apt.asep"), person("kasir")
    for staff in (doctor, reception, pharmacist, cashier):
        staff.sign_in()
    patient.sign_in(door="accounts:portal-login")
    case = Case("Tan Mei-Ling")
    steps.find(reception, "Tan Mei", case)
    steps.walk_in(reception, case, doctor="Rina Hartati", complaint="Bersin dan hidung gatal tiap pagi.")
    before = shelf(clinic, "OB-0152")["OB-0152"]
    steps.open_queue(pharmacist)
    steps.take_in(doctor, case)
    steps.write(
        doctor, fee="75.000", search="J00", code="J00", objective="Konka pucat.", assessment="Rinitis.",
        plan="Hindari debu.",
    )  # fmt: skip
    steps.prescribe(doctor, search="vitamin b kompleks", medicine="Vitamin B kompleks", quantity="10")
    steps.sign(doctor, case)
    steps.arrives_at_pharmacy(pharmacist, case)
    promised = shelf(clinic, "OB-0152")["OB-0152"]
    assert promised == (before[0], before[1] + 10)
    steps.confirm_prices(pharmacist, case)
    mailbox.wait("pasien@surat.example", words("Your prescription is ready to collect"))

    page = patient.go("workspace:portal-visit", case.visit_id)
    page.locator("form[action$='/without-medicine/'] button").click()
    patient.confirm()
    expect(page.locator("main .banner-success").first).to_be_visible()
    expect(page.locator("form[action$='/without-medicine/']")).to_have_count(0)

    assert steps.open_bill(cashier, case) == 75_000
    steps.pay_by_reference(cashier, case, method="qris", reference="QR-20261 7")
    after = outcome(clinic, case)
    assert after["status"] == "cancelled"
    assert shelf(clinic, "OB-0152")["OB-0152"] == before
    assert after["invoice"] == ["paid", 75_000, 75_000]
    assert after["charges"] == {"active": 1, "cancelled": 1}
    assert after["visit"] == "finished"


def test_a_hostile_name_is_text_everywhere(person: MakePerson, clinic: Clinic) -> None:
    """A name made of markup goes through the whole house as the text it is, also on paper. It comes as a walk-in."""
    doctor, reception, nurse = person("dr.rina"), person("resepsionis"), person("ns.dewi")
    pharmacist, cashier, admin = person("apt.asep"), person("kasir"), person("admin")
    for staff in (doctor, reception, nurse, pharmacist, cashier, admin):
        staff.sign_in()
    case = Case(HOSTILE)
    steps.register(reception, case, birth_date="1979-08-17", sex="male", phone="0813-6400-9988")
    found = Case(HOSTILE)
    steps.find(reception, "0813-6400-9988", found)
    assert found.patient_id == case.patient_id
    steps.walk_in(reception, case, doctor="Rina Hartati", complaint="Batuk <b>tebal</b> & pilek")
    expect(reception.go("scheduling:queue").locator(".queue-name").filter(has_text=HOSTILE)).to_have_count(1)
    steps.measure(nurse, case, allergy="<i>Udang</i>", group="", reaction='"Gatal"')
    steps.open_queue(pharmacist)
    page = steps.take_in(doctor, case)
    expect(page.locator(".patient-header")).to_contain_text("<i>Udang</i>")
    steps.write(doctor, fee="60.000", search="selesma", code="J00", plan="Istirahat <br> cukup.")
    steps.prescribe(doctor, search="parasetamol", medicine="Parasetamol 500 mg", quantity="10")
    steps.sign(doctor, case)
    steps.arrives_at_pharmacy(pharmacist, case)
    steps.confirm_prices(pharmacist, case)
    due = steps.open_bill(cashier, case)
    steps.pay_cash(cashier, case, tendered=due)
    for link in ("receipt.pdf", "invoice.pdf"):
        address = cashier.page.locator(f"a[href*='{link}']").first.get_attribute("href")
        assert "<img src=x onerror=alert(1)>" in " ".join(text_of_pdf(cashier.download(address)).split())
    steps.hand_over(pharmacist, case)
    labels = pharmacist.go("pharmacy:prescription-labels", case.prescription_id)
    expect(labels.locator(".etiket-patient").first).to_contain_text(HOSTILE)
    prescription = pharmacist.download(path("pharmacy:prescription-pdf", case.prescription_id))
    assert "<img src=x onerror=alert(1)>" in " ".join(text_of_pdf(prescription).split())
    expect(admin.go("workspace:consultation-all", query="?what=visits").locator("main")).to_contain_text(HOSTILE)


# --- What the rows say ----------------------------------------------------------------------------------------------


def shelf(clinic: Clinic, *codes: str) -> dict[str, tuple[int, int]]:
    """Return units on the shelf and units promised, by medicine; the batches hold what the medicine says."""
    rows = clinic.read(
        f"""
from django.db.models import Sum
from pharmacy.models import Medicine
answer = [
    [m.code, int(m.on_hand), int(m.reserved), int(m.batches.aggregate(n=Sum("quantity"))["n"])]
    for m in Medicine.objects.filter(code__in={list(codes)})
]
"""
    )
    assert all(units == in_batches for _code, units, _reserved, in_batches in rows)
    return {code: (units, reserved) for code, units, reserved, _in_batches in rows}


def outcome(clinic: Clinic, case: Case) -> dict[str, Any]:
    """Return where visit, prescription and bill stand."""
    return clinic.read(
        f"""
from billing.models import Invoice
from pharmacy.models import Prescription
prescription = Prescription.objects.select_related("visit").get(visit_id="{case.visit_id}")
invoice = Invoice.objects.get(encounter_id="{case.visit_id}")
statuses = list(invoice.charges.values_list("status", flat=True))
answer = {{
    "status": prescription.status,
    "visit": prescription.visit.status,
    "invoice": [invoice.status, invoice.total_idr, invoice.paid_idr],
    "charges": {{status: statuses.count(status) for status in sorted(set(statuses))}},
    "items": [
        [item.medicine.code, int(item.quantity), item.unit_price_idr, item.price_reason]
        for item in prescription.items.select_related("medicine").order_by("position")
    ],
}}
"""
    )


def check_rows(clinic: Clinic, mailbox: Mailbox, case: Case, before: dict[str, tuple[int, int]], due: int) -> None:
    """Stock fell by exactly what was handed over, the bill adds up, the audit tells the day in order, no mail twice."""
    after = outcome(clinic, case)
    assert after == {
        "status": "dispensed",
        "visit": "finished",
        "invoice": ["paid", due, due],
        "charges": {"active": 3},
        "items": [["OB-0001", 15, 450, ""], ["OB-0076", 9, 1_250, "Sesuai faktur terakhir"]],
    }
    assert shelf(clinic, *MEDICINES) == {
        code: (units - MEDICINES[code], reserved) for code, (units, reserved) in before.items()
    }
    rows = clinic.read(
        f"""
from audit.models import AuditEvent
from billing.models import Payment
from notifications.models import Email
from pharmacy.models import Dispense
from scheduling.models import Visit
visit = Visit.objects.get(pk="{case.visit_id}")
emails = Email.objects.filter(patient_id=visit.patient_id)
payments = Payment.objects.filter(invoice__encounter_id=visit.pk)
dispenses = Dispense.objects.filter(item__prescription__visit=visit)
answer = {{
    "audit": list(AuditEvent.objects.filter(patient_id=visit.patient_id).order_by("id").values_list("action", flat=True)),
    "payments": [[p.method, p.amount_idr, p.tendered_idr, p.change_idr] for p in payments],
    "dispensed": [[str(d.batch_id), d.batch.lot_number, int(d.quantity)] for d in dispenses.select_related("batch")],
    "emails": [[email.template, email.status, email.attempts] for email in emails.order_by("pk")],
    "confirmed": visit.patient_confirmed_at is not None,
}}
"""
    )
    assert rows["confirmed"]
    assert rows["payments"] == [["cash", due, 250_000, 250_000 - due]]
    assert sum(quantity for _batch, _lot, quantity in rows["dispensed"]) == 24
    assert all(lot for _batch, lot, _quantity in rows["dispensed"])
    check_audit(rows["audit"], with_session=now().hour < LAST_HOUR and "scheduling.visit.checked_in" in rows["audit"])
    check_mails(mailbox, rows["emails"])
    clinic.manage("check_stock")
    assert clinic.errors_in_logs() == []


def check_audit(actions: list[str], *, with_session: bool) -> None:
    """The events of the day stand in this order, others between them."""
    expected = [
        "patients.registration.activated", "patients.profile.completed", "scheduling.appointment.booked",
        "scheduling.appointment.approved",
        *(("scheduling.appointment.booked", "scheduling.appointment.approved", "scheduling.visit.checked_in")
          if with_session else ("scheduling.visit.walked_in",)),
        "patients.allergy.recorded", "consultations.vitals.recorded", "patients.chart.read",
        "consultations.note.signed", "pharmacy.prescription.created", "pharmacy.prescription.priced",
        "billing.payment.taken", "pharmacy.prescription.dispensed", "workspace.visit.confirmed",
    ]  # fmt: skip
    rest = iter(actions)
    for action in expected:
        assert action in rest, f"{action} is missing or out of order in {actions}"
    for once in ("patients.patient.registered", "consultations.note.signed", "billing.payment.taken",
                 "billing.invoice.issued", "pharmacy.prescription.dispensed", "workspace.visit.confirmed"):  # fmt: skip
        assert actions.count(once) == 1, f"{once} stands {actions.count(once)} times in the audit"


def check_mails(mailbox: Mailbox, rows: list[list[Any]]) -> None:
    """Every mail of the patient went out at the first try, once, without a name in its subject."""
    sent = mailbox.to(EMAIL)
    assert [row for row in rows if row[1:] != ["sent", 1]] == []
    assert len({mail["Message-ID"] for mail in sent}) == len(sent)
    assert len(sent) >= len(rows)
    assert not any("Wulan" in mail["Subject"] for mail in sent)
