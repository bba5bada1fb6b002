"""Transactions that put several domains together: finishing a consultation, taking a payment, the patient's last word.

Each locks the visit first (docs/locking.md), so that doctor, pharmacy, cashier and patient never decide on a stale one.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from billing import services as billing
from billing.models import Charge, Invoice, Payment
from consultations import services as consultations
from consultations.models import Note
from consultations.services import ChosenDiagnosis
from core import clock, live
from core.db import locked, retry_transaction
from core.errors import NotPermitted
from patients.guardians import may_act_for
from patients.services import mail_patient
from pharmacy.models import Prescription
from pharmacy.services import dispensing, prescribing
from pharmacy.services.prescribing import PrescriptionLine
from scheduling import services as scheduling
from scheduling.models import Visit
from workspace.errors import MedicineStillWaiting, NotFinishedYet, NothingToCancel


@retry_transaction
def finish_consultation(
    *,
    visit_id: UUID,
    actor: Any,
    version: int,
    consultation_fee_idr: int,
    diagnoses: list[ChosenDiagnosis],
    lines: list[PrescriptionLine],
    subjective: str,
    objective: str,
    assessment: str,
    plan: str,
) -> Note:
    """Sign the note, prescribe, charge and close the consultation, all or nothing.

    The fee is for the visit's first service; each further one is a charge of its own at the price of the booking.

    With medicines the visit goes on to the pharmacy and the bill waits for its prices; without, the bill is issued and
    the visit goes to the cashier, or is finished when there is nothing to pay.

    Raises:
        What `consultations.services.sign_note` and `pharmacy.services.prescribing.create_prescription` raise.
    """
    visit = scheduling.lock_visit(visit_id)
    note = consultations.sign_note(
        visit_id=visit.pk,
        actor=actor,
        version=version,
        consultation_fee_idr=consultation_fee_idr,
        diagnoses=diagnoses,
        subjective=subjective,
        objective=objective,
        assessment=assessment,
        plan=plan,
    )
    _charge_further_services(visit, actor=actor)
    if lines:
        scheduling.close_consultation(visit_id=visit.pk, actor=actor, next_status=Visit.Status.PHARMACY)
        prescribing.create_prescription(visit_id=visit.pk, actor=actor, lines=lines)
        return note
    invoice = billing.issue_invoice(encounter_id=visit.pk, actor=actor)
    scheduling.close_consultation(visit_id=visit.pk, actor=actor, next_status=Visit.Status.CASHIER)
    if invoice.status == Invoice.Status.PAID:
        scheduling.finish_visit(visit_id=visit.pk, actor=actor)
    return note


def _charge_further_services(visit: Visit, *, actor: Any) -> None:
    for line in scheduling.further_lines(visit):
        billing.post_charge(
            encounter_id=visit.pk,
            patient_id=visit.patient_id,
            category=Charge.Category.PROCEDURE,
            description=line.service.name_id,
            unit_price_idr=line.price_idr,
            source_type="scheduling.visit_line",
            source_id=line.pk,
            actor=actor,
        )


@retry_transaction
def receive_payment(
    *,
    invoice_id: UUID,
    method: Payment.Method,
    amount_idr: int,
    idempotency_key: UUID,
    actor: Any,
    tendered_idr: int | None = None,
    reference: str = "",
) -> Payment:
    """Take money at the cashier and send the patient on: to the pharmacy when medicines wait, else home.

    A repeated form (same key) gives the payment that was made and changes nothing.

    Raises:
        What `billing.services.take_payment` raises.
    """
    visit = scheduling.lock_visit(Invoice.objects.values_list("encounter_id", flat=True).get(pk=invoice_id))
    is_repeat = Payment.objects.filter(idempotency_key=idempotency_key).exists()
    payment = billing.take_payment(
        invoice_id=invoice_id,
        method=method,
        amount_idr=amount_idr,
        tendered_idr=tendered_idr,
        reference=reference,
        idempotency_key=idempotency_key,
        actor=actor,
    )
    if is_repeat:
        return payment
    _move_on_after_settlement(visit, actor=actor)
    _mail_receipt(visit, payment)
    return payment


@retry_transaction
def confirm_finished(*, visit_id: UUID, actor: Any) -> Visit:
    """The patient confirms that everything was received; once.

    Raises:
        NotPermitted: it is another person's visit.
        NotFinishedYet: the consultation or the bill is still open.
        MedicineStillWaiting: medicines were not handed over yet.
    """
    visit = _own_visit(visit_id, actor)
    if visit.patient_confirmed_at is not None:
        return visit
    if visit.consulted_at is None or not billing.is_settled(encounter_id=visit.pk):
        raise NotFinishedYet(_("You can confirm when the consultation is over and the bill is paid."))
    if _open_prescription(visit) is not None:
        raise MedicineStillWaiting(
            _("Your medicines wait at the pharmacy. Fetch them first, or finish without medicine.")
        )
    return _confirm(visit, actor=actor, without_medicine=False)


@retry_transaction
def finish_without_medicine(*, visit_id: UUID, actor: Any) -> Visit:
    """The patient goes without the medicines: their lines and cost are cancelled, the reservation is released.

    What was already paid for them becomes a refund due. The rest of the bill stays to be paid.

    Raises:
        NotPermitted: it is another person's visit.
        NothingToCancel: there is no prescription that waits.
    """
    visit = _own_visit(visit_id, actor)
    prescription = _open_prescription(visit)
    if prescription is None:
        raise NothingToCancel(_("There are no medicines waiting that could be cancelled."))
    dispensing.cancel_prescription(
        prescription_id=prescription.pk, actor=actor, reason="Selesai tanpa obat (permintaan pasien)"
    )
    visit = _confirm(scheduling.lock_visit(visit_id), actor=actor, without_medicine=True)
    scheduling.move_visit(visit_id=visit.pk, to_status=Visit.Status.CASHIER)
    _move_on_after_settlement(visit, actor=actor)
    visit.refresh_from_db()
    return visit


def _mail_receipt(visit: Visit, payment: Payment) -> None:
    """Tell the patient what was received, in their language; nothing without an address."""
    invoice = payment.invoice
    mail_patient(
        patient=visit.patient,
        template="payment_receipt",
        context={
            "invoice_number": invoice.number,
            "amount_idr": payment.amount_idr,
            "paid_at": payment.received_at,
            "receipt_number": payment.receipt_number,
            "method": Payment.Method(payment.method).label,  # lazy: written in the mail's language
            "path": reverse("billing:portal-bill", args=[invoice.pk]),
        },
        dedupe_key=f"payment_receipt:{payment.pk}",
    )


def _own_visit(visit_id: UUID, actor: Any) -> Visit:
    visit = scheduling.lock_visit(visit_id)
    if not may_act_for(actor, visit.patient_id):
        raise NotPermitted(_("Only the patient can confirm this visit."))
    return visit


def _open_prescription(visit: Visit) -> Prescription | None:
    """Return the visit's prescription that is neither handed over nor cancelled, under lock."""
    return (
        locked(Prescription.objects.all())
        .filter(visit=visit, status__in=[Prescription.Status.NEW, Prescription.Status.PRICED])
        .first()
    )


def _confirm(visit: Visit, *, actor: Any, without_medicine: bool) -> Visit:
    visit.patient_confirmed_at = clock.now()
    visit.save(update_fields=["patient_confirmed_at"])
    audit.record(
        "workspace.visit.confirmed",
        actor=actor,
        patient=visit.patient_id,
        target=visit,
        detail={"visit": visit.number, "without_medicine": without_medicine},
    )
    live.changed(live.QUEUE)
    return visit


def _move_on_after_settlement(visit: Visit, *, actor: Any) -> None:
    """Send a visit whose bill is settled to the pharmacy or home."""
    if not billing.is_settled(encounter_id=visit.pk):
        return
    if _open_prescription(visit) is not None:
        scheduling.move_visit(visit_id=visit.pk, to_status=Visit.Status.PHARMACY)
        live.changed(live.PHARMACY)
    else:
        scheduling.finish_visit(visit_id=visit.pk, actor=actor)
