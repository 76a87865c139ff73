"""Credentials that other systems hold: API keys, and the toolkit's OAuth models with their
organization.
"""

from typing import Any, ClassVar

from django.db import models
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractApplication,
    AbstractDeviceGrant,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)

from saas.authentication.models import AbstractApiKey, UsableKeys
from saas.authentication.oauth.models import (
    ClientOfOrganization,
    Consent,
    OfConsent,
    OfOrganization,
    OfSignIn,
    UsableTokens,
)
from saas.persistence.tenant import TenantManager, TenantModel, tenant_reference


class ApiKey(TenantModel, AbstractApiKey):
    """A key of one organization, never worth more than its maker is today."""

    objects: ClassVar[Any] = TenantManager.from_queryset(UsableKeys)()

    readable_by = {"digest": "app.credential"}

    class Meta(TenantModel.Meta):
        constraints = [tenant_reference()]


class OAuthApplication(ClientOfOrganization, AbstractApplication):
    """A client; it belongs to the organization that registered it."""

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"


class OAuthGrant(Consent, AbstractGrant):
    """What a person allowed a client in one organization: first a code on its way, then the anchor
    of its tokens.
    """

    class Meta(AbstractGrant.Meta):
        swappable = "OAUTH2_PROVIDER_GRANT_MODEL"


class OAuthAccessToken(OfSignIn, OfConsent, AbstractAccessToken):
    """An access token, kept as a digest; what is revoked is deleted."""

    last_used_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = UsableTokens.as_manager()

    class Meta(AbstractAccessToken.Meta):
        swappable = "OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL"


class OAuthRefreshToken(OfConsent, AbstractRefreshToken):
    """A refresh token of a family; it stays when it is used, to be recognised if it comes back."""

    class Meta(AbstractRefreshToken.Meta):
        swappable = "OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL"


class OAuthIDToken(OfOrganization, AbstractIDToken):
    """An ID token: it says who somebody is, and opens nothing."""

    class Meta(AbstractIDToken.Meta):
        swappable = "OAUTH2_PROVIDER_ID_TOKEN_MODEL"


class OAuthDeviceGrant(OfOrganization, AbstractDeviceGrant):
    """The device grant is off; the toolkit moves its six models together."""

    class Meta(AbstractDeviceGrant.Meta):
        swappable = "OAUTH2_PROVIDER_DEVICE_GRANT_MODEL"
