"""Rules of a visit's last steps that can be broken."""

from core.errors import Conflict


class NotFinishedYet(Conflict):
    """The consultation or the bill is still open."""

    code = "workspace.not_finished_yet"


class MedicineStillWaiting(Conflict):
    """Medicines were prescribed and not handed over."""

    code = "workspace.medicine_still_waiting"


class NothingToCancel(Conflict):
    """No prescription waits."""

    code = "workspace.nothing_to_cancel"
