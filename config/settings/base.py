"""What production runs; no secret has a default, and nothing asks whether this is a developer's
machine.
"""

from pathlib import Path

from environ import FileAwareEnv

from config.settings.logging import LOGGING as LOGGING
from config.settings.security import *  # noqa: F403  # the knobs are settings

env = FileAwareEnv()  # reads X or the file that X_FILE names

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
SAAS_PEPPER = env.str("SAAS_PEPPER")
SAAS_KEK = env.str("SAAS_KEK")
SAAS_ORIGIN = env.str("SAAS_ORIGIN").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
SAAS_TRUSTED_PROXIES = env.list("SAAS_TRUSTED_PROXIES", default=[])
REDIS_URL = env.str("REDIS_URL", default="")
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
    "apps.accounts",
    "apps.organizations",
    "apps.customers",
    "apps.invoices",
    "apps.integrations",
    "apps.activity",
    "apps.operations",
]

MIDDLEWARE = [
    "saas.edge.log.RequestLog",
    "saas.edge.headers.SecurityHeaders",
    "saas.edge.gate.Gate",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
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
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.csp"]},
    }
]


def postgresql(url: str) -> dict[str, object]:
    """Connections that stay open and never wait for ever (INPUT-11)."""
    limits = {
        "statement_timeout": STATEMENT_TIMEOUT_MS,  # noqa: F405  # from security
        "lock_timeout": LOCK_TIMEOUT_MS,  # noqa: F405
        "idle_in_transaction_session_timeout": IDLE_TRANSACTION_TIMEOUT_MS,  # noqa: F405
    }
    options = {
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        "connect_timeout": 5,
    }
    database = env.db_url_config(url)
    return {
        **database,
        "CONN_MAX_AGE": 600,
        "OPTIONS": database.get("OPTIONS", {}) | options,
    }


def sqlite(path: object) -> dict[str, object]:
    """The embedded database: writers queue up instead of failing, and replacing a row fires its
    triggers.
    """
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


DATABASE_URL = env.str("DATABASE_URL", default="")
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default="")
DATABASES = {
    "default": postgresql(DATABASE_URL)
    if DATABASE_URL
    else sqlite(BASE_DIR / "var" / "strongroom.sqlite3")
}
DATABASE_OWNER = env.db_url_config(DATABASE_OWNER_URL) if DATABASE_OWNER_URL else None
DATABASE_ROLE = DATABASES["default"].get("USER", "")  # the one that serves
SAAS_ROLE_CHECK = "refuse"  # AUTHZ-02: a superuser, owner or BYPASSRLS role does not serve
SAAS_DEVELOPMENT_PAGES = False
SAAS_DEMO = False  # `seed_demo` prints credentials, and `--reset` empties the database

# The kit names the product's models by settings, as Django names its user.
AUTH_USER_MODEL = "accounts.User"
SAAS_TENANT_MODEL = "organizations.Organization"
SAAS_MEMBERSHIP_MODEL = "organizations.Membership"
SAAS_API_KEY_MODEL = "integrations.ApiKey"
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

# Django's own middleware for these is left out; what does the work instead stands beside each.
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # saas.edge.headers and saas.edge.gate
    "security.W002",  # saas.edge.headers
    "security.W003",  # nothing here is authenticated by a cookie, so there is nothing to forge
]

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "saas.authentication.oauth.secrets.KeyedDigest",  # last: for client secrets alone
]

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

MAILERS = {
    "default": {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env.str("EMAIL_HOST", default="localhost"),
            "port": env.int("EMAIL_PORT", default=587),
            "username": env.str("EMAIL_HOST_USER", default=""),
            "password": env.str("EMAIL_HOST_PASSWORD", default=""),
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
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = True

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
    "ETag",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
]
CORS_ALLOW_METHODS = ["DELETE", "GET", "PATCH", "POST"]

REST_FRAMEWORK = {
    # The corridor does this work; DRF's own defaults would let sessions and forms in.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_THROTTLE_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "saas.responses.negotiation.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "saas.schema.SecureSchema",
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {  # `manage.py openapi` writes openapi/v1.json from the declarations
    "DEFAULT_GENERATOR_CLASS": "saas.schema.SecureGenerator",
    "OAS_VERSION": "3.1.1",
    "TITLE": "Strongroom",
    "DESCRIPTION": "Invoicing for organizations: customers, invoices, and who may do what with them.",
    "VERSION": SAAS_API_VERSION,  # noqa: F405  # from security
    "SERVERS": [{"url": "/"}],
    "POSTPROCESSING_HOOKS": [],
}
