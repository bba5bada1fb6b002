"""Broken rules of the pharmacy."""

from core.errors import Conflict, DomainError, InvalidInput


class OutOfStock(Conflict):
    """Free or unexpired stock does not cover a line; the sentence names the medicine and what is left."""

    code = "pharmacy.out_of_stock"


class AllergyStop(DomainError):
    """A line meets a recorded allergy and carries no reason to prescribe it all the same."""

    code = "pharmacy.allergy_stop"


class InvalidLine(InvalidInput):
    """A prescription line has no medicine of the list, no usable quantity or no directions."""

    code = "pharmacy.invalid_line"


class InvalidPrice(InvalidInput):
    """A confirmed price is missing, foreign, out of bounds, or differs from the list without a reason."""

    code = "pharmacy.invalid_price"


class InvalidStockEntry(InvalidInput):
    """A receipt or correction has an impossible quantity, date, batch or no reason."""

    code = "pharmacy.invalid_stock_entry"


class WrongState(Conflict):
    """The prescription is no longer in the state the act starts from."""

    code = "pharmacy.wrong_state"


class AlreadyDispensed(WrongState):
    """The medicines were handed over before."""

    code = "pharmacy.already_dispensed"


class NotPaid(Conflict):
    """The bill of the visit is not settled yet."""

    code = "pharmacy.not_paid"


class AlreadyPrescribed(Conflict):
    """The visit has a prescription."""

    code = "pharmacy.already_prescribed"
