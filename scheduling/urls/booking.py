from django.urls import path

from scheduling.views import booking

urlpatterns = [
    path("appointments/book/", booking.appointment_book, name="appointment-book"),
    path("patients/<uuid:pk>/book/", booking.patient_book, name="patient-book"),
    path("patients/<uuid:pk>/follow-up/", booking.follow_up, name="follow-up"),
    path("patients/<uuid:pk>/follow-up/ask/", booking.follow_up_ask, name="follow-up-ask"),
    path("patients/<uuid:pk>/walk-in/", booking.walk_in, name="walk-in"),
]
