"""The newest seal of the audit log by mail to the owners, once a day: a trace that no server of the clinic can take back."""

from __future__ import annotations

from accounts.access import Role
from accounts.models import User
from audit import anchors, sealing
from core import clock
from notifications.services import queue_email


def mail_audit_head() -> int:
    """Order today's mail to each owner; the number of mails ordered now. Safe to repeat; nothing while nothing is sealed."""
    seal = sealing.head()
    if seal is None:
        return 0
    line = anchors.line_of(seal)
    ordered = 0
    for owner in User.objects.active().with_role(Role.OWNER).order_by("pk"):
        email = queue_email(
            template="audit_head",
            to=owner.email,
            language=owner.language,
            context={
                "name": owner.full_name,
                "sequence": seal.sequence,
                "last_id": seal.last_id,
                "sealed_at": seal.at,
                "line": line,
            },
            dedupe_key=f"audit-head:{clock.today()}:{owner.pk}",
            recipient_user=owner,
        )
        ordered += email is not None
    return ordered
