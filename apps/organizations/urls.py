"""The routes of the caller, the organization and its people."""

from django.urls import path

from apps.organizations.views import (
    InvitationViewSet,
    MemberViewSet,
    MeViewSet,
    OrganizationViewSet,
    SecurityPolicyViewSet,
    UsageViewSet,
)

urlpatterns = [
    path("me", MeViewSet.as_view({"get": "retrieve"})),
    path(
        "organization",
        OrganizationViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path("usage", UsageViewSet.as_view({"get": "retrieve"})),
    path(
        "security-policy",
        SecurityPolicyViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path("members", MemberViewSet.as_view({"get": "list"})),
    path(
        "members/<uuid:id>",
        MemberViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("invitations", InvitationViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "invitations/<uuid:id>",
        InvitationViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
    ),
]
