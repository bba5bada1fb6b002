"""Development and the embedded product on one machine: SQLite, worker and scheduler inside, mails to a folder."""

import os

os.environ.setdefault("EMBEDDED", "1")
os.environ.setdefault("DEMO_MODE", "1")

from .base import *
from .base import STORAGES, VAR_DIR, env

DEBUG = env.flag("DEBUG", False, "Django's debug pages. Development only; refused in production.")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], "Host names this site answers to.")
VAR_DIR.mkdir(parents=True, exist_ok=True)
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
