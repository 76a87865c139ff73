"""Production is the base, and refuses what only a developer may loosen."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *  # noqa: F403
from config.settings.base import DATABASE_OWNER_URL, DATABASE_URL, env

if env.str("SAAS_RATES", default=""):
    raise ImproperlyConfigured("SAAS_RATES lifts the limits: production refuses it.")
if DATABASE_URL and not DATABASE_OWNER_URL:
    # The owner's URL may be kept from the serving process; its name tells that there are two roles.
    SAAS_ROLE_CHECK = "refuse"
