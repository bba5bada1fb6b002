"""What the overview counts: each number with the same filter as the list it leads to.

Counts of one page are read in a single statement, whatever the person's roles and however many rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, IntegerField, Q, QuerySet, Subquery, Sum
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Capability, Role, has_capability
from accounts.models import User
from accounts.navigation import url_of
from billing.models import Invoice, Payment, Refund
from consultations.models import Note
from consultations.querysets import visits_before_doctor
from core import clock
from core.money import format_rupiah
from notifications.models import Email
from patients.models import EmergencyAccess, PortalRegistration
from pharmacy.models import Medicine, Prescription
from pharmacy.querysets import EXPIRING_WITHIN
from scheduling.models import Appointment, PracticeSession, QueueStep, Stage, Visit
from scheduling.services.queue import of_now
from support.models import SupportMessage

DAYS = 7
MONTHS = 6
TOP_DOCTORS = 5
TOP_DOCTORS_DAYS = 30


class CountOf(Subquery):
    """The number of rows of a query, as one column."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted_rows)"
    output_field = IntegerField()

    def __init__(self, queryset: QuerySet, **extra: Any) -> None:
        super().__init__(queryset.order_by().values("pk"), **extra)


@dataclass(frozen=True)
class Stat:
    """One number that leads to the list behind it. Amounts carry their own text."""

    label: str
    value: str | int
    url: str = ""
    icon: str = "list"
    tone: str = ""

    @property
    def is_open(self) -> bool:
        """True when something waits."""
        return self.value not in (0, "0")


@dataclass(frozen=True)
class Section:
    """What one role has to do now."""

    title: str
    stats: list[Stat]
    empty: str

    @property
    def is_empty(self) -> bool:
        return not any(stat.is_open for stat in self.stats)


@dataclass(frozen=True)
class Waiting:
    """A count before it is read: what is counted, where it leads, and how it looks when something waits."""

    label: str | Promise
    rows: QuerySet
    url: str
    icon: str
    tone: str = "primary"


EMPTY: dict[str, str | Promise] = {
    Role.ADMIN: gettext_lazy("Nothing waits for a decision. New registrations, bookings and bills appear here."),
    Role.DOCTOR: gettext_lazy("Nobody waits for you. Propose a practice session so that patients can book."),
    Role.NURSE: gettext_lazy("Nobody waits for vital signs. Patients appear here when reception checks them in."),
    Role.RECEPTIONIST: gettext_lazy("No arrivals are expected now. Search or register a patient to start a visit."),
    Role.CASHIER: gettext_lazy("No bill waits for payment. Bills appear here when the doctor or pharmacy is done."),
    Role.OWNER: gettext_lazy("Nothing waits for you. Emergency accesses to review appear here."),
    Role.PHARMACIST: gettext_lazy("No prescription waits. Look through the stock meanwhile."),
    Role.LAB_OFFICER: gettext_lazy("Nobody waits for an examination. Patients appear here when a doctor sends them."),
    Role.RADIOGRAPHER: gettext_lazy("Nobody waits for an examination. Patients appear here when a doctor sends them."),
}


def waiting_for(user: User, role: str) -> list[Waiting]:
    """Return what waits for a person in one of their roles; rows they may not see are not counted."""
    makers = {
        Role.ADMIN: _for_admin, Role.DOCTOR: _for_doctor, Role.NURSE: _for_nurse, Role.RECEPTIONIST: _for_receptionist,
        Role.CASHIER: _for_cashier, Role.PHARMACIST: _for_pharmacist, Role.OWNER: _for_owner,
        Role.LAB_OFFICER: _for_laboratory, Role.RADIOGRAPHER: _for_radiology,
    }  # fmt: skip
    maker = makers.get(Role(role))
    return maker(user) if maker and role in user.role_names else []


def sections(user: User) -> list[Section]:
    """Return what waits for a person, by role. One statement for all roles together."""
    by_role = [(role, waiting_for(user, role)) for role in Role if role in user.role_names]
    values = iter(_count(user, [waiting.rows for _role, found in by_role for waiting in found]))
    return [
        Section(str(role.label), [_stat(waiting, next(values)) for waiting in found], str(EMPTY[role]))
        for role, found in by_role
        if found
    ]


