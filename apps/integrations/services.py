"""What can happen to an API key."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from apps.integrations import queries
from apps.integrations.access import KeyEvent
from apps.integrations.ages import KEY_AGE
from apps.integrations.models import ApiKey
from apps.organizations.queries import locked_policy
from saas.audit import trail
from saas.authentication import keys
from saas.authentication.demands import complete, on_or_off
from saas.authorization.approval import Act, agreed
from saas.context import Actor, Principal
from saas.edge.address import is_part_of
from saas.errors import Problem, invalid
from saas.ids import made_at

AWAKE = "key.awake"  # in the access log

# Whether a key ends with something else, and so has no successor that would outlive it. A module
# that makes keys for a while joins in AppConfig.ready().
BOUND: list[Callable[[ApiKey], bool]] = []


def create_key(
    actor: Actor,
    *,
    name: str,
    scopes: list[str] | None = None,
    allowed_networks: list[str] | None = None,
    honeytoken: bool = False,
    expires_at: datetime | None = None,
    minted: keys.Minted | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is shown once and not kept. Without networks of its own it
    has those of the key that makes it. `minted` is one whose secret was shown while it waited.

    Raises 403 when a scope is not the actor's own, or a network beyond the actor's; 400 when the
    key would live longer than keys may.
    """
    scopes = sorted(set(scopes or []))
    networks = list(dict.fromkeys(allowed_networks or actor.principal.networks))
    refuse_more_than_held(actor, scopes)
    refuse_wider_than_own(actor, networks)
    if actor.user_id is None:
        raise Problem("permission-denied", "A key needs a person who made it.")
    expiry, minted = _expiry(expires_at), minted or keys.mint()
    wanted: dict[str, Any] = {"name": name, "scopes": scopes, "allowed_networks": networks}
    wanted["expires_at"] = expires_at and expires_at.isoformat()
    kept = {"public_id": minted.public_id, "digest": minted.digest, "honeytoken": honeytoken}
    once = {"secret": minted.secret}
    agreed(actor, Act("api-key.create", None, frozenset(scopes), wanted, kept, once))
    key, secret = _mint(
        minted,
        creator_id=actor.user_id,
        name=name,
        scopes=scopes,
        allowed_networks=networks,
        is_honeytoken=honeytoken,
        expires_at=expiry,
    )
    trail.record(actor, KeyEvent.CREATED, key, scopes=scopes)
    return key, secret


def rotate_key(
    actor: Actor,
    key: ApiKey,
    *,
    overlap_hours: int | None = None,
    minted: keys.Minted | None = None,
) -> tuple[ApiKey, str]:
    """A successor with the same name, scopes and networks; the old key lives on for the overlap, so
    that nothing stops. Its maker holds nothing new by it, and asks nobody. Whoever replaces
    another's has a key of their own afterwards, as if they had made one.

    Raises 409 for a key that opens nothing any more or has no life of its own, 403 when the
    successor would hold more, or open more, than the actor.
    """
    now = timezone.now()
    if key.revoked_at or key.expires_at <= now:
        raise Problem("conflict", "This key is revoked or expired; make a new one.")
    if any(is_bound(key) for is_bound in BOUND):
        raise Problem("conflict", "This key ends with what it was made for.")
    refuse_more_than_held(actor, key.scopes)
    refuse_wider_than_own(actor, key.allowed_networks)
    minted = minted or keys.mint()
    given = key.scopes if actor.user_id != key.creator_id else []
    wanted = {"name": key.name, "scopes": key.scopes, "allowed_networks": key.allowed_networks}
    kept = {"public_id": minted.public_id, "digest": minted.digest, "overlap_hours": overlap_hours}
    once = {"secret": minted.secret}
    agreed(actor, Act("api-key.rotation", key, frozenset(given), wanted, kept, once))
    successor, secret = _mint(
        minted,
        creator_id=actor.user_id or key.creator_id,
        name=key.name,
        scopes=key.scopes,
        allowed_networks=key.allowed_networks,
        is_honeytoken=key.is_honeytoken,
        expires_at=_expiry(None),
    )
    overlap = (
        settings.LIFETIMES.rotation_overlap
        if overlap_hours is None
        else timedelta(hours=overlap_hours)
    )
    key.expires_at = min(key.expires_at, now + overlap)
    key.save(update_fields=["expires_at"])
    trail.record(actor, KeyEvent.ROTATED, key, successor=str(successor.pk))
    return successor, secret


