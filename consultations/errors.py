"""Rules of consultation notes that can be broken."""

from core.errors import Conflict, InvalidInput, NotPermitted


class NoteChanged(Conflict):
    """The note was saved in another window since this page was opened."""

    code = "consultations.note_changed"


class NoteSigned(Conflict):
    """The note is signed and does not change any more."""

    code = "consultations.note_signed"


class NotYourVisit(NotPermitted):
    """Only the visit's doctor writes its note."""

    code = "consultations.not_your_visit"


class WrongStage(Conflict):
    """The visit is not where this act belongs."""

    code = "consultations.wrong_stage"


class DiagnosisMissing(InvalidInput):
    """A note needs exactly one primary diagnosis."""

    code = "consultations.diagnosis_missing"


class UnknownDiagnosis(InvalidInput):
    """A chosen code is not in the active code list, is chosen twice, or may not be primary."""

    code = "consultations.unknown_diagnosis"


class ImplausibleVitals(InvalidInput):
    """A measurement is outside what a living person shows, or nothing was measured."""

    code = "consultations.implausible_vitals"


class InvalidCodeRow(InvalidInput):
    """A row of a code list that is imported cannot be used."""

    code = "consultations.invalid_code_row"
