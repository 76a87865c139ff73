"""The settings of a worker in a process of its own, on the database that a test names."""

import os
from datetime import timedelta

from config.settings.test import *  # noqa: F403  # the suite's own
from config.settings.test import DATABASES, WORK

DATABASES["default"]["NAME"] = os.environ["TOY_DATABASE"]
DATABASES["default"]["PORT"] = os.environ.get("TOY_PORT", DATABASES["default"].get("PORT", ""))
WORK = WORK._replace(lease=timedelta(seconds=1.5))  # no test waits for a minute
