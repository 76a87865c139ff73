"""Organizations as a Django app: it tells accounts what only it knows about a person, and joins
what an organization asks of its own requests.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    """Join what accounts offers."""

    name = "apps.organizations"

    def ready(self) -> None:
        """Once the models are loaded."""
        from apps.accounts.passwords import NEAR
        from apps.accounts.queries import DEMANDS
        from apps.organizations import controls
        from saas.authentication import demands

        demands.join(controls.ALLOWED_NETWORKS, controls.SECOND_FACTOR, controls.SESSION_HOURS)
        NEAR.append(names_near)
        DEMANDS.append(is_powerful)


def names_near(user: Any) -> Iterator[str]:
    """The names of the person's organizations, which a guesser tries as their password."""
    from apps.organizations.queries import organizations_of

    for organization in organizations_of(user.pk):
        yield organization.name


def is_powerful(user: Any) -> bool:
    """Whether the person may make members and keys somewhere, which a stolen password must not."""
    from apps.organizations.access import POWERFUL
    from apps.organizations.queries import memberships_of

    return any(one.role in POWERFUL for one in memberships_of(user.pk))
