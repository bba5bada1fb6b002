"""Background work of this app."""

from celery import shared_task

from audit.refusals import flush_refusals
from audit.sealing import seal_all


@shared_task(name="audit.tasks.seal")
def seal() -> int:
    """Write the counts of refusals that are over, then seal what is new; the number of new seals. Safe to run twice."""
    flush_refusals()
    return seal_all()
