from django.urls import path

from patients.portal import guardians as guardian_portal
from patients.portal import profile as portal
from patients.views import allergies as allergy_views
from patients.views import contact as contact_views
from patients.views import emergency as emergency_views
from patients.views import guardians as guardian_views
from patients.views import missing_records as missing_views
from patients.views import patients as views
from patients.views import registrations as registration_views
from patients.views import search as search_views

urlpatterns = [
    path("patients/search/", search_views.search, name="search"),
    path("patients/registrations/", registration_views.registration_list, name="registration-list"),
    path("patients/registrations/panel/", registration_views.registration_panel, name="registration-panel"),
    path("patients/registrations/<uuid:pk>/", registration_views.registration_detail, name="registration-detail"),
    path(
        "patients/registrations/<uuid:pk>/activate/",
        registration_views.registration_activate,
        name="registration-activate",
    ),
    path(
        "patients/registrations/<uuid:pk>/reject/", registration_views.registration_reject, name="registration-reject"
    ),
    path("patients/missing-records/", missing_views.missing_list, name="missing-record-list"),
    path("patients/missing-records/<uuid:pk>/", missing_views.missing_detail, name="missing-record"),
    path("patients/missing-records/<uuid:pk>/rebuild/", missing_views.missing_rebuild, name="missing-record-rebuild"),
    path("patients/emergency/", emergency_views.emergency_list, name="emergency-list"),
    path("patients/emergency/find/", emergency_views.emergency_find, name="emergency-find"),
    path("patients/emergency/start/<str:ticket>/", emergency_views.emergency_start, name="emergency-start"),
    path("patients/emergency/<uuid:pk>/", emergency_views.emergency_detail, name="emergency-detail"),
    path("patients/emergency/<uuid:pk>/review/", emergency_views.emergency_review, name="emergency-review"),
    path("patients/emergency/<uuid:pk>/end/", emergency_views.emergency_end, name="emergency-end"),
    path("patients/allergies/<uuid:pk>/mark-wrong/", allergy_views.allergy_mark_wrong, name="allergy-mark-wrong"),
    path("patients/<uuid:pk>/", views.detail, name="detail"),
    path("patients/<uuid:pk>/nik/", views.nik_reveal, name="nik-reveal"),
    path("patients/<uuid:pk>/allergies/", allergy_views.allergies, name="allergies"),
    path("patients/<uuid:pk>/allergies/add/", allergy_views.allergy_add, name="allergy-add"),
    path("patients/<uuid:pk>/allergies/none/", allergy_views.allergies_deny, name="allergies-deny"),
    path("patients/guardian-requests/", guardian_views.request_list, name="guardian-request-list"),
    path("patients/guardian-requests/panel/", guardian_views.request_panel, name="guardian-request-panel"),
    path("patients/guardian-requests/<uuid:pk>/", guardian_views.request_detail, name="guardian-request"),
    path("patients/guardian-requests/<uuid:pk>/reject/", guardian_views.request_reject, name="guardian-request-reject"),
    path("patients/guardian-links/<uuid:pk>/end/", guardian_views.link_end, name="guardian-link-end"),
    path("patients/<uuid:pk>/guardians/", guardian_views.guardians, name="guardians"),
    path("patients/<uuid:pk>/guardians/add/", guardian_views.guardian_add, name="guardian-add"),
    path("portal/family/", guardian_portal.family, name="portal-family"),
    path("portal/family/ask/", guardian_portal.family_ask, name="portal-family-ask"),
    path("portal/family/<uuid:pk>/end/", guardian_portal.family_end, name="portal-family-end"),
    path("portal/person/", guardian_portal.person_choose, name="portal-person"),
    path("portal/sign-up/", portal.sign_up, name="portal-sign-up"),
    path("portal/sign-up/thank-you/", portal.sign_up_done, name="portal-sign-up-done"),
    path("portal/profile/", portal.profile, name="portal-profile"),
    path("portal/profile/email/", contact_views.email_adopt, name="portal-email-adopt"),
]
