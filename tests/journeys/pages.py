"""The pages of the clinic's day, by who looks at them: where each is and how to get there from a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import Page

from tests.journeys.browsing import path
from tests.journeys.scenes import NEWCOMER

KNOWN, SOMEBODY = "000001", "siti"  # who is searched for
PARTS = "[hx-trigger*='load'], [data-chart], .htmx-request"
ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Ways = dict[tuple[str, ...], str]  # route, query, patient and steps -> the address they lead to


@dataclass(frozen=True)
class Stop:
    """One page. `patient`: typed on the search page, and the first record found is opened. `follow`: steps from there; a
    pattern stands for the first link whose address matches it, anything without a slash in front is relative to the page."""

    name: str
    route: str
    query: str = ""
    patient: str = ""
    follow: tuple[str, ...] = ()
    act: Callable[[Page], None] | None = None

    def open(self, page: Page, ways: Ways) -> None:
        """Bring the tab to this page. `ways`: what this person's tab found already; a step is walked once."""
        start = (self.route, self.query, self.patient)
        steps = len(self.follow)
        while steps and (*start, *self.follow[:steps]) not in ways:
            steps -= 1
        known = ways.get((*start, *self.follow[:steps]))
        page.goto(known or path(self.route) + self.query)
        if self.patient and not known:
            ways[start] = _find_a_patient(page, self.patient)
            page.goto(ways[start])
        for step in range(steps, len(self.follow)):
            _settle(page)
            part = self.follow[step]
            address = _link(page, part) if part.startswith("/") else urljoin(page.url, part)
            ways[(*start, *self.follow[: step + 1])] = address
            page.goto(address)
        if self.act is not None:
            self.act(page)
            ways.clear()  # it may have changed where the links lead
        _settle(page)


def _settle(page: Page) -> None:
    """Wait for the parts that a page fetches by itself; most pages have none and are complete when they are loaded."""
    page.wait_for_load_state("load")
    if page.locator(PARTS).count():
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


def _open_booked_time(page: Page) -> None:
    """Open the panel of the last booked time of the day: the one most likely to lie ahead."""
    page.locator("td.is-booked a[data-slot]").last.click()
    page.locator("[data-slot-panel]").wait_for()


def _send_empty(page: Page) -> None:
    """Show the page with its errors."""
    page.locator("main form:has(input[name=full_name]) button[type=submit]").last.click()
    page.locator("[data-error-summary]").wait_for()


def _send_empty_time_off(page: Page) -> None:
    """Show the form with its errors."""
    page.locator("input[name=first_on]").fill("")
    page.locator("main form button[type=submit]").last.click()
    page.locator("[data-error-summary]").wait_for()


def _sit_down(page: Page) -> None:
    """Choose the first station, when none is chosen yet."""
    choice = page.locator("button[name=station]")
    if choice.count():
        with page.expect_navigation():
            choice.first.click()


def _make_screen(page: Page, kind: str = "board") -> None:
    page.locator(f"input[name=kind][value={kind}]").check()
    page.locator("input[name=name]").fill("Layar uji")
    page.locator("main form:has(input[name=name]) button[type=submit]").click()
    page.locator("#made-link").wait_for()


def _open_screen(page: Page, kind: str) -> None:
    _make_screen(page, kind)
    page.goto(urlsplit(page.locator("#made-link").input_value()).path)


def _take_a_number(page: Page) -> None:
    _open_screen(page, "kiosk")
    page.locator("button[name=priority][value='']").click()
    page.locator(".kiosk-number").wait_for()


def _find_a_patient(page: Page, typed: str) -> str:
    """Search as staff do; return the address of the first record found."""
    page.locator("#patient-q").fill(typed)
    found = page.locator("[data-result]", has_text=re.compile(re.escape(typed), re.IGNORECASE)).first
    found.wait_for()
    return found.get_attribute("href") or ""


def _search(page: Page) -> None:
    _find_a_patient(page, SOMEBODY)


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


def _at_the_door(page: Page, username: str, way: str = "") -> None:
    """Give the password of a demo person and stop at the second step."""
    page.context.clear_cookies()  # no other sign-in waits here
    page.goto(path("accounts:login"))
    page.locator("details:has(input[name=login]) > summary").click()
    with page.expect_navigation():
        page.locator(f"form:has(input[name=login][value='{username}']) button[type=submit]").click()
    if way:
        page.goto(f"{path('accounts:factor-verify')}?with={way}")


