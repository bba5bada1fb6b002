from __future__ import annotations

from django.urls import path

from patients.views import duplicates as views

urlpatterns = [
    path("patients/duplicates/", views.duplicate_list, name="duplicate-list"),
    path("patients/duplicates/add/", views.duplicate_add, name="duplicate-add"),
    path("patients/duplicates/<uuid:pk>/", views.duplicate_detail, name="duplicate-detail"),
    path("patients/duplicates/<uuid:pk>/distinct/", views.duplicate_distinct, name="duplicate-distinct"),
    path("patients/duplicates/<uuid:pk>/reopen/", views.duplicate_reopen, name="duplicate-reopen"),
    path("patients/duplicates/<uuid:pk>/merge/", views.merge, name="merge"),
    path("patients/merges/", views.merge_list, name="merge-list"),
    path("patients/merges/<uuid:pk>/", views.merge_detail, name="merge-detail"),
    path("patients/merges/<uuid:pk>/undo/", views.merge_undo, name="merge-undo"),
    path("patients/<uuid:pk>/merges/", views.merges_panel, name="merges"),
]
