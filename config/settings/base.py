"""What production runs; no secret has a default, and nothing asks whether this is a developer's
machine.
"""

import json
import os
from datetime import timedelta
from pathlib import Path

from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping

from config.settings.logging import LOGGING as LOGGING
from config.settings.secrets import secret
from config.settings.security import *  # noqa: F403  # the knobs are settings


class Files(FileAwareMapping):
    """X, or the file that X_FILE names, without the end of line that every editor leaves there."""

    def __getitem__(self, key: str) -> str:
        return str(super().__getitem__(key)).rstrip("\n")


env = FileAwareEnv()
env.ENVIRON = Files()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DEBUG = False
SECRET_KEY = secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = secret("SECRET_KEY_FALLBACKS", "").split()
SAAS_PEPPER = secret("SAAS_PEPPER")
SAAS_PEPPER_PREVIOUS = secret("SAAS_PEPPER_PREVIOUS", "")
# Who keeps the keys of keys, and for saas.custody.Keyring the keys: the current one first.
SAAS_KEY_PROVIDER = env.str("SAAS_KEY_PROVIDER", default="") or "saas.custody.Keyring"
SAAS_KEK_FILE = env.ENVIRON.get("SAAS_KEK_FILE", "")  # read again when it changes
SAAS_KMS_KEY = env.str("SAAS_KMS_KEY", default="")  # of AWS, an alias
SAAS_TRANSIT_KEY = env.str("SAAS_TRANSIT_KEY", default="")  # of Vault
VAULT_TOKEN_FILE = env.ENVIRON.get("VAULT_TOKEN_FILE", "")
_elsewhere = SAAS_KEK_FILE or SAAS_KEY_PROVIDER != "saas.custody.Keyring"
SAAS_KEK = "" if _elsewhere else secret("SAAS_KEK")
SAAS_ORIGIN = env.str("SAAS_ORIGIN").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
SAAS_TRUSTED_PROXIES = env.list("SAAS_TRUSTED_PROXIES", default=[])
SAAS_ORIGIN_NETWORKS = env.list("SAAS_ORIGIN_NETWORKS", default=[])  # RATE-11; empty: from anywhere
REDIS_URL = secret("REDIS_URL", "")
SAAS_LOG_SINK = env.str("SAAS_LOG_SINK", default="")  # LOG-03: tcp://host:port, or tls://
# DATA-05: whose signatures count, by name; where it is empty nobody changes a key.
SAAS_OPERATOR_KEYS: dict[str, str] | None = env.dict("SAAS_OPERATOR_KEYS", default={})
SAAS_OPERATORS = env.list("SAAS_OPERATORS", default=[])  # who is written to when the house is hurt
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "saas.persistence",
    "saas.audit",
    "saas.apps.SaasConfig",
    "apps.accounts",  # before allauth: its templates come first
    "allauth",
    "apps.accounts.allauth_app.PagesOnly",
    "allauth.mfa",
    "axes",
    "apps.organizations",
    "apps.customers",
    "apps.invoices",
    "apps.integrations",
    "apps.activity",
    "apps.operations",
]
# What a clone can take away whole: the folder, its line here, its tests, its rows and sections.
MODULES: list[str] = [
    "apps.approvals",
    "apps.bodies",
    "apps.checkpoints",
    "apps.containment",
    "apps.leaks",
    "apps.metrics",
    "apps.passkeys",
    "apps.pins",
    "apps.recovery",
    "apps.reviews",
    "apps.support",
    "saas.authentication.dpop",
    "saas.authentication.oidc",
    "saas.authentication.signatures",
    "saas.edge.sink",
    "saas.throttling.risk",
    "saas.watch",
]
INSTALLED_APPS += MODULES

MIDDLEWARE = [
    "saas.edge.log.RequestLog",
    "saas.edge.headers.SecurityHeaders",
    "saas.edge.gate.Gate",
    "saas.edge.site.Site",
    "corsheaders.middleware.CorsMiddleware",
    "saas.authentication.pages.middleware.ForPages",
]
# What no answer under /api/ needs: its policy is one line, and it has no files.
SAAS_SITE_MIDDLEWARE = [
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
]
# What runs for pages and never under /api/ (AUTHN-01): a cookie must not reach the API.
SAAS_PAGES = ("/accounts/", "/oauth/authorize")
SAAS_PAGE_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "saas.authentication.pages.middleware.AbsoluteAge",
    "saas.authentication.devices.KnownDevices",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
    "apps.accounts.enrolment.EnrolFirst",
    "apps.integrations.returning.MayEndAtClient",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # the few assets are served from where they are installed
