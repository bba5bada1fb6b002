"""Visits without a bill, and bills without a visit. Part of the nightly check of all records."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from billing.models import Invoice
from patients.integrity import Check, Severity, register, rows
from scheduling.models import Visit


def without_bill() -> QuerySet[Visit]:
    """Finished visits that have no bill at all."""
    bills = Invoice.objects.filter(encounter_id=OuterRef("pk"))
    return Visit.objects.filter(~Exists(bills), status=Visit.Status.FINISHED)


def without_visit() -> QuerySet[Invoice]:
    """Bills of a visit that is gone, or that belongs to another patient."""
    visits = Visit.objects.filter(pk=OuterRef("encounter_id"), patient_id=OuterRef("patient_id"))
    return Invoice.objects.filter(~Exists(visits))


def register_own() -> None:
    """Add the checks of this app; called once."""
    advice = _("Compare visit and bill; tell whoever runs the system.")
    bills = Check("visits_without_bill", _("Finished visits without a bill"), advice, Severity.WARNING,
                  rows("visit", without_bill()))  # fmt: skip
    visits = Check("bills_without_visit", _("Bills without their visit"), advice, Severity.SERIOUS,
                   rows("invoice", without_visit()))  # fmt: skip
    register(bills)
    register(visits)
