"""Two walls around every tenant: each is taken away in turn, and the other still stands alone."""

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, models
from django.db.models import QuerySet

from saas.persistence import guards
from saas.persistence.guards import postgresql
from saas.persistence.tenant import TenantManager, TenantModel
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.saas.walls import as_owner, in_database, write
from tests.saas.wire import on_postgresql, refused
from tests.toy.models import Note

pytestmark = [on_postgresql, pytest.mark.practice("AUTHZ-02")]

ROWS: QuerySet[Note] = QuerySet(Note)  # past the manager: only the second wall is left


@pytest.fixture
def two(committed):
    """Acme and Globex with a note each, and Globex's note."""
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    write(acme, "ours")
    return acme, globex, write(globex, "theirs", body="private")


@pytest.fixture
def manager_gone(monkeypatch):
    """The first wall taken away: the manager filters nothing any more."""
    monkeypatch.setattr(TenantManager, "get_queryset", models.Manager.get_queryset)


def seen_over_http(acme, note):
    """The titles that Acme's owner can get hold of by list, row, change and removal."""
    found = [row["title"] for row in acme.owner.get("notes").json()["results"]]
    for method, body in (("GET", None), ("PATCH", {"title": "taken"}), ("DELETE", None)):
        answer = acme.owner.call(method, f"notes/{note.pk}", body, **{"If-Match": '"1-x"'})
        if answer.status_code != 404:
            found.append(f"{method} {answer.status_code}")
    return found


def test_with_both_walls_acme_sees_its_own(two):
    acme, _, theirs = two
    assert seen_over_http(acme, theirs) == ["ours"]


def test_without_the_managers_filter_row_security_still_hides(two, manager_gone):
    acme, globex, theirs = two
    assert seen_over_http(acme, theirs) == ["ours"]
    assert list(Note.objects.all()) == []  # nobody raises any more, and still nothing shows
    with bind(globex.id):
        assert [note.title for note in Note.objects.all()] == ["theirs"]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE toy_note DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE toy_note NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_rows ON toy_note; ALTER TABLE toy_note DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY everyone ON toy_note USING (true)",
    ],
)
def test_without_row_security_the_manager_still_hides(two, sql):
    acme, _, theirs = two
    as_owner(sql)
    assert seen_over_http(acme, theirs) == ["ours"]
    assert guards.missing(connection) or guards.unexpected(connection)


def test_a_table_without_its_policy_shows_nothing_at_all(two):
    acme, _, theirs = two
    as_owner("DROP POLICY tenant_rows ON toy_note")
    assert seen_over_http(acme, theirs) == []
    assert [guard.name for guard in guards.missing(connection)] == ["tenant_rows"]


def test_without_both_there_is_a_leak_so_these_tests_would_see_one(two, manager_gone):
    acme, _, theirs = two
    as_owner("ALTER TABLE toy_note DISABLE ROW LEVEL SECURITY")
    assert sorted(seen_over_http(acme, theirs))[-2:] == ["ours", "theirs"]


def test_raw_sql_sees_and_changes_the_told_tenant_alone(two):
    acme, globex, theirs = two
    assert in_database(None, "SELECT title FROM toy_note") == []
    assert in_database(acme, "SELECT title FROM toy_note") == [("ours",)]
    assert in_database(acme, "UPDATE toy_note SET title = 'x' WHERE id = %s", theirs.pk) == [0]
    assert in_database(acme, "DELETE FROM toy_note WHERE id = %s", theirs.pk) == [0]
    moved = "UPDATE toy_note SET tenant_id = %s WHERE title = 'ours'"
    with pytest.raises(ProgrammingError, match="row-level security"):
        in_database(acme, moved, globex.id)
    inserted = """
        INSERT INTO toy_note (id, tenant_id, title, created_at, version)
        VALUES (gen_random_uuid(), %s, 'planted', now(), 1)
    """
    for told in (acme, None):
        with pytest.raises(ProgrammingError, match="row-level security"):
            in_database(told, inserted, globex.id)
    assert in_database(globex, "SELECT title FROM toy_note") == [("theirs",)]


@pytest.mark.parametrize(
    "forged", ["", " ", "null", "not a uuid", "00000000-0000-0000-0000-000000000000"]
)
def test_a_forged_tenant_shows_nothing_or_fails(two, forged):  # fmt: skip
    told = "SELECT set_config('app.tenant', %s, true), (SELECT count(*) FROM toy_note)"
    try:
        assert in_database(None, told, forged)[0][1] == 0
    except Exception as fault:
        assert "invalid input syntax for type uuid" in str(fault)  # noqa: PT017  # either will do


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE toy_note DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_rows ON toy_note",
        "CREATE POLICY everyone ON toy_note USING (true)",
        "DROP TABLE toy_note",
        "TRUNCATE toy_note",
        "SET ROLE strongroom_owner",
        "CREATE TABLE mine ()",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('toy', '0002', now())",
        "SET session_replication_role = replica",
    ],
)
def test_the_serving_role_cannot_take_the_wall_down(two, sql):
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        in_database(two[0], sql)


def test_every_tenants_table_has_its_forced_policy(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        forced = {name for (name,) in cursor.fetchall()}
    owned = {model._meta.db_table for model in apps.get_models()
             if issubclass(model, TenantModel)}  # fmt: skip
    assert len(owned) > 5
    assert owned | {"organizations_organization", "persistence_outboxentry"} == forced


def test_no_policy_hides_its_value_from_the_planner(db):
    """Inside (SELECT …) the setting would be a sub-plan, and every list a walk of the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, policyname, qual, with_check FROM pg_policies")
        policies = cursor.fetchall()
    assert len(policies) > 5
    for table, name, *conditions in policies:
        for condition in filter(None, conditions):
            assert "select" not in condition.lower(), (table, name)
    assert "select" not in postgresql.BOUND.lower()


def test_a_refusal_behind_the_wall_reads_like_any_other(two):
    acme, _, theirs = two
    refused(acme.owner.get(f"notes/{theirs.pk}"), 404, "not-found")
