"""The organization's own trail."""

from django.db.models import QuerySet

from apps.activity import queries
from apps.activity.access import Audit
from apps.activity.serializers import AuditEventFilters, AuditEventOutput
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
