"""What the authorization server needs of the toolkit's rows; the product owns the tables."""

import re

from django.conf import settings
from django.db import models
from django.db.models import Q
from oauth2_provider.models import redirect_to_uri_allowed

from saas.ids import IdField

PORTLESS = re.compile(r"http://(127\.0\.0\.1|\[::1\])/")
ANY_PORT = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?/")


class OfOrganization(models.Model):
    """An OAuth row that names the organization it acts for, so that no token carries it."""

    id = IdField()
    organization = models.ForeignKey(
        settings.SAAS_TENANT_MODEL, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """The kind and the id, which a log may hold."""
        return f"{self._meta.label} {self.pk}"


class ClientOfOrganization(OfOrganization):
    """A client: what its tokens may carry, and whether only its own organization may use it."""

    allowed_scopes = models.JSONField(default=list)
    is_private = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Letter for letter; only where a loopback address was registered without a port may a
        native app listen on any (RFC 8252 §7.3), so that a port that was named is the port. A port
        is a number: other signs there would be a further directive of the page's policy.
        """
        registered = str(self.redirect_uris).split()  # type: ignore[attr-defined]  # the toolkit's
        portless = [one for one in registered if PORTLESS.match(one)]
        on_loopback = bool(ANY_PORT.match(uri)) and redirect_to_uri_allowed(uri, portless)
        return uri in registered or on_loopback


class OfSignIn(models.Model):
    """A row that remembers when its person signed in and what that was worth (RFC 9470)."""

    auth_time = models.DateTimeField(null=True)
    acr = models.CharField(max_length=16, default="")

    class Meta:
        abstract = True


class Consent(OfSignIn, OfOrganization):
    """A grant that is kept after its code was used: the anchor of all tokens that come from it.

    `code` holds a digest. `used_at` is when the code was exchanged, and from then on `expires` is
    the end of the family; `ended_at` is when somebody ended it before.
    """

    used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def scopes(self) -> list[str]:
        """What the person consented to."""
        return str(self.scope).split()  # type: ignore[attr-defined]  # the toolkit's column


class OfConsent(OfOrganization):
    """A token that remembers its grant; a service's token has none."""

    grant = models.ForeignKey(
        settings.OAUTH2_PROVIDER_GRANT_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True


class UsableTokens(models.QuerySet[models.Model]):
    """The one spelling of "not expired, person active, client known"; what is revoked is gone."""

    def usable(self, at: object) -> "UsableTokens":
        """Access tokens that open something at `at`."""
        return self.filter(
            Q(user=None) | Q(user__is_active=True), expires__gt=at, application__isnull=False
        )
