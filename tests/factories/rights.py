"""Requests about personal data as people make them: through the services."""

from __future__ import annotations

from patients.services import limits
from patients.services import rights as acts
from tests.factories.patients import PatientFactory

ASKER = acts.Asker("Siti Aminah", "", "KTP dilihat")


def receive(patient=None, *, actor, kind="copy", channel="desk", asker=ASKER, **fields):
    """One request that waits."""
    if kind in ("correction", "erasure"):
        fields.setdefault("details", "Alamat salah")
    if kind == "restriction":
        fields.setdefault("scopes", ["messages"])
    patient = patient or PatientFactory()
    return acts.receive_request(patient_id=patient.pk, kind=kind, channel=channel, asker=asker, actor=actor, **fields)


def decide(request, *, actor, status="fulfilled", decision="Sudah kami kerjakan.", **fields):
    """Its answer."""
    return acts.decide_request(request_id=request.pk, actor=actor, status=status, decision=decision, **fields)


def suspend(patient, *, actor, scopes=("messages",)):
    """Suspend processing for a patient without a request."""
    return limits.suspend(patient=patient, scopes=scopes, request=None, actor=actor)


def granted_copy(patient, *, actor, asks):
    """A copy that `asks` asked for in the portal, made and released."""
    from jobs import runner

    request = receive(patient, actor=asks, channel="portal")
    request = acts.start_copy(request_id=request.pk, actor=actor)
    runner.work(request.copy_id)
    return decide(request, actor=actor)
