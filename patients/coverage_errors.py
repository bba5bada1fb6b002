"""Rules of insurance policies that can be broken."""

from __future__ import annotations

from core.errors import Conflict


class PolicyExists(Conflict):
    """The patient has an active policy with this insurer and number, or a second BPJS number."""

    code = "patients.policy_exists"


class PolicyClosed(Conflict):
    """The policy was ended, or marked as entered in error, before."""

    code = "patients.policy_closed"


class PolicyChanged(Conflict):
    """Somebody else saved this policy after the form was opened."""

    code = "patients.policy_changed"
