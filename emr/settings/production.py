"""Production: nothing is guessed. A missing address, host name or key stops the start."""

from django.core.exceptions import ImproperlyConfigured

from .base import *
from .base import DATABASE_URL, DEMO_MODE, EMBEDDED, REDIS_URL, SITE_URL, env

if EMBEDDED:
    raise ImproperlyConfigured("EMBEDDED must be 0 in production; run web, worker and beat as processes of their own.")
if DEMO_MODE:
    raise ImproperlyConfigured("DEMO_MODE must be 0 in production; it prints passwords on the sign-in page.")
if not DATABASE_URL.startswith("mysql"):
    raise ImproperlyConfigured("DATABASE_URL must name a MariaDB or MySQL server in production.")
if not REDIS_URL:
    raise ImproperlyConfigured(
        "REDIS_URL is needed in production; in-memory broker and live layer work in one process only."
    )
if env.flag("DEBUG", False, "Django's debug pages. Development only; refused in production."):
    raise ImproperlyConfigured("DEBUG must be 0 in production.")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", [], "Host names this site answers to.")
if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the host names of this site, without *.")
if not SITE_URL.startswith("https://"):
    raise ImproperlyConfigured("SITE_URL must start with https:// in production.")

CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", True, "Answer http with a redirect to https.")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 31536000, "Seconds browsers insist on https.", maximum=63072000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-emr_session"
SESSION_BINDING_COOKIE_NAME = "__Host-emr_bind"
KNOWN_BROWSER_COOKIE_NAME = "__Host-emr_known"
THEME_COOKIE_NAME = "__Host-emr_theme"
LANGUAGE_COOKIE_NAME = "__Host-emr_language"
CSRF_COOKIE_NAME = "__Host-emr_csrf"
