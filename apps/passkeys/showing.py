"""Somebody shows a passkey. Each look at one is counted before its signature is verified."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.http import HttpRequest
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticationResponse

from apps.accounts.models import User
from apps.passkeys import ceremony, challenges, queries, services
from apps.passkeys.models import Passkey
from saas.authentication import attempts, events
from saas.edge.noticing import noticed
from saas.errors import Problem

# OpenID Connect EAP ACR Values: phishing-resistant. Its references are those of RFC 8176.
PHISHING_RESISTANT = "phr"


def shown(
    request: HttpRequest, text: str, *, owner: User | None = None, signs_in: bool = True
) -> Passkey:
    """The passkey that answers the challenge of this browser; of `owner`, when it is known who
    must show it. Raises 400 for what is no answer, 401 for what proves nothing, 429.
    """
    challenge = challenges.take(request, "get")
    answer = ceremony.read(AuthenticationResponse, text)
    passkey = queries.living(str(websafe_encode(answer.raw_id)))
    name = owner.email if owner else passkey.user.email if passkey else answer.id
    tried = attempts.reserve(
        "second-factor" if owner else "passkey",
        name,
        request,
        patience=settings.FACTOR_PATIENCE if owner else None,
        signs_in=signs_in,
    )
    if (
        challenge is None
        or passkey is None
        or (owner is not None and passkey.user_id != owner.pk)
        or not ceremony.proved(passkey, challenge, answer)
        or not services.use(passkey, challenge, answer)
    ):
        attempts.missed(tried)
        noticed(request, events.FAILED)
        raise refused()
    attempts.forgive(tried)
    return passkey


def proves(request: HttpRequest, user: User, text: str) -> bool:
    """Whether `text` shows a passkey of this person, for a form that asks who is there."""
    try:
        note(request, shown(request, text, owner=user, signs_in=False))
    except Problem as problem:
        if problem.status not in (400, 401):
            raise
        return False
    return True


def note(request: HttpRequest, passkey: Passkey, **more: Any) -> None:
    """The session remembers how it was opened, where the codes and passwords are remembered too: a
    key (of this device alone, or synced), in somebody's hands, unlocked by them.
    """
    key = "swk" if passkey.is_synced else "hwk"
    record_authentication(
        request,
        passkey.user,
        "mfa",
        type="webauthn",
        amr=[key, "user", "mfa"],
        acr=PHISHING_RESISTANT,
        **more,
    )


def refused() -> Problem:
    """401, whatever was wrong: who tries learns nothing."""
    return Problem(
        "invalid-token",
        "This passkey was not accepted.",
        headers={"WWW-Authenticate": f'Passkey realm="{settings.SAAS_ORIGIN}"'},
    )
