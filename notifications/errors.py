"""Broken rules of notices and mails."""

from django.utils.translation import gettext as _

from core.errors import Conflict


class MailNotResendable(Conflict):
    """Only a mail that failed, or whose fate is unknown, may be tried again."""

    code = "notifications.mail_not_resendable"

    def __init__(self) -> None:
        super().__init__(_("This mail is on its way or was sent. Reload the page to see its present state."))
