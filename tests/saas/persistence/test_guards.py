"""What the database itself refuses is derived from the models, installed after every migration, and
missed aloud when it is gone.
"""

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import ProgrammingError, connection
from django.db.migrations.recorder import MigrationRecorder

from saas.authentication.models import UsableKeys
from saas.persistence import guards
from tests.saas.walls import as_owner, in_database, owner
from tests.saas.wire import on_postgresql, on_sqlite

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-02"), pytest.mark.practice("LOG-04")]


def drop(guard):
    """The statement that takes a guard away."""
    create = guard.statements[-1]
    if create.startswith("CREATE FUNCTION"):
        return guard.statements[0]
    if "POLICY" in create:
        return f'DROP POLICY "{guard.name}" ON {guard.table}'
    if "CONSTRAINT" in create:
        return f'ALTER TABLE {guard.table} DROP CONSTRAINT "{guard.name}"'
    on = f" ON {guard.table}" if connection.vendor == "postgresql" else ""
    return f'DROP TRIGGER "{guard.name}"{on}'


def found(*ids):
    """The ids that `manage.py check --database default` reports."""
    return sorted({m.id for m in run_checks(databases=["default"]) if m.id in ids})


def test_after_migrate_every_guard_stands(db):
    assert guards.missing(connection) == []
    assert guards.unexpected(connection) == []
    assert found("saas.E013", "saas.E021") == []


def test_each_guard_that_is_taken_away_is_missed_by_name_and_put_back(committed):
    expected = guards.expected(connection.vendor)
    assert len(expected) >= 4
    with owner():
        for guard in expected:
            with connection.cursor() as cursor:
                cursor.execute(drop(guard))
            assert guards.missing(connection) == [guard]
            guards.install(connection)
            assert guards.missing(connection) == []


def test_a_missing_guard_is_an_error_of_the_check(committed):
    as_owner(drop(guards.expected(connection.vendor)[-1]))
    assert found("saas.E013", "saas.E021") == ["saas.E013"]


def test_a_reference_to_another_tenants_table_has_a_guard_in_both_directions(db):
    names = {g.name for g in guards.expected(connection.vendor) if g.table == "toy_note"}
    if connection.vendor == "postgresql":
        assert names == {"tenant_rows", "toy_note_parent_id_same_tenant"}
    else:
        assert names == {f"toy_note_parent_id_same_tenant_{act}" for act in ("insert", "update")}


@on_postgresql
@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE toy_note DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE toy_note NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE audit_auditentry DISABLE TRIGGER USER",
        "ALTER TABLE audit_auditentry ENABLE REPLICA TRIGGER audit_auditentry_no_update",
        """ALTER TABLE toy_note DROP CONSTRAINT toy_note_parent_id_same_tenant;
           ALTER TABLE toy_note ADD CONSTRAINT toy_note_parent_id_same_tenant
           FOREIGN KEY (tenant_id, parent_id) REFERENCES toy_note (tenant_id, id) NOT VALID""",
        "ALTER FUNCTION saas_prove_key(text, timestamptz) SECURITY DEFINER",
        "ALTER FUNCTION saas_prove_key(text, timestamptz) RESET search_path",
        "ALTER FUNCTION saas_prove_token(text, timestamptz) SET search_path = pg_temp, public",
    ],
)
def test_a_guard_that_stands_but_does_not_work_is_missing_and_the_next_migrate_mends_it(
    committed, sql
):
    as_owner(sql)
    assert found("saas.E013") == ["saas.E013"]
    call_command("migrate", verbosity=0)
    assert guards.missing(connection) == []


@on_postgresql
def test_a_look_up_that_forgets_one_condition_is_missing(committed, monkeypatch):
    """The text is that of the queryset, so another `usable()` is another function."""
    usable, standing = UsableKeys.usable, guards.expected("postgresql")
    monkeypatch.setattr(
        UsableKeys, "usable", lambda self, at: usable(self, at).filter(last_used_at=None)
    )
    [gone] = guards.missing(connection)
    assert gone not in standing
    monkeypatch.undo()
    as_owner(gone.statements[0], gone.statements[1])
    assert [guard.name[:14] for guard in guards.missing(connection)] == ["saas_prove_key"]
    call_command("migrate", verbosity=0)
    assert guards.missing(connection) == []


@on_postgresql
def test_the_serving_role_cannot_change_how_a_credential_is_looked_up(committed):
    for sql in (
        "CREATE OR REPLACE FUNCTION saas_prove_key(text, timestamptz) RETURNS void LANGUAGE sql "
        "AS 'SELECT 1'",
        "DROP FUNCTION saas_prove_key(text, timestamptz)",
        "ALTER FUNCTION saas_prove_key(text, timestamptz) RESET search_path",
        "CREATE FUNCTION saas_prove_key(text, text) RETURNS void LANGUAGE sql AS 'SELECT 1'",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            in_database(None, sql)


@on_postgresql
def test_a_policy_that_nobody_declared_is_an_error(committed):
    as_owner("CREATE POLICY everyone ON toy_note USING (true)")
    assert guards.unexpected(connection) == [("toy_note", "everyone")]
    assert found("saas.E013", "saas.E021") == ["saas.E021"]


@on_sqlite
def test_a_rebuilt_table_loses_its_triggers_and_the_next_migrate_gives_them_back(committed):
    from tests.toy.models import Note

    with connection.schema_editor() as editor:
        editor.alter_field(Note, Note._meta.get_field("title"), Note._meta.get_field("title"))
        editor._remake_table(Note)  # type: ignore[attr-defined]  # of SQLite's editor alone
    assert found("saas.E013") == ["saas.E013"]
    call_command("migrate", verbosity=0)
    assert guards.missing(connection) == []


def test_before_its_table_exists_a_guard_is_not_missed(committed):
    as_owner("DROP TABLE toy_note")
    assert guards.missing(connection) == []


def test_migrate_runs_as_the_owner_and_gives_the_connection_back(committed):
    before = connection.settings_dict["USER"]
    call_command("migrate", verbosity=0)
    assert connection.settings_dict["USER"] == before
    assert MigrationRecorder(connection).applied_migrations()
