"""Rules of emergency access that can be broken."""

from __future__ import annotations

from core.errors import Conflict, InvalidInput, NotPermitted, TooManyRequests


class EmergencyReasonMissing(InvalidInput):
    """The reason does not say what happened."""

    code = "patients.emergency_reason_missing"


class EmergencyNotNeeded(Conflict):
    """The person may read this record without emergency access."""

    code = "patients.emergency_not_needed"


class TooManyLookups(TooManyRequests):
    """Somebody looked for patients outside their care team too often within an hour."""

    code = "patients.emergency_too_many_lookups"


class OwnEmergency(NotPermitted):
    """Nobody reviews the emergency access they used themselves."""

    code = "patients.emergency_own"


class EmergencyNotReviewable(Conflict):
    """It still runs, or somebody reviewed it before."""

    code = "patients.emergency_not_reviewable"
