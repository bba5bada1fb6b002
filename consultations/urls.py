from django.urls import path

from consultations import views

app_name = "consultations"

urlpatterns = [
    path("vitals/", views.vitals_list, name="vitals-list"),
    path("vitals/panel/", views.vitals_panel, name="vitals-panel"),
    path("vitals/visits/<uuid:pk>/", views.vitals_record, name="vitals-record"),
    path("vitals/<uuid:pk>/error/", views.vitals_mark_error, name="vitals-mark-error"),
    path("diagnosis-codes/search/", views.code_search, name="code-search"),
]
