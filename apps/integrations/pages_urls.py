"""The one page of the authorization server."""

from django.urls import path

from apps.integrations.consent import authorize

urlpatterns = [path("oauth/authorize", authorize, name="authorize")]
