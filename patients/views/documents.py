"""Staff screens: documents of a record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.files import serve
from core.http import domain_errors, with_camera
from core.pagination import keyset_page
from patients import document_screens as shared
from patients import services
from patients.access import may_read_record
from patients.forms.documents import AboutDocumentForm, DocumentFilterForm, DocumentsForm
from patients.forms.patients import ReasonForm
from patients.models import PatientDocument, PatientImage
from patients.screens import SEARCHERS, patient_page, posted_version, visible_patient
from patients.services import documents as acts

PAGE_SIZE = 24
ABOUT = ("category", "documented_on", "title", "note", "is_internal")


@requires(*SEARCHERS)
@require_GET
def documents(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The documents of one patient, newest first, and who has given photo and identity card."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="documents")
    form = DocumentFilterForm(request.GET)
    rows = PatientDocument.objects.visible_to(request.user).filter(patient=patient).select_related("uploaded_by")
    is_wrong = form.chosen("show") == "wrong"
    rows = rows.exclude(status=PatientDocument.Status.CURRENT) if is_wrong else rows.current()
    if category := form.chosen("category"):
        rows = rows.filter(category=category)
    images = PatientImage.objects.visible_to(request.user).filter(patient=patient)
    context = {
        **patient_page(request, patient, "documents"),
        "page": keyset_page(request.GET, rows, size=PAGE_SIZE),
        "form": form,
        "is_filtered": bool(is_wrong or category),
        "images": {image.kind: image for image in images},
        "may_add": Capability.UPLOAD_DOCUMENTS in request.user.capabilities,
        "may_see_card": Capability.REGISTER_PATIENTS in request.user.capabilities,
        "reads_record": may_read_record(request.user, patient),
    }
    return render(request, "patients/document_list.html", context)


@requires(Capability.UPLOAD_DOCUMENTS)
@require_http_methods(["GET", "POST"])
def document_add(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Add files of one kind: all at once without script, one after another with it."""
    patient = visible_patient(request, pk)
    form, status, results = DocumentsForm(), 200, []
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="documents")
    else:
        form, status = DocumentsForm(request.POST, request.FILES), 422
        if form.is_valid():
            results = acts.add_files(
                patient_id=patient.pk, sent=form.cleaned_data["papers"], actor=request.user,
                source=PatientDocument.Source.STAFF, **form.about(),
            )  # fmt: skip
        if shared.wants_json(request):
            return shared.as_json(form, results)
        if results and all(one.document for one in results):
            messages.success(request, shared.added_words(len(results)))
            return redirect("patients:documents", patient.pk)
    context = {**patient_page(request, patient, ""), **shared.results_context(results), "form": form}
    return with_camera(render(request, "patients/document_add.html", context, status=status))


@requires(*SEARCHERS)
@require_GET
def document_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One document: the picture or the pages, and what is written about it. The content is asked for by itself."""
    document = _document(request, pk)
    patient = visible_patient(request, document.patient_id)
    services.record_chart_read(patient=patient, actor=request.user, what="document")
    context = {
        **patient_page(request, patient, ""),
        "document": document,
        "may_change": document.is_current and Capability.UPLOAD_DOCUMENTS in request.user.capabilities,
    }
    return render(request, "patients/document_detail.html", context)


@requires(*SEARCHERS)
@require_GET
def document_file(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The content, to look at."""
    document = _document(request, pk)
    acts.record_opened(document=document, actor=request.user, is_download=False)
    return shared.content(document, is_download=False)


@requires(*SEARCHERS)
@require_GET
def document_download(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The content, to keep."""
    document = _document(request, pk)
    acts.record_opened(document=document, actor=request.user, is_download=True)
    return shared.content(document, is_download=True)


@requires(*SEARCHERS)
@require_GET
def document_preview(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The small picture in the list; the list wrote its event."""
    document = _document(request, pk)
    if document.thumbnail is None:
        raise Http404
    return serve(document.thumbnail, filename="preview.jpg", inline=True)


@requires(Capability.UPLOAD_DOCUMENTS)
@require_http_methods(["GET", "POST"])
def document_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Correct what is written about a document."""
    document = _document(request, pk)
    patient = visible_patient(request, document.patient_id)
    form, status = AboutDocumentForm(initial={name: getattr(document, name) for name in ABOUT}), 200
    version = posted_version(request) if request.method == "POST" else document.version
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="document")
    else:
        form, status = AboutDocumentForm(request.POST), 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                acts.correct_document(document_id=document.pk, version=version, actor=request.user, **form.cleaned_data)
            if outcome.ok:
                messages.success(request, _("The document was corrected."))
                return redirect("patients:documents", patient.pk)
            status = outcome.status
    context = {**patient_page(request, patient, ""), "document": document, "form": form, "version": version}
    return render(request, "patients/document_edit.html", context, status=status)


@requires(Capability.UPLOAD_DOCUMENTS)
@require_http_methods(["GET", "POST"])
def document_mark_wrong(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark a document that is wrong, or of somebody else, with a reason."""
    document = _document(request, pk)
    patient = visible_patient(request, document.patient_id)
    form, status = ReasonForm(request.POST if request.method == "POST" else None), 200
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="document")
    else:
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                acts.mark_document_in_error(
                    document_id=document.pk, actor=request.user, reason=form.cleaned_data["reason"]
                )
            if outcome.ok:
                messages.success(request, _("The document was marked as wrong."))
                return redirect("patients:documents", patient.pk)
            status = outcome.status
    context = {**patient_page(request, patient, ""), "document": document, "form": form}
    return render(request, "patients/document_mark_wrong.html", context, status=status)


def _document(request: SignedInRequest, pk: UUID) -> Any:
    rows = PatientDocument.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("file", "thumbnail", "uploaded_by", "marked_by"), pk=pk)
