"""The pages of the clinic's day, by who looks at them: where each is and how to get there from a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.journeys.browsing import path

ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Stop:
    """One page. `follow`: patterns of addresses; from the route the first link that matches is opened, then the next."""

    name: str
    route: str
    query: str = ""
    follow: tuple[str, ...] = ()
    act: Callable[[Page], None] | None = None

    def open(self, page: Page) -> None:
        """Bring the tab to this page."""
        page.goto(path(self.route) + self.query)
        for pattern in self.follow:
            page.wait_for_load_state("networkidle")
            page.goto(_link(page, pattern))
        if self.act is not None:
            self.act(page)
        page.wait_for_load_state("networkidle")


def _link(page: Page, pattern: str) -> str:
    """Return the first address on the page that matches as a whole, without its query."""
    addresses = page.locator("main a[href]").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    wanted = re.compile(pattern.replace("ID", ID))
    for address in addresses:
        if wanted.fullmatch(address.split("#")[0].split("?")[0]):
            return address
    raise AssertionError(f"no link like {pattern} on {page.url}; there are {sorted(set(addresses))[:40]}")


def _write_complaint(page: Page) -> None:
    page.fill("textarea[name=complaint]", "Telinga kanan berdenging sejak seminggu.")
    page.locator("form:has(textarea[name=complaint]) button[type=submit]").click()
    page.wait_for_url("**/check/*")


def _send_empty(page: Page) -> None:
    """Show the page with its errors."""
    page.locator("main form:has(input[name=full_name]) button[type=submit]").last.click()
    page.locator("[data-error-summary]").wait_for()


def _find_a_patient(page: Page) -> None:
    page.locator("#patient-q").fill("siti")
    page.locator("[data-result]").first.wait_for()


def _write_on(page: Page) -> None:
    page.locator("#consultation-panel .card-accent a").first.click()
    page.wait_for_url("**/note/")


def _review(page: Page) -> None:
    _write_on(page)
    if not page.locator("[data-diagnosis-list] [data-diagnosis]").count():
        page.locator("#diagnosis-search-ts-control").press_sequentially("J06", delay=20)
        page.locator("#diagnosis-search-ts-dropdown .option").first.click()
    page.locator("button[formaction$='/review/']").click()
    page.locator("form[action$='/finish/']").wait_for(state="attached")


def _open_first(page: Page, then: str = "") -> None:
    """Open the first found patient, and a page from there."""
    _find_a_patient(page)
    page.goto(page.locator("[data-result]").first.get_attribute("href") or "")
    if then:
        page.goto(_link(page, then))


VISIT = "/portal/visits/ID/"
DAY = {
    "stranger": (
        Stop("welcome", "accounts:home"),
        Stop("staff-door", "accounts:login"),
        Stop("patient-door", "accounts:portal-login"),
        Stop("sign-up", "patients:portal-sign-up"),
        Stop("sign-up-errors", "patients:portal-sign-up", act=_send_empty),
        Stop("sign-up-done", "patients:portal-sign-up-done"),
        Stop("forgot", "accounts:password-reset"),
        Stop("forgot-patient", "accounts:portal-password-reset"),
        Stop("forgot-sent", "accounts:portal-password-reset-sent"),
    ),
    "pasien": (
        Stop("home", "workspace:portal-home"),
        Stop("book-doctor", "scheduling:portal-book"),
        Stop("book-time", "scheduling:portal-book", follow=("/portal/book/times/",)),
        Stop("book-complaint", "scheduling:portal-book", follow=("/portal/book/times/", "/portal/book/complaint/")),
        Stop(
            "book-check",
            "scheduling:portal-book",
            follow=("/portal/book/times/", "/portal/book/complaint/"),
            act=_write_complaint,
        ),
        Stop("appointments", "scheduling:portal-appointment-list"),
        Stop("appointment", "scheduling:portal-appointment-list", follow=("/portal/appointments/ID/",)),
        Stop("visits", "workspace:portal-visits"),
        Stop("visit", "workspace:portal-visits", follow=(VISIT,)),
        Stop("bills", "billing:portal-bills"),
        Stop("bill", "billing:portal-bills", follow=("/portal/bills/ID/",)),
        Stop("profile", "patients:portal-profile"),
        Stop("notices", "notifications:notice-list"),
        Stop("devices", "accounts:device-list"),
        Stop("confirm", "accounts:factor-confirm"),
        Stop("email-change", "accounts:email-change"),
        Stop("messages", "support:portal-message-list"),
    ),
    "admin": (
        Stop("overview", "reports:dashboard"),
        Stop("registrations", "patients:registration-list"),
        Stop("registration", "patients:registration-list", follow=("/patients/registrations/ID/",)),
        Stop("appointments", "scheduling:appointment-list"),
        Stop("appointment", "scheduling:appointment-list", follow=("/appointments/ID/",)),
        Stop("reject", "scheduling:appointment-list", "?status=pending", follow=("/appointments/ID/reject/",)),
        Stop("sessions", "scheduling:session-list"),
        Stop("session", "scheduling:session-list", follow=("/practice-sessions/ID/",)),
        Stop("calendar", "scheduling:calendar"),
        Stop("all-consultations", "workspace:consultation-all"),
        Stop("all-visits", "workspace:consultation-all", "?what=visits"),
        Stop("users", "accounts:user-list"),
        Stop("user", "accounts:user-list", follow=("/users/ID/",)),
        Stop("user-new", "accounts:user-create"),
        Stop("user-new-errors", "accounts:user-create", act=_send_empty),
        Stop("records-missing", "patients:missing-record-list"),
        Stop("emails", "notifications:email-list"),
        Stop("notices", "notifications:notice-list"),
        Stop("support", "support:inbox"),
        Stop("devices", "accounts:device-list"),
        Stop("device-add-app", "accounts:device-add-app"),
        Stop("device-rename", "accounts:device-list", follow=(r"/account/devices/app/\d+/name/",)),
        Stop("device-remove", "accounts:device-list", follow=(r"/account/devices/app/\d+/remove/",)),
        Stop("confirm", "accounts:factor-confirm"),
        Stop("backup-codes", "accounts:backup-codes"),
        Stop("styleguide", "accounts:styleguide"),
    ),
    "dr.rina": (
        Stop("overview", "reports:dashboard"),
        Stop("my-patients", "workspace:consultation-list"),
        Stop("consultation", "workspace:consultation-list", act=_write_on),
        Stop("review", "workspace:consultation-list", act=_review),
        Stop("visit", "workspace:consultation-list", follow=("/consultations/ID/",)),
        Stop("chart", "workspace:consultation-list", follow=("/consultations/ID/", "/patients/ID/chart/")),
        Stop("sessions", "scheduling:session-list"),
        Stop("session-new", "scheduling:session-propose"),
        Stop("queue", "scheduling:queue"),
    ),
    "resepsionis": (
        Stop("overview", "reports:dashboard"),
        Stop("search", "patients:search", act=_find_a_patient),
        Stop("register", "patients:register"),
        Stop("register-errors", "patients:register", act=_send_empty),
        Stop("patient", "patients:search", act=_open_first),
        Stop("book", "patients:search", act=lambda page: _open_first(page, "/patients/ID/book/")),
        Stop("walk-in", "patients:search", act=lambda page: _open_first(page, "/patients/ID/walk-in/")),
        Stop("edit", "patients:search", act=lambda page: _open_first(page, "/patients/ID/edit/")),
        Stop("appointments-today", "scheduling:appointment-list", "?view=today"),
        Stop("queue", "scheduling:queue"),
        Stop("messages", "support:message-list"),
    ),
    "ns.dewi": (
        Stop("overview", "reports:dashboard"),
        Stop("vitals", "consultations:vitals-list"),
        Stop("measure", "consultations:vitals-list", follow=("/vitals/visits/ID/",)),
        Stop("allergies", "consultations:vitals-list", follow=("/vitals/visits/ID/", "/patients/ID/allergies/")),
    ),
    "apt.asep": (
        Stop("overview", "reports:dashboard"),
        Stop("worklist", "pharmacy:queue"),
        Stop("prescription", "pharmacy:queue", follow=("/prescriptions/ID/",)),
        Stop("labels", "pharmacy:queue", follow=("/prescriptions/ID/", "/prescriptions/ID/labels/")),
        Stop("history", "pharmacy:prescription-list"),
        Stop("stock", "pharmacy:stock"),
        Stop("medicine", "pharmacy:stock", follow=("/medicines/ID/",)),
        Stop("receive", "pharmacy:stock", follow=("/medicines/ID/", "/medicines/ID/receive/")),
    ),
    "kasir": (
        Stop("overview", "reports:dashboard"),
        Stop("cashier", "workspace:cashier"),
        Stop("bill", "workspace:cashier", follow=("/bills/ID/",)),
        Stop("paid", "workspace:cashier", "?tab=paid"),
        Stop("paid-bill", "workspace:cashier", "?tab=paid", follow=("/bills/ID/",)),
    ),
    "pemilik": (Stop("overview", "reports:dashboard"),),
}
PORTAL = ("stranger", "pasien")

# --- The back office --------------------------------------------------------------------------------------------------

ROW = "/back-office/[a-z]+/[a-z]+/[^/]+/change/"
HISTORY = "/back-office/[a-z]+/[a-z]+/[^/]+/history/"
TABLES = (
    "accounts_user", "audit_auditevent", "consultations_diagnosiscode", "patients_patient", "pharmacy_batch",
    "pharmacy_medicine", "pharmacy_stockmovement", "scheduling_service",
)  # fmt: skip
SHEETS = ("consultations_diagnosiscode", "pharmacy_medicine", "scheduling_service")
SERVICE_SHEET = (
    "code,name_id,name_en,specialty,duration_minutes,price_idr,booking_mode,queue_prefix,is_active\n"
    "SHEET1,Layanan dari berkas,Service from a file,umum,15,150000,approval,S,1\n"
)


def _preview_import(page: Page) -> None:
    """Send a sheet and stop before it is confirmed."""
    page.locator("input[type=file]").set_input_files(
        {"name": "layanan.csv", "mimeType": "text/csv", "buffer": SERVICE_SHEET.encode()}
    )
    page.locator("select[name=format]").select_option(label="csv")
    page.locator("main form input[type=submit], main form button[type=submit]").first.click()
    page.locator("form[action$='/process_import/']").wait_for()


def _confirm_import(page: Page) -> None:
    _preview_import(page)
    page.locator("form[action$='/process_import/'] [type=submit]").click()
    page.wait_for_url("**/service/**")


def _save_nothing(page: Page) -> None:
    """Show the form with its errors."""
    page.locator("input[name=_save]").click()
    page.locator(".errornote").wait_for()


BACK_OFFICE = (
    Stop("index", "admin:index"),
    *(Stop(f"{table}-list", f"admin:{table}_changelist") for table in TABLES),
    *(Stop(f"{table}-row", f"admin:{table}_changelist", follow=(ROW,)) for table in TABLES),
    Stop("history", "admin:scheduling_service_changelist", follow=(ROW, HISTORY)),
    *(Stop(f"{table}-add", f"admin:{table}_add") for table in SHEETS),
    Stop("add-errors", "admin:scheduling_service_add", act=_save_nothing),
    *(Stop(f"{table}-import", f"admin:{table}_import") for table in SHEETS),
    Stop("import-preview", "admin:scheduling_service_import", act=_preview_import),
    Stop("import-done", "admin:scheduling_service_import", act=_confirm_import),
    *(Stop(f"{table}-export", f"admin:{table}_export") for table in SHEETS),
    Stop("search-nothing", "admin:pharmacy_medicine_changelist", "?q=xyzzy"),
    Stop("filtered", "admin:pharmacy_medicine_changelist", "?is_active__exact=1"),
)