def _stat(waiting: Waiting, value: int) -> Stat:
    return Stat(str(waiting.label), value, waiting.url, waiting.icon, waiting.tone if value else "")


def taken_today(user: User) -> list[tuple[str, int]]:
    """Return the money taken today by method, and the sum last; empty for people who take none. One statement."""
    if not has_capability(user, Capability.TAKE_PAYMENTS):
        return []
    start, end = clock.day_bounds(clock.today())
    payments = Payment.objects.visible_to(user).filter(received_at__gte=start, received_at__lt=end)
    taken = dict(payments.order_by().values_list("method").annotate(total=Sum("amount_idr")))
    rows = [(str(method.label), taken.get(method.value, 0)) for method in Payment.Method]
    return [*rows, (_("Together"), sum(taken.values()))]


def _count(user: User, querysets: list[QuerySet]) -> list[int]:
    if not querysets:
        return []
    # EmptyQuerySet compiles to no SQL at all and is zero without asking.
    names = {f"c{index}": rows for index, rows in enumerate(querysets) if not rows.query.is_empty()}
    columns = {name: CountOf(rows) for name, rows in names.items()}
    row = User.objects.filter(pk=user.pk).values(**columns).get() if columns else {}
    return [row.get(f"c{index}", 0) for index in range(len(querysets))]


def _at(name: str, query: str = "") -> str:
    url = url_of(name)
    return f"{url}{query}" if url else ""


def _for_admin(user: User) -> list[Waiting]:
    sessions, status = PracticeSession.objects.visible_to(user), PracticeSession.Status
    emails = Email.objects.visible_to(user)
    bookings = Appointment.objects.visible_to(user).filter(
        status=Appointment.Status.PENDING, slot__starts_at__gte=_start()
    )
    return [
        Waiting(
            gettext_lazy("Portal registrations"), PortalRegistration.objects.visible_to(user).pending(),
            _at("patients:registration-list"), "user-check", "accent",
        ),
        Waiting(
            gettext_lazy("Sessions to approve"), sessions.filter(status=status.PENDING),
            _at("scheduling:session-list", "?status=pending"), "calendar", "accent",
        ),
        Waiting(
            gettext_lazy("Sessions to close"), sessions.filter(status=status.COMPLETION_REQUESTED),
            _at("scheduling:session-list", "?status=completion_requested"), "calendar-check",
        ),
        Waiting(
            gettext_lazy("Bookings to approve"), bookings,
            _at("scheduling:appointment-list", "?status=pending"), "calendar-plus", "accent",
        ),
        Waiting(
            gettext_lazy("Unpaid bills"), Invoice.objects.visible_to(user).unpaid(), _at("workspace:cashier"), "wallet"
        ),
        Waiting(
            gettext_lazy("Refunds to pay"), Refund.objects.visible_to(user).filter(status=Refund.Status.DUE),
            _at("workspace:cashier"), "cash", "warning",
        ),
        Waiting(
            gettext_lazy("Failed e-mails"), emails.filter(status=Email.Status.FAILED),
            _at("notifications:email-list", "?status=failed"), "mail", "danger",
        ),
        Waiting(
            gettext_lazy("E-mails to check"), emails.filter(status=Email.Status.UNCERTAIN),
            _at("notifications:email-list", "?status=uncertain"), "mail", "warning",
        ),
        Waiting(
            gettext_lazy("New messages"), SupportMessage.objects.visible_to(user).in_status(SupportMessage.Status.NEW),
            _at("support:inbox"), "chat",
        ),
        _emergencies(user),
    ]  # fmt: skip


def _emergencies(user: User) -> Waiting:
    """Emergency accesses of others without a review; red as soon as one waits too long."""
    waiting = EmergencyAccess.objects.reviewable_by(user)
    label, url = gettext_lazy("Emergency accesses to review"), _at("patients:emergency-list")
    return Waiting(label, waiting, url, "shield", "danger")


def _for_owner(user: User) -> list[Waiting]:
    return [_emergencies(user)]


