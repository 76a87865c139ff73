"""The pages of the authorization server: a person allows, sees what they allowed, and ends it."""

from django.urls import path

from apps.integrations.consent import authorize
from apps.integrations.given import end, given

urlpatterns = [
    path("oauth/authorize", authorize, name="authorize"),
    path("accounts/grants/", given, name="grants"),
    path("accounts/grants/<uuid:id>/", end, name="grant"),
]
