"""The suite's settings for a real server on loopback."""

import os

from config.settings.test import *  # noqa: F403
from config.settings.test import LOGGING

SAAS_REQUIRE_HTTPS = False  # nobody listens in between two processes of one machine
SAAS_CONTAINMENT_LIVE = True  # as in production
SAAS_ORIGIN = os.environ["CONFORMANCE_ORIGIN"]
LOGGING["formatters"]["line"]["format"] = "%(process)d %(message)s"  # which worker it was
