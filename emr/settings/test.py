"""Tests: fast hasher, no outside effects, keys that are public on purpose."""

import base64
import os
from urllib.parse import urlsplit, urlunsplit

for _name in ("FIELD_ENCRYPTION_KEYS", "SEARCH_MASTER_KEY", "AUDIT_SEAL_KEY", "SESSION_HASH_KEY"):
    os.environ[_name] = base64.urlsafe_b64encode(_name.ljust(32, "-").encode()[:32]).decode()
os.environ["SECRET_KEY"] = "test-secret-key-that-is-public-on-purpose-and-long-enough-0123456789"
os.environ.setdefault("DATABASE_URL", "sqlite:///:memory:")

from .base import *
from .base import DATABASES, REDIS_URL, SILENCED_SYSTEM_CHECKS, VAR_DIR

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = "memory://localhost/"  # also beside Redis: no test's nudge may reach a worker
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05}
SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "emr.E200"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "files": {"BACKEND": "tests.memory_files.MemoryFiles"},
}
WHITENOISE_AUTOREFRESH = True
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Threads of race tests need one database between them, so a file and not ":memory:".
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / f"test-{os.getpid()}.sqlite3")}


def _redis_of_this_worker(url: str) -> str:
    """Each pytest worker has a Redis database of its own: clearing the cache after a test flushes all of it."""
    parts = urlsplit(url)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return urlunsplit(parts._replace(path=f"/{int(parts.path.strip('/') or 0) + worker}"))


CACHES = (
    {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    if not REDIS_URL
    else {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": _redis_of_this_worker(REDIS_URL),
        }
    }
)
