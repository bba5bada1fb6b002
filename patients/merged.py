"""Old addresses of records that were merged lead to the record that stayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _

from patients.models import Patient


class MergedRecord(Exception):
    """Somebody opened a record that was merged; raised by `current_patient`, answered by the middleware."""

    def __init__(self, *, old_id: UUID, old_number: str, survivor_id: UUID) -> None:
        super().__init__("merged")
        self.old_id, self.old_number, self.survivor_id = old_id, old_number, survivor_id


def current_patient(user: Any, pk: UUID) -> Patient:
    """Return a patient this person may see, ready for the header.

    One statement and the allergies; one more for a record that is not there.

    Raises:
        Http404: there is none, or not for this person.
        MergedRecord: it went into another one that this person may see.
    """
    visible = Patient.objects.visible_to(user)
    patient = visible.for_header().select_related("demographics").filter(pk=pk).first()
    if patient is not None and patient.status != Patient.Status.MERGED:
        return patient
    found = visible.filter(aliases__pk=pk).values_list("pk", "aliases__record_number").first()
    if found is None:
        raise Http404
    raise MergedRecord(old_id=pk, old_number=found[1], survivor_id=found[0])


class MergedRecordMiddleware:
    """Lead from a page of a merged record to the same page of the one that stayed; a form is not sent on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, MergedRecord):
            return None
        number = {"number": exception.old_number}
        if request.method in ("GET", "HEAD"):
            messages.info(request, _("Number %(number)s was merged into this record.") % number)
            target = request.path.replace(str(exception.old_id), str(exception.survivor_id))
            if target == request.path:  # about a row that stayed with the old record: the address names only the row
                target = resolve_url("patients:detail", exception.survivor_id)
        else:
            messages.warning(
                request, _("Number %(number)s was merged into this record. Nothing was saved; do it here.") % number
            )
            target = resolve_url("patients:detail", exception.survivor_id)
        if getattr(request, "htmx", False):
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = resolve_url("patients:detail", exception.survivor_id)
            return answer
        answer = redirect(target)
        answer["Cache-Control"] = "no-store, private"
        return answer
