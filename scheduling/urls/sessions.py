from django.urls import path

from scheduling.views import series, sessions

urlpatterns = [
    path("practice-sessions/", sessions.session_list, name="session-list"),
    path("practice-sessions/propose/", sessions.session_propose, name="session-propose"),
    path("practice-sessions/propose/preview/", sessions.session_preview_panel, name="session-preview-panel"),
    path("practice-sessions/<uuid:pk>/", sessions.session_detail, name="session-detail"),
    path("practice-sessions/<uuid:pk>/approve/", sessions.session_approve, name="session-approve"),
    path("practice-sessions/<uuid:pk>/reject/", sessions.session_reject, name="session-reject"),
    path(
        "practice-sessions/<uuid:pk>/request-completion/",
        sessions.session_request_completion,
        name="session-request-completion",
    ),
    path(
        "practice-sessions/<uuid:pk>/confirm-completion/",
        sessions.session_confirm_completion,
        name="session-confirm-completion",
    ),
    path("practice-sessions/<uuid:pk>/change/", sessions.session_change, name="session-change"),
    path(
        "practice-sessions/<uuid:pk>/change/preview/",
        sessions.session_change_preview_panel,
        name="session-change-preview-panel",
    ),
    path("practice-sessions/<uuid:pk>/cancel/", sessions.session_cancel, name="session-cancel"),
    path("practice-sessions/<uuid:pk>/delay/", sessions.session_delay, name="session-delay"),
    path("session-series/", series.series_list, name="series-list"),
    path("session-series/propose/", series.series_propose, name="series-propose"),
    path("session-series/propose/preview/", series.series_preview_panel, name="series-preview-panel"),
    path("session-series/<uuid:pk>/", series.series_detail, name="series-detail"),
    path("session-series/<uuid:pk>/approve/", series.series_approve, name="series-approve"),
    path("session-series/<uuid:pk>/reject/", series.series_reject, name="series-reject"),
    path("session-series/<uuid:pk>/end/", series.series_end, name="series-end"),
]
