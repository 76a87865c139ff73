"""Who may report: whoever signs with a key that stands in the settings. Nobody else is believed,
since a report ends a credential.
"""

import binascii
import re
from base64 import b64decode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings

from saas.errors import Problem

NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
KEY_ID, SIGNATURE = "Github-Public-Key-Identifier", "Github-Public-Key-Signature"
CHALLENGE = f'{SIGNATURE} algorithm="ECDSA-NIST-P256V1-SHA256"'


def public_key(pem: str) -> ec.EllipticCurvePublicKey:
    """The key that PEM holds. Raises ValueError for what is no public key on P-256."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("This is no public key on P-256.")
    return key


def reporter_of(key_id: str, signature: str, body: bytes) -> str:
    """The name of the reporter who signed exactly these bytes.

    Raises 401, the same for a key that nobody has configured and a signature that is not its own.
    """
    for name, keys in settings.SAAS_LEAK_REPORTERS.items():
        if key_id in keys:
            try:
                shown = b64decode(signature, validate=True)
                public_key(keys[key_id]).verify(shown, body, ec.ECDSA(SHA256()))
            except (InvalidSignature, binascii.Error, ValueError):
                break
            return str(name)
    raise Problem(
        "invalid-token",
        "This report is not signed by a reporter that we know.",
        headers={"WWW-Authenticate": CHALLENGE},
    )
