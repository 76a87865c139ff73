"""Everything that connects another system to the organization, in one shape; each kind says who may
end it and how.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import QuerySet

from apps.integrations import grants, queries, services
from apps.integrations.access import ApiKeys, GrantEvent, KeyEvent
from apps.organizations.access import Security
from saas.context import Actor
from saas.persistence.several import Several


class Kind(NamedTuple):
    """One kind of connection. `rows` are those of the bound organization, with the columns of
    INTEGRATION_FIELDS; `end` wants a locked row, and leaves `event` in the trail.
    """

    rows: Callable[[], QuerySet[Any]]
    permission: str
    event: StrEnum
    end: Callable[[Actor, Any], None]


KINDS = {
    "api-key": Kind(queries.connected_keys, ApiKeys.WRITE, KeyEvent.REVOKED, services.revoke_key),
    "oauth-grant": Kind(
        queries.connected_grants, Security.WRITE, GrantEvent.REVOKED, grants.revoke_grant
    ),
}


def rows() -> Any:
    """All of them."""
    return Several(*(kind.rows() for kind in KINDS.values()))