def _for_doctor(user: User) -> list[Waiting]:
    mine, url = _visits_today(user).filter(doctor=user), _at("workspace:consultation-list")
    booked = _booked_today(user).filter(doctor=user)
    drafts = Note.objects.visible_to(user).filter(author=user, status=Note.Status.DRAFT)
    return [
        Waiting(gettext_lazy("Waiting for me"), mine.filter(status=Visit.Status.WAITING), url, "hourglass", "accent"),
        Waiting(gettext_lazy("With me"), mine.filter(status=Visit.Status.IN_CONSULTATION), url, "stethoscope"),
        Waiting(gettext_lazy("Notes not signed"), drafts, url, "signature", "warning"),
        Waiting(
            gettext_lazy("Still expected today"), booked.filter(status=Appointment.Status.APPROVED), url, "calendar"
        ),
    ]


def _for_nurse(user: User) -> list[Waiting]:
    before = visits_before_doctor(user, clock.today())
    return [
        Waiting(
            gettext_lazy("Vital signs to take"), before.filter(has_vitals=False), _at("consultations:vitals-list"), "pulse",
            "accent",
        ),
        Waiting(
            gettext_lazy("Ready for the doctor"), _visits_today(user).filter(status=Visit.Status.WAITING),
            _at("scheduling:queue"), "hourglass",
        ),
    ]  # fmt: skip


def _for_receptionist(user: User) -> list[Waiting]:
    booked, url = _booked_today(user), "scheduling:appointment-list"
    expected = booked.filter(status=Appointment.Status.APPROVED)
    absent = booked.filter(status=Appointment.Status.NO_SHOW)
    here = _visits_today(user).exclude(status__in=[Visit.Status.FINISHED, Visit.Status.CANCELLED])
    rows = [
        Waiting(
            gettext_lazy("Expected today"), expected, _at(url, "?view=today&status=approved"), "calendar-check", "accent"
        ),
        Waiting(
            gettext_lazy("Time has passed"), expected.filter(slot__starts_at__lt=clock.now()),
            _at(url, "?view=today&status=approved"), "clock", "warning",
        ),
        Waiting(gettext_lazy("In the clinic"), here, _at("scheduling:queue"), "users"),
        Waiting(gettext_lazy("Did not come"), absent, _at(url, "?view=today&status=no_show"), "user"),
    ]  # fmt: skip
    if has_capability(user, Capability.ACTIVATE_PATIENTS):
        registrations = PortalRegistration.objects.visible_to(user).pending()
        rows.append(
            Waiting(
                gettext_lazy("Portal registrations"), registrations, _at("patients:registration-list"), "user-check"
            )
        )
    return rows


def _for_cashier(user: User) -> list[Waiting]:
    bills, refunds = Invoice.objects.visible_to(user), Refund.objects.visible_to(user)
    start, end = clock.day_bounds(clock.today())
    today = bills.unpaid().filter(issued_at__gte=start, issued_at__lt=end)
    url = _at("workspace:cashier")
    return [
        Waiting(gettext_lazy("Unpaid today"), today, url, "wallet", "accent"),
        Waiting(gettext_lazy("Unpaid together"), bills.unpaid(), url, "receipt"),
        Waiting(gettext_lazy("Refunds to pay"), refunds.filter(status=Refund.Status.DUE), url, "cash", "warning"),
    ]


def _for_pharmacist(user: User) -> list[Waiting]:
    rx, url = Prescription.objects.visible_to(user), _at("pharmacy:queue")
    medicines = Medicine.objects.visible_to(user).with_stock()
    expiring = medicines.filter(nearest_expiry__lte=clock.today() + EXPIRING_WITHIN)
    low = medicines.active().filter(free__lt=F("minimum_stock"))
    return [
        Waiting(gettext_lazy("New prescriptions"), rx.filter(status=Prescription.Status.NEW), url, "pill", "accent"),
        Waiting(gettext_lazy("Waiting for payment"), rx.awaiting_payment(), url, "wallet"),
        Waiting(gettext_lazy("Ready to hand over"), rx.ready(), url, "check-circle", "success"),
        Waiting(gettext_lazy("Below minimum stock"), low, _at("pharmacy:stock", "?show=low"), "box", "warning"),
        Waiting(
            gettext_lazy("Expiring within 90 days"),
            expiring,
            _at("pharmacy:stock", "?show=expiring"),
            "clock",
            "warning",
        ),
    ]


