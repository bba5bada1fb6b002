from django.urls import path

from support import portal, views

app_name = "support"

urlpatterns = [
    path("messages/", views.message_list, name="message-list"),
    path("messages/<uuid:pk>/", views.message_detail, name="message-detail"),
    path("support/inbox/", views.inbox, name="inbox"),
    path("support/inbox/panel/", views.inbox_panel, name="inbox-panel"),
    path("support/inbox/<uuid:pk>/", views.inbox_message, name="inbox-message"),
    path("support/inbox/<uuid:pk>/read/", views.message_read, name="message-read"),
    path("support/inbox/<uuid:pk>/answer/", views.message_answer, name="message-answer"),
    path("portal/messages/", portal.message_list, name="portal-message-list"),
    path("portal/messages/<uuid:pk>/", portal.message_detail, name="portal-message-detail"),
]
