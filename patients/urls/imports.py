from __future__ import annotations

from django.urls import URLPattern, path

from patients.views import imports as views

urlpatterns: list[URLPattern] = [
    path("patients/imports/", views.import_list, name="import-list"),
    path("patients/imports/upload/", views.import_upload, name="import-upload"),
    path("patients/imports/template/", views.import_template, name="import-template"),
    path("patients/imports/<uuid:pk>/", views.import_detail, name="import-detail"),
    path("patients/imports/<uuid:pk>/mapping/", views.import_mapping, name="import-mapping"),
    path("patients/imports/<uuid:pk>/problems/", views.import_problems, name="import-problems"),
    path("patients/imports/<uuid:pk>/start/", views.import_start, name="import-start"),
    path("patients/imports/<uuid:pk>/cancel/", views.import_cancel, name="import-cancel"),
    path("patients/export/", views.patient_export, name="export"),
]
