"""Rules of patients that can be broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import Conflict, DomainError, InvalidInput, NotPermitted

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from patients.models import Patient


class InvalidPatientData(InvalidInput):
    """A value of the identity cannot be: an impossible NIK, a birth date in the future, an empty name."""

    code = "patients.invalid_data"

    def __init__(self, message: str | Promise, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class DuplicateNik(Conflict):
    """Another patient has this NIK."""

    code = "patients.duplicate_nik"


class LikelyDuplicate(Conflict):
    """A patient with this name and birth date exists, and nobody said why this is another person."""

    code = "patients.likely_duplicate"

    def __init__(self, message: str | Promise, patients: Sequence[Patient] = ()) -> None:
        super().__init__(message)
        self.patients = list(patients)


class PatientChanged(Conflict):
    """Somebody else saved this patient after the form was opened."""

    code = "patients.changed"


class PatientNotFound(DomainError):
    """There is no such patient."""

    code = "patients.not_found"


class IdentityLocked(Conflict):
    """The patient gave this once already; only the front desk may change it now."""

    code = "patients.identity_locked"


class AllergyExists(Conflict):
    """The same allergy is recorded, or "none" was said although allergies are recorded."""

    code = "patients.allergy_exists"


class AllergyClosed(Conflict):
    """The allergy was marked as entered in error before."""

    code = "patients.allergy_closed"


class ReasonMissing(InvalidInput):
    """This act needs a reason."""

    code = "patients.reason_missing"


class EmailTaken(Conflict):
    """An account with this e-mail address exists. Never shown to the public: it would tell who is a patient."""

    code = "patients.email_taken"


class RegistrationDecided(Conflict):
    """Somebody activated or rejected this registration before."""

    code = "patients.registration_decided"


class NotRebuildable(Conflict):
    """This account has no record that could be built again here."""

    code = "patients.not_rebuildable"


class IdentityNeeded(Conflict):
    """Nobody wrote who the person is: an admin must, from the identity card."""

    code = "patients.identity_needed"


class RecordNotConnectable(Conflict):
    """The chosen record has an account already, is archived, or is of somebody else."""

    code = "patients.record_not_connectable"


class GuardianLinkExists(Conflict):
    """The account acts for this patient already."""

    code = "patients.guardian_link_exists"


class GuardianLinkClosed(Conflict):
    """The request was decided, or the link ended, before."""

    code = "patients.guardian_link_closed"


class TooManyGuardianRequests(Conflict):
    """The account has as many requests waiting as it may have."""

    code = "patients.too_many_guardian_requests"


class ProofMissing(InvalidInput):
    """No document was named, or one that is not enough for this patient."""

    code = "patients.proof_missing"


class WrongGuardian(Conflict):
    """This account cannot act for this patient: not an active portal account, the patient's own, a child's."""

    code = "patients.wrong_guardian"


class OwnGuardianLink(NotPermitted):
    """Nobody decides on a link of their own account."""

    code = "patients.own_guardian_link"


class NotYourGuardianLink(NotPermitted):
    """The account is not a party to this link, or may not end it."""

    code = "patients.not_your_guardian_link"
