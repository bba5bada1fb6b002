"""Background work of this app. The truth is in the outbox table; a task is a nudge and safe to run twice."""

from __future__ import annotations

from datetime import time
from uuid import UUID

from celery import shared_task

from accounts import services as accounts
from core import clock
from notifications import audit_head, daily, delivery, stored_files

LICENCES_FROM = time(7, 0)
AUDIT_HEAD_FROM = time(6, 0)
FILES_FROM = time(3, 0)


@shared_task(name="notifications.tasks.send_email")
def send_email(email_id: str) -> bool:
    """Send one mail of the outbox, unless that is done or another worker is at it."""
    return delivery.deliver(UUID(email_id))


@shared_task(name="notifications.tasks.sweep_outbox")
def sweep_outbox() -> int:
    """Send what is due and was missed (lost nudge, later try, dead worker); the number of mails looked at."""
    due = delivery.sweep()
    for email_id in due:
        send_email.apply_async(args=[str(email_id)])
    return len(due)


@shared_task(name="notifications.tasks.check_licences")
def check_licences() -> bool:
    """Tell the admins once a day, from 07:00, how many practice licences of staff have ended or end soon."""
    if not daily.is_due(LICENCES_FROM):
        return False
    return daily.run_once("staff-licences", clock.today(), accounts.warn_about_licences)


@shared_task(name="notifications.tasks.mail_audit_head")
def mail_audit_head() -> bool:
    """Mail the newest seal of the audit log to the owners, once a day from 06:00; True when it ran now."""
    if not daily.is_due(AUDIT_HEAD_FROM):
        return False
    return daily.run_once("audit-head", clock.today(), audit_head.mail_audit_head)


@shared_task(name="notifications.tasks.sweep_files")
def sweep_files() -> bool:
    """Once a day, from 03:00: delete what lies in the storage of files without a row; True when it ran now."""
    if not daily.is_due(FILES_FROM):
        return False
    return daily.run_once("stored-files", clock.today(), stored_files.sweep_files)
