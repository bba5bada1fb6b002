from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("", views.home, name="home"),
    path("masuk/", views.login, name="login"),
    path("portal/masuk/", views.portal_login, name="portal-login"),
    path("keluar/", views.logout, name="logout"),
    path("account/password/", views.password_change, name="password-change"),
    path("account/preferences/", views.preferences, name="preferences"),
    path("users/", views.user_list, name="user-list"),
    path("users/new/", views.user_create, name="user-create"),
    path("users/<uuid:pk>/", views.user_edit, name="user-edit"),
    path("users/<uuid:pk>/roles/", views.user_roles, name="user-roles"),
    path("users/<uuid:pk>/deactivate/", views.user_deactivate, name="user-deactivate"),
    path("users/<uuid:pk>/reactivate/", views.user_reactivate, name="user-reactivate"),
    path("users/<uuid:pk>/verify/", views.user_verify, name="user-verify"),
    path("users/<uuid:pk>/reset-password/", views.user_reset_password, name="user-reset-password"),
    path("styleguide/", views.styleguide, name="styleguide"),
]
