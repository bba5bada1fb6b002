"""What the pharmacy's screens read: the worklist, one prescription's lines with stock, the history, the stock list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import StaffProfile
from core import clock
from core.money import line_total
from core.pagination import Page, keyset_page
from patients.search import find_patients
from pharmacy.models import Batch, Medicine, Prescription, PrescriptionItem, StockMovement
from pharmacy.services.stock import split_over
from pharmacy.substances import search_words
from scheduling.models import urgency

# Ready-made medicines within 30 minutes. Source: Keputusan Menkes 129/Menkes/SK/II/2008 (minimum service standards,
# pharmacy).
LATE_AFTER = timedelta(minutes=30)
SOON_AFTER = timedelta(minutes=15)
LANE_LENGTH = 60
PAGE_LENGTH = 25
STOCK_PAGE_LENGTH = 50
MOVEMENTS_SHOWN = 50
EXPIRING_WITHIN = timedelta(days=90)
MOST_PATIENTS = 50
SUGGESTIONS = 20


@dataclass(frozen=True)
class Card:
    """One prescription in a lane, with how long it waits there."""

    prescription: Prescription
    since: datetime
    minutes: int
    urgency: str
    urgency_label: str | Promise

    @property
    def waiting_label(self) -> str:
        """The waiting time in words: "25 min", "1 h 5 min"."""
        hours, minutes = divmod(self.minutes, 60)
        if hours >= 24:
            return _("%(days)d d") % {"days": hours // 24}
        if hours:
            return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
        return _("%(minutes)d min") % {"minutes": minutes}


@dataclass
class Lane:
    key: str
    title: str | Promise
    empty: str | Promise
    cards: list[Card] = field(default_factory=list)
    has_more: bool = False


def lanes(user: Any) -> list[Lane]:
    """Return the four lanes of the worklist, the longest waiting first, priority patients on top; 2 queries."""
    now = clock.now()
    shown = (
        Prescription.objects.visible_to(user)
        .with_settled()
        .with_line_count()
        .select_related("patient", "visit__ticket", "prescriber__staff_profile")
    )
    waiting = shown.filter(status__in=[Prescription.Status.NEW, Prescription.Status.PRICED])
    start, end = clock.day_bounds(clock.today())
    done = shown.filter(status=Prescription.Status.DISPENSED, dispensed_at__gte=start, dispensed_at__lt=end)
    new = Lane("new", gettext_lazy("New"), gettext_lazy("No new prescription."))
    unpaid = Lane("unpaid", gettext_lazy("Waiting for payment"), gettext_lazy("Nobody is at the cashier."))
    ready = Lane("ready", gettext_lazy("Ready"), gettext_lazy("Nothing to hand over."))
    given = Lane("done", gettext_lazy("Handed over today"), gettext_lazy("Nothing handed over yet today."))
    for prescription in waiting.order_by(urgency("visit__"), "pk")[: 3 * LANE_LENGTH]:
        since = prescription.priced_at or prescription.prescribed_at
        lane = new if prescription.status == Prescription.Status.NEW else unpaid
        if prescription.status == Prescription.Status.PRICED and prescription.is_settled:
            lane, since = ready, max(since, prescription.settled_at or since)
        lane.cards.append(_card(prescription, since, now))
    given.cards = [
        _card(row, row.dispensed_at or now, now) for row in done.order_by("-dispensed_at")[: LANE_LENGTH + 1]
    ]
    for lane in (new, unpaid, ready, given):
        lane.has_more = len(lane.cards) > LANE_LENGTH
        del lane.cards[LANE_LENGTH:]
    return [new, unpaid, ready, given]


def _card(prescription: Prescription, since: datetime, now: datetime) -> Card:
    waited = max(now - since, timedelta(0))
    urgency, label = "ontime", gettext_lazy("on time")
    if waited >= LATE_AFTER:
        urgency, label = "late", gettext_lazy("overdue")
    elif waited >= SOON_AFTER:
        urgency, label = "soon", gettext_lazy("soon due")
    return Card(prescription, since, int(waited.total_seconds() // 60), urgency, label)


# --- One prescription -----------------------------------------------------------------------------------------------


@dataclass
class LineView:
    """One line with what the shelf has for it. `parts` are the batches FEFO would take now, or took."""

    item: PrescriptionItem
    batches: list[Batch] = field(default_factory=list)
    parts: list[tuple[Batch, Decimal]] = field(default_factory=list)
    missing: Decimal = Decimal(0)
    price_field: Any = None
    reason_field: Any = None

    @property
    def unit_price_idr(self) -> int:
        price = self.item.unit_price_idr
        return self.item.list_price_idr if price is None else price

    @property
    def total_idr(self) -> int:
        return line_total(self.item.quantity, self.unit_price_idr)


def line_views(prescription: Prescription) -> list[LineView]:
    """Return the lines in order, with FEFO batches while it is open, or with the batches that were handed over.

    `prescription` comes from `for_detail()`. One query while it is open, none after.
    """
    items = sorted(prescription.items.all(), key=lambda item: item.position)
    views = [LineView(item) for item in items]
    if prescription.status == Prescription.Status.DISPENSED:
        for view in views:
            view.parts = [(row.batch, row.quantity) for row in view.item.dispenses.all()]
        return views
    if prescription.status == Prescription.Status.CANCELLED:
        return views
    by_medicine = _usable_batches({item.medicine_id for item in items})
    left = {batch.pk: batch.quantity for batches in by_medicine.values() for batch in batches}
    for view in sorted(views, key=lambda view: (view.item.medicine_id, view.item.position)):  # the order of dispensing
        view.batches = by_medicine.get(view.item.medicine_id, [])
        free = [Batch(pk=batch.pk, lot_number=batch.lot_number, expires_on=batch.expires_on, quantity=left[batch.pk])
                for batch in view.batches]  # fmt: skip
        view.parts, view.missing = split_over(free, view.item.quantity)
        for batch, quantity in view.parts:
            left[batch.pk] -= quantity
    return views


def _usable_batches(medicine_ids: Iterable[UUID]) -> dict[UUID, list[Batch]]:
    found: dict[UUID, list[Batch]] = {}
    for batch in Batch.objects.filter(medicine_id__in=list(medicine_ids)).usable():
        found.setdefault(batch.medicine_id, []).append(batch)
    return found


# --- History --------------------------------------------------------------------------------------------------------


def prescription_page(
    *, user: Any, status: str = "", text: str = "", before: UUID | None = None
) -> tuple[list[Prescription], UUID | None]:
    """Return one page of the history, newest first, and where the next one starts; a fixed number of queries.

    `text` finds patients, the doctors' names, or a prescription number.
    """
    rows: QuerySet[Prescription] = Prescription.objects.visible_to(user).with_settled().with_line_count()
    rows = _with_status(rows, status)
    if text:
        rows = _with_text(rows, user, text)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    page = list(
        rows.select_related("patient", "prescriber__staff_profile", "visit__ticket").order_by("-pk")[: PAGE_LENGTH + 1]
    )
    return page[:PAGE_LENGTH], page[PAGE_LENGTH - 1].pk if len(page) > PAGE_LENGTH else None


def _with_status(rows: QuerySet[Prescription], status: str) -> QuerySet[Prescription]:
    if status == "awaiting_payment":
        return rows.filter(status=Prescription.Status.PRICED, is_settled=False)
    if status == "ready":
        return rows.filter(status=Prescription.Status.PRICED, is_settled=True)
    return rows.filter(status=status) if status else rows


def _with_text(rows: QuerySet[Prescription], user: Any, text: str) -> QuerySet[Prescription]:
    text = text.strip()
    if text.upper().startswith("R/"):
        return rows.filter(number=text.upper())
    wanted = Q(patient__in=[patient.pk for patient in find_patients(user=user, query=text, limit=MOST_PATIENTS)])
    words = text.casefold().split()
    doctors = [
        profile.user_id
        for profile in StaffProfile.objects.exclude(specialty="").select_related("user")
        if all(word in profile.user.display_name.casefold() for word in words)
    ]
    return rows.filter(wanted | Q(prescriber__in=doctors))


# --- Stock ----------------------------------------------------------------------------------------------------------


def stock_page(query: QueryDict, *, user: Any, text: str = "", show: str = "") -> Page[Medicine]:
    """Return one page of the medicine list by name with stock; two queries at most."""
    rows = Medicine.objects.visible_to(user).with_stock().search(text)
    today = clock.today()
    if show == "low":
        rows = rows.active().filter(free__lt=F("minimum_stock"))
    elif show == "expiring":
        rows = rows.filter(nearest_expiry__lte=today + EXPIRING_WITHIN)
    elif show == "expired":
        rows = rows.filter(expired_quantity__gt=0)
    return keyset_page(query, rows, order=("generic_name", "pk"), size=STOCK_PAGE_LENGTH)


def batches_of(medicine: Medicine) -> list[Batch]:
    """Return what is on the shelf of one medicine, first to expire first; expired lots included."""
    return list(medicine.batches.filter(quantity__gt=0).order_by("expires_on", "pk"))


def movements_of(medicine: Medicine, query: QueryDict) -> Page[StockMovement]:
    """Return one page of the movements of one medicine, newest first."""
    rows = StockMovement.objects.filter(medicine=medicine).select_related("batch", "moved_by")
    return keyset_page(query, rows, size=MOVEMENTS_SHOWN)


def suggest_medicines(*, user: Any, text: str) -> Sequence[Medicine]:
    """Return up to 20 active medicines for the doctor's search box, names that begin with the text first; one query."""
    words = search_words(text)
    if not words:
        return []
    found = list(
        Medicine.objects.visible_to(user).active().with_stock().search(text).order_by("generic_name", "strength")[:100]
    )
    first = words[0]

    def rank(medicine: Medicine) -> tuple[bool, bool, bool]:
        names = medicine.search_text.split()
        return (
            not names[:1] or not names[0].startswith(first),
            not any(n.startswith(first) for n in names),
            medicine.free <= 0,
        )

    return sorted(found, key=rank)[:SUGGESTIONS]
