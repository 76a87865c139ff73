"""OpenID Connect as a module: it joins what the authorization server offers, and is gone with its
line in MODULES.
"""

from django.apps import AppConfig


class OidcConfig(AppConfig):
    """Join when the server starts."""

    name = "saas.authentication.oidc"
    routes = ""  # config.urls includes ours at the root

    def ready(self) -> None:
        """Scopes, metadata, the judge of authorization requests, and a listener at each end."""
        from saas import custody
        from saas.authentication.oauth import modules
        from saas.authentication.oauth.scopes import IDENTITY
        from saas.authentication.oidc import (
            checks,  # noqa: F401  # registers itself
            keys,
        )
        from saas.authentication.oidc.claims import SCOPES
        from saas.authentication.oidc.discovery import members
        from saas.authentication.oidc.prompts import judge
        from saas.authentication.oidc.proof import keep_proof
        from saas.authentication.oidc.tokens import add_id_token

        custody.join("signing keys", keys.uses, keys.relocked)
        IDENTITY.update(SCOPES)
        modules.METADATA.append(members)
        modules.JUDGES.append(judge)
        modules.grant_made.connect(keep_proof, dispatch_uid="oidc.proof")
        modules.minted.connect(add_id_token, dispatch_uid="oidc.id-token")
