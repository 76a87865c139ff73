"""What an organization writes to people by mail."""

from collections.abc import Iterable

from django.conf import settings

from apps.organizations.models import Invitation, Membership
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


def tell_of_release(
    organization: str, name: str, reason: str, members: Iterable[Membership]
) -> None:
    """Nobody learns it from the house alone who could object."""
    letters.post_each(
        to=(member.user.email for member in members),
        subject=f"A security rule of {organization} was taken back",
        text=(
            f"We have taken back {name} of {organization}, because its people were shut out.\n"
            f"Reason: {reason}\n\nAn owner or admin can set it again at "
            f"{settings.SAAS_ORIGIN}/api/v1/security-policy. "
            "If nobody of you asked us, answer this letter.\n"
        ),
    )
