from django.urls import path

from scheduling.views import absences

urlpatterns = [
    path("time-off/", absences.time_off_list, name="time-off-list"),
    path("time-off/add/", absences.time_off_add, name="time-off-add"),
    path("time-off/<uuid:pk>/cancel/", absences.time_off_cancel, name="time-off-cancel"),
    path("holidays/", absences.holiday_list, name="holiday-list"),
    path("holidays/add/", absences.holiday_add, name="holiday-add"),
    path("holidays/<uuid:pk>/edit/", absences.holiday_edit, name="holiday-edit"),
    path("holidays/<uuid:pk>/delete/", absences.holiday_delete, name="holiday-delete"),
    path("clinic-hours/", absences.hours_list, name="hours-list"),
    path("clinic-hours/add/", absences.hours_add, name="hours-add"),
    path("clinic-hours/<uuid:pk>/edit/", absences.hours_edit, name="hours-edit"),
    path("closed-bookings/", absences.closed_bookings, name="closed-bookings"),
]
