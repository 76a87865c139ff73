"""A device that keeps passkeys, and says whatever a test wants it to say; and a person with one."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.webauthn import AttestedCredentialData

from tests.apps.accounts.test_sign_in import PASSWORD
from tests.pages import get, post, signed_in

ORIGIN, RP = "https://api.strongroom.example", "api.strongroom.example"
PRESENT, VERIFIED, SYNCED, ATTESTED = 1, 4, 8, 64
BOTH = PRESENT | VERIFIED
SIGN_IN, CHALLENGE = "passkeys/sign-in/", "passkeys/challenge/"


def text(data):
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def plain(data):
    """The bytes of it."""
    return urlsafe_b64decode(data + "=" * (-len(data) % 4))


@dataclass
class Device:
    """One passkey."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: token_bytes(32))
    handle: bytes = b""
    count: int = 0

    def create(self, options, *, flags=BOTH | ATTESTED, cose=None, **more):
        """The answer to a request for a new one."""
        self.handle = plain(options["user"]["id"])
        credential = AttestedCredentialData.create(
            b"\0" * 16, self.id, cose or ES256.from_cryptography_key(self.key.public_key())
        )
        data, client = self.said("webauthn.create", options, flags, credential, **more)
        whole = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self.answer(clientDataJSON=client, attestationObject=whole)

    def get(self, options, *, flags=BOTH, handle=None, key=None, **more):
        """The answer to a request to sign."""
        self.count += more.pop("step", 1)
        data, client = self.said("webauthn.get", options, flags, **more)
        signature = (key or self.key).sign(
            data + sha256(client).digest(), ec.ECDSA(hashes.SHA256())
        )
        return self.answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature,
            userHandle=self.handle if handle is None else handle,
        )

    def said(self, kind, options, flags, credential=b"", *, origin=ORIGIN, rp=RP, cross=False):
        """What is signed."""
        head = sha256(rp.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        client = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": origin,
            "crossOrigin": cross,
        }
        rest = bytes(credential) if flags & ATTESTED else b""
        return head + rest, json.dumps(client).encode()

    def answer(self, **response):
        """As a browser writes it."""
        response = {name: text(value) for name, value in response.items()}
        return json.dumps(
            {
                "id": text(self.id),
                "rawId": text(self.id),
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
            }
        )


def add(client, device=None, name="Phone", proof=None, **more):
    """Enrol a passkey in a browser in which somebody is signed in."""
    device = device or Device()
    assert post(client, "passkeys/new/", **(proof or {"password": PASSWORD})).status_code == 303
    options = post(client, "passkeys/new/challenge/").json()
    answer = post(client, "passkeys/new/create/", name=name, passkey=device.create(options, **more))
    return device, answer


def with_passkey(user):
    """A person with a password and a passkey: their device."""
    user.email = f"clerk-{uuid4()}@acme.example"
    user.save()
    client = signed_in(user)
    device, answer = add(client)
    assert answer.status_code == 303
    return device


def asked(client):
    """What a browser is asked that wants to sign in."""
    return post(client, CHALLENGE).json()


def show(client, device, path=SIGN_IN, **more):
    """Ask and answer."""
    return post(client, path, passkey=device.get(asked(client), **more))


def codes_on(client):
    """The recovery codes that are shown once."""
    return re.findall(
        r"<li>([0-9a-z]{5}-[0-9a-z]{5})</li>", get(client, "2fa/codes/").content.decode()
    )
