"""The routes of support access."""

from django.urls import path

from apps.support.views import SupportGrantViewSet

urlpatterns = [
    path("support-grants", SupportGrantViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "support-grants/<uuid:id>",
        SupportGrantViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
]
