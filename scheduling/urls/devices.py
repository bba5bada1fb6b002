from django.urls import path

from scheduling.views import board, devices, kiosk, onsite

urlpatterns = [
    path("screens/", devices.device_list, name="device-list"),
    path("screens/<uuid:pk>/revoke/", devices.device_revoke, name="device-revoke"),
    path("board/<str:token>/", board.board, name="board"),
    path("board/<str:token>/panel/", board.board_panel, name="board-panel"),
    path("kiosk/<str:token>/", kiosk.kiosk, name="kiosk"),
    path("kiosk/<str:token>/check-in/", kiosk.kiosk_check_in, name="kiosk-check-in"),
    path("kiosk/<str:token>/take-number/", kiosk.kiosk_take_number, name="kiosk-take-number"),
    path("kiosk/<str:token>/phone-code/", kiosk.kiosk_phone_code, name="kiosk-phone-code"),
    path("kiosk/<str:token>/number/<uuid:pk>/", kiosk.kiosk_number, name="kiosk-number"),
    path("on-site/<str:proof>/", onsite.onsite_scan, name="onsite-scan"),
    path("portal/on-site/", onsite.onsite, name="onsite"),
    path("portal/on-site/panel/", onsite.onsite_panel, name="onsite-panel"),
    path("portal/on-site/<uuid:pk>/check-in/", onsite.onsite_check_in, name="onsite-check-in"),
]
