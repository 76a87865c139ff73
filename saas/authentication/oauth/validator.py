"""What oauthlib asks while it judges a request, answered so that none of the toolkit's traps is
left open.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2 import InvalidGrantError, InvalidRequestError

from saas.authentication.oauth import families
from saas.authentication.oauth.clients import ARRIVED_AT, ENTERING, IN_ENVIRON, NOTICED
from saas.authentication.oauth.modules import GRANT_JUDGES, minted
from saas.authentication.oauth.server import code_digest
from saas.authentication.oauth.tokens import checksum_of, is_well_formed
from saas.context import Principal, PrincipalKind
from saas.errors import Problem

# In the access log, beside the grant as the credential: it is the family.
REFRESHED, REFRESH_REPLAYED = "token.refreshed", "refresh.replayed"
CODE_REPLAYED = "code.replayed"


class Validator(OAuth2Validator):  # type: ignore[misc]  # the toolkit ships no types
    """Runs inside the token endpoint's one transaction: lock the grant, judge, consume, mint."""

    # Who is calling was proved before oauthlib was asked (clients.py).

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """It has happened."""
        return False

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """For client credentials: only a client that has a secret and showed it."""
        request.client = request.headers.get(IN_ENVIRON)
        return request.client is not None and request.client.client_type == "confidential"

    def authenticate_client_id(
        self, client_id: str, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """For all else: the client that was found at the door."""
        request.client = request.headers.get(IN_ENVIRON)
        return request.client is not None

    # What may be asked for.

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kw: Any
    ) -> bool:
        """Something, and nothing beyond the client's own: a token without scopes is a mistake."""
        return any(scopes) and super().validate_scopes(client_id, scopes, client, request)

    def validate_bearer_token(self, token: str, scopes: list[str], request: Any) -> bool:
        """Nobody asks here: saas.authentication.lookup does, for the whole API."""
        return False

    def validate_jwt_bearer_token(self, token: str, scopes: list[str], request: Any) -> bool:
        """An ID token says who somebody is; it opens nothing."""
        return False

    # Codes.

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Lock the grant and judge it: unused, in time, of this client and of an active person."""
        grant = families.locked(code=code, application=client)
        if grant is None:
            return False
        if grant.used_at is not None:
            if families.presented_again(grant, grant.used_at, request.headers[ARRIVED_AT]):
                _note(request, CODE_REPLAYED, grant)
            return False
        if grant.ended_at or grant.expires <= timezone.now() or not grant.user.is_active:
            return False
        request.grant, request.user, request.scopes = grant, grant.user, grant.scope.split()
        _enter(request, grant)
        return all(judge(request, grant) for judge in GRANT_JUDGES)

    def get_code_challenge(self, code: str, request: Any) -> str | None:
        """As it was sent with the authorization request."""
        return request.grant.code_challenge or None

    def get_code_challenge_method(self, code: str, request: Any) -> str | None:
        """S256 and nothing else: with `plain`, who sees the request has the verifier."""
        method: str = request.grant.code_challenge_method
        return method if method == "S256" else None

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """The same URI, letter for letter, as in the authorization request."""
        request = args[0] if args else kwargs["request"]
        if request.grant.redirect_uri != redirect_uri:
            raise InvalidGrantError(request=request)  # oauthlib's own error is not §5.2's
        return True

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any
    ) -> None:
        """It was consumed before the tokens were made; the row stays, to recognise a replay."""

    def _create_authorization_code(self, request: Any, code: Any, expires: Any = None) -> Any:
        """Keep a digest of the code, and the organization that the person chose."""
        if request.code_challenge_method != "S256":
            raise InvalidRequestError("PKCE with S256 is required.", request=request)
        lifetime = timedelta(seconds=settings.OAUTH2_PROVIDER["AUTHORIZATION_CODE_EXPIRE_SECONDS"])
        return get_grant_model().objects.create(
            application=request.client,
            user=request.user,
            organization_id=request.organization_id,
            code=code_digest(code["code"]),
            expires=timezone.now() + lifetime,
            redirect_uri=request.redirect_uri,
            scope=" ".join(request.scopes),
            code_challenge=request.code_challenge,
            code_challenge_method=request.code_challenge_method,
            claims="{}",
            auth_time=request.auth_time,
            acr=request.acr,
        )

    # Refresh tokens.

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        """Lock the family and judge the token: the newest of its family, its person active."""
        if not is_well_formed(refresh_token):
            return False
        rows = get_refresh_token_model().objects.filter(
            token_checksum=checksum_of(refresh_token), application=client
        )
        found = rows.values_list("grant_id", flat=True).first()
        grant = families.locked(pk=found) if found else None
        if grant is None:
            return False
        row = rows.get()  # again: now nobody else is about to rotate it
        if row.revoked is not None:
            if families.presented_again(grant, row.revoked, request.headers[ARRIVED_AT]):
                _note(request, REFRESH_REPLAYED, grant)
            return False
        if grant.ended_at or grant.expires <= timezone.now() or not grant.user.is_active:
            return False
        request.grant, request.user, request.refresh_token = grant, grant.user, refresh_token
        request.refresh_token_instance = row
        _enter(request, grant)
        return all(judge(request, grant) for judge in GRANT_JUDGES)

    def get_original_scopes(self, refresh_token: str, request: Any, *a: Any, **kw: Any) -> str:
        """What the person consented to."""
        scope: str = request.grant.scope
        return scope

    # Tokens: consume before mint.

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Consume what was presented, then keep the new tokens as digests."""
        now = timezone.now()
        grant = None
        if request.grant_type == "authorization_code":
            grant = request.grant
            grant.used_at, grant.expires = now, now + settings.LIFETIMES.refresh_family
            grant.save(update_fields=["used_at", "expires"])
        elif request.grant_type == "refresh_token":
            grant = request.grant
            get_access_token_model().objects.filter(grant=grant).delete()
            former = get_refresh_token_model().objects.filter(grant=grant, revoked=None)
            former.update(revoked=now)
            _note(request, REFRESHED, grant)
        else:
            request.user = None
        expires = now + settings.LIFETIMES.access_token
        if grant is not None and grant.expires < expires:  # the family's end is absolute
            expires = grant.expires
            token["expires_in"] = max(1, int((expires - now).total_seconds()))
        common = {
            "user": request.user,
            "application": request.client,
            "organization_id": (grant or request.client).organization_id,
            "grant": grant,
        }
        access = get_access_token_model()(scope=token["scope"], expires=expires, **common)
        if grant is not None:  # a refresh is no sign-in
            access.auth_time, access.acr = grant.auth_time, grant.acr
        self._set_token_value(access, token["access_token"])
        access.save(force_insert=True)
        if grant is not None:
            refresh = get_refresh_token_model()(
                access_token=access, token_family=grant.pk, **common
            )
            self._set_token_value(refresh, token["refresh_token"])
            refresh.save(force_insert=True)
        minted.send(sender=None, token=token, access=access, grant=grant, request=request)


def _enter(request: Any, grant: Any) -> None:
    """What the organization demands of its people. Too weak or too old a sign-in is an invalid
    grant, upon which a client has its person sign in; a wrong network is not: from the right one
    the token is good.
    """
    person = Principal(
        PrincipalKind.USER_TOKEN,
        grant.user_id,
        grant.pk,
        grant.organization_id,
        grant.user_id,
        frozenset(),
        None,
        auth_time=grant.auth_time,
        acr=grant.acr,
    )
    try:
        request.headers[ENTERING](principal=person)
    except Problem as problem:
        if problem.status != 401:
            raise
        raise InvalidGrantError(description=problem.detail, request=request) from None


def _note(request: Any, event: str, grant: Any) -> None:
    noticed = request.headers[NOTICED]
    noticed(event, org=grant.organization_id, credential=grant.pk, principal=grant.user_id)
