from __future__ import annotations

from django.urls import URLPattern, path

from patients.portal import health
from patients.views import allergies as allergy_views
from patients.views import clinical as views

urlpatterns: list[URLPattern] = [
    path("patients/<uuid:pk>/basics/", views.basics, name="basics"),
    path("patients/<uuid:pk>/basics/summary/", views.basics_summary, name="basics-summary"),
    path("patients/<uuid:pk>/basics/pregnancy/", views.pregnancy_record, name="pregnancy-record"),
    path("patients/<uuid:pk>/basics/blood-type/", views.blood_type_record, name="blood-type-record"),
    path("patients/<uuid:pk>/basics/<slug:section>/add/", views.entry_add, name="basics-entry-add"),
    path("patients/<uuid:pk>/basics/<slug:section>/none/", views.section_deny, name="basics-section-deny"),
    path("patients/<uuid:pk>/basics/<slug:section>/same/", views.section_confirm, name="basics-section-confirm"),
    path("patients/basics-entries/<uuid:pk>/end/", views.entry_end, name="basics-entry-end"),
    path("patients/basics-entries/<uuid:pk>/mark-wrong/", views.entry_mark_wrong, name="basics-entry-mark-wrong"),
    path("patients/basics-entries/<uuid:pk>/edit/", views.entry_edit, name="basics-entry-edit"),
    path("patients/pregnancies/<uuid:pk>/mark-wrong/", views.pregnancy_mark_wrong, name="pregnancy-mark-wrong"),
    path("patients/blood-types/<uuid:pk>/mark-wrong/", views.blood_type_mark_wrong, name="blood-type-mark-wrong"),
    path("patients/<uuid:pk>/allergies/same/", allergy_views.allergies_confirm, name="allergies-confirm"),
    path("patients/allergies/<uuid:pk>/confirm/", allergy_views.allergy_confirm, name="allergy-confirm"),
    path("patients/allergies/<uuid:pk>/edit/", allergy_views.allergy_edit, name="allergy-edit"),
    path("portal/health/", health.health, name="portal-health"),
]
