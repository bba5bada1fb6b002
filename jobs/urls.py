from django.urls import path

from jobs import views

app_name = "jobs"

urlpatterns = [
    path("jobs/", views.job_list, name="list"),
    path("jobs/list-panel/", views.job_list_panel, name="list-panel"),
    path("jobs/<uuid:pk>/", views.job_detail, name="detail"),
    path("jobs/<uuid:pk>/progress-panel/", views.job_progress_panel, name="progress-panel"),
    path("jobs/<uuid:pk>/cancel/", views.job_cancel, name="cancel"),
    path("jobs/<uuid:pk>/resume/", views.job_resume, name="resume"),
    path("jobs/<uuid:pk>/result/", views.job_result, name="result"),
]
