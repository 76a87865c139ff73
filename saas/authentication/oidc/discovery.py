"""What a client must know to use us for signing in: exactly what is accepted."""

from typing import Any

from django.conf import settings

from saas.authentication.oidc.keys import ALGORITHM
from saas.authentication.oidc.prompts import PROMPTS

OF_THE_TOKEN = ("iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "auth_time", "acr", "amr")
OF_THE_PERSON = ("name", "email", "email_verified")


def members() -> dict[str, Any]:
    """The members that OpenID Connect Discovery §3 adds to the metadata."""
    origin = settings.SAAS_ORIGIN
    return {
        "userinfo_endpoint": f"{origin}/oauth/userinfo",
        "jwks_uri": f"{origin}/.well-known/jwks.json",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [*OF_THE_TOKEN, *OF_THE_PERSON],
        "prompt_values_supported": list(PROMPTS),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
