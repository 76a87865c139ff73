"""The server's entrance to b, bk, ck and a."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
