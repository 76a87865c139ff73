"""DPoP as a Django app: it joins the registries of the rooms that it adds to."""

from django.apps import AppConfig
from django.db.models import F


class DpopConfig(AppConfig):
    """Everything that the rest of the project knows of this module stands here."""

    name = "saas.authentication.dpop"
    label = "dpop"
    global_models = {
        "dpop.BoundToken": "read with its token, before a tenant is known",
        "dpop.BoundGrant": "as the grant",
        "dpop.BoundClient": "as the application",
    }

    def ready(self) -> None:
        """Join once the models are loaded."""
        from saas.authentication.credentials import SCHEMES
        from saas.authentication.dpop.resource import NAME, SCHEME
        from saas.authentication.dpop.server import ProofOfPossession
        from saas.authentication.oauth.extensions import EXTENSIONS
        from saas.authentication.oauth.models import JOINED
        from saas.errors import CATALOGUE, Kind

        CATALOGUE["invalid-dpop-proof"] = Kind(
            401,
            "The proof of the key is not valid",
            "`detail` says which check of RFC 9449 failed. Make a new proof for each request.",
        )
        CATALOGUE["use-dpop-nonce"] = Kind(
            401,
            "The proof needs a nonce",
            "Make a new proof with the nonce of the header `DPoP-Nonce`, and try again.",
        )
        JOINED["dpop_jkt"] = F("dpop__jkt")
        SCHEMES[NAME] = SCHEME
        EXTENSIONS.append(ProofOfPossession())
