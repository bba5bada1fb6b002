"""WSGI entry point for the pages."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emr.settings.production")

application = get_wsgi_application()
