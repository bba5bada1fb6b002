"""Rules of consents that can be broken."""

from __future__ import annotations

from core.errors import Conflict, InvalidInput


class ConsentChanged(Conflict):
    """Somebody recorded another answer, or published a newer text, after the page was opened."""

    code = "patients.consent_changed"


class ConsentClosed(Conflict):
    """The answer is not the one in force: it was withdrawn, or another one followed."""

    code = "patients.consent_closed"


class AnswerMissing(InvalidInput):
    """A question was left open, or somebody is not named."""

    code = "patients.consent_answer_missing"


class GuardianNeeded(InvalidInput):
    """A child, or a patient who cannot decide, does not sign alone."""

    code = "patients.consent_guardian_needed"


class TextChanged(Conflict):
    """Somebody published a version of this text after the page was opened."""

    code = "patients.consent_text_changed"


class TextInvalid(InvalidInput):
    """A text without words, or one that does not differ from the version in force."""

    code = "patients.consent_text_invalid"
