"""The routes of API keys and of everything that is connected."""

from django.urls import path

from apps.integrations.views import ApiKeyViewSet, IntegrationViewSet, RotationViewSet

urlpatterns = [
    path("api-keys", ApiKeyViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "api-keys/<uuid:id>",
        ApiKeyViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="api-key",
    ),
    path("api-keys/<uuid:id>/rotation", RotationViewSet.as_view({"post": "create"})),
    path("integrations", IntegrationViewSet.as_view({"get": "list"})),
    path(
        "integrations/<uuid:id>",
        IntegrationViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
]
