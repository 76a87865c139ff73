"""The kit lifted out of this product: no customers, no invoices, and one app of another trade.

`pytest tests/saas --ds=tests.toy.settings` runs the kit's own tests so; the whole suite runs them
among its own apps, with `tests/saas/conftest.py` putting the toy's routes and roles in front.
"""

from config.settings.test import *  # noqa: F403  # the same corridor
from config.settings.test import INSTALLED_APPS

STAYS = {"apps.accounts", "apps.organizations", "apps.integrations", "apps.activity"}
INSTALLED_APPS = [
    name
    for name in INSTALLED_APPS
    if not name.startswith("apps.") or ".".join(name.split(".")[:2]) in STAYS
]
ROOT_URLCONF = "tests.toy.urls"
SAAS_ROLES_PAGE = "tests.toy.roles"
