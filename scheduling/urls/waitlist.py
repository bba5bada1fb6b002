from django.urls import path

from scheduling.views import waitlist

urlpatterns = [
    path("waiting-list/", waitlist.waitlist, name="waitlist"),
    path("waiting-list/panel/", waitlist.waitlist_panel, name="waitlist-panel"),
    path("waiting-list/<uuid:pk>/withdraw/", waitlist.wish_withdraw, name="waitlist-withdraw"),
    path("patients/<uuid:pk>/waiting-list/", waitlist.patient_wish, name="patient-wish"),
    path("appointments/<uuid:pk>/accept/", waitlist.offer_accept, name="offer-accept"),
    path("appointments/<uuid:pk>/decline/", waitlist.offer_decline, name="offer-decline"),
]
