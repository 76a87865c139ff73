"""The organization's own trail, and what was noticed in it."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.activity import queries, services
from apps.activity.access import AlertEvent, Alerts, Audit
from apps.activity.models import Alert
from apps.activity.serializers import (
    AlertFilters,
    AlertOutput,
    AuditEventFilters,
    AuditEventOutput,
)
from apps.organizations.access import Security
from saas.audit.models import AuditEntry
from saas.authorization.operations import Allow
from saas.view import SecureViewSet


class AuditEventViewSet(SecureViewSet):
    """What happened here, in the order of the chain: the last entry first, or `?ordering=seq`."""

    resource = "audit-events"
    operations = {"list": Allow(Audit.READ), "retrieve": Allow(Audit.READ)}
    outputs = AuditEventOutput
    filters = AuditEventFilters
    sortable = {"seq": "seq"}
    ordering = "-seq"

    def rows(self) -> QuerySet[AuditEntry]:
        """The entries of the bound organization."""
        return queries.events()


class AlertViewSet(SecureViewSet):
    """What was noticed here, the newest first; what is seen again only counts on."""

    resource = "alerts"
    operations = {"list": Allow(Alerts.READ), "retrieve": Allow(Alerts.READ)}
    outputs = AlertOutput
    filters = AlertFilters
    sortable = {"first_seen_at": "first_seen_at", "last_seen_at": "last_seen_at"}

    def rows(self) -> QuerySet[Alert]:
        """The alerts of the bound organization."""
        return queries.alerts()


class AcknowledgementViewSet(SecureViewSet):
    """The act of saying that somebody has seen to it: what comes after is a new alert."""

    resource = "acknowledgement"
    operations = {
        "create": Allow(
            Security.WRITE, rate="sensitive", step_up=True, event=AlertEvent.ACKNOWLEDGED
        )
    }
    outputs = AlertOutput

    def rows(self) -> QuerySet[Alert]:
        """The alerts of the bound organization."""
        return queries.alerts()

    def create(self, request: Request, **_: Any) -> Response:
        """An open alert is closed."""
        return self.show(services.acknowledge(self.actor, self.row()), status=201)

    def location(self, row: Alert) -> str:
        """The alert, where it was all the time."""
        return settings.SAAS_ORIGIN + reverse("alert", kwargs={"id": row.pk})
