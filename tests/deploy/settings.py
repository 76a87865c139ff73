"""The suite's settings for a server behind the gateway: HTTPS is asked for, as in production."""

import os

from config.settings import base
from config.settings.test import *  # noqa: F403

MAILERS = base.MAILERS  # the suite's own is none for production, and a server says so
SAAS_TRUSTED_PROXIES = ["127.0.0.1/32"]
SAAS_ORIGIN_NETWORKS = os.environ.get("EDGE_NETWORKS", "").split()