def refuse_more_than_held(actor: Actor, scopes: list[str]) -> None:
    """403 for scopes beyond the actor's own: a key would be a ladder to more than its maker has."""
    beyond = [scope for scope in scopes if not actor.may(scope)]
    if beyond:
        raise Problem("permission-denied", f"This credential does not hold: {', '.join(beyond)}.")


def refuse_wider_than_own(actor: Actor, networks: list[str]) -> None:
    """403 for networks beyond the actor's own: who is inside once would leave with a key that works
    from anywhere.
    """
    own = actor.principal.networks
    if own and not (networks and all(is_part_of(network, own) for network in networks)):
        raise Problem("permission-denied", "This credential is not good for all of these networks.")


def revoke_key(
    actor: Actor | None, key: ApiKey, *, why: str = "asked", event: str = KeyEvent.REVOKED
) -> None:
    """End a key, from the next request on. A second time changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        trail.record(actor, event, key, why=why)


def revoke_keys_of(actor: Actor | None, user_id: UUID) -> None:
    """End every key that a person made in the bound organization."""
    for key in queries.keys().filter(creator_id=user_id, revoked_at=None):
        revoke_key(actor, key, why="its maker left")


def shorten_keys(actor: Actor, is_high_risk: bool) -> None:
    """When an organization becomes one of high risk, its keys end within thirty days."""
    if is_high_risk:
        latest = timezone.now() + settings.LIFETIMES.api_key_high_risk
        queries.standing_keys().filter(expires_at__gt=latest).update(expires_at=latest)


HIGH_RISK = on_or_off(
    "high_risk",
    f"API keys live {settings.LIFETIMES.api_key_high_risk.days} days at most; those that there are "
    "are shortened.",
    changed=shorten_keys,
)


def has_slept(principal: Principal) -> bool:
    """Whether nobody has used this key for KEY_DORMANT: what nobody misses is what a thief uses."""
    used = principal.credential.last_used_at or made_at(principal.credential_id)
    return bool(timezone.now() - used >= settings.KEY_DORMANT)


def note_use(principal: Principal) -> None:
    """Remember that a key was used, at most once a minute, so that reading does not become writing.

    Nobody waits for it: a key whose row is being changed is left to the next request.
    """
    if queries.use_is_news(principal):
        now = timezone.now()
        noted = queries.unlocked_key(principal.credential_id).values("pk")
        ApiKey.objects.filter(pk__in=noted).update(last_used_at=now)


def _mint(minted: keys.Minted, **columns: Any) -> tuple[ApiKey, str]:
    key = ApiKey(public_id=minted.public_id, digest=minted.digest, **columns)
    key.save(force_insert=True)
    return key, minted.secret


def _expiry(asked: datetime | None) -> datetime:
    """The asked moment, or the latest that is allowed. Raises 400 beyond it."""
    now = timezone.now()
    asked_for = complete(locked_policy().switches)
    is_high_risk = asked_for[HIGH_RISK.name]
    life = settings.LIFETIMES.api_key_high_risk if is_high_risk else settings.LIFETIMES.api_key
    if asked_for[KEY_AGE.name]:
        life = min(life, timedelta(days=asked_for[KEY_AGE.name]))
    latest = now + life
    if asked is None:
        return latest
    if not now < asked <= latest:
        detail = f"A key expires in the future and after {life.days} days at most."
        raise invalid("expiry", detail, pointer="/expires_at")
    return asked
