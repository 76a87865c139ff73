"""What there is to read about the past."""

from django.db.models import QuerySet

from saas.audit.models import AuditEntry


def events() -> QuerySet[AuditEntry]:
    """The trail of the bound organization."""
    return AuditEntry.objects.all()
