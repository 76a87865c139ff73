"""The routes that serve whoever runs this: health, and development's mails."""

from django.urls import path

from apps.operations.dev_mail import mails
from apps.operations.documents import openapi, versions
from apps.operations.health import live, ready

urlpatterns = [
    path("api/versions", versions),
    path("api/v1/openapi.json", openapi),
    path("health/live", live),
    path("health/ready", ready),
    path("dev/mail", mails),
]
