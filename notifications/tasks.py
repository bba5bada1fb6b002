"""Background work of this app. The truth is in the outbox table; a task is a nudge and safe to run twice."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from notifications import delivery


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
