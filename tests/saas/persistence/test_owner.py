"""Row security does not bind the mighty, so the mighty do not serve."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import override_settings

from saas.persistence.owner import FAULTS, acting_as_owner, refuse_powerful_role
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.practice("AUTHZ-02"), pytest.mark.practice("AUTHZ-08")]


def judged(role="current_user"):
    """Superuser, BYPASSRLS, owner of tables: as the look-up finds a role."""
    with connection.cursor() as cursor:
        cursor.execute(FAULTS.replace("current_user", role))
        return cursor.fetchone()


@on_postgresql
def test_the_serving_role_is_neither_superuser_nor_owner_nor_above_row_security(db):
    assert judged() == (False, False, False)
    refuse_powerful_role(connection)


@on_postgresql
def test_the_look_up_knows_a_superuser_and_an_owner_when_it_sees_one(db, settings):
    assert judged("(SELECT rolname FROM pg_roles WHERE oid = 10)")[:2] == (True, True)
    assert judged(f"'{settings.DATABASE_OWNER['USER']}'") == (False, False, True)


@on_postgresql
def test_production_refuses_to_serve_as_the_owner(committed, settings):
    owner = settings.DATABASE_OWNER
    with (
        override_settings(DATABASE_OWNER=None, SAAS_ROLE_CHECK="refuse"),
        pytest.raises(ImproperlyConfigured, match=r"owner of tables.*create_roles"),
        acting_as_owner(connection, owner),
    ):
        connection.ensure_connection()


@on_postgresql
def test_development_with_one_role_is_warned_and_goes_on(committed, settings, caplog):
    owner = settings.DATABASE_OWNER
    with (
        override_settings(DATABASE_OWNER=None, SAAS_ROLE_CHECK="warn"),
        acting_as_owner(connection, owner),
    ):
        connection.ensure_connection()
    assert "row security does not bind it" in caplog.text


@on_postgresql
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((True, False, False), "superuser"),
        ((False, True, False), "BYPASSRLS"),
        ((True, True, True), "superuser, BYPASSRLS, owner of tables"),
    ],
)
def test_each_power_is_named(db, settings, monkeypatch, row, words):
    sql = "SELECT {}, {}, {}".format(*(str(power).lower() for power in row))
    monkeypatch.setattr("saas.persistence.owner.FAULTS", sql)
    settings.SAAS_ROLE_CHECK = "refuse"
    with pytest.raises(ImproperlyConfigured, match=f"role is {words}: row security"):
        refuse_powerful_role(connection)


@on_postgresql
def test_the_owner_may_migrate_while_another_serves(committed, settings):
    settings.SAAS_ROLE_CHECK = "refuse"
    with acting_as_owner(connection, settings.DATABASE_OWNER):
        assert judged() == (False, False, True)
    assert judged() == (False, False, False)


@on_postgresql
def test_a_fault_gives_the_serving_role_back_too(committed, settings):
    with pytest.raises(ZeroDivisionError), acting_as_owner(connection, settings.DATABASE_OWNER):
        raise ZeroDivisionError
    assert judged() == (False, False, False)


@pytest.mark.core
def test_base_settings_refuse_and_only_development_warns():
    from config.settings import base

    assert base.SAAS_ROLE_CHECK == "refuse"