def _set_up_an_app(page: Page) -> None:
    _at_the_door(page, NEWCOMER)
    with page.expect_navigation():
        page.locator("section:has(#choice-app) button[type=submit]").click()
    page.locator(".setup-steps details summary").click()


def _show_backup_codes(page: Page) -> None:
    page.locator("main form button[type=submit]").first.click()
    page.locator("#backup-codes").wait_for()


def _make_calendar_link(page: Page) -> None:
    page.locator("form[action$='/my-calendar/make/'] button").click()
    if page.locator("#confirm-dialog[open]").count():  # there is one already
        page.locator("#confirm-dialog [data-confirm-yes-button]").first.click()
    page.locator("#feed-link").wait_for()


def _show_persons(page: Page) -> None:
    page.locator(".person-strip summary").click()


def _as_the_child(page: Page) -> None:
    _show_persons(page)
    with page.expect_navigation():
        page.locator(".person-choice:not([aria-current])").first.click()


def _as_oneself(page: Page) -> None:
    _show_persons(page)
    with page.expect_navigation():
        page.locator(".person-choice").first.click()


def _to_family_times(page: Page) -> None:
    with page.expect_navigation():
        page.locator("form:has(input[name=people]) button[type=submit]").click()
    page.locator("button.run").first.wait_for()


def _to_family_check(page: Page) -> None:
    _to_family_times(page)
    with page.expect_navigation():
        page.locator("button.run").first.click()
    page.locator("input[name=slots]").first.wait_for(state="attached")


def _find_in_emergency(page: Page) -> None:
    page.fill("#id_number", "000007")
    with page.expect_navigation():
        page.locator("main form button[type=submit]").click()
    page.locator("main .line-rows").wait_for()


def _to_the_reason(page: Page) -> None:
    _find_in_emergency(page)
    with page.expect_navigation():
        page.locator("main .line-rows a.btn").first.click()


def _lock(page: Page) -> None:
    page.locator(".user-button").click()
    page.locator("[data-lock-now] button").click()
    page.locator("#session-lock[open]").wait_for()


def _of_record(prefix: str, *pages: tuple[str, ...]) -> tuple[Stop, ...]:
    """Return the stops of the record of the demo's own patient, who has everything; each row is a name and the steps."""
    return tuple(
        Stop(f"{prefix}{name}", "patients:search", patient=KNOWN, follow=tuple(steps)) for name, *steps in pages
    )


def _refuse_a_file(page: Page) -> None:
    """Show the page with the files that were refused."""
    page.locator("input[type=file]").first.set_input_files(
        {"name": "hasil.pdf", "mimeType": "application/pdf", "buffer": b"not a document"}
    )
    page.select_option("select[name=category]", index=1)
    page.locator("form[data-upload] button[type=submit]").click()
    page.locator(".upload-row[data-tone=bad]").wait_for()


def _checked_import(page: Page, then: str = "") -> None:
    """Open the list of patients that was checked, and wait for the worker where it has not ended."""
    page.goto(page.locator("main a", has_text="pasien-lama.csv").get_attribute("href") or "")
    for _second in range(CHECKED_WITHIN):
        if page.locator("form[action$='/start/']").count():
            break
        page.wait_for_timeout(1_000)
        page.reload()
    if then:
        page.goto(_link(page, then))


def _ask_for_a_list(page: Page) -> None:
    page.locator("main form:has([name=reason]) [type=submit]").click()
    page.wait_for_url("**/jobs/*/")


def _to_staff_family_times(page: Page) -> None:
    with page.expect_navigation():
        page.locator("button[formaction$='/times/']").click()


def _to_staff_family_check(page: Page) -> None:
    _to_staff_family_times(page)
    with page.expect_navigation():
        page.locator("button.run").first.click()
    page.locator("input[name=idempotency_key]").wait_for(state="attached")


