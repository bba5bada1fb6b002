"""Consents are recorded, withdrawn by a new row, and never edited; their texts are published in versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import retry_transaction
from core.errors import InvalidInput
from core.text import clean_line, clean_text
from patients import codes
from patients.consent_errors import (
    AnswerMissing,
    ConsentChanged,
    ConsentClosed,
    GuardianNeeded,
    TextChanged,
    TextInvalid,
)
from patients.consents import ANSWERS, PURPOSES, current_texts, digest_of, latest_of
from patients.guardians import is_minor
from patients.identity import clean_nik
from patients.models import Consent, ConsentKind, ConsentText, Patient, PatientDocument
from patients.services.documents import ReadyFile, add_document
from patients.services.locks import lock_patient, require_right
from patients.services.mail import notify_patient
from patients.signatures import Strokes

SELF = "1"  # the patient, in the ministry's list of relations
MAX_RELATIVES = 10
MAX_NAME = 200
MAX_CONTACT = 60
MAX_REASON = 300
MAX_TITLE = 160
SHORTEST_BODY = 40
MAX_BODY = 20_000
NOON = time(12)
Decision, Method, OfficerProof = Consent.Decision, Consent.Method, Consent.OfficerProof
# Two of the 14 variables are purposes of their own. Their answer is kept as both, so that `may` has one place to look.
ANSWER_OF = {ConsentKind.INSURER: "payer_may_receive", ConsentKind.EDUCATION: "trainees_may_access"}
ALSO_ASKED = (ConsentKind.SATUSEHAT, ConsentKind.MESSAGES)


@dataclass(frozen=True)
class Signer:
    """Who answers: the patient (relation "1") or somebody for them; codes of `patients.codes` "relation"."""

    name: str
    relation_code: str = SELF
    nik: str = ""
    is_patient_unable: bool = False  # an adult who cannot decide at the moment


@dataclass(frozen=True)
class Evidence:
    """How an answer is proven: drawn signatures, a scan of the signed paper, the portal, or the officer's word."""

    method: str
    signature: Strokes | None = None
    officer_signature: Strokes | None = None
    officer_is_fresh: bool = False  # proved the second factor in the last minutes, which counts as the signature
    paper: ReadyFile | None = None
    signed_on: date | None = None  # of a paper; None is now


@dataclass(frozen=True)
class Page:
    """What the answering person had before them, so that nothing is recorded over a change they did not see."""

    versions: Mapping[str, int]  # of the texts shown, by kind
    seen: UUID | None  # the answer in force when the page was opened
    key: UUID  # of this form; the same again makes no second row
    language: str = "id"


@dataclass(frozen=True)
class GeneralAnswers:
    """The answers to a general consent: yes or no to each of `ANSWERS`, and what belongs to them."""

    answers: Mapping[str, bool | None]
    choices: Mapping[str, bool | None] = field(default_factory=dict)  # SATUSEHAT and messages
    interpreter_language: str = ""
    relatives: Sequence[Mapping[str, str]] = ()  # {"name", "relation_code", "contact"}
    visitors_refused: str = ""


# --- Giving and refusing


@retry_transaction
def record_general(
    *, patient_id: UUID, given: GeneralAnswers, signer: Signer, evidence: Evidence, page: Page, actor: Any
) -> Consent:
    """Record a general consent with its 14 variables, and the answers to the four purposes, under one signature.

    Agreed is who agreed to treatment; a signed refusal is recorded as such. `Patient.consented_at` follows. The same form
    again gives the same row. Locks the patient.

    Raises:
        ConsentChanged: another answer was recorded, or a newer text published, since the page was opened; or a paper is
            older than the answer in force.
        AnswerMissing: a question is open, nobody is named, or a signature is missing.
        GuardianNeeded: the patient is a child or cannot decide, and signs alone.

    Source: KMK HK.01.07/MENKES/1423/2022, general consent variables.
    """
    patient = lock_patient(patient_id)
    earlier = _earlier(patient, page.key)
    if earlier is not None:
        return earlier
    kinds = (ConsentKind.GENERAL, *PURPOSES)
    texts = _unchanged(patient, ConsentKind.GENERAL, page, kinds=kinds)
    _refuse_outdated(patient, kinds, evidence)
    answers = _complete(given)
    common = _common(patient, signer, evidence, page.language, actor, needs_signature=True)
    _sign_officer(common, evidence, actor)
    consent = Consent(
        patient=patient, kind=ConsentKind.GENERAL, text=texts[ConsentKind.GENERAL],
        decision=Decision.PERMIT if answers["treatment_agreed"] else Decision.DENY,
        relatives=_relatives(given.relatives), visitors_refused=_line(given.visitors_refused, MAX_REASON),
        interpreter_language=_line(given.interpreter_language, MAX_CONTACT) if answers["needs_interpreter"] else "",
        idempotency_key=page.key, **answers, **common,
    )  # fmt: skip
    _save(consent, actor)
    for kind in PURPOSES:
        agreed = answers[ANSWER_OF[kind]] if kind in ANSWER_OF else given.choices[kind]
        purpose = Consent(
            patient=patient,
            kind=kind,
            text=texts[kind],
            decision=Decision.PERMIT if agreed else Decision.DENY,
            **common,
        )
        _save(purpose, actor)
    _stamp(patient, consent.given_at if consent.decision == Decision.PERMIT else None)
    _tell(patient, actor)
    return consent


