"""All tokens of one consent live and die together; the grant is their anchor and their lock."""

import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.dispatch import Signal
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)

# Sent inside the transaction that ends a family, with `grant` and `why`: "revoked" by its client,
# or "replayed" when a code or refresh token came back.
family_ended = Signal()


def locked(**which: Any) -> Any:
    """The grant, locked before anything of its family is judged; None when there is no such one.

    Every change of a family waits here, so an exchange, a refresh, a replay and a revocation that
    come together are judged one after the other.
    """
    grants = get_grant_model().objects.select_related("user", "application")
    return grants.select_for_update(of=("self",)).filter(**which).first()


def presented_again(grant: Any, consumed_at: datetime, arrived_at: datetime) -> bool:
    """A code or refresh token came back that was consumed at `consumed_at`: end its family, and say
    so, unless it merely lost a race.

    The winner's answer is held back for RACE_WINDOW. Who arrived before it left cannot have read
    it: a race. Who comes later comes back (RFC 6749 §4.1.2, RFC 9700 §4.14.2).
    """
    came_back = arrived_at >= consumed_at + settings.RACE_WINDOW
    if came_back:
        end_and_tell(grant, "replayed")
    return came_back


def hold_back() -> None:
    """Wait, after the commit and before new tokens leave, until whoever asks cannot be racing."""
    time.sleep(settings.RACE_WINDOW.total_seconds())


def end_and_tell(grant: Any, why: str) -> None:
    """End a locked grant, and say so to whoever keeps the trail. A second time changes nothing."""
    if grant.ended_at is None:
        end(grant)
        family_ended.send(sender=None, grant=grant, why=why)


def end(grant: Any) -> None:
    """End a locked grant: none of its tokens opens anything from now on, and none can be made."""
    now = timezone.now()
    if grant.ended_at is None:
        grant.ended_at = now
        grant.save(update_fields=["ended_at"])
    get_refresh_token_model().objects.filter(grant=grant, revoked=None).update(revoked=now)
    get_access_token_model().objects.filter(grant=grant).delete()


def end_all(**which: Any) -> list[Any]:
    """End every living family that matches, and give the grants."""
    grants = get_grant_model().objects.filter(ended_at=None, **which)
    living = list(grants.order_by("pk").select_for_update())
    for grant in living:
        end(grant)
    return living