WHITENOISE_ALLOW_ALL_ORIGINS = False  # TRANS-09: no asset is meant for another site
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.csp",
                "django.template.context_processors.request",
            ]
        },
    }
]


# DATA-08: a password that ends is read anew at each connection, from a file or a command's output.
DATABASE_PASSWORD_FILE = env.ENVIRON.get("DATABASE_PASSWORD_FILE", "")
DATABASE_PASSWORD_COMMAND = env.str("DATABASE_PASSWORD_COMMAND", default="")


def postgresql(url: str) -> dict[str, object]:
    """Connections that stay open, keep their plans and never wait for ever (INPUT-11)."""
    limits = {
        "statement_timeout": STATEMENT_TIMEOUT_MS,  # noqa: F405  # from security
        "lock_timeout": LOCK_TIMEOUT_MS,  # noqa: F405
        "idle_in_transaction_session_timeout": IDLE_TRANSACTION_TIMEOUT_MS,  # noqa: F405
    }
    options = {
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        "connect_timeout": 5,
        # A database whose network is gone says nothing, and a statement's own limits are the
        # database's to keep: the system asks after 10 s of silence and gives up 15 s later.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
        "server_side_binding": True,
        # Off behind a pooler that gives each transaction another connection and does not know the
        # statements that were prepared on it (PgBouncer before 1.21).
        "prepare_threshold": 2 if env.bool("DATABASE_PREPARE", True) else None,
    }
    database = env.db_url_config(url)
    if DATABASE_PASSWORD_FILE or DATABASE_PASSWORD_COMMAND:
        database["ENGINE"] = "saas.persistence.leased"
    return {
        **database,
        "CONN_MAX_AGE": 600,
        "OPTIONS": database.get("OPTIONS", {}) | options,
    }


def sqlite(path: Path) -> dict[str, object]:
    """The embedded database: writers queue up instead of failing, and replacing a row fires its
    triggers.
    """
    path.parent.mkdir(exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            "PRAGMA recursive_triggers=ON;",
        },
    }


DATABASE_URL = secret("DATABASE_URL", "")
DATABASE_OWNER_URL = secret("DATABASE_OWNER_URL", "")
DATABASES = {
    "default": postgresql(DATABASE_URL)
    if DATABASE_URL
    else sqlite(BASE_DIR / "var" / "strongroom.sqlite3")
}
DATABASE_OWNER = env.db_url_config(DATABASE_OWNER_URL) if DATABASE_OWNER_URL else None
DATABASE_BACKUP_URL = secret("DATABASE_BACKUP_URL", "")
DATABASE_BACKUP = env.db_url_config(DATABASE_BACKUP_URL) if DATABASE_BACKUP_URL else None
DATABASE_ROLE = DATABASES["default"].get("USER", "")  # the one that serves
SAAS_ROLE_CHECK = "refuse"  # AUTHZ-02: a superuser, owner or BYPASSRLS role does not serve
SAAS_HOLD_COPIES = True  # DATA-09: a restored database does nothing before it was verified
SAAS_DEVELOPMENT_PAGES = False
SAAS_DEMO = False  # `seed_demo` prints credentials, and `--reset` empties the database

# The kit names the product's models by settings, as Django names its user.
AUTH_USER_MODEL = "accounts.User"
SAAS_TENANT_MODEL = "organizations.Organization"
SAAS_MEMBERSHIP_MODEL = "organizations.Membership"
SAAS_API_KEY_MODEL = "integrations.ApiKey"
SAAS_SESSION_MODEL = "accounts.Session"
SAAS_POLICY_MODEL = "organizations.SecurityPolicy"
SAAS_ROLES_PAGE = "config.roles"

# The toolkit's models are ours from the first migration, so that each can name its organization.
OAUTH2_PROVIDER_APPLICATION_MODEL = "integrations.OAuthApplication"
OAUTH2_PROVIDER_GRANT_MODEL = "integrations.OAuthGrant"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "integrations.OAuthAccessToken"  # noqa: S105  # a model's name
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "integrations.OAuthRefreshToken"  # noqa: S105  # a model's name
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "integrations.OAuthIDToken"  # noqa: S105  # a model's name
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "integrations.OAuthDeviceGrant"

OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": int(LIFETIMES.access_token.total_seconds()),  # noqa: F405
    "REFRESH_TOKEN_EXPIRE_SECONDS": int(LIFETIMES.refresh_family.total_seconds()),  # noqa: F405
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "DEFAULT_SCOPES": [],
    "SCOPES_BACKEND_CLASS": "saas.authentication.oauth.scopes.ApplicationScopes",
    "OAUTH2_VALIDATOR_CLASS": "saas.authentication.oauth.validator.Validator",
    "OAUTH2_BACKEND_CLASS": "saas.authentication.oauth.server.Server",
    "ACCESS_TOKEN_GENERATOR": "saas.authentication.oauth.tokens.access_token",
    "REFRESH_TOKEN_GENERATOR": "saas.authentication.oauth.tokens.refresh_token",
    "CLIENT_SECRET_HASHER": "keyed_sha256",
    "OIDC_ISS_ENDPOINT": SAAS_ORIGIN,  # the issuer, never taken from the Host header
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
}

# Who may report leaked credentials: name -> key id -> public key in PEM.
SAAS_LEAK_REPORTERS = json.loads(env.str("SAAS_LEAK_REPORTERS", default="") or "{}")
# The sealed signing keys of OpenID Connect, active first. A file is read again when it changes.
SAAS_OIDC_KEYS_FILE = env.ENVIRON.get("SAAS_OIDC_KEYS_FILE", "")
SAAS_OIDC_KEYS = "" if SAAS_OIDC_KEYS_FILE else secret("SAAS_OIDC_KEYS", "")
SAAS_OIDC_MAKE_KEYS = False  # production names its keys

# What signs checkpoints (Ed25519, 32 bytes in base64), which keys are believed, and the
# folder outside the database that the lines go to.
SAAS_CHECKPOINT_KEY = secret("SAAS_CHECKPOINT_KEY", "")
SAAS_CHECKPOINT_PUBLIC_KEYS = env.list("SAAS_CHECKPOINT_PUBLIC_KEYS", default=[])
SAAS_CHECKPOINT_DIR = env.str("SAAS_CHECKPOINT_DIR", default=str(BASE_DIR / "var" / "checkpoints"))
SAAS_CHECKPOINT_ENTRIES = 1000  # at most so many in one checkpoint

# Django's own middleware for these is left out; what does the work instead stands beside each.
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # saas.edge.headers and saas.edge.gate
    "security.W002",  # saas.edge.headers
    "security.W003",  # CSRF protection runs where cookies do: SAAS_PAGE_MIDDLEWARE
    "axes.W002",  # as above
]

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "saas.authentication.oauth.secrets.KeyedDigest",  # last: for client secrets alone
]

# long, and neither listed nor what anybody would guess; no rule about kinds of characters.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "apps.accounts.passwords.LongEnough"},
    {"NAME": "apps.accounts.passwords.Unlisted"},
    {"NAME": "apps.accounts.passwords.ContextWords"},
]
SAAS_GEOIP_PATH = env.str("SAAS_GEOIP_PATH", default="")  # an mmdb file; the extra `geoip` reads it

# The index of a downloaded list, made by `manage.py leaked_passwords`; empty means Django's alone.
SAAS_LEAKED_PASSWORDS = env.str("SAAS_LEAKED_PASSWORDS", default="")
PASSWORD_RESET_TIMEOUT = int(LIFETIMES.reset_link.total_seconds())  # noqa: F405

# What django-ratelimit counts in; without Redis there is one process, and its own memory will do.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 0.05, "socket_connect_timeout": 0.05},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

TASKS = {
    "default": {
        "BACKEND": "saas.persistence.outbox.OutboxBackend",
        "QUEUES": ["default", "outside"],  # what saas.persistence.outbox.OUTSIDE says
    }
}
MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env.str("EMAIL_HOST", default="localhost"),
            "port": env.int("EMAIL_PORT", default=587),
            "username": env.str("EMAIL_HOST_USER", default=""),
            "password": secret("EMAIL_HOST_PASSWORD", ""),
            "use_tls": True,
            "timeout": 15,
        },
    }
}
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="Strongroom <no-reply@strongroom.example>"
)

