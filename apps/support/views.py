"""What an organization lets the house's staff see."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from apps.integrations.access import Integrations
from apps.organizations.access import Organizations, Security
from apps.support import queries, services
from apps.support.access import SupportEvent
from apps.support.models import SupportGrant
from apps.support.serializers import SupportGrantInput, SupportGrantOutput
from saas.authorization.operations import Allow
from saas.view import SecureViewSet


class SupportGrantViewSet(SecureViewSet):
    """Grants of support access: an owner gives one, and the security's people can end it too."""

    resource = "support-grants"
    operations = {
        "list": Allow(Integrations.READ),
        "create": Allow(
            Organizations.WRITE, rate="sensitive", step_up=True, event=SupportEvent.GRANTED
        ),
        "retrieve": Allow(Integrations.READ),
        "destroy": Allow(
            Security.WRITE,
            or_else=(Organizations.WRITE,),
            rate="sensitive",
            step_up=True,
            event=SupportEvent.REVOKED,
        ),
    }
    inputs = {"create": SupportGrantInput}
    outputs = SupportGrantOutput
    sortable = {"created_at": "created_at"}

    def rows(self) -> QuerySet[SupportGrant]:
        """Those of the bound organization; what has ended cannot be ended."""
        return queries.living() if self.action == "destroy" else queries.grants()

    def locked(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Not yet: `services.revoke` locks the key before the grant."""
        return rows

    def create(self, request: Request, **_: Any) -> Response:
        """Let staff in."""
        return self.show(services.grant(self.actor, **self.asked), status=201)

    def destroy(self, request: Request, **_: Any) -> Response:
        """Staff sees nothing from the next request on."""
        services.revoke(self.actor, self.row())
        return Response(status=204)
