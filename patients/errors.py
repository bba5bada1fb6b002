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


class AlreadyRegistered(Conflict):
    """The registration form was sent before and made a record."""

    code = "patients.already_registered"

    def __init__(self, message: str | Promise, patient: Patient) -> None:
        super().__init__(message)
        self.patient = patient


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


class NotAsked(Conflict):
    """Nobody asked yet, so nothing can be agreed with."""

    code = "patients.not_asked"


class HistoryExists(Conflict):
    """The same fact is recorded, or "none" was said although something is recorded."""

    code = "patients.history_exists"


class HistoryClosed(Conflict):
    """The entry was ended or marked as wrong before."""

    code = "patients.history_closed"


class NotPregnancyAge(Conflict):
    """Pregnancy is recorded for women of 10 to 55 years only."""

    code = "patients.not_pregnancy_age"


class BloodTypeProven(Conflict):
    """A laboratory found another blood type; what was told does not replace it."""

    code = "patients.blood_type_proven"


class CannotMerge(Conflict):
    """These two records cannot be merged, or not now."""

    code = "patients.cannot_merge"


class MergeOver(Conflict):
    """The merge was undone before, or cannot be undone any more as things are."""

    code = "patients.merge_over"


class PatientMerged(Conflict):
    """The record was merged into another one; that one is to be used."""

    code = "patients.merged"


class PairDecided(Conflict):
    """Somebody decided about these two records before."""

    code = "patients.pair_decided"


class DocumentClosed(Conflict):
    """The document was marked as wrong before."""

    code = "patients.document_closed"


class DocumentChanged(Conflict):
    """Somebody else corrected the document after the form was opened."""

    code = "patients.document_changed"


class DocumentIsProof(Conflict):
    """A signed consent or an answered request rests on this document."""

    code = "patients.document_is_proof"


class DocumentKnown(Conflict):
    """The same file is in the record already."""

    code = "patients.document_known"


class TooManyDocuments(Conflict):
    """As many documents were sent from the portal as one day may have."""

    code = "patients.too_many_documents"


class CannotArchive(Conflict):
    """The record is archived or merged already, or something of the patient is under way."""

    code = "patients.cannot_archive"


class NotArchived(Conflict):
    """Only an archived record comes back."""

    code = "patients.not_archived"


class CannotDelete(Conflict):
    """The registration is no mistake: something of the patient is kept by law or by the books."""

    code = "patients.cannot_delete"


class BreachKnown(Conflict):
    """The same person entered the same failure a moment ago."""

    code = "patients.breach_known"


class BreachClosed(Conflict):
    """The entry in the register of failures is closed, or the person on its list was told already."""

    code = "patients.breach_closed"


class BreachIncomplete(Conflict):
    """The entry lacks something and nobody wrote why it is closed without."""

    code = "patients.breach_incomplete"


class RetentionDecided(Conflict):
    """Somebody decided on this record before."""

    code = "patients.retention_decided"


class CannotErase(Conflict):
    """Something stands in the way of erasing: a hold, a visit, a bill, another request; or the wrong number was typed."""

    code = "patients.cannot_erase"


class NothingToErase(Conflict):
    """Everything that may be erased is gone already."""

    code = "patients.nothing_to_erase"


class HoldUnchanged(Conflict):
    """The record is on hold already, or was not."""

    code = "patients.hold_unchanged"
