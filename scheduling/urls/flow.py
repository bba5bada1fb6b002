from django.urls import path

from scheduling.views import flow

urlpatterns = [
    path("flow/", flow.flow_board, name="flow"),
    path("flow/panel/", flow.flow_panel, name="flow-panel"),
    path("queue/report/", flow.queue_report, name="queue-report"),
]