def _for_laboratory(user: User) -> list[Waiting]:
    return _for_examinations(user, Stage.LABORATORY)


def _for_radiology(user: User) -> list[Waiting]:
    return _for_examinations(user, Stage.RADIOLOGY)


def _for_examinations(user: User, stage: Stage) -> list[Waiting]:
    stays = QueueStep.objects.at_stations_of(user).filter(of_now(clock.now()), stage=stage, open=1)
    state, url = QueueStep.State, _at("scheduling:station")
    return [
        Waiting(
            gettext_lazy("Waiting for an examination"), stays.filter(state=state.WAITING), url, "hourglass", "accent"
        ),
        Waiting(gettext_lazy("Called and inside"), stays.filter(state__in=[state.CALLED, state.SERVING]), url, "pulse"),
    ]


def _start() -> Any:
    return clock.day_bounds(clock.today())[0]


def _visits_today(user: User) -> QuerySet[Visit]:
    return Visit.objects.visible_to(user).on_day(clock.today())


def _booked_today(user: User) -> QuerySet[Appointment]:
    start, end = clock.day_bounds(clock.today())
    return Appointment.objects.visible_to(user).filter(slot__starts_at__gte=start, slot__starts_at__lt=end)


# --- The clinic's figures, for admin and owner ------------------------------------------------------------------------


@dataclass(frozen=True)
class Series:
    """Numbers over time, as a table and as a chart."""

    key: str
    title: str
    summary: str
    labels: list[str]
    values: list[int]
    shown: list[str]

    @property
    def rows(self) -> list[tuple[str, str]]:
        return list(zip(self.labels, self.shown, strict=True))

    @property
    def chart(self) -> dict[str, Any]:
        return {"labels": self.labels, "values": self.values, "shown": self.shown, "title": self.title}


@dataclass(frozen=True)
class ClinicFigures:
    """What admin and owner see of the clinic; sums only, nobody's name but doctors'."""

    today: list[Stat]
    visits: Series
    revenue: Series
    bills: list[tuple[str, int, str]]
    doctors: list[tuple[str, int]]


def clinic_figures(user: User) -> ClinicFigures | None:
    """Return the clinic's figures for people who may see them, else None. Six statements.

    Revenue is money received less money paid back, by the day it changed hands.
    """
    if not has_capability(user, Capability.VIEW_REPORTS):
        return None
    now, today = clock.now(), clock.today()
    week_before = now - timedelta(days=7)
    months = _months(today)
    spans = {f"m{index}": span for index, (_first, span) in enumerate(months)}
    spans["today"] = clock.day_bounds(today)
    spans["before"] = (clock.day_bounds(today - timedelta(days=7))[0], week_before)
    revenue = _revenue(spans)
    visits = _visits_by_day(today)
    visits_before = _visits_until(week_before)
    return ClinicFigures(
        today=_today_stats(visits[today], visits_before, revenue),
        visits=_visit_series(visits),
        revenue=_revenue_series([first for first, _span in months], [revenue[f"m{i}"] for i in range(MONTHS)]),
        bills=_bills_of_month(months[-1][1]),
        doctors=_top_doctors(today),
    )


def _today_stats(visits: int, visits_before: int, revenue: dict[str, int]) -> list[Stat]:
    seven = _("a week ago at this time: %(value)s")
    visits_today, revenue_today = _("Visits today"), _("Revenue today")  # xgettext does not look into f-strings
    return [
        Stat(f"{visits_today} ({seven % {'value': visits_before}})", visits, icon="users", tone="primary"),
        Stat(
            f"{revenue_today} ({seven % {'value': format_rupiah(revenue['before'])}})",
            format_rupiah(revenue["today"]),
            icon="cash",
            tone="success",
        ),
    ]


