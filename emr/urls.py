"""Every address of the product. Handlers below are Django's own error hooks."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("notifications.urls")),
    path("", include("jobs.urls")),
    path("", include("patients.urls")),
    path("", include("scheduling.urls")),
    path("", include("consultations.urls")),
    path("", include("pharmacy.urls")),
    path("", include("billing.urls")),
    path("", include("workspace.urls")),
    path("", include("support.urls")),
    path("", include("reports.urls")),
    path("back-office/", admin.site.urls),
]

handler400 = "core.views.bad_request"
handler403 = "core.views.forbidden"
handler404 = "core.views.not_found"
handler500 = "core.views.server_error"
