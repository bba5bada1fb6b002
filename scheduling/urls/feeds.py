from django.urls import path

from scheduling.views import feeds

urlpatterns = [
    path("appointments/<uuid:pk>/calendar.ics", feeds.appointment_file, name="appointment-ics"),
    path("my-calendar/", feeds.feed_page, name="feed"),
    path("my-calendar/make/", feeds.feed_make, name="feed-make"),
    path("my-calendar/revoke/", feeds.feed_revoke, name="feed-revoke"),
    path("calendar-feeds/<str:token>.ics", feeds.calendar_feed, name="calendar-feed"),
]
