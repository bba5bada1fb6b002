from django.urls import path

from scheduling.portal import appointments, booking, family, moving, public, reminders, waitlist

urlpatterns = [
    path("schedule/", public.schedule, name="public-schedule"),
    path("schedule/times/", public.schedule_times, name="public-times"),
    path("schedule/choice/", public.schedule_choice, name="public-choice"),
    path("portal/book/", booking.book, name="portal-book"),
    path("portal/book/for/", booking.book_for, name="portal-book-for"),
    path("portal/book/times/", booking.book_times, name="portal-book-times"),
    path("portal/book/complaint/", booking.book_complaint, name="portal-book-complaint"),
    path("portal/book/check/", booking.book_check, name="portal-book-check"),
    path("portal/book/confirm/", booking.book_confirm, name="portal-book-confirm"),
    path("portal/appointments/", appointments.appointment_list, name="portal-appointment-list"),
    path("portal/book/family/", family.people, name="portal-family-book"),
    path("portal/book/family/times/", family.times, name="portal-family-times"),
    path("portal/book/family/check/", family.check, name="portal-family-check"),
    path("portal/book/family/confirm/", family.confirm, name="portal-family-confirm"),
    path("portal/appointments/family/", appointments.family_list, name="portal-family-list"),
    path("portal/appointments/<uuid:pk>/", appointments.appointment_detail, name="portal-appointment-detail"),
    path("portal/appointments/<uuid:pk>/cancel/", appointments.appointment_cancel, name="portal-appointment-cancel"),
    path("portal/appointments/<uuid:pk>/move/", moving.move, name="portal-appointment-move"),
    path("portal/appointments/<uuid:pk>/move/check/", moving.move_to, name="portal-appointment-move-to"),
    path("portal/appointments/<uuid:pk>/accept/", waitlist.offer_accept, name="portal-offer-accept"),
    path("portal/appointments/<uuid:pk>/decline/", waitlist.offer_decline, name="portal-offer-decline"),
    path("portal/waiting-list/", waitlist.wishes, name="portal-waitlist"),
    path("portal/waiting-list/join/", waitlist.wish_join, name="portal-waitlist-join"),
    path("portal/waiting-list/<uuid:pk>/withdraw/", waitlist.wish_withdraw, name="portal-waitlist-withdraw"),
    path("portal/reminders/", reminders.reminders, name="portal-reminders"),
]
