"""The attack surface, written out."""

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("config.v1")),
    path("", include("saas.authentication.oauth.urls")),
    path("", include("apps.integrations.pages_urls")),
    path("accounts/", include("apps.organizations.pages_urls")),
    path("accounts/", include("apps.accounts.urls")),
    path("", include("apps.operations.urls")),
]
urlpatterns += [  # of the modules: under the prefix that each names
    path(module.routes, include(f"{module.name}.urls"))
    for module in apps.get_app_configs()
    if hasattr(module, "routes")
]

handler400 = "saas.edge.handlers.bad_request"
handler403 = "saas.edge.handlers.forbidden"
handler404 = "saas.edge.handlers.not_found"
handler500 = "saas.edge.handlers.server_error"
