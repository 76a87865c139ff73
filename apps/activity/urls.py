"""The routes of the trail and of alerts."""

from django.urls import path

from apps.activity.views import AcknowledgementViewSet, AlertViewSet, AuditEventViewSet

urlpatterns = [
    path("audit-events", AuditEventViewSet.as_view({"get": "list"})),
    path("audit-events/<uuid:id>", AuditEventViewSet.as_view({"get": "retrieve"})),
    path("alerts", AlertViewSet.as_view({"get": "list"})),
    path("alerts/<uuid:id>", AlertViewSet.as_view({"get": "retrieve"}), name="alert"),
    path("alerts/<uuid:id>/acknowledgement", AcknowledgementViewSet.as_view({"post": "create"})),
]
