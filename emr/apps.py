from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class EmrConfig(AppConfig):
    name = "emr"
    default = True

    def ready(self) -> None:
        from emr import processes, schedules  # noqa: F401 - importing registers the system check

        # This app has no models, so Django sends no post_migrate for it; the rows belong to the scheduler's app anyway.
        post_migrate.connect(
            schedules.seed, sender=apps.get_app_config("django_celery_beat"), dispatch_uid="emr.schedules"
        )


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site: only staff with the back-office right get in, by our own sign-in page."""

    default_site = "emr.admin_site.BackOffice"
    default = False
