"""What waits for a second person, and the act of deciding."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.approvals import queries, services
from apps.approvals.access import ApprovalEvent
from apps.approvals.acts import KINDS
from apps.approvals.models import Approval
from apps.approvals.serializers import ApprovalFilters, ApprovalOutput, DecisionInput
from apps.invoices.access import Invoices
from apps.organizations.access import Members, Security
from saas.authorization.access import permit
from saas.authorization.operations import Allow
from saas.view import SecureViewSet


class ApprovalViewSet(SecureViewSet):
    """What waits for a second person, and what became of the rest."""

    resource = "approvals"
    operations = {"list": Allow(Members.READ), "retrieve": Allow(Members.READ)}
    outputs = ApprovalOutput
    filters = ApprovalFilters
    sortable = {"asked_at": "asked_at"}

    def rows(self) -> QuerySet[Approval]:
        """The approvals of the bound organization."""
        return queries.approvals()


class DecisionViewSet(SecureViewSet):
    """The act of deciding: who agrees has it done at once, as who asked for it."""

    resource = "approval-decisions"
    operations = {
        "create": Allow(
            Security.WRITE,
            or_else=(Invoices.ISSUE,),
            rate="sensitive",
            step_up=True,
            event=ApprovalEvent.DECIDED,
        )
    }
    inputs = {"create": DecisionInput}
    outputs = ApprovalOutput

    def rows(self) -> QuerySet[Approval]:
        """The approvals of the bound organization."""
        return queries.approvals()

    def create(self, request: Request, **_: Any) -> Response:
        """Agree or decline, once. An invoice needs `invoices:issue`, all else `security:write`."""
        row = self.row()
        permit(self.actor, Allow(KINDS[row.kind].decides, step_up=True))
        return self.show(services.decide(self.actor, row, **self.asked), status=201)

    def location(self, row: Approval) -> str:
        """The approval, where it was all the time."""
        return settings.SAAS_ORIGIN + reverse("approval", kwargs={"id": row.pk})
