"""Requests about personal data: taking them in, answering them within 72 hours, withdrawing them, warning in time.

Source: UU 27/2022 articles 30 (correction), 32 (access), 33 (refusal), 41 (restriction), 43 and 44 (erasure).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
import jobs.services
from accounts.access import Capability, Role
from accounts.models import User
from core import clock
from core.db import next_number, retry_transaction
from core.models import StoredFile
from core.text import clean_line, clean_text
from notifications import services as notifications
from patients import rights
from patients.models import DataRequest, Patient, PatientDocument, ProcessingLimit
from patients.rights_errors import (
    CopyNotReleased,
    InvalidRequest,
    NotDoneYet,
    RequestClosed,
    RequestExists,
    TooManyOpenRequests,
)
from patients.services import limits
from patients.services.documents import ReadyFile, add_document
from patients.services.identity import require_reason
from patients.services.locks import lock_patient, require_right
from patients.services.mail import mail_patient, notify_patient

COPY_KIND = "patients.personal_copy"
MAX_FROM_PORTAL = 5  # open requests about one patient
MAX_TEXT = 4000
OLDEST_RECEIPT = timedelta(days=60)
Kind, Status, Channel = DataRequest.Kind, DataRequest.Status, DataRequest.Channel


@dataclass(frozen=True)
class Asker:
    """Who asks, in which role, and how it was checked that they are who they say."""

    name: str
    relation: str = ""
    proof: str = ""


@retry_transaction
def receive_request(
    *,
    patient_id: UUID,
    kind: str,
    channel: str,
    asker: Asker,
    actor: Any,
    details: str = "",
    scopes: Iterable[str] = (),
    received_at: datetime | None = None,
    letter: ReadyFile | None = None,
) -> DataRequest:
    """Take a request in and give it a number; the 72 hours run from `received_at`, else from now.

    Tells the people who answer requests, and the patient by mail that it came in. The same words that wait already are
    refused, so a form sent twice is one request. `scopes` belong to a restriction. Lock: the patient.

    Raises:
        PatientNotFound, PatientMerged: see `lock_patient`.
        NotPermitted: a portal account that may not act for this patient any more.
        InvalidRequest: something is missing or cannot be.
        RequestExists: the same waits for an answer.
        TooManyOpenRequests: from the portal, five wait.
    """
    patient = lock_patient(patient_id)
    require_right(patient, actor)
    words, name = clean_text(details).strip()[:MAX_TEXT], clean_line(asker.name)[:200]
    asked, came = list(dict.fromkeys(scopes)), received_at or clock.now()
    _check(kind, channel, name, asker, words, asked, came)
    open_ones = list(DataRequest.objects.filter(patient=patient, status__in=DataRequest.OPEN))
    if any(one.kind == kind and one.details == words for one in open_ones):
        raise RequestExists(_("This is asked already and waits for an answer."))
    if channel == Channel.PORTAL and len(open_ones) >= MAX_FROM_PORTAL:
        raise TooManyOpenRequests(_("Five of your requests wait for an answer. Please wait, or call the clinic."))
    request = DataRequest(
        patient=patient, kind=kind, channel=channel, requester_name=name, requester_relation=clean_line(asker.relation)[:120],
        proof=clean_line(asker.proof)[:300], details=words, received_at=came, due_at=came + rights.ANSWER_WITHIN,
        recorded_by=actor, facts=_facts(kind, patient, asked),
    )  # fmt: skip
    if letter is not None:
        request.evidence = _file(letter, patient, actor, _("Request about personal data"))
    year = clock.local(clock.now()).year
    request.number = f"PDP-{year}-{next_number(f'patients.data_request.{year}'):04d}"
    request.save(force_insert=True)
    audit.record(
        "patients.data_request.received", actor=actor, patient=patient.pk, target=request,
        detail={"number": request.number, "kind": kind, "channel": channel},
    )  # fmt: skip
    _tell_receipt(request)
    return request


@retry_transaction
def decide_request(
    *,
    request_id: UUID,
    actor: Any,
    status: str,
    decision: str,
    ground: str = "",
    scopes: Iterable[str] = (),
    evidence: ReadyFile | None = None,
) -> DataRequest:
    """Answer a request: RECEIVED -> FULFILLED, PARTLY or REFUSED, once. The patient hears that there is an answer.

    What is granted is done here or must be done: a restriction suspends `scopes`; a copy asked for in the portal lies
    ready; an erasure was carried out. A correction keeps what the identity was when it was asked and what changed since.

    Raises:
        RequestClosed: it was answered or withdrawn before.
        InvalidRequest: words, ground or scopes are missing or cannot be.
        NotDoneYet: what the answer promises was not done.
    """
    words = clean_text(decision).strip()[:MAX_TEXT]
    request = _lock_open(request_id)
    patient = request.patient
    if status not in rights.ANSWERS:
        raise InvalidRequest(_("Choose what the answer is."), "status")
    if not words:
        raise InvalidRequest(_("Write the answer as the patient will read it."), "decision")
    code = ground if status in rights.WITH_GROUND else ""
    if status in rights.WITH_GROUND and code not in rights.grounds_for(request.kind):
        raise InvalidRequest(_("Choose on which ground something is refused."), "ground")
    if status in rights.GRANTED:
        _grant(request, patient, actor, scopes)
    if request.kind == Kind.CORRECTION:
        changes = rights.changes_between(request.facts.get("before", {}), rights.facts_of(patient))
        request.facts = {"changes": changes}
    if evidence is not None:
        request.evidence = _file(evidence, patient, actor, request.number)
    request.status, request.decision, request.ground = status, words, code
    now = clock.now()
    request.decided_at, request.decided_by = now, actor
    request.save(update_fields=["status", "decision", "ground", "decided_at", "decided_by", "facts", "evidence"])
    audit.record(
        "patients.data_request.decided", actor=actor, patient=patient.pk, target=request,
        detail={
            "number": request.number, "kind": request.kind, "status": status, "ground": code,
            "in_time": now <= request.due_at,
        },
    )  # fmt: skip
    _tell_answer(request)
    return request


@retry_transaction
def withdraw_request(*, request_id: UUID, actor: Any, reason: str) -> DataRequest:
    """Close a request that the person no longer wants answered: RECEIVED -> WITHDRAWN, once. Audited.

    Raises:
        RequestClosed: it was answered or withdrawn before.
        ReasonMissing: no reason was given.
    """
    why = require_reason(reason, _("Write who withdrew the request, and how."))
    request = _lock_open(request_id)
    request.status, request.facts = Status.WITHDRAWN, {**request.facts, "reason": why}
    request.facts.pop("before", None)
    request.decided_at, request.decided_by = clock.now(), actor
    request.save(update_fields=["status", "facts", "decided_at", "decided_by"])
    audit.record(
        "patients.data_request.withdrawn", actor=actor, patient=request.patient_id, target=request,
        detail={"number": request.number, "kind": request.kind},
    )  # fmt: skip
    return request


@retry_transaction
def start_copy(*, request_id: UUID, actor: User, language: str = "id") -> DataRequest:
    """Have the copy of a patient's data made in the background; the file belongs to the request.

    Not yet for the patient: that is what the answer does. A copy whose file is gone is made anew. Locks account, patient.

    Raises:
        RequestClosed: it is no request for a copy, or it was refused or withdrawn.
        JobNotPermitted, TooManyJobs: see `jobs.services.request`.
    """
    request = DataRequest.objects.get(pk=request_id)
    parameters = {"request": str(request.pk), "language": language}
    job = jobs.services.request(kind=COPY_KIND, actor=actor, parameters=parameters, patient_id=request.patient_id)
    lock_patient(request.patient_id)
    request = DataRequest.objects.get(pk=request_id)
    if request.kind != Kind.COPY or request.status not in (*DataRequest.OPEN, *rights.GRANTED):
        raise RequestClosed(_("This request was answered or withdrawn before."))
    request.copy = job
    request.save(update_fields=["copy"])
    return request


@retry_transaction
def open_copy(*, request_id: UUID, actor: User) -> tuple[StoredFile, str]:
    """Return the file of a granted copy and its name, for one download by who asked for it. Audited.

    Raises:
        CopyNotReleased: it was not granted, its time is over, or `actor` is not who asked.
    """
    request = DataRequest.objects.visible_to(actor).select_related("copy__result", "patient").get(pk=request_id)
    if not rights.may_load_copy(actor, request) or request.copy is None or request.copy.result is None:
        raise CopyNotReleased(_("This copy is no longer kept. Ask the clinic to make it again."))
    audit.record(
        "patients.data_request.copy_opened", actor=actor, patient=request.patient_id, target=request,
        detail={"number": request.number},
    )  # fmt: skip
    return request.copy.result, request.copy.result_name


@retry_transaction
def record_list_read(*, actor: User, shown: int) -> None:
    """Write that `actor` read the list of requests, and how many it showed."""
    audit.record("patients.data_requests.viewed", actor=actor, detail={"shown": shown})


def warn_due(now: datetime | None = None) -> int:
    """Tell those who answer, and the owners, of requests with 24 hours left, and again of those that are over.

    Each is told of once at each step. The number of requests told of.
    """
    at = now or clock.now()
    near = Q(due_at__lte=at + rights.WARN_BEFORE, warned_at__isnull=True)
    over = Q(due_at__lte=at, warned_at__lt=F("due_at"))
    due = DataRequest.objects.filter(near | over, status__in=DataRequest.OPEN).order_by("due_at")
    return sum(_warn(request_id, at) for request_id in list(due.values_list("pk", flat=True)))


@retry_transaction
def _warn(request_id: UUID, at: datetime) -> bool:
    request = DataRequest.objects.select_for_update().get(pk=request_id)
    is_over = request.due_at <= at
    last = request.warned_at
    told = last is not None and (last >= request.due_at or not is_over)
    if told or request.status not in DataRequest.OPEN or request.due_at > at + rights.WARN_BEFORE:
        return False
    request.warned_at = at
    request.save(update_fields=["warned_at"])
    kind = "data_request_overdue" if is_over else "data_request_due"
    params: dict[str, Any] = {"number": request.number}
    if not is_over:
        params["due_at"] = request.due_at
    handlers = list(User.objects.holding(Capability.HANDLE_DATA_REQUESTS).only("id", "is_active"))
    owners = User.objects.active().with_role(Role.OWNER).exclude(pk__in=[user.pk for user in handlers])
    notifications.notify(recipients=handlers, kind=kind, params=params, path=_path(request))
    notifications.notify(recipients=owners, kind=kind, params=params)
    return True


# --- parts


def _check(
    kind: str, channel: str, name: str, asker: Asker, words: str, scopes: list[str], received_at: datetime
) -> None:
    if kind not in Kind.values:
        raise InvalidRequest(_("Choose what is asked."), "kind")
    if channel not in Channel.values:
        raise InvalidRequest(_("Choose how the request came in."), "channel")
    if not name:
        raise InvalidRequest(_("Write who asks."), "requester_name")
    if not clean_line(asker.proof):
        raise InvalidRequest(_("Write how the identity of who asks was checked."), "proof")
    if kind in (Kind.CORRECTION, Kind.ERASURE) and not words:
        raise InvalidRequest(_("Write what is to be corrected or erased."), "details")
    if kind == Kind.RESTRICTION and (not scopes or any(one not in ProcessingLimit.Scope.values for one in scopes)):
        raise InvalidRequest(_("Choose what may no longer be done with the data."), "scopes")
    if received_at > clock.now():
        raise InvalidRequest(_("The time of receipt is in the future. Correct it."), "received_at")
    if received_at < clock.now() - OLDEST_RECEIPT:
        raise InvalidRequest(_("The time of receipt is more than 60 days ago. Correct it."), "received_at")


def _facts(kind: str, patient: Patient, scopes: list[str]) -> dict[str, Any]:
    if kind == Kind.RESTRICTION:
        return {"scopes": scopes}
    return {"before": rights.facts_of(patient)} if kind == Kind.CORRECTION else {}


def _grant(request: DataRequest, patient: Patient, actor: Any, scopes: Iterable[str]) -> None:
    if request.kind == Kind.RESTRICTION:
        limits.suspend(patient=patient, scopes=scopes, request=request, actor=actor)
    is_ready = request.copy is not None and request.copy.has_result
    if request.kind == Kind.COPY and request.channel == Channel.PORTAL and not is_ready:
        raise NotDoneYet(_("Make the copy first. The patient loads it in the portal."))
    if request.kind == Kind.ERASURE and not request.erasures.exists():
        raise NotDoneYet(_("Carry out the erasure first. Then the request can be answered as fulfilled."))


def _lock_open(request_id: UUID) -> DataRequest:
    """Return a request that waits, under the lock of its patient.

    Raises:
        RequestClosed: it was answered or withdrawn before.
    """
    patient = lock_patient(DataRequest.objects.values_list("patient_id", flat=True).get(pk=request_id))
    request: DataRequest = DataRequest.objects.select_related("copy").get(pk=request_id)
    if request.status not in DataRequest.OPEN:
        raise RequestClosed(_("This request was answered or withdrawn before."))
    request.patient = patient
    return request


def _file(ready: ReadyFile, patient: Patient, actor: Any, title: str) -> PatientDocument:
    return add_document(
        patient_id=patient.pk, ready=ready, category=PatientDocument.Category.REQUEST, actor=actor, title=title,
        is_internal=True,
    )  # fmt: skip


def _path(request: DataRequest) -> str:
    return reverse("patients:data-request-detail", args=[request.pk])


def _tell_receipt(request: DataRequest) -> None:
    notifications.notify_capability(
        Capability.HANDLE_DATA_REQUESTS, kind="data_request_received",
        params={"number": request.number, "due_at": request.due_at}, path=_path(request),
    )  # fmt: skip
    mail_patient(
        patient=request.patient, template="data_request_received",
        context={"number": request.number, "due_at": request.due_at, "path": reverse("patients:portal-rights")},
        dedupe_key=f"data-request-received:{request.pk}",
    )  # fmt: skip


def _tell_answer(request: DataRequest) -> None:
    path = reverse("patients:portal-data-request", args=[request.pk])
    mail_patient(
        patient=request.patient, template="data_request_answered", context={"number": request.number, "path": path},
        dedupe_key=f"data-request-answered:{request.pk}",
    )  # fmt: skip
    notify_patient(patient=request.patient, kind="data_request_answered", params={"number": request.number}, path=path)
