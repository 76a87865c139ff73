"""What each role of PostgreSQL may do, stated again after every migration."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from saas.persistence.guards.declared import AppendOnly, DropBox, OwnerChanges


def grants(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """What the serving role may do, stated again after each migration; nothing when it owns the
    tables itself.
    """
    role, owner = settings.DATABASE_ROLE, connection.settings_dict["USER"]
    if role == owner:
        return
    quoted = connection.ops.quote_name(str(role))
    yield f"GRANT USAGE ON SCHEMA public TO {quoted}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}"
    yield f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {quoted}"
    tables = set(connection.introspection.table_names())
    for model in apps.get_models():
        if issubclass(model, (AppendOnly, OwnerChanges)) and model._meta.db_table in tables:
            yield f"REVOKE UPDATE, DELETE, TRUNCATE ON {model._meta.db_table} FROM {quoted}"


READER, AUDITOR = "strongroom_reader", "strongroom_auditor"  # as create_roles makes them


def reading_grants(connection: BaseDatabaseWrapper, roles: set[str]) -> Iterator[str]:
    """What persons may read, where these roles were made: rows, but no keys and no tasks; or the
    trail alone.
    """
    tables = set(connection.introspection.table_names())
    if READER in roles:
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}"
        for model in apps.get_models():
            if issubclass(model, (OwnerChanges, DropBox)) and model._meta.db_table in tables:
                yield f"REVOKE SELECT ON {model._meta.db_table} FROM {READER}"  # noqa: S608  # our own names
    if AUDITOR in roles:
        for table in sorted(name for name in tables if name.startswith("audit_")):
            yield f"GRANT SELECT ON {table} TO {AUDITOR}"
