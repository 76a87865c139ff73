"""The suite's settings for a server behind the gateway: HTTPS is asked for, as in production."""

import os
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.settings import base
from config.settings.test import *  # noqa: F403

MAILERS = base.MAILERS  # the suite's own is none for production, and a server says so
_signs = Ed25519PrivateKey.from_private_bytes(b64decode(base.SAAS_CHECKPOINT_KEY))
SAAS_CHECKPOINT_PUBLIC_KEYS = [b64encode(_signs.public_key().public_bytes_raw()).decode()]
SAAS_CHECKPOINT_DIR = base.SAAS_CHECKPOINT_DIR  # nothing is written: no worker runs
SAAS_OPERATOR_KEYS = base.SAAS_OPERATOR_KEYS  # production believes no name
SAAS_CONTAINMENT_LIVE = True
SAAS_TRUSTED_PROXIES = ["127.0.0.1/32"]
SAAS_ORIGIN_NETWORKS = os.environ.get("EDGE_NETWORKS", "").split()
