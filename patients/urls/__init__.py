"""Addresses of patients, one module an aggregate. Fixed words come before the patient's id, so their order is free."""

from patients.urls import (
    archiving,
    breaches,
    clinical,
    consents,
    coverage,
    documents,
    duplicates,
    erasure,
    imports,
    integrity,
    papers,
    patients,
    registration,
    rights,
)

app_name = "patients"

urlpatterns = [
    *patients.urlpatterns,
    *archiving.urlpatterns,
    *breaches.urlpatterns,
    *clinical.urlpatterns,
    *consents.urlpatterns,
    *coverage.urlpatterns,
    *documents.urlpatterns,
    *duplicates.urlpatterns,
    *erasure.urlpatterns,
    *imports.urlpatterns,
    *integrity.urlpatterns,
    *papers.urlpatterns,
    *registration.urlpatterns,
    *rights.urlpatterns,
]
