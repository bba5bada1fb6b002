from __future__ import annotations

from django.urls import path

from patients.views import papers as views

urlpatterns = [
    path("patients/<uuid:pk>/papers/", views.paper_choice, name="paper-choice"),
    path("patients/<uuid:pk>/papers/card/", views.card_pdf, name="card-pdf"),
    path("patients/<uuid:pk>/papers/wristband/", views.wristband_pdf, name="wristband-pdf"),
    path("patients/<uuid:pk>/papers/labels/", views.labels_pdf, name="labels-pdf"),
]
