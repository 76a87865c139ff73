"""The server's entrance. The checks run here too, because servers do not run them."""
# ruff: noqa: E402

import gc
import os

gc.disable()  # next to nothing of what is loaded from here on is garbage

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections

from saas.edge.sending import Watched

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = Watched(get_wsgi_application())
call_command("check", deploy=settings.SAAS_REQUIRE_HTTPS, databases=["default"])
connections.close_all()  # the checks' own: requests are answered by other threads
gc.freeze()  # what was loaded until here stays: the collector need not look at it again
gc.enable()
