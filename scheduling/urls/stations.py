from django.urls import path

from scheduling.views import stations

urlpatterns = [
    path("stations/", stations.station_list, name="station-list"),
    path("stations/add/", stations.station_add, name="station-add"),
    path("stations/<uuid:pk>/", stations.station_edit, name="station-edit"),
    path("queue/station/", stations.station, name="station"),
    path("queue/station/panel/", stations.station_panel, name="station-panel"),
    path("queue/station/choose/", stations.station_choose, name="station-choose"),
    path("queue/station/next/", stations.station_call_next, name="station-call-next"),
    path("queue/steps/<uuid:pk>/call/", stations.step_call, name="step-call"),
    path("queue/steps/<uuid:pk>/start/", stations.step_start, name="step-start"),
    path("queue/steps/<uuid:pk>/skip/", stations.step_skip, name="step-skip"),
    path("queue/steps/<uuid:pk>/requeue/", stations.step_requeue, name="step-requeue"),
    path("queue/steps/<uuid:pk>/finish/", stations.step_finish, name="step-finish"),
    path("queue/steps/<uuid:pk>/send-back/", stations.step_send_back, name="step-send-back"),
    path("queue/steps/<uuid:pk>/transfer/", stations.step_transfer, name="step-transfer"),
    path("queue/steps/<uuid:pk>/to/<slug:stage>/", stations.step_examine, name="step-examine"),
    path("queue/events/<uuid:pk>/undo/", stations.queue_undo, name="queue-undo"),
]
