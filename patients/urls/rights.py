from __future__ import annotations

from django.urls import path

from patients.portal import rights as portal
from patients.views import rights as views

urlpatterns = [
    path("patients/data-requests/", views.request_list, name="data-request-list"),
    path("patients/data-requests/<uuid:pk>/", views.detail, name="data-request-detail"),
    path("patients/data-requests/<uuid:pk>/decide/", views.decide, name="data-request-decide"),
    path("patients/data-requests/<uuid:pk>/withdraw/", views.withdraw, name="data-request-withdraw"),
    path("patients/data-requests/<uuid:pk>/copy/", views.make_copy, name="data-request-copy"),
    path("patients/data-requests/<uuid:pk>/letter/", views.letter, name="data-request-letter"),
    path("patients/limits/<uuid:pk>/lift/", views.lift, name="limit-lift"),
    path("patients/<uuid:pk>/data-rights/", views.overview, name="data-rights"),
    path("patients/<uuid:pk>/data-rights/new/", views.add, name="data-request-add"),
    path("portal/data-rights/", portal.overview, name="portal-rights"),
    path("portal/data-rights/new/<slug:kind>/", portal.ask, name="portal-data-request-add"),
    path("portal/data-rights/<uuid:pk>/", portal.detail, name="portal-data-request"),
    path("portal/data-rights/<uuid:pk>/withdraw/", portal.withdraw, name="portal-data-request-withdraw"),
    path("portal/data-rights/<uuid:pk>/letter/", portal.letter, name="portal-data-request-letter"),
    path("portal/data-rights/<uuid:pk>/copy/", portal.copy, name="portal-data-request-copy"),
]
