from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notices and mails")

    def ready(self) -> None:
        from notifications import signals  # noqa: F401 - importing registers the receivers
