"""WSGI entry point for the pages."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emr.settings.production")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from core.keys_check import verify_sentinel  # noqa: E402 - needs the apps that the line above loads

verify_sentinel()
