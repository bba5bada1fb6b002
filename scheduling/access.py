"""Object rules of the clinic's day, beyond what a capability opens."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from accounts.access import Capability, Decision, has_capability
from scheduling.models import SERVES, QueueStep, Stage, Visit, stages_of

# States of a visit with a stage of the same name, whose stations call the number.
ELSEWHERE = (Visit.Status.LABORATORY, Visit.Status.RADIOLOGY, Visit.Status.PHARMACY, Visit.Status.CASHIER)
SERVING = tuple(dict.fromkeys(right for rights in SERVES.values() for right in rights))


def may_call(user: Any, visit: Visit) -> Decision:
    """Until the doctor begins, desk and nurses call everyone, a doctor the own patients. Elsewhere, who works there: a
    number called from another place would be missing among those its station calls next."""
    if visit.status in ELSEWHERE:
        return Decision(serves(user, visit.status), _("Another station calls this number."))
    if has_capability(user, Capability.CHECK_IN) or serves(user, Stage.NURSE):
        return Decision(True)
    if has_capability(user, Capability.WRITE_NOTES) and visit.doctor_id == user.pk:
        return Decision(True)
    return Decision(False, _("This patient waits for another doctor."))


def serves(user: Any, stage: str) -> bool:
    """True when somebody works at stations of this stage."""
    return stage in stages_of(user)


def may_serve(user: Any, step: QueueStep) -> Decision:
    """Who works at the stage; at the doctor's, only the doctor whose queue it is."""
    if not serves(user, step.stage):
        return Decision(False, _("Another station calls this number."))
    if step.stage == Stage.DOCTOR and step.doctor_id != user.pk:
        return Decision(False, _("This patient waits for another doctor."))
    return Decision(True)
