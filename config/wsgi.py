"""The server's entrance. The checks run here too, because servers do not run them."""

import gc
import os

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from saas.edge.sending import Watched

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = Watched(get_wsgi_application())
call_command("check", deploy=settings.SAAS_REQUIRE_HTTPS, databases=["default"])
gc.freeze()  # what was loaded until here stays: the collector need not look at it again
