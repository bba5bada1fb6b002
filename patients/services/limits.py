"""Suspending kinds of processing of a patient's data, and lifting it. Whether something is suspended: `patients.limits`.

Source: UU 27/2022 article 41 (suspending and restricting within 3 x 24 hours).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import retry_transaction
from patients.models import DataRequest, Patient, ProcessingLimit
from patients.rights_errors import InvalidRequest, LimitLifted
from patients.services.identity import require_reason
from patients.services.locks import lock_patient

Scope = ProcessingLimit.Scope


def suspend(
    *, patient: Patient, scopes: Iterable[str], request: DataRequest | None, actor: Any
) -> list[ProcessingLimit]:
    """Suspend kinds of processing for a locked patient; what is suspended already stays as it is. Audited.

    Raises:
        InvalidRequest: no kind was named, or one that there is not.
    """
    wanted = list(dict.fromkeys(scopes))
    if not wanted or any(scope not in Scope.values for scope in wanted):
        raise InvalidRequest(_("Choose what may no longer be done with the data."), "scopes")
    known = set(ProcessingLimit.objects.in_force().filter(patient=patient).values_list("scope", flat=True))
    made = []
    for scope in wanted:
        if scope in known:
            continue
        limit = ProcessingLimit.objects.create(
            patient=patient, request=request, scope=scope, since=clock.now(), since_by=actor
        )
        audit.record(
            "patients.limit.set", actor=actor, patient=patient.pk, target=limit, detail={"scope": scope}
        )  # fmt: skip
        made.append(limit)
    return made


@retry_transaction
def lift_limit(*, limit_id: UUID, actor: Any, reason: str) -> ProcessingLimit:
    """Allow a suspended processing again, once. Audited.

    Raises:
        ReasonMissing: no reason was given.
        LimitLifted: it was lifted before.
    """
    why = require_reason(reason, _("Write why the restriction ends: who asked for it, or what changed."))
    lock_patient(ProcessingLimit.objects.values_list("patient_id", flat=True).get(pk=limit_id))
    limit: ProcessingLimit = ProcessingLimit.objects.get(pk=limit_id)
    if limit.lifted_at is not None:
        raise LimitLifted(_("This restriction was lifted before."))
    limit.lifted_at, limit.lifted_by, limit.reason = clock.now(), actor, why
    limit.save(update_fields=["lifted_at", "lifted_by", "reason"])
    audit.record(
        "patients.limit.lifted", actor=actor, patient=limit.patient_id, target=limit, detail={"scope": limit.scope}
    )
    return limit
