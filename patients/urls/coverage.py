from __future__ import annotations

from django.urls import path

from patients.portal import coverage as portal
from patients.views import coverage as views

urlpatterns = [
    path("patients/coverages/<uuid:pk>/", views.coverage_edit, name="coverage-edit"),
    path("patients/coverages/<uuid:pk>/card/", views.coverage_card, name="coverage-card"),
    path("patients/coverages/<uuid:pk>/put-first/", views.coverage_put_first, name="coverage-put-first"),
    path("patients/coverages/<uuid:pk>/end/", views.coverage_end, name="coverage-end"),
    path("patients/coverages/<uuid:pk>/mark-wrong/", views.coverage_mark_wrong, name="coverage-mark-wrong"),
    path("patients/<uuid:pk>/coverages/", views.coverages, name="coverages"),
    path("patients/<uuid:pk>/coverages/add/", views.coverage_add, name="coverage-add"),
    path("portal/coverages/", portal.coverages, name="portal-coverages"),
]
