"""Settings shared by every environment. Each value from outside is declared in `core.env` with its meaning."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from core import keys
from core.env import Env, load_dotenv

BASE_DIR = Path(__file__).resolve().parent.parent.parent
load_dotenv(BASE_DIR / ".env")
env = Env()

VAR_DIR = env.path(
    "VAR_DIR", BASE_DIR / "var", "Where the embedded product keeps its database, keys and mails.", shown="var/"
)

# --- Mode -----------------------------------------------------------------------------------------------------------
DEBUG = False
EMBEDDED = env.flag(
    "EMBEDDED",
    False,
    "One process with worker and scheduler inside, in-memory broker and live layer, own keys under VAR_DIR.",
)
DEMO_MODE = env.flag("DEMO_MODE", False, "Show the demo sign-ins and a banner. Never with real patients.")

# --- Keys -----------------------------------------------------------------------------------------------------------
KEY_DIR = env.path(
    "KEY_DIR", VAR_DIR / "keys", "Directory of key files (mode 0600), outside the code.", shown="var/keys"
)
KEYS = keys.load(key_dir=KEY_DIR, environ=env.environ, create=EMBEDDED)
for _secret in keys.SECRETS:
    env.declare(_secret.name, "a secret", "from KEY_DIR", _secret.help, secret=True)
SECRET_KEY = KEYS.django_secret
FIELD_ENCRYPTION_KEY = KEYS.field_keys
FIELD_CIPHER = env.choice(
    "FIELD_CIPHER", "aes256gcm", ("aes256gcm", "fernet"), "Cipher of newly written encrypted columns."
)

# --- Clinic ---------------------------------------------------------------------------------------------------------
CLINIC_NAME = env.text("CLINIC_NAME", "Klinik Batam Sehat", "Name of the clinic on every screen, mail and paper.")
CLINIC_ADDRESS = env.text(
    "CLINIC_ADDRESS", "Jl. Laksamana Bintan No. 12, Sungai Panas, Batam Kota", "Street address on papers and mails."
)
CLINIC_CITY = env.text("CLINIC_CITY", "Batam", "City, printed before dates on papers.")
CLINIC_PHONE = env.text("CLINIC_PHONE", "0778-555-0112", "Telephone shown to patients.")
CLINIC_EMAIL = env.text("CLINIC_EMAIL", "halo@batamsehat.example", "E-mail address shown to patients.")
CLINIC_LICENSE = env.text("CLINIC_LICENSE", "445/0112/DINKES/2025", "Operating licence number on papers.")
SITE_URL = env.text(
    "SITE_URL",
    "http://localhost:8000",
    "Public address of the site, without a final slash; links in mails start with it.",
).rstrip("/")

# --- Applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "emr.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "django_otp",
    "django_otp_webauthn",
    "axes",
    "encrypted_model_fields",
    "import_export",
    "django_celery_beat",
    "core",
    "audit",
    "accounts",
    "notifications",
    "jobs",
    "patients",
    "billing",
    "scheduling",
    "consultations",
    "pharmacy",
    "workspace",
    "support",
    "reports",
    "emr",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.RequestIdMiddleware",
    "core.middleware.DevicesMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "accounts.middleware.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.session_guard.SessionGuardMiddleware",
    "accounts.middleware.VerifiedSessionMiddleware",
    "accounts.middleware.UserPreferencesMiddleware",
    "audit.middleware.RefusalMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "core.middleware.BodyLimitMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.KnownBrowserMiddleware",
    "accounts.middleware.ClosedByDefaultMiddleware",
    "core.middleware.DomainErrorMiddleware",
    "patients.emergency_middleware.EmergencyEndedMiddleware",
    "patients.merged.MergedRecordMiddleware",
    "audit.middleware.AuditUnavailableMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "emr.urls"
WSGI_APPLICATION = "emr.wsgi.application"
ASGI_APPLICATION = "emr.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.ui",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "core.templatetags.ui"],
        },
    },
]
FORM_RENDERER = "core.forms.ProductRenderer"

# --- Database -------------------------------------------------------------------------------------------------------
DATABASE_URL = env.text(
    "DATABASE_URL",
    f"sqlite:///{VAR_DIR / 'emr.sqlite3'}",
    "sqlite:///path, or mysql://user:password@host:port/name for MariaDB 10.6+ and MySQL 8.",
    secret=True,
    shown="sqlite:///var/emr.sqlite3",
)
CONN_MAX_AGE = env.number(
    "CONN_MAX_AGE", 0, "Seconds a database connection is kept. 60 under gunicorn; must be 0 under ASGI.", maximum=3600
)


def database_config(url: str) -> dict[str, Any]:
    """Return Django's settings for one database, with the options that correct behaviour under concurrency needs."""
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except Exception as error:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read; use sqlite:///path or mysql://user:password@host/name."
        ) from error
    if config["ENGINE"].endswith("sqlite3"):
        # IMMEDIATE: a writer waits at BEGIN instead of failing in the middle with "database is locked".
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    elif config["ENGINE"].endswith("mysql"):
        config["OPTIONS"] = {
            **config.get("OPTIONS", {}),
            "charset": "utf8mb4",
            "isolation_level": "read committed",
            "init_command": "SET sql_mode='STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY', innodb_lock_wait_timeout=20",
        }
        config["CONN_HEALTH_CHECKS"] = True
        config["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"}
    else:
        raise ImproperlyConfigured("DATABASE_URL must be sqlite:// or mysql://.")
    config["CONN_MAX_AGE"] = CONN_MAX_AGE
    config["ATOMIC_REQUESTS"] = False
    return config


