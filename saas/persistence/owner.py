"""Two roles: one owns the tables and migrates, the other serves and owns nothing."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper

log = logging.getLogger("saas.persistence")


@contextmanager
def acting_as_owner(
    connection: BaseDatabaseWrapper, owner: Mapping[str, Any] | None
) -> Iterator[None]:
    """Connect as the owner for the length of the block; with one role only, as that role."""
    if owner is None:
        yield
        return
    # The time-outs of serving go too: building an index may take longer than answering a request.
    serving = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD", "OPTIONS")}
    connection.close()
    connection.settings_dict.update({name: owner.get(name, {}) for name in serving})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(serving)


FAULTS = """
    SELECT rolsuper, rolbypassrls, EXISTS (
        SELECT FROM pg_class WHERE relowner = r.oid AND relkind = 'r' AND relnamespace =
        'public'::regnamespace)
    FROM pg_roles r WHERE rolname = current_user
"""


def refuse_powerful_role(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """At the first connection: a superuser, a table owner or a role with BYPASSRLS walks through
    the second wall.

    Production refuses to serve; a single role in development is warned once.
    """
    owner = settings.DATABASE_OWNER
    if connection.vendor != "postgresql" or (
        owner and connection.settings_dict["USER"] == owner["USER"]
    ):
        return
    with connection.cursor() as cursor:
        cursor.execute(FAULTS)
        is_super, bypasses, owns = cursor.fetchone()
    words = [
        name
        for name, found in (
            ("superuser", is_super),
            ("BYPASSRLS", bypasses),
            ("owner of tables", owns),
        )
        if found
    ]
    if not words:
        return
    message = (
        f"The serving database role is {', '.join(words)}: row security does not bind it. "
        "See `manage.py create_roles`."
    )
    if settings.SAAS_ROLE_CHECK == "refuse":
        raise ImproperlyConfigured(message)
    log.warning(message)
