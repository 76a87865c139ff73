"""The suite: production's corridor, with limits lifted where no test is about them."""

import base64
import os

for _name in ("SECRET_KEY", "SAAS_PEPPER", "SAAS_KEK", "SAAS_CHECKPOINT_KEY"):
    os.environ[_name] = base64.b64encode(_name.encode().ljust(32, b"-")).decode()
os.environ["SAAS_ORIGIN"] = "https://api.strongroom.example"
os.environ["ALLOWED_HOSTS"] = "api.strongroom.example,testserver,localhost,127.0.0.1"
os.environ["SAAS_TRUSTED_PROXIES"] = os.environ["SAAS_ORIGIN_NETWORKS"] = ""

from config.settings.base import *  # noqa: E402, F403  # after the environment is complete
from config.settings.base import (  # noqa: E402
    CACHES,
    IN_FLIGHT,
    INSTALLED_APPS,
    PASSWORD_HASHERS,
    PLANS,
    RATES,
    RATES_LIFTED,
    STUFFING,
    Rate,
)

RATES = {
    name: Rate(rate.requests * RATES_LIFTED, rate.seconds) for name, rate in RATES.items()
}  # limiter tests set their own
STUFFING = STUFFING._replace(seconds=1, lasts=1)  # all tests are one house
IN_FLIGHT = IN_FLIGHT._replace(requests=IN_FLIGHT.requests * RATES_LIFTED)
PLANS = {
    plan: {act: most * RATES_LIFTED for act, most in quotas.items()}
    for plan, quotas in PLANS.items()
}
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}  # read by tests
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",  # no test is about its cost
    *PASSWORD_HASHERS,
]
SAAS_OPERATOR_KEYS = None  # tests of commands believe names; those of signatures set keys
SAAS_HOLD_COPIES = False  # each test has a copy
SAAS_DEVELOPMENT_PAGES = False
SAAS_CHECKPOINT_DIR = ""  # a test that is about them names its own
SAAS_OIDC_MAKE_KEYS = True  # in memory, for as long as the process lives
SAAS_RISK = {"beat": 0, "half_life": 1e-9}  # as below; and nothing is held against anybody
SAAS_WATCH_LIVE = False  # as below; tests of the watch hand it their lines
SAAS_CONTAINMENT_LIVE = False  # as below; tests of containment look themselves
KEY_ALARM_DELAY = 0.0  # another thread would not see what a test has not committed
INSTALLED_APPS = [*INSTALLED_APPS, "tests.toy"]  # the kit is tested on notes, not on invoices
COUNTERS_TIMEOUT = 2.0  # the servers of a test run share two busy cores with it
if "OPTIONS" in CACHES["default"]:  # as above
    patient = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}
    CACHES["default"]["OPTIONS"] = patient  # type: ignore[assignment]  # of unlike values