DATABASES = {"default": database_config(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: broker, cache and live layer share one address; without it everything lives in this process -------------
REDIS_URL = env.text(
    "REDIS_URL", "", "redis://host:port/db. Needed as soon as there is more than one process.", secret=True
)
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    }
    CELERY_BROKER_URL = REDIS_URL
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CELERY_BROKER_URL = "memory://localhost/"

# --- Background work ------------------------------------------------------------------------------------------------
CELERY_TIMEZONE = env.zone(
    "CLINIC_TIME_ZONE", "Asia/Jakarta", "The clinic's zone: Asia/Jakarta, Asia/Makassar or Asia/Jayapura."
)
CELERY_ENABLE_UTC = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05} if not REDIS_URL else {"visibility_timeout": 900}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- E-mail ---------------------------------------------------------------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST", "", "SMTP server. Empty: mails are written to VAR_DIR/mail.")
EMAIL_PORT = env.number("EMAIL_PORT", 587, "SMTP port.", minimum=1, maximum=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "", "SMTP user.")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "", "SMTP password.", secret=True)
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True, "STARTTLS on the SMTP connection.")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL", f"{CLINIC_NAME} <{CLINIC_EMAIL}>", "Sender of all mails.", shown="CLINIC_NAME <CLINIC_EMAIL>"
)
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "django.core.mail.backends.filebased.EmailBackend"
)

# --- Language, time -------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "id"
LANGUAGES = [("id", "Bahasa Indonesia"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = CELERY_TIMEZONE
FORMAT_MODULE_PATH = ["emr.formats"]

# --- Accounts -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["accounts.hashers.Argon2idHasher", "django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "full_name", "email")},
    },
    {"NAME": "accounts.validators.StrongPasswordValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "accounts:home"
LOGOUT_REDIRECT_URL = "accounts:login"

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_RATE_LIMITS = {"login_failed": "30/m/ip,5/15m/key"}
PASSWORD_RESET_TIMEOUT = 1800

AXES_HANDLER = "accounts.lockout_rows.Handler"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = False  # accounts.signals forgets wrong tries, also those of the limiter
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "accounts.lockout.username"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.client_ip"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "login", "password", "password1", "password2", "token", "code"]
AXES_VERBOSE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_DISABLE_ACCESS_LOG = True  # sessions and sign-ins have rows and events of their own
# A passkey belongs to the host name it was made for, for ever: changing SITE_URL's host makes all of them useless.
OTP_WEBAUTHN_RP_ID = urlsplit(SITE_URL).hostname or "localhost"
OTP_WEBAUTHN_RP_NAME = CLINIC_NAME
OTP_WEBAUTHN_ALLOWED_ORIGINS = [SITE_URL]
OTP_WEBAUTHN_EXCEPTION_LOGGER_NAME = ""  # a refused passkey is an answer, not a fault: no traceback per try
TRUSTED_PROXY_COUNT = env.number(
    "TRUSTED_PROXY_COUNT", 0, "How many proxies of yours stand in front and append to X-Forwarded-For.", maximum=5
)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT

# --- Sessions, cookies, headers -------------------------------------------------------------------------------------
SESSION_ENGINE = "core.session_store.cached_db" if REDIS_URL else "core.session_store.db"
SESSION_COOKIE_NAME = "emr_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_BINDING_COOKIE_NAME = "emr_bind"
KNOWN_BROWSER_COOKIE_NAME = "emr_known"
THEME_COOKIE_NAME = "emr_theme"
LANGUAGE_COOKIE_NAME = "emr_language"
IDLE_LOCK_MINUTES = env.number(
    "IDLE_LOCK_MINUTES", 15, "Minutes without anything done before a page asks for the password; 0: never.", maximum=240
)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "emr_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "core.views.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024  # of one request; the same in deploy/nginx/emr.conf
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES  # what nginx lets through: photos and papers never lie in /tmp in clear
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "report-uri": ["/csp-report/"],
    }
}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Static files ---------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = VAR_DIR / "media"

