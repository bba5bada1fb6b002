from django.urls import path

from patients.views import registration as views

urlpatterns = [
    path("patients/register/", views.register, name="register"),
    path("patients/register/start/", views.register_start, name="register-start"),
    path("patients/register/duplicates/", views.duplicates_panel, name="duplicates-panel"),
    path("patients/register/mother/", views.register_mother, name="register-mother"),
    path("patients/register/draft/", views.draft_save, name="registration-draft"),
    path("patients/register/drafts/<uuid:pk>/", views.draft_resume, name="registration-draft-resume"),
    path("patients/register/drafts/<uuid:pk>/discard/", views.draft_discard, name="registration-draft-discard"),
    path("patients/regions/", views.region_list, name="region-list"),
    path("patients/<uuid:pk>/registered/", views.registered, name="registered"),
    path("patients/<uuid:pk>/edit/", views.edit, name="edit"),
    path("patients/<uuid:pk>/newborn/", views.register_newborn, name="register-newborn"),
]
