"""Does the stock add up? Part of the nightly check of all records."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from patients.integrity import Check, Fault, Looked, Severity, register
from pharmacy.models import StockMovement
from pharmacy.reconcile import differences


def _stock(cursor: str, open_subjects: list[str]) -> Looked:
    found = [sentence.split(":", 1) for sentence in differences()]
    return Looked(
        [Fault(subject, None, {"says": says.strip()}) for subject, says in found], StockMovement.objects.count()
    )


def register_own() -> None:
    """Add the checks of this app; called once."""
    register(
        Check(
            "stock",
            _("Stock that does not add up"),
            _("Count the medicine and correct its stock; tell whoever runs the system."),
            Severity.SERIOUS,
            _stock,
            "pharmacy:stock",
        )
    )
