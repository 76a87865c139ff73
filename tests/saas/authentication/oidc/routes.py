"""The toy's routes, the authorization server's with its pages, and ours."""

from django.urls import include, path

from tests.saas.authentication.routes import handler400, handler403, handler404, handler500
from tests.saas.authentication.routes import urlpatterns as without_module

urlpatterns = [
    *without_module,
    path("", include("apps.integrations.pages_urls")),
    path("accounts/", include("apps.organizations.pages_urls")),
    path("accounts/", include("apps.accounts.urls")),
    path("", include("saas.authentication.oidc.urls")),
]
__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