# --- Photos, documents, imports, exports: sealed by core.files before they get there ----------------------------------
FILE_STORAGE = env.choice(
    "FILE_STORAGE", "local", ("local", "s3"), "Where photos, documents, imports and exports are kept, encrypted."
)
FILES_DIR = env.path(
    "FILES_DIR",
    VAR_DIR / "files",
    "Directory for FILE_STORAGE=local, outside the web root; with several machines one they share.",
    shown="var/files",
)
S3_BUCKET = env.text("S3_BUCKET", "", "Bucket for FILE_STORAGE=s3; private, and for nothing else.")
S3_ENDPOINT_URL = env.text("S3_ENDPOINT_URL", "", "Address of an S3-compatible storage. Empty: Amazon's.")
S3_REGION = env.text("S3_REGION", "", "Region of the bucket, for example ap-southeast-3 (Jakarta).")
S3_ACCESS_KEY_ID = env.text("S3_ACCESS_KEY_ID", "", "Access key. Empty: the role of the machine.", secret=True)
S3_SECRET_ACCESS_KEY = env.text("S3_SECRET_ACCESS_KEY", "", "Secret of the access key.", secret=True)
S3_ADDRESSING = env.choice(
    "S3_ADDRESSING",
    "auto",
    ("auto", "path", "virtual"),
    "How the bucket stands in addresses; MinIO and Ceph want path.",
)
if FILE_STORAGE == "s3" and not S3_BUCKET:
    raise ImproperlyConfigured("S3_BUCKET must name the bucket of the files when FILE_STORAGE is s3.")
if bool(S3_ACCESS_KEY_ID) != bool(S3_SECRET_ACCESS_KEY):
    raise ImproperlyConfigured("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY belong together; only one of them is set.")
STORAGES["files"] = (
    {
        "BACKEND": "core.files_s3.S3Files",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT_URL,
            "region_name": S3_REGION,
            "access_key": S3_ACCESS_KEY_ID,
            "secret_key": S3_SECRET_ACCESS_KEY,
            "addressing": S3_ADDRESSING,
        },
    }
    if FILE_STORAGE == "s3"
    else {"BACKEND": "core.files_local.LocalFiles", "OPTIONS": {"location": FILES_DIR}}
)

IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
SILENCED_SYSTEM_CHECKS = [
    "models.W036",  # allauth's conditional constraints are not created on MariaDB; User.email is unique by itself
    "models.W044",  # nor is the expression constraint on user names, whose collation ignores case there anyway
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "axes": {"level": "ERROR"},  # a wrong password is an answer; the audit log has it
        "django.request": {"level": "ERROR"},  # refusals and missing pages are answers, not faults
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "uvicorn.access": {"level": "WARNING"},
    },
}

