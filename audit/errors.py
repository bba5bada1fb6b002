class AuditIsAppendOnly(Exception):
    """Somebody tried to change or delete an audit row."""


class AuditUnavailable(Exception):
    """The audit row could not be written, so the act must not happen: whoever sees this lets the transaction roll back.

    Not a DomainError: no view may turn it into a message and go on.
    """


class ArchiveError(Exception):
    """An archive of the log cannot be made, read or released; the message says why. No row was removed."""
