"""What runs when. Rows for django-celery-beat are made from this table, so a database always matches its code.

Daily duties run every 10 minutes and ask the database whether today's is done (`notifications.daily`): a scheduler that
was down at the hour catches up as soon as it is back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

PREFIX = "emr: "


@dataclass(frozen=True)
class Schedule:
    """One task and how often it is asked."""

    name: str
    task: str
    every_seconds: int
    description: str

    @property
    def row_name(self) -> str:
        return PREFIX + self.name


SCHEDULES = (
    Schedule("audit seals", "audit.tasks.seal", 60, "Seals what is new in the audit log."),
    Schedule("mail outbox", "notifications.tasks.sweep_outbox", 60, "Sends what is due and was missed."),
    Schedule("background work", "jobs.tasks.sweep", 60, "Hands out work that waits, removes old results."),
    Schedule("previews of documents", "patients.tasks.sweep_previews", 60, "Makes previews that were missed."),
    Schedule("old sessions", "accounts.tasks.tidy_sessions", 3600, "Removes what has expired."),
    Schedule("emergency reviews", "patients.tasks.remind_emergency_reviews", 600, "Due from 08:00, once a day."),
    Schedule("visit reminders", "scheduling.tasks.remind_tomorrow", 600, "Due from 08:00, once a day."),
    Schedule(
        "held times", "scheduling.tasks.keep_times", 60, "Gives times back that nobody confirmed, and offers them."
    ),
    Schedule("appointments nobody came to", "scheduling.tasks.mark_no_shows", 600, "Once a day, for the days before."),
    Schedule("closed times", "scheduling.tasks.refresh_closed_slots", 600, "Closes times on holidays and in time off."),
    Schedule("guardian links", "patients.tasks.end_guardian_links", 600, "Due from 07:00, once a day."),
    Schedule("unusual access", "reports.tasks.look_for_unusual_access", 600, "Looks through the audit log."),
    Schedule("unfinished registrations", "patients.tasks.remove_old_drafts", 3600, "Removes what is older than a day."),
    Schedule("requests about data", "patients.tasks.warn_data_requests", 600, "Warns 24 hours before, and when over."),
    Schedule(
        "records that look alike", "patients.tasks.look_for_duplicates", 600, "Due from 01:00, once a day in parts."
    ),
    Schedule("missing records", "patients.tasks.check_records", 600, "Due from 05:00, once a day."),
    Schedule("check of all records", "patients.tasks.go_on_with_integrity_runs", 600, "Due from 02:00, once a day."),
    Schedule("data failures", "patients.tasks.warn_about_breaches", 600, "Due from 06:00, once a day."),
    Schedule("records past their time", "patients.tasks.propose_retention", 3600, "Once a month."),
    Schedule("staff licences", "notifications.tasks.check_licences", 600, "Due from 07:00, once a day."),
    Schedule("files of imports", "patients.tasks.tidy_imports", 600, "Removes lists of patients that are imported."),
    Schedule(
        "seal of the audit log",
        "notifications.tasks.mail_audit_head",
        600,
        "Mailed to the owners from 06:00, once a day.",
    ),
    Schedule("stored files", "notifications.tasks.sweep_files", 600, "Due from 03:00, once a day."),
    Schedule("unpaid bills", "billing.tasks.remind_unpaid", 600, "Due from 16:00, once a day."),
)


def seed(**kwargs: Any) -> None:
    """Make the rows of `SCHEDULES` and remove rows of ours that are no longer in it; receiver of `post_migrate`.

    Safe to repeat. A row that an admin switched off stays off.
    """
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    with transaction.atomic():
        PeriodicTask.objects.filter(name__startswith=PREFIX).exclude(
            name__in=[schedule.row_name for schedule in SCHEDULES]
        ).delete()
        for schedule in SCHEDULES:
            interval = IntervalSchedule.objects.filter(every=schedule.every_seconds, period="seconds").first()
            if interval is None:
                interval = IntervalSchedule.objects.create(every=schedule.every_seconds, period="seconds")
            wanted = {"task": schedule.task, "interval_id": interval.pk, "description": schedule.description}
            row, made = PeriodicTask.objects.get_or_create(name=schedule.row_name, defaults=wanted)
            if not made and any(getattr(row, field) != value for field, value in wanted.items()):
                for field, value in wanted.items():
                    setattr(row, field, value)
                row.save()
