from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class EmrConfig(AppConfig):
    name = "emr"
    default = True


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site: only staff with the back-office right get in, by our own sign-in page."""

    default_site = "emr.admin_site.BackOffice"
    default = False
