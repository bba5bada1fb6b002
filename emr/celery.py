"""The Celery application: `celery -A emr worker`, `celery -A emr beat`, or both inside `manage.py serve`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emr.settings.development")

app = Celery("emr")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
