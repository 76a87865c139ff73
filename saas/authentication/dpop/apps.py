"""DPoP as a Django app: it joins the registries of the rooms that it adds to."""

from django.apps import AppConfig


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
        from saas.authentication.dpop import server
        from saas.authentication.dpop.resource import BOUND_TO, NAME, SCHEME
        from saas.authentication.lookup import TOKEN
        from saas.authentication.oauth import modules
        from saas.errors import CATALOGUE, OAUTH_ERRORS, Kind

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
        OAUTH_ERRORS["invalid-dpop-proof"] = "invalid_dpop_proof"
        OAUTH_ERRORS["use-dpop-nonce"] = "use_dpop_nonce"
        TOKEN.columns.append(BOUND_TO)
        SCHEMES[NAME] = SCHEME
        modules.JUDGES.append(server.judge)
        modules.grant_made.connect(server.bind_code, dispatch_uid="dpop.code")
        modules.TOKEN_JUDGES.append(server.judge_proof)
        modules.GRANT_JUDGES.append(server.has_its_key)
        modules.minted.connect(server.bind_tokens, dispatch_uid="dpop.tokens")
        modules.FACTS.append(server.told)
        modules.METADATA.append(server.metadata)
