"""A challenge is good once, in the browser that asked for it, for five minutes."""

from datetime import timedelta
from typing import Literal

from django.http import HttpRequest
from django.utils import timezone
from fido2.utils import websafe_encode

from saas.crypto import random_key

SLOT = "passkey_challenge"  # in the session; one at a time
LIFETIME = timedelta(minutes=5)

type Purpose = Literal["create", "get"]


def give(request: HttpRequest, purpose: Purpose) -> str:
    """A new one, in place of whatever was there."""
    challenge = str(websafe_encode(random_key()))
    until = (timezone.now() + LIFETIME).timestamp()
    request.session[SLOT] = [purpose, challenge, until]
    return challenge


def take(request: HttpRequest, purpose: Purpose) -> str | None:
    """The one that this browser was given, if it is in time. Whatever comes of it, it is gone."""
    given, challenge, until = request.session.pop(SLOT, ("", "", 0))
    if given != purpose or timezone.now().timestamp() >= until:
        return None
    return str(challenge)
