from django.urls import path

from scheduling.views import queue

urlpatterns = [
    path("queue/", queue.queue, name="queue"),
    path("queue/panel/", queue.queue_panel, name="queue-panel"),
    path("queue/mine/panel/", queue.doctor_queue_panel, name="doctor-queue-panel"),
    path("visits/<uuid:pk>/call/", queue.visit_call, name="visit-call"),
    path("visits/<uuid:pk>/cancel/", queue.visit_cancel, name="visit-cancel"),
    path("visits/<uuid:pk>/ticket/", queue.ticket_slip, name="ticket-slip"),
]
