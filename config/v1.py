"""The routes of version 1 under /api/v1/."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("apps.invoices.urls")),  # first, what is asked for most
    path("", include("apps.customers.urls")),
    path("", include("apps.organizations.urls")),
    path("", include("apps.integrations.urls")),
    path("", include("apps.activity.urls")),
]
