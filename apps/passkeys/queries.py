"""Which passkeys there are."""

from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.passkeys.models import Passkey


def passkeys(user: Any) -> QuerySet[Passkey]:
    """A person's own, the newest first."""
    return Passkey.objects.filter(user_id=user.pk).order_by("-created_at")


def has_passkey(user: User) -> bool:
    """Whether one is asked for after the password: a suspected one is too, or who has copied it
    would have switched the second step off.
    """
    return passkeys(user).exists()


def living(credential_id: str) -> Passkey | None:
    """The one with this id that opens something."""
    rows = Passkey.objects.filter(user__is_active=True, suspected_at=None)
    return rows.select_related("user").filter(credential_id=credential_id).first()


def forget(user: User) -> None:
    """All of them."""
    passkeys(user).delete()
