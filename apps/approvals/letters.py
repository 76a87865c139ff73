"""What is written to those who can decide, or at least object."""

from collections.abc import Iterable

from django.conf import settings

from apps.approvals.models import Approval
from apps.organizations.models import Membership
from saas.persistence import letters


def ask(approval: Approval, members: Iterable[Membership]) -> None:
    """Ask each of them to decide."""
    letters.post_each(
        to=(member.user.email for member in members),
        subject=f"Waits for you: {approval.kind}",
        text=(
            f"A member of your organization asks for a second person: {approval.kind}.\n\n"
            f"Read it at {address(approval)}\nand decide with a POST to "
            f"{address(approval)}/decision, until {approval.expires_at:%Y-%m-%d %H:%M} UTC. "
            "If you do not know why it is asked, decline.\n"
        ),
    )


def announce(approval: Approval, members: Iterable[Membership]) -> None:
    """Tell everybody of what one person will have done alone."""
    letters.post_each(
        to=(member.user.email for member in members),
        subject=f"Will be done by one person alone: {approval.kind}",
        text=(
            f"Somebody asked for something that needs a second person: {approval.kind}. Nobody "
            "else in your organization could decide about it, so it is done at "
            f"{approval.takes_effect_at:%Y-%m-%d %H:%M} UTC unless it is declined before.\n\n"
            f"{address(approval)}\n\nIf you did not expect this, speak to the owner now.\n"
        ),
    )


def address(approval: Approval) -> str:
    """Where it is read."""
    return f"{settings.SAAS_ORIGIN}/api/v1/approvals/{approval.pk}"
