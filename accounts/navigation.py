"""The menus: what each capability leads to. Entries whose page does not exist are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability as C


@dataclass(frozen=True)
class Entry:
    """One line of a menu; any one of `needs` shows it."""

    name: str
    label: str | Promise
    icon: str
    needs: tuple[C, ...] = ()
    below: tuple[str, ...] = ()  # further routes whose pages belong to it


# Whoever calls numbers (scheduling.models.SERVES).
AT_A_STATION = (
    C.CHECK_IN, C.RECORD_VITALS, C.WRITE_NOTES, C.SERVE_LABORATORY, C.SERVE_RADIOLOGY, C.DISPENSE,
    C.PRICE_PRESCRIPTIONS, C.TAKE_PAYMENTS,
)  # fmt: skip

GROUPS: tuple[tuple[str | Promise, tuple[Entry, ...]], ...] = (
    (
        _("Today"),
        (
            Entry("reports:dashboard", _("Overview"), "home", (C.USE_STAFF_SITE,)),
            Entry("workspace:consultation-list", _("My patients today"), "stethoscope", (C.WRITE_NOTES,)),
            Entry("scheduling:queue", _("Queue"), "ticket", (C.VIEW_QUEUE,)),
            Entry("scheduling:station", _("My station"), "megaphone", AT_A_STATION),
            Entry("scheduling:flow", _("Patient flow"), "users", (C.VIEW_FLOW,)),
            Entry("consultations:vitals-list", _("Vital signs"), "pulse", (C.RECORD_VITALS,)),
            Entry("pharmacy:queue", _("Prescriptions"), "pill", (C.PRICE_PRESCRIPTIONS, C.DISPENSE)),
            Entry("workspace:cashier", _("Cashier"), "cash", (C.TAKE_PAYMENTS,)),
        ),
    ),
    (
        _("Bookings"),
        (
            Entry(
                "scheduling:appointment-list",
                _("Appointments"),
                "calendar-check",
                (C.BOOK_APPOINTMENTS, C.APPROVE_APPOINTMENTS),
            ),
            Entry("scheduling:waitlist", _("Waiting list"), "hourglass", (C.BOOK_APPOINTMENTS,)),
            Entry("scheduling:reminder-list", _("Reminders"), "bell", (C.BOOK_APPOINTMENTS,)),
            Entry(
                "scheduling:session-list",
                _("Practice sessions"),
                "calendar",
                (C.VIEW_SCHEDULES,),
                below=("scheduling:series-list", "scheduling:closed-bookings"),
            ),
            Entry(
                "scheduling:time-off-list",
                _("Time off"),
                "door",
                (C.PROPOSE_SESSIONS, C.APPROVE_SESSIONS, C.BOOK_APPOINTMENTS),
            ),
            Entry("scheduling:feed", _("My calendar"), "link", (C.PROPOSE_SESSIONS,)),
        ),
    ),
    (
        _("Patients"),
        (
            Entry("patients:search", _("Find a patient"), "search", (C.SEARCH_PATIENTS, C.SEARCH_OWN_PATIENTS)),
            Entry("patients:register", _("Register a patient"), "user-plus", (C.REGISTER_PATIENTS,)),
            Entry("patients:guardian-request-list", _("Family requests"), "users", (C.REGISTER_PATIENTS,)),
            Entry("patients:consent-missing-list", _("Missing consents"), "signature", (C.REGISTER_PATIENTS,)),
            Entry("patients:registration-list", _("Portal registrations"), "user-check", (C.ACTIVATE_PATIENTS,)),
            Entry("patients:data-request-list", _("Requests about data"), "shield", (C.HANDLE_DATA_REQUESTS,)),
            Entry("patients:duplicate-list", _("Records that look alike"), "layers", (C.MERGE_PATIENTS,)),
        ),
    ),
    (_("Pharmacy"), (Entry("pharmacy:stock", _("Stock"), "box", (C.MANAGE_STOCK,)),)),
    (
        _("Clinic"),
        (
            Entry("scheduling:service-list", _("Services"), "stethoscope", (C.MANAGE_SCHEDULING,)),
            Entry("scheduling:station-list", _("Stations"), "map-pin", (C.MANAGE_SCHEDULING,)),
            Entry("scheduling:queue-report", _("Waiting times"), "hourglass", (C.VIEW_REPORTS, C.MANAGE_SCHEDULING)),
            Entry("workspace:consultation-all", _("All consultations"), "clipboard", (C.VIEW_ALL_CONSULTATIONS,)),
            Entry("patients:emergency-list", _("Emergency accesses"), "shield", (C.REVIEW_EMERGENCY_ACCESS,)),
            Entry(
                "scheduling:holiday-list",
                _("Holidays and hours"),
                "calendar",
                (C.MANAGE_SCHEDULING,),
                below=("scheduling:hours-list",),
            ),
            Entry("scheduling:device-list", _("Screens"), "monitor", (C.MANAGE_SCHEDULING,)),
            Entry("accounts:user-list", _("Users"), "users", (C.MANAGE_USERS,)),
            Entry("accounts:factor-reset-list", _("Second-step resets"), "shield", (C.DECIDE_FACTOR_RESETS,)),
            Entry("patients:consent-text-list", _("Consent texts"), "signature", (C.PUBLISH_CONSENT_TEXTS,)),
            Entry("reports:audit-browser", _("Audit log"), "clipboard", (C.VIEW_AUDIT,)),
            Entry("patients:import-list", _("Import and export"), "upload", (C.IMPORT_PATIENTS,)),
            Entry("patients:breach-list", _("Data failures"), "shield", (C.MANAGE_BREACHES,)),
            Entry("patients:retention-list", _("Records past their time"), "hourglass", (C.HANDLE_DATA_REQUESTS,)),
            Entry("patients:integrity", _("Check of records"), "clipboard-check", (C.CHECK_INTEGRITY,)),
            Entry("notifications:email-list", _("Mails"), "send", (C.MANAGE_USERS,)),
            Entry("support:inbox", _("Support inbox"), "mail", (C.READ_SUPPORT,)),
            Entry("support:message-list", _("Ask for help"), "help", (C.USE_STAFF_SITE,)),
            Entry("admin:index", _("Back office"), "settings", (C.USE_BACK_OFFICE,)),
        ),
    ),
)

PORTAL: tuple[Entry, ...] = (
    Entry("workspace:portal-home", _("Home"), "home"),
    Entry("scheduling:portal-book", _("Book"), "calendar-plus"),
    Entry("workspace:portal-visits", _("Visits"), "history", below=("workspace:portal-record",)),
    Entry("billing:portal-bills", _("Bills"), "receipt"),
    Entry(
        "patients:portal-profile",
        _("Profile"),
        "user",
        below=(
            "patients:portal-health",
            "patients:portal-coverages",
            "patients:portal-consents",
            "patients:portal-documents",
            "patients:portal-images",
            "patients:portal-rights",
            "patients:portal-family",
            "reports:portal-record-access",
        ),
    ),
)


def url_of(name: str) -> str:
    """Return the address of a route, or "" when it does not exist."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _items(entries: tuple[Entry, ...], held: frozenset[C]) -> list[dict[str, Any]]:
    return [
        {
            "label": entry.label,
            "url": url,
            "icon": entry.icon,
            "active": False,
            "count": None,
            "places": (url, *filter(None, map(url_of, entry.below))),
        }
        for entry in entries
        if (not entry.needs or held.intersection(entry.needs)) and (url := url_of(entry.name))
    ]


def _mark_active(items: list[dict[str, Any]], path: str) -> None:
    """Mark the one entry that has the longest beginning of `path` among its addresses."""
    matching = [(len(place), item) for item in items for place in item["places"] if path.startswith(place)]
    if matching:
        max(matching, key=lambda found: found[0])[1]["active"] = True


def staff_menu(held: frozenset[C], path: str) -> list[dict[str, Any]]:
    """Return the groups of the staff sidebar for someone who holds these capabilities."""
    if C.USE_STAFF_SITE not in held:
        return []
    groups: list[dict[str, Any]] = [{"label": label, "items": _items(entries, held)} for label, entries in GROUPS]
    groups = [group for group in groups if group["items"]]
    _mark_active([item for group in groups for item in group["items"]], path)
    return groups


def portal_menu(held: frozenset[C], path: str) -> list[dict[str, Any]]:
    """Return the tabs of the patient portal."""
    if C.USE_PORTAL not in held:
        return []
    items = _items(PORTAL, held)
    _mark_active(items, path)
    return items
