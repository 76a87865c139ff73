"""A key that travelled where others can read it is revoked at once, and its maker is told."""

from typing import Any

from django.db import transaction

from apps.integrations import grants, queries, services
from apps.integrations.access import KeyEvent
from saas.alerts import alert
from saas.audit import trail
from saas.authentication import keys, lookup
from saas.authentication.oauth import tokens
from saas.persistence import letters
from saas.tenancy.binding import bind

PLACES = {"url": "in a URL", "clear": "over an unencrypted connection"}


def revoke_exposed(secret: str, where: str, **_: Any) -> None:
    """Revoke the key with this secret, if there is one. What is no key at all costs no query."""
    if tokens.is_well_formed(secret):
        grants.revoke_exposed_token(secret, f"sent {PLACES[where]}")
    if not keys.is_well_formed(secret):
        return
    with transaction.atomic():
        principal = lookup.key_principal(secret)
        if principal is None:
            return
        with bind(principal.tenant_id), trail.recording():
            key = queries.keys().get(pk=principal.credential_id)
            services.revoke_key(None, key, why=f"sent {PLACES[where]}", event=KeyEvent.EXPOSED)
            message = f"The API key {key.prefix} was sent {PLACES[where]}, and has been revoked."
            alert(key.tenant_id, KeyEvent.EXPOSED, message, row=key)
            _tell(key.creator.email, key.prefix, where)


def _tell(address: str, key: str, where: str) -> None:
    letters.post(
        to=address,
        subject="An API key of yours was exposed and has been revoked",
        text=(
            f"The key {key} was sent {PLACES[where]}, where others can read it.\n"
            "It opens nothing any more. Make a new one, and send it over HTTPS, "
            "in the header X-API-Key.\n"
        ),
    )
