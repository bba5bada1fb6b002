"""Requests about personal data: what is asked, how long there is, on what grounds one is refused. Questions only.

The acts are in `patients.services.rights`. Why it is so: docs/adr/0026-rights-over-data.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core import clock
from patients.merge_rules import field_of
from patients.models import DataRequest, Patient, PatientContact, PatientDemographics, ProcessingLimit
from patients.models.patient import mask_nik

# UU 27/2022 articles 30, 32, 40 and 41: 3 x 24 hours from the receipt; hours, not days of the calendar.
ANSWER_WITHIN = timedelta(hours=72)
WARN_BEFORE = timedelta(hours=24)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Kind, Status = DataRequest.Kind, DataRequest.Status
GRANTED = (Status.FULFILLED, Status.PARTLY)
WITH_GROUND = (Status.PARTLY, Status.REFUSED)
TONES: dict[str, str] = {Status.FULFILLED: "success", Status.PARTLY: "warning", Status.REFUSED: "danger"}
ANSWERS = (Status.FULFILLED, Status.PARTLY, Status.REFUSED)


@dataclass(frozen=True)
class Ground:
    """Why something is refused: the words of an answer, and the requests it can be the reason for."""

    label: str | Promise
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Offer:
    """One request as the portal offers it: its button, and what happens then."""

    title: str | Promise
    text: str | Promise
    icon: str


OFFERS: dict[str, Offer] = {
    Kind.COPY: Offer(
        gettext_lazy("Get a copy of my data"),
        gettext_lazy(
            "Everything the clinic has about you as one file, also for other programs, with who looked at it."
        ),
        "download",
    ),
    Kind.CORRECTION: Offer(
        gettext_lazy("Have something corrected"),
        gettext_lazy("Tell us what is wrong and what is right. Medical entries are not erased; a correction is added."),
        "edit",
    ),
    Kind.RESTRICTION: Offer(
        gettext_lazy("Restrict what my data are used for"),
        gettext_lazy("Stop reminders, passing data on, or education and research. Your care goes on as before."),
        "ban",
    ),
    Kind.ERASURE: Offer(
        gettext_lazy("Have data erased"),
        gettext_lazy(
            "What the law does not keep is erased: portal account, photo, identity card picture, contacts. "
            "Medical records must be kept for 25 years after the last visit."
        ),
        "trash",
    ),
}
ALL = tuple(Kind.values)
# Source: UU 27/2022 article 33 (the first three); PMK 24/2022 article 39 (keeping for 25 years).
GROUNDS: dict[str, Ground] = {
    "safety": Ground(
        gettext_lazy("It would endanger the safety or health of the person or of others (UU 27/2022 article 33)."),
        (Kind.COPY, Kind.CORRECTION),
    ),
    "others": Ground(
        gettext_lazy("It would disclose personal data of somebody else (UU 27/2022 article 33)."),
        (Kind.COPY, Kind.CORRECTION),
    ),
    "security": Ground(
        gettext_lazy("It is against national defence or security (UU 27/2022 article 33)."),
        (Kind.COPY, Kind.CORRECTION),
    ),
    "retention": Ground(
        gettext_lazy("The law demands that it is kept: medical records for 25 years (PMK 24/2022 article 39)."),
        (Kind.ERASURE, Kind.RESTRICTION),
    ),
    "law": Ground(
        gettext_lazy("Another law or an official proceeding demands that it is kept or used."),
        (Kind.ERASURE, Kind.RESTRICTION),
    ),
    "care": Ground(gettext_lazy("It is needed to care for the patient safely."), (Kind.RESTRICTION, Kind.ERASURE)),
    "correct": Ground(gettext_lazy("It was examined, and what is recorded is right."), (Kind.CORRECTION,)),
    "absent": Ground(gettext_lazy("The clinic has no such data."), ALL),
    "identity": Ground(gettext_lazy("Who asks did not prove to be the person, or to act for them."), ALL),
}


def grounds_for(kind: str) -> dict[str, str]:
    """Return code and words of the grounds on which a request of this kind can be refused."""
    return {code: str(ground.label) for code, ground in GROUNDS.items() if kind in ground.kinds}


def ground_words(code: str) -> str:
    """Return the words of a ground; "" for none."""
    return str(GROUNDS[code].label) if code in GROUNDS else ""


def scope_labels(scopes: list[str]) -> list[str]:
    """Return kinds of processing in words."""
    labels = dict(ProcessingLimit.Scope.choices)
    return [str(labels[scope]) for scope in scopes if scope in labels]


def moment(instant: datetime) -> str:
    """Return date and time in the clinic's zone, in words."""
    return f"{formats.date_format(clock.local(instant), 'DATETIME_FORMAT')} {clock.zone_label()}"


