"""A reporter's key that cannot be read is found at the start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from apps.leaks.reporters import NAME, public_key


@register(Tags.security)
def every_reporter_has_keys(**_: Any) -> list[CheckMessage]:
    """Each is a name with P-256 keys in PEM, by their ids (X-21)."""
    found: list[CheckMessage] = []
    for name, keys in settings.SAAS_LEAK_REPORTERS.items():
        if not NAME.fullmatch(name):
            found.append(Error(f"SAAS_LEAK_REPORTERS: {name!r} is no name.", id="leaks.E001"))
        for key_id, pem in keys.items():
            try:
                public_key(pem)
            except ValueError:
                text = f"SAAS_LEAK_REPORTERS: the key {key_id!r} of {name} is no P-256 public key."
                found.append(Error(text, id="leaks.E002"))
    return found
