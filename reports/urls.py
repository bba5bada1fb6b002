from django.urls import path

from reports import audit_views, portal, views

app_name = "reports"

urlpatterns = [
    path("overview/", views.dashboard, name="dashboard"),
    path("overview/panel/", views.dashboard_panel, name="dashboard-panel"),
    path("audit-log/", audit_views.audit_browser, name="audit-browser"),
    path("audit-log/export/", audit_views.audit_export, name="audit-export"),
    path("audit-alerts/", audit_views.alert_list, name="alert-list"),
    path("audit-alerts/<uuid:pk>/", audit_views.alert_detail, name="alert-detail"),
    path("portal/record-access/", portal.record_access, name="portal-record-access"),
]
