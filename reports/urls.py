from django.urls import path

from reports import views

app_name = "reports"

urlpatterns = [
    path("overview/", views.dashboard, name="dashboard"),
    path("overview/panel/", views.dashboard_panel, name="dashboard-panel"),
]
