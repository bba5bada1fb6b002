"""Consents as people give them: through the services."""

from __future__ import annotations

from uuid import uuid4

from patients import consents
from patients.models import Consent, ConsentKind, ConsentText
from patients.services import consents as acts
from patients.shipped_consents import SHIPPED

SIGNATURE = [[[100, 200], [300, 100], [500, 300], [900, 200]], [[450, 350]]]
SIGNATURE_TEXT = "[[[100,200],[300,100],[500,300],[900,200]],[[450,350]]]"


def texts():
    """The shipped texts; tests that empty the tables empty these too."""
    from core import clock

    for one in SHIPPED:
        ConsentText.objects.get_or_create(
            kind=one.kind, version=1,
            defaults={
                "title_id": one.title_id, "body_id": one.body_id, "title_en": one.title_en, "body_en": one.body_en,
                "published_at": clock.now(),
            },
        )  # fmt: skip
    return consents.current_texts()


def page(patient, kind=ConsentKind.GENERAL, **changes):
    latest = consents.latest_of(patient.pk, kind=kind).get(kind)
    versions = {name: text.version for name, text in texts().items()}
    values = {"versions": versions, "seen": latest.pk if latest else None, "key": uuid4(), **changes}
    return acts.Page(**values)


def answers(**changes):
    given = {**dict.fromkeys(consents.ANSWERS, True), "needs_interpreter": False, "needs_clergy": False}
    choices = {ConsentKind.SATUSEHAT: True, ConsentKind.MESSAGES: True}
    for name, value in changes.items():
        (given if name in given else choices)[name] = value
    return acts.GeneralAnswers(
        answers=given, choices=choices,
        relatives=[{"name": "Budi Santoso", "relation_code": "4", "contact": "0812-3456-7890"}],
    )  # fmt: skip


def drawn(**changes):
    values = {"method": Consent.Method.TABLET, "signature": SIGNATURE, "officer_signature": SIGNATURE, **changes}
    return acts.Evidence(**values)


def give_general(patient, actor, *, given=None, signer=None, evidence=None, shown=None):
    return acts.record_general(
        patient_id=patient.pk, given=given or answers(), signer=signer or acts.Signer(name=""),
        evidence=evidence or drawn(), page=shown or page(patient), actor=actor,
    )  # fmt: skip


def give_choice(patient, actor, kind, *, permit=True, signer=None, evidence=None, shown=None):
    return acts.record_choice(
        patient_id=patient.pk, kind=kind, permit=permit, signer=signer or acts.Signer(name=""),
        evidence=evidence or (drawn() if permit else acts.Evidence(Consent.Method.DESK)),
        page=shown or page(patient, kind), actor=actor,
    )  # fmt: skip


def general_form(patient, **changes):
    """What the tablet sends."""
    shown = page(patient)
    return {
        "key": str(shown.key), "seen": str(shown.seen or ""), "language": "id",
        "versions": ",".join(f"{kind}:{version}" for kind, version in sorted(shown.versions.items())),
        **dict.fromkeys(consents.ANSWERS, "yes"), "needs_interpreter": "no", "needs_clergy": "no",
        "satusehat": "no", "messages": "yes", "signer_relation": "1", "signer_name": "", "signer_nik": "",
        "method": "tablet", "signature": SIGNATURE_TEXT, "officer_signature": SIGNATURE_TEXT,
        "visitors_refused": "", "interpreter_language": "", "signed_on": "",
        "relative-TOTAL_FORMS": "2", "relative-INITIAL_FORMS": "0", "relative-MIN_NUM_FORMS": "0",
        "relative-MAX_NUM_FORMS": "10", "relative-0-name": "Budi Santoso", "relative-0-relation_code": "4",
        "relative-0-contact": "0812", "relative-1-name": "", "relative-1-relation_code": "", "relative-1-contact": "",
        **changes,
    }  # fmt: skip


def choice_form(patient, kind, **changes):
    shown = page(patient, kind)
    return {
        "key": str(shown.key), "seen": str(shown.seen or ""), "language": "id",
        "versions": f"{kind}:{shown.versions[kind]}", "decision": "yes", "signer_relation": "1", "signer_name": "",
        "signer_nik": "", "method": "tablet", "signature": SIGNATURE_TEXT, "signed_on": "", **changes,
    }  # fmt: skip