@retry_transaction
def record_choice(
    *, patient_id: UUID, kind: str, permit: bool, signer: Signer, evidence: Evidence, page: Page, actor: Any
) -> Consent:
    """Record yes or no to one purpose. A yes needs a signature or the portal; for a no the officer's word is enough.

    Raises:
        InvalidInput: `kind` is no purpose.
        ConsentChanged: as `record_general`.
        AnswerMissing: nobody is named, or a yes has no signature.
        GuardianNeeded: the patient is a child or cannot decide, and answers alone.
        NotPermitted: a portal account that may not act for this patient at this moment.
    """
    if kind not in PURPOSES:
        raise InvalidInput(_("Choose one of the options."))
    patient = lock_patient(patient_id)
    require_right(patient, actor)
    earlier = _earlier(patient, page.key)
    if earlier is not None:
        return earlier
    texts = _unchanged(patient, kind, page, kinds=(kind,))
    _refuse_outdated(patient, (kind,), evidence)
    common = _common(patient, signer, evidence, page.language, actor, needs_signature=permit)
    consent = Consent(
        patient=patient, kind=kind, text=texts[kind], decision=Decision.PERMIT if permit else Decision.DENY,
        idempotency_key=page.key, **common,
    )  # fmt: skip
    _save(consent, actor)
    _tell(patient, actor)
    return consent


@retry_transaction
def withdraw(
    *, consent_id: UUID, signer: Signer, method: str, key: UUID, actor: Any, reason: str = "", language: str = "id"
) -> Consent:
    """Take a yes back from now on: a new row that names the old one, which stays as it was.

    Never harder than agreeing: saying so at the desk, or one button in the portal, is enough. After the general consent is
    withdrawn `Patient.consented_at` is empty and the desk is asked to talk with the patient.

    Raises:
        ConsentClosed: it is no yes, was withdrawn, or another answer followed.
        GuardianNeeded: the patient is a child or cannot decide, and answers alone.
        NotPermitted: a portal account that may not act for this patient at this moment.

    Source: UU 27/2022 articles 9 and 40.
    """
    patient = lock_patient(Consent.objects.values_list("patient_id", flat=True).get(pk=consent_id))
    require_right(patient, actor)
    earlier = _earlier(patient, key)
    if earlier is not None:
        return earlier
    old = Consent.objects.select_related("text").get(pk=consent_id)
    latest = latest_of(patient.pk, kind=old.kind).get(old.kind)
    if latest is None or latest.pk != old.pk or old.decision != Decision.PERMIT:
        raise ConsentClosed(_("This consent is not in force any more. Look at what is recorded now."))
    common = _common(patient, signer, Evidence(method), language, actor, needs_signature=False)
    consent = Consent(
        patient=patient, kind=old.kind, text=old.text, decision=Decision.WITHDRAWN, withdraws=old,
        reason=_line(reason, MAX_REASON), idempotency_key=key, **common,
    )  # fmt: skip
    _save(consent, actor)
    if old.kind == ConsentKind.GENERAL:
        _stamp(patient, None)
    _tell(patient, actor)
    return consent


# --- Texts