CHECKED_WITHIN = 40  # seconds
PAIR, MERGE, IMPORT = "/patients/duplicates/ID/", "/patients/merges/ID/", "/patients/imports/ID/"
BREACH, DOCUMENT = "/patients/breaches/ID/", "/patients/documents/ID/"
POLICY, CONSENT = "/patients/coverages/ID/", "/patients/consents/ID/"
VISIT, FAMILY = "/portal/visits/ID/", "/patients/ID/book-family/"
BOOKING = "/portal/appointments/ID/"
BOOK = "/patients/ID/book/"  # on that page, a doctor's times
SESSION, SERIES = "/practice-sessions/ID/", "/session-series/ID/"
# Sessions that are not over, in whatever zone this process lives.
AHEAD = f"?status=approved&first={datetime.now(UTC).date() + timedelta(days=2)}"
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
        Stop("link-ended", "accounts:link-use"),
        Stop("schedule", "scheduling:public-schedule"),
        Stop("schedule-times", "scheduling:public-schedule", follow=("/schedule/times/",)),
        Stop("schedule-choice", "scheduling:public-schedule", follow=("/schedule/times/", "/schedule/choice/")),
        Stop("second-step", "accounts:login", act=lambda page: _at_the_door(page, "resepsionis")),
        Stop("second-step-backup", "accounts:login", act=lambda page: _at_the_door(page, "resepsionis", "backup")),
        Stop("second-step-new", "accounts:login", act=lambda page: _at_the_door(page, NEWCOMER)),
        Stop("second-step-new-app", "accounts:login", act=_set_up_an_app),
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
        Stop("appointment-move", "scheduling:portal-appointment-list", follow=(BOOKING, f"{BOOKING}move/")),
        Stop(
            "appointment-move-check",
            "scheduling:portal-appointment-list",
            follow=(BOOKING, f"{BOOKING}move/", f"{BOOKING}move/check/"),
        ),
        Stop("appointment-cancel", "scheduling:portal-appointment-list", follow=(BOOKING, f"{BOOKING}cancel/")),
        Stop("waiting-list", "scheduling:portal-waitlist"),
        Stop("waiting-list-offer", "scheduling:portal-waitlist", follow=(BOOKING,)),
        Stop("waiting-list-join", "scheduling:portal-waitlist-join"),
        Stop("reminders", "scheduling:portal-reminders"),
        Stop("family-people", "scheduling:portal-book", follow=("/portal/book/times/", "/portal/book/family/")),
        Stop(
            "family-times",
            "scheduling:portal-book",
            follow=("/portal/book/times/", "/portal/book/family/"),
            act=_to_family_times,
        ),
        Stop(
            "family-check",
            "scheduling:portal-book",
            follow=("/portal/book/times/", "/portal/book/family/"),
            act=_to_family_check,
        ),
        Stop("family-appointments", "scheduling:portal-family-list"),
        Stop("visits", "workspace:portal-visits"),
        Stop("visit", "workspace:portal-visits", follow=(VISIT,)),
        Stop("bills", "billing:portal-bills"),
        Stop("bill", "billing:portal-bills", follow=("/portal/bills/ID/",)),
        Stop("profile", "patients:portal-profile"),
        Stop("health", "patients:portal-health"),
        Stop("documents", "patients:portal-documents"),
        Stop("document", "patients:portal-documents", follow=("/portal/documents/ID/",)),
        Stop("document-add", "patients:portal-document-add"),
        Stop("images", "patients:portal-images"),
        Stop("coverages", "patients:portal-coverages"),
        Stop("consents", "patients:portal-consents"),
        Stop("consent", "patients:portal-consents", follow=("/portal/consents/given/ID/",)),
        Stop("consent-choice", "patients:portal-consents", follow=("/portal/consents/[a-z]+/",)),
        Stop(
            "consent-withdraw",
            "patients:portal-consents",
            follow=("/portal/consents/given/ID/", "/portal/consents/given/ID/withdraw/"),
        ),
        Stop("rights", "patients:portal-rights"),
        *(
            Stop(f"rights-{kind}", "patients:portal-rights", follow=(f"/portal/data-rights/new/{kind}/",))
            for kind in ("copy", "correction", "restriction", "erasure")
        ),
        Stop("rights-request", "patients:portal-rights", follow=("/portal/data-rights/ID/",)),
        Stop("record", "workspace:portal-record"),
        Stop("jobs", "jobs:list"),
        Stop("notices", "notifications:notice-list"),
        Stop("devices", "accounts:device-list"),
        Stop("confirm", "accounts:factor-confirm"),
        Stop("password", "accounts:password-change"),
        Stop("email-change", "accounts:email-change"),
        Stop("signed-in", "accounts:session-list"),
        Stop("messages", "support:portal-message-list"),
        Stop("who-saw-it", "reports:portal-record-access"),
        Stop("on-site", "scheduling:onsite"),
        Stop("family", "patients:portal-family"),
        Stop("family-ask", "patients:portal-family-ask"),
        Stop("family-ask-errors", "patients:portal-family-ask", act=_send_empty),
        Stop("persons", "workspace:portal-home", act=_show_persons),
        Stop("as-the-child", "workspace:portal-home", act=_as_the_child),
        Stop("book-for-the-child", "scheduling:portal-book", follow=("/portal/book/times/", "/portal/book/complaint/")),
        Stop("as-oneself", "workspace:portal-home", act=_as_oneself),
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
        Stop("session-change", "scheduling:session-list", AHEAD, follow=(SESSION, f"{SESSION}change/")),
        Stop("session-cancel", "scheduling:session-list", AHEAD, follow=(SESSION, f"{SESSION}cancel/")),
        Stop("series", "scheduling:series-list"),
        Stop("series-one", "scheduling:series-list", follow=(SERIES,)),
        Stop("series-end", "scheduling:series-list", follow=(SERIES, f"{SERIES}end/")),
        Stop("time-off", "scheduling:time-off-list"),
        Stop("time-off-new", "scheduling:time-off-add"),
        Stop("time-off-errors", "scheduling:time-off-add", act=_send_empty_time_off),
        Stop("services", "scheduling:service-list"),
        Stop("service", "scheduling:service-list", follow=("/services/ID/",)),
        Stop("service-new", "scheduling:service-add"),
        Stop("holidays", "scheduling:holiday-list"),
        Stop("holiday", "scheduling:holiday-list", follow=("/holidays/ID/edit/",)),
        Stop("holiday-new", "scheduling:holiday-add"),
        Stop("hours", "scheduling:hours-list"),
        Stop("hours-friday", "scheduling:hours-add", "?preset=friday"),
        Stop("closed-bookings", "scheduling:closed-bookings"),
        Stop("calendar", "scheduling:calendar"),
        Stop("calendar-panel", "scheduling:calendar", act=_open_booked_time),
        Stop("calendar-week", "scheduling:calendar", "?view=week"),
        Stop("calendar-month", "scheduling:calendar", "?view=month"),
        Stop("calendar-list", "scheduling:calendar", "?view=list"),
        Stop("calendar-print", "scheduling:calendar-print"),
        Stop(
            "appointment-move",
            "scheduling:appointment-list",
            "?status=pending",
            follow=("/appointments/ID/", "/appointments/ID/move/"),
        ),
        Stop("flow", "scheduling:flow"),
        Stop("queue-report", "scheduling:queue-report", "?days=30"),
        Stop("stations", "scheduling:station-list"),
        Stop("station-add", "scheduling:station-add"),
        Stop("station-edit", "scheduling:station-list", follow=("/stations/ID/",)),
        Stop("all-consultations", "workspace:consultation-all"),
        Stop("all-visits", "workspace:consultation-all", "?what=visits"),
        Stop("users", "accounts:user-list"),
        Stop("user", "accounts:user-list", follow=("/users/ID/",)),
        Stop("user-new", "accounts:user-create"),
        Stop("user-new-errors", "accounts:user-create", act=_send_empty),
        Stop("user-reset", "accounts:user-list", "?role=doctor", follow=("/users/ID/", "/users/ID/second-step/reset/")),
        Stop("resets", "accounts:factor-reset-list"),
        Stop("reset", "accounts:factor-reset-list", follow=("/users/second-step-resets/ID/",)),
        Stop("records-missing", "patients:missing-record-list"),
        Stop("record-missing", "patients:missing-record-list", follow=("/patients/missing-records/ID/",)),
        Stop("emergencies", "patients:emergency-list"),
        Stop("emergency", "patients:emergency-list", follow=("/patients/emergency/ID/",)),
        Stop("audit", "reports:audit-browser"),
        Stop("alerts", "reports:alert-list"),
        Stop("alert", "reports:alert-list", follow=("/audit-alerts/ID/",)),
        Stop("emails", "notifications:email-list"),
        Stop("notices", "notifications:notice-list"),
        Stop("support", "support:inbox"),
        Stop("duplicates", "patients:duplicate-list"),
        Stop("duplicates-decided", "patients:duplicate-list", "?show=distinct"),
        Stop("duplicate-add", "patients:duplicate-add"),
        Stop("duplicate", "patients:duplicate-list", follow=(PAIR,)),
        Stop("merge", "patients:duplicate-list", follow=(PAIR, f"{PAIR}merge/")),
        Stop("merges", "patients:merge-list"),
        Stop("merged", "patients:merge-list", follow=(MERGE,)),
        Stop("merge-undo", "patients:merge-list", follow=(MERGE, f"{MERGE}undo/")),
        Stop("imports", "patients:import-list"),
        Stop("import", "patients:import-list", follow=(IMPORT,)),
        Stop("import-mapping", "patients:import-list", follow=(IMPORT, f"{IMPORT}mapping/")),
        Stop("import-checked", "patients:import-list", act=_checked_import),
        Stop("import-problems", "patients:import-list", act=lambda page: _checked_import(page, f"{IMPORT}problems/")),
        Stop("export", "patients:export"),
        Stop("integrity", "patients:integrity"),
        Stop("breaches", "patients:breach-list"),
        Stop("breach-add", "patients:breach-add"),
        Stop("breach", "patients:breach-list", follow=(BREACH,)),
        Stop("breach-edit", "patients:breach-list", follow=(BREACH, f"{BREACH}edit/")),
        Stop("retention", "patients:retention-list"),
        Stop("retention-one", "patients:retention-list", follow=("/patients/retention/ID/",)),
        Stop("data-requests", "patients:data-request-list"),
        Stop("data-request", "patients:data-request-list", follow=("/patients/data-requests/ID/",)),
        *_of_record(
            "record-",
            ("data-rights", "data-rights/"),
            ("data-request-add", "data-rights/new/"),
            ("erasure", "erasure/"),
            ("archive", "archive/"),
            ("pdf", "record/"),
            ("documents", "documents/"),
            ("document", "documents/", DOCUMENT),
            ("document-edit", "documents/", DOCUMENT, f"{DOCUMENT}edit/"),
            ("document-wrong", "documents/", DOCUMENT, f"{DOCUMENT}mark-wrong/"),
        ),
        Stop("consent-texts", "patients:consent-text-list"),
        Stop("consent-text", "patients:consent-text-list", follow=("/patients/consent-texts/general/",)),
        Stop(
            "consent-text-publish", "patients:consent-text-list", follow=("/patients/consent-texts/general/publish/",)
        ),
        Stop("consents-missing", "patients:consent-missing-list"),
        Stop("screens", "scheduling:device-list"),
        Stop("screen-made", "scheduling:device-list", act=_make_screen),
        Stop("board", "scheduling:device-list", act=lambda page: _open_screen(page, "board")),
        Stop("kiosk", "scheduling:device-list", act=lambda page: _open_screen(page, "kiosk")),
        Stop("kiosk-number", "scheduling:device-list", act=_take_a_number),
        Stop("jobs", "jobs:list"),
        Stop("job", "patients:export", act=_ask_for_a_list),
        Stop("devices", "accounts:device-list"),
        Stop("device-add-app", "accounts:device-add-app"),
        Stop("device-rename", "accounts:device-list", follow=(r"/account/devices/app/\d+/name/",)),
        Stop("device-remove", "accounts:device-list", follow=(r"/account/devices/app/\d+/remove/",)),
        Stop("confirm", "accounts:factor-confirm"),
        Stop("backup-codes", "accounts:backup-codes"),
        Stop("backup-codes-shown", "accounts:backup-codes", act=_show_backup_codes),
        Stop("password", "accounts:password-change"),
        Stop("email-change", "accounts:email-change"),
        Stop("signed-in", "accounts:session-list"),
        Stop("styleguide", "accounts:styleguide"),
    ),
    "dr.rina": (
        Stop("overview", "reports:dashboard"),
        Stop("my-patients", "workspace:consultation-list"),
        Stop("consultation", "workspace:consultation-list", act=_write_on),
        Stop("review", "workspace:consultation-list", act=_review),
        Stop("visit", "workspace:consultation-list", follow=("/consultations/ID/",)),
        Stop("chart", "workspace:consultation-list", follow=("/consultations/ID/", "/patients/ID/chart/")),
        Stop(
            "basics",
            "workspace:consultation-list",
            follow=("/consultations/ID/", "/patients/ID/chart/", "/patients/ID/basics/"),
        ),
        *(
            Stop(
                f"chart-{part}",
                "workspace:consultation-list",
                follow=("/consultations/ID/", "/patients/ID/chart/", f"/patients/ID/{part}/"),
            )
            for part in ("documents", "consents", "record")
        ),
        *(
            Stop(name, "workspace:consultation-list", follow=("/consultations/ID/", "/patients/ID/chart/", step))
            for name, step in (("follow-up", "../follow-up/"), ("follow-up-ask", "../follow-up/ask/"))
        ),
        Stop("sessions", "scheduling:session-list"),
        Stop("session-new", "scheduling:session-propose"),
        Stop("series-new", "scheduling:series-propose"),
        Stop("own-time-off", "scheduling:time-off-list"),
        Stop("queue", "scheduling:queue"),
        Stop("my-calendar", "scheduling:feed"),
        Stop("my-calendar-link", "scheduling:feed", act=_make_calendar_link),
        Stop("emergency-find", "patients:emergency-find"),
        Stop("emergency-found", "patients:emergency-find", act=_find_in_emergency),
        Stop("emergency-reason", "patients:emergency-find", act=_to_the_reason),
    ),
    "resepsionis": (
        Stop("overview", "reports:dashboard"),
        Stop("search", "patients:search", act=_search),
        Stop("register", "patients:register"),
        Stop("register-errors", "patients:register", act=_send_empty),
        *(
            Stop(f"register-{kind}", "patients:register", f"?kind={kind}")
            for kind in ("newborn", "foreigner", "unknown")
        ),
        *_of_record(
            "record-",
            ("identity",),
            ("newborn-of", "newborn/"),
            ("documents", "documents/"),
            ("document-add", "documents/add/"),
            ("photo", "images/photo/"),
            ("card", "images/ktp/"),
            ("coverages", "coverages/"),
            ("coverage-add", "coverages/add/"),
            ("coverage", "coverages/", POLICY),
            ("coverage-end", "coverages/", f"{POLICY}end/"),
            ("consents", "consents/"),
            ("consent-general", "consents/general/"),
            ("consent-choice", "consents/", "/patients/ID/consents/(?!general|form)[a-z]+/"),
            ("consent", "consents/", CONSENT),
            ("consent-withdraw", "consents/", f"{CONSENT}withdraw/"),
            ("papers", "papers/"),
        ),
        Stop(
            "record-document-refused",
            "patients:search",
            patient=KNOWN,
            follow=("documents/add/",),
            act=_refuse_a_file,
        ),
        Stop("consents-missing", "patients:consent-missing-list"),
        Stop("jobs", "jobs:list"),
        Stop("patient", "patients:search", patient=SOMEBODY),
        Stop("book", "patients:search", patient=SOMEBODY, follow=(BOOK,)),
        Stop("book-time", "patients:search", patient=SOMEBODY, follow=(BOOK, BOOK)),
        Stop("waiting-list", "scheduling:waitlist"),
        Stop("book-family-doctor", "patients:search", patient=KNOWN, follow=(FAMILY,)),
        Stop("book-family", "patients:search", patient=KNOWN, follow=(FAMILY, FAMILY)),
        Stop(
            "book-family-times",
            "patients:search",
            patient=KNOWN,
            follow=(FAMILY, FAMILY),
            act=_to_staff_family_times,
        ),
        Stop(
            "book-family-check",
            "patients:search",
            patient=KNOWN,
            follow=(FAMILY, FAMILY),
            act=_to_staff_family_check,
        ),
        Stop("waiting-list-join", "patients:search", patient=SOMEBODY, follow=(BOOK, "/patients/ID/waiting-list/")),
        Stop("waiting-list-accept", "scheduling:waitlist", follow=("/appointments/ID/accept/",)),
        Stop("walk-in", "patients:search", patient=SOMEBODY, follow=("/patients/ID/walk-in/",)),
        Stop("edit", "patients:search", patient=SOMEBODY, follow=("/patients/ID/edit/",)),
        Stop("guardians", "patients:search", patient=SOMEBODY, follow=("guardians/",)),
        Stop("guardian-add", "patients:search", patient=SOMEBODY, follow=("/patients/ID/guardians/add/",)),
        Stop("family-requests", "patients:guardian-request-list"),
        Stop("reminders", "scheduling:reminder-list"),
        Stop("family-request", "patients:guardian-request-list", follow=("/patients/guardian-requests/ID/",)),
        Stop(
            "family-proof",
            "patients:guardian-request-list",
            follow=("/patients/guardian-requests/ID/", "/patients/guardian-requests/ID/"),
        ),
        Stop("appointments-today", "scheduling:appointment-list", "?view=today"),
        Stop("queue", "scheduling:queue"),
        Stop("messages", "support:message-list"),
    ),
    "ns.dewi": (
        Stop("overview", "reports:dashboard"),
        Stop("vitals", "consultations:vitals-list"),
        Stop("measure", "consultations:vitals-list", follow=("/vitals/visits/ID/",)),
        Stop("station-choice", "scheduling:station"),
        Stop("station", "scheduling:station", act=_sit_down),
        Stop("transfer", "scheduling:station", follow=("/queue/steps/ID/transfer/",)),
        Stop("allergies", "consultations:vitals-list", follow=("/vitals/visits/ID/", "/patients/ID/allergies/")),
    ),
    "lab.rizky": (
        Stop("overview", "reports:dashboard"),
        Stop("station", "scheduling:station", act=_sit_down),
        Stop("flow", "scheduling:flow"),
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
        Stop("devices-asked-away", "accounts:device-list"),
        Stop("locked", "workspace:cashier", act=_lock),
        Stop("locked-page", "workspace:cashier"),
    ),
    "pemilik": (
        Stop("overview", "reports:dashboard"),
        Stop("reset", "accounts:factor-reset-list", follow=("/users/second-step-resets/ID/",)),
        Stop("emergency", "patients:emergency-list", follow=("/patients/emergency/ID/",)),
        Stop("audit-refused", "reports:audit-browser", "?result=refused"),
        Stop("alerts", "reports:alert-list"),
        Stop("alert", "reports:alert-list", follow=("/audit-alerts/ID/",)),
    ),
}
PORTAL = ("stranger", "pasien")

