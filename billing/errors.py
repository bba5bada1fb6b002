"""Rules of bills and payments that can be broken."""

from core.errors import Conflict, DomainError, InvalidInput


class InvoiceClosed(Conflict):
    """The bill is paid or void, so its lines stand."""

    code = "billing.invoice_closed"


class NotPayable(Conflict):
    """The bill is not issued yet, already paid, or void."""

    code = "billing.not_payable"


class WrongAmount(InvalidInput):
    """The amount is outside what is still to pay, or the cash does not cover it."""

    code = "billing.wrong_amount"


class ReferenceMissing(InvalidInput):
    """A transfer, QRIS or card payment without its reference."""

    code = "billing.reference_missing"


class RefundClosed(Conflict):
    """The refund was paid back already."""

    code = "billing.refund_closed"


class InvoiceNotFound(DomainError):
    """There is no bill for this visit."""

    code = "billing.invoice_not_found"
