"""The settings of a small API, as `startproject` and the projects' pages give them; VARIANT chooses."""

import os

from environ import Env

from tests.bench import hidden  # noqa: F401  # before anything looks for it

VARIANT = os.environ["VARIANT"]
SECRET_KEY = "not a secret: this project lives as long as one benchmark"
ALLOWED_HOSTS = ["*"]
DEBUG = bool(os.environ.get("BENCH_LOUD"))
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "oauth2_provider",
    "tests.bench.variants.apps.Variants",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
if VARIANT == "a":
    INSTALLED_APPS, MIDDLEWARE = [], []
if VARIANT in ("b", "bk"):
    INSTALLED_APPS.remove("oauth2_provider")
ROOT_URLCONF = f"tests.bench.variants.{ {'ck': 'toolkit', 'a': 'raw'}.get(VARIANT, 'bare') }"
USE_TZ = True
TIME_ZONE = "UTC"
DATABASES = {"default": {**Env.db_url_config(os.environ["DATABASE_URL"]), "CONN_MAX_AGE": 600}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "PAGE_SIZE": 50,
}
OAUTH2_PROVIDER = {"SCOPES": {"read": "Read invoices", "write": "Draft invoices"}}
# The tables stand already, or are made by `migrate --run-syncdb`.
MIGRATION_MODULES = dict.fromkeys(
    ("contenttypes", "auth", "sessions", "oauth2_provider", "variants")
)
