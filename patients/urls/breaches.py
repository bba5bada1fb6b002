from __future__ import annotations

from django.urls import path

from patients.views import breaches as views
from patients.views import retention

urlpatterns = [
    path("patients/breaches/", views.breach_list, name="breach-list"),
    path("patients/breaches/add/", views.breach_add, name="breach-add"),
    path("patients/breaches/<uuid:pk>/", views.breach_detail, name="breach"),
    path("patients/breaches/<uuid:pk>/edit/", views.breach_edit, name="breach-edit"),
    path("patients/breaches/<uuid:pk>/numbers/", views.breach_numbers, name="breach-numbers"),
    path("patients/breaches/<uuid:pk>/opened/", views.breach_opened, name="breach-opened"),
    path("patients/breaches/<uuid:pk>/mails/", views.breach_mails, name="breach-mails"),
    path("patients/breaches/<uuid:pk>/told/", views.breach_told, name="breach-told"),
    path("patients/breaches/<uuid:pk>/notice/", views.breach_notice, name="breach-notice"),
    path("patients/breaches/<uuid:pk>/close/", views.breach_close, name="breach-close"),
    path("patients/breaches/<uuid:pk>/export/", views.breach_export, name="breach-export"),
    path("patients/breaches/<uuid:pk>/paper/", views.breach_paper, name="breach-paper"),
    path("patients/breaches/affected/<uuid:pk>/remove/", views.breach_affected_remove, name="breach-affected-remove"),
    path("patients/retention/", retention.retention_list, name="retention-list"),
    path("patients/retention/<uuid:pk>/", retention.retention_detail, name="retention"),
    path("patients/retention/<uuid:pk>/approve/", retention.retention_approve, name="retention-approve"),
]
