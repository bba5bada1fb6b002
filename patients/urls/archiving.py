from __future__ import annotations

from django.urls import path

from patients.views import archiving as views

urlpatterns = [
    path("patients/<uuid:pk>/archive/", views.archive_page, name="archive-page"),
    path("patients/<uuid:pk>/archive/now/", views.archive, name="archive"),
    path("patients/<uuid:pk>/archive/undo/", views.unarchive, name="unarchive"),
    path("patients/<uuid:pk>/archive/delete/", views.delete, name="delete"),
]
