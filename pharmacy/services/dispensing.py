"""Handing over and cancelling: what ends a prescription."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from billing import services as billing
from core import clock, live
from core.db import retry_transaction
from core.errors import InvalidInput
from patients.guardians import user_ids_of
from pharmacy.errors import AlreadyDispensed, NotPaid, WrongState
from pharmacy.models import Prescription
from pharmacy.services import stock
from pharmacy.services.prescribing import totals
from pharmacy.services.pricing import CHARGE_SOURCE, lock_prescription
from scheduling import services as scheduling
from scheduling.models import Visit

SHORTEST_REASON = 5


@retry_transaction
def dispense_prescription(*, prescription_id: UUID, actor: Any) -> Prescription:
    """Hand over a priced and paid prescription: PRICED -> DISPENSED, once; stock leaves by FEFO, the visit ends.

    All lines or none: one line without unexpired stock leaves everything as it was.

    Raises:
        AlreadyDispensed: it was handed over before.
        WrongState: it is not priced yet, or cancelled.
        NotPaid: the bill is not settled.
        OutOfStock: no unexpired batches cover a line.
    """
    visit, prescription = lock_prescription(prescription_id)
    if prescription.status == Prescription.Status.DISPENSED:
        raise AlreadyDispensed(
            _("Prescription %(number)s was already handed over at %(time)s.")
            % {
                "number": prescription.number,
                "time": clock.local(prescription.dispensed_at or clock.now()).strftime("%H.%M"),
            }
        )
    if prescription.status != Prescription.Status.PRICED:
        raise WrongState(
            _("Prescription %(number)s cannot be handed over: %(status)s.")
            % {"number": prescription.number, "status": prescription.get_status_display()}
        )
    if not billing.is_settled(encounter_id=visit.pk):
        raise NotPaid(_("The bill is not paid yet. Send the patient to the cashier first."))
    items = list(prescription.items.order_by("medicine_id", "position"))
    stock.lock_medicines(item.medicine_id for item in items)
    batches = [str(row.batch_id) for item in items for row in stock.issue(item=item, actor=actor)]
    prescription.status = Prescription.Status.DISPENSED
    prescription.dispensed_at, prescription.dispensed_by = clock.now(), actor
    prescription.save(update_fields=["status", "dispensed_at", "dispensed_by"])
    if visit.status not in {Visit.Status.FINISHED, Visit.Status.CANCELLED}:
        scheduling.finish_visit(visit_id=visit.pk, actor=actor)
    audit.record(
        "pharmacy.prescription.dispensed", actor=actor, patient=visit.patient_id, target=prescription,
        detail={"number": prescription.number, "batches": batches},
    )  # fmt: skip
    _tick(prescription)
    return prescription


@retry_transaction
def cancel_prescription(*, prescription_id: UUID, actor: Any, reason: str) -> Prescription:
    """Cancel a prescription that was not handed over: promised stock is free again, its lines leave the bill.

    The bill is issued when it was still a draft; a paid medicine becomes a refund that is due. Where the patient goes
    next is the caller's decision (`cancel_at_pharmacy`, or the patient's own "finish without medicine").

    Raises:
        WrongState: it was handed over or cancelled before.
        InvalidInput: no reason.
    """
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise InvalidInput(_("Write the reason for cancelling in at least 5 characters."))
    visit, prescription = lock_prescription(prescription_id)
    if prescription.status not in {Prescription.Status.NEW, Prescription.Status.PRICED}:
        raise WrongState(
            _("Prescription %(number)s cannot be cancelled: %(status)s.")
            % {"number": prescription.number, "status": prescription.get_status_display()}
        )
    items = list(prescription.items.all())
    stock.release(quantities=totals((item.medicine_id, item.quantity) for item in items))
    prescription.status = Prescription.Status.CANCELLED
    prescription.cancelled_at, prescription.cancel_reason = clock.now(), reason[:200]
    prescription.save(update_fields=["status", "cancelled_at", "cancel_reason"])
    billing.cancel_charges(
        source_type=CHARGE_SOURCE,
        source_ids=[item.pk for item in items],
        reason=prescription.cancel_reason,
        actor=actor,
    )
    if billing.invoice_of(visit.pk) is not None:
        billing.issue_invoice(encounter_id=visit.pk, actor=actor)
    audit.record(
        "pharmacy.prescription.cancelled", actor=actor, patient=visit.patient_id, target=prescription,
        detail={"number": prescription.number},
    )  # fmt: skip
    _tick(prescription)
    return prescription


@retry_transaction
def cancel_at_pharmacy(*, prescription_id: UUID, actor: Any, reason: str) -> Prescription:
    """Cancel at the pharmacy counter and send the patient on: to the cashier when something is to pay, else home.

    Raises:
        What `cancel_prescription` raises.
    """
    prescription = cancel_prescription(prescription_id=prescription_id, actor=actor, reason=reason)
    visit = scheduling.lock_visit(prescription.visit_id)
    if visit.status in {Visit.Status.PHARMACY, Visit.Status.CASHIER}:
        if billing.is_settled(encounter_id=visit.pk):
            scheduling.finish_visit(visit_id=visit.pk, actor=actor)
        elif visit.status == Visit.Status.PHARMACY:
            scheduling.move_visit(visit_id=visit.pk, to_status=Visit.Status.CASHIER, actor=actor)
    return prescription


def _tick(prescription: Prescription) -> None:
    user_ids = user_ids_of(prescription.patient)
    live.changed(live.PHARMACY, user_ids=user_ids)
    live.changed(live.BILLING, user_ids=user_ids)