@retry_transaction
def publish_text(
    *, kind: str, title_id: str, body_id: str, title_en: str, body_en: str, base_version: int, actor: Any
) -> ConsentText:
    """Publish the next version of a text. Versions before stay as they were; patients are asked again at their next visit.

    `base_version` is the one the new text was written from. UNIQUE (kind, version) decides between two who publish.

    Raises:
        TextChanged: somebody published in between.
        TextInvalid: words are missing in one language, or nothing differs from the version in force.
    """
    if kind not in ConsentKind.values:
        raise InvalidInput(_("Choose one of the options."))
    words = {
        "title_id": clean_line(title_id), "body_id": clean_text(body_id),
        "title_en": clean_line(title_en), "body_en": clean_text(body_en),
    }  # fmt: skip
    for name, value in words.items():
        is_title = name.startswith("title")
        if len(value) < (3 if is_title else SHORTEST_BODY) or len(value) > (MAX_TITLE if is_title else MAX_BODY):
            raise TextInvalid(_("Write title and text in both languages: titles to 160 letters, texts to 20,000."))
    newest = ConsentText.objects.select_for_update().filter(kind=kind).order_by("-version").first()
    version = newest.version if newest is not None else 0
    changed = _("Somebody published a newer version meanwhile. Compare with it before you publish.")
    if version != base_version:
        raise TextChanged(changed)
    if newest is not None and all(getattr(newest, name) == value for name, value in words.items()):
        raise TextInvalid(_("Nothing differs from the version in force."))
    try:
        with transaction.atomic():
            text = ConsentText.objects.create(
                kind=kind, version=version + 1, published_at=clock.now(), published_by=actor, **words
            )
    except IntegrityError as error:
        raise TextChanged(changed) from error
    audit.record(
        "patients.consent_text.published", actor=actor, target=text, detail={"kind": kind, "version": text.version}
    )
    return text


# --- Parts


def _earlier(patient: Patient, key: UUID) -> Consent | None:
    """Return what this form made before.

    Raises:
        InvalidInput: the key belongs to another patient.
    """
    earlier = Consent.objects.filter(idempotency_key=key).first()
    if earlier is not None and earlier.patient_id != patient.pk:
        raise InvalidInput(_("This form was used before. Open the page again."))
    return earlier


def _unchanged(patient: Patient, kind: str, page: Page, *, kinds: Sequence[str]) -> dict[str, ConsentText]:
    """Return the texts in force when they are those of the page, and the answer in force is the one it showed.

    Raises:
        ConsentChanged: one of them is not.
    """
    texts = current_texts()
    if any(one not in texts or page.versions.get(one) != texts[one].version for one in kinds):
        raise ConsentChanged(_("A newer version of the text was published meanwhile. Open the page again and read it."))
    latest = latest_of(patient.pk, kind=kind).get(kind)
    if (latest.pk if latest is not None else None) != page.seen:
        raise ConsentChanged(_("Somebody recorded an answer meanwhile. Open the page again and look at it."))
    return texts


def _refuse_outdated(patient: Patient, kinds: Sequence[str], evidence: Evidence) -> None:
    """Refuse a paper signed before the day of an answer that is recorded: it would bring back what was withdrawn.

    Raises:
        ConsentChanged: the person answered later.
    """
    if evidence.method != Method.PAPER or evidence.signed_on is None:
        return
    for kind, latest in latest_of(patient.pk).items():
        if kind in kinds and clock.local(latest.given_at).date() > evidence.signed_on:
            sentence = _("A later answer is recorded. A paper signed before it does not change it.")
            advice = _("Ask the patient again, or add the paper to the documents.")
            raise ConsentChanged(f"{sentence} {advice}")


def _complete(given: GeneralAnswers) -> dict[str, bool]:
    missing = [name for name in ANSWERS if not isinstance(given.answers.get(name), bool)]
    if missing or any(not isinstance(given.choices.get(kind), bool) for kind in ALSO_ASKED):
        raise AnswerMissing(_("Answer each question with yes or no."))
    return {name: bool(given.answers[name]) for name in ANSWERS}


def _common(
    patient: Patient, signer: Signer, evidence: Evidence, language: str, actor: Any, *, needs_signature: bool
) -> dict[str, Any]:
    """Return the columns about who answered, how, and when, which rows of one form share."""
    now = clock.now()
    return {
        "language": language if language in ("id", "en") else "id",
        "given_at": _given_at(evidence, now),
        "recorded_at": now,
        "recorded_by": actor,
        **_signer(patient, signer),
        **_proof(patient, evidence, actor, needs_signature=needs_signature),
    }


