"""Without a key to sign with, nothing is deployed."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from saas.authentication.oidc.keys import keys
from saas.errors import Problem


@register(Tags.security, deploy=True)
def a_key_can_sign(**_: Any) -> list[CheckMessage]:
    """A server that finds out at the first sign-in tells its users instead of its keeper
    (AUTHN-10).
    """
    try:
        keys()
    except Problem:
        hint = "Run manage.py rotate_oidc_keys with the SAAS_KEK that serves."
        return [Error("SAAS_OIDC_KEYS holds no key that can be read.", hint=hint, id="oidc.E001")]
    return []
