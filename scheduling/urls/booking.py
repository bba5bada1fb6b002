from django.urls import path

from scheduling.views import booking, families

urlpatterns = [
    path("appointments/book/", booking.appointment_book, name="appointment-book"),
    path("patients/<uuid:pk>/book/", booking.patient_book, name="patient-book"),
    path("patients/<uuid:pk>/book-family/", families.patient_family, name="patient-family"),
    path("patients/<uuid:pk>/book-family/times/", families.patient_family_times, name="patient-family-times"),
    path("patients/<uuid:pk>/book-family/check/", families.patient_family_check, name="patient-family-check"),
    path("patients/<uuid:pk>/book-family/confirm/", families.patient_family_confirm, name="patient-family-confirm"),
    path("patients/<uuid:pk>/follow-up/", booking.follow_up, name="follow-up"),
    path("patients/<uuid:pk>/follow-up/ask/", booking.follow_up_ask, name="follow-up-ask"),
    path("patients/<uuid:pk>/walk-in/", booking.walk_in, name="walk-in"),
]
