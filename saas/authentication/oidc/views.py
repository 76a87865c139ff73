"""The endpoints: who a token stands for, what we offer, and the keys that verify it."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from saas.authentication import demands
from saas.authentication.attempts import count_network
from saas.authentication.credentials import identify, unauthorized
from saas.authentication.oauth.answers import answer, machine_endpoint
from saas.authentication.oauth.forms import FORM
from saas.authentication.oauth.metadata import document
from saas.authentication.oidc.claims import OPENID, claims_of
from saas.authentication.oidc.keys import public_set
from saas.context import PrincipalKind
from saas.edge.admission import admit, admit_method
from saas.errors import Problem


@machine_endpoint("oidc.userinfo")
def userinfo(request: HttpRequest) -> HttpResponse:
    """What the person allowed the client to know of them (OIDC Core §5.3). The access token comes
    in the header alone; a body is not read.
    """
    admit(request, ["GET", "POST"], FORM)
    count_network(request, "oauth-userinfo")
    if request.META.get("QUERY_STRING"):
        raise Problem("invalid-request", "There are no parameters.")
    with transaction.atomic():
        principal = identify(request)
        if principal.kind == PrincipalKind.API_KEY:
            raise unauthorized("Send an access token.", error="invalid_token")
        demands.entering.send(None, request=request, principal=principal)
        if principal.user_id is None or OPENID not in principal.scopes:
            raise insufficient_scope()
        user = get_user_model()._default_manager.get(pk=principal.user_id)
    return answer(claims_of(user, principal.scopes))


def insufficient_scope() -> Problem:
    """403 that names the scope (RFC 6750 §3.1)."""
    realm = f'Bearer realm="{settings.SAAS_ORIGIN}"'
    challenge = f'{realm}, error="insufficient_scope", scope="{OPENID}"'
    return Problem(
        "insufficient-scope",
        f"This needs the scope {OPENID}.",
        headers={"WWW-Authenticate": challenge},
    )


@machine_endpoint("oidc.configuration")
def configuration(request: HttpRequest) -> HttpResponse:
    """The authorization server's metadata, which are one document under two names."""
    admit_method(request, ["GET"])
    return answer(document())


@machine_endpoint("oidc.jwks")
def jwks(request: HttpRequest) -> HttpResponse:
    """The public halves of the active and of the retiring key (RFC 7517)."""
    admit_method(request, ["GET"])
    return answer(public_set())
