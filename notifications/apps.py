from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notices and mails")

    def ready(self) -> None:
        from core import outbound
        from notifications import services, signals  # noqa: F401 - importing registers the receivers

        outbound.register(
            mail=services.queue_email, notify=services.notify, notify_capability=services.notify_capability
        )
