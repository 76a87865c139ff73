"""What the authorization server says of itself, drawn from what it accepts (RFC 8414)."""

from typing import Any

from django.conf import settings

from saas.authentication.assurance import LEVELS
from saas.authentication.oauth.modules import METADATA
from saas.authentication.oauth.scopes import known_scopes

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
METHODS = ("client_secret_basic", "client_secret_post")


def document() -> dict[str, Any]:
    """The metadata. The issuer is configured: a forged Host header must not name another."""
    origin = settings.SAAS_ORIGIN
    told = {
        "issuer": origin,
        "authorization_endpoint": f"{origin}/oauth/authorize",
        "token_endpoint": f"{origin}/oauth/token",
        "revocation_endpoint": f"{origin}/oauth/revoke",
        "introspection_endpoint": f"{origin}/oauth/introspect",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": [*METHODS, "none"],
        "revocation_endpoint_auth_methods_supported": [*METHODS, "none"],
        "introspection_endpoint_auth_methods_supported": list(METHODS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": sorted(known_scopes()),
        "acr_values_supported": list(LEVELS),
        "service_documentation": f"{origin}/docs/",
    }
    for more in METADATA:
        told |= more()
    return told