def _months(today: date) -> list[tuple[date, tuple[Any, Any]]]:
    """Return the first day and the bounds of the last six months, the present one last."""
    found = []
    first = today.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    for _index in range(MONTHS):
        found.append((first, (clock.day_bounds(first)[0], clock.day_bounds(following)[0])))
        first, following = (first - timedelta(days=1)).replace(day=1), first
    return found[::-1]


def _revenue(spans: dict[str, tuple[Any, Any]]) -> dict[str, int]:
    first = min(start for start, _end in spans.values())
    last = max(end for _start, end in spans.values())

    def sums(rows: QuerySet, field: str) -> dict[str, int | None]:
        within = rows.filter(**{f"{field}__gte": first, f"{field}__lt": last})
        return within.aggregate(
            **{
                name: Sum("amount_idr", filter=Q(**{f"{field}__gte": start, f"{field}__lt": end}))
                for name, (start, end) in spans.items()
            }
        )

    taken = sums(Payment.objects.all(), "received_at")
    back = sums(Refund.objects.filter(status=Refund.Status.PAID), "paid_at")
    return {name: (taken[name] or 0) - (back[name] or 0) for name in spans}


def _counted_visits() -> QuerySet[Visit]:
    return Visit.objects.exclude(status=Visit.Status.CANCELLED)


def _visits_by_day(today: date) -> dict[date, int]:
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    found = _counted_visits().filter(visit_on__gte=days[0], visit_on__lte=today).order_by().values_list("visit_on")
    counts = dict(found.annotate(number=Count("pk")))
    return {day: counts.get(day, 0) for day in days}


def _visits_until(instant: Any) -> int:
    day = clock.local(instant).date()
    return _counted_visits().filter(visit_on=day, arrived_at__lte=instant).count()


def _visit_series(visits: dict[date, int]) -> Series:
    total = sum(visits.values())
    return Series(
        key="visits",
        title=_("Visits of the last 7 days"),
        summary=_("%(total)d visits in 7 days") % {"total": total},
        labels=[date_format(day, "D j") for day in visits],
        values=list(visits.values()),
        shown=[str(number) for number in visits.values()],
    )


def _revenue_series(months: list[date], amounts: list[int]) -> Series:
    return Series(
        key="revenue",
        title=_("Revenue of the last 6 months"),
        summary=_("%(total)s in 6 months, %(present)s in this month")
        % {"total": format_rupiah(sum(amounts)), "present": format_rupiah(amounts[-1])},
        labels=[date_format(first, "M Y") for first in months],
        values=amounts,
        shown=[format_rupiah(amount) for amount in amounts],
    )


def _bills_of_month(span: tuple[Any, Any]) -> list[tuple[str, int, str]]:
    start, end = span
    status = Invoice.Status
    open_bills, paid = Q(status__in=[status.UNPAID, status.PART_PAID]), Q(status=status.PAID)
    row = Invoice.objects.filter(issued_at__gte=start, issued_at__lt=end).aggregate(
        paid=Count("pk", filter=paid),
        paid_sum=Sum("total_idr", filter=paid),
        open=Count("pk", filter=open_bills),
        open_sum=Sum(F("total_idr") - F("paid_idr") + F("refunded_idr"), filter=open_bills),
    )
    return [
        (_("Paid"), row["paid"], format_rupiah(row["paid_sum"] or 0)),
        (_("Still to pay"), row["open"], format_rupiah(row["open_sum"] or 0)),
    ]


def _top_doctors(today: date) -> list[tuple[str, int]]:
    since = today - timedelta(days=TOP_DOCTORS_DAYS - 1)
    found = (
        _counted_visits()
        .filter(visit_on__gte=since, visit_on__lte=today)
        .order_by()
        .values_list("doctor_id")
        .annotate(number=Count("pk"))
        .order_by("-number", "doctor_id")[:TOP_DOCTORS]
    )
    ranked = list(found)
    people = User.objects.select_related("staff_profile").in_bulk([doctor_id for doctor_id, _number in ranked])
    return [(people[doctor_id].display_name, number) for doctor_id, number in ranked]
