"""The register of failures to protect personal data: what happened, whose data, who was told and when.

Source: UU 27/2022, article 46: the clinic tells the persons concerned and the agency in writing within 3 x 24 hours,
with the data exposed, when and how it happened, and what is done about it; the public too in some cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

import audit
from accounts.access import Capability
from audit.models import AuditEvent
from core import clock
from core.db import next_number, next_numbers, retry_transaction
from core.text import clean_line, clean_text
from jobs import kinds
from jobs.models import Job
from jobs.steps import JobResult, JobStep
from notifications.services import notify_capability
from patients.errors import BreachClosed, BreachIncomplete, BreachKnown, InvalidPatientData, PatientChanged
from patients.models import AffectedPatient, Breach, Patient
from patients.services.mail import mail_patient

NOTICE_WITHIN = timedelta(hours=72)
WARN_BEFORE = timedelta(hours=24)
TWICE_WITHIN = timedelta(minutes=2)  # the same form sent twice
COUNTER = "patients.breach"
MAX_TITLE = 160
MAX_TEXT = 5000
MOST_AFFECTED = 200_000
BATCH = 50
MAIL_KIND = "patients.breach_mails"
_RECORD_THAT_STAYED = Coalesce("merged_into_id", "pk")  # a merged record is told through the one it became
_NUMBERS = re.compile(r"[\s,;]+")


class DataKind(models.TextChoices):
    """Kinds of personal data that a failure may expose."""

    IDENTITY = "identity", gettext_lazy("Identity (name, NIK, birth date)")
    CONTACT = "contact", gettext_lazy("Address, telephone, e-mail")
    HEALTH = "health", gettext_lazy("Health data")
    BILLING = "billing", gettext_lazy("Bills and payments")
    INSURANCE = "insurance", gettext_lazy("Insurance numbers")
    ACCOUNT = "account", gettext_lazy("Portal account")
    DOCUMENTS = "documents", gettext_lazy("Photos and documents")


class ToldHow(models.TextChoices):
    """How a person was told."""

    EMAIL = "email", gettext_lazy("E-mail")
    LETTER = "letter", gettext_lazy("Letter")
    PHONE = "phone", gettext_lazy("Telephone")
    PERSON = "person", gettext_lazy("In person")


@retry_transaction
def record_breach(*, actor: Any, title: str, discovered_at: datetime, **facts: Any) -> Breach:
    """Enter a failure into the register; its clock runs from the discovery. The owner and admins are told.

    `facts`: began_at, ended_at, data_kinds, course, measures, risk.

    Raises:
        BreachKnown: the same form was sent a moment ago.
        InvalidPatientData: no title, a discovery in the future, an end before its beginning, an unknown kind of data.
    """
    now = clock.now()
    values = _checked(title=title, discovered_at=discovered_at, **facts)
    year = clock.today().year
    next_numbers(f"{COUNTER}.{year}", 0)  # locks it: of two that are sent at once the second sees the first
    _refuse_twin(actor, values, now)
    number = f"PDP-I/{year}/{next_number(f'{COUNTER}.{year}'):04d}"
    breach = Breach.objects.create(
        number=number, due_at=discovered_at + NOTICE_WITHIN, recorded_at=now, recorded_by=actor, **values
    )
    audit.record("patients.breach.recorded", actor=actor, target=breach, detail={"risk": breach.risk})
    notify_capability(Capability.MANAGE_BREACHES, kind="breach_recorded", params={"due_at": breach.due_at.isoformat()})
    return breach


@retry_transaction
def update_breach(*, breach_id: UUID, actor: Any, version: int, **facts: Any) -> Breach:
    """Change what is known about a failure that is still open.

    Raises:
        BreachClosed: it is closed.
        PatientChanged: somebody else saved meanwhile.
        InvalidPatientData: as `record_breach`.
    """
    breach = _lock(breach_id)
    if breach.version != version:
        raise PatientChanged(_("Somebody else changed this meanwhile. Nothing was saved; open it again."))
    given = {name: getattr(breach, name) for name in _FACTS}
    values = _checked(**{**given, **facts})
    changed = [name for name, value in values.items() if getattr(breach, name) != value]
    if changed:
        for name in changed:
            setattr(breach, name, values[name])
        breach.due_at = breach.discovered_at + NOTICE_WITHIN
        breach.version += 1
        breach.save(update_fields=[*changed, "due_at", "version"])
        audit.record("patients.breach.updated", actor=actor, target=breach, detail={"fields": sorted(changed)})
    return breach


@retry_transaction
def add_affected(*, breach_id: UUID, actor: Any, patient_ids: Iterable[UUID], source: str) -> int:
    """Put patients on the list of a failure; the number of new ones. `source` is "hand", "numbers" or "audit".

    Raises:
        BreachClosed: it is closed.
        InvalidPatientData: more than the list may hold.
    """
    breach = _lock(breach_id)
    wanted = set(patient_ids)
    known = set(AffectedPatient.objects.filter(breach=breach).values_list("patient_id", flat=True))
    if len(known | wanted) > MOST_AFFECTED:
        raise InvalidPatientData(
            _("A list holds at most %(limit)d people. Make a second entry.") % {"limit": MOST_AFFECTED}
        )
    fresh = sorted(wanted - known)
    now = clock.now()
    AffectedPatient.objects.bulk_create(
        [AffectedPatient(breach=breach, patient_id=pk, added_at=now) for pk in fresh], batch_size=500
    )
    if fresh:
        audit.record(
            "patients.breach.affected_added", actor=actor, target=breach, detail={"count": len(fresh), "source": source}
        )
    return len(fresh)


def patients_of_numbers(text: str) -> tuple[list[UUID], list[str]]:
    """Return the patients of pasted record numbers, and the numbers that nobody has."""
    typed = list(dict.fromkeys(number for number in _NUMBERS.split(text.replace("-", "")) if number))
    known: dict[str, UUID] = {}
    for at in range(0, len(typed), 500):
        rows = Patient.objects.filter(record_number__in=typed[at : at + 500])
        known.update(rows.values_list("record_number", _RECORD_THAT_STAYED))
    return list(dict.fromkeys(known.values())), [number for number in typed if number not in known]


def patients_opened_by(*, actor_id: UUID, since: datetime, until: datetime) -> list[UUID]:
    """Return every patient about whom the log has an event of this person between two moments: what a stolen account saw."""
    events = AuditEvent.objects.filter(actor_id=actor_id, at__gte=since, at__lt=until, patient_id__isnull=False)
    ids = events.order_by().values_list("patient_id", flat=True).distinct()[: MOST_AFFECTED + 1]
    if not ids:
        return []
    rows = Patient.objects.filter(pk__in=list(ids)).order_by().values_list(_RECORD_THAT_STAYED, flat=True)
    return list(rows.distinct())


@retry_transaction
def remove_affected(*, affected_id: UUID, actor: Any) -> None:
    """Take a person off the list who was put there by mistake and was not told yet.

    Raises:
        BreachClosed: the failure is closed, or the person was told.
    """
    affected = AffectedPatient.objects.get(pk=affected_id)
    breach = _lock(affected.breach_id)
    affected.refresh_from_db()
    if affected.told_at is not None:
        raise BreachClosed(_("This person was told already and stays on the list."))
    affected.delete()
    audit.record("patients.breach.affected_removed", actor=actor, patient=affected.patient_id, target=breach)


@retry_transaction
def mark_told(*, breach_id: UUID, actor: Any, affected_ids: Sequence[UUID], how: str) -> int:
    """Write down that people were told, by letter, telephone or in person; the number of those who were not before.

    Raises:
        BreachClosed: it is closed.
        InvalidPatientData: an unknown way.
    """
    breach = _lock(breach_id)
    if how not in ToldHow.values:
        raise InvalidPatientData(_("Choose one of the options."), "how")
    rows = AffectedPatient.objects.filter(breach=breach, pk__in=affected_ids, told_at__isnull=True)
    count = rows.update(told_at=clock.now(), told_how=how, told_by=actor)
    if count:
        audit.record("patients.breach.people_told", actor=actor, target=breach, detail={"count": count, "how": how})
    return count


@retry_transaction
def note_notice(*, breach_id: UUID, actor: Any, to: str, at: datetime) -> Breach:
    """Write down when the agency ("agency") or the public ("public") was told.

    Raises:
        BreachClosed: it is closed.
        InvalidPatientData: a moment before the discovery or in the future.
    """
    breach = _lock(breach_id)
    if not breach.discovered_at <= at <= clock.now():
        raise InvalidPatientData(_("The notice lies between the discovery and now."), "at")
    column = {"agency": "agency_told_at", "public": "public_told_at"}[to]
    setattr(breach, column, at)
    breach.version += 1
    breach.save(update_fields=[column, "version"])
    audit.record("patients.breach.notice_given", actor=actor, target=breach, detail={"to": to})
    return breach


def missing_to_close(breach: Breach) -> list[str]:
    """Return what a complete entry still lacks, in words."""
    found = []
    if not breach.course or not breach.measures or not breach.data_kinds:
        found.append(_("what happened, which data and what is done about it"))
    if breach.agency_told_at is None:
        found.append(_("the notice to the agency"))
    untold = AffectedPatient.objects.filter(breach=breach, told_at__isnull=True).count()
    if untold:
        found.append(_("%(count)d people who were not told") % {"count": untold})
    return found


@retry_transaction
def close_breach(*, breach_id: UUID, actor: Any, reason: str = "") -> Breach:
    """Close an entry: OPEN -> CLOSED. One that lacks something needs a reason, which becomes part of the measures.

    Raises:
        BreachClosed: it is closed already.
        BreachIncomplete: something is missing and no reason was given.
    """
    breach = _lock(breach_id)
    missing = missing_to_close(breach)
    why = clean_line(reason)[:300]
    if missing and not why:
        sentence = _("Still missing: %(list)s. Complete it, or write why it is closed without.")
        raise BreachIncomplete(sentence % {"list": ", ".join(missing)})
    if missing:
        noted = _("Closed without %(list)s: %(reason)s") % {"list": ", ".join(missing), "reason": why}
        breach.measures = f"{breach.measures}\n{noted}".strip()
    breach.status, breach.closed_at, breach.closed_by = Breach.Status.CLOSED, clock.now(), actor
    breach.version += 1
    breach.save(update_fields=["status", "closed_at", "closed_by", "measures", "version"])
    audit.record("patients.breach.closed", actor=actor, target=breach, detail={"complete": not missing})
    return breach


def warn_due() -> None:
    """Tell those who keep the register of open failures whose notices are due within a day or overdue."""
    soon = clock.now() + WARN_BEFORE
    waiting = Breach.objects.filter(status=Breach.Status.OPEN, due_at__lte=soon)
    untold = AffectedPatient.objects.filter(breach=models.OuterRef("pk"), told_at__isnull=True)
    late = waiting.filter(models.Q(agency_told_at__isnull=True) | models.Exists(untold))
    if (first := late.order_by("due_at").first()) is not None:
        notify_capability(Capability.MANAGE_BREACHES, kind="breach_due", params={"due_at": first.due_at.isoformat()})


# --- Mails ----------------------------------------------------------------------------------------------------------


def register_job() -> None:
    """Make the job known that writes to everybody on a list; called once."""
    kinds.register(
        MAIL_KIND,
        run=_write_mails,
        label=gettext_lazy("Mails about a failure to protect data"),
        capability=Capability.MANAGE_BREACHES,
        is_shared=True,
        summary=_summary,
    )


def _summary(job: Job) -> str:
    done = job.outcome or {}
    return _("%(told)s people were written to; %(left)s have no address and need a letter or a call.") % {
        "told": done.get("told", 0),
        "left": done.get("left", 0),
    }


def _write_mails(step: JobStep) -> JobResult:
    breach_id = UUID(step.parameters["breach"])
    everybody = AffectedPatient.objects.filter(breach=breach_id)
    total = everybody.count()
    at = step.cursor or {"after": "", "seen": 0}
    while (after := _mail_batch(step, breach_id, at, total)) is not None:
        at = after
        step.rest()
    told = everybody.filter(told_how=ToldHow.EMAIL).count()
    return JobResult(outcome={"told": told, "left": everybody.filter(told_at__isnull=True).count()})


@retry_transaction
def _mail_batch(step: JobStep, breach_id: UUID, at: dict[str, Any], total: int) -> dict[str, Any] | None:
    rows = AffectedPatient.objects.filter(breach=breach_id).order_by("pk")
    if at["after"]:
        rows = rows.filter(pk__gt=at["after"])
    batch = list(rows.select_related("patient__user")[:BATCH])
    if not batch:
        return None
    on = {"after": str(batch[-1].pk), "seen": at["seen"] + len(batch)}
    step.progress(on["seen"], max(total, on["seen"]), cursor=on)
    breach = _lock(breach_id)
    context = {
        "data_kinds": [str(DataKind(kind).label) for kind in breach.data_kinds],
        "course": breach.course,
        "measures": breach.measures,
        "discovered_at": breach.discovered_at,
    }
    told = []
    for row in batch:
        key = f"breach:{breach.pk.hex}:{row.patient_id.hex}"
        if row.told_at is None and mail_patient(
            patient=row.patient, template="data_breach", context=context, dedupe_key=key
        ):
            told.append(row.pk)
    AffectedPatient.objects.filter(pk__in=told).update(told_at=clock.now(), told_how=ToldHow.EMAIL, told_by=step.actor)
    if told:
        audit.record(
            "patients.breach.people_told", actor=step.actor, target=breach, detail={"count": len(told), "how": "email"}
        )
    return on


# --- Rules ----------------------------------------------------------------------------------------------------------

_FACTS = ("title", "discovered_at", "began_at", "ended_at", "data_kinds", "course", "measures", "risk")


def _checked(**facts: Any) -> dict[str, Any]:
    values = {"began_at": None, "ended_at": None, "data_kinds": [], "course": "", "measures": "",
              "risk": Breach.Risk.MEDIUM, **facts}  # fmt: skip
    values["title"] = clean_line(values["title"])
    if not values["title"] or len(values["title"]) > MAX_TITLE:
        raise InvalidPatientData(_("Write in at most %(limit)d letters what happened.") % {"limit": MAX_TITLE}, "title")
    for name in ("course", "measures"):
        values[name] = clean_text(values[name])
        if len(values[name]) > MAX_TEXT:
            raise InvalidPatientData(_("Shorten this to %(limit)d letters.") % {"limit": MAX_TEXT}, name)
    if values["discovered_at"] > clock.now():
        raise InvalidPatientData(_("The discovery lies in the future."), "discovered_at")
    began, ended = values["began_at"], values["ended_at"]
    if began and began > values["discovered_at"]:
        raise InvalidPatientData(_("It began before it was discovered."), "began_at")
    if began and ended and ended < began:
        raise InvalidPatientData(_("It ended before it began."), "ended_at")
    if set(values["data_kinds"]) - set(DataKind.values) or values["risk"] not in Breach.Risk.values:
        raise InvalidPatientData(_("Choose one of the options."), "data_kinds")
    values["data_kinds"] = sorted(set(values["data_kinds"]))
    return values


def _refuse_twin(actor: Any, values: dict[str, Any], now: datetime) -> None:
    recent = Breach.objects.filter(recorded_by=actor, recorded_at__gt=now - TWICE_WITHIN)
    for row in recent.filter(discovered_at=values["discovered_at"]):
        if row.title == values["title"]:
            sentence = _("You entered this a moment ago: it is %(number)s in the register.")
            raise BreachKnown(sentence % {"number": row.number})


def _lock(breach_id: UUID) -> Breach:
    """Return an open entry, locked."""
    breach = Breach.objects.select_for_update().get(pk=breach_id)
    if breach.status != Breach.Status.OPEN:
        raise BreachClosed(_("This entry is closed and is no longer changed."))
    return breach


@retry_transaction
def record_read(*, breach: Breach, actor: Any, shown: int) -> None:
    """Write that the list of affected people was looked at, and how many it showed."""
    audit.record("patients.breach.viewed", actor=actor, target=breach, detail={"shown": shown})


@retry_transaction
def record_export(*, breach: Breach, actor: Any) -> None:
    """Write that the list of affected people was taken out as a file."""
    count = AffectedPatient.objects.filter(breach=breach).count()
    audit.record("patients.breach.exported", actor=actor, target=breach, detail={"rows": count})
