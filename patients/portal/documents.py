"""Patient screens: my documents, my photo and identity card."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import PortalRequest, patient_portal
from core.files import serve
from core.http import domain_errors, with_camera
from core.pagination import keyset_page
from patients import document_screens as shared
from patients import services
from patients.forms.documents import HEADINGS, DocumentsForm, ImageForm
from patients.models import PatientDocument, PatientImage
from patients.services import documents as acts
from patients.services import images as image_acts

PAGE_SIZE = 24
Kind = PatientImage.Kind


@patient_portal
@require_safe
def documents(request: PortalRequest) -> HttpResponse:
    """What is in the record of the chosen person and not kept for the clinic only."""
    services.record_part_read(patient_id=request.patient.pk, actor=request.user, what="documents")
    rows = PatientDocument.objects.visible_to(request.user).filter(patient_id=request.patient.pk)
    page = keyset_page(request.GET, rows, size=PAGE_SIZE)
    return render(request, "patients/portal_documents.html", {"page": page})


@patient_portal
@require_http_methods(["GET", "POST"])
def document_add(request: PortalRequest) -> HttpResponse:
    """Send documents to the clinic."""
    form, status, results = DocumentsForm(for_patient=True), 200, []
    if request.method == "POST":
        form, status = DocumentsForm(request.POST, request.FILES, for_patient=True), 422
        if form.is_valid():
            results = acts.add_files(
                patient_id=request.patient.pk, sent=form.cleaned_data["papers"], actor=request.user,
                source=PatientDocument.Source.PORTAL, **form.about(),
            )  # fmt: skip
        if shared.wants_json(request):
            return shared.as_json(form, results)
        if results and all(one.document for one in results):
            messages.success(request, shared.added_words(len(results)))
            return redirect("patients:portal-documents")
    context = {**shared.results_context(results), "form": form}
    return with_camera(render(request, "patients/portal_document_add.html", context, status=status))


@patient_portal
@require_safe
def document_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One document."""
    document = _document(request, pk)
    services.record_part_read(patient_id=document.patient_id, actor=request.user, what="document", target=document)
    return render(request, "patients/portal_document_detail.html", {"document": document})


@patient_portal
@require_safe
def document_file(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The content, to look at."""
    document = _document(request, pk)
    acts.record_opened(document=document, actor=request.user, is_download=False)
    return shared.content(document, is_download=False)


@patient_portal
@require_safe
def document_download(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The content, to keep."""
    document = _document(request, pk)
    acts.record_opened(document=document, actor=request.user, is_download=True)
    return shared.content(document, is_download=True)


@patient_portal
@require_safe
def document_preview(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The small picture in the list."""
    document = _document(request, pk)
    if document.thumbnail is None:
        raise Http404
    return serve(document.thumbnail, filename="preview.jpg", inline=True)


# --- photo and identity card


@patient_portal
@require_safe
def images(request: PortalRequest) -> HttpResponse:
    """Photo and identity card of the chosen person, to see and to replace."""
    services.record_part_read(patient_id=request.patient.pk, actor=request.user, what="images")
    return _images_page(request, "", ImageForm(), 200)


@patient_portal
@require_POST
def image_set(request: PortalRequest, kind: str) -> HttpResponse:
    """Put a photo or an identity card into the record."""
    _known(kind)
    form, status = ImageForm(request.POST, request.FILES, prefix=kind), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            ready = image_acts.ready_image(kind=kind, upload=form.cleaned_data["picture"])
            image_acts.set_image(patient_id=request.patient.pk, ready=ready, actor=request.user)
        if outcome.ok:
            messages.success(request, _("The picture is in the record."))
            return redirect("patients:portal-images")
        status = outcome.status
    return _images_page(request, kind, form, status)


@patient_portal
@require_POST
def image_remove(request: PortalRequest, kind: str) -> HttpResponse:
    """Delete the photo or the identity card."""
    _known(kind)
    with domain_errors(request) as outcome:
        image_acts.remove_image(patient_id=request.patient.pk, kind=kind, actor=request.user)
    if outcome.ok:
        messages.success(request, _("The picture was removed."))
    return redirect("patients:portal-images")


@patient_portal
@require_safe
def image(request: PortalRequest, kind: str, key: UUID) -> HttpResponse:
    """The photo or the identity card; a look at the card is written down."""
    rows = PatientImage.objects.visible_to(request.user).select_related("file", "thumbnail")
    found = get_object_or_404(rows, patient_id=request.patient.pk, kind=kind, pk=key)
    if kind == Kind.KTP:
        image_acts.record_card_seen(image=found, actor=request.user)
    return shared.picture(found)


def _images_page(request: PortalRequest, kind: str, form: Any, status: int) -> HttpResponse:
    rows = PatientImage.objects.visible_to(request.user).filter(patient_id=request.patient.pk)
    there = {row.kind: row for row in rows}
    parts = [
        {
            "kind": str(one),
            "title": HEADINGS[one],
            "image": there.get(one),
            "form": form if one == kind else ImageForm(prefix=one),
        }
        for one in Kind
    ]
    context = {"parts": parts, "has_errors": status != 200}
    return with_camera(render(request, "patients/portal_images.html", context, status=status))


def _known(kind: str) -> None:
    if kind not in Kind.values:
        raise Http404


def _document(request: PortalRequest, pk: UUID) -> Any:
    rows = PatientDocument.objects.visible_to(request.user).filter(patient_id=request.patient.pk)
    return get_object_or_404(rows.select_related("file", "thumbnail", "uploaded_by"), pk=pk)
