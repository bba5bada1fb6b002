from django.urls import path

from scheduling.views import calendar, moves

urlpatterns = [
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/table/", calendar.calendar_table, name="calendar-table"),
    path("calendar/print/", calendar.calendar_print, name="calendar-print"),
    path("calendar/slots/<uuid:pk>/", calendar.calendar_slot, name="calendar-slot"),
    path("appointments/<uuid:pk>/move/", moves.appointment_move, name="appointment-move"),
]
