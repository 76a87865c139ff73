"""What is asked of a device and what it answers, judged for this origin and no other (WebAuthn §7).

The parsers and the signatures are fido2's; what a good answer is stands here.
"""

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
    UserVerificationRequirement,
)

from apps.accounts.models import User
from apps.passkeys.models import LONGEST_ID, Passkey
from saas.errors import Problem

NAME = "Strongroom"
LONGEST = 16 * 1024  # characters of an answer; the largest real ones have a quarter
ALGORITHMS = (-8, -7, -257)  # Ed25519, ES256, RS256; nothing with SHA-1
WAIT = 300_000  # milliseconds
VERIFIED = UserVerificationRequirement.REQUIRED  # a finger, a face or a PIN: the second factor


def rp_id() -> str:
    """Whom a passkey is made for: the host of our origin. The Host header is the caller's choice,
    and with it they would choose for whom they are asked.
    """
    return str(urlsplit(settings.SAAS_ORIGIN).hostname)


def server() -> Fido2Server:
    """Who judges. fido2 itself would let every subdomain and every port in."""
    relying_party = PublicKeyCredentialRpEntity(name=NAME, id=rp_id())
    return Fido2Server(relying_party, verify_origin=lambda origin: origin == settings.SAAS_ORIGIN)


def request_options(challenge: str) -> dict[str, Any]:
    """What `navigator.credentials.get()` takes. It is the same for everybody and names no passkey:
    the device knows which it has, so nobody learns here who has one.
    """
    return {
        "challenge": challenge,
        "rpId": rp_id(),
        "userVerification": VERIFIED,
        "timeout": WAIT,
    }


def creation_options(challenge: str, user: User, known: list[str]) -> dict[str, Any]:
    """What `navigator.credentials.create()` takes; a device that has one makes no second."""
    return {
        "challenge": challenge,
        "rp": {"id": rp_id(), "name": NAME},
        "user": {"id": handle(user), "name": user.email, "displayName": user.name or user.email},
        "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in ALGORITHMS],
        "excludeCredentials": [{"type": "public-key", "id": one} for one in known],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": VERIFIED,
        },
        "attestation": "none",
        "timeout": WAIT,
    }


def handle(user: User) -> str:
    """What a device keeps of a person: an id, and nothing that says who it is."""
    return str(websafe_encode(user.pk.bytes))


def read[Answer: (AuthenticationResponse, RegistrationResponse)](
    kind: type[Answer], text: str
) -> Answer:
    """The answer of a device. Raises 400 for what is none."""
    if len(text) > LONGEST:
        raise malformed()
    try:
        answer = kind.from_dict(json.loads(text))
    except Exception as fault:  # JSON, base64, CBOR and COSE, each with faults of its own
        raise malformed() from fault
    if answer is None:  # of `null`
        raise malformed()
    return answer


def proved(passkey: Passkey, challenge: str, answer: AuthenticationResponse) -> bool:
    """Whether this passkey signed this challenge: for us, here, by the person themselves."""
    credential = AttestedCredentialData(bytes(passkey.credential))
    if answer.response.client_data.cross_origin:  # another site's frame shows our page
        return False
    try:
        server().authenticate_complete(state(challenge), [credential], answer)
    except Exception:  # as above: the key may be nonsense
        return False
    return answer.response.user_handle == passkey.user.pk.bytes


def made(challenge: str, answer: RegistrationResponse) -> tuple[AttestedCredentialData, Any]:
    """The new credential with what was said of it. Raises 400 when it was not made for us, here,
    by the person themselves.
    """
    try:
        said: AuthenticatorData = server().register_complete(state(challenge), answer)
        credential = said.credential_data
        is_ours = (
            credential is not None
            and not answer.response.client_data.cross_origin
            and credential.credential_id == answer.raw_id
            and len(credential.credential_id) <= LONGEST_ID
            and credential.public_key.ALGORITHM in ALGORITHMS
        )
    except Exception as fault:  # as above
        raise malformed() from fault
    if credential is None or not is_ours:
        raise malformed()
    return credential, said


def state(challenge: str) -> dict[str, Any]:
    """What fido2 wants to have remembered."""
    return {"challenge": challenge, "user_verification": VERIFIED}


def malformed() -> Problem:
    """400, whatever it was."""
    return Problem("invalid-request", "This is no answer of a passkey to what was asked.")
