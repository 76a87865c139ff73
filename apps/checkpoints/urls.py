"""The routes of checkpoints."""

from django.urls import path

from apps.checkpoints.views import CheckpointViewSet, keys

urlpatterns = [
    path("api/v1/audit-checkpoints", CheckpointViewSet.as_view({"get": "list"})),
    path(".well-known/audit-checkpoint-keys.json", keys),
]