SECURE_SSL_REDIRECT = (
    False  # saas.edge.gate decides: a silent redirect would hide a client that leaks its key
)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# AUTHN-12: this host alone, only over HTTPS, out of reach for scripts and for other sites' forms.
SESSION_ENGINE = "saas.authentication.pages.sessions"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(LIFETIMES.session_idle.total_seconds())  # noqa: F405
SESSION_SAVE_EVERY_REQUEST = True  # so that only an idle session ends early

# LOG-16: where `manage.py metrics` serves, inside the house; 0 is off, and nobody counts.
SAAS_METRICS_PORT = env.int("SAAS_METRICS_PORT", default=0)
SAAS_METRICS_ADDRESS = env.str("SAAS_METRICS_ADDRESS", default="127.0.0.1")
SAAS_METRICS_FOLDER = env.str("PROMETHEUS_MULTIPROC_DIR", default=str(BASE_DIR / "var/metrics"))
if SAAS_METRICS_PORT:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = SAAS_METRICS_FOLDER  # where the client library looks
SAAS_TRACES = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")  # where they go; empty is off
# A file that says, while it is newer than the process, that the process is about to end.
SAAS_DRAIN_FILE = env.str("SAAS_DRAIN_FILE", default="")

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "account_home"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ACCOUNT_ADAPTER = "apps.accounts.adapters.Accounts"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = False  # saas.authentication.attempts counts, before the password is hashed
MFA_ADAPTER = "apps.accounts.adapters.SecondFactors"
MFA_SUPPORTED_TYPES = ["totp"]
MFA_TOTP_ISSUER = "Strongroom"
MFA_TOTP_PERIOD, MFA_TOTP_TOLERANCE = 30, 1  # seconds, and steps to either side
MFA_FORMS = {"authenticate": "apps.accounts.forms.SecondFactorForm"}
MFA_RATE_LIMITS = False  # as above

# The record of failed sign-ins, and the second net behind our own count: at 100 the pair is shut.
AXES_HANDLER = "apps.accounts.adapters.FailedSignIns"
AXES_FAILURE_LIMIT = 100
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # the pair: a stranger locks nobody out
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "apps.accounts.adapters.locked_out"
AXES_CLIENT_IP_CALLABLE = "apps.accounts.adapters.ip_of"
AXES_VERBOSE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_DISABLE_ACCESS_LOG = True  # it would keep the address and the raw path of each sign-in

_self = "'self'"
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": [_self, "<CSP_NONCE_SENTINEL>"],
    "style-src": [_self, "<CSP_NONCE_SENTINEL>"],
    "img-src": [_self, "data:"],
    "connect-src": [_self],
    "font-src": [_self],
    "base-uri": ["'none'"],
    "form-action": [_self],
    "frame-ancestors": ["'none'"],
    "object-src": ["'none'"],
}

CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [
    "authorization",
    "content-type",
    "dpop",
    "idempotency-key",
    "if-match",
    "x-api-key",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "API-Version",
    "Credential-Expires",
    "DPoP-Nonce",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
]
CORS_ALLOW_METHODS = ["DELETE", "GET", "PATCH", "POST"]

REST_FRAMEWORK = {
    # The corridor does this work; DRF's own defaults would let sessions and forms in.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_THROTTLE_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["saas.responses.rendering.JsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "saas.responses.negotiation.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "saas.schema.SecureSchema",
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
    # No body can hold this name; a field called as DRF's own default would hide behind it.
    "NON_FIELD_ERRORS_KEY": "\0",
}

SPECTACULAR_SETTINGS = {  # `manage.py openapi` writes openapi/v1.json from the declarations
    "DEFAULT_GENERATOR_CLASS": "saas.schema.SecureGenerator",
    # It would draw the whole document in every worker; `manage.py openapi --check` does that.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "OAS_VERSION": "3.1.1",
    "TITLE": "Strongroom",
    "DESCRIPTION": "Invoicing for organizations: customers, invoices, and who may do what.",
    "VERSION": SAAS_API_VERSION,  # noqa: F405  # from security
    "SERVERS": [{"url": "/"}],
    "POSTPROCESSING_HOOKS": [],
}