# --- Product switches -----------------------------------------------------------------------------------------------
UNPAID_REMINDER_DAYS = env.number(
    "UNPAID_REMINDER_DAYS", 3, "Days after which an unpaid bill is reminded at 16:00.", minimum=1, maximum=90
)
BOOKING_HOLD_HOURS = env.number(
    "BOOKING_HOLD_HOURS", 24, "Hours a booking that waits for approval keeps its time.", minimum=1, maximum=168
)
BOOKING_CHANGE_HOURS = env.number(
    "BOOKING_CHANGE_HOURS",
    2,
    "Hours before the time until which patients move or cancel in the portal.",
    minimum=0,
    maximum=168,
)
BOOKING_MOVES = env.number(
    "BOOKING_MOVES", 3, "How often a patient may move one booking in the portal.", minimum=0, maximum=20
)
BOOKINGS_AHEAD = env.number(
    "BOOKINGS_AHEAD", 3, "Bookings ahead that one patient may have through the portal.", minimum=1, maximum=20
)
WAITLIST_OFFER_HOURS = env.number(
    "WAITLIST_OFFER_HOURS", 2, "Hours a time is kept for the patient it is offered to.", minimum=1, maximum=48
)
CLINIC_REGION = env.text(
    "CLINIC_REGION", "2171", "Home Affairs code of the clinic's city or regency: its villages are offered first."
)
SALUTATION_BABY_BELOW = env.number(
    "SALUTATION_BABY_BELOW", 1, "Age in years below which labels say By.", minimum=0, maximum=5
)
SALUTATION_CHILD_BELOW = env.number(
    "SALUTATION_CHILD_BELOW", 15, "Age in years below which labels say An.", minimum=1, maximum=21
)
CLINIC_OPENS_HOUR = env.number("CLINIC_OPENS_HOUR", 7, "Hour at which the clinic's day begins.", minimum=0, maximum=22)
CLINIC_CLOSES_HOUR = env.number(
    "CLINIC_CLOSES_HOUR",
    21,
    "Hour at which it ends; records opened later count as outside hours.",
    minimum=1,
    maximum=23,
)
ALERT_CHARTS_PER_HOUR = env.number(
    "ALERT_CHARTS_PER_HOUR",
    40,
    "Different records one person opens in an hour before owner and admins are told.",
    minimum=1,
)
ALERT_CHARTS_OFF_HOURS = env.number(
    "ALERT_CHARTS_OFF_HOURS", 10, "Different records one person opens in a night before they are told.", minimum=1
)
ALERT_EXPORT_ROWS = env.number("ALERT_EXPORT_ROWS", 1000, "Rows of one export before they are told.", minimum=1)
ALERT_EXPORTS_PER_DAY = env.number(
    "ALERT_EXPORTS_PER_DAY", 10, "Exports of one person in a day before they are told.", minimum=1
)
ALERT_REFUSALS_PER_HOUR = env.number(
    "ALERT_REFUSALS_PER_HOUR", 20, "Refused tries of one person in an hour before they are told.", minimum=1
)
SEARCHES_PER_MINUTE = env.number(
    "SEARCHES_PER_MINUTE", 120, "Patient searches of one person in a minute, with those while typing.", minimum=1
)
SEARCHES_PER_HOUR = env.number("SEARCHES_PER_HOUR", 600, "Patient searches of one person in an hour.", minimum=1)
ADMIN_READS_NOTES = env.flag("ADMIN_READS_NOTES", True, "Admins may read consultation notes; every reading is audited.")

# --- Audit log ------------------------------------------------------------------------------------------------------
AUDIT_ANCHOR_FILE = env.path(
    "AUDIT_ANCHOR_FILE",
    VAR_DIR / "audit" / "anchors.log",
    "File the anchors of the audit log are appended to; in production on another volume than the database.",
    shown="var/audit/anchors.log",
)
AUDIT_ANCHOR_SYSLOG = env.text(
    "AUDIT_ANCHOR_SYSLOG",
    "",
    "Send the anchors to a system log as well: a socket such as /dev/log, or host:port (UDP).",
)
AUDIT_ARCHIVE_DIR = env.path(
    "AUDIT_ARCHIVE_DIR",
    VAR_DIR / "audit" / "archive",
    "Directory of the archives of old audit events; kept for 25 years.",
    shown="var/audit/archive",
)
AUDIT_ONLINE_DAYS = env.number(
    "AUDIT_ONLINE_DAYS",
    1095,
    "Days audit events stay in the database before they may be archived.",
    minimum=365,
    maximum=9_131,
)
