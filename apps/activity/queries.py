"""What there is to read about the past, and what waits for somebody."""

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from apps.activity.models import Alert
from apps.organizations.access import POWERFUL
from apps.organizations.queries import members
from saas.audit.models import AuditEntry


def events() -> QuerySet[AuditEntry]:
    """The trail of the bound organization."""
    return AuditEntry.objects.all()


def alerts() -> QuerySet[Alert]:
    """The alerts of the bound organization, acknowledged ones too."""
    acknowledged = ExpressionWrapper(Q(acknowledged_at__isnull=False), BooleanField())
    return Alert.objects.alias(is_acknowledged=acknowledged)


def addresses_to_alert() -> list[str]:
    """Of its owners and admins, who can do something about it."""
    people = members().filter(role__in=POWERFUL, user__is_active=True)
    return list(people.order_by("pk").values_list("user__email", flat=True))
