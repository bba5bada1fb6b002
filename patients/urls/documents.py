from __future__ import annotations

from django.urls import URLPattern, path

from patients.portal import documents as portal
from patients.views import documents as views
from patients.views import images as image_views

urlpatterns: list[URLPattern] = [
    path("patients/documents/<uuid:pk>/", views.document_detail, name="document-detail"),
    path("patients/documents/<uuid:pk>/file/", views.document_file, name="document-file"),
    path("patients/documents/<uuid:pk>/download/", views.document_download, name="document-download"),
    path("patients/documents/<uuid:pk>/preview/", views.document_preview, name="document-preview"),
    path("patients/documents/<uuid:pk>/edit/", views.document_edit, name="document-edit"),
    path("patients/documents/<uuid:pk>/mark-wrong/", views.document_mark_wrong, name="document-mark-wrong"),
    path("patients/<uuid:pk>/documents/", views.documents, name="documents"),
    path("patients/<uuid:pk>/documents/add/", views.document_add, name="document-add"),
    path("patients/<uuid:pk>/images/<slug:kind>/", image_views.image_edit, name="image-edit"),
    path("patients/<uuid:pk>/images/<slug:kind>/remove/", image_views.image_remove, name="image-remove"),
    path("patients/<uuid:pk>/photo/<uuid:key>/", image_views.photo, name="photo"),
    path("patients/<uuid:pk>/photo/<uuid:key>/large/", image_views.photo_large, name="photo-large"),
    path("patients/<uuid:pk>/identity-card/<uuid:key>/", image_views.identity_card, name="identity-card"),
    path("portal/documents/", portal.documents, name="portal-documents"),
    path("portal/documents/add/", portal.document_add, name="portal-document-add"),
    path("portal/documents/<uuid:pk>/", portal.document_detail, name="portal-document-detail"),
    path("portal/documents/<uuid:pk>/file/", portal.document_file, name="portal-document-file"),
    path("portal/documents/<uuid:pk>/download/", portal.document_download, name="portal-document-download"),
    path("portal/documents/<uuid:pk>/preview/", portal.document_preview, name="portal-document-preview"),
    path("portal/images/", portal.images, name="portal-images"),
    path("portal/images/<slug:kind>/", portal.image_set, name="portal-image-set"),
    path("portal/images/<slug:kind>/remove/", portal.image_remove, name="portal-image-remove"),
    path("portal/images/<slug:kind>/<uuid:key>/", portal.image, name="portal-image"),
]
