"""What an organization writes to people by mail."""

from django.conf import settings

from apps.organizations.models import Invitation
from saas.persistence import letters


def send_invitation(invitation: Invitation, organization: str, secret: str) -> None:
    """Send the only copy of the secret to the address that was invited."""
    letters.post(
        to=invitation.email,
        subject=f"You are invited to join {organization}",
        text=(
            f"{organization} asks you to join as {invitation.role}.\n\n"
            f"{settings.SAAS_ORIGIN}/accounts/invitations/{secret}\n\n"
            f"The link works once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC. "
            "Who has it can join in your place, so pass it on to nobody.\n"
        ),
    )
