"""The routes that need no credential: documents, health, and development's mails."""

from django.urls import path

from apps.operations.dev_mail import mails
from apps.operations.documents import openapi, versions
from apps.operations.health import live, ready
from apps.operations.pages import docs, problem, problems
from apps.operations.playbooks import playbook

urlpatterns = [
    path("api/versions", versions, name="versions"),
    path("api/v1/openapi.json", openapi, name="openapi"),
    path("docs/", docs, name="docs"),
    path("docs/problems/", problems, name="problems"),
    path("docs/problems/<slug:code>", problem, name="problem"),
    path("docs/playbooks/<slug:slug>", playbook, name="playbook"),
    path("health/live", live),
    path("health/ready", ready),
    path("dev/mail", mails),
]
