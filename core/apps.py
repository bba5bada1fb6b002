from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core import checks, keys_check  # noqa: F401 - importing registers the system checks

        connection_created.connect(keys_check.verify_first_connection, dispatch_uid="core.key_check")
        post_migrate.connect(keys_check.create_sentinels, sender=self, dispatch_uid="core.key_sentinel")
