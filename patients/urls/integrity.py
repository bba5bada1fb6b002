from __future__ import annotations

from django.urls import path

from patients.views import integrity as views

urlpatterns = [
    path("patients/integrity/", views.integrity_page, name="integrity"),
    path("patients/integrity/panel/", views.integrity_panel, name="integrity-panel"),
    path("patients/integrity/run/", views.integrity_run, name="integrity-run"),
]
