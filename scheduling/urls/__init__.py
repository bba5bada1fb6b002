"""Addresses of the clinic's day, one module an area. Fixed words come before ids, so their order is free."""

from scheduling.urls import (
    absences,
    appointments,
    booking,
    calendar,
    devices,
    feeds,
    flow,
    portal,
    queue,
    reminders,
    services,
    sessions,
    stations,
    waitlist,
)

app_name = "scheduling"

urlpatterns = [
    *absences.urlpatterns,
    *appointments.urlpatterns,
    *booking.urlpatterns,
    *calendar.urlpatterns,
    *devices.urlpatterns,
    *feeds.urlpatterns,
    *flow.urlpatterns,
    *portal.urlpatterns,
    *queue.urlpatterns,
    *reminders.urlpatterns,
    *services.urlpatterns,
    *sessions.urlpatterns,
    *stations.urlpatterns,
    *waitlist.urlpatterns,
]
