"""What a bench serves: the base, over HTTPS as a proxy reports it, with the limits lifted.

The limiter stays on and counts every request; only its limits are out of reach.
"""

import base64
import hashlib
import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.bench import hidden  # noqa: F401  # before anything looks for it

for _name in ("SECRET_KEY", "SAAS_PEPPER", "SAAS_KEK", "SAAS_CHECKPOINT_KEY"):
    os.environ.setdefault(_name, base64.b64encode(hashlib.sha256(_name.encode()).digest()).decode())
_signs = Ed25519PrivateKey.from_private_bytes(
    base64.b64decode(os.environ["SAAS_CHECKPOINT_KEY"])
).public_key()
os.environ["SAAS_CHECKPOINT_PUBLIC_KEYS"] = base64.b64encode(_signs.public_bytes_raw()).decode()
os.environ["SAAS_ORIGIN"] = "https://api.strongroom.example"
os.environ["ALLOWED_HOSTS"] = "api.strongroom.example"
os.environ["SAAS_TRUSTED_PROXIES"] = "127.0.0.1"

from config.settings.base import *  # noqa: E402, F403  # after the environment is complete
from config.settings.base import RATES, RATES_LIFTED, Rate  # noqa: E402

RATES = {name: Rate(rate.requests * RATES_LIFTED, rate.seconds) for name, rate in RATES.items()}
COUNTERS_TIMEOUT = 2.0  # the load, the application and every server share the cores
SAAS_OIDC_MAKE_KEYS = True  # in memory, for as long as a bench lasts
