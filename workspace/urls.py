from django.urls import path

from workspace import portal
from workspace.cashier_urls import urlpatterns as cashier_urlpatterns
from workspace.views import charts, consultations, oversight, records

app_name = "workspace"

urlpatterns = [
    path("consultations/", consultations.consultation_list, name="consultation-list"),
    path("consultations/panel/", consultations.consultation_panel, name="consultation-panel"),
    path("consultations/all/", oversight.consultation_all, name="consultation-all"),
    path("consultations/<uuid:pk>/", charts.visit_detail, name="visit-detail"),
    path("consultations/<uuid:pk>/start/", consultations.consultation_start, name="consultation-start"),
    path("consultations/<uuid:pk>/note/", consultations.consultation, name="consultation"),
    path("consultations/<uuid:pk>/note/save/", consultations.consultation_save, name="consultation-save"),
    path("consultations/<uuid:pk>/note/review/", consultations.consultation_review, name="consultation-review"),
    path("consultations/<uuid:pk>/note/finish/", consultations.consultation_finish, name="consultation-finish"),
    path("patients/<uuid:pk>/chart/", charts.patient_chart, name="patient-chart"),
    path("patients/<uuid:pk>/history/", charts.history_panel, name="history-panel"),
    path("patients/<uuid:pk>/record/", records.patient_record, name="patient-record"),
    path("portal/record/", records.portal_record, name="portal-record"),
    path("portal/", portal.home, name="portal-home"),
    path("portal/panel/", portal.home_panel, name="portal-home-panel"),
    path("portal/visits/", portal.visits, name="portal-visits"),
    path("portal/visits/<uuid:pk>/", portal.visit, name="portal-visit"),
    path("portal/visits/<uuid:pk>/panel/", portal.visit_panel, name="portal-visit-panel"),
    path("portal/visits/<uuid:pk>/confirm/", portal.visit_confirm, name="portal-visit-confirm"),
    path(
        "portal/visits/<uuid:pk>/without-medicine/", portal.visit_without_medicine, name="portal-visit-without-medicine"
    ),
    *cashier_urlpatterns,
]
