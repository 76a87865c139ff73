"""A credential that others could read ends at once, and its people are told; whoever finds one out
calls `compromised`.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from apps.integrations import grants, misuse, queries, services
from apps.integrations.access import KeyEvent
from apps.integrations.models import ApiKey
from apps.organizations.queries import policy
from saas.alerts import alert
from saas.audit import trail
from saas.authentication import keys, lookup
from saas.authentication.demands import on_or_off
from saas.authentication.oauth import tokens
from saas.persistence import letters
from saas.tenancy.binding import bind

PLACES = {"url": "sent in a URL", "clear": "sent over an unencrypted connection"}
KEEP_EXPOSED = on_or_off(
    "keep_exposed_credentials",
    "A credential that is sent in a URL or in clear is refused there, and goes on living.",
)


def revoke_exposed(secret: str, where: str, **_: Any) -> bool:
    """The edge saw a secret travel where others can read it. An organization may say that this ends
    nothing: whoever knows a key can make its people's browsers send it.
    """
    return compromised(secret, PLACES[where], unless=lambda: bool(policy()[KEEP_EXPOSED.name]))


def compromised(
    secret: str, how: str, *, place: str = "", unless: Callable[[], bool] = lambda: False
) -> bool:
    """End what this secret opens, tokens with their family, and tell trail, owners and its person.

    `how` completes "the key was …" and stays in the trail; `place` follows it in what people read,
    and there alone; `unless` is asked inside the tenant. What is no living credential changes
    nothing, which the answer tells; what cannot be one costs no query.
    """
    if tokens.is_well_formed(secret):
        return grants.end_compromised(secret, how, place, unless)
    if keys.is_well_formed(secret):
        with transaction.atomic():
            principal = lookup.key_principal(secret)
            if principal is None:
                return False
            with bind(principal.tenant_id), trail.recording():
                key = queries.locked_key(principal.credential_id)
                if key.is_honeytoken:
                    note_bait(key, how, place)
                elif (
                    key.revoked_at is None and not unless()
                ):  # of two who found it, the first has told
                    end_key(key, how, place)
                return True
    return False


def end_key(key: ApiKey, how: str, place: str) -> None:
    """It opens nothing any more."""
    services.revoke_key(None, key, why=how, event=KeyEvent.EXPOSED)
    message = f"The API key {key.prefix} was {how}{place}, and has been revoked."
    alert(key.tenant_id, KeyEvent.EXPOSED, message, row=key)
    letters.post(
        to=key.creator.email,
        subject="An API key of yours was exposed and has been revoked",
        text=(
            f"The key {key.prefix} was {how}{place}, where others can read it.\n"
            "It opens nothing any more. Make a new one, and send it over HTTPS, "
            "in the header X-API-Key.\n"
        ),
    )


def note_bait(key: ApiKey, how: str, place: str) -> None:
    """A honeytoken was left to be found: it stays where it is, and whoever left it hears."""
    misuse.ring_for(key, f"The honeytoken {key.prefix} was {how}{place}.", why=how)