# --- The back office --------------------------------------------------------------------------------------------------

ROW = "/back-office/[a-z]+/[a-z]+/[^/]+/change/"
HISTORY = "/back-office/[a-z]+/[a-z]+/[^/]+/history/"
TABLES = (
    "accounts_user", "audit_auditevent", "consultations_diagnosiscode", "patients_insurer", "patients_patient",
    "patients_region", "pharmacy_batch", "pharmacy_medicine", "pharmacy_stockmovement", "scheduling_clinichours",
    "scheduling_holiday", "scheduling_service",
)  # fmt: skip
ADDED_BY_HAND = (
    "consultations_diagnosiscode", "patients_insurer", "pharmacy_medicine", "scheduling_holiday", "scheduling_service",
)  # fmt: skip
SHEETS = (*ADDED_BY_HAND, "patients_region")
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
    *(Stop(f"{table}-add", f"admin:{table}_add") for table in ADDED_BY_HAND),
    Stop("scheduling_clinichours-add", "admin:scheduling_clinichours_add"),
    Stop("add-errors", "admin:scheduling_service_add", act=_save_nothing),
    *(Stop(f"{table}-import", f"admin:{table}_import") for table in SHEETS),
    Stop("import-preview", "admin:scheduling_service_import", act=_preview_import),
    Stop("import-done", "admin:scheduling_service_import", act=_confirm_import),
    *(Stop(f"{table}-export", f"admin:{table}_export") for table in SHEETS),
    Stop("search-nothing", "admin:pharmacy_medicine_changelist", "?q=xyzzy"),
    Stop("filtered", "admin:pharmacy_medicine_changelist", "?is_active__exact=1"),
)
