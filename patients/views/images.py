"""Staff screens: photo and identity card of a patient."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors, with_camera
from patients import document_screens as shared
from patients import services
from patients.forms.documents import HEADINGS, ImageForm
from patients.models import PatientImage
from patients.screens import SEARCHERS, patient_page, visible_patient
from patients.services import images as acts

Kind = PatientImage.Kind


@requires(Capability.UPLOAD_DOCUMENTS)
@require_http_methods(["GET", "POST"])
def image_edit(request: SignedInRequest, pk: UUID, kind: str) -> HttpResponse:
    """Take or choose the photo or the identity card, look at it, and put it into the record."""
    _known(kind)
    patient = visible_patient(request, pk)
    form, status = ImageForm(), 200
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="images")
    else:
        form, status = ImageForm(request.POST, request.FILES), 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                ready = acts.ready_image(kind=kind, upload=form.cleaned_data["picture"])
                acts.set_image(patient_id=patient.pk, ready=ready, actor=request.user)
            if outcome.ok:
                messages.success(request, _("The picture is in the record."))
                return redirect("patients:documents", patient.pk)
            status = outcome.status
    rows = PatientImage.objects.visible_to(request.user)
    context = {
        **patient_page(request, patient, ""),
        "image": rows.filter(patient=patient, kind=kind).select_related("uploaded_by").first(),
        "may_see": kind == Kind.PHOTO or Capability.REGISTER_PATIENTS in request.user.capabilities,
        "form": form,
        "kind": kind,
        "title": HEADINGS[Kind(kind)],
    }
    return with_camera(render(request, "patients/image_edit.html", context, status=status))


@requires(Capability.UPLOAD_DOCUMENTS)
@require_POST
def image_remove(request: SignedInRequest, pk: UUID, kind: str) -> HttpResponse:
    """Delete the photo or the identity card."""
    _known(kind)
    patient = visible_patient(request, pk)
    with domain_errors(request) as outcome:
        acts.remove_image(patient_id=patient.pk, kind=kind, actor=request.user)
    if outcome.ok:
        messages.success(request, _("The picture was removed."))
    return redirect("patients:documents", patient.pk)


@requires(*SEARCHERS)
@require_GET
def photo(request: SignedInRequest, pk: UUID, key: UUID) -> HttpResponse:
    """The small photo beside a name; pages and lists that show it wrote their event."""
    return shared.picture(_image(request, pk, Kind.PHOTO, key), is_small=True)


@requires(*SEARCHERS)
@require_GET
def photo_large(request: SignedInRequest, pk: UUID, key: UUID) -> HttpResponse:
    """The photo in full size, on the page about pictures."""
    return shared.picture(_image(request, pk, Kind.PHOTO, key))


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def identity_card(request: SignedInRequest, pk: UUID, key: UUID) -> HttpResponse:
    """The identity card; each look is written down."""
    image = _image(request, pk, Kind.KTP, key)
    acts.record_card_seen(image=image, actor=request.user)
    return shared.picture(image)


def _known(kind: str) -> None:
    if kind not in Kind.values:
        raise Http404


def _image(request: SignedInRequest, pk: UUID, kind: str, key: UUID) -> Any:
    rows = PatientImage.objects.visible_to(request.user).select_related("file", "thumbnail")
    return get_object_or_404(rows, patient_id=pk, kind=kind, pk=key)
