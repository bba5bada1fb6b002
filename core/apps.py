from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from importlib import import_module
        from importlib.util import find_spec

        if find_spec("core.checks"):
            import_module("core.checks")
