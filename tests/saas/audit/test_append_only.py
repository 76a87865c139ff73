"""What was written down stays written down: neither the serving role nor the owner changes it."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction

from saas.audit.models import AuditEntry
from saas.persistence import guards
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.saas.audit.trails import entries, fault, lengthen
from tests.saas.walls import as_owner, in_database, owner, raw
from tests.saas.wire import on_postgresql, on_sqlite

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-04")]

CHANGES = [
    "UPDATE audit_auditentry SET event = 'nothing.happened'",
    "UPDATE audit_auditentry SET data = '{}' WHERE seq = 1",
    "DELETE FROM audit_auditentry",
    "DELETE FROM audit_auditentry WHERE seq = (SELECT max(seq) FROM audit_auditentry)",
]
REPLACE = """
    INSERT OR REPLACE INTO audit_auditentry
        (id, tenant_id, seq, at, event, principal_kind, object_type, data, hash)
    SELECT %s, tenant_id, seq, at, 'nothing.happened', principal_kind, object_type, data, hash
        FROM audit_auditentry WHERE seq = 1 AND tenant_id = %s
"""


@pytest.fixture
def acme_committed(committed):
    """Acme with a few entries that are really committed."""
    acme = make_tenant("Acme")
    lengthen(acme, 3)
    return acme


def assert_refused(tenant, *changes):
    """Each change is refused, and the chain is what it was."""
    before = [entry.hash for entry in entries(tenant)]
    for sql, *parameters in changes:
        with pytest.raises(DatabaseError, match=r"append-only|permission denied"):
            in_database(tenant, sql, *parameters)
    assert [entry.hash for entry in entries(tenant)] == before
    assert fault(tenant) is None


def test_raw_sql_of_the_serving_role_changes_nothing(acme_committed):
    assert_refused(acme_committed, *[(sql,) for sql in CHANGES])


@on_postgresql
def test_raw_sql_of_the_owner_changes_nothing_either(acme_committed):
    told = f"SELECT set_config('app.tenant', '{acme_committed.id}', false)"
    for sql in (
        *CHANGES,
        "TRUNCATE audit_auditentry",
        "TRUNCATE organizations_organization CASCADE",
    ):
        with pytest.raises(DatabaseError, match="append-only"):
            as_owner(told, sql)
    assert fault(acme_committed) is None


@on_sqlite
def test_a_row_is_not_replaced_either(acme_committed):
    first, acme = entries(acme_committed)[0], raw(acme_committed.id)
    assert_refused(
        acme_committed,
        (REPLACE, raw(first.pk), acme),
        (REPLACE, "f" * 32, acme),
        (REPLACE.replace("INSERT OR REPLACE", "REPLACE"), raw(first.pk), acme),
    )


def test_the_orm_changes_nothing(acme):
    entry = entries(acme)[0]
    with bind(acme.id):
        for act in (
            entry.save,
            entry.delete,
            AuditEntry.objects.all().delete,
            lambda: AuditEntry.objects.update(event="x"),
            lambda: AuditEntry.objects.bulk_update([entry], ["event"]),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                act()
        assert len(AuditEntry.objects.all()) == len(entries(acme)) > 0


def test_a_migration_of_the_table_does_not_open_it(acme_committed):
    """SQLite rebuilds a table that is altered, and drops its triggers without a word."""
    extra = models.CharField(max_length=5, default="x")
    extra.set_attributes_from_name("extra")
    extra.model = AuditEntry
    with owner(), connection.schema_editor() as editor:
        editor.add_field(AuditEntry, extra)
    with owner(), connection.schema_editor() as editor:
        editor.remove_field(AuditEntry, extra)
    if connection.vendor == "sqlite":
        assert guards.missing(connection)
    call_command("migrate", verbosity=0)
    assert guards.missing(connection) == []
    replacing = (
        [(REPLACE, "f" * 32, raw(acme_committed.id))] if connection.vendor == "sqlite" else []
    )
    assert_refused(acme_committed, *[(sql,) for sql in CHANGES], *replacing)
    lengthen(acme_committed, 1)
    assert fault(acme_committed) is None


@on_postgresql
@pytest.mark.practice("AUTHZ-08")
def test_the_serving_role_holds_no_grant_to_change_it(acme_committed):
    """Two locks: even with the trigger gone, the grant is missing."""
    as_owner("ALTER TABLE audit_auditentry DISABLE TRIGGER USER")
    for sql in (*CHANGES, "TRUNCATE audit_auditentry"):
        with pytest.raises(DatabaseError, match="permission denied"):
            in_database(acme_committed, sql)
