"""What owners and admins are told of the staff among them."""

from django.conf import settings

from apps.activity.queries import addresses_to_alert
from apps.support.models import SupportGrant
from saas.persistence import letters


def tell(grant: SupportGrant, what: str) -> None:
    """Write to each of them."""
    letters.post_each(
        to=addresses_to_alert(),
        subject=f"Support access {what}",
        text=(
            f"Reason: {grant.reason}\nScopes: {', '.join(grant.scopes)}\n"
            f"Taken up by: {grant.staff or 'nobody yet'}\n"
            f"Until {grant.expires_at:%Y-%m-%d %H:%M} UTC at the latest.\n\n"
            f"See what was looked at, or end it with a DELETE:\n"
            f"{settings.SAAS_ORIGIN}/api/v1/support-grants/{grant.pk}\n"
            f"{settings.SAAS_ORIGIN}/api/v1/audit-events?event=support.viewed\n"
        ),
    )
