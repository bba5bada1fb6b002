"""Confirming prices: the pharmacist's review of a new prescription, which puts its medicines on the bill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from billing import services as billing
from billing.models import Charge, Invoice
from core import clock, live
from core.db import retry_transaction
from core.money import format_rupiah
from patients.guardians import user_ids_of
from patients.services import mail_patient, notify_patient
from pharmacy.errors import InvalidPrice, WrongState
from pharmacy.models import Prescription, PrescriptionItem
from scheduling import services as scheduling
from scheduling.models import Visit

CHARGE_SOURCE = "pharmacy.item"
MOST_PRICE_IDR = 99_999_999
SHORTEST_REASON = 5
LONGEST_REASON = 200


def lock_prescription(prescription_id: UUID) -> tuple[Visit, Prescription]:
    """Return a prescription and its visit, locked in that order: visit first, then prescription."""
    visit_id = Prescription.objects.values_list("visit_id", flat=True).get(pk=prescription_id)
    visit = scheduling.lock_visit(visit_id)
    return visit, Prescription.objects.select_for_update().get(pk=prescription_id)


@retry_transaction
def confirm_prices(
    *, prescription_id: UUID, actor: Any, prices: Mapping[UUID, tuple[int, str]], review: Iterable[str] = ()
) -> Prescription:
    """Confirm the price of each line: NEW -> PRICED, once. The medicines are charged and the bill is issued.

    `prices` has exactly the prescription's item ids with unit price and reason; `review` names the checks that were
    ticked, for the audit. The patient is mailed once, and the visit goes to the cashier.

    Raises:
        WrongState: it is not NEW (another pharmacist was first, or it was cancelled).
        InvalidPrice: items are missing or foreign, a price is out of bounds, or differs from the list without a reason.
    """
    visit, prescription = lock_prescription(prescription_id)
    if prescription.status != Prescription.Status.NEW:
        raise WrongState(
            _("Prescription %(number)s is not waiting for prices: %(status)s.")
            % {"number": prescription.number, "status": prescription.get_status_display()}
        )
    items = list(prescription.items.order_by("position"))
    if {item.pk for item in items} != set(prices):
        raise InvalidPrice(_("The lines of this prescription do not match. Reload the page and try again."))
    for item in items:
        _set_price(item, *prices[item.pk])
    PrescriptionItem.objects.bulk_update(items, ["unit_price_idr", "price_reason"])
    prescription.status = Prescription.Status.PRICED
    prescription.priced_at, prescription.priced_by = clock.now(), actor
    prescription.save(update_fields=["status", "priced_at", "priced_by"])
    for item in items:
        billing.post_charge(
            encounter_id=visit.pk, patient_id=visit.patient_id, category=Charge.Category.MEDICINE,
            description=item.label[:200], quantity=item.quantity, unit_price_idr=prices[item.pk][0],
            source_type=CHARGE_SOURCE, source_id=item.pk, actor=actor,
        )  # fmt: skip
    invoice = billing.issue_invoice(encounter_id=visit.pk, actor=actor)
    is_settled = billing.is_settled(encounter_id=visit.pk)
    next_status = Visit.Status.PHARMACY if is_settled else Visit.Status.CASHIER
    scheduling.move_visit(visit_id=visit.pk, to_status=next_status, actor=actor)
    changed = [str(item.pk) for item in items if item.unit_price_idr != item.list_price_idr]
    audit.record(
        "pharmacy.prescription.priced", actor=actor, patient=visit.patient_id, target=prescription,
        detail={"number": prescription.number, "review": sorted(review), "changed_prices": changed},
    )  # fmt: skip
    _tell_patient(prescription, invoice)
    return prescription


def _set_price(item: PrescriptionItem, unit_price_idr: int, reason: str) -> None:
    reason = reason.strip()
    if not 0 <= unit_price_idr <= MOST_PRICE_IDR:
        raise InvalidPrice(_("%(medicine)s: enter a price between Rp0 and Rp99.999.999.") % {"medicine": item.label})
    is_changed = unit_price_idr != item.list_price_idr
    if is_changed and len(reason) < SHORTEST_REASON:
        raise InvalidPrice(
            _("%(medicine)s: the price list says %(price)s. Write the reason for another price.")
            % {"medicine": item.label, "price": format_rupiah(item.list_price_idr)}
        )
    item.unit_price_idr = unit_price_idr
    item.price_reason = reason[:LONGEST_REASON] if is_changed else ""


def _tell_patient(prescription: Prescription, invoice: Invoice) -> None:
    patient = prescription.patient
    path = reverse("billing:portal-bill", args=[invoice.pk])
    mail_patient(
        patient=patient,
        template="prescription_ready",
        context={"amount_idr": max(invoice.balance_idr, 0), "invoice_number": invoice.number, "path": path},
        dedupe_key=f"prescription_ready:{prescription.pk}",
    )
    notify_patient(patient=patient, kind="prescription_ready", path=path)
    live.changed(live.PHARMACY, user_ids=user_ids_of(patient))
    live.changed(live.BILLING)
