from __future__ import annotations

from django.urls import path

from patients.portal import consents as portal
from patients.views import consent_texts as text_views
from patients.views import consents as views

urlpatterns = [
    path("patients/consents/missing/", views.missing_list, name="consent-missing-list"),
    path("patients/consents/<uuid:pk>/", views.detail, name="consent-detail"),
    path("patients/consents/<uuid:pk>/pdf/", views.consent_pdf, name="consent-pdf"),
    path("patients/consents/<uuid:pk>/withdraw/", views.withdraw, name="consent-withdraw"),
    path("patients/consent-texts/", text_views.text_list, name="consent-text-list"),
    path("patients/consent-texts/<slug:kind>/", text_views.text_detail, name="consent-text-detail"),
    path("patients/consent-texts/<slug:kind>/publish/", text_views.text_publish, name="consent-text-publish"),
    path("patients/<uuid:pk>/consents/", views.overview, name="consents"),
    path("patients/<uuid:pk>/consents/general/", views.general, name="consent-general"),
    path("patients/<uuid:pk>/consents/form/", views.form_pdf, name="consent-form-pdf"),
    path("patients/<uuid:pk>/consents/<slug:kind>/", views.choice, name="consent-choice"),
    path("portal/consents/", portal.overview, name="portal-consents"),
    path("portal/consents/given/<uuid:pk>/", portal.detail, name="portal-consent-detail"),
    path("portal/consents/given/<uuid:pk>/pdf/", portal.consent_pdf, name="portal-consent-pdf"),
    path("portal/consents/given/<uuid:pk>/withdraw/", portal.withdraw, name="portal-consent-withdraw"),
    path("portal/consents/<slug:kind>/", portal.choice, name="portal-consent-choice"),
]