def _signer(patient: Patient, signer: Signer) -> dict[str, str]:
    if not codes.is_known("relation", signer.relation_code):
        raise AnswerMissing(_("Choose who signs."))
    if signer.relation_code == SELF and is_minor(patient):
        raise GuardianNeeded(_("The patient is under 18: a parent, guardian or relative signs. Choose who it is."))
    if signer.relation_code == SELF and signer.is_patient_unable:
        raise GuardianNeeded(_("The patient cannot decide now: the closest relative signs. Choose who it is."))
    name = patient.full_name if signer.relation_code == SELF else _line(signer.name, MAX_NAME)
    if not any(letter.isalpha() for letter in name):
        raise AnswerMissing(_("Enter the name of the person who signs."))
    return {
        "signer_name": name,
        "signer_relation_code": signer.relation_code,
        "signer_relation_label": codes.label("relation", signer.relation_code),
        "signer_nik": _nik(signer.nik) if signer.relation_code != SELF else "",
    }


def _nik(text: str) -> str:
    try:
        return clean_nik(text) or ""
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages)) from error


def _proof(patient: Patient, evidence: Evidence, actor: Any, *, needs_signature: bool) -> dict[str, Any]:
    if evidence.method not in Method.values or (needs_signature and evidence.method == Method.DESK):
        raise AnswerMissing(_("Choose how it is signed: on this screen or on paper."))
    signature = evidence.signature if evidence.method == Method.TABLET else None
    if evidence.method == Method.TABLET and not signature:
        raise AnswerMissing(_("The signature is missing. Sign in the box, or choose paper."))
    scan = None
    if evidence.method == Method.PAPER:
        if evidence.paper is None:
            raise AnswerMissing(_("Add the photo or scan of the signed paper."))
        scan = add_document(
            patient_id=patient.pk, ready=evidence.paper, category=PatientDocument.Category.CONSENT, actor=actor,
            documented_on=evidence.signed_on,
        )  # fmt: skip
    return {"method": evidence.method, "signature": signature, "scan": scan}


def _given_at(evidence: Evidence, now: datetime) -> datetime:
    day = evidence.signed_on if evidence.method == Method.PAPER else None
    if day is None or day == clock.today():
        return now
    if day > clock.today():
        raise InvalidInput(_("The paper was signed in the future? Check the date."))
    return clock.at(day, NOON)


def _sign_officer(common: dict[str, Any], evidence: Evidence, actor: Any) -> None:
    """Add how the officer who explained signs (variable 14): drawn, by the sign-in proved just before, or on the paper."""
    common["officer"] = actor
    if evidence.method == Method.PAPER:
        common["officer_proof"] = OfficerProof.PAPER
    elif evidence.officer_signature:
        common |= {"officer_proof": OfficerProof.DRAWN, "officer_signature": evidence.officer_signature}
    elif evidence.officer_is_fresh:
        common["officer_proof"] = OfficerProof.SIGNED_IN
    else:
        raise AnswerMissing(_("The officer who explained signs as well, in the second box."))


def _relatives(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    if len(rows) > MAX_RELATIVES:
        raise AnswerMissing(_("Name at most %(limit)d people who may be told.") % {"limit": MAX_RELATIVES})
    kept = []
    for row in rows:
        name, code = _line(row.get("name", ""), MAX_NAME), row.get("relation_code", "")
        if not any(letter.isalpha() for letter in name) or not codes.is_known("relation", code):
            raise AnswerMissing(_("Enter name and relation of each person who may be told."))
        label = codes.label("relation", code)
        contact = _line(row.get("contact", ""), MAX_CONTACT)
        kept.append({"name": name, "relation_code": code, "relation_label": label, "contact": contact})
    return kept


def _line(text: str, limit: int) -> str:
    tidy = clean_line(text)
    if len(tidy) > limit:
        raise InvalidInput(_("This is too long: at most %(limit)d characters.") % {"limit": limit})
    return tidy


def _save(consent: Consent, actor: Any) -> None:
    consent.digest = digest_of(consent)
    consent.save(force_insert=True)
    detail = {"kind": consent.kind, "version": consent.text.version, "method": consent.method}
    action = {
        Decision.PERMIT: "patients.consent.permitted",
        Decision.DENY: "patients.consent.refused",
        Decision.WITHDRAWN: "patients.consent.withdrawn",
    }[Decision(consent.decision)]
    audit.record(action, actor=actor, patient=consent.patient_id, target=consent, detail=detail)


def _stamp(patient: Patient, when: datetime | None) -> None:
    patient.consented_at = when
    patient.save(update_fields=["consented_at"])


def _tell(patient: Patient, actor: Any) -> None:
    """Tell the patient and guardians in the portal that an answer was recorded, except the account that gave it."""
    notify_patient(patient=patient, kind="consent_changed", path=reverse("patients:portal-consents"), but=actor)