def may_load_copy(user: Any, request: DataRequest) -> bool:
    """True when `user` may load the copy now: it was granted, the file is there, and it is who asked in the portal.

    A request made at the desk or by letter is for the patient's own account. `request` is one that `user` may see, with
    `copy` and `patient` loaded.
    """
    if (
        request.kind != Kind.COPY
        or request.status not in GRANTED
        or request.copy is None
        or not request.copy.has_result
    ):
        return False
    if request.channel == DataRequest.Channel.PORTAL:
        return bool(request.recorded_by_id == user.pk)
    return bool(request.patient.user_id == user.pk)


# --- the clock


@dataclass(frozen=True)
class Clock:
    """How a request stands against its 72 hours: words, tone and icon, so that colour is never alone."""

    label: str
    tone: str
    icon: str
    is_overdue: bool = False


def duration_words(length: timedelta) -> str:
    """Return a length of time as people say it, rounded down: "2 days 5 hours", "5 hours", "40 minutes"."""
    seconds = max(int(length.total_seconds()), 0)
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    parts = []
    if days:
        parts.append(ngettext("%(count)d day", "%(count)d days", days) % {"count": days})
    if hours:
        parts.append(ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours})
    if not parts:
        parts.append(ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes})
    return " ".join(parts)


def clock_of(request: DataRequest, now: datetime | None = None) -> Clock:
    """Return how much of the 72 hours is left, by how much they are over, or whether the answer came in time."""
    if request.status == Status.WITHDRAWN:
        return Clock(_("Withdrawn"), "neutral", "x-circle")
    if request.decided_at is not None:
        late = request.decided_at - request.due_at
        if late > timedelta(0):
            return Clock(_("Answered %(time)s late") % {"time": duration_words(late)}, "danger", "alert-triangle")
        return Clock(_("Answered in time"), "success", "check-circle")
    left = request.due_at - (now or clock.now())
    if left <= timedelta(0):
        label = _("Overdue by %(time)s") % {"time": duration_words(-left)}
        return Clock(label, "danger", "alert-triangle", is_overdue=True)
    if left <= WARN_BEFORE:
        return Clock(_("%(time)s left") % {"time": duration_words(left)}, "warning", "hourglass")
    return Clock(_("%(time)s left") % {"time": duration_words(left)}, "info", "clock")


# --- corrections: what was recorded before


FACTS = (
    "full_name", "title_prefix", "title_suffix", "nik", "birth_place", "birth_date", "sex", "phone", "email", "address",
    "mother_name", "bpjs_number", "blood_type", "rhesus", "guarantor",
)  # fmt: skip
SOCIAL = (
    "religion_label", "education_label", "occupation_label", "occupation_text", "marital_label", "ethnicity",
    "spoken_languages", "nationality", "home_phone",
)  # fmt: skip
CONTACT = ("name", "relation_label", "phone", "address")


def facts_of(patient: Patient) -> dict[str, str]:
    """Return the identity as text by name, so that it can be compared later. Two statements."""
    found = {name: _as_text(getattr(patient, name)) for name in FACTS}
    social = PatientDemographics.objects.filter(patient=patient).first()
    if social is not None:
        found |= {f"social.{name}": _as_text(getattr(social, name)) for name in SOCIAL}
    for contact in PatientContact.objects.filter(patient=patient):
        found |= {f"contact.{contact.role}.{name}": _as_text(getattr(contact, name)) for name in CONTACT}
    return {name: value for name, value in found.items() if value}


def changes_between(before: dict[str, str], after: dict[str, str]) -> list[dict[str, str]]:
    """Return what differs: name, value before, value after."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        {"name": name, "before": before.get(name, ""), "after": after.get(name, "")}
        for name in names
        if before.get(name, "") != after.get(name, "")
    ]


def shown_changes(request: DataRequest) -> list[dict[str, str]]:
    """Return the corrected facts of an answered request for people."""
    return shown(request.facts.get("changes", []))


def shown(changes: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return changes for people: label, before, after; a NIK is masked."""
    return [
        {
            "label": fact_label(change["name"]),
            "before": _shown(change["name"], change["before"]),
            "after": _shown(change["name"], change["after"]),
        }
        for change in changes
    ]


def fact_label(name: str) -> str:
    """Return what a fact of `facts_of` is called."""
    kind, _dot, rest = name.partition(".")
    if kind == "social":
        column = rest.replace("_label", "_code")  # the label's own column is not named for people
        words = str(field_of(PatientDemographics, column).verbose_name)
    elif kind == "contact":
        role, _dot, column = rest.partition(".")
        field = field_of(PatientContact, column.replace("_label", "_code"))
        words = f"{_role_label(role)}: {field.verbose_name}"
    else:
        words = str(field_of(Patient, name).verbose_name)
    return words[:1].upper() + words[1:]


def _role_label(role: str) -> str:
    return str(dict(field_of(PatientContact, "role").flatchoices).get(role, role))


def _shown(name: str, value: str) -> str:
    if name == "nik":
        return mask_nik(value)
    field = field_of(Patient, name) if "." not in name else None
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if name == "birth_date" and value:
        return formats.date_format(datetime.fromisoformat(value), "DATE_FORMAT")
    return value


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)
