from django.urls import path

from scheduling.views import appointments

urlpatterns = [
    path("appointments/", appointments.appointment_list, name="appointment-list"),
    path("appointments/panel/", appointments.appointment_list_panel, name="appointment-list-panel"),
    path("appointments/find/", appointments.appointment_find, name="appointment-find"),
    path("appointments/<uuid:pk>/", appointments.appointment_detail, name="appointment-detail"),
    path("appointments/<uuid:pk>/approve/", appointments.appointment_approve, name="appointment-approve"),
    path("appointments/<uuid:pk>/reject/", appointments.appointment_reject, name="appointment-reject"),
    path("appointments/<uuid:pk>/cancel/", appointments.appointment_cancel, name="appointment-cancel"),
    path("appointments/<uuid:pk>/check-in/", appointments.appointment_check_in, name="appointment-check-in"),
    path("appointments/<uuid:pk>/no-show/", appointments.appointment_no_show, name="appointment-no-show"),
    path(
        "appointments/<uuid:pk>/no-show/undo/", appointments.appointment_no_show_undo, name="appointment-no-show-undo"
    ),
    path(
        "patients/<uuid:pk>/appointments/panel/",
        appointments.patient_appointments_panel,
        name="patient-appointments-panel",
    ),
]
