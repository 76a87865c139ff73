"""The routes of what waits for a second person."""

from django.urls import path

from apps.approvals.views import ApprovalViewSet, DecisionViewSet

urlpatterns = [
    path("approvals", ApprovalViewSet.as_view({"get": "list"})),
    path("approvals/<uuid:id>", ApprovalViewSet.as_view({"get": "retrieve"}), name="approval"),
    path("approvals/<uuid:id>/decision", DecisionViewSet.as_view({"post": "create"})),
]
