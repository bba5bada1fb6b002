"""What patients agreed to: questions only. The acts are in `patients.services.consents`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from core.digests import keyed_digest
from patients.limits import STOPS, limited
from patients.models import Consent, ConsentKind, ConsentText, Patient, ProcessingLimit

PURPOSES = (ConsentKind.SATUSEHAT, ConsentKind.INSURER, ConsentKind.EDUCATION, ConsentKind.MESSAGES)
# What happens when nobody asked yet. Reminders belong to the booking a person made, so they go out until refused;
# everything else leaves the clinic's own care and needs a yes. See docs/adr/0025-consent.md.
WITHOUT_ANSWER = {ConsentKind.MESSAGES: True}
DIGEST = "patients/consent/v1"
MERGES = 20  # how many records of one person are looked through for the one a consent was given on
Decision = Consent.Decision

# The words of each question, as the officer reads them aloud. Order and meaning: KMK 1423/2022, variables 2 to 12.
QUESTIONS = {
    "treatment_agreed": _("Do you agree to be examined and treated at this clinic?"),
    "payment_explained": _("Were the terms of payment explained to you?"),
    "rights_explained": _("Were the rights and duties of patients explained to you?"),
    "rules_explained": _("Were the house rules explained to you?"),
    "needs_interpreter": _("Do you need an interpreter?"),
    "needs_clergy": _("Do you wish the company of clergy?"),
    "release_explained": _("Was it explained when your information may be disclosed?"),
    "payer_may_receive": _("May results be given to whoever pays for your care?"),
    "trainees_may_access": _("May trainees see your results under guidance?"),
    "referral_may_receive": _("May information be passed on to a facility you are referred to?"),
}
ALSO = {
    ConsentKind.SATUSEHAT: _("May your record be exchanged through SATUSEHAT?"),
    ConsentKind.MESSAGES: _("May the clinic send you reminders?"),
}
ANSWERS = tuple(QUESTIONS)


@dataclass(frozen=True)
class Standing:
    """Where one purpose stands for one patient."""

    kind: str
    latest: Consent | None
    current_version: int
    is_limited: bool = False  # a restriction that the person asked for counts above the answer

    @property
    def is_permitted(self) -> bool:
        return self.latest is not None and self.latest.decision == Decision.PERMIT

    @property
    def is_old(self) -> bool:
        """True when the answer in force was given on an older version of the text."""
        return self.latest is not None and self.latest.text.version < self.current_version

    @property
    def needs_asking(self) -> bool:
        """True when the desk should ask: never answered, withdrawn, or answered on an older text."""
        return self.latest is None or self.latest.decision == Decision.WITHDRAWN or self.is_old

    @property
    def label(self) -> Any:
        return ConsentKind(self.kind).label


def current_texts() -> dict[str, ConsentText]:
    """Return the version in force of each kind. One statement."""
    texts: dict[str, ConsentText] = {}
    for text in ConsentText.objects.order_by("version"):
        texts[text.kind] = text
    return texts


def versions_of(kind: str) -> list[ConsentText]:
    """Return every version of one text, newest first. One statement."""
    return list(ConsentText.objects.filter(kind=kind).select_related("published_by").order_by("-version"))


def latest_of(patient_id: UUID, *, kind: str | None = None) -> dict[str, Consent]:
    """Return the last answer of one patient for each kind (or one), with its text and who recorded it. One statement."""
    rows = Consent.objects.filter(patient_id=patient_id).select_related("text", "recorded_by", "officer")
    if kind is not None:
        rows = rows.filter(kind=kind)
    newer = Consent.objects.filter(patient_id=OuterRef("patient_id"), kind=OuterRef("kind"), pk__gt=OuterRef("pk"))
    return {row.kind: row for row in rows.filter(~Exists(newer))}


def standings(patient_id: UUID) -> dict[str, Standing]:
    """Return where each of the five kinds stands. Three statements."""
    texts, latest = current_texts(), latest_of(patient_id)
    scopes = set(ProcessingLimit.objects.in_force().filter(patient_id=patient_id).values_list("scope", flat=True))
    return {
        kind: Standing(
            kind,
            latest.get(kind),
            texts[kind].version if kind in texts else 0,
            is_limited=STOPS.get(ConsentKind(kind)) in scopes,
        )
        for kind in ConsentKind.values
    }


def may(patient_id: UUID, purpose: str) -> bool:
    """True when data of this patient may be used for `purpose` (a `ConsentKind`) at this moment. One statement.

    Never asked counts as no, except for reminders, which belong to the booking a person made. A withdrawal counts at once,
    and a restriction that the person asked for counts above every answer.
    """
    given = Consent.objects.filter(patient_id=OuterRef("pk"), kind=purpose).order_by("-pk")
    limits = ProcessingLimit.objects.in_force().filter(
        patient_id=OuterRef("pk"), scope=STOPS.get(ConsentKind(purpose), "")
    )
    answers = Patient.objects.filter(pk=patient_id).annotate(
        said=Subquery(given.values("decision")[:1]), is_limited=Exists(limits)
    )
    decision, is_limited = answers.values_list("said", "is_limited").first() or (None, False)
    if is_limited:
        return False
    if decision is None:
        return WITHOUT_ANSWER.get(ConsentKind(purpose), False)
    return bool(decision == Decision.PERMIT)


def refusing(patient_ids: Iterable[UUID], purpose: str) -> set[UUID]:
    """Return which of these patients said no to `purpose`, took a yes back, or had it suspended. Two statements."""
    asked = list(patient_ids)
    newer = Consent.objects.filter(patient_id=OuterRef("patient_id"), kind=purpose, pk__gt=OuterRef("pk"))
    rows = Consent.objects.filter(patient_id__in=asked, kind=purpose).exclude(decision=Decision.PERMIT)
    refused = set(rows.filter(~Exists(newer)).values_list("patient_id", flat=True))
    return refused | limited(asked, STOPS.get(ConsentKind(purpose), ""))


def on_older_text(version: int) -> QuerySet[Consent]:
    """Return the general consents in force that were given on a text before `version`."""
    newer = Consent.objects.filter(patient_id=OuterRef("patient_id"), kind=ConsentKind.GENERAL, pk__gt=OuterRef("pk"))
    rows: QuerySet[Consent] = Consent.objects.filter(
        kind=ConsentKind.GENERAL, decision=Decision.PERMIT, text__version__lt=version
    )
    return rows.filter(~Exists(newer))


def has_older_general(patient_id: UUID) -> bool:
    """True when the general consent in force was given on an older version than the one in force now. One statement."""
    newest = ConsentText.objects.filter(kind=ConsentKind.GENERAL).order_by("-version").values("version")[:1]
    given = Consent.objects.filter(patient_id=patient_id, kind=ConsentKind.GENERAL).order_by("-pk")
    found = given.annotate(newest=Subquery(newest)).values_list("decision", "text__version", "newest").first()
    return found is not None and found[0] == Decision.PERMIT and found[1] < found[2]


# --- Evidence


def digest_of(consent: Consent, *, patient_id: UUID | None = None) -> str:
    """Return the keyed digest over every column of a consent and over the words that were agreed to.

    `patient_id` stands in for the consent's own: a consent keeps the digest of the record it was given on when that
    record is merged into another one.
    """
    values: dict[str, Any] = {}
    for field in Consent._meta.concrete_fields:
        if field.name not in ("digest", "patient"):
            value = getattr(consent, field.attname)
            values[field.attname] = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
    values["patient_id"] = patient_id or consent.patient_id
    text = consent.text
    values["words"] = [text.kind, text.version, text.title_id, text.body_id, text.title_en, text.body_en]
    message = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return keyed_digest(settings.KEYS.audit_seal_key, DIGEST, message)


def is_intact(consent: Consent) -> bool:
    """True when nothing of the consent, and no word of its text, changed since it was recorded.

    Also for a consent that came with a record merged into this one. One statement, further ones only for merged records.
    """
    if consent.digest == digest_of(consent):
        return True
    fresh, seen = {consent.patient_id}, {consent.patient_id}
    while fresh and len(seen) <= MERGES:
        fresh = set(Patient.objects.filter(merged_into__in=fresh).values_list("pk", flat=True)) - seen
        if any(consent.digest == digest_of(consent, patient_id=alias) for alias in fresh):
            return True
        seen |= fresh
    return False
