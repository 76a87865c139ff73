"""The routes of the trail."""

from django.urls import path

from apps.activity.views import AuditEventViewSet

urlpatterns = [
    path("audit-events", AuditEventViewSet.as_view({"get": "list"})),
    path("audit-events/<uuid:id>", AuditEventViewSet.as_view({"get": "retrieve"})),
]
