from __future__ import annotations

from django.urls import path

from patients.views import erasure as views

urlpatterns = [
    path("patients/erasures/<uuid:pk>/certificate/", views.certificate, name="erasure-certificate"),
    path("patients/<uuid:pk>/hold/", views.hold, name="hold"),
    path("patients/<uuid:pk>/erasure/", views.preview, name="erasure"),
    path("patients/<uuid:pk>/erasure/confirm/", views.confirm, name="erasure-confirm"),
    path("patients/<uuid:pk>/erasure/execute/", views.execute, name="erasure-execute"),
]
