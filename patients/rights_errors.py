"""Rules of requests about personal data that can be broken."""

from __future__ import annotations

from core.errors import Conflict, InvalidInput


class RequestExists(Conflict):
    """The same is asked already and waits for an answer."""

    code = "patients.data_request_exists"


class TooManyOpenRequests(Conflict):
    """As many requests as one person may send wait for an answer."""

    code = "patients.too_many_data_requests"


class RequestClosed(Conflict):
    """The request was answered or withdrawn before."""

    code = "patients.data_request_closed"


class InvalidRequest(InvalidInput):
    """Something of a request or of its answer is missing or cannot be; `field` names it for the form."""

    code = "patients.data_request_invalid"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NotDoneYet(Conflict):
    """What the answer promises was not done yet: the copy is not made, nothing was erased."""

    code = "patients.data_request_not_done"


class LimitLifted(Conflict):
    """The restriction was lifted before."""

    code = "patients.limit_lifted"


class CopyNotReleased(Conflict):
    """There is no copy to load, or its time is over."""

    code = "patients.copy_not_released"
