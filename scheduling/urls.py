from django.urls import path

from scheduling import portal
from scheduling.views import appointments, booking, queue, sessions

app_name = "scheduling"

urlpatterns = [
    path("calendar/", sessions.calendar, name="calendar"),
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
    path("appointments/", appointments.appointment_list, name="appointment-list"),
    path("appointments/panel/", appointments.appointment_list_panel, name="appointment-list-panel"),
    path("appointments/book/", booking.appointment_book, name="appointment-book"),
    path("appointments/<uuid:pk>/", appointments.appointment_detail, name="appointment-detail"),
    path("appointments/<uuid:pk>/approve/", appointments.appointment_approve, name="appointment-approve"),
    path("appointments/<uuid:pk>/reject/", appointments.appointment_reject, name="appointment-reject"),
    path("appointments/<uuid:pk>/cancel/", appointments.appointment_cancel, name="appointment-cancel"),
    path("appointments/<uuid:pk>/check-in/", appointments.appointment_check_in, name="appointment-check-in"),
    path("appointments/<uuid:pk>/no-show/", appointments.appointment_no_show, name="appointment-no-show"),
    path(
        "patients/<uuid:pk>/appointments/panel/",
        appointments.patient_appointments_panel,
        name="patient-appointments-panel",
    ),
    path("patients/<uuid:pk>/book/", booking.patient_book, name="patient-book"),
    path("patients/<uuid:pk>/walk-in/", booking.walk_in, name="walk-in"),
    path("queue/", queue.queue, name="queue"),
    path("queue/panel/", queue.queue_panel, name="queue-panel"),
    path("queue/mine/panel/", queue.doctor_queue_panel, name="doctor-queue-panel"),
    path("visits/<uuid:pk>/call/", queue.visit_call, name="visit-call"),
    path("visits/<uuid:pk>/cancel/", queue.visit_cancel, name="visit-cancel"),
    path("visits/<uuid:pk>/ticket/", queue.ticket_slip, name="ticket-slip"),
    path("portal/book/", portal.book, name="portal-book"),
    path("portal/book/times/", portal.book_times, name="portal-book-times"),
    path("portal/book/complaint/", portal.book_complaint, name="portal-book-complaint"),
    path("portal/book/check/", portal.book_check, name="portal-book-check"),
    path("portal/book/confirm/", portal.book_confirm, name="portal-book-confirm"),
    path("portal/appointments/", portal.appointment_list, name="portal-appointment-list"),
    path("portal/appointments/<uuid:pk>/", portal.appointment_detail, name="portal-appointment-detail"),
    path("portal/appointments/<uuid:pk>/cancel/", portal.appointment_cancel, name="portal-appointment-cancel"),
]
