"""The route that scanners report to."""

from django.urls import path

from apps.leaks.views import disclose_token

urlpatterns = [path("disclose-token", disclose_token)]
