from django.urls import path

from scheduling.views import reminders

urlpatterns = [
    path("reminders/", reminders.reminder_list, name="reminder-list"),
    path("reminders/panel/", reminders.reminder_list_panel, name="reminder-list-panel"),
    path("reminders/<uuid:pk>/send/", reminders.reminder_send, name="reminder-send"),
    path("reminders/<uuid:pk>/undo/", reminders.reminder_undo, name="reminder-undo"),
    path("patients/<uuid:pk>/reminders/", reminders.patient_reminders, name="patient-reminders"),
]
