"""Permissions have the names of scopes: `resource:act`. Roles meet them on one page
(SAAS_ROLES_PAGE).
"""

from enum import StrEnum

from saas.context import roles


class Permission(StrEnum):
    """The base of each app's permissions; a member is also the name of a scope."""


class AnyCredential(Permission):
    """For what every credential may do; granted to all, and no scope."""

    ANY = "any"


def known_permissions() -> frozenset[str]:
    """Every permission that some role holds, and so every scope that can be asked for."""
    return frozenset().union(*roles().values())


def roles_with(permission: str) -> list[str]:
    """The roles that hold `permission`, in the order of the page."""
    return [role for role, rights in roles().items() if permission in rights]
