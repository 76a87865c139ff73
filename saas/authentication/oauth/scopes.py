"""Which scopes there are, and which of them a client may ask for."""

from typing import Any

from django.conf import settings
from oauth2_provider.scopes import BaseScopes

from saas.context import roles

INTROSPECTION = "introspection"  # for a client that asks about tokens; opens nothing else
SERVICE_GRANT = "client-credentials"  # as the toolkit names it

# Scopes that tell a client who somebody is, in the words of the consent page. They are no
# permissions and open nothing under /api/. A module adds its own when it starts.
IDENTITY: dict[str, str] = {}


def permissions() -> frozenset[str]:
    """Every permission that some role holds."""
    return frozenset().union(*roles().values())


def known_scopes() -> frozenset[str]:
    """Everything that a token can carry."""
    return permissions() | {INTROSPECTION} | IDENTITY.keys()


def service_rights() -> frozenset[str]:
    """What a service may do at most: who has no role takes no part in deciding who has which."""
    return permissions() - settings.SAAS_PERSONS_ONLY


def scopes_of(application: Any) -> frozenset[str]:
    """What tokens of this client may carry at this moment."""
    return scopes_for(application.allowed_scopes, application.authorization_grant_type)


def scopes_for(allowed_scopes: list[str], grant_type: str) -> frozenset[str]:
    """The same, of a client with these two columns."""
    allowed = known_scopes() & frozenset(allowed_scopes)
    if grant_type == SERVICE_GRANT:
        return allowed - settings.SAAS_PERSONS_ONLY - IDENTITY.keys()
    return allowed - {INTROSPECTION}


class ApplicationScopes(BaseScopes):  # type: ignore[misc]  # the toolkit ships no types
    """Scopes of the one application that asks; nothing is given that was not asked for."""

    def get_all_scopes(self) -> dict[str, str]:
        """Each scope and its description, which is its name."""
        return {name: name for name in sorted(known_scopes())}

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Those of the application."""
        return sorted(scopes_of(application)) if application is not None else []

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """None: an empty request is refused."""
        return []
