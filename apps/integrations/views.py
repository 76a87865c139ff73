"""API keys, and the list of everything that is connected to the organization."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.integrations import connected, queries, services
from apps.integrations.access import ApiKeys, Integrations, KeyEvent
from apps.integrations.models import ApiKey
from apps.integrations.serializers import (
    ApiKeyInput,
    ApiKeyOutput,
    IntegrationOutput,
    RotationInput,
)
from apps.organizations.access import Security
from saas.authorization.access import permit
from saas.authorization.operations import Allow
from saas.view import SecureViewSet


class ApiKeyViewSet(SecureViewSet):
    """Keys that programs call with. A deleted key is revoked at once and is found here no more; the
    trail keeps its story.
    """

    resource = "api-keys"
    operations = {
        "list": Allow(Integrations.READ),
        "create": Allow(
            ApiKeys.WRITE, rate="sensitive", step_up=True, may_wait=True, event=KeyEvent.CREATED
        ),
        "retrieve": Allow(Integrations.READ),
        "destroy": Allow(ApiKeys.WRITE, rate="sensitive", step_up=True, event=KeyEvent.REVOKED),
    }
    inputs = {"create": ApiKeyInput}
    outputs = ApiKeyOutput
    once = {"create": ("secret",)}
    sortable = {"created_at": "created_at", "name": "name"}

    def rows(self) -> QuerySet[ApiKey]:
        """The keys of the bound organization that nobody has revoked."""
        return queries.standing_keys()

    def create(self, request: Request, **_: Any) -> Response:
        """A new key; this answer alone holds its secret."""
        key, secret = services.create_key(self.actor, **self.asked)
        return self.show(key, status=201, secret=secret)

    def destroy(self, request: Request, **_: Any) -> Response:
        """The key opens nothing from the next request on."""
        services.revoke_key(self.actor, self.row())
        return Response(status=204)


class RotationViewSet(SecureViewSet):
    """The act of replacing a key: create one, and the key has a successor."""

    resource = "api-key-rotations"
    operations = {
        "create": Allow(
            ApiKeys.WRITE, rate="sensitive", step_up=True, may_wait=True, event=KeyEvent.ROTATED
        )
    }
    inputs = {"create": RotationInput}
    outputs = ApiKeyOutput
    once = {"create": ("secret",)}

    def rows(self) -> QuerySet[ApiKey]:
        """The keys that can be replaced."""
        return queries.standing_keys()

    def create(self, request: Request, **_: Any) -> Response:
        """The successor; this answer alone holds its secret."""
        successor, secret = services.rotate_key(self.actor, self.row(), **self.asked)
        return self.show(successor, status=201, secret=secret)

    def location(self, row: ApiKey) -> str:
        """The successor's own address."""
        return settings.SAAS_ORIGIN + reverse("api-key", kwargs={"id": row.pk})


class IntegrationViewSet(SecureViewSet):
    """Everything that is connected: what it may do, who made it, when it was used last."""

    resource = "integrations"
    operations = {
        "list": Allow(Integrations.READ),
        "retrieve": Allow(Integrations.READ),
        "destroy": Allow(ApiKeys.WRITE, or_else=(Security.WRITE,), rate="sensitive", step_up=True),
    }
    outputs = IntegrationOutput
    sortable = {"created_at": "created_at", "name": "name"}

    def rows(self) -> Any:
        """What is connected to the bound organization."""
        return connected.rows()

    def destroy(self, request: Request, **_: Any) -> Response:
        """Disconnect it, from the next request on; a grant needs `security:write`, a key
        `api-keys:write`.
        """
        row = self.row()
        kind = connected.KINDS[row.kind]
        permit(self.actor, Allow(kind.permission))
        self.ended = kind.event
        kind.end(self.actor, row)
        return Response(status=204)

    @property
    def owed_event(self) -> str | None:
        """That of the kind that was ended."""
        return getattr(self, "ended", None)
