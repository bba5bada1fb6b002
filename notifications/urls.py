from django.urls import path

from notifications import views

app_name = "notifications"

urlpatterns = [
    path("notices/", views.notice_list, name="notice-list"),
    path("notices/list-panel/", views.notice_list_panel, name="notice-list-panel"),
    path("notices/bell/", views.notice_bell, name="notice-bell"),
    path("notices/read-all/", views.notice_read_all, name="notice-read-all"),
    path("notices/<uuid:pk>/open/", views.notice_open, name="notice-open"),
    path("notices/<uuid:pk>/read/", views.notice_read, name="notice-read"),
    path("emails/", views.email_list, name="email-list"),
    path("emails/<uuid:pk>/resend/", views.email_resend, name="email-resend"),
]
